"""What is due when, for all modems of a simulated bank: virtual time that somebody else moves.

The machines schedule what they will do; whoever drives them says what time it is. In a process that
is the monotonic clock, in a test whatever the test says.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

S = 1_000_000_000


class Due:
    """One thing that is due; `cancel` makes it never happen."""

    __slots__ = ("act",)

    def __init__(self, act: Callable[[], None]) -> None:
        """`act` is called once."""
        self.act: Callable[[], None] | None = act

    def cancel(self) -> None:
        """It will not happen; idempotent."""
        self.act = None


class Agenda:
    """A heap of things that are due."""

    def __init__(self, now_ns: int = 0) -> None:
        """`now_ns` is where time begins."""
        self.now_ns = now_ns
        self._heap: list[tuple[int, int, Due]] = []
        self._order = 0

    def after(self, seconds: float, act: Callable[[], None]) -> Due:
        """Call `act` so much later."""
        self._order += 1
        due = Due(act)
        heapq.heappush(self._heap, (self.now_ns + max(0, int(seconds * S)), self._order, due))
        return due

    def deadline_ns(self) -> int | None:
        """When `run` has something to do; None: never by itself."""
        while self._heap and self._heap[0][2].act is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run(self, now_ns: int) -> None:
        """Time moves on to `now_ns`; everything due on the way happens at its own moment."""
        while self._heap and self._heap[0][0] <= now_ns:
            when_ns, _, due = heapq.heappop(self._heap)
            self.now_ns = max(self.now_ns, when_ns)
            if due.act is not None:
                act, due.act = due.act, None
                act()
        self.now_ns = max(self.now_ns, now_ns)
