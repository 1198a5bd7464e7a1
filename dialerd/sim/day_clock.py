"""Virtual time: what happens when, in one heap; nothing sleeps.

Two clocks are told apart: `true_ms` is the world's own, by which carriers write their ledgers;
`wall_ns` is the machine's, which somebody may set wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Final

from dialerd.core.clock import NEVER

NS: Final = 1_000_000_000
BOOTED_NS: Final = 5_000 * NS  # monotonic clocks do not begin at 0


class VirtualClock:
    """Monotonic time, the wall clock as an offset to it, and what is due.

    Attributes:
        now_ns: monotonic.
        offset_ns: of the machine's wall clock.
        true_offset_ns: of the world's time.
        steps: (monotonic ns, the wall clock's offset from then on), the first from the beginning.
    """

    __slots__ = ("_heap", "_order", "now_ns", "offset_ns", "steps", "true_offset_ns")

    def __init__(self, wall_ns: int) -> None:
        """It is `wall_ns` (Unix nanoseconds), and nothing is due."""
        self.now_ns = BOOTED_NS
        self.offset_ns = self.true_offset_ns = wall_ns - BOOTED_NS
        self.steps = [(BOOTED_NS, self.offset_ns)]
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = 0

    @property
    def true_ms(self) -> int:
        """Unix milliseconds, really."""
        return (self.now_ns + self.true_offset_ns) // 1_000_000

    def step(self, by_ns: int) -> None:
        """Somebody sets the wall clock."""
        self.offset_ns += by_ns
        self.steps.append((self.now_ns, self.offset_ns))

    def after(self, seconds: float, work: Callable[..., None], *args: Any) -> None:
        """`work` is due in so many seconds; what is due at one moment keeps its order."""
        self.at(self.now_ns + round(seconds * NS), work, *args)

    def at(self, when_ns: int, work: Callable[..., None], *args: Any) -> None:
        """The same by the time itself."""
        self._order += 1
        heappush(self._heap, (when_ns, self._order, work, args))

    def due_ns(self) -> int:
        """When the next thing happens; NEVER when nothing will."""
        return self._heap[0][0] if self._heap else NEVER

    def run_next(self) -> None:
        """Let time go on to the next thing that is due, and do it."""
        when_ns, _, work, args = heappop(self._heap)
        self.now_ns = max(self.now_ns, when_ns)
        work(*args)
