"""What is heard in one stream, without socket or clock."""

from typing import Final, final

from typing_extensions import Buffer

DIGITS: Final = "0123456789*#ABCD"
VERDICTS: Final[tuple[str, ...]]

@final
class RtpReceiver:
    """One stream's receiver as the media thread runs it, for tests and tools."""

    def connect(self, host: str, port: int, event_type: int = -1) -> None:
        """Learn a peer anew from its SDP address."""

    def packet(self, data: Buffer, source: tuple[str, int], at_ns: int) -> str:
        """Judge one datagram: one of VERDICTS."""

    def tick(self, now_ns: int) -> None:
        """Tell a digit whose end was lost."""

    def digits(self) -> list[tuple[str, int]]:
        """Take the digits told so far, each with the arrival of its first packet in ns."""

    @property
    def peer(self) -> tuple[str, int]:
        """Whom we would send to."""

    @property
    def locked(self) -> bool:
        """Whether the latch has closed."""

    @property
    def jitter_ms(self) -> float:
        """RFC 3550 A.8 of the source heard last."""

    def counts(self) -> dict[str, int]:
        """Packets by what became of them."""

__pyx_capi__: dict[str, object]
