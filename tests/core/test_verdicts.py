"""Who answered: what a verdict does to the call, to its agent, to the pacer, whenever it comes."""

import pytest

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.agent_records import OnMachine
from dialerd.core.detection_records import Detection
from dialerd.core.records import Answerer, DialMode, Outcome
from dialerd.core.team_figures import team_figures
from tests.acceptance.office import FIRST
from tests.core.test_desk import Spy

HUMAN, MACHINE, UNKNOWN = Answerer
PREDICTIVE, PROGRESSIVE = DialMode.PREDICTIVE, DialMode.PROGRESSIVE


class Told:
    """A pacer that dials one call and writes down what it is told."""

    def __init__(self):
        self.said = []
        self.left = 1

    def __getattr__(self, name):
        return lambda *args: self.said.append((name, *args))

    def dials(self, _now, _lines):
        self.left, now = 0, self.left
        return now

    def explain(self):
        return {}

    def of_call(self):
        agents = ("agent_ready", "agent_left", "agent_talking", "agent_wrap_up", "begin_window")
        return [
            name if name != "call_ended" else f"ended {more[-1]}"
            for name, *more in self.said
            if name not in agents
        ]


def answered(mode=PREDICTIVE, agents=1, deaf=False, **settings):
    """One call that was just answered, in an office with agents."""
    spy = Spy()
    office = spy.office
    pacer = Told()
    office.world.dialer._make_pacer = lambda _: pacer
    more = {"settings": settings.pop("settings", {})}
    campaign = office.campaign(mode, people=1, machines=True, **settings, **more)
    office.world.staff.habits.deaf = float(deaf)
    for name in ("an", "binh")[:agents]:
        office.login(name, campaign, nailed_up=not deaf)
    office.until(lambda: any(dial.answered for dial in office.dials))
    return spy, pacer, campaign


def verdict(spy, who, **more):
    spy.office.world.feed(ev.Verdict(spy.office.dials[0].leg, who, **more))
    spy.office.run(0)


def sound(spy, kind, **more):
    spy.office.world.feed(ev.Sound(spy.office.dials[0].leg, kind, **more))
    spy.office.run(0)


def details(spy, campaign):
    ((_, events),) = spy.office.lead(campaign, FIRST).attempts
    return [(str(event.kind), event.detail) for event in events]


def test_a_pick_up_is_told_at_once_and_a_person_when_it_is_one():
    spy, pacer, campaign = answered()
    assert pacer.of_call() == ["dial_started", "answered"]
    assert spy.office.state("an") == "ready"
    verdict(spy, HUMAN, confidence=0.93)
    assert pacer.of_call() == ["dial_started", "answered", "human_answered", "agent_reserved"]
    assert spy.office.state("an") == "talking"
    spy.office.hang_up("an")
    spy.office.run(1)
    assert ("verdict", "human 0.93") in details(spy, campaign)
    assert "ended" not in " ".join(pacer.of_call())


def test_without_a_listener_every_answer_is_a_person():
    spy = Spy()
    pacer = Told()
    spy.office.world.dialer._make_pacer = lambda _: pacer
    spy.office.login("an", spy.office.campaign(PREDICTIVE, people=1))
    spy.office.until(lambda: spy.office.state("an") == "talking")
    assert pacer.of_call()[:2] == ["dial_started", "human_answered"]


@pytest.mark.parametrize("mode", [PREDICTIVE, PROGRESSIVE])
def test_a_machine_is_hung_up_on_and_the_pacer_knows_at_once(mode):
    spy, pacer, campaign = answered(mode)
    verdict(spy, MACHINE)
    assert spy.office.state("an") == "ready", "before the leg is gone"
    if mode is PREDICTIVE:
        assert pacer.of_call() == ["dial_started", "answered", "ended machine"]
    spy.office.run(1)
    assert spy.outcome(campaign) is Outcome.MACHINE
    assert not spy.of(fx.Bridge)
    assert pacer.of_call().count("ended machine") == (mode is PREDICTIVE), "told once"


@pytest.mark.parametrize("mode", [PREDICTIVE, PROGRESSIVE])
def test_a_machine_is_told_something(mode):
    spy, _, campaign = answered(mode, on_machine=OnMachine.LEAVE_MESSAGE, machine_prompt="call-us")
    verdict(spy, MACHINE)
    spy.office.run(2)
    assert not spy.of(fx.Play), "it still says its greeting"
    sound(spy, "beep")
    (played,) = spy.of(fx.Play)
    assert played.prompts == ("call-us",)
    assert spy.office.state("an") == "ready", "nobody listens to that"
    spy.office.run(3)
    assert spy.outcome(campaign) is Outcome.MACHINE
    assert not spy.office.world.people.legs


def test_a_machine_gets_an_agent_where_that_is_wanted():
    spy, pacer, campaign = answered(on_machine=OnMachine.CONNECT)
    verdict(spy, MACHINE)
    assert spy.office.state("an") == "talking"
    assert "human_answered" in pacer.of_call()
    spy.office.hang_up("an")
    spy.office.run(1)
    assert spy.outcome(campaign) is Outcome.ANSWERED


@pytest.mark.parametrize("who", [UNKNOWN, None])
def test_who_is_in_doubt_is_a_person(who):
    spy, pacer, _ = answered(verdict_s=1.0)
    if who is None:
        spy.office.run(1.1)
    else:
        verdict(spy, who)
    assert spy.office.state("an") == "talking"
    assert "human_answered" in pacer.of_call()


@pytest.mark.parametrize("agents", [0, 1])
def test_a_verdict_that_comes_late_keeps_a_machine_from_agents(agents):
    """No agent is ready, or the telephone of the one who is still rings."""
    spy, pacer, campaign = answered(agents=1, deaf=True, verdict_s=0.5)
    if not agents:
        spy.office.do(ev.AgentPaused, "an", "tea")
    spy.office.run(0.7)
    assert "human_answered" in pacer.of_call()
    verdict(spy, MACHINE)
    assert pacer.of_call()[-1] == "ended machine"
    spy.office.run(3)
    assert spy.outcome(campaign) is Outcome.MACHINE
    assert "abandoned" not in pacer.of_call()
    (team,) = team_figures(spy.office.world.dialer.desk, spy.office.world.now_ns)
    assert (team.people, team.abandoned, team.customers_waiting) == (0, 0, 0)


def test_a_verdict_on_whom_an_agent_hears_is_only_written_down():
    spy, _, campaign = answered(verdict_s=0.5)
    spy.office.run(1)
    assert spy.office.state("an") == "talking"
    verdict(spy, MACHINE)
    spy.office.run(5)
    assert spy.office.state("an") == "talking"
    spy.office.hang_up("an")
    spy.office.run(1)
    assert spy.outcome(campaign) is Outcome.ANSWERED
    assert ("verdict", "machine 1.00") in details(spy, campaign)


def test_two_verdicts_are_one():
    spy, pacer, campaign = answered()
    verdict(spy, MACHINE)
    verdict(spy, HUMAN)
    spy.office.run(1)
    assert spy.outcome(campaign) is Outcome.MACHINE
    assert "human_answered" not in pacer.of_call()


def test_a_customer_who_hangs_up_in_doubt_is_nobody_abandoned():
    spy, pacer, campaign = answered()
    leg = spy.office.world.people.legs[spy.office.dials[0].leg]
    spy.office.world.people.gone(leg, Outcome.ANSWERED, 200)
    spy.office.run(1)
    (team,) = team_figures(spy.office.world.dialer.desk, spy.office.world.now_ns)
    assert team.abandoned == 0
    assert "abandoned" not in pacer.of_call()
    assert spy.outcome(campaign) is not Outcome.ANSWERED


@pytest.mark.parametrize("end", ["silence", "nothing"])
def test_a_message_does_not_wait_for_a_beep_for_ever(end):
    detection = Detection(beep_s_max=6.0)
    spy, _, campaign = answered(
        on_machine=OnMachine.LEAVE_MESSAGE,
        machine_prompt="call-us",
        settings={"detection": detection},
    )
    verdict(spy, MACHINE)
    spy.office.run(5.5)
    assert not spy.of(fx.Play)
    if end == "silence":
        sound(spy, "silence")
    else:
        spy.office.run(1)
    assert len(spy.of(fx.Play)) == 1
    sound(spy, "beep")
    assert len(spy.of(fx.Play)) == 2, "the greeting had gone on"
    sound(spy, "beep")
    spy.office.run(3)
    assert len(spy.of(fx.Play)) == 2
    assert spy.outcome(campaign) is Outcome.MACHINE


def test_a_beep_means_nothing_to_a_person():
    spy, _, _ = answered(on_machine=OnMachine.LEAVE_MESSAGE, machine_prompt="call-us")
    sound(spy, "beep")
    verdict(spy, HUMAN)
    sound(spy, "beep")
    assert spy.office.state("an") == "talking"
    assert not spy.of(fx.Play)


def test_who_is_in_doubt_is_hung_up_on_where_that_is_wanted():
    """It may have been a person: one whom nobody met, in the books of the law too."""
    spy, pacer, campaign = answered(settings={"detection": Detection(on_unknown=OnMachine.HANG_UP)})
    verdict(spy, UNKNOWN)
    spy.office.run(1)
    assert spy.outcome(campaign) is Outcome.ABANDONED
    assert not spy.of(fx.Bridge)
    assert pacer.of_call()[-2:] == ["human_answered", "abandoned"]
    (team,) = team_figures(spy.office.world.dialer.desk, spy.office.world.now_ns)
    assert (team.people, team.abandoned, team.customers_waiting) == (1, 1, 0)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fax_gets_neither_agent_nor_message(when):
    spy, pacer, campaign = answered(on_machine=OnMachine.LEAVE_MESSAGE, machine_prompt="call-us")
    if when == "after":
        spy.office.do(ev.AgentPaused, "an", "tea")
        verdict(spy, HUMAN)
    sound(spy, "fax", value="ced", outcome=Outcome.MACHINE)
    assert pacer.of_call()[-1] == "ended machine"
    spy.office.run(1)
    assert spy.outcome(campaign) is Outcome.MACHINE
    assert not spy.of(fx.Play)
    assert ("heard", "fax ced 1.00") in details(spy, campaign)


def test_a_sound_in_a_conversation_is_left_to_the_agent_unless_nothing_else_tells_the_end():
    spy, _, campaign = answered()
    verdict(spy, HUMAN)
    sound(spy, "fax", outcome=Outcome.MACHINE)
    spy.office.run(5)
    sound(spy, "busy", outcome=Outcome.BUSY)
    spy.office.run(5)
    assert spy.office.state("an") == "talking"
    sound(spy, "busy", outcome=Outcome.BUSY, only_sign=True)
    spy.office.run(1)
    assert spy.office.state("an") == "wrap_up"
    assert spy.outcome(campaign) is Outcome.ANSWERED


@pytest.mark.parametrize("who", list(Answerer))
def test_who_answered_is_kept_with_the_attempt(who):
    spy, _, campaign = answered(on_machine=OnMachine.HANG_UP)
    spy.office.run(1)
    verdict(spy, who, confidence=0.75, late_ns=200_000_000)
    verdict(spy, HUMAN, confidence=1.0)
    spy.office.hang_up("an") if who is not MACHINE else None
    spy.office.run(1)
    ((attempt, _),) = spy.office.lead(campaign, FIRST).attempts
    assert (attempt.answerer, attempt.verdict_sure) == (who, 0.75)
    assert 800 <= attempt.verdict_ms < 1_000


@pytest.mark.parametrize("only_sign", [False, True])
def test_a_busy_tone_before_the_verdict_abandons_nobody(only_sign):
    """Nobody was there: no agent is kept for it, no rule counts it."""
    spy, pacer, campaign = answered(agents=1)
    sound(spy, "busy", outcome=Outcome.BUSY, only_sign=only_sign)
    assert pacer.of_call()[-1] == "ended machine"
    assert spy.office.state("an") == "ready"
    spy.office.run(1)
    assert spy.outcome(campaign) is Outcome.MACHINE


@pytest.mark.parametrize("only_sign", [False, True])
def test_a_busy_tone_of_a_person_who_waits_is_a_hang_up_only_without_another_sign(only_sign):
    spy, _, campaign = answered(agents=1)
    spy.office.do(ev.AgentPaused, "an", "tea")
    verdict(spy, HUMAN)
    sound(spy, "busy", outcome=Outcome.BUSY, only_sign=only_sign)
    assert len(spy.of(fx.Release)) == only_sign
    if only_sign:
        spy.office.run(1)
        assert spy.outcome(campaign) is Outcome.ABANDONED


def test_a_machine_that_is_gone_gets_no_message():
    spy, _, campaign = answered(on_machine=OnMachine.LEAVE_MESSAGE, machine_prompt="call-us")
    verdict(spy, MACHINE)
    sound(spy, "busy", outcome=Outcome.BUSY)
    spy.office.run(1)
    assert spy.outcome(campaign) is Outcome.MACHINE
    assert not spy.of(fx.Play)


def test_who_was_counted_as_a_person_stays_one_in_doubt():
    hang_up = {"detection": Detection(on_unknown=OnMachine.HANG_UP)}
    spy, pacer, _ = answered(settings=hang_up, verdict_s=1.0)
    spy.office.do(ev.AgentPaused, "an", "tea")
    spy.office.run(1.5)
    assert pacer.of_call()[-1] == "human_answered"
    verdict(spy, UNKNOWN)
    assert pacer.of_call()[-1] == "human_answered"
    assert not spy.of(fx.Release)


def test_who_pressed_a_key_gets_an_agent_whatever_is_heard():
    spy, _, _ = answered()
    spy.office.world.feed(ev.Digit(spy.office.dials[0].leg, "1"))
    verdict(spy, MACHINE)
    assert spy.office.state("an") == "talking"


def test_a_fax_behind_a_greeting_gets_no_message():
    spy, pacer, _ = answered(on_machine=OnMachine.LEAVE_MESSAGE, machine_prompt="call-us")
    verdict(spy, MACHINE)
    sound(spy, "fax", value="ced", outcome=Outcome.MACHINE)
    assert len(spy.of(fx.Release)) == 1
    assert pacer.of_call().count("ended machine") == 1
    assert not spy.of(fx.Play)


@pytest.mark.parametrize(("ago_s", "played"), [(0.5, 1), (4.0, 0)])
def test_a_beep_just_before_the_verdict_ended_the_greeting(ago_s, played):
    spy, _, _ = answered(
        on_machine=OnMachine.LEAVE_MESSAGE, machine_prompt="call-us", verdict_s=10.0
    )
    sound(spy, "beep")
    spy.office.run(ago_s)
    verdict(spy, MACHINE)
    assert len(spy.of(fx.Play)) == played


def test_a_person_who_turns_out_a_machine_is_kept_from_agents_but_not_taken_from_one():
    spy, _, campaign = answered()
    verdict(spy, HUMAN, confidence=0.8)
    verdict(spy, MACHINE, confidence=0.9)
    spy.office.run(5)
    assert spy.office.state("an") == "talking", "the agent hears who it is"
    spy.office.hang_up("an")
    spy.office.run(1)
    ((attempt, _),) = spy.office.lead(campaign, FIRST).attempts
    assert (attempt.outcome, attempt.answerer) == (Outcome.ANSWERED, HUMAN)
    assert attempt.revised is MACHINE
    assert attempt.revised_ms >= attempt.verdict_ms
    assert [what for kind, what in details(spy, campaign) if kind == "verdict"] == [
        "human 0.80", "machine 0.90",
    ]  # fmt: skip


def test_a_person_who_waits_and_turns_out_a_machine_waits_no_more():
    spy, pacer, campaign = answered()
    spy.office.do(ev.AgentPaused, "an", "tea")
    verdict(spy, HUMAN)
    verdict(spy, MACHINE)
    spy.office.run(1)
    ((attempt, _),) = spy.office.lead(campaign, FIRST).attempts
    assert (attempt.outcome, attempt.answerer, attempt.revised) == (
        Outcome.MACHINE, HUMAN, MACHINE,
    )  # fmt: skip
    assert pacer.of_call()[-1] == "ended machine"
