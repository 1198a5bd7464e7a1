"""Why a call ended: Q.850 causes, result codes, a modem's own words, and how long it took.

What the network says in numbers holds first (24.008 10.5.4.11 has Q.850's values), then the
modem's words, then what the call's progress lets one guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gsm.dialect import CauseOf
from gsm.events import Cause
from gsm.limits import SECOND

Q850: Final[dict[int, Cause]] = {
    1: Cause.INVALID,  # unallocated number
    2: Cause.INVALID,  # no route to transit network
    3: Cause.INVALID,  # no route to destination
    6: Cause.NETWORK,
    8: Cause.BARRED,  # operator determined barring
    16: Cause.ANSWERED,  # normal clearing; before an answer it says nothing
    17: Cause.BUSY,
    18: Cause.UNREACHABLE,  # no user responding
    19: Cause.NO_ANSWER,
    20: Cause.UNREACHABLE,  # subscriber absent
    21: Cause.REJECTED,
    22: Cause.INVALID,  # number changed
    25: Cause.NETWORK,
    26: Cause.NETWORK,
    27: Cause.UNREACHABLE,  # destination out of order
    28: Cause.INVALID,  # number format
    29: Cause.NETWORK,  # facility rejected
    31: Cause.NETWORK,  # normal, unspecified: see `of_call`
    34: Cause.CONGESTION,
    38: Cause.NETWORK,
    41: Cause.NETWORK,
    42: Cause.CONGESTION,
    43: Cause.NETWORK,
    44: Cause.CONGESTION,
    47: Cause.CONGESTION,
    49: Cause.NETWORK,
    50: Cause.BARRED,  # facility not subscribed
    55: Cause.BARRED,  # incoming calls barred within the CUG
    57: Cause.BARRED,
    58: Cause.NETWORK,
    63: Cause.NETWORK,
    65: Cause.NETWORK,
    68: Cause.BARRED,  # ACM at its maximum: no credit
    69: Cause.NETWORK,
    79: Cause.NETWORK,
    87: Cause.BARRED,
    88: Cause.NETWORK,
    102: Cause.NETWORK,
    127: Cause.NETWORK,
}
UNTOLD: Final = frozenset({0, 16, 31, 127})  # codes that tell nothing of a call before its answer

RESULTS: Final[dict[str, Cause | None]] = {  # V.250 table 1; None: it ended, nobody says why
    "NO CARRIER": None,
    "BUSY": Cause.BUSY,
    "NO ANSWER": Cause.NO_ANSWER,
    "NO DIALTONE": Cause.NETWORK,
    "NO DIAL TONE": Cause.NETWORK,
    "BLACKLISTED": Cause.LOCAL,  # the module's own rule against calling again
    "DELAYED": Cause.LOCAL,
}
CME: Final[dict[int, Cause]] = {  # 27.007 9.2, of a refused ATD
    3: Cause.LOCAL, 4: Cause.LOCAL, 10: Cause.LOCAL, 11: Cause.LOCAL, 12: Cause.LOCAL,
    13: Cause.LOCAL, 14: Cause.LOCAL, 15: Cause.LOCAL, 30: Cause.NETWORK, 31: Cause.NETWORK,
    32: Cause.BARRED, 100: Cause.LOCAL,
}  # fmt: skip
WORDS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), cause)
    for pattern, cause in (
        (r"user busy|\bbusy\b", Cause.BUSY),
        (r"call rejected|\brejected\b|declined", Cause.REJECTED),
        (r"no (?:user )?answer|alerting,? no answer|user alerting", Cause.NO_ANSWER),
        (r"no user responding|subscriber absent|unreachable|destination out of", Cause.UNREACHABLE),
        (r"unassigned|unallocated|invalid number|number changed|no route", Cause.INVALID),
        (r"barr(?:ed|ing)|not subscribed|not allowed|ACM", Cause.BARRED),
        (r"congestion|no (?:circuit|channel|resource)|resources? unavail|unavailable",
         Cause.CONGESTION),
        (r"network (?:out|failure)|temporary failure|no service|no network|radio|protocol",
         Cause.NETWORK),
    )
)  # fmt: skip
RANG_LONG: Final = 25 * SECOND  # a call that rang so long and was cleared by the network

UNSEEN_LONG: Final = 10 * SECOND  # a call that may have rung: nobody is called again at once


def of_words(text: str, own: Iterable[tuple[re.Pattern[str], Cause]] = ()) -> Cause | None:
    """By the dialect's patterns, then by those that everybody uses."""
    for pattern, cause in (*own, *WORDS):
        if pattern.search(text):
            return cause
    return None


def compiled(causes: Iterable[CauseOf]) -> tuple[tuple[re.Pattern[str], Cause], ...]:
    """A dialect's patterns, made ready."""
    return tuple((re.compile(item.match, re.IGNORECASE), item.cause) for item in causes)


def of_call(
    *,
    code: int,
    told: Cause | None,
    answered: bool,
    rang_ns: int | None,
    reached: str | None,
    unseen_ns: int = 0,
) -> Cause:
    """What a call that the other side or the network ended comes to.

    Args:
        code: Q.850 cause, 0 without one.
        told: what words said: a result code, the modem's report.
        answered: whether it was.
        rang_ns: how long it rang; None: it never did.
        reached: the verdict of the carrier's rules, if any.
        unseen_ns: how long it lasted where a modem that waits, or cannot list, hides its ringing.
    """
    if answered:
        return Cause.ANSWERED
    if code not in UNTOLD:
        return Q850.get(code, Cause.NETWORK)
    if told is not None and told is not Cause.ANSWERED:
        return told
    if rang_ns is not None:
        return Cause.NO_ANSWER if rang_ns >= RANG_LONG else Cause.REJECTED
    if reached == "unreachable":
        return Cause.UNREACHABLE
    if reached == "rejected":
        return Cause.REJECTED
    if unseen_ns >= UNSEEN_LONG:
        return Cause.NO_ANSWER
    return Cause.NETWORK
