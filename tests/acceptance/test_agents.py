"""What agents must be able to do, by the number of the row; through the core, with its store."""

import pytest

import dialerd.core.events as ev
from dialerd.core.agent_records import AgentSettings, Disposition, Meaning
from dialerd.core.records import CampaignState, DialMode, Flow, FrequencyCap, LeadState, Outcome
from dialerd.core.team_figures import team_figures
from tests.acceptance.office import FIRST, Office
from tests.core.agents import Habits, StaffedWorld, judge_staff
from tests.core.judge import judge
from tests.core.people import Faults
from tests.core.world import NS, phones

DAY_SAID = (
    Disposition("sold"),
    Disposition("no need"),
    Disposition("call later", Meaning.RETRY, 600),
    Disposition("never again", Meaning.DO_NOT_CALL),
)


def test_row_12_an_agent_of_several_campaigns_picks_one():
    office = Office()
    first = office.campaign(DialMode.PROGRESSIVE)
    second = office.campaign(DialMode.PROGRESSIVE, first=FIRST + 1000)
    mine = office.campaign(DialMode.PROGRESSIVE, first=FIRST + 2000, members=("binh",))
    office.login("an")
    office.run(30)
    assert not office.dials
    assert "not yours" in office.do(ev.AgentJoined, "an", (mine,))
    assert office.do(ev.AgentJoined, "an", (second,)) == ""
    office.until(lambda: office.state("an") == "talking")
    assert {dial.campaign for dial in office.dials} == {second}
    office.hang_up("an")
    office.run(1)
    assert office.do(ev.AgentJoined, "an", (first,)) == ""
    office.do(ev.AgentDisposed, "an", "sold")
    office.until(lambda: office.state("an") == "talking")
    assert office.dials[-1].campaign == first


def test_row_13_a_closed_window_gets_no_more_calls_and_a_live_call_survives():
    office = Office()
    campaign = office.campaign(DialMode.PROGRESSIVE, lost_s=30)
    office.login("an", campaign)
    office.until(lambda: office.state("an") == "talking")
    talk = office.talks[-1]
    office.do(ev.AgentLost, "an")
    office.run(10)
    assert office.state("an") == "lost"
    assert not talk.ended_ns
    office.do(ev.AgentBack, "an")
    office.run(60)
    assert office.state("an") == "talking"
    assert not talk.ended_ns
    office.hang_up("an")
    office.run(0.1)
    office.do(ev.AgentLost, "an")
    dialed = len(office.dials)
    office.run(600)
    assert office.state("an") == "offline"
    assert len(office.dials) == dialed


def test_row_13_pause_with_a_reason():
    office = Office()
    campaign = office.campaign(DialMode.PROGRESSIVE)
    office.login("an", campaign)
    office.until(lambda: office.state("an") == "talking")
    assert office.do(ev.AgentPaused, "an", "lunch") == ""
    assert office.state("an") == "talking"
    office.hang_up("an")
    office.run(0.1)
    office.do(ev.AgentDisposed, "an", "sold")
    dialed = len(office.dials)
    office.run(300)
    assert office.state("an") == "paused"
    assert len(office.dials) == dialed
    moves = office.store.agent_moves(0, office.world.wall_ms + 1, 100)
    assert ("paused", "lunch") in [(str(move.state), move.reason) for move in moves]


def test_row_14_one_customer_for_each_click():
    """Row 14: Nhận khách hàng."""
    office = Office()
    campaign = office.campaign(DialMode.MANUAL)
    office.login("an", campaign)
    office.run(60)
    assert not office.cards
    assert office.do(ev.AgentTake, "an", campaign) == ""
    office.run(1)
    first = office.card("an").claim
    assert first.phone == FIRST
    assert "not called" in office.do(ev.AgentTake, "an", campaign)
    office.run(600)
    assert not office.dials  # the agent decides when
    assert office.do(ev.AgentDial, "an") == ""
    office.until(lambda: office.state("an") == "talking")
    assert [dial.phone for dial in office.dials] == [FIRST]
    assert "not called" in office.do(ev.AgentTake, "an", campaign)
    office.hang_up("an")
    office.run(0.1)
    assert "not called" in office.do(ev.AgentTake, "an", campaign)  # nor disposed of
    office.do(ev.AgentDisposed, "an", "sold")
    assert office.do(ev.AgentTake, "an", campaign) == ""
    office.run(1)
    assert office.card("an").claim.phone == FIRST + 1
    assert office.do(ev.AgentDisposed, "an", do_not_call=True) == ""
    assert office.do(ev.AgentTake, "an", campaign) == ""
    office.run(1)
    assert office.card("an").claim.phone == FIRST + 2
    callback = office.do(ev.AgentDisposed, "an", callback_s=office.wall_s + 600)
    assert callback == ""
    assert office.do(ev.AgentTake, "an", campaign) == ""
    office.run(1)
    assert office.card("an").claim.phone == FIRST + 3
    assert len(office.dials) == 1


def test_row_15_the_customer_is_shown_first():
    office = Office()
    campaign = office.campaign(DialMode.PREVIEW, preview_s=12, may_skip=True)
    office.login("an", campaign)
    office.until(lambda: office.card("an") is not None)
    card, shown_s = office.card("an"), office.shown_s
    assert card.may_skip
    assert card.dial_at_ms == pytest.approx(office.world.wall_ms + 12_000, abs=1_000)
    office.run(10)
    assert not office.dials
    office.until(lambda: office.state("an") == "talking")
    assert office.dials[0].phone == card.claim.phone
    assert office.dials[0].at_ns / NS == pytest.approx(shown_s + 12, abs=0.1)
    office.hang_up("an")
    office.run(0.1)
    office.do(ev.AgentDisposed, "an", "sold")
    office.run(1)
    second = office.card("an").claim.phone
    assert second != card.claim.phone
    assert office.do(ev.AgentSkip, "an") == ""
    office.run(1)
    third = office.card("an").claim.phone
    assert third not in {card.claim.phone, second}
    assert office.do(ev.AgentDial, "an") == ""  # who has seen enough need not wait
    office.until(lambda: office.state("an") == "talking", 3)
    assert [dial.phone for dial in office.dials] == [card.claim.phone, third]


def test_row_15_skipping_is_a_setting():
    office = Office()
    campaign = office.campaign(DialMode.PREVIEW)
    office.login("an", campaign)
    office.until(lambda: office.card("an") is not None)
    assert "skips nobody" in office.do(ev.AgentSkip, "an")


@pytest.mark.parametrize("nailed_up", [True, False])
def test_row_16_one_call_for_each_ready_agent(nailed_up):
    office = Office(answer_s=8)
    campaign = office.campaign(DialMode.PROGRESSIVE, people=40)
    for name in ("an", "binh", "chi"):
        office.login(name, campaign, nailed_up=nailed_up)
    office.run(4)
    assert len(office.dials) == 3
    assert {office.state(name) for name in ("an", "binh", "chi")} == {"reserved"}
    office.run(6)
    assert len(office.dials) == len(office.talks) == 3
    for talk, dial in zip(office.talks, office.dials, strict=True):
        assert talk.begun_ns == dial.answered_ns  # the agent hears the customer directly
    assert {talk.agent for talk in office.talks} == {"an", "binh", "chi"}
    office.run(300)
    assert len(office.dials) == 3
    office.hang_up("binh")
    office.run(0.1)
    office.do(ev.AgentDisposed, "binh", "no need")
    office.run(20)
    assert len(office.dials) == 4


def test_row_17_more_calls_than_agents_and_abandonment_under_the_cap():
    """A shift of 20 agents: what a supervisor sees moves, and stays under the cap."""
    trunks = (ev.TrunkSpec("any", 500, 50, loopback=True),)
    world = StaffedWorld(4, trunks, Faults(crossing=0.0))
    world.staff.habits = Habits(talk_s=60, wrap_s=8, breaks=0.0, callback=0.0)
    world.boot()
    campaign = world.campaign(
        phones(5_000, 4), mode=DialMode.PREDICTIVE, flow=Flow(()), cap=FrequencyCap(100, 60),
        agents=AgentSettings(abandon_target=0.03, wrap_up_s=20),
    )  # fmt: skip
    for i in range(20):
        world.staff.login(f"a{i}", (campaign,))
    ratios = []
    for _ in range(60):
        world.run(60)
        (team,) = team_figures(world.dialer.desk, world.now_ns)
        ratios.append(team.calls_per_agent)
    assert max(ratios) > 1.1
    assert max(ratios) <= 3.0
    assert len(set(ratios)) > 10
    assert team.people > 500
    assert team.abandonment <= 0.03
    assert team.waited_s < 0.5
    told = [notice.data for notice in world.notices if notice.topic == "pacing"]
    assert told
    assert all(data["campaign_id"] == campaign for data in told)
    answered = {dial.attempt for dial in world.dials if dial.answered}
    assert {talk.call for talk in world.staff.talks} <= answered
    assert team.utilisation > 0.3
    world.move(campaign, CampaignState.PAUSED)
    world.run(400)
    judge(world)
    judge_staff(world)


def test_row_19_the_next_agent_sees_the_note():
    office = Office()
    campaign = office.campaign(DialMode.MANUAL, people=1, settings={"retry_gap_s": 60})
    office.login("an", campaign)
    office.do(ev.AgentTake, "an", campaign)
    office.run(1)
    office.do(ev.AgentDial, "an")
    office.until(lambda: office.state("an") == "talking")
    assert office.do(ev.AgentNoted, "an", "has a") == ""
    assert office.do(ev.AgentNoted, "an", "has a dog") == ""  # saved while it is written
    office.hang_up("an")
    office.run(0.1)
    office.do(ev.AgentDisposed, "an", callback_s=office.wall_s + 60, to_me=False)
    office.do(ev.AgentLoggedOut, "an")
    office.run(70)
    office.login("binh", campaign)
    office.do(ev.AgentTake, "binh", campaign)
    office.run(1)
    claim = office.card("binh").claim
    notes = office.store.notes(claim.phone)
    assert [(note.agent, note.text) for note in notes] == [("an", "has a dog")]
    (past,) = office.store.past(claim.phone, 10)
    assert past.note == "has a dog"


def test_row_20_a_call_is_closed_with_an_outcome():
    office = Office()
    campaign = office.campaign(DialMode.PROGRESSIVE, dispositions=DAY_SAID)
    office.login("an", campaign)
    said = {}
    for name in ("sold", "no need", "call later", "never again"):
        office.until(lambda: office.state("an") == "talking")
        phone = office.dials[-1].phone
        assert "one of" in office.do(ev.AgentDisposed, "an", "whatever")
        office.hang_up("an")
        office.run(0.5)
        assert office.do(ev.AgentDisposed, "an", name) == ""
        office.run(0.5)
        said[name] = office.lead(campaign, phone)
    for name, row in said.items():
        ((attempt, _),) = row.attempts
        assert (attempt.disposition, attempt.agent) == (name, "an")
        assert attempt.answered_ms <= attempt.human_ms <= attempt.connected_ms
        assert attempt.connected_ms <= attempt.ended_ms < attempt.disposed_ms
    assert said["sold"].lead.state is said["no need"].lead.state is LeadState.DONE
    assert said["call later"].lead.state is LeadState.RETRY
    assert said["never again"].lead.state is LeadState.BLOCKED


@pytest.mark.parametrize("mode", list(DialMode)[1:])
def test_row_21_a_callback_is_made_by_that_agent_at_its_time(mode):
    office = Office()
    campaign = office.campaign(mode, people=1, preview_s=3)
    office.login("an", campaign)
    office.login("binh", campaign)
    if mode is DialMode.MANUAL:
        office.do(ev.AgentTake, "an", campaign)
        office.run(1)
        office.do(ev.AgentDial, "an")
    office.until(lambda: bool(office.talks))
    agent = office.talks[0].agent
    other = {"an": "binh", "binh": "an"}[agent]
    office.hang_up(agent)
    office.run(0.1)
    due_s = office.wall_s + 1200
    assert office.do(ev.AgentDisposed, agent, callback_s=due_s, note="at noon") == ""
    ((booked,),) = office.store.callbacks(campaign)
    assert (booked.due_s, booked.agent, booked.note) == (due_s, agent, "at noon")
    assert office.lead(campaign, FIRST).lead.state is LeadState.CALLBACK
    office.run(1100)
    assert len(office.dials) == 1
    if mode is DialMode.MANUAL:
        office.run(120)
        office.do(ev.AgentTake, other, campaign)
        office.run(1)
        assert office.state(other) == "ready"  # it is not theirs
        office.do(ev.AgentTake, agent, campaign)
        office.run(1)
        assert office.card(agent).claim.callback == booked
        office.do(ev.AgentDial, agent)
    office.until(lambda: len(office.talks) == 2, 300)
    assert office.dials[1].phone == FIRST
    assert office.dials[1].wall_ns // NS >= due_s
    assert office.talks[1].agent == agent
    assert list(office.store.callbacks(campaign)) == []


def test_row_21_a_callback_survives_a_restart_and_becomes_anybodys_when_overdue():
    office = Office()
    campaign = office.campaign(DialMode.PROGRESSIVE, people=1, overdue_s=600)
    office.login("an", campaign)
    office.until(lambda: bool(office.talks))
    office.hang_up("an")
    office.run(0.1)
    due_s = office.wall_s + 300
    office.do(ev.AgentDisposed, "an", callback_s=due_s)
    office.do(ev.AgentLoggedOut, "an")
    office.run(1)
    office.world.crash()
    office.login("binh", campaign)
    office.run(700)
    assert len(office.dials) == 1  # due, and not Binh's
    overdue = [one for page in office.store.callbacks(campaign) for one in page]
    assert [one.due_s for one in overdue] == [due_s]
    assert overdue[0].due_s < office.wall_s
    office.until(lambda: len(office.talks) == 2, 600)
    assert office.talks[1].agent == "binh"
    assert office.dials[1].wall_ns // NS >= due_s + 600


def test_row_21_a_callback_that_nobody_answers_is_still_promised():
    office = Office()
    campaign = office.campaign(DialMode.PREVIEW, people=1, preview_s=2)
    office.login("an", campaign)
    office.until(lambda: bool(office.talks))
    office.hang_up("an")
    office.run(0.1)
    office.do(ev.AgentDisposed, "an", callback_s=office.wall_s + 60)
    office.answer_s = 300  # longer than it rings
    office.until(lambda: len(office.dials) == 2, 120)
    office.run(60)
    row = office.lead(campaign, FIRST)
    assert row.lead.state is LeadState.CALLBACK
    assert row.attempts[-1][0].outcome is Outcome.NO_ANSWER
    ((booked,),) = office.store.callbacks(campaign)
    assert booked.agent == "an"
    assert booked.due_s > office.wall_s


def test_row_22_the_mark_and_its_time():
    """Row 22: Không gọi lại."""
    office = Office()
    campaign = office.campaign(DialMode.PROGRESSIVE, people=2)
    office.login("an", campaign)
    office.until(lambda: office.state("an") == "talking")
    phone = office.dials[0].phone
    office.hang_up("an")
    office.run(5)
    marked_ms = office.world.wall_ms
    assert office.do(ev.AgentDisposed, "an", do_not_call=True) == ""
    office.run(1)
    assert office.lead(campaign, phone).lead.state is LeadState.BLOCKED
    mark = office.store.dnc_find(phone)
    assert mark.at_ms == marked_ms
    assert mark.source == "agent an"
    again = office.campaign(DialMode.PROGRESSIVE, people=1, first=phone)
    office.do(ev.AgentJoined, "an", (again,))
    office.run(600)
    assert [dial.phone for dial in office.dials].count(phone) == 1


def test_row_35_the_past_of_the_number_that_is_being_dialed():
    office = Office()
    first = office.campaign(DialMode.PROGRESSIVE, people=1, dispositions=DAY_SAID)
    office.login("an", first)
    office.until(lambda: office.state("an") == "talking")
    office.hang_up("an")
    office.run(0.5)
    office.do(ev.AgentDisposed, "an", "no need", note="asked for a price")
    office.do(ev.AgentLoggedOut, "an")
    second = office.campaign(DialMode.PREVIEW, people=1, preview_s=30)
    office.login("binh", second)
    office.until(lambda: office.card("binh") is not None)
    office.do(ev.AgentDial, "binh")
    office.run(0.5)
    assert office.world.people.legs  # it rings
    phone = office.card("binh").claim.phone
    earlier = [one for one in office.store.past(phone, 10) if one.attempt.outcome is not None]
    (one,) = earlier
    assert one.campaign == office.store.campaign(first).settings.name
    assert (one.attempt.agent, one.attempt.disposition) == ("an", "no need")
    assert one.attempt.outcome is Outcome.ANSWERED
    assert one.note == "asked for a price"


def test_row_22_a_number_blocked_while_its_card_is_looked_at():
    office = Office()
    campaign = office.campaign(DialMode.MANUAL, people=2)
    office.login("an", campaign)
    office.do(ev.AgentTake, "an", campaign)
    office.run(1)
    office.world.block([office.card("an").claim.phone])
    assert office.do(ev.AgentDial, "an") == ""
    office.run(1)
    assert not office.dials
    assert office.state("an") == "ready"
