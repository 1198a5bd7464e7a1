"""Checks of a world after it has run, from its own books and the store's report."""

from __future__ import annotations

from collections import Counter, defaultdict

from dialerd.core.records import (
    CapCounts,
    DialMode,
    Direction,
    EventKind,
    LeadState,
    Outcome,
)
from dialerd.core.regime import effective_caps, find_regime, window
from tests.core.world import NS, World

_SPOKEN = (Outcome.ANSWERED, Outcome.ABANDONED, Outcome.AGENT_LEFT)
IN_HAND = (LeadState.CLAIMED, LeadState.DIALING)


def judge(world: World, *, all_over: bool = True) -> None:
    """Every invariant of a dialed day; AssertionError tells which one broke, and the seed."""
    _caps(world)
    _attempts(world, all_over=all_over)
    _limits(world)
    _hours(world)


def _caps(world: World) -> None:
    """No number twice inside a cap of the campaign that dials it, nor before its retry gap."""
    settings = {c.campaign_id: c.settings for c in world.store.campaigns()}
    by_phone = defaultdict(list)
    for leg in world.dials:
        by_phone[leg.phone].append(leg)
        assert leg.ended_ns or leg.mute, f"seed {world.seed}: a call stayed up"
    for phone, legs in by_phone.items():
        earlier = {}  # attempt -> (end, how far it got)
        campaign_of: dict[int, int] = {}
        for leg in legs:
            ours = [
                how_far
                for attempt, (_, how_far) in earlier.items()
                if attempt != leg.attempt and campaign_of[attempt] == leg.campaign
            ]
            again = (
                bool(ours) and max(ours) < _FAR[CapCounts.HEARD]
            )  # a retry, not a second message
            campaign_of[leg.attempt] = leg.campaign
            for attempt, (ended_ns, far) in earlier.items():
                if attempt == leg.attempt:
                    continue
                assert ended_ns <= leg.at_ns, f"seed {world.seed}: {phone} twice at once"
                for cap in effective_caps(settings[leg.campaign], again=again):
                    if far < _FAR[cap.counts]:
                        continue
                    assert cap.calls_max > 1 or leg.at_ns - ended_ns >= (cap.window_s - 1) * NS, (
                        f"seed {world.seed}: {phone} inside its cap"
                    )
            far = 3 if leg.heard or leg.attempt in world.interrupted else 2 if leg.answered else 1
            before = earlier.get(leg.attempt, (0, 0))
            earlier[leg.attempt] = (leg.at_ns if leg.mute else leg.ended_ns, max(before[1], far))


_FAR = {CapCounts.ATTEMPTED: 1, CapCounts.ANSWERED: 2, CapCounts.HEARD: 3}


def _attempts(world: World, *, all_over: bool) -> None:
    """Every lead in one state, every begun attempt with one Finish and one outcome."""
    dialed = Counter(leg.attempt for leg in world.dials)
    legs_of = defaultdict(list)
    for leg in world.dials:
        legs_of[leg.attempt].append(leg)
    assert all(count == 1 for count in world.finishes.values()), "an attempt finished twice"
    seen = set()
    for campaign in world.store.campaigns():
        states: Counter[LeadState] = Counter()
        outcomes: Counter[Outcome] = Counter()
        for rows in world.store.report(campaign.campaign_id):
            for row in rows:
                states[row.lead.state] += 1
                for attempt, events in row.attempts:
                    seen.add(attempt.attempt_id)
                    if attempt.outcome is not None and attempt.direction is not Direction.OVER:
                        outcomes[attempt.outcome] += 1
                    if all_over and attempt.direction is Direction.OUT:
                        _attempt(world, attempt, events, legs_of[attempt.attempt_id])
        books = world.store.progress(campaign.campaign_id)
        assert {k: v for k, v in books.leads.items() if v} == dict(states)
        assert {k: v for k, v in books.outcomes.items() if v} == dict(outcomes)
        assert sum(states.values()) == campaign.audience
        if all_over:
            assert not any(states[state] for state in IN_HAND), f"seed {world.seed}: {states}"
    assert set(dialed) <= seen, "a call that the store does not know"
    if all_over:
        assert world.store.attempts_open() == 0


def _attempt(world, attempt, events, legs) -> None:
    where = f"seed {world.seed}, attempt {attempt.attempt_id}"
    assert attempt.outcome is not None, where
    if attempt.outcome is Outcome.INTERRUPTED:
        assert world.crashes, where
        return
    assert world.finishes[attempt.attempt_id] == 1, where
    released = [event for event in events if event.kind is EventKind.RELEASED]
    assert len(released) == 1, where
    assert released == [events[-1]], where
    times = [event.at_ms for event in events]
    assert times == sorted(times), where
    assert legs, where
    assert len(legs) == 1 + sum(event.kind is EventKind.ADVANCED for event in events), where
    assert not any(leg.alerted for leg in legs[:-1]), f"{where}: moved on after it had rung"
    last = legs[-1]
    if last.answered:
        settings = world.store.campaign(attempt.campaign_id).settings
        with_agents = settings.mode is not DialMode.BROADCAST
        assert attempt.outcome in (_SPOKEN if with_agents else (Outcome.ANSWERED,)), where
        assert attempt.answered_ms, where
    else:
        assert attempt.outcome not in _SPOKEN, where
        assert not attempt.answered_ms, where
    assert attempt.trunk == last.trunk, where
    keys = "".join(event.detail[0] for event in events if event.kind is EventKind.DIGIT)
    assert keys == attempt.keys, where


def _limits(world: World) -> None:
    """Channels at every moment, calls per second in any window of one second, as carriers see."""
    for spec in world.trunks:
        legs = [leg for leg in world.dials if leg.trunk == spec.name]
        starts = [leg.at_ns for leg in legs]
        cps = max(1, int(spec.cps_max))
        for i in range(len(starts) - cps):
            assert starts[i + cps] - starts[i] >= NS, f"seed {world.seed}: {spec.name} too fast"
        changes = sorted(
            edge
            for leg in legs
            if not leg.mute  # nobody knows when such a line lets go
            for edge in ((leg.at_ns, 1), (leg.ended_ns, -1))
        )
        up = 0
        for _, change in changes:
            up += change
            assert up <= spec.channels, f"seed {world.seed}: {spec.name} over its channels"


def _hours(world: World) -> None:
    """Nothing dialed outside hours (a commit that straddles the closing has its latency)."""
    settings = {c.campaign_id: c.settings for c in world.store.campaigns()}
    slack = round(world.commit_ms[1] * 1e6) + 1
    loopback = {spec.name: spec.loopback for spec in world.trunks}
    for leg in world.dials:
        plan = settings[leg.campaign]
        assert window(plan, leg.wall_ns).open or window(plan, leg.wall_ns - slack).open, (
            f"seed {world.seed}: dialed outside hours"
        )
        assert loopback[leg.trunk] or not find_regime(plan.regime).loopback_only
