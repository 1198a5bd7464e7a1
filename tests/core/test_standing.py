"""A daemon that dies: its agents stand in the next one where they stood, with what was theirs."""

import pytest

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.agent_phones import NO_ANSWER
from dialerd.core.limits import AGENT_RETURN_S, AGENT_SHIFT_S_MAX
from dialerd.core.ops import AtWork
from dialerd.core.records import CampaignState, DialMode, LeadState, Outcome
from dialerd.store.ticket import wait
from tests.acceptance.office import FIRST, Office
from tests.core.agents import judge_staff

MANUAL, PREVIEW, PROGRESSIVE = DialMode.MANUAL, DialMode.PREVIEW, DialMode.PROGRESSIVE


def agent(office, name="an"):
    return office.world.dialer.desk.team.agents[name]


def crash(office, seconds=0.0):
    office.run(0.1)  # what nobody waits for is written in a moment
    office.cards.clear()
    office.world.crash()
    office.run(seconds)


def sound(office):
    judge_staff(office.world)
    assert office.store.attempts_open() == sum(
        bool(a.card) for a in office.world.dialer.desk.team.agents.values()
    ) + len(office.world.dialer.floor.calls) + sum(
        run.held_count for run in office.world.dialer.floor.runs.values()
    )


@pytest.mark.parametrize("nailed_up", [True, False])
def test_who_was_ready_is_ready_at_the_same_telephone_in_the_same_campaigns(nailed_up):
    office = Office()
    one, two = office.campaign(MANUAL), office.campaign(MANUAL, first=FIRST + 100)
    office.world.feed(ev.AgentLoggedIn("an", "1001", (one, two), nailed_up, ("sales", "night")))
    office.do(ev.AgentReady, "an")
    office.run(1)
    crash(office, 1)
    back = agent(office)
    assert (back.phone, back.campaigns, back.queues) == ("1001", (one, two), ("sales", "night"))
    assert office.state("an") == "ready"
    assert back.leg_up == nailed_up
    assert office.do(ev.AgentTake, "an", one) == ""


def test_who_paused_says_still_why():
    office = Office()
    campaign = office.campaign(MANUAL)
    office.login("an", campaign)
    office.do(ev.AgentPaused, "an", "lunch")
    crash(office, 2)
    assert (office.state("an"), agent(office).reason) == ("paused", "lunch")
    assert agent(office).leg_up, "nailed up is nailed up"
    assert [move.reason for move in office.store.agent_moves(0, office.world.wall_ms, 99)][-1:] == [
        "lunch"
    ]


def test_who_logged_out_is_not_there():
    office = Office()
    office.login("an", office.campaign(PROGRESSIVE))
    office.do(ev.AgentLoggedOut, "an")
    crash(office)
    assert "an" not in office.world.dialer.desk.team.agents


@pytest.mark.parametrize("ends", ["disposed", "time", "logout"])
def test_a_conversation_that_was_cut_still_wants_its_disposition(ends):
    office = Office()
    campaign = office.campaign(PROGRESSIVE, people=1, wrap_up_s=30)
    office.login("an", campaign)
    office.until(lambda: office.state("an") == "talking")
    office.do(ev.AgentNoted, "an", "has a dog")
    begun_ms = office.world.wall_ms
    crash(office, 1)
    assert office.state("an") == "wrap_up"
    assert office.card("an").claim.phone == FIRST
    assert office.store.ended(0, 10) == [], "until something is said of it"
    if ends == "disposed":
        due_s = office.wall_s + 600
        assert office.do(ev.AgentDisposed, "an", callback_s=due_s, note="rang off") == ""
        assert office.state("an") == "ready"
    elif ends == "time":
        office.run(30)
        assert office.state("an") == "ready"
    else:
        assert office.do(ev.AgentLoggedOut, "an") == ""
    office.run(1)
    ((attempt, _),) = office.lead(campaign, FIRST).attempts
    assert (attempt.outcome, attempt.agent) == (Outcome.INTERRUPTED, "an")
    assert begun_ms - 1_000 <= attempt.connected_ms <= begun_ms
    assert len(office.store.ended(0, 10)) == 1
    notes = [note.text for note in office.store.notes(FIRST)]
    if ends == "disposed":
        assert notes == ["rang off"]
        ((booked,),) = office.store.callbacks(campaign)
        assert (booked.agent, booked.due_s) == ("an", due_s)
        assert office.lead(campaign, FIRST).lead.state is LeadState.CALLBACK
    else:
        assert notes == ["has a dog"]
        assert office.lead(campaign, FIRST).lead.state is LeadState.INTERRUPTED
    sound(office)


def test_a_wrap_up_goes_on_and_what_was_asked_for_in_it():
    office = Office()
    campaign = office.campaign(PROGRESSIVE, people=1, wrap_up_s=0)
    office.login("an", campaign)
    office.until(lambda: office.state("an") == "talking")
    office.hang_up("an")
    office.run(1)
    office.do(ev.AgentPaused, "an", "tea")
    crash(office, 100)
    crash(office, 100)  # twice: it is still owed
    assert office.state("an") == "wrap_up"
    assert office.do(ev.AgentDisposed, "an", "sold") == ""
    assert (office.state("an"), agent(office).reason) == ("paused", "tea")
    ((attempt, _),) = office.lead(campaign, FIRST).attempts
    assert (attempt.outcome, attempt.disposition) == (Outcome.ANSWERED, "sold")
    sound(office)


@pytest.mark.parametrize("mode", [MANUAL, PREVIEW])
def test_a_card_stays_the_agents_own(mode):
    office = Office()
    campaign = office.campaign(mode, preview_s=30)
    for name in ("an", "binh"):
        office.login(name, campaign)
        if mode is MANUAL:
            office.do(ev.AgentTake, name, campaign)
        office.run(1)
    before = {name: office.card(name).claim for name in ("an", "binh")}
    crash(office, 3)
    assert {name: office.card(name).claim for name in ("an", "binh")} == before
    assert office.state("an") == "reserved"
    sound(office)
    assert office.do(ev.AgentDial, "binh") == ""
    office.until(lambda: office.state("binh") == "talking")
    assert office.dials[-1].phone == before["binh"].phone
    if mode is PREVIEW:
        office.until(lambda: office.state("an") == "talking")
    else:
        assert office.do(ev.AgentDisposed, "an", do_not_call=True) == ""
        assert office.lead(campaign, before["an"].phone).lead.state is LeadState.BLOCKED
    sound(office)


def test_a_card_of_a_campaign_that_dials_no_more_goes_back():
    office = Office()
    campaign = office.campaign(MANUAL, people=1)
    office.login("an", campaign)
    office.do(ev.AgentTake, "an", campaign)
    office.run(1)
    wait(office.store.move_campaign(campaign, CampaignState.PAUSED, "S", office.world.wall_ms))
    crash(office, 2)
    assert office.state("an") == "ready"
    assert office.lead(campaign, FIRST).lead.state is LeadState.READY
    sound(office)


def test_a_call_that_rang_for_an_agent_is_cut_and_the_agent_is_free():
    office = Office(answer_s=20)
    campaign = office.campaign(PROGRESSIVE, people=1)
    office.login("an", campaign)
    office.until(lambda: bool(office.dials))
    crash(office, 2)
    assert office.state("an") == "ready"
    assert office.lead(campaign, FIRST).lead.state is LeadState.INTERRUPTED
    sound(office)


def test_a_page_that_was_lost_may_still_come_back():
    office = Office()
    campaign = office.campaign(PROGRESSIVE, people=1, lost_s=30)
    office.login("an", campaign)
    office.until(lambda: office.state("an") == "talking")
    office.do(ev.AgentLost, "an")
    crash(office, 5)
    assert office.state("an") == "lost"
    assert office.do(ev.AgentBack, "an") == ""
    assert office.state("an") == "wrap_up"
    crash(office)
    office.do(ev.AgentLost, "an")
    crash(office, 31)
    assert office.state("an") == "offline"
    assert len(office.store.ended(0, 10)) == 1
    sound(office)


def test_a_telephone_that_registers_late_is_rung_until_it_answers():
    office = Office()
    office.login("an", office.campaign(MANUAL))
    world = office.world
    ring = world.staff.ring
    world.staff.ring = lambda effect: world.at(
        0, world.feed, ev.Released(effect.leg, Outcome.UNREACHABLE, 480, by="us")
    )
    crash(office, AGENT_RETURN_S - 10)
    assert (office.state("an"), agent(office).reason) == ("paused", "phone")
    world.staff.ring = ring
    office.run(3)
    assert office.state("an") == "ready"


def test_a_telephone_that_does_not_come_back_is_told():
    office = Office()
    office.login("an", office.campaign(MANUAL))
    office.world.staff.habits.deaf = 1.0
    crash(office, AGENT_RETURN_S + 70)
    assert (office.state("an"), agent(office).reason) == ("paused", NO_ANSWER)
    office.world.staff.habits.deaf = 0.0
    assert office.do(ev.AgentReady, "an") == ""
    office.run(2)
    assert office.state("an") == "ready"


def test_a_shift_that_was_over_long_ago_is_over():
    office = Office()
    campaign = office.campaign(MANUAL, people=1)
    office.login("an", campaign)
    office.do(ev.AgentTake, "an", campaign)
    office.run(1)
    (told,) = office.store.at_work()
    office.world.now_ns += (AGENT_SHIFT_S_MAX + 10) * 10**9  # it was off for so long
    office.world.crash()
    office.run(1)
    assert office.state("an") == "offline"
    assert office.store.at_work() == []
    assert office.lead(campaign, FIRST).lead.state is LeadState.READY
    assert told.claim is not None
    sound(office)


def test_a_planned_end_hangs_telephones_up_and_nobody_has_moved():
    office = Office()
    campaign = office.campaign(PROGRESSIVE, people=1)
    office.login("an", campaign)
    office.login("binh", campaign)
    office.until(lambda: office.state("an") == "talking")
    office.world.feed(ev.Drain(ends=True))
    office.run(1)
    assert [leg.agent for leg in office.world.staff.legs.values()] == ["an"], "she talks"
    office.hang_up("an")
    office.run(1)
    assert not office.world.staff.legs
    assert office.do(ev.AgentDisposed, "an", "sold") == ""
    told = {one.standing.agent: str(one.standing.state) for one in office.store.at_work()}
    assert told == {"an": "paused", "binh": "ready"}, "an waits for her telephone"
    crash(office, 2)
    assert {name: office.state(name) for name in told} == {"an": "ready", "binh": "ready"}


def test_what_another_daemon_left_is_not_taken_twice():
    office = Office()
    campaign = office.campaign(MANUAL, people=2)
    office.login("an", campaign)
    office.do(ev.AgentTake, "an", campaign)
    office.run(1)
    (told,) = office.store.at_work()
    held = agent(office).card
    office.world.feed(ev.AgentsKnown((AtWork(told.standing, None),)))
    office.run(1)
    assert agent(office).card is held
    sound(office)


def test_without_staff_nobody_is_logged_in_and_nothing_is_held():
    office = Office()
    campaign = office.campaign(MANUAL, people=1)
    office.login("an", campaign)
    office.do(ev.AgentTake, "an", campaign)
    office.run(1)
    wait(office.store.recover(office.world.wall_ms))
    assert office.store.at_work() == []
    assert office.store.attempts_open() == 0


def test_what_agents_did_is_on_disk_before_they_are_answered():
    office = Office()
    campaign = office.campaign(MANUAL)
    seen = []
    carry_out = office.world.carry_out
    office.world.carry_out = lambda effect: seen.append(effect) or carry_out(effect)
    office.login("an", campaign)
    for what in (ev.AgentPaused("an", "tea", ask=90), ev.AgentReady("an", ask=91)):
        office.world.feed(what)
        at_once = [e for e in seen if isinstance(e, fx.AgentAnswer) and e.ask == what.ask]
        assert not at_once, "behind its commit"
    office.run(1)
    assert {91, 90} <= set(office.answers)
