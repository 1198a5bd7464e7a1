"""People come into the list of a campaign under way; and campaigns end when nobody is left."""

from __future__ import annotations

import pytest

import dialerd.core.events as ev
from dialerd.core.list_records import Newcomers
from dialerd.core.records import CampaignState, Contact, DialMode
from dialerd.store.ticket import wait
from tests.acceptance.office import FIRST, Office
from tests.core.people import Faults
from tests.core.world import World, phones

AGENTS = [DialMode.MANUAL, DialMode.PREVIEW, DialMode.PROGRESSIVE, DialMode.PREDICTIVE]


def state(world, campaign=1) -> CampaignState:
    return world.store.campaign(campaign).state


def push(world, *numbers: int, campaign: int = 1) -> int:
    contacts = [Contact(number, f"+{number}") for number in numbers]
    wait(world.store.add_contacts(campaign, contacts))
    more = wait(world.store.join(campaign))
    if more:
        world.feed(ev.LeadsJoined(campaign))
    return more


def talk(office: Office, name: str) -> None:
    """The customer of an agent hangs up, and the agent says what came of it."""
    office.until(lambda: office.state(name) == "talking")
    office.hang_up(name)
    office.until(lambda: office.state(name) == "wrap_up")
    assert office.do(ev.AgentDisposed, name, "sold") == ""


@pytest.mark.parametrize("away", [ev.AgentPaused, ev.AgentLoggedOut])
@pytest.mark.parametrize("when", ["talking", "wrap_up"])
def test_a_campaign_whose_agents_left_with_its_last_lead_is_over(away, when) -> None:
    office = Office()
    campaign = office.campaign(DialMode.PROGRESSIVE, 1)
    office.login("an", campaign)
    office.until(lambda: office.state("an") == "talking")
    if when == "talking":
        office.do(away, "an")
    office.hang_up("an")
    office.until(lambda: office.state("an") == "wrap_up")
    if when == "wrap_up" and away is ev.AgentPaused:
        office.do(away, "an")
    office.do(ev.AgentDisposed, "an", "sold")
    if when == "wrap_up":
        office.do(ev.AgentPaused, "an")
        office.do(away, "an")
    office.until(lambda: state(office.world, campaign) is CampaignState.FINISHED)
    assert len(office.dials) == 1


@pytest.mark.parametrize("mode", AGENTS)
def test_a_campaign_without_agents_whose_leads_are_done_is_over(mode) -> None:
    office = Office()
    campaign = office.campaign(mode, 1)
    office.login("an", campaign)
    if mode is DialMode.MANUAL:
        office.do(ev.AgentTake, "an", campaign)
        office.until(lambda: office.card("an") is not None)
        office.do(ev.AgentDial, "an")
    elif mode is DialMode.PREVIEW:
        office.until(lambda: office.card("an") is not None)
        office.do(ev.AgentDial, "an")
    office.until(lambda: office.state("an") == "talking")
    office.do(ev.AgentLoggedOut, "an")
    office.hang_up("an")
    office.until(lambda: state(office.world, campaign) is CampaignState.FINISHED)
    assert len(office.dials) == 1


@pytest.mark.parametrize("mode", AGENTS)
def test_a_campaign_that_waits_for_agents_is_not_over_and_asks_the_store_no_more(mode) -> None:
    office = Office()
    campaign = office.campaign(mode, 3)
    asked = []
    claim = office.world.claim
    office.world.claim = lambda want: asked.append(want.n) or claim(want)
    office.run(600)
    assert state(office.world, campaign) is CampaignState.RUNNING
    assert asked in ([], [0])
    office.login("an", campaign)
    if mode is not DialMode.MANUAL:
        office.until(lambda: office.state("an") in ("talking", "reserved"), 5)


def test_who_is_pushed_is_dialed_at_once_and_the_campaign_ends_behind_them() -> None:
    office = Office()
    campaign = office.campaign(
        DialMode.PROGRESSIVE, 1, settings={"newcomers": Newcomers.CALL, "attempts_max": 1}
    )
    office.login("an", campaign)
    office.until(lambda: office.state("an") == "talking")
    assert push(office.world, FIRST + 50, FIRST) == 1
    talk(office, "an")
    office.until(lambda: office.state("an") == "talking", 5)
    assert office.dials[-1].phone == FIRST + 50
    talk(office, "an")
    office.until(lambda: state(office.world, campaign) is CampaignState.FINISHED)
    assert len(office.dials) == 2


def test_a_campaign_that_awaits_people_goes_on_for_days() -> None:
    office = Office()
    campaign = office.campaign(DialMode.PROGRESSIVE, 1, settings={"newcomers": Newcomers.AWAIT})
    office.login("an", campaign)
    talk(office, "an")
    for number in range(3):
        office.run(86_400)
        assert state(office.world, campaign) is CampaignState.RUNNING
        assert push(office.world, FIRST + 50 + number) == 1
        office.until(lambda: office.state("an") == "talking", 5)
        talk(office, "an")
    assert len(office.dials) == 4


@pytest.mark.parametrize("seed", range(4))
def test_pushed_again_and_again_between_crashes_everybody_is_dialed_once(seed) -> None:
    world = World(seed, (ev.TrunkSpec("any", 20, 10, loopback=True),), Faults(0, 0))
    world.boot()
    everybody = phones(60, seed)
    made = world.campaign(everybody[:10], newcomers=Newcomers.AWAIT, attempts_max=1)
    for at in range(10, 60, 5):
        world.run(world.rng.uniform(0, 6))
        contacts = [Contact(number, f"+{number}") for number in everybody[at - 3 : at + 5]]
        wait(world.store.add_contacts(made, contacts))
        if world.rng.random() < 0.4:
            world.crash()  # behind the commit that added them, before the one that joins them
        if wait(world.store.join(made)):  # by the push, or at the start
            world.feed(ev.LeadsJoined(made))
    world.run(900)
    assert state(world, made) is CampaignState.RUNNING
    assert world.store.campaign(made).audience == 60
    assert world.store.problems() == []
    dialed = [leg.phone for leg in world.dials]
    assert len(dialed) == len(set(dialed))
    leads = [row.lead for rows in world.store.report(made) for row in rows]
    assert {lead.phone for lead in leads} == set(everybody)
    assert all(lead.attempts == 1 for lead in leads)
