"""SRTP of one stream of the media engine: both directions."""

from typing import Self, final

from fastpath.srtp_keys import SrtpKeys

@final
class KeyPair:
    """Keys of both directions, as MediaEngine.secure uses them."""

    def __new__(cls, sending: SrtpKeys, receiving: SrtpKeys) -> Self:
        """ValueError for keys of no suite; OSError when libcrypto.so.3 is missing."""

__pyx_capi__: dict[str, object]
