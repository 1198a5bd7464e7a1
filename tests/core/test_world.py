"""Whole days of dialing in virtual time, judged by the carriers' own books."""

import msgspec
import pytest

import dialerd.core.events as ev
from dialerd.core.records import (
    CampaignState,
    CapCounts,
    FrequencyCap,
    Hours,
    LeadState,
    Outcome,
)
from tests.core.judge import judge
from tests.core.people import Faults
from tests.core.world import NS, World, phones

HOUR = 3600
TWO = (
    ev.TrunkSpec("any", 120, 30, loopback=True),
    ev.TrunkSpec("viettel", 60, 20, carriers=("viettel",), loopback=True),
)
STORM = Faults(line=0.05, silent=0.02, mute=0.005, commit=0.01, claim=0.02)


def settle(world):
    """Stop dialing and let every live call end."""
    world.crash_every_s = 0
    for campaign in world.store.campaigns():
        if campaign.state is CampaignState.RUNNING:
            world.move(campaign.campaign_id, CampaignState.PAUSED)
    world.run(200)


def test_a_list_of_6000_is_dialed_to_its_end():
    wide = (
        ev.TrunkSpec("any", 6_000, 150, loopback=True),
        ev.TrunkSpec("viettel", 2_400, 90, carriers=("viettel",), loopback=True),
    )
    world = World(1, wide)
    world.boot()
    campaign = world.campaign(phones(6_000), attempts_max=1, calls_per_s_max=150)
    world.run(12 * HOUR, until=world.finished)
    assert world.finished()
    judge(world)
    books = world.store.progress(campaign)
    assert (
        sum(
            books.leads[one] for one in (LeadState.DONE, LeadState.EXHAUSTED, LeadState.UNREACHABLE)
        )
        == 6_000
    )
    assert books.outcomes[Outcome.ANSWERED] == books.leads[LeadState.DONE]
    last = world.store.moves(campaign)[-1]
    assert (last.after, last.who) == (CampaignState.FINISHED, "dialerd")
    dialing_s = (world.dials[5_999].at_ns - world.dials[0].at_ns) / NS
    assert dialing_s <= 6_000 / 150 * 1.02


@pytest.mark.parametrize("seed", range(4))
def test_crashes_failed_commits_and_dead_lines(seed):
    """Two campaigns over the same people; kill -9 every two minutes on average."""
    world = World(seed, TWO, STORM, crash_every_s=120)
    world.boot()
    people = phones(500, seed)
    world.campaign(people)
    world.campaign(people, cap=FrequencyCap(1, HOUR, CapCounts.ATTEMPTED))
    world.run(3 * HOUR, until=world.finished)
    settle(world)
    assert world.crashes > 20
    assert any(world.store.progress(c).leads[LeadState.INTERRUPTED] for c in (1, 2))
    judge(world)


@pytest.mark.parametrize("seed", range(2))
def test_the_law_of_one_advertising_call_a_day(seed):
    """Retries wait for the next day, hours close at 17:00, crashes or not."""
    trunks = (ev.TrunkSpec("a", 60, 20), ev.TrunkSpec("b", 60, 20, up=False))
    world = World(seed, trunks, Faults(line=0.05), crash_every_s=4 * HOUR)
    world.boot()
    world.campaign(
        phones(400, seed),
        regime="vn-advertising",
        consent="kept in a file",
        attempts_max=3,
        retry_gap_s=600,
    )
    world.run(4 * 24 * HOUR, until=world.finished)
    settle(world)
    judge(world)
    assert len({(dial.wall_ns // NS + 7 * HOUR) // (24 * HOUR) for dial in world.dials}) >= 3
    assert {dial.trunk for dial in world.dials} == {"a"}


def test_hours_and_clock_steps():
    world = World(3, TWO, crash_every_s=0)
    world.boot()
    world.campaign(phones(1500), hours=(Hours(8 * 60, 8 * 60 + 32), Hours(10 * 60, 11 * 60)))
    for step_s in (0, 60, -60, 1800, -1800, 2 * HOUR):
        world.run(20)
        world.offset_ns += step_s * NS
        world.feed(ev.ClockStepped(world.offset_ns))
    world.run(2 * HOUR)
    settle(world)
    assert len(world.dials) > 500
    judge(world)


def test_pausing_and_resuming_by_the_minute_loses_nothing():
    world = World(5, TWO, Faults(commit=0.005))
    world.boot()
    campaign = world.campaign(phones(800), attempts_max=2, retry_gap_s=60)
    for _ in range(100):
        world.run(world.rng.uniform(0, 8))
        world.move(campaign, CampaignState.PAUSED)
        world.run(world.rng.uniform(0, 3))
        world.move(campaign, CampaignState.RUNNING)
    world.run(6 * HOUR, until=world.finished)
    assert world.finished()
    judge(world)


def test_do_not_call_is_obeyed_from_the_moment_it_is_written():
    world = World(6, TWO)
    world.boot()
    people = phones(600)
    world.campaign(people, attempts_max=3, retry_gap_s=30)
    world.run(5)
    blocked = set(people[::2])
    world.block(blocked)
    written_ns = world.now_ns
    world.run(6 * HOUR, until=world.finished)
    assert world.finished()
    assert any(dial.phone in blocked for dial in world.dials)
    assert not [d for d in world.dials if d.phone in blocked and d.at_ns > written_ns]
    judge(world)


def test_draining_with_a_hang_up_leaves_no_call_behind():
    world = World(8, TWO)
    world.boot()
    campaign = world.campaign(phones(500))
    world.run(20)
    assert world.people.legs
    world.feed(ev.Drain(hang_up=True))
    world.run(60)
    assert not world.people.legs
    assert world.dialer.idle
    assert world.store.attempts_open() == 0
    assert world.store.progress(campaign).outcomes[Outcome.CANCELLED] > 10
    judge(world)


def test_same_seed_same_trace():
    traces = []
    for seed in (7, 7, 8):
        world = World(seed, TWO, STORM, crash_every_s=60, traced=True)
        world.boot()
        world.campaign(phones(300))
        world.run(900)
        traces.append(world.trace.hexdigest())
    assert traces[0] == traces[1] != traces[2]


def test_the_judge_sees_what_is_wrong():
    """Each planted fault is one that a broken dialer could commit."""
    world = World(9, TWO)
    world.boot()
    world.campaign(phones(200), attempts_max=1)
    world.run(2 * HOUR, until=world.finished)
    judge(world)
    heard = next(dial for dial in world.dials if dial.heard)
    again = next(d for d in reversed(world.dials) if d.at_ns > heard.ended_ns and not d.answered)
    for name, value in (
        ("phone", heard.phone),
        ("attempt", 10**9),
        ("answered", True),
        ("trunk", "viettel" if again.trunk == "any" else "any"),
        ("ended_ns", 0),
    ):
        was = getattr(again, name)
        setattr(again, name, value)
        with pytest.raises(AssertionError):
            judge(world)
        setattr(again, name, was)
    for change in ({"channels": 3}, {"cps_max": 2.0}, {"loopback": False}):
        was = world.trunks
        world.trunks = tuple(msgspec.structs.replace(spec, **change) for spec in was)
        with pytest.raises(AssertionError):
            judge(world)
        world.trunks = was
    world.finishes[heard.attempt] += 1
    with pytest.raises(AssertionError):
        judge(world)
    world.finishes[heard.attempt] -= 1
    judge(world)
    assert {notice.topic for notice in world.notices} == {"campaign"}
