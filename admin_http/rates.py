"""How many requests whoever asks may make: a token bucket each, in bounded memory.

A bucket that nobody has drawn from for so long that it is full again is forgotten; of very many the
one that was used least recently goes, which gives its owner a full one: the limit then yields, the
memory does not.
"""

from __future__ import annotations

import math
from collections import OrderedDict

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """So many a second over time, and so many at once."""

    per_s: float
    burst: float


class Buckets:
    """The buckets of one kind of asker."""

    def __init__(self, rate: Rate, askers_max: int) -> None:
        """At most `askers_max` are remembered."""
        self._rate = rate
        self._askers_max = askers_max
        self._left: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._left)

    def take(self, asker: str, now_ns: int) -> int:
        """Draw one; 0, or in how many seconds there is one again."""
        rate = self._rate
        left, at_ns = self._left.pop(asker, (rate.burst, now_ns))
        left = min(rate.burst, left + (now_ns - at_ns) / 1e9 * rate.per_s)
        wait_s = 0
        if left >= 1.0:
            left -= 1.0
        else:
            wait_s = max(1, math.ceil((1.0 - left) / rate.per_s))
        self._left[asker] = left, now_ns
        self._forget(now_ns)
        return wait_s

    def _forget(self, now_ns: int) -> None:
        """The oldest two at most, so that no request pays for many."""
        full_ns = int(self._rate.burst / self._rate.per_s * 1e9)
        for _ in range(2):
            oldest = next(iter(self._left), None)
            if oldest is None:
                return
            if len(self._left) > self._askers_max or now_ns - self._left[oldest][1] > full_ns:
                del self._left[oldest]
