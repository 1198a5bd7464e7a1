"""How late the event loop is: a timer that is due every 20 ms, and by how much it was late.

Whatever holds the loop up holds up every call by the same time, so this is the one figure that says
whether the core process keeps up.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from typing import Final

PERIOD_S: Final = 0.02  # a frame of audio
EDGES_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)  # upper edges of the bins


class LoopLag:
    """Counts since `start`."""

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self._bins = [0] * (len(EDGES_MS) + 1)
        self._sum_s = 0.0
        self._max_s = 0.0
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Measure the running loop from now on."""
        loop = asyncio.get_running_loop()
        self._due_s = loop.time() + PERIOD_S
        self._timer = loop.call_at(self._due_s, self._look, loop)

    def close(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now_s = loop.time()
        self.count(max(0.0, now_s - self._due_s))
        self._due_s = now_s + PERIOD_S
        self._timer = loop.call_at(self._due_s, self._look, loop)

    def count(self, late_s: float) -> None:
        """One turn that came so late."""
        self._bins[bisect_left(EDGES_MS, late_s * 1000)] += 1
        self._sum_s += late_s
        self._max_s = max(self._max_s, late_s)

    def figures(self) -> dict[str, float]:
        """How many turns were at most so many ms late, all of them, and seconds (sum, longest)."""
        found: dict[str, float] = {}
        seen = 0
        for edge_ms, count in zip(EDGES_MS, self._bins, strict=False):
            seen += count
            found[f"lag_le_{edge_ms}_ms"] = seen
        return found | {
            "lag_count": seen + self._bins[-1],
            "lag_s_sum": self._sum_s,
            "lag_s_max": self._max_s,
        }
