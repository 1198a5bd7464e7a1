"""The two clocks: monotonic nanoseconds drive every machine, the wall clock is an offset to it."""

from __future__ import annotations

import time

STEP_NS = 50_000_000  # a smaller difference is drift that NTP slews, not a step


class Clock:
    """Reads the clocks; `stepped()` tells when the wall clock was moved."""

    def __init__(self) -> None:
        self.offset_ns = time.time_ns() - time.monotonic_ns()
        self._first_ns = self.offset_ns - _suspended_ns()

    @staticmethod
    def now_ns() -> int:
        """Monotonic nanoseconds."""
        return time.monotonic_ns()

    def wall_ms(self) -> int:
        """Unix milliseconds, consistent with the offset that the machines were told."""
        return (time.monotonic_ns() + self.offset_ns) // 1_000_000

    def ahead_ms(self) -> int:
        """By how much the wall clock was moved forward since the start, suspension not counted.

        Nobody knows whether it was wrong before or is now. A cap or a retry must not pass by it.
        """
        return max(0, self.offset_ns - _suspended_ns() - self._first_ns) // 1_000_000

    def stepped(self) -> bool:
        """Whether the offset changed by more than a drift; adopts the new one."""
        offset = time.time_ns() - time.monotonic_ns()
        if abs(offset - self.offset_ns) < STEP_NS:
            return False
        self.offset_ns = offset
        return True


def _suspended_ns() -> int:
    """How long the machine slept since it was booted: the monotonic clock stands still then."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
