"""A circuit breaker: a line that fails again and again rests, and is tried with one call.

    CLOSED -> OPEN -> PROBING -> CLOSED

Rules:
1. `FAULTS_IN_A_ROW` failures without a success between them open it; each further opening without
   a success rests twice as long, up to `REST_S_MAX`.
2. A rest that the peer asked for (Retry-After) opens it for that time and lengthens nothing.
3. After its rest one call is let through (PROBING). It closes by the first sign that the line
   carries calls, and opens again by a failure.
4. Failures of calls that were under way when it opened say nothing new.
5. Silence ends early when the peer is heard again (an answer to OPTIONS); refusals do not, for a
   peer that refuses calls may well answer OPTIONS.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from dialerd.core.clock import NEVER
from dialerd.core.limits import FAULTS_IN_A_ROW, REST_S_MAX, REST_S_MIN, RETRY_AFTER_S_MAX
from dialerd.core.pacing import NS

LONG_AGO: Final = -(1 << 62)


class BreakerState(StrEnum):
    """Whether a line takes calls."""

    CLOSED = "closed"  # it does
    OPEN = "open"  # it rests
    PROBING = "probing"  # one call at a time, until one gets through


CLOSED, OPEN, PROBING = BreakerState

# (state, what happened) -> the states it may lead to; anything else changes nothing.
MOVES: Final[dict[tuple[BreakerState, str], tuple[BreakerState, ...]]] = {
    (CLOSED, "fault"): (CLOSED, OPEN),
    (CLOSED, "asked to rest"): (OPEN,),
    (OPEN, "asked to rest"): (OPEN,),
    (OPEN, "time"): (PROBING,),
    (OPEN, "heard again"): (PROBING,),
    (PROBING, "fault"): (OPEN,),
    (PROBING, "asked to rest"): (OPEN,),
    (PROBING, "success"): (CLOSED,),
}


class Breaker:
    """One line's. A choice reads `until_ns`, which must be over, and `trying`: must not be."""

    __slots__ = (
        "_silent", "faults", "opened", "reason", "rests", "since_ns", "state", "trying", "until_ns"
    )  # fmt: skip

    def __init__(self) -> None:
        """A line that nothing is known against."""
        self.state = CLOSED
        self.reason = ""
        self.since_ns = LONG_AGO
        self.until_ns = LONG_AGO
        self.trying = False
        self.faults = 0
        self.rests = 0
        self.opened = 0  # how often
        self._silent = False

    def begun(self, now_ns: int) -> bool:
        """A call starts on the line; whether that changed the state."""
        if self.state is OPEN and now_ns >= self.until_ns:
            self._move("time", PROBING, self.reason, now_ns)
            self.trying = True
            return True
        self.trying = self.state is PROBING
        return False

    def fault(self, reason: str, now_ns: int, *, silent: bool = False) -> bool:
        """A call failed before anybody was alerted; whether that opened it."""
        if self.state is OPEN:
            if now_ns < self.until_ns:
                return False  # rule 4
            self._move("time", PROBING, self.reason, now_ns)
        self.trying = False
        self.faults += 1
        if self.faults < FAULTS_IN_A_ROW and self.state is CLOSED:
            return False
        rest_s = min(REST_S_MAX, REST_S_MIN << min(self.rests, 6))
        self.rests += 1
        self.faults = FAULTS_IN_A_ROW - 1
        self._open("fault", reason, now_ns + rest_s * NS, now_ns, silent=silent)
        return True

    def rest(self, reason: str, seconds: int, now_ns: int) -> bool:
        """The peer asked not to be called for a time; whether that opened it."""
        self.trying = False
        until_ns = now_ns + min(seconds, RETRY_AFTER_S_MAX) * NS
        if self.state is OPEN and until_ns <= self.until_ns:
            return False
        was = self.state
        self._open("asked to rest", reason, until_ns, now_ns, silent=False)
        return was is not OPEN

    def success(self, now_ns: int) -> bool:
        """A call got through to somebody; whether that closed it."""
        self.faults = self.rests = 0
        self.trying = False
        if self.state is OPEN and now_ns >= self.until_ns:
            self._move("time", PROBING, self.reason, now_ns)
        if self.state is not PROBING:
            return False
        self._move("success", CLOSED, "", now_ns)
        return True

    def neutral(self) -> None:
        """A call ended that says nothing of the line: the next may be tried."""
        self.trying = False

    def heard_again(self, now_ns: int) -> bool:
        """The peer answered OPTIONS; whether that ended a rest (rule 5)."""
        if self.state is not OPEN or not self._silent:
            return False
        self.until_ns = now_ns
        self._move("heard again", PROBING, self.reason, now_ns)
        return True

    def state_at(self, now_ns: int) -> BreakerState:
        """Its state as a person sees it: a rest that is over is a wait for one call."""
        return PROBING if self.state is OPEN and now_ns >= self.until_ns else self.state

    def ready_ns(self) -> int:
        """When it next lets a call through; NEVER while one is tried."""
        return NEVER if self.trying else self.until_ns

    def _open(self, why: str, reason: str, until_ns: int, now_ns: int, *, silent: bool) -> None:
        self._silent = silent
        self.until_ns = until_ns
        self.opened += self.state is not OPEN
        self._move(why, OPEN, reason, now_ns)

    def _move(self, why: str, after: BreakerState, reason: str, now_ns: int) -> None:
        assert after in MOVES[self.state, why]  # noqa: S101 - the table is the machine
        self.since_ns = self.since_ns if self.state is after else now_ns
        self.state = after
        self.reason = reason
