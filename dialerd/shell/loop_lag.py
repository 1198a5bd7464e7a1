"""How late the event loop is: a timer that is due every 20 ms, and by how much it was late.

Whatever holds the loop up holds up every call by the same time, so this is the one figure that says
whether the core process keeps up.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from typing import Final

PERIOD_S: Final = 0.02  # a frame of audio
# Upper edges of the bins, in us. The loop's own clock knows whole milliseconds: another is read.
EDGES_US: Final = (
    100, 200, 300, 500, 700, 1_000, 1_400, 2_000, 3_000, 5_000, 7_000, 10_000, 14_000, 20_000,
    50_000, 100_000, 200_000, 500_000, 1_000_000,
)  # fmt: skip


class LoopLag:
    """Counts since `start`."""

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self._bins = [0] * (len(EDGES_US) + 1)
        self._sum_s = 0.0
        self._max_s = 0.0
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Measure the running loop from now on."""
        self._wait(asyncio.get_running_loop())

    def close(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self.count(max(0.0, time.monotonic() - self._due_s))
        self._wait(loop)

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due_s = time.monotonic() + PERIOD_S
        self._timer = loop.call_later(PERIOD_S, self._look, loop)

    def count(self, late_s: float) -> None:
        """One turn that came so late."""
        self._bins[bisect_left(EDGES_US, late_s * 1e6)] += 1
        self._sum_s += late_s
        self._max_s = max(self._max_s, late_s)

    def figures(self) -> dict[str, float]:
        """How many turns were at most so many us late, all of them, and seconds (sum, longest)."""
        found: dict[str, float] = {}
        seen = 0
        for edge_us, count in zip(EDGES_US, self._bins, strict=False):
            seen += count
            found[f"lag_le_{edge_us}_us"] = seen
        return found | {
            "lag_count": seen + self._bins[-1],
            "lag_s_sum": self._sum_s,
            "lag_s_max": self._max_s,
        }
