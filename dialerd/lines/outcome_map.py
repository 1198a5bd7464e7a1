"""From what a trunk said (SIP status, Q.850 cause) to the outcome of an attempt.

 Order of trust: a Q.850 cause (RFC 3326 Reason header) says more than the status that carries it,
except where gateways are known to send a default cause (16, 31, 127). Statuses follow RFC 3261
section 21 and RFC 3398 section 8.2.6. A trunk's own rules come before both, because gateways differ
and GSM gateways let their owners edit the mapping: 503 is "no free port" on one, "too fast" on
another, and out of order on a third.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from dialerd.core.line_spec import Trouble
from dialerd.core.records import Outcome

Q850: Mapping[int, Outcome] = MappingProxyType(
    {
        1: Outcome.INVALID,  # unallocated number
        2: Outcome.FAILED,  # no route to transit network
        3: Outcome.FAILED,  # no route to destination
        17: Outcome.BUSY,
        18: Outcome.NO_ANSWER,  # no user responding
        19: Outcome.NO_ANSWER,  # alerted, no answer
        20: Outcome.UNREACHABLE,  # subscriber absent: off or out of coverage
        21: Outcome.DECLINED,  # call rejected
        22: Outcome.INVALID,  # number changed
        27: Outcome.UNREACHABLE,  # destination out of order
        28: Outcome.INVALID,  # invalid number format
        34: Outcome.FAILED,  # no circuit available
        38: Outcome.FAILED,  # network out of order
        41: Outcome.FAILED,  # temporary failure
        42: Outcome.FAILED,  # switching equipment congestion
        44: Outcome.FAILED,  # requested circuit not available
        47: Outcome.FAILED,  # resource unavailable
        55: Outcome.DECLINED,  # incoming calls barred
        57: Outcome.FAILED,  # bearer capability not authorized
        88: Outcome.FAILED,  # incompatible destination
    }
)

STATUS: Mapping[int, Outcome] = MappingProxyType(
    {
        404: Outcome.INVALID,
        408: Outcome.NO_ANSWER,  # a 408 from the network; silence from the trunk itself has code 0
        410: Outcome.INVALID,
        480: Outcome.UNREACHABLE,
        484: Outcome.INVALID,
        485: Outcome.INVALID,
        486: Outcome.BUSY,
        487: Outcome.NO_ANSWER,  # ended before an answer
        600: Outcome.BUSY,
        603: Outcome.DECLINED,
        604: Outcome.INVALID,
        607: Outcome.DECLINED,  # unwanted (RFC 8197)
        608: Outcome.DECLINED,  # rejected (RFC 8688)
    }
)

# The trunk, not the called person, turned the call away: another trunk may carry it.
ADVANCE_STATUS = frozenset({0, 401, 403, 407, 429, 500, 501, 502, 503, 504, 513})
ADVANCE_Q850 = frozenset({2, 3, 34, 38, 41, 42, 44, 47})

FULL_Q850: Final = frozenset({34, 44})  # no circuit, or not the one that was asked for
TOO_FAST_STATUS: Final = frozenset({429})  # borrowed from HTTP by some carriers
GATEWAYS: Final = frozenset({"fxo_gateway", "gsm_gateway"})  # their 503: no free port


class Rule(msgspec.Struct, frozen=True):
    """One of a trunk's own: what an answer means. `another` None: as `trouble` suggests."""

    outcome: Outcome
    code: int = 0
    q850: int = 0
    phrase: str = ""
    early: bool | None = None
    trouble: Trouble = Trouble.NONE
    another: bool | None = None

    def fits(self, code: int, q850: int, phrase: str, *, early: bool) -> bool:
        """Whether it speaks of this answer; `phrase` in lower case."""
        return (
            (not self.code or self.code == code)
            and (not self.q850 or self.q850 == q850)
            and (not self.phrase or self.phrase.lower() in phrase)
            and (self.early is None or self.early == early)
        )


class Reading(NamedTuple):
    """What the end of a leg means."""

    outcome: Outcome
    advance: bool  # another trunk may be tried at once
    trouble: Trouble  # what it says of this one


class OutcomeMap:
    """One trunk's way of saying things."""

    __slots__ = ("_gateway", "_rules")

    def __init__(self, rules: Iterable[Rule] = (), kind: str = "sip") -> None:
        """The first rule that fits wins; then the tables of this file, with what `kind` changes."""
        self._rules = tuple(rules)
        self._gateway = kind in GATEWAYS

    def read(
        self, code: int, q850: int, phrase: str, *, alerted: bool, early: bool, by: str
    ) -> Reading:
        """The end of a leg that was not answered; `by` as in `sip.events.Ended`."""
        if self._rules and code and by == "them":
            said = phrase.lower()
            for rule in self._rules:
                if rule.fits(code, q850, said, early=early):
                    another = rule.trouble is not Trouble.NONE
                    if rule.another is not None:
                        another = rule.another
                    return Reading(rule.outcome, another and not alerted, rule.trouble)
        outcome = outcome_of(code, q850, answered=False)
        if by == "us":
            return Reading(outcome, False, Trouble.NONE)
        if not may_advance(code, q850, alerted=False, answered=False):
            return Reading(outcome, False, Trouble.NONE)
        if q850 in FULL_Q850 or (self._gateway and code == 503 and q850 not in ADVANCE_Q850):
            trouble = Trouble.FULL
        else:
            trouble = Trouble.TOO_FAST if code in TOO_FAST_STATUS else Trouble.FAULT
        if alerted:  # it did reach somebody
            return Reading(outcome, False, Trouble.NONE)
        return Reading(outcome, True, trouble)


def outcome_of(code: int, q850: int, *, answered: bool) -> Outcome:
    """The outcome of a leg that ended with this final status and cause; 0 stands for none."""
    if answered:
        return Outcome.ANSWERED
    if 200 <= code < 300:  # an answer that crossed our giving up: the line did what it should
        return Outcome.NO_ANSWER
    by_cause = Q850.get(q850)
    if by_cause is not None:
        return by_cause
    return STATUS.get(code, Outcome.FAILED)


def may_advance(code: int, q850: int, *, alerted: bool, answered: bool) -> bool:
    """Whether another trunk may be tried: the line failed, and nobody was alerted."""
    if alerted or answered or 200 <= code < 300:
        return False
    if q850 in ADVANCE_Q850:
        return True
    return code in ADVANCE_STATUS and q850 not in Q850
