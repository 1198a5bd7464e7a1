"""Whether what agents promised to customers was kept: callbacks, and never to be called again."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.ports import ReportRow
from dialerd.core.records import Attempt, CampaignState, LeadState, Outcome
from dialerd.sim.checkers import Fault, Kind
from dialerd.sim.day_check_hours import is_open
from dialerd.sim.day_clock import NS
from dialerd.sim.day_ledger import Promise, StaffLedger
from dialerd.sim.day_lines import Leg

STEP_S: Final = 30
LATE_NS: Final = 180 * NS  # how long a ready agent may wait for a callback of its own that is due


class Promised(NamedTuple):
    """The store's side of a promise."""

    spec: CampaignSpec
    row: ReportRow
    open: bool  # the store still has it
    finished: bool  # its campaign is over


class Bounds(NamedTuple):
    """What a day's faults excuse, and when it ended; monotonic ns and their offset to Unix ns."""

    wrong_ns: int  # how far apart the settings of the wall clock were
    unsure_ns: int  # what may lie between a decision and its call
    end_ns: int  # nothing was dialed from then on
    true_offset_ns: int
    crashes: tuple[int, ...]

    def lost(self, said_ns: int) -> bool:
        """Whether what was said then may never have reached the disk: that was full, then a crash.

        Agents are told that something was taken as soon as the store has been asked.
        """
        return any(said_ns <= at_ns <= said_ns + self.unsure_ns for at_ns in self.crashes)


def promised(
    rows: Mapping[int, list[ReportRow]],
    specs: Mapping[int, CampaignSpec],
    open_: set[tuple[int, int]],
    states: Mapping[int, CampaignState],
) -> dict[tuple[int, int], Promised]:
    """By campaign and lead."""
    return {
        (number, row.lead.lead_id): Promised(
            specs[number],
            row,
            (number, row.lead.lead_id) in open_,
            states[number] is CampaignState.FINISHED,
        )
        for number, found in rows.items()
        for row in found
    }


def promise_faults(
    ledger: StaffLedger,
    legs: list[Leg],
    kept: Mapping[tuple[int, int], Promised],
    bounds: Bounds,
) -> Iterator[Fault]:
    """Each callback is made, at its time, by whom it was promised; or is still to come."""
    first: dict[int, Leg] = {}
    for leg in legs:
        first.setdefault(leg.attempt, leg)
    shown: dict[int, str] = {}
    for _, agent, attempt in ledger.cards:
        shown.setdefault(attempt, agent)
    settled: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for when_ns, campaign, lead in ledger.settled:
        settled[campaign, lead].append(when_ns)
    for promise in ledger.promises:  # a later one stands in place of it
        settled[promise.campaign, promise.lead].append(promise.said_ns)
    for promise in ledger.promises:
        whom = promise.campaign, promise.lead
        found = kept[whom]
        after = _after(found.row, promise.said_ns, first)
        at_ns = bounds.end_ns if after is None else first[after.attempt_id].at_ns
        if any(promise.said_ns < when_ns <= at_ns for when_ns in settled[whom]):
            continue  # somebody said since then what is to come of that customer
        gone = found.row.lead.state is LeadState.BLOCKED or bounds.lost(promise.said_ns)
        if after is not None:
            leg = first[after.attempt_id]
            yield from _made(promise, found, after, leg, shown, bounds)
        elif found.open and found.finished:
            yield _fault(promise, "is open, and its campaign is finished")
        elif not found.open and not gone:
            yield _fault(promise, f"is forgotten: {found.row.lead.state.name.lower()}")
        if promise.to_me and not gone:
            yield from _late(promise, found.spec, ledger, at_ns, bounds)


def _after(row: ReportRow, since_ns: int, first: Mapping[int, Leg]) -> Attempt | None:
    """The next attempt of that person that was dialed."""
    for attempt, _ in row.attempts:
        leg = first.get(attempt.attempt_id)
        if leg is not None and leg.at_ns > since_ns:
            return attempt
    return None


def _made(
    promise: Promise,
    found: Promised,
    attempt: Attempt,
    leg: Leg,
    shown: Mapping[int, str],
    bounds: Bounds,
) -> Iterator[Fault]:
    """A call followed: not before its time, and its own agent's until it is anybody's."""
    at_s = (leg.at_ns + bounds.true_offset_ns) / NS
    slack_s = bounds.wrong_ns / NS + 1.0
    if at_s < promise.due_s - slack_s:
        yield _fault(promise, f"was made {promise.due_s - at_s:.0f} s too early")
    if not promise.to_me or attempt.outcome is Outcome.INTERRUPTED:
        return
    overdue_s = found.spec.agents.overdue_s
    anybodys = overdue_s and at_s >= promise.due_s + overdue_s - slack_s
    if not anybodys and shown.get(attempt.attempt_id) != promise.agent:
        yield _fault(promise, f"was made by {attempt.agent or 'nobody'}")


def _late(
    promise: Promise, spec: CampaignSpec, ledger: StaffLedger, at_ns: int, bounds: Bounds
) -> Iterator[Fault]:
    """Its agent was ready for long while the campaign was open, and got nothing."""
    due_ns = promise.due_s * NS - bounds.true_offset_ns + bounds.wrong_ns
    moves = ledger.moves[promise.agent]
    begins = [when for when, _ in moves]
    for index in range(max(0, bisect_right(begins, due_ns) - 1), len(moves)):
        since_ns, state = moves[index]
        until_ns = begins[index + 1] if index + 1 < len(moves) else at_ns
        first, last = max(since_ns, due_ns), min(until_ns, at_ns)
        if first > at_ns:
            return
        if state == "ready" and last - first > LATE_NS + bounds.unsure_ns:
            ready_s = _open_s(spec, first, last, bounds)
            if ready_s * NS > LATE_NS + bounds.unsure_ns:
                yield _fault(promise, f"was not made while its agent was ready {ready_s} s")
                return


def _open_s(spec: CampaignSpec, since_ns: int, until_ns: int, bounds: Bounds) -> int:
    """The longest time in which a campaign was open, by the right clock and by every wrong one."""
    longest = now = 0
    for at_ns in range(since_ns, until_ns, STEP_S * NS):
        wall_ns = at_ns + bounds.true_offset_ns
        times = (wall_ns - bounds.wrong_ns, wall_ns, wall_ns + bounds.wrong_ns)
        now = now + STEP_S if all(is_open(spec, one) for one in times) else 0
        longest = max(longest, now)
    return longest


def _fault(promise: Promise, text: str) -> Fault:
    whose = promise.agent if promise.to_me else "anybody"
    return Fault(Kind.CALLBACK, promise.phone, "", f"the callback of {whose} {text}")
