"""The pace of a trunk that says it is called too fast: halved at once, raised again in small steps.

Additive increase, multiplicative decrease, as TCP finds its share of a line (Chiu and Jain 1989):
the configured calls per second are the ceiling, a tenth of them (or one in two seconds) the floor.
Several complaints within `TOO_FAST_HOLD_S` count once, for they speak of calls of the same pace; in
that time nothing is dialed, so that a carrier that counts seconds begins a new one.
"""

from __future__ import annotations

from typing import Final

from dialerd.core.limits import (
    CPS_MARGIN_NS,
    RAISE_GAP_S,
    RAISE_SHARE,
    RATE_FLOOR,
    RATE_SHARE_MIN,
    TOO_FAST_HOLD_S,
)
from dialerd.core.pacing import NS, RateLimit

_LONG_AGO: Final = -(1 << 62)


class Pace:
    """Calls a second of one trunk. `limit` is what a choice reads; it is replaced at a change."""

    __slots__ = ("_raise_ns", "cap", "limit", "pause_ns", "rate", "slowed")

    def __init__(self, cap: float, channels: int) -> None:
        """`cap` calls a second at most; 0: no limit until the trunk complains."""
        self.limit = RateLimit(cap, CPS_MARGIN_NS)
        self.cap = cap
        self.rate = cap
        self.slowed = 0  # how often
        self.pause_ns = _LONG_AGO  # until then it takes no call
        self._raise_ns = _LONG_AGO
        self.configure(cap, channels)

    def configure(self, cap: float, channels: int) -> None:
        """Another ceiling; what was learned below it stays."""
        if cap == self.cap:
            return
        lowered = self.lowered
        self.cap = cap
        self._set(min(self.rate, cap or channels) if lowered else cap)

    @property
    def lowered(self) -> bool:
        """Whether it is below its ceiling."""
        return self.rate != self.cap

    def slow(self, now_ns: int, channels: int) -> bool:
        """The trunk says it is called too fast; whether that lowered the rate."""
        self._raise_ns = now_ns + RAISE_GAP_S * NS
        if now_ns < self.pause_ns:
            return False
        self.pause_ns = now_ns + TOO_FAST_HOLD_S * NS
        ceiling = self.cap or float(max(1, channels))
        lowest = min(ceiling, max(RATE_FLOOR, ceiling * RATE_SHARE_MIN))
        rate = max(lowest, (self.rate or ceiling) / 2)
        self.slowed += 1
        if rate == self.rate:
            return False
        self._set(rate)
        return True

    def take(self, now_ns: int, channels: int, *, left: bool) -> int:
        """A call starts; see `RateLimit.take`. Time without a complaint raises the rate first."""
        if self.rate != self.cap and now_ns >= self._raise_ns:
            self._recover(now_ns, channels)
        return self.limit.take(now_ns, left=left)

    def _recover(self, now_ns: int, channels: int) -> None:
        ceiling = self.cap or float(max(1, channels))
        rate = self.rate + ceiling * RAISE_SHARE
        self._raise_ns = now_ns + RAISE_GAP_S * NS
        self._set(self.cap if rate >= ceiling else rate)

    def _set(self, rate: float) -> None:
        self.rate = rate
        self.limit = self.limit.resized(rate, CPS_MARGIN_NS)
