"""Turns that streams missed since Python held them. Pure."""

from typing import final

__pyx_capi__: dict[str, object]

@final
class RtpTurns:
    """The turns of one media thread, by themselves."""

    def put(self, index: int, frame: int, due_ns: int) -> None:
        """Stream `index` missed its turn: the one before it that waits, if any, is given up."""

    def drop(self, index: int) -> None:
        """The stream was served."""

    def waiting(self) -> list[tuple[int, int, int]]:
        """Index, frame and time of the turns to be made up for, at most 64."""
