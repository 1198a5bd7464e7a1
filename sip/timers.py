"""One heap of deadlines for all transactions and legs.

An owner has one due time, moved at will. It stands in the heap once in the common case: moving its
time later leaves the old entry, which is pushed on when it surfaces; only moving it earlier adds an
entry. So arming costs a comparison most of the time, and the heap is bounded by twice the number of
owners.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Protocol

from sip.limits import NEVER, TIMEOUT

# No entry stands further ahead than this: what is over must not be kept alive by a late deadline.
HORIZON = TIMEOUT


class Owner(Protocol):
    """Something that can be due. Both fields start as NEVER and belong to `Timers`."""

    due_ns: int
    armed_ns: int

    def tick(self, now_ns: int) -> None:
        """The due time has come; it is NEVER until armed again."""


class Timers:
    """A heap of (time, serial, owner)."""

    __slots__ = ("_heap", "_now_ns", "_serial")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Owner]] = []
        self._serial = 0
        self._now_ns = 0

    def arm(self, owner: Owner, due_ns: int) -> None:
        """Make `owner` due at `due_ns` instead of whenever it was; NEVER disarms it."""
        owner.due_ns = due_ns
        if due_ns < owner.armed_ns:
            at_ns = self._now_ns + HORIZON
            if due_ns < at_ns:  # noqa: PLR1730 - min() costs a call for every timer of every message
                at_ns = due_ns
            owner.armed_ns = at_ns
            self._serial += 1
            heappush(self._heap, (at_ns, self._serial, owner))

    def deadline_ns(self) -> int | None:
        """No owner is due before this; it may be early, never late."""
        return self._heap[0][0] if self._heap else None

    def tick(self, now_ns: int) -> None:
        """Wake every owner that is due."""
        heap = self._heap
        self._now_ns = now_ns
        while heap and heap[0][0] <= now_ns:
            at_ns, _, owner = heappop(heap)
            if at_ns != owner.armed_ns:
                continue  # an earlier entry of the same owner has taken over
            owner.armed_ns = NEVER
            due_ns = owner.due_ns
            if due_ns <= now_ns:
                owner.due_ns = NEVER
                owner.tick(now_ns)
            elif due_ns != NEVER:
                self.arm(owner, due_ns)

    def __len__(self) -> int:
        return len(self._heap)
