"""What a simulated day came to, in figures: of each campaign, each line, and the whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Final

import msgspec

from dialerd.core.metering import price_milli
from dialerd.core.records import SPOKEN, DialMode, LeadState
from dialerd.sim import limits
from dialerd.sim.checkers import Fault
from dialerd.sim.day_clock import BOOTED_NS, NS
from dialerd.sim.day_lines import Leg
from dialerd.sim.day_world import Day

UNTRIED: Final = (LeadState.READY, LeadState.CLAIMED, LeadState.BLOCKED)


class CampaignFigures(msgspec.Struct, frozen=True):
    """One campaign. `penetration` is the share of its audience that was dialed at all."""

    name: str
    state: str
    audience: int
    dialed: int
    reached: int
    attempts: int
    penetration: float
    reached_share: float
    attempts_per_reached: float
    leads: dict[str, int]
    outcomes: dict[str, int]


class LineFigures(msgspec.Struct, frozen=True):
    """One trunk. `utilisation` is the share of its channels' time, while dialed, that was busy."""

    name: str
    placed: int
    answered: int
    asr: float
    minutes: float
    cost: float
    busy_max: int
    utilisation: float


class DayFigures(msgspec.Struct, frozen=True):
    """A day. `hours` are from its first call to the end of its last one.

    `utilisation` is the share of agents' time, their breaks aside, that they talked or wrote up;
    `abandoned` people answered, stayed, and were given no agent; the rest waited `wait_s_mean`.
    """

    scenario: str
    seed: int
    hours: float
    calls: int
    calls_per_hour: float
    answered: int
    answered_share: float
    heard: int
    talk_minutes: float
    cost: float
    ring_s_mean: float
    agents: int
    talks: int
    utilisation: float
    abandoned: int
    abandoned_share: float
    wait_s_mean: float
    by_hour: dict[str, int]
    campaigns: tuple[CampaignFigures, ...]
    lines: tuple[LineFigures, ...]
    struck: dict[str, int]
    faults: tuple[Fault, ...]
    faults_found: int


def report(day: Day, name: str, faults: list[Fault]) -> DayFigures:
    """The figures of a day that is over, and what its checkers found."""
    legs = day.carriers.ledger
    answered = [leg for leg in legs if leg.answered_ns]
    rang = [leg for leg in legs if leg.rang_ns]
    ends_ns = max((leg.ended_ns for leg in legs), default=BOOTED_NS)
    hours = (ends_ns - legs[0].at_ns) / NS / 3600 if legs else 0.0
    lines = tuple(_line(day, trunk.name) for trunk in day.scenario.trunk)
    shown = _first_of_each(faults)
    return DayFigures(
        scenario=name,
        seed=day.seed,
        hours=round(hours, 3),
        calls=len(legs),
        calls_per_hour=_share(len(legs), hours, 1),
        answered=len(answered),
        answered_share=_share(len(answered), len(legs)),
        heard=sum(leg.heard for leg in legs),
        talk_minutes=round(sum(map(_talked_s, answered)) / 60, 1),
        cost=round(sum(line.cost for line in lines), 3),
        ring_s_mean=_share(sum((_over_ns(leg) - leg.rang_ns) / NS for leg in rang), len(rang), 2),
        **_agents(day),
        by_hour=_by_hour(day, legs),
        campaigns=tuple(_campaign(day, c.campaign_id) for c in day.store.campaigns()),
        lines=lines,
        struck=day.faults.counts,
        faults=tuple(shown),
        faults_found=len(faults),
    )


def _agents(day: Day) -> dict[str, Any]:
    """Of those who work with agents."""
    staff = day.staff
    waits = staff.waits_s()
    served = {talk.customer for talk in staff.talks}
    alone = {c.campaign_id for c in day.store.campaigns() if c.settings.mode is DialMode.BROADCAST}
    rows = (
        row
        for c in day.store.campaigns()
        if c.campaign_id not in alone
        for chunk in day.store.report(c.campaign_id)
        for row in chunk
    )
    theirs = {attempt.attempt_id for row in rows for attempt, _ in row.attempts}
    people = [leg for leg in day.carriers.ledger if leg.answered_ns and leg.attempt in theirs]
    abandoned = sum(leg.leg not in served and leg.by == "us" for leg in people)
    present_s = worked_s = 0.0
    if staff.talks:
        last_ns = max(talk.ended_ns for talk in staff.talks)
        span_s = (last_ns - staff.talks[0].begun_ns) / NS
        present_s = sum(max(0.0, span_s - agent.break_s) for agent in staff.agents.values())
        worked_s = sum(staff.talked_s().values()) + sum(a.wrap_s for a in staff.agents.values())
    return {
        "agents": len(staff.agents),
        "talks": len(staff.talks),
        "utilisation": _share(worked_s, present_s),
        "abandoned": abandoned,
        "abandoned_share": _share(abandoned, len(people)),
        "wait_s_mean": _share(sum(waits.values()), len(waits), 3),
    }


def _share(part: float, whole: float, digits: int = 4) -> float:
    return round(part / whole, digits) if whole else 0.0


def _talked_s(leg: Leg) -> float:
    return (leg.ended_ns - leg.answered_ns) / NS


def _over_ns(leg: Leg) -> int:
    return leg.answered_ns or leg.ended_ns


def _by_hour(day: Day, legs: list[Leg]) -> dict[str, int]:
    offset = day.scenario.start.utcoffset()
    zone_ns = 0 if offset is None else round(offset.total_seconds()) * NS
    shift_ns = day.clock.true_offset_ns + zone_ns
    hours = Counter((leg.at_ns + shift_ns) // (3600 * NS) for leg in legs)
    long = max(hours, default=0) - min(hours, default=0) >= 24
    first = min(hours, default=0) // 24
    return {
        (f"day {hour // 24 - first + 1}, " if long else "") + f"{hour % 24:02d}": count
        for hour, count in sorted(hours.items())
    }


def _campaign(day: Day, campaign_id: int) -> CampaignFigures:
    campaign = day.store.campaign(campaign_id)
    books = day.store.progress(campaign_id)
    audience = campaign.audience
    leads = {state.name.lower(): count for state, count in books.leads.items() if count}
    attempts = sum(books.outcomes.values())
    rows = (row for chunk in day.store.report(campaign_id) for row in chunk)
    dialed = sum(any(attempt.begun_ms for attempt, _ in row.attempts) for row in rows)
    reached = sum(books.outcomes[outcome] for outcome in SPOKEN)
    return CampaignFigures(
        name=campaign.settings.name,
        state=str(campaign.state),
        audience=audience,
        dialed=dialed,
        reached=reached,
        attempts=attempts,
        penetration=_share(dialed, audience),
        reached_share=_share(reached, audience),
        attempts_per_reached=_share(attempts, reached, 2),
        leads=leads,
        outcomes={str(kind): count for kind, count in books.outcomes.items() if count},
    )


def _line(day: Day, name: str) -> LineFigures:
    table = next(line for line in day.scenario.trunk if line.name == name)
    legs = [leg for leg in day.carriers.ledger if leg.trunk == name]
    answered = [leg for leg in legs if leg.answered_ns]
    spec = table.spec()
    plans = {port.name: port.plan for port in spec.ports}
    milli = 0
    for leg in answered:
        own = plans.get(leg.port)
        plan = own if own is not None and (own.minute_milli or own.free_s) else spec.plan
        milli += price_milli(plan, -(-(leg.ended_ns - leg.answered_ns) // NS))
    edges = sorted(e for leg in legs for e in ((leg.at_ns, 1), (leg.ended_ns, -1)))
    busy = most = 0
    for _, change in edges:
        busy += change
        most = max(most, busy)
    busy_s = sum(leg.ended_ns - leg.at_ns for leg in legs) / NS
    channels = min(table.channels, len(spec.ports)) if spec.ports else table.channels
    open_s = _dialed_s(legs)
    return LineFigures(
        name=name,
        placed=len(legs),
        answered=len(answered),
        asr=_share(len(answered), len(legs)),
        minutes=round(sum(map(_talked_s, answered)) / 60, 1),
        cost=round(milli / 1000, 3),
        busy_max=most,
        utilisation=_share(busy_s, open_s * channels),
    )


def _dialed_s(legs: list[Leg]) -> float:
    """The time in which a line was dialed: whole minutes with at least one call up."""
    minutes: set[int] = set()
    for leg in legs:
        minutes.update(range(leg.at_ns // (60 * NS), leg.ended_ns // (60 * NS) + 1))
    return len(minutes) * 60.0


def _first_of_each(faults: list[Fault]) -> list[Fault]:
    """The first of each kind, so that one kind does not hide another."""
    kept: defaultdict[str, list[Fault]] = defaultdict(list)
    for fault in faults:
        if len(kept[fault.kind]) < limits.FAULTS_SHOWN:
            kept[fault.kind].append(fault)
    return [fault for group in kept.values() for fault in group]


def plain(figures: DayFigures) -> dict[str, Any]:
    """The figures that are numbers by themselves: what two scenarios are compared by."""
    found: dict[str, Any] = {
        name: value
        for name, value in msgspec.to_builtins(figures).items()
        if isinstance(value, int | float) and name != "seed"
    }
    for campaign in figures.campaigns:
        for key in ("penetration", "reached_share", "attempts_per_reached"):
            found[f"{campaign.name}: {key}"] = getattr(campaign, key)
    for line in figures.lines:
        found[f"{line.name}: utilisation"] = line.utilisation
    return found
