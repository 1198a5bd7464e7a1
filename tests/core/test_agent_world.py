"""Whole shifts of agents in virtual time, judged by what telephones and carriers saw."""

import pytest

import dialerd.core.events as ev
from dialerd.core.agent_records import AgentSettings, Disposition, Meaning
from dialerd.core.records import CampaignState, DialMode, Flow, FrequencyCap, LeadState, Outcome
from tests.core.agents import Habits, StaffedWorld, judge_staff
from tests.core.judge import judge
from tests.core.people import Faults
from tests.core.world import phones

HOUR = 3600
NO_FLOW = Flow(())
SAID = (Disposition("sold"), Disposition("no need"), Disposition("later", Meaning.RETRY))
ONE = (ev.TrunkSpec("any", 200, 50, loopback=True),)
STORM = Faults(line=0.05, silent=0.02, mute=0.005, commit=0.01, claim=0.02)
ROUGH = Habits(vanish=0.05, reload=0.1, gone=0.03, deaf=0.05)


def staffed(seed, mode, habits=None, *, leads=300, agents=6, faults=None, **changes):
    world = StaffedWorld(seed, ONE, faults or Faults(), **changes.pop("world", {}))
    world.staff.habits = habits or Habits()
    world.boot()
    nailed_up = changes.pop("nailed_up", True)
    own = AgentSettings(**({"dispositions": SAID, "wrap_up_s": 20} | changes.pop("agents_", {})))
    campaign = world.campaign(
        phones(leads, seed), mode=mode, agents=own, flow=NO_FLOW, cap=FrequencyCap(100, HOUR),
        attempts_max=2, retry_gap_s=300, **changes,
    )  # fmt: skip
    for i in range(agents):
        world.staff.login(f"a{i}", (campaign,), nailed_up=nailed_up)
    return world, campaign


def settle(world):
    world.crash_every_s = 0
    for campaign in world.store.campaigns():
        if campaign.state is CampaignState.RUNNING:
            world.move(campaign.campaign_id, CampaignState.PAUSED)
    world.run(600)


@pytest.mark.parametrize("nailed_up", [True, False])
@pytest.mark.parametrize("mode", [DialMode.PROGRESSIVE, DialMode.PREDICTIVE, DialMode.PREVIEW])
def test_a_list_is_worked_off(mode, nailed_up):
    world, campaign = staffed(1, mode, nailed_up=nailed_up, agents_={"preview_s": 5})
    world.run(12 * HOUR, until=world.finished)
    assert world.finished()
    world.run(60)
    judge(world)
    judge_staff(world)
    books = world.store.progress(campaign)
    assert books.outcomes[Outcome.ANSWERED] > 100
    waited = [
        attempt
        for rows in world.store.report(campaign)
        for row in rows
        for attempt, _ in row.attempts
        if attempt.outcome is Outcome.ABANDONED and attempt.human_ms
    ]
    if mode is not DialMode.PREDICTIVE:
        assert not waited  # whoever is abandoned picked up as we gave up
    assert sum(books.leads.values()) == 300
    assert world.store.past(world.dials[0].phone, 10)


@pytest.mark.parametrize("nailed_up", [True, False])
@pytest.mark.parametrize("mode", [DialMode.PROGRESSIVE, DialMode.PREDICTIVE, DialMode.PREVIEW])
@pytest.mark.parametrize("seed", range(2))
def test_crashes_failed_commits_and_agents_who_vanish(seed, mode, nailed_up):
    world, campaign = staffed(
        seed, mode, ROUGH, faults=STORM, nailed_up=nailed_up, world={"crash_every_s": 400.0},
        agents_={"preview_s": 5, "hand_over": bool(seed), "lost_s": 15},
    )  # fmt: skip
    world.run(2 * HOUR, until=world.finished)
    settle(world)
    judge(world)
    judge_staff(world)
    assert world.crashes > 3
    books = world.store.progress(campaign)
    assert books.outcomes[Outcome.ANSWERED] > 20
    assert books.outcomes[Outcome.AGENT_LEFT] or seed  # else another agent took over
    assert books.leads[LeadState.INTERRUPTED]
