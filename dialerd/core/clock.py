"""Wall-clock time inside machines that only know monotonic time."""

from __future__ import annotations

from typing import Final

NEVER: Final = 1 << 62  # a deadline that is none


class WallClock:
    """The wall clock as an offset to the monotonic one, shared by all calls of a dialer."""

    __slots__ = ("known", "offset_ns")

    def __init__(self, offset_ns: int | None = None) -> None:
        """`offset_ns` None: not told yet."""
        self.known = offset_ns is not None
        self.offset_ns = offset_ns or 0

    def step(self, offset_ns: int) -> None:
        """Wall = monotonic + `offset_ns` from now on."""
        self.known = True
        self.offset_ns = offset_ns

    def ms(self, now_ns: int) -> int:
        """Unix milliseconds at the monotonic time `now_ns`."""
        return (now_ns + self.offset_ns) // 1_000_000
