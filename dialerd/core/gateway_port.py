"""One port of a gateway: a SIM or an analogue line, which carries one call at a time.

A port rests `gap_s` after each call, and longer and longer after `PORT_FAULTS` failures in a row;
it carries nothing when its plan's quota is used up. Which of those that may carry a number is
taken, `selection.py` says: mostly the one that talked least today, so that SIMs wear evenly.

The port of a modem bank is `away` while its modem cannot take a call, and says why. What it uses is
written in the books of its `account`, the SIM: they go with it to another port.
"""

from __future__ import annotations

from typing import Final

from dialerd.core.clock import NEVER
from dialerd.core.limits import (
    FULL_S_MAX,
    FULL_S_MIN,
    PORT_FAULTS,
    PORT_REST_S_MAX,
    PORT_REST_S_MIN,
)
from dialerd.core.line_spec import PlanSpec, PortSpec
from dialerd.core.metering import Days, Meter, longest_s
from dialerd.core.needs import Can
from dialerd.core.pacing import NS

_LONG_AGO: Final = -(1 << 62)


class Port:
    """Its use. `ready_ns` is when it may take a call; NEVER while it has one."""

    __slots__ = (
        "account", "answered", "away", "busy", "can", "faults", "meter", "name", "placed",
        "ready_ns", "reason", "rest_ns", "rests", "spec", "used_ns",
    )  # fmt: skip

    def __init__(self, spec: PortSpec, days: Days) -> None:
        """A port that nothing is known of."""
        self.name = spec.name
        self.spec = spec
        self.meter = Meter(spec.plan, days)
        self.account = ""  # whose books these are; empty: the port's own
        self.away = "nothing is known of it yet" if spec.watched else ""
        self.can: Can | None = None  # None: everything
        self.busy = False
        self.ready_ns = _LONG_AGO
        self.rest_ns = _LONG_AGO
        self.used_ns = _LONG_AGO
        self.faults = 0
        self.rests = 0
        self.reason = ""  # why it rests
        self.placed = 0
        self.answered = 0

    def configure(self, spec: PortSpec, days: Days, day: int) -> None:
        """New settings; what it does and what was learned of it stay."""
        self.spec = spec
        self.meter.configure(spec.plan, days, day)

    def told(self, away: str, account: str, days: Days) -> None:
        """Why its modem takes no call (empty: it does), and whose books `days` its use is in."""
        back, self.away = bool(self.away) and not away, away
        if account != self.account or back:  # its SIM may have been elsewhere meanwhile
            self.account = account
            self.meter.configure(self.spec.plan, days, self.meter.day)

    def take(self, now_ns: int) -> None:
        """A call starts on it."""
        self.busy = True
        self.ready_ns = NEVER
        self.used_ns = now_ns
        self.placed += 1
        self.meter.begin()

    def give_back(self, now_ns: int) -> None:
        """Its call has ended."""
        self.busy = False
        self.ready_ns = max(now_ns + self.spec.gap_s * NS, self.rest_ns)
        self.meter.end()

    def fault(self, reason: str, now_ns: int, rest_s: int = 0, *, full: bool = False) -> None:
        """It failed a call before anybody was alerted; `full`: it is in use by somebody else.

        `rest_s` is how long it asked to be left alone.
        """
        self.faults += 1
        if full:
            rest_s = max(rest_s, min(FULL_S_MAX, FULL_S_MIN << min(self.faults, 5)))
        elif self.faults >= PORT_FAULTS:
            rest_s = max(rest_s, min(PORT_REST_S_MAX, PORT_REST_S_MIN << min(self.rests, 6)))
            self.rests += 1
            self.faults = PORT_FAULTS - 1
        if rest_s:
            self.reason = reason
            self.rest_ns = now_ns + min(rest_s, PORT_REST_S_MAX) * NS
            if not self.busy:
                self.ready_ns = max(self.ready_ns, self.rest_ns)

    def success(self) -> None:
        """It got a call through."""
        self.faults = self.rests = 0
        self.reason = ""

    def why_not(self, now_ns: int) -> str:
        """Why it takes no call now; empty while it has one or may take one."""
        if self.busy:
            return ""
        if self.away:
            return self.away
        if self.ready_ns > now_ns:
            return f"rests after {self.reason}" if self.reason else "pauses after a call"
        return self.meter.blocked

    def longest_s(self, trunk: PlanSpec) -> int:
        """How long a call on it may last: its own plan, its trunk's, and what is left of both."""
        longest = min(longest_s(self.spec.plan), longest_s(trunk))
        left = self.meter.left()
        for seconds in (left.seconds_day, left.seconds_period):
            if seconds is not None:
                longest = min(longest, max(1, seconds))
        return longest
