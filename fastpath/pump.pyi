"""The pump of modem audio: the engine's streams reach it from Cython (see pump.pxd)."""

from typing import final

from typing_extensions import Buffer

__pyx_capi__: dict[str, object]

@final
class RtpPump:
    """What is said to a device, by itself, with the time as an argument."""

    def say(self, fd: int, audio: Buffer, now_ns: int) -> tuple[int, int]:
        """160 octets of PCMU to a descriptor that never blocks.

        Returned are how many bytes wait for it, and how often it must have run dry. ValueError for
        another size.
        """
