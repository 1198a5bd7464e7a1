"""A campaign's life by the clock, by capability number: whole days of dialing in virtual time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dialerd.core import control as api
from dialerd.core.events import ClockStepped, Drain, TrunkSpec
from dialerd.core.records import CampaignState, DialMode, FrequencyCap, Hours
from dialerd.core.regime_data import VIETNAM
from dialerd.core.statistics import why_not
from dialerd.store import open_store, wait
from tests.acceptance.office import Office
from tests.control.desk import NOW_MS, booth, spec
from tests.core.judge import judge
from tests.core.world import NS, World, phones

HOUR = 3_600
NO_CAP = FrequencyCap(window_s=0)


def vn(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=VIETNAM).timestamp())


def world(start: str, channels: int = 4, **more) -> World:
    trunks = (TrunkSpec("t", channels, 4.0, loopback=True),)
    made = World(seed=7, trunks=trunks, start_s=vn(start), **more)
    made.boot()
    return made


def times(made: World) -> list[datetime]:
    return [
        datetime.fromtimestamp(leg.wall_ns // NS, UTC).astimezone(VIETNAM) for leg in made.dials
    ]


def states(made: World, campaign: int) -> list[tuple[str, CampaignState]]:
    return [(move.who, move.after) for move in made.store.moves(campaign)]


def test_row_56_it_starts_by_itself_stops_outside_its_hours_and_goes_on_the_next_day():
    made = world("2026-11-23 05:00", channels=1)
    campaign = made.campaign(
        phones(420), regime="vn-advertising", consent="kept in a file", start=False,
        attempts_max=1, cap=NO_CAP, start_ms=vn("2026-11-23 15:00") * 1000,
    )  # fmt: skip
    made.move(campaign, CampaignState.APPROVED)
    made.run(3 * 24 * HOUR, until=made.finished)
    dialed = times(made)
    assert len({leg.phone for leg in made.dials}) == 420
    assert dialed[0].strftime("%m-%d %H:%M") == "11-23 15:00"
    assert {at.day for at in dialed} >= {23, 24}
    assert all(8 <= at.hour < 17 for at in dialed)
    assert states(made, campaign)[2:] == [("dialerd", "running"), ("dialerd", "finished")]
    judge(made)


def test_row_56_a_start_time_that_passed_while_nothing_ran_is_kept_at_once():
    made = world("2026-11-23 09:00")
    campaign = made.campaign(phones(3), start=False, start_ms=vn("2026-11-23 10:00") * 1000)
    made.move(campaign, CampaignState.APPROVED)
    made.crash()
    made.now_ns += 3 * HOUR * NS
    made.crash()
    made.run(60)
    assert made.store.campaign(campaign).state in {CampaignState.RUNNING, CampaignState.FINISHED}
    assert len(made.dials) == 3


def test_row_56_without_a_start_time_a_person_starts_it():
    made = world("2026-11-23 09:00")
    campaign = made.campaign(phones(3), start=False)
    made.move(campaign, CampaignState.APPROVED)
    made.run(HOUR)
    assert made.dials == []
    assert made.store.campaign(campaign).state is CampaignState.APPROVED


def test_row_07_started_early_it_waits_for_its_time_and_says_so():
    made = world("2026-11-23 07:30")
    campaign = made.campaign(
        phones(3), regime="vn-care", hours=(Hours(9 * 60, 10 * 60),),
        start_ms=vn("2026-11-23 09:00") * 1000,
    )  # fmt: skip
    made.run(60)
    run = made.dialer.floor.runs[campaign]
    assert run.running
    assert why_not(made.dialer.floor, run, made.now_ns) == "starts 09:00"
    made.run(1.4 * HOUR)
    assert made.dials == []
    made.run(600)
    assert times(made)[0].strftime("%H:%M") == "09:00"


@pytest.mark.parametrize(("weights", "share"), [((1, 1), 0.5), ((3, 1), 0.75), ((1, 3), 0.25)])
def test_row_04_campaigns_share_lines_by_their_weights(weights, share):
    made = world("2026-11-23 09:00", channels=12)
    numbers = phones(4_000)
    both = [
        made.campaign(half, weight=weight, attempts_max=1, cap=NO_CAP)
        for half, weight in zip((numbers[:2_000], numbers[2_000:]), weights, strict=True)
    ]
    for _ in range(60):
        made.run(30)
        if made.now_ns > 5_400 * NS:
            break
    live = [0, 0]
    for _ in range(40):
        made.run(5)
        for at, campaign in enumerate(both):
            live[at] += made.dialer.floor.runs[campaign].live
    assert abs(live[0] / sum(live) - share) < 0.06
    assert sum(live) > 40 * 11


def test_row_04_a_weight_takes_nothing_from_who_is_alone():
    made = world("2026-11-23 09:00", channels=6)
    made.campaign(phones(500), weight=1, attempts_max=1)
    made.campaign(phones(3, 9), weight=50, attempts_max=1)
    made.run(600)
    assert len(made.dialer.floor.calls) == 6


def test_times_across_a_clock_step_stay_inside_hours():
    made = world("2026-11-23 16:50", channels=2)
    made.campaign(
        phones(500), regime="vn-advertising", consent="kept in a file", attempts_max=1, cap=NO_CAP
    )
    made.run(120)
    assert made.dials
    made.offset_ns += 15 * 60 * NS  # 17:07 now

    made.feed(ClockStepped(made.offset_ns))
    made.run(1)  # a dial whose commit was under way when the clock was moved
    before = len(made.dials)
    made.run(HOUR)
    assert len(made.dials) == before
    made.run(15 * HOUR)
    assert len(made.dials) > before
    assert all(8 <= at.hour < 17 for at in times(made)[before:])


def test_row_57_one_stop_pauses_everything_and_holds_over_a_restart(tmp_path: Path):
    async def stopped() -> None:
        store = open_store(tmp_path / "data", create=True)
        async with booth(tmp_path / "s", store) as b:
            await b.people()
            start = datetime.fromtimestamp(NOW_MS / 1000 + 60, UTC)
            for name, more in (("runs", {}), ("waits", {"start_at": start})):
                made = spec(name, **more)
                await b.control.create_campaign(api.CreateCampaign(spec=made, who="an"))
                await act(b, name, "approve")
            await act(b, "runs", "start")
            found = await b.control.emergency_stop(api.EmergencyStop(who="an", hang_up=False))
            assert found.paused == ("runs",)
            assert found.calls_in_flight == 7
            assert not b.desk.hung_up

    async def started_again() -> None:
        store = open_store(tmp_path / "data")
        async with booth(tmp_path / "s", store) as b:
            assert b.desk.state is api.DaemonState.HALTED
            waits = store.find_campaign("waits").campaign_id
            move = store.move_campaign(waits, CampaignState.RUNNING, "dialerd", NOW_MS)
            with pytest.raises(Exception, match="stopped by a person"):
                await move
            await act(b, "runs", "resume")
            assert b.desk.state is api.DaemonState.RUNNING
            assert not store.halted()
            moved = await store.move_campaign(waits, CampaignState.RUNNING, "dialerd", NOW_MS)
            assert moved.state is CampaignState.RUNNING

    asyncio.run(stopped())
    asyncio.run(started_again())


async def act(b, name: str, action: str) -> None:
    wanted = api.CampaignAction(action)
    await b.control.act(api.ActOnCampaign(campaign=name, action=wanted, who="an"))


def test_nothing_starts_by_itself_after_everything_was_stopped():
    made = world("2026-11-23 09:00")
    campaign = made.campaign(phones(3), start=False, start_ms=vn("2026-11-23 09:05") * 1000)
    made.move(campaign, CampaignState.APPROVED)
    wait(made.store.set_halted(on=True))

    made.feed(Drain())
    made.run(HOUR)
    assert made.dials == []
    assert made.store.campaign(campaign).state is CampaignState.APPROVED


@pytest.mark.parametrize(
    ("mode", "alone", "with_one"),
    [
        (DialMode.MANUAL, "no agent is ready", "its agents ask for each customer"),
        (DialMode.PREVIEW, "no agent is ready", "no agent is ready"),
        (DialMode.PROGRESSIVE, "no agent is ready", "no agent is ready"),
        (DialMode.PREDICTIVE, "no agent is at work", ""),
    ],
)
def test_why_a_campaign_with_agents_dials_nobody(mode, alone, with_one):
    office = Office()
    campaign = office.campaign(mode)
    world = office.world
    office.run(1)
    run = world.dialer.floor.runs[campaign]
    assert why_not(world.dialer.floor, run, world.now_ns) == alone
    office.login("an", campaign)
    office.run(1)
    assert (office.state("an") == "ready") is (mode is DialMode.MANUAL), "else it has a customer"
    assert why_not(world.dialer.floor, run, world.now_ns) == with_one
