"""What is said in one stream, a frame at a time, without socket or clock."""

from typing import Final

from typing_extensions import Buffer, disjoint_base

DIGITS: Final[str]

@disjoint_base
class RtpSender:
    """One stream's sender as the media thread runs it, for tests and tools."""

    def __init__(self, ssrc: int, seq: int, timestamp: int) -> None:
        """`timestamp` is that of frame 0."""

    def connect(
        self, payload_type: int, event_type: int = -1, *, law: int = -1, comfort: bool = True
    ) -> None:
        """Which payload types the peer agreed on."""

    def play(
        self,
        pcmu: Buffer | list[Buffer],
        pcma: Buffer | list[Buffer],
        token: int,
        loop: bool = False,
    ) -> None:
        """Play a prompt or a chain of them from the next frame on, instead of what plays."""

    def stop_play(self) -> None:
        """Stop what plays."""

    def pause(self, on: bool = True) -> None:
        """Send nothing from the next frame on, or go on; see MediaEngine.pause."""

    def send_digits(self, digits: str, token: int, on_ms: int = 100, gap_ms: int = 100) -> None:
        """Queue digits; see MediaEngine.send_digits."""

    def frame(self, number: int) -> tuple[list[bytes], list[tuple[str, int]]]:
        """The packets of one frame of 20 ms, and what ended: ("play" or "digits", token)."""

__pyx_capi__: dict[str, object]
