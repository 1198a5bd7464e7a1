"""The two clocks: monotonic nanoseconds drive every machine, the wall clock is an offset to it."""

from __future__ import annotations

import time

STEP_NS = 50_000_000  # a smaller difference is drift that NTP slews, not a step


class Clock:
    """Reads the clocks; `stepped()` tells when the wall clock was moved."""

    def __init__(self) -> None:
        self.offset_ns = time.time_ns() - time.monotonic_ns()

    @staticmethod
    def now_ns() -> int:
        """Monotonic nanoseconds."""
        return time.monotonic_ns()

    def wall_ms(self) -> int:
        """Unix milliseconds, consistent with the offset that the machines were told."""
        return (time.monotonic_ns() + self.offset_ns) // 1_000_000

    def stepped(self) -> bool:
        """Whether the offset changed by more than a drift; adopts the new one."""
        offset = time.time_ns() - time.monotonic_ns()
        if abs(offset - self.offset_ns) < STEP_NS:
            return False
        self.offset_ns = offset
        return True
