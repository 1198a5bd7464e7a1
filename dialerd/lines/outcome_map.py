"""From what a trunk said (SIP status, Q.850 cause) to the outcome of an attempt.

 Order of trust: a Q.850 cause (RFC 3326 Reason header) says more than the status that carries it,
except where gateways are known to send a default cause (16, 31, 127). Statuses follow RFC 3261
section 21 and RFC 3398 section 8.2.6. Both tables can be overridden per trunk, because GSM gateways
let their owners edit the mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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
ADVANCE_STATUS = frozenset({0, 401, 403, 407, 500, 501, 502, 503, 504, 513})
ADVANCE_Q850 = frozenset({2, 3, 34, 38, 41, 42, 44, 47})


def outcome_of(code: int, q850: int, *, answered: bool) -> Outcome:
    """The outcome of a leg that ended with this final status and cause; 0 stands for none."""
    if answered:
        return Outcome.ANSWERED
    by_cause = Q850.get(q850)
    if by_cause is not None:
        return by_cause
    return STATUS.get(code, Outcome.FAILED)


def may_advance(code: int, q850: int, *, alerted: bool, answered: bool) -> bool:
    """Whether another trunk may be tried: the line failed, and nobody was alerted."""
    if alerted or answered:
        return False
    if q850 in ADVANCE_Q850:
        return True
    return code in ADVANCE_STATUS and q850 not in Q850
