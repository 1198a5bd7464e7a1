"""What must hold after every simulated day, whatever went wrong on it.

The checkers read what carriers saw (their ledger), the store's reports, and the scenario as it was
written; they share no code with what they judge. A wall clock that was set wrong is no excuse to
call somebody twice, but the hours are those of that clock: nobody has another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Final, NamedTuple

import msgspec

from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.ids import attempt_of
from dialerd.core.ports import ReportRow
from dialerd.core.records import (
    SPOKEN,
    Attempt,
    CapCounts,
    DialMode,
    FrequencyCap,
    Hours,
    LeadState,
    Outcome,
)
from dialerd.core.regime_data import REGIMES
from dialerd.sim.checkers import Fault, Kind, doubled, lost, mismatched
from dialerd.sim.day_agents import Talk
from dialerd.sim.day_check_agents import agent_faults
from dialerd.sim.day_check_lines import line_faults
from dialerd.sim.day_clock import NS, VirtualClock
from dialerd.sim.day_lines import Leg, call_of
from dialerd.sim.day_scenario import FaultKind, Scenario
from dialerd.sim.ledger import Books, join
from dialerd.store.base import BaseStore

NO_CAP: Final = FrequencyCap(calls_max=1 << 40, window_s=1)
_FAR: Final = {CapCounts.ATTEMPTED: 1, CapCounts.ANSWERED: 2, CapCounts.HEARD: 3}
_NO_RETRY: Final = {Outcome.ANSWERED, Outcome.TOO_LONG, Outcome.INVALID, Outcome.INTERRUPTED, None}
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Evidence(msgspec.Struct, frozen=True):
    """All that a checker may look at.

    `crashes` are the monotonic times at which the daemon was killed. `never` and `allowed` are the
    beginnings of national significant numbers that nobody may dial, and of E.164 that one may.
    """

    scenario: Scenario
    clock: VirtualClock
    legs: list[Leg]
    store: BaseStore
    crashes: list[int]
    talks: list[Talk]
    never: tuple[str, ...]
    allowed: tuple[str, ...]

    @property
    def commit_ns(self) -> int:
        """What may lie between the decision to dial and the call: two commits."""
        slow = [f.commit_ms[1] for f in self.scenario.fault if f.kind is FaultKind.SLOW_DISK]
        return round(2_000_000 * max([self.scenario.commit_ms[1], *slow]))

    @property
    def unwritten_ns(self) -> int:
        """How long the end of a call may stand in memory alone, or it wait for another trunk."""
        full = [f.for_s for f in self.scenario.fault if f.kind is FaultKind.DISK_FULL]
        return self.commit_ns + round((sum(full) + 20) * NS)

    @property
    def wrong_ns(self) -> int:
        """How far apart the settings of the wall clock were."""
        offsets = [offset for _, offset in self.clock.steps]
        return max(offsets) - min(offsets)

    def books(self) -> Books:
        """The ledger as the other simulated carriers write it."""
        calls = [call_of(leg, self.clock) for leg in self.legs]
        return join([c.seen for c in calls] + [c.ended for c in calls if c.ended is not None])


def examine(evidence: Evidence) -> list[Fault]:
    """Everything that does not hold; empty when all is well."""
    names = {one.campaign_id: one.settings.name for one in evidence.store.campaigns()}
    specs = {spec.name: spec for spec in evidence.scenario.campaign}
    rows = {number: _rows(evidence.store, number) for number in names}
    owner = {
        attempt.attempt_id: Asked(specs[names[number]], again)
        for number, found in rows.items()
        for row in found
        for attempt, again in _again(row)
    }
    every = [row for found in rows.values() for row in found]
    interrupted = _interrupted(every)
    books = evidence.books()
    faults = [
        *doubled(books, NO_CAP, attempt_of),
        *lost(books, every, attempt_of),
        *mismatched(books, every),
        *_caps(evidence, owner, interrupted),
        *_hours(evidence, owner),
        *_forbidden(evidence),
        *_agents(evidence, owner, interrupted),
        *_lines(evidence),
        *_records(evidence, every, interrupted),
        *_states(evidence, rows),
        *_usage(evidence, every, interrupted),
    ]
    faults += [Fault(Kind.BOOKS, None, "", text) for text in evidence.store.problems()]
    return faults


class Asked(NamedTuple):
    """What an attempt was made for; `again`: the person was not reached the time before."""

    spec: CampaignSpec
    again: bool


def _again(row: ReportRow) -> Iterator[tuple[Attempt, bool]]:
    before: Attempt | None = None
    for attempt, _ in row.attempts:
        yield attempt, before is not None and before.outcome not in _NO_RETRY
        before = attempt


def _rows(store: BaseStore, campaign_id: int) -> list[ReportRow]:
    return [row for chunk in store.report(campaign_id) for row in chunk]


# -- who is called --------------------------------------------------------------------------------


def _caps(evidence: Evidence, owner: dict[int, Asked], interrupted: set[int]) -> Iterator[Fault]:
    """Nobody in two calls, and nobody called inside a cap of the campaign that calls."""
    by_phone: defaultdict[int, dict[int, list[Leg]]] = defaultdict(dict)
    for leg in evidence.legs:
        by_phone[leg.phone].setdefault(leg.attempt, []).append(leg)
    for phone, attempts in by_phone.items():
        if len(attempts) < 2:
            continue
        before: list[tuple[int, int]] = []  # of earlier attempts: their end, how far they got
        for attempt, legs in attempts.items():
            first = legs[0]
            if any(not end_ns or end_ns > first.at_ns for end_ns, _ in before):
                yield Fault(Kind.TWICE_AT_ONCE, phone, first.call_id, "is in another call")
            asked = owner.get(attempt)
            for cap in () if asked is None else caps_of(asked):
                since_ns = first.at_ns - (cap.window_s - 1) * NS + evidence.wrong_ns
                used = sum(end_ns > since_ns and far >= _FAR[cap.counts] for end_ns, far in before)
                if used >= cap.calls_max:
                    text = f"call {used + 1} within {cap.window_s} s"
                    yield Fault(Kind.INSIDE_CAP, phone, first.call_id, text)
            far = 3 if attempt in interrupted else max(map(_far, legs))
            before.append((legs[-1].ended_ns, far))


def _far(leg: Leg) -> int:
    return 3 if leg.heard else 2 if leg.answered_ns else 1


def _interrupted(rows: list[ReportRow]) -> set[int]:
    """Attempts that a crash fell into, as the store has it."""
    return {
        attempt.attempt_id
        for row in rows
        for attempt, _ in row.attempts
        if attempt.outcome is Outcome.INTERRUPTED
    }


def _may_be_interrupted(evidence: Evidence, leg: Leg) -> bool:
    """Whether a crash came before the end of a leg was on disk."""
    last_ns = (leg.ended_ns or 1 << 62) + evidence.unwritten_ns
    return any(leg.at_ns <= at_ns <= last_ns for at_ns in evidence.crashes)


def caps_of(asked: Asked) -> list[FrequencyCap]:
    """The regime's, its lock-out, and the campaign's own; a retry is exempt from that alone."""
    spec, regime = asked.spec, REGIMES[asked.spec.regime]
    found = [] if regime.cap is None else [regime.cap]
    if regime.redial_s_min:
        found.append(FrequencyCap(1, regime.redial_s_min, CapCounts.ATTEMPTED))
    if spec.cap.window_s and (spec.cap_binds_retries or not asked.again):
        found.append(FrequencyCap(spec.cap.calls_max, spec.cap.window_s, spec.cap.counts))
    return found


def _hours(evidence: Evidence, owner: dict[int, Asked]) -> Iterator[Fault]:
    """Nothing is dialed outside the hours of campaign and regime, by the machine's own clock."""
    steps = evidence.clock.steps
    slack_ns = evidence.commit_ns
    for leg in evidence.legs:
        asked = owner.get(leg.attempt)
        if asked is None:
            continue
        spec = asked.spec
        # The daemon looks once a second whether its clock was moved.
        since_ns = leg.at_ns - slack_ns - 2 * NS
        offsets = {offset for at_ns, offset in steps if since_ns < at_ns <= leg.at_ns}
        offsets.add([offset for at_ns, offset in steps if at_ns <= max(since_ns, steps[0][0])][-1])
        moments = [at + offset for offset in offsets for at in (leg.at_ns, leg.at_ns - slack_ns)]
        if not any(is_open(spec, wall_ns) for wall_ns in moments):
            text = datetime.fromtimestamp(min(moments) // NS, REGIMES[spec.regime].zone)
            yield Fault(Kind.OUTSIDE_HOURS, leg.phone, leg.call_id, f"{text:%a %H:%M:%S}")


def is_open(spec: CampaignSpec, wall_ns: int) -> bool:
    """Whether a campaign may dial at a moment."""
    regime = REGIMES[spec.regime]
    at_s = wall_ns / NS
    if isinstance(spec.start_at, datetime) and at_s < spec.start_at.timestamp():
        return False
    if isinstance(spec.end_at, datetime) and at_s >= spec.end_at.timestamp():
        return False
    own = [
        Hours(_minute(h.start), _minute(h.end), tuple(_DAYS.index(d.value) for d in h.days))
        for h in spec.hours
    ]
    return all(
        not windows or any(_inside(window, at_s, regime.zone) for window in windows)
        for windows in (own, regime.hours)
    )


def _inside(window: Hours, at_s: float, zone: tzinfo) -> bool:
    at = datetime.fromtimestamp(at_s, zone)
    minute = at.hour * 60 + at.minute
    if window.end_minute > window.start_minute:
        return window.start_minute <= minute < window.end_minute and at.weekday() in window.weekdays
    late = minute >= window.start_minute and at.weekday() in window.weekdays
    early = minute < window.end_minute and (at.weekday() - 1) % 7 in window.weekdays
    return late or early


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


def _agents(evidence: Evidence, owner: dict[int, Asked], interrupted: set[int]) -> Iterator[Fault]:
    rules = {
        attempt: asked.spec.agents
        for attempt, asked in owner.items()
        if asked.spec.mode is not DialMode.BROADCAST and attempt not in interrupted
    }
    return agent_faults(evidence.talks, evidence.legs, rules, evidence.commit_ns)


def _lines(evidence: Evidence) -> Iterator[Fault]:
    e = evidence
    return line_faults(e.scenario, e.clock, e.legs, e.crashes, e.commit_ns)


def _forbidden(evidence: Evidence) -> Iterator[Fault]:
    """Nobody who asked not to be called, and no number that is not anybody's to dial."""
    since = {entry.phone: entry.at_ms for page in evidence.store.dnc_list() for entry in page}
    offset_ns = evidence.clock.true_offset_ns
    for leg in evidence.legs:
        asked_ms = since.get(leg.phone)
        if asked_ms is not None and (leg.at_ns + offset_ns) // 1_000_000 > asked_ms:
            yield Fault(Kind.DO_NOT_CALL, leg.phone, leg.call_id, "is on the do-not-call list")
        digits = str(leg.phone)
        national = digits.removeprefix("84")
        if not digits.startswith(evidence.allowed) or national.startswith(evidence.never):
            yield Fault(Kind.FORBIDDEN, leg.phone, leg.call_id, "is nobody's to dial")


# -- the books ------------------------------------------------------------------------------------


def _records(evidence: Evidence, rows: list[ReportRow], interrupted: set[int]) -> Iterator[Fault]:
    """Each answered call has one record among what ended, and it says that it was answered."""
    told: Counter[int] = Counter()
    outcomes: dict[int, Outcome | None] = {}
    after = 0
    while page := evidence.store.ended(after, 10_000):
        for one in page:
            told[one.attempt.attempt_id] += 1
            outcomes[one.attempt.attempt_id] = one.attempt.outcome
        after = page[-1].seq
    last = {leg.attempt: leg for leg in evidence.legs}
    for leg in evidence.legs:
        count = told[leg.attempt]
        if count != 1:
            text = f"attempt {leg.attempt} has {count} records"
            yield Fault(Kind.NO_RECORD, leg.phone, leg.call_id, text)
        outcome = outcomes.get(leg.attempt)
        may_be = leg is not last[leg.attempt] or _may_be_interrupted(evidence, leg)
        if outcome is Outcome.INTERRUPTED and not may_be:
            text = f"attempt {leg.attempt} was interrupted, and nothing fell into it"
            yield Fault(Kind.NO_RECORD, leg.phone, leg.call_id, text)
        elif leg.answered_ns and outcome not in SPOKEN and leg.attempt not in interrupted:
            text = f"was answered, and its record says {outcome}"
            yield Fault(Kind.NO_RECORD, leg.phone, leg.call_id, text)
    over = {a.attempt_id for row in rows for a, _ in row.attempts if a.outcome is not None}
    if over != set(told):
        text = f"{len(told)} attempts have records, {len(over)} are over"
        yield Fault(Kind.BOOKS, None, "", text)


def _states(evidence: Evidence, rows: dict[int, list[ReportRow]]) -> Iterator[Fault]:
    """Every person of an audience stands in one state, and the counts are of them."""
    for campaign in evidence.store.campaigns():
        number, name = campaign.campaign_id, campaign.settings.name
        found = rows[number]
        ids = {row.lead.lead_id for row in found}
        if len(ids) != len(found) or len(found) != campaign.audience:
            text = f"{name}: {len(found)} rows of {len(ids)} leads, audience {campaign.audience}"
            yield Fault(Kind.LEAD_STATE, None, "", text)
        states = Counter(row.lead.state for row in found)
        for state in (LeadState.CLAIMED, LeadState.DIALING):
            if states[state]:
                text = f"{name}: {states[state]} leads stay {state.name.lower()}"
                yield Fault(Kind.LEAD_STATE, None, "", text)
        outcomes = Counter(a.outcome for row in found for a, _ in row.attempts if a.outcome)
        books = evidence.store.progress(number)
        if Counter({k: v for k, v in books.leads.items() if v}) != states:
            yield Fault(Kind.BOOKS, None, "", f"{name}: leads are {states}, books {books.leads}")
        if Counter({k: v for k, v in books.outcomes.items() if v}) != outcomes:
            text = f"{name}: outcomes are {outcomes}, books {books.outcomes}"
            yield Fault(Kind.BOOKS, None, "", text)
    if left := evidence.store.attempts_open():
        yield Fault(Kind.LEAD_STATE, None, "", f"{left} attempts are still open")


def _usage(evidence: Evidence, rows: list[ReportRow], interrupted: set[int]) -> Iterator[Fault]:
    """What lines used by our books is what the carriers counted, to the rounding of seconds."""
    ours: Counter[tuple[str, str]] = Counter()
    seconds: Counter[tuple[str, str]] = Counter()
    for used in evidence.store.usage(0):
        ours[used.trunk, used.port] += used.calls
        seconds[used.trunk, used.port] += used.seconds
    calls: Counter[tuple[str, str]] = Counter()
    talked_ns: Counter[tuple[str, str]] = Counter()
    cut: Counter[tuple[str, str]] = Counter()
    for leg in evidence.legs:
        line = leg.trunk, leg.port
        if leg.attempt in interrupted:
            cut[line] += 1
        elif leg.answered_ns:
            calls[line] += 1
            talked_ns[line] += leg.ended_ns - leg.answered_ns
    unsure_s = 1.0 + evidence.commit_ns / NS  # per call: rounding, and the answer's own commit
    for line in {*ours, *calls}:
        count, talked_s = calls[line], talked_ns[line] / NS
        right = count <= ours[line] <= count + cut[line]
        low, high = talked_s - count * unsure_s, talked_s + count + cut[line] * _CUT_S
        if not right or not low <= seconds[line] <= high:
            text = f"{'/'.join(filter(None, line))}: carrier {count} calls, {talked_s:.0f} s; "
            text += f"ours {ours[line]} calls, {seconds[line]} s"
            yield Fault(Kind.BOOKS, None, "", text)
    if sum(ours.values()) and not any(a.answered_ms for row in rows for a, _ in row.attempts):
        yield Fault(Kind.BOOKS, None, "", "lines were used, and nobody answered")


_CUT_S: Final = 121  # counted for a call that a crash cut off, at most
