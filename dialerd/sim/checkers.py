"""Offline checks of a run: what the carriers saw against what the store says.

`doubled` needs the ledgers alone. `lost` holds the ledgers against the store's own report. Neither
trusts the dialer: the one thing of its that they use is that a Call-ID begins with the id of its
attempt. A mobile network knows no Call-ID: `of_attempts` finds whose a call of a modem bank was by
its number, its time and the port.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

from dialerd.core.ids import call_id_for
from dialerd.core.ports import ReportRow
from dialerd.core.records import (
    SPOKEN,
    Attempt,
    CapCounts,
    EventKind,
    FrequencyCap,
    LeadState,
    Outcome,
)
from dialerd.core.rules import RETRIED
from dialerd.sim.ledger import Books, Call, Ended, phone_of, renamed

AttemptOf = Callable[[str], int | None]


class Kind(StrEnum):
    """What can be wrong."""

    # doubled
    INSIDE_CAP = "inside_cap"  # a further call to a number whose cap was used up
    REPEATED_CALL_ID = "repeated_call_id"  # one Call-ID began a call more than once
    ADVANCED_AFTER_RINGING = "advanced_after_ringing"  # another trunk after somebody was alerted
    # lost
    STILL_UP = "still_up"  # the carrier has not seen the call end
    UNKNOWN_CALL = "unknown_call"  # a carrier saw a call that the store knows nothing of
    NO_OUTCOME = "no_outcome"  # a dialed attempt or lead without an outcome
    MANY_OUTCOMES = "many_outcomes"  # an attempt that was released more than once
    NEVER_PLACED = "never_placed"  # an outcome only a carrier can give, of a call no carrier saw
    WRONG_NUMBER = "wrong_number"  # the carrier was handed another number than the store holds
    # mismatched
    MISMATCHED = "mismatched"  # both saw the call, and tell different ends
    # not allowed: found by the checkers of a simulated day (`day_checks`, `day_check_lines`)
    TWICE_AT_ONCE = "twice_at_once"  # a number in two calls
    OUTSIDE_HOURS = "outside_hours"  # of the campaign or its regime
    DO_NOT_CALL = "do_not_call"  # dialed although it was on the list
    FORBIDDEN = "forbidden"  # an emergency number, or one that the plan lets nobody dial
    OVER_CHANNELS = "over_channels"  # more calls at once than a line, a port or the daemon may have
    TOO_FAST = "too_fast"  # more calls a second, or too soon after a call
    OVER_QUOTA = "over_quota"  # a call begun on a line whose quota was used up
    WRONG_LINE = "wrong_line"  # a number on a line that does not take it
    AGENT_TWICE = "agent_twice"  # an agent in two calls
    ABANDONED = "abandoned"  # people who answered and were not given an agent in time
    CALLBACK = "callback"  # promised, and made too early, by somebody else, or not at all
    SEQUENCE = "sequence"  # called without having heard the message before
    # the books
    LEAD_STATE = "lead_state"  # a lead in no state, in two, or still in hand
    NO_RECORD = "no_record"  # an answered call without its one record
    BOOKS = "books"  # sums that do not come to what they are of


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong, for a person to read."""

    kind: Kind
    phone: int | None
    call_id: str = ""
    text: str = ""


#: Outcomes that only a network's own answer can give: such a call must be in a ledger.
PLACED = frozenset(
    {
        Outcome.ANSWERED,
        Outcome.MEDIA_TIMEOUT,
        Outcome.TOO_LONG,
        Outcome.NO_ANSWER,
        Outcome.DECLINED,
        Outcome.BUSY,
        Outcome.UNREACHABLE,
        Outcome.INVALID,
    }
)

#: Lead states that a dialed lead may rest in.
SETTLED = frozenset(
    {
        LeadState.RETRY,
        LeadState.DONE,
        LeadState.EXHAUSTED,
        LeadState.CAPPED,
        LeadState.BLOCKED,
        LeadState.INTERRUPTED,
        LeadState.RECHECK,
        LeadState.UNREACHABLE,
        LeadState.RESTING,
        LeadState.CALLBACK,
    }
)


def called_again(rows: Iterable[ReportRow]) -> frozenset[int]:
    """Attempts that are exempt from a campaign's cap: retries and rechecks of who was not reached.

    They are those whose lead was tried before, each time with an outcome that is retried.
    """
    found: set[int] = set()
    for row in rows:
        for at, (attempt, _) in enumerate(row.attempts):
            earlier = [one.outcome for one, _ in row.attempts[:at]]
            if earlier and RETRIED.issuperset(earlier):
                found.add(attempt.attempt_id)
    return frozenset(found)


CLAIM_SLACK_MS = 1_000  # between the clocks of a bank and of the store


def from_outside(call: Call) -> bool:
    """Whether somebody called a port of the bank; such a call is no attempt of ours."""
    return bool(call.seen.rings)


def of_attempts(books: Books, rows: Iterable[ReportRow], bank: str) -> Books:
    """The ledger of a modem bank in which each call that we dialed has its attempt's Call-ID.

    A call is the attempt's that was the last to be claimed for its number before it began. The last
    call of an attempt that ended on the bank was dialed by the attempt's port, or it stays nobody's
    (and is an `UNKNOWN_CALL`); earlier ones were handed on, and get Call-IDs of their own. Calls
    from outside are left out.

    Args:
        books: the bank's ledger.
        rows: the report of every campaign that dialed by it.
        bank: its name in the store.
    """
    tries: dict[int, list[Attempt]] = defaultdict(list)
    for row in rows:
        for attempt, _ in row.attempts:
            tries[attempt.phone].append(attempt)
    legs: dict[int, list[Call]] = defaultdict(list)
    found = {attempt.attempt_id: attempt for tried in tries.values() for attempt in tried}
    made = Books(damaged=books.damaged, orphans=books.orphans)
    for call in books.calls:
        if from_outside(call):
            continue
        before = call.seen.at_ms + CLAIM_SLACK_MS
        mine = [one for one in tries.get(phone_of(call.seen.user) or 0, ()) if
                one.claimed_ms <= before]  # fmt: skip
        if mine:
            legs[max(mine, key=lambda one: one.claimed_ms).attempt_id].append(call)
        else:
            made.calls.append(call)
    for attempt_id, calls in legs.items():
        made.calls.extend(_named(found[attempt_id], calls, bank))
    made.calls.sort(key=lambda call: call.seen.at_ms)
    return made


def _named(attempt: Attempt, calls: list[Call], bank: str) -> Iterable[Call]:
    """The calls of one attempt, oldest first, under their Call-IDs."""
    *earlier, last = sorted(calls, key=lambda call: call.seen.at_ms)
    for at, call in enumerate(earlier):
        yield renamed(call, call_id_for(attempt.attempt_id, at, bank))
    if attempt.trunk == bank and attempt.port == last.seen.source:
        yield renamed(last, attempt.call_id)
    elif attempt.trunk == bank and attempt.outcome in PLACED:
        yield last
    else:
        yield renamed(last, call_id_for(attempt.attempt_id, len(earlier), bank))


def doubled(
    books: Books,
    cap: FrequencyCap,
    attempt_of: AttemptOf,
    exempt: frozenset[int] = frozenset(),
) -> list[Fault]:
    """Calls that should not have been placed.

    A call is one too many when `cap.calls_max` calls that count began in the `cap.window_s` before
    it. Calls of one attempt count as one, when each but the last failed before anybody was alerted
    (an advance to another trunk). Attempts in `exempt` (`called_again`) may be placed inside the
    cap; they use it up all the same.
    """
    faults = [
        Fault(
            Kind.REPEATED_CALL_ID,
            phone_of(call.seen.user),
            call.seen.call_id,
            f"began {call.copies} times",
        )
        for call in books.calls
        if call.copies > 1
    ]
    by_phone: dict[int | str, list[Call]] = defaultdict(list)
    for call in books.calls:
        by_phone[phone_of(call.seen.user) or call.seen.user].append(call)
    for calls in by_phone.values():
        if len(calls) > 1:
            faults.extend(_doubled_phone(calls, cap, attempt_of, exempt))
    return faults


def _doubled_phone(
    calls: list[Call], cap: FrequencyCap, attempt_of: AttemptOf, exempt: frozenset[int]
) -> list[Fault]:
    """The faults of one number; a Call-ID that names no attempt is an attempt of its own."""
    phone = phone_of(calls[0].seen.user)
    attempts: dict[int | str, list[Call]] = {}
    for call in sorted(calls, key=lambda call: call.seen.at_ms):
        attempts.setdefault(attempt_of(call.seen.call_id) or call.seen.call_id, []).append(call)
    faults: list[Fault] = []
    counted_ms: list[int] = []  # when each earlier attempt that uses the cap began
    for of, legs in attempts.items():
        began = legs[0].seen.at_ms
        used = len(counted_ms) - bisect_right(counted_ms, began - cap.window_s * 1000)
        if used >= cap.calls_max and of not in exempt:
            text = f"call {used + 1} within {cap.window_s} s"
            faults.append(Fault(Kind.INSIDE_CAP, phone, legs[0].seen.call_id, text))
        if any(_counts(leg, cap.counts) for leg in legs):
            counted_ms.append(began)
        faults.extend(
            Fault(
                Kind.ADVANCED_AFTER_RINGING, phone, after.seen.call_id, f"after {leg.seen.call_id}"
            )
            for leg, after in itertools.pairwise(legs)
            if leg.alerted
        )
    return faults


def _counts(call: Call, counts: CapCounts) -> bool:
    """Whether this call uses its number's cap, as far as the carrier can tell."""
    if counts is CapCounts.ATTEMPTED or call.ended is None:
        return True
    if counts is CapCounts.ANSWERED:
        return call.ended.answered_ms > 0
    return call.ended.rtp_received > 0


def lost(books: Books, rows: Iterable[ReportRow], attempt_of: AttemptOf) -> list[Fault]:
    """Leads and calls without exactly one outcome, after everything has ended.

    Args:
        books: every carrier's ledger.
        rows: the report of every campaign that dialed into them.
        attempt_of: the attempt id a Call-ID begins with.
    """
    by_attempt: dict[int, list[Call]] = defaultdict(list)
    faults: list[Fault] = []
    for call in books.calls:
        phone = phone_of(call.seen.user)
        if call.up:
            text = f"still up at {call.seen.carrier}"
            faults.append(Fault(Kind.STILL_UP, phone, call.seen.call_id, text))
        attempt_id = attempt_of(call.seen.call_id)
        if attempt_id is None:
            faults.append(Fault(Kind.UNKNOWN_CALL, phone, call.seen.call_id, "names no attempt"))
        else:
            by_attempt[attempt_id].append(call)
    for row in rows:
        faults.extend(_lost_row(row, by_attempt))
    faults.extend(
        Fault(Kind.UNKNOWN_CALL, phone_of(call.seen.user), call.seen.call_id, "is not in the store")
        for calls in by_attempt.values()
        for call in calls
    )
    return faults


def _lost_row(row: ReportRow, by_attempt: dict[int, list[Call]]) -> list[Fault]:
    """The faults of one lead; takes its calls out of `by_attempt`."""
    faults: list[Fault] = []
    dialed = False
    for attempt, events in row.attempts:
        calls = by_attempt.pop(attempt.attempt_id, [])
        begun = attempt.begun_ms > 0
        dialed = dialed or begun or bool(calls)
        fault = _lost_attempt(attempt, calls)
        if fault is not None:
            faults.append(fault)
        if sum(event.kind is EventKind.RELEASED for event in events) > 1:
            text = f"attempt {attempt.attempt_id} was released more than once"
            faults.append(Fault(Kind.MANY_OUTCOMES, attempt.phone, attempt.call_id, text))
        faults.extend(
            Fault(Kind.WRONG_NUMBER, row.lead.phone, call.seen.call_id, f"dialed {call.seen.user}")
            for call in calls
            if phone_of(call.seen.user) != attempt.phone
        )
        faults.extend(
            Fault(Kind.WRONG_NUMBER, attempt.phone, attempt.call_id, "no number of its lead")
            for theirs in [{row.lead.phone, *(one.phone for one in row.lead.numbers)}]
            if attempt.phone not in theirs
        )
    if dialed and row.lead.state not in SETTLED:
        text = f"lead {row.lead.lead_id} was dialed and stays {row.lead.state.name.lower()}"
        faults.append(Fault(Kind.NO_OUTCOME, row.lead.phone, "", text))
    return faults


def _lost_attempt(attempt: Attempt, calls: list[Call]) -> Fault | None:
    """What is wrong with the outcome of one attempt."""
    if attempt.outcome is None and (attempt.begun_ms > 0 or calls):
        text = f"attempt {attempt.attempt_id} has no outcome"
        return Fault(Kind.NO_OUTCOME, attempt.phone, attempt.call_id, text)
    if attempt.outcome in PLACED and not calls:
        text = f"attempt {attempt.attempt_id} is {attempt.outcome}, and no carrier saw it"
        return Fault(Kind.NEVER_PLACED, attempt.phone, attempt.call_id, text)
    return None


def mismatched(books: Books, rows: Iterable[ReportRow]) -> list[Fault]:
    """Calls that the carrier and the store tell differently: another end, or keys nobody pressed.

    Not a loss: each has one outcome. What a crash or a crossing of messages explains is left out:
    an answer that met our CANCEL, a call a crash fell into, a key pressed into our hanging up.
    """
    by_id = {call.seen.call_id: call for call in books.calls}
    faults: list[Fault] = []
    for row in rows:
        for attempt, _ in row.attempts:
            call = by_id.get(attempt.call_id)
            if call is None or call.ended is None or attempt.outcome in (None, Outcome.INTERRUPTED):
                continue
            ended = call.ended
            if _agree(attempt, ended) and ended.digits.startswith(attempt.keys):
                continue
            ours = f"{attempt.outcome} {attempt.code} {attempt.keys}".rstrip()
            theirs = f"{ended.what} {ended.code} {ended.digits}".rstrip()
            text = f"store: {ours}; {ended.carrier}: {theirs}"
            faults.append(Fault(Kind.MISMATCHED, attempt.phone, attempt.call_id, text))
    return faults


def _agree(attempt: Attempt, ended: Ended) -> bool:
    """Whether both ends of a call tell the same end."""
    told = attempt.outcome
    if ended.what == "answered":
        return told in (*SPOKEN, Outcome.NO_ANSWER, Outcome.CANCELLED)
    if ended.what == "cancelled":
        return told in (Outcome.NO_ANSWER, Outcome.CANCELLED, Outcome.FAILED)
    return told not in SPOKEN and attempt.code in (0, ended.code)
