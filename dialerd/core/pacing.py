"""How fast calls may be started: an exact limit per second, spaced evenly.

Two rules, both kept to the nanosecond:
- never more than `rate` calls in any window of one second (the last `rate` start times are kept,
  and a call may start only when the oldest of them is a second old);
- calls are spaced 1/rate apart. What a stall of the process swallowed is made up for only as far as
  `CATCH_UP_NS`, so that a stall of three seconds is not followed by three seconds' calls at once.

A call that is decided may leave later (its record must be durable first), and many may leave at
once when a slow disk catches up. So a start can be left open: its slot blocks until `left` tells
when the call really left, and then the limit holds for the moments that a carrier sees.

A rate that is not whole keeps the window's rule: at most floor(rate) in any second; a rate below
one allows one call in 1/rate seconds. A rate of 0 binds nothing.
"""

from __future__ import annotations

from typing import Final

from dialerd.core.clock import NEVER
from dialerd.core.limits import CATCH_UP_NS

NS: Final = 1_000_000_000
_LONG_AGO: Final = -(1 << 62)


class RateLimit:
    """One rate. `ready_ns` is when the next call may start; the owner may read it at any time."""

    __slots__ = (
        "_gap_ns",
        "_head",
        "_next_ns",
        "_older",
        "_times",
        "_window_ns",
        "rate",
        "ready_ns",
    )

    def __init__(self, rate: float, margin_ns: int = 0) -> None:
        """At most `rate` calls a second; `margin_ns` is added to the window of one second."""
        self.rate = rate
        self.ready_ns = _LONG_AGO
        self._next_ns = _LONG_AGO
        self._head = 0
        self._older: list[int] = []  # starts that a lower rate has no slot for, oldest first
        slots = max(1, int(rate)) if rate > 0 else 0
        self._times = [_LONG_AGO] * slots
        self._gap_ns = round(NS / rate) if rate > 0 else 0
        self._window_ns = max(NS, self._gap_ns * slots if slots == 1 else NS) + margin_ns

    def take(self, now_ns: int, *, left: bool = True) -> int:
        """A call starts at `now_ns`, which is not before `ready_ns`.

        Returns:
            Its slot, for `left` when it has not left yet.
        """
        times = self._times
        if not times:
            return 0
        head = self._head
        times[head] = now_ns if left else NEVER
        self._head = head = head + 1 if head + 1 < len(times) else 0
        first = self._next_ns == _LONG_AGO  # nothing to make up for: no burst at the start
        due_ns = now_ns if first else max(self._next_ns, now_ns - CATCH_UP_NS)
        self._next_ns = due_ns + self._gap_ns
        self.ready_ns = max(self._next_ns, times[head] + self._window_ns)
        return head - 1 if head else len(times) - 1

    def left(self, slot: int, at_ns: int) -> None:
        """The call of an open slot left at `at_ns`, or will never leave."""
        times = self._times
        if times and times[slot] == NEVER:
            times[slot] = at_ns
            self.ready_ns = max(self._next_ns, times[self._head] + self._window_ns)

    def resized(self, rate: float, margin_ns: int = 0) -> RateLimit:
        """The same history under another rate: a change of rate opens no burst."""
        changed = RateLimit(rate, margin_ns)
        slots = len(changed._times)
        history = [
            min(at_ns, self._next_ns)  # one that is open will not be closed here any more
            for at_ns in self._older + self._times[self._head :] + self._times[: self._head]
            if at_ns > _LONG_AGO
        ]
        if not slots or not history:
            return changed
        for at_ns in history[-slots:]:
            changed.take(at_ns)
        oldest_ns = history[-1] - changed._window_ns
        changed._older = [at_ns for at_ns in history[:-slots] if at_ns > oldest_ns]
        return changed
