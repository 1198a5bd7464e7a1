"""Agents, telephones and customers in single situations; the days are in `test_agent_world`."""

import pytest

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.records import Answerer, CampaignState, DialMode, LeadState, Outcome
from dialerd.core.team_figures import team_figures
from tests.acceptance.office import FIRST, Office
from tests.core.agents import judge_staff
from tests.core.world import NS

PROGRESSIVE, PREDICTIVE, PREVIEW = DialMode.PROGRESSIVE, DialMode.PREDICTIVE, DialMode.PREVIEW


class Spy:
    """An office whose effects are kept, and whose prompts end after two seconds."""

    def __init__(self, **office) -> None:
        self.office = Office(**office)
        self.seen = []
        carry_out = self.office.world.carry_out

        def keep(effect):
            self.seen.append((self.office.world.now_ns, effect))
            if isinstance(effect, fx.Play):
                self.office.world.at(
                    2, self.office.world.feed, ev.PlayEnded(effect.leg, effect.token)
                )
                return
            carry_out(effect)

        self.office.world.carry_out = keep

    def of(self, kind):
        return [effect for _, effect in self.seen if isinstance(effect, kind)]

    def talking(self, name="an", mode=PROGRESSIVE, nailed_up=True, people=5, **agents):
        campaign = self.office.campaign(mode, people=people, **agents)
        self.office.login(name, campaign, nailed_up=nailed_up)
        self.office.until(lambda: self.office.state(name) == "talking")
        return campaign

    def agent(self, name="an"):
        return self.office.world.dialer.desk.team.agents[name]

    def phone_dies(self, name="an"):
        leg = self.office.world.staff.legs[self.agent(name).leg]
        self.office.world.staff.gone(leg, Outcome.MEDIA_TIMEOUT, "timeout")

    def outcome(self, campaign, phone=FIRST):
        return self.office.lead(campaign, phone).attempts[-1][0].outcome


def test_an_agent_who_vanishes_leaves_a_message_and_the_outcome():
    spy = Spy()
    campaign = spy.talking(left_prompt="sorry-left")
    spy.phone_dies()
    spy.office.run(0.1)
    assert spy.office.state("an") == "paused"
    (played,) = spy.of(fx.Play)
    assert played.prompts == ("sorry-left",)
    assert spy.of(fx.Unbridge)
    spy.office.run(5)
    assert spy.outcome(campaign) is Outcome.AGENT_LEFT
    assert not spy.office.world.people.legs


def test_without_a_message_the_call_just_ends():
    spy = Spy()
    campaign = spy.talking()
    spy.phone_dies()
    spy.office.run(1)
    assert spy.outcome(campaign) is Outcome.AGENT_LEFT
    assert not spy.of(fx.Play)


def test_another_ready_agent_takes_over():
    spy = Spy()
    campaign = spy.talking(people=1, hand_over=True)
    spy.office.login("binh", campaign)
    spy.phone_dies()
    spy.office.run(1)
    assert spy.office.state("binh") == "talking"
    spy.office.hang_up("binh")
    spy.office.run(0.5)
    spy.office.do(ev.AgentDisposed, "binh", "sold")
    spy.office.run(0.5)
    ((attempt, events),) = spy.office.lead(campaign, FIRST).attempts
    assert (attempt.outcome, attempt.agent) == (Outcome.ANSWERED, "binh")
    kinds = [str(event.kind) for event in events]
    assert kinds.count("connected") == 2
    assert "left" in kinds
    judge_staff(spy.office.world)


def test_nobody_is_there_to_take_over():
    spy = Spy()
    campaign = spy.talking(people=1, hand_over=True, left_prompt="sorry-left")
    spy.phone_dies()
    spy.office.run(1)
    assert not spy.of(fx.Play)  # two seconds for another agent
    spy.office.run(5)
    assert spy.of(fx.Play)
    assert spy.outcome(campaign) is Outcome.AGENT_LEFT


def test_to_hang_up_the_telephone_ends_the_call():
    spy = Spy()
    campaign = spy.talking(nailed_up=False)
    leg = spy.office.world.staff.legs[spy.agent().leg]
    spy.office.world.staff.gone(leg, Outcome.ANSWERED)
    spy.office.run(0.5)
    assert spy.office.state("an") == "wrap_up"
    assert spy.outcome(campaign) is Outcome.ANSWERED


def test_a_reload_with_a_leg_that_falls_is_waited_for():
    spy = Spy()
    spy.talking(lost_s=20, hold_prompt="music")
    spy.office.do(ev.AgentLost, "an")
    spy.phone_dies()
    spy.office.run(5)
    (held,) = spy.of(fx.Hold)
    assert held.prompt == "music"
    rung = len(spy.of(fx.RingAgent))
    spy.office.do(ev.AgentBack, "an")
    spy.office.run(2)
    assert len(spy.of(fx.RingAgent)) == rung + 1
    assert len(spy.of(fx.Bridge)) == 2
    assert spy.office.state("an") == "talking"


def test_who_does_not_come_back_has_left():
    spy = Spy()
    campaign = spy.talking(lost_s=20)
    spy.office.do(ev.AgentLost, "an")
    spy.phone_dies()
    spy.office.run(19)
    assert spy.office.world.people.legs
    spy.office.run(3)
    assert spy.office.state("an") == "offline"
    assert spy.outcome(campaign) is Outcome.AGENT_LEFT


def test_nobody_answers_a_person_in_time():
    """Predictive with an agent whose telephone is not picked up: the message of the campaign."""
    spy = Spy()
    campaign = spy.office.campaign(
        PREDICTIVE, people=1, settings={"abandoned_prompt": "sorry"}, ring_agent_s=10
    )
    spy.office.world.staff.habits.deaf = 1.0
    spy.office.login("an", campaign, nailed_up=False)
    spy.office.until(lambda: bool(spy.of(fx.Play)), 60)
    answered_ns = spy.office.dials[0].answered_ns
    (at_ns, played) = next((at, e) for at, e in spy.seen if isinstance(e, fx.Play))
    assert played.prompts == ("sorry",)
    assert at_ns - answered_ns == 2 * NS
    spy.office.run(5)
    assert spy.outcome(campaign) is Outcome.ABANDONED
    spy.office.run(10)
    assert spy.office.state("an") == "paused"
    (team,) = team_figures(spy.office.world.dialer.desk, spy.office.world.now_ns)
    assert (team.people, team.abandoned, team.abandonment) == (1, 1, 1.0)


def test_a_machine_gets_no_agent():
    spy = Spy()
    campaign = spy.office.campaign(PROGRESSIVE, people=1, machines=True)
    spy.office.login("an", campaign)
    spy.office.until(lambda: any(dial.answered for dial in spy.office.dials))
    assert spy.office.state("an") == "reserved"
    spy.office.world.feed(ev.Verdict(spy.office.dials[0].leg, Answerer.MACHINE))
    spy.office.run(1)
    assert spy.outcome(campaign) is Outcome.MACHINE
    assert spy.office.state("an") == "ready"
    assert not spy.of(fx.Bridge)


@pytest.mark.parametrize("told", [True, False])
def test_a_person_gets_one_as_soon_as_that_is_sure(told):
    spy = Spy()
    campaign = spy.office.campaign(PROGRESSIVE, people=1, machines=True, verdict_s=3.0)
    spy.office.login("an", campaign)
    spy.office.until(lambda: any(dial.answered for dial in spy.office.dials))
    if told:
        spy.office.world.feed(ev.Verdict(spy.office.dials[0].leg, Answerer.HUMAN))
        spy.office.run(0)
    else:
        spy.office.run(2)
        assert not spy.of(fx.Bridge)
        spy.office.run(1.5)
    assert spy.of(fx.Bridge)


def test_longest_idle_first():
    office = Office()
    campaign = office.campaign(PREDICTIVE, people=50)
    for name in ("an", "binh", "chi"):
        office.login(name, campaign)
    office.run(60)
    assert [talk.agent for talk in office.talks] == ["an", "binh", "chi"]
    for name in ("chi", "an", "binh"):
        office.hang_up(name)
        office.run(0.2)
    for name in ("binh", "chi", "an"):  # the order in which they are ready again means nothing
        office.do(ev.AgentDisposed, name, "sold")
    office.run(60)
    assert [talk.agent for talk in office.talks[3:]] == ["chi", "an", "binh"]


def test_an_agent_in_two_campaigns_serves_whoever_waits():
    office = Office()
    first = office.campaign(PREDICTIVE, people=30)
    second = office.campaign(PREDICTIVE, people=30, first=FIRST + 1000)
    for name in ("an", "binh", "chi", "dung"):
        office.login(name, first, second)
    office.run(60)
    homes = [
        agent.home.campaign.campaign_id for agent in office.world.dialer.desk.team.agents.values()
    ]
    assert sorted(homes) == [first, first, second, second]
    assert {dial.campaign for dial in office.dials} == {first, second}
    office.world.move(first, CampaignState.PAUSED)
    office.run(1)
    homes = [
        agent.home.campaign.campaign_id for agent in office.world.dialer.desk.team.agents.values()
    ]
    assert set(homes) == {second}
    judge_staff(office.world)


def test_a_paused_campaign_takes_its_cards_back():
    office = Office()
    campaign = office.campaign(DialMode.MANUAL)
    office.login("an", campaign)
    office.do(ev.AgentTake, "an", campaign)
    office.run(1)
    assert office.state("an") == "reserved"
    office.world.move(campaign, CampaignState.PAUSED)
    office.run(1)
    assert office.state("an") == "ready"
    assert office.store.attempts_open() == 0
    assert "does not dial" in office.do(ev.AgentTake, "an", campaign)


def test_a_campaign_may_be_joined_before_it_begins():
    office = Office()
    start_ms = office.world.wall_ms + 600_000
    campaign = office.campaign(PROGRESSIVE, settings={"start_ms": start_ms})
    office.login("an", campaign)
    (team,) = team_figures(office.world.dialer.desk, office.world.now_ns)
    assert team.why.startswith("starts ")
    office.run(590)
    assert not office.dials
    office.run(20)
    assert office.dials
    assert office.dials[0].wall_ns // 1_000_000 >= start_ms


def test_logging_in_again_moves_the_agent_unless_there_is_a_call():
    spy = Spy()
    campaign = spy.talking(people=2)
    refused = spy.office.do(ev.AgentLoggedIn, "an", "other-phone", (campaign,))
    assert "in a call" in refused
    spy.office.hang_up("an")
    spy.office.run(0.5)
    assert spy.office.do(ev.AgentLoggedIn, "an", "other-phone", (campaign,), True) == ""
    spy.office.run(1)
    assert spy.of(fx.RingAgent)[-1].phone == "other-phone"
    assert len(spy.office.world.staff.legs) == 1
    assert spy.office.state("an") == "paused"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ev.AgentReady("nobody"), "not logged in"),
        (ev.AgentLoggedIn("x", ""), "telephone"),
        (ev.AgentLoggedIn("", "p"), "name"),
        (ev.AgentLoggedIn("a\nb", "p"), "name"),
        (ev.AgentLoggedIn("x", "p", (99,)), "no campaign 99"),
        (ev.AgentLoggedIn("x", "p", tuple(range(100))), "at most"),
        (ev.AgentTake("an", 1), "click"),
        (ev.AgentDial("an"), "no customer"),
        (ev.AgentSkip("an"), "no customer"),
        (ev.AgentHangUp("an"), "no call"),
        (ev.AgentDisposed("an", "sold"), "no customer"),
        (ev.AgentNoted("an", "x"), "no customer"),
        (ev.AgentBack("an"), "not away"),
        (ev.AgentJoined("an", (1, 99)), "no campaign"),
    ],
)
def test_refusals_say_why(event, words):
    office = Office(answer_s=1e6)
    campaign = office.campaign(
        PREVIEW, people=1, settings={"start_ms": office.world.wall_ms + 10**8}
    )
    office.login("an", campaign)
    words = {"click": "by itself"}.get(words, words)
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    name = fields.pop("agent")
    fields.pop("ask")
    assert words in office.do(type(event), name, **fields)


def test_a_callback_needs_a_time_to_come():
    spy = Spy()
    spy.talking()
    for due_s in (1, spy.office.wall_s - 10, spy.office.wall_s + 400 * 86_400):
        assert "still to come" in spy.office.do(ev.AgentDisposed, "an", callback_s=due_s)
    assert spy.office.do(ev.AgentDisposed, "an", callback_s=spy.office.wall_s + 60) == ""


def test_said_during_the_call_there_is_no_wrap_up():
    spy = Spy()
    campaign = spy.talking(people=1)
    spy.office.do(ev.AgentDisposed, "an", "sold")
    assert spy.office.state("an") == "talking"
    spy.office.hang_up("an")
    spy.office.run(0.5)
    assert spy.office.state("an") == "ready"
    ((attempt, _),) = spy.office.lead(campaign, FIRST).attempts
    assert attempt.disposition == "sold"


def test_a_wrap_up_that_nobody_ends_ends():
    spy = Spy()
    campaign = spy.talking(people=1, wrap_up_s=30)
    spy.office.hang_up("an")
    spy.office.run(29)
    assert spy.office.state("an") == "wrap_up"
    assert spy.office.store.last_ended() == 0
    spy.office.run(2)
    assert spy.office.state("an") == "ready"
    assert spy.office.store.last_ended() == 1
    assert spy.office.lead(campaign, FIRST).lead.state is LeadState.DONE


def test_a_campaign_waits_for_its_last_wrap_up():
    spy = Spy()
    campaign = spy.talking(people=1, wrap_up_s=0)
    spy.office.hang_up("an")
    spy.office.run(300)
    assert spy.office.store.campaign(campaign).state is CampaignState.RUNNING
    spy.office.do(ev.AgentDisposed, "an", callback_s=spy.office.wall_s + 60)
    spy.office.until(lambda: len(spy.office.talks) == 2, 120)
    spy.office.do(ev.AgentDisposed, "an", "sold")
    spy.office.hang_up("an")
    spy.office.run(30)
    assert spy.office.store.campaign(campaign).state is CampaignState.FINISHED


def test_emergency_stop_ends_calls_and_takes_cards_back():
    office = Office()
    talk = office.campaign(PROGRESSIVE)
    look = office.campaign(DialMode.MANUAL, first=FIRST + 1000)
    office.login("an", talk)
    office.login("binh", look)
    office.do(ev.AgentTake, "binh", look)
    office.until(lambda: office.state("an") == "talking")
    office.world.feed(ev.Drain(hang_up=True))
    office.run(60)
    assert not office.world.people.legs
    assert office.store.attempts_open() == 0
    assert office.state("binh") == "ready"


def test_figures_of_agents():
    spy = Spy()
    campaign = spy.talking()
    spy.office.run(60)
    (team,) = team_figures(spy.office.world.dialer.desk, spy.office.world.now_ns)
    assert (team.campaign_id, team.joined, team.talking) == (campaign, 1, 1)
    assert (team.conversations, team.abandoned) == (1, 0)
    assert team.utilisation > 0.9


def test_people_may_talk_for_longer_than_a_broadcast():
    spy = Spy()
    campaign = spy.talking(people=1)
    spy.office.run(3_000)
    assert spy.office.state("an") == "talking"
    spy.office.run(12_000)
    assert spy.outcome(campaign) is Outcome.TOO_LONG
