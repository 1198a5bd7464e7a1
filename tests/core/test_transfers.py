"""People put through by their flow: to a queue, an agent, a number; and what fails goes on."""

from __future__ import annotations

import msgspec
import pytest

import dialerd.core.events as ev
from dialerd.core.agent import READY, TALKING, WRAP_UP
from dialerd.core.list_records import Newcomers
from dialerd.core.records import (
    CampaignState,
    Direction,
    EventKind,
    LeadState,
    Outcome,
)
from dialerd.core.return_records import ReturnAnswer, ReturnSettings
from tests.core.agents import Habits
from tests.core.people import Faults
from tests.core.test_world import settle
from tests.core.together import (
    CARE,
    LAN,
    NUMBER,
    Together,
    attempts,
    judge_together,
    put_through,
    world,
)

QUIET = Faults(line=0.0, silent=0.0, crossing=0.0)
CALM = Habits(silent=0.0, breaks=0.0, callback=0.0, never=0.0)


class Listener(Together):
    """Its people answer after three seconds and do nothing by themselves."""

    habits = CALM

    def __post_init__(self) -> None:
        super().__post_init__()
        self.people.dial = self.dial_person

    def dial_person(self, effect) -> None:
        if effect.number.value in self.numbers:
            before, people = self.faults, self.people
            type(people).dial(people, effect)
            leg = people.legs[effect.leg]
            leg.alerted = True
            self.at(1.0, self.pick_up, leg)
            self.faults = before
        else:
            type(self.people).dial(self.people, effect)


def person(monkeypatch, *transfers, agents=(), flow=None, **changes):
    """A person who has answered and hears the greeting; the leg of the call."""
    monkeypatch.setattr("tests.core.people.People.ring", lambda *_: None)
    monkeypatch.setattr("tests.core.people.People.gone", _gone)
    monkeypatch.setattr("tests.core.together.Together", Listener)
    flow = put_through(*transfers) if flow is None else flow
    made = world(flow, agents=agents, world={"faults": QUIET}, **changes)
    made.habits = CALM
    made.people.rng = _Rings()
    while not any(call.answered_ms for call in made.dialer.floor.calls.values()):
        made.run(0.1)
    ((leg, _),) = list(made.people.legs.items())
    return made, leg


class _Rings:
    """Chance in which a dialed person rings, and a prompt lasts four seconds."""

    def random(self) -> float:
        return 0.99

    def uniform(self, _low: float, high: float) -> float:
        return min(high, 4.0)

    def lognormvariate(self, *_: float) -> float:
        return 100.0


def _gone(people, leg, outcome, code=0, by="them", advance=False) -> None:
    if leg.released:
        return
    leg.released, leg.ended_ns = True, people.world.now_ns
    people.legs.pop(leg.leg, None)
    people.world.feed(ev.Released(leg.leg, outcome, code, by=by, advance=advance))


def press(made, leg, key="1"):
    """A key, and the commit that what follows it waits for."""
    made.feed(ev.Digit(leg, key))
    made.run(0.05)


def agent(made, name="lan"):
    return made.dialer.desk.team.agents[name]


def kinds(made):
    ((_, events),) = attempts(made, Direction.OUT)
    return [event.kind for event in events]


def ended(made):
    made.run(120)
    judge_together(made)
    ((attempt, _),) = attempts(made, Direction.OUT)
    return attempt


@pytest.mark.parametrize("deed", [CARE, LAN])
def test_a_key_leads_to_an_agent_who_says_what_came_of_it(monkeypatch, deed):
    made, leg = person(monkeypatch, deed, agents=("lan",))
    made.run(1)
    assert agent(made).state is READY
    press(made, leg)
    assert agent(made).state is TALKING
    assert [talk.agent for talk in made.staff.talks] == ["lan"]
    made.feed(ev.AgentHangUp("lan"))
    assert agent(made).state is WRAP_UP
    made.feed(ev.AgentDisposed("lan", "sold"))
    attempt = ended(made)
    assert (attempt.outcome, attempt.agent, attempt.disposition) == (
        Outcome.ANSWERED, "lan", "sold",
    )  # fmt: skip
    assert attempt.connected_ms
    found = kinds(made)
    order = [EventKind.TRANSFER, EventKind.CONNECTED, EventKind.TRANSFERRED, EventKind.PARTED]
    assert [kind for kind in found if kind in order] == order
    assert found.count(EventKind.PROMPT_STARTED) == 2, "greeting, and thanks after it"


def test_who_waits_hears_music_and_gets_the_next_agent_who_is_ready(monkeypatch):
    made, leg = person(monkeypatch, CARE, agents=("lan",))
    made.run(1)
    made.feed(ev.AgentPaused("lan"))
    press(made, leg)
    assert [hold.prompt for hold in made.music] == ["music"]
    assert not made.staff.talks
    made.run(3)
    made.feed(ev.AgentReady("lan"))
    assert agent(made).state is TALKING
    made.people.gone(made.people.legs[leg], Outcome.ANSWERED, 200)
    assert agent(made).state is WRAP_UP
    assert ended(made).outcome is Outcome.ANSWERED


def test_nobody_in_time_and_the_flow_goes_on(monkeypatch):
    made, leg = person(monkeypatch, CARE, agents=("lan",))
    made.run(1)
    made.feed(ev.AgentPaused("lan"))
    press(made, leg)
    made.run(19)
    assert leg in made.people.legs
    made.run(2)
    assert EventKind.TRANSFER_FAILED in [e.kind for e in live(made).events]
    made.feed(ev.AgentReady("lan"))
    assert agent(made).state is READY, "nobody waits any more"
    attempt = ended(made)
    assert attempt.outcome is Outcome.ANSWERED
    books = made.dialer.desk.books
    assert not books, "no abandonment: a message was heard"


def live(made):
    (call,) = made.dialer.floor.calls.values()
    return call


def test_nobody_at_work_fails_at_once(monkeypatch):
    made, leg = person(monkeypatch, CARE)
    press(made, leg)
    assert [e.detail for e in live(made).events if e.kind is EventKind.TRANSFER_FAILED] == [
        "nobody is at work there"
    ]
    assert not made.music
    ended(made)


def test_who_hangs_up_while_waiting_waits_no_more(monkeypatch):
    made, leg = person(monkeypatch, CARE, agents=("lan",))
    made.run(1)
    made.feed(ev.AgentPaused("lan"))
    press(made, leg)
    made.people.gone(made.people.legs[leg], Outcome.ANSWERED, 200)
    made.feed(ev.AgentReady("lan"))
    assert agent(made).state is READY
    assert ended(made).outcome is Outcome.ANSWERED


def test_an_agent_whose_telephone_dies_leaves_the_person_to_the_flow(monkeypatch):
    made, leg = person(monkeypatch, CARE, agents=("lan",))
    made.run(1)
    press(made, leg)
    (telephone,) = made.staff.legs.values()
    made.staff.gone(telephone, Outcome.MEDIA_TIMEOUT, "timeout")
    assert leg in made.people.legs
    attempt = ended(made)
    assert attempt.outcome is Outcome.AGENT_LEFT
    assert EventKind.PARTED in kinds(made)


def test_both_hang_up_at_once(monkeypatch):
    made, leg = person(monkeypatch, CARE, agents=("lan",))
    made.run(1)
    press(made, leg)
    made.feed(ev.AgentHangUp("lan"))
    made.people.gone(made.people.legs[leg], Outcome.ANSWERED, 200)
    assert ended(made).outcome is Outcome.ANSWERED
    assert agent(made).call is None


def test_a_number_is_dialed_joined_and_ended_together(monkeypatch):
    made, leg = person(monkeypatch, NUMBER)
    press(made, leg)
    made.run(12)
    ((mine, other, _),) = made.joined
    assert mine == leg
    assert [hold.prompt for hold in made.music] == ["music"]
    made.people.gone(made.people.legs[leg], Outcome.ANSWERED, 200)
    made.run(1)
    assert other not in made.people.legs
    assert ended(made).outcome is Outcome.ANSWERED
    ((over, events),) = attempts(made, Direction.OVER)
    assert (over.phone, over.outcome, over.of) == (84912999888, Outcome.ANSWERED, 1)
    assert over.answered_ms
    assert events[-1].detail == "by us"
    books = made.store.progress(1)
    assert sum(books.outcomes.values()) == 1, "the person's alone"
    assert [one.attempt.attempt_id for one in made.store.ended(0, 9)] == [1, 2]


def test_when_the_other_hangs_up_the_flow_goes_on(monkeypatch):
    made, leg = person(monkeypatch, NUMBER)
    press(made, leg)
    made.run(9)
    (_, other, _) = made.joined[0]
    made.people.gone(made.people.legs[other], Outcome.ANSWERED, 200)
    assert live(made).events[-1].kind is EventKind.PROMPT_STARTED
    ended(made)
    assert EventKind.PARTED in kinds(made)


@pytest.mark.parametrize("fate", ["busy", "silent"])
def test_a_number_that_is_not_reached(monkeypatch, fate):
    deed = msgspec.structs.replace(NUMBER, ring_s_max=15)
    made, leg = person(monkeypatch, deed)
    made.fate = fate
    press(made, leg)
    ended(made)
    ((_, events),) = attempts(made, Direction.OUT)
    why = [e.detail for e in events if e.kind is EventKind.TRANSFER_FAILED]
    assert why == (["busy"] if fate == "busy" else ["nobody took it in time"])
    ((over, _),) = attempts(made, Direction.OVER)
    assert over.outcome is (Outcome.BUSY if fate == "busy" else Outcome.CANCELLED)


@pytest.mark.parametrize("target", ["113", "1900 1234", "19001234", "hello", "", "+1 900 555 0199"])
def test_what_may_never_be_dialed_is_not(monkeypatch, target):
    made, leg = person(monkeypatch, msgspec.structs.replace(NUMBER, target=target or "{gone}"))
    press(made, leg)
    made.run(1)
    assert EventKind.TRANSFER_FAILED in [e.kind for e in live(made).events]
    assert not made.over_dials
    ended(made)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (ev.TrunkSpec("any", 1, 20, loopback=True), "nobody took it in time"),
        (ev.TrunkSpec("any", 9, 20, up=False, loopback=True), "there is no line for it"),
    ],
)
def test_without_a_line_it_fails(monkeypatch, line, why):
    made, leg = person(monkeypatch, NUMBER)
    made.feed(ev.LinesChanged((line,)))
    press(made, leg)
    ended(made)
    ((_, events),) = attempts(made, Direction.OUT)
    assert [e.detail for e in events if e.kind is EventKind.TRANSFER_FAILED] == [why]
    assert attempts(made, Direction.OVER) == []


def test_the_person_is_gone_before_the_number_is_dialed(monkeypatch):
    made, leg = person(monkeypatch, NUMBER)
    made.feed(ev.Digit(leg, "1"))
    made.people.gone(made.people.legs[leg], Outcome.ANSWERED, 200)
    ended(made)
    assert not made.over_dials


def test_a_crash_while_joined_ends_both(monkeypatch):
    made, leg = person(monkeypatch, NUMBER)
    press(made, leg)
    made.run(12)
    assert made.joined
    made.crash()
    made.run(5)
    judge_together(made)
    ((over, _),) = attempts(made, Direction.OVER)
    assert over.outcome is Outcome.INTERRUPTED


def test_who_calls_back_reaches_the_group():
    returns = ReturnSettings(ReturnAnswer.AGENTS, queue="care", hold_prompt="music", wait_s=20)
    made = world(put_through(CARE), agents=("lan",), returns=returns, world={"faults": QUIET})
    made.staff.habits = CALM
    made.run(60)
    caller = made.call(made.numbers[0])
    made.run(0.5)
    assert caller.answered is not None
    assert agent(made).state is TALKING
    assert made.staff.cards[-1][1] == "lan"
    made.feed(ev.AgentHangUp("lan"))
    made.feed(ev.AgentDisposed("lan", "sold"))
    made.run(30)
    ((back, _),) = attempts(made, Direction.IN)
    assert (back.agent, back.disposition, back.outcome) == ("lan", "sold", Outcome.ANSWERED)
    assert made.store.lead(1, 1).lead.state is LeadState.DONE


def test_a_predictive_campaign_takes_who_calls_back_without_its_pacer():
    from dialerd.core.records import DialMode

    returns = ReturnSettings(ReturnAnswer.AGENTS, sorry_prompt="sorry")
    made = world(
        put_through(CARE), returns=returns, mode=DialMode.PREDICTIVE, world={"faults": QUIET},
        people=1, seed=2, newcomers=Newcomers.AWAIT,
    )  # fmt: skip
    made.staff.habits = CALM
    made.staff.login("lan", (1,))
    made.run(200)
    made.feed(ev.AgentReady("lan"))
    made.run(5)
    made.call(made.numbers[0])
    made.run(0.5)
    assert agent(made).state is TALKING
    made.run(300)
    assert made.store.problems() == []
    ((back, _),) = attempts(made, Direction.IN)
    assert back.agent == "lan"


@pytest.mark.parametrize("seed", range(6))
def test_days_of_transfers_crashes_and_callers(seed):
    rough = Habits(vanish=0.1, reload=0.1, gone=0.05, deaf=0.1, silent=0.2)
    flow = put_through(CARE, NUMBER, NUMBER, LAN, keys="1209")
    returns = ReturnSettings(ReturnAnswer.AGENTS, queue="care", wait_s=10, sorry_prompt="sorry")
    storm = Faults(line=0.05, silent=0.02, commit=0.01, claim=0.02)
    more = {"faults": storm, "crash_every_s": 200 if seed % 2 else 0}
    made = world(
        flow, people=150, seed=seed, agents=("lan", "an", "binh"), returns=returns, world=more,
        attempts_max=2, retry_gap_s=200,
    )  # fmt: skip
    made.staff.habits = rough
    made.rate = 0.2
    made.gives_up = 0.1
    made.keep_calling()
    made.run(1_500)
    made.rate = 0.0
    settle(made)
    made.run(300)
    judge_together(made)
    assert made.staff.talks
    assert made.over_dials
    assert made.store.campaign(1).state in (CampaignState.PAUSED, CampaignState.FINISHED)
