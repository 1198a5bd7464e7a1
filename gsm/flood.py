"""How much of what a modem says is listened to, so that one that floods costs next to nothing.

A bucket of bytes that fills at a steady rate. A listing of all stored texts fits into it; while a
file is fetched nothing is counted.
"""

from __future__ import annotations

from gsm.limits import FLOOD_BURST, FLOOD_RATE, FLOOD_TURNS, SECOND


class Flood:
    """Of one port, over all its openings."""

    __slots__ = ("_at_ns", "_left", "turns")

    def __init__(self) -> None:
        """A full bucket."""
        self._left = float(FLOOD_BURST)
        self._at_ns = 0
        self.turns = 0  # in a row in which it was empty

    def heard(self, count: int, now_ns: int) -> bool:
        """So many bytes came. Whether nothing more is to be read for a second."""
        if self._at_ns:
            fresh = (now_ns - self._at_ns) * FLOOD_RATE / SECOND
            self._left = min(FLOOD_BURST, self._left + fresh)
        self._at_ns = now_ns
        self._left -= count
        if self._left > FLOOD_BURST / 2:
            self.turns = 0
        if self._left > 0:
            return False
        self._left = 0.0
        self.turns += 1
        return True

    @property
    def hopeless(self) -> bool:
        """Whether it has been empty for so long that the port is given up for a time."""
        return self.turns >= FLOOD_TURNS
