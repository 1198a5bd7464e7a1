"""What must hold after every simulated day, whatever went wrong on it.

The checkers read what carriers saw (their ledger), the store's reports, and the scenario as it was
written; they share no code with what they judge. A wall clock that was set wrong is no excuse to
call somebody twice, but the hours are those of that clock: nobody has another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
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
    LeadState,
    Outcome,
)
from dialerd.core.regime_data import REGIMES
from dialerd.sim.checkers import Fault, Kind, doubled, lost, mismatched
from dialerd.sim.day_check_agents import Told, agent_faults
from dialerd.sim.day_check_hours import Columns, hour_faults
from dialerd.sim.day_check_lines import line_faults
from dialerd.sim.day_check_promises import Bounds, promise_faults, promised
from dialerd.sim.day_clock import NS, VirtualClock
from dialerd.sim.day_ledger import StaffLedger
from dialerd.sim.day_lines import Leg, call_of
from dialerd.sim.day_scenario import FaultKind, LineTable, Scenario
from dialerd.sim.ledger import Books, join
from dialerd.store.base import BaseStore

NO_CAP: Final = FrequencyCap(calls_max=1 << 40, window_s=1)
_FAR: Final = {CapCounts.ATTEMPTED: 1, CapCounts.ANSWERED: 2, CapCounts.HEARD: 3}
_NO_RETRY: Final = {Outcome.ANSWERED, Outcome.TOO_LONG, Outcome.INVALID, Outcome.INTERRUPTED, None}


class Evidence(msgspec.Struct, frozen=True):
    """All that a checker may look at.

    `crashes` are the monotonic times at which the daemon was killed; `closed_ns` that at which the
    day's work was over. `never` and `allowed` are the
    beginnings of national significant numbers that nobody may dial, and of E.164 that one may.
    """

    scenario: Scenario
    clock: VirtualClock
    legs: list[Leg]
    store: BaseStore
    crashes: list[int]
    staff: StaffLedger
    columns: Columns
    closed_ns: int
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
    by_name = {spec.name: spec for spec in evidence.scenario.campaign}
    specs = {one.campaign_id: by_name[one.settings.name] for one in evidence.store.campaigns()}
    rows = {number: _rows(evidence.store, number) for number in specs}
    booked: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for promise in evidence.staff.promises:
        booked[promise.campaign, promise.lead].append(promise.said_ns)
    dialed_ns: dict[int, int] = {}
    for leg in evidence.legs:
        dialed_ns.setdefault(leg.attempt, leg.at_ns)
    owner = {
        attempt.attempt_id: Asked(specs[number], again)
        for number, found in rows.items()
        for row in found
        for attempt, again in _again(row, dialed_ns, booked[number, row.lead.lead_id])
    }
    every = [row for found in rows.values() for row in found]
    outcomes = {a.attempt_id: a.outcome for row in every for a, _ in row.attempts}
    interrupted = _interrupted(every)
    books = evidence.books()
    faults = [
        *doubled(books, NO_CAP, attempt_of),
        *lost(books, every, attempt_of),
        *mismatched(books, every),
        *_caps(evidence, owner, interrupted),
        *_hours(evidence, owner),
        *_forbidden(evidence),
        *_sequences(evidence, owner, interrupted),
        *_agents(evidence, owner, outcomes, interrupted),
        *_promises(evidence, rows, specs),
        *_lines(evidence),
        *_records(evidence, every, interrupted),
        *_states(evidence, rows),
        *_usage(evidence, every, interrupted),
    ]
    faults += [Fault(Kind.BOOKS, None, "", text) for text in evidence.store.problems()]
    return faults


class Asked(NamedTuple):
    """What an attempt was made for; `again`: not reached the time before, or as was agreed."""

    spec: CampaignSpec
    again: bool


def _again(
    row: ReportRow, dialed_ns: dict[int, int], said_ns: list[int]
) -> Iterator[tuple[Attempt, bool]]:
    """`said_ns` is when callbacks of that person were booked."""
    before: Attempt | None = None
    for attempt, _ in row.attempts:
        at_ns = dialed_ns.get(attempt.attempt_id, 0)
        agreed = [ns for ns in said_ns if ns < at_ns]
        missed = before is not None and before.outcome not in _NO_RETRY
        yield attempt, missed or bool(agreed)
        if agreed:
            said_ns = [ns for ns in said_ns if ns >= at_ns]
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
    specs = {attempt: asked.spec for attempt, asked in owner.items()}
    e = evidence
    return hour_faults(e.clock, e.legs, specs, e.columns, e.commit_ns)


def _agents(
    evidence: Evidence,
    owner: dict[int, Asked],
    outcomes: dict[int, Outcome | None],
    interrupted: set[int],
) -> Iterator[Fault]:
    lines = {line.name: line for line in evidence.scenario.trunk}
    limited = {leg.attempt: _limited(lines[leg.trunk], leg.port) for leg in evidence.legs}
    told = {
        attempt: Told(asked.spec.agents, outcomes.get(attempt), limited.get(attempt, False))
        for attempt, asked in owner.items()
        if asked.spec.mode is not DialMode.BROADCAST and attempt not in interrupted
    }
    return agent_faults(evidence.staff, evidence.legs, told, evidence.commit_ns)


def _limited(line: LineTable, port: str) -> bool:
    """Whether a line ends calls that last."""
    plans = [line.plan]
    plans += [group.plan for group in line.ports if port in group.labels()]
    return any(p.minutes_day or p.minutes_period or p.call_s_max or p.free_s for p in plans)


def _promises(
    evidence: Evidence, rows: dict[int, list[ReportRow]], specs: dict[int, CampaignSpec]
) -> Iterator[Fault]:
    e, store = evidence, evidence.store
    open_ = {
        (number, one.lead_id) for number in rows for page in store.callbacks(number) for one in page
    }
    states = {one.campaign_id: one.state for one in store.campaigns()}
    kept = promised(rows, specs, open_, states)
    bounds = Bounds(
        e.wrong_ns, e.unwritten_ns, e.closed_ns, e.clock.true_offset_ns, tuple(e.crashes)
    )
    return promise_faults(e.staff, e.legs, kept, bounds)


def _lines(evidence: Evidence) -> Iterator[Fault]:
    e = evidence
    return line_faults(e.scenario, e.clock, e.legs, e.crashes, e.commit_ns)


def _sequences(
    evidence: Evidence, owner: dict[int, Asked], interrupted: set[int]
) -> Iterator[Fault]:
    """A message that follows another is for those who heard that, and long enough ago."""
    heard: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for leg in evidence.legs:  # in the order in which they began
        asked = owner.get(leg.attempt)
        if asked is None:
            continue
        if asked.spec.after:
            at_ns = heard[asked.spec.after].get(leg.phone, leg.at_ns + 1)
            if at_ns + asked.spec.after_s * NS - evidence.wrong_ns > leg.at_ns:
                text = f"has not heard {asked.spec.after!r}"
                yield Fault(Kind.SEQUENCE, leg.phone, leg.call_id, text)
        if leg.heard or leg.attempt in interrupted:  # nobody knows of that: it counts as heard
            heard[asked.spec.name].setdefault(leg.phone, leg.at_ns)


def _forbidden(evidence: Evidence) -> Iterator[Fault]:
    """Nobody who asked not to be called, and no number that is not anybody's to dial."""
    since = {entry.phone: entry.at_ms for page in evidence.store.dnc_list() for entry in page}
    offset_ns = evidence.clock.true_offset_ns
    for said in evidence.staff.nevers:
        if said.phone not in since:
            yield Fault(Kind.DO_NOT_CALL, said.phone, "", f"{said.agent} was told never, in vain")
        since[said.phone] = (said.said_ns + offset_ns) // 1_000_000
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
    seen = {(leg.attempt, leg.trunk, leg.port) for leg in evidence.legs}
    for row in rows:  # recorded, and the crash came before the call itself
        for attempt, _ in row.attempts:
            line = attempt.trunk, attempt.port
            if attempt.outcome is Outcome.INTERRUPTED and (attempt.attempt_id, *line) not in seen:
                cut[line] += 1
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
