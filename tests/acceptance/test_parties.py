"""Who else takes part in a call: agents of a group, numbers, customers who call back."""

from __future__ import annotations

import msgspec
import pytest

import dialerd.core.events as ev
from dialerd.core.agent import READY, TALKING
from dialerd.core.campaign_spec import CampaignSpec, StepSpec, spec_faults
from dialerd.core.deed_spec import TransferSpec
from dialerd.core.flow_records import Flow, FlowStep, TargetKind, Transfer
from dialerd.core.records import Contact, Direction, EventKind, LeadState, Outcome
from dialerd.core.return_records import ReturnAnswer, ReturnSettings
from dialerd.core.spec_settings import to_settings
from tests.core.callers import OURS, judge_callers
from tests.core.test_returns import back, reached_nobody
from tests.core.test_transfers import CALM, QUIET, agent, ended, kinds, person, press
from tests.core.together import CARE, NUMBER, attempts, put_through, world


def queue(name: str):
    return msgspec.structs.replace(CARE, target=name)


def working(made, **queues: str) -> None:
    """Agents at work, each in one queue."""
    for name, of in queues.items():
        made.staff.joined[name], made.staff.shift[name] = (), True
        made.feed(ev.AgentLoggedIn(name, f"phone-{name}", (), True, queues=(of,)))
        made.feed(ev.AgentReady(name))
    made.run(1)


# -- row 54 ----------------------------------------------------------------------------------------


def test_row_54_a_broadcast_is_prompts_keys_a_transfer_and_an_end(monkeypatch) -> None:
    to = TransferSpec(queue="care", hold_prompt="music")
    steps = (
        StepSpec(prompt="offer", keys={"1": "more", "2": "talk", "0": "end"}, wait_ms=5_000),
        StepSpec(prompt="details", id="more", keys={"2": "talk", "9": "start"}, wait_ms=5_000),
        StepSpec(id="talk", transfer=to, then="bye", otherwise="sorry"),
        StepSpec(prompt="sorry", id="sorry"),
        StepSpec(prompt="bye", id="bye"),
    )
    spec = CampaignSpec(name="b", list="people", regime="loopback", steps=steps)
    assert spec_faults(spec) == []
    flow = to_settings(spec, {"people": 1}).flow
    made, leg = person(monkeypatch, flow=flow)
    working(made, lan="care")
    for key in ("5", "1", "9", "1", "2"):  # an unknown one, on, back to the start, on, through
        press(made, leg, key)
    assert agent(made).state is TALKING
    made.feed(ev.AgentHangUp("lan"))
    assert ended(made).keys == "51912"
    ((_, events),) = attempts(made, Direction.OUT)
    prompts = [e.detail for e in events if e.kind is EventKind.PROMPT_STARTED]
    assert prompts == ["offer", "details", "offer", "details", "bye"]


def test_row_54_a_key_ends_the_broadcast(monkeypatch) -> None:
    end = Flow((FlowStep("start", "offer", {"0": "end"}, wait_ms=5_000),))
    made, leg = person(monkeypatch, flow=end)
    press(made, leg, "0")
    assert ended(made).released_by == "us"


def test_row_54_a_transfer_leads_to_a_number_and_its_end_goes_on_in_the_flow(monkeypatch) -> None:
    made, leg = person(monkeypatch, NUMBER)
    press(made, leg)
    made.run(9)
    (_, other, _) = made.joined[0]
    made.people.gone(made.people.legs[other], Outcome.ANSWERED, 200)
    assert ended(made).outcome is Outcome.ANSWERED
    assert [e for e in kinds(made) if e is EventKind.PROMPT_STARTED] == [
        EventKind.PROMPT_STARTED
    ] * 2
    ((over, _),) = attempts(made, Direction.OVER)
    assert (over.phone, over.of, over.outcome) == (84912999888, 1, Outcome.ANSWERED)


@pytest.mark.parametrize("target", ["115", "1900 1234"])
def test_row_54_a_transfer_never_dials_emergency_or_premium_numbers(monkeypatch, target) -> None:
    made, leg = person(monkeypatch, msgspec.structs.replace(NUMBER, target=target))
    press(made, leg)
    assert EventKind.TRANSFER_FAILED in [e.kind for e in _live(made)]
    assert ended(made).outcome is Outcome.ANSWERED
    assert not made.over_dials


def _live(made):
    (call,) = made.dialer.floor.calls.values()
    return call.events


# -- row 58 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "who"), [("1", "lan"), ("2", "binh")])
def test_row_58_each_key_has_its_group(monkeypatch, key, who) -> None:
    made, leg = person(monkeypatch, queue("sales"), queue("support"))
    working(made, lan="sales", binh="support")
    press(made, leg, key)
    assert agent(made, who).state is TALKING
    (other,) = {"lan", "binh"} - {who}
    assert agent(made, other).state is READY
    assert ended(made).agent == who


def test_row_58_a_key_may_lead_to_one_person(monkeypatch) -> None:
    deed = Transfer(TargetKind.AGENT, "binh", "music", 20)
    made, leg = person(monkeypatch, deed)
    working(made, lan="sales", binh="sales")
    press(made, leg)
    assert agent(made, "lan").state is READY
    assert agent(made, "binh").state is TALKING
    ended(made)


def _in_hue(phone: int, original: str) -> Contact:
    return Contact(phone, original, fields={"office": "hue"})


def test_row_58_a_column_of_the_list_names_the_group(monkeypatch) -> None:
    deed = Transfer(TargetKind.QUEUE, "{office}", "", 20)
    monkeypatch.setattr("tests.core.world.Contact", _in_hue)
    made, leg = person(monkeypatch, deed)
    working(made, lan="hanoi", binh="hue")
    press(made, leg)
    assert agent(made, "binh").state is TALKING
    ended(made)


# -- row 71 ----------------------------------------------------------------------------------------


def test_row_71_who_calls_back_hears_the_message_linked_to_campaign_and_lead() -> None:
    made = reached_nobody()
    made.call(made.numbers[0])
    made.run(60)
    ((attempt, events),) = back(made)
    assert (attempt.campaign_id, attempt.lead_id, attempt.phone) == (1, 1, made.numbers[0])
    assert attempt.called == OURS
    assert "greeting" in [e.detail for e in events if e.kind is EventKind.PROMPT_STARTED]
    assert made.store.lead(1, 1).lead.state is LeadState.DONE
    judge_callers(made)


def test_row_71_who_calls_back_reaches_the_group() -> None:
    returns = ReturnSettings(ReturnAnswer.AGENTS, queue="care", hold_prompt="music")
    made = world(put_through(CARE), agents=("lan",), returns=returns, world={"faults": QUIET})
    made.staff.habits = CALM
    made.run(60)
    made.call(made.numbers[0])
    made.run(0.5)
    assert agent(made).state is TALKING
    made.feed(ev.AgentHangUp("lan"))
    made.run(30)
    ((attempt, _),) = attempts(made, Direction.IN)
    assert (attempt.agent, attempt.outcome) == ("lan", Outcome.ANSWERED)


def test_row_71_a_stranger_and_another_number_of_ours_are_refused() -> None:
    made = reached_nobody()
    for changes in ({"caller": "84999888777"}, {"called": "842873000000"}, {"withheld": True}):
        assert made.call(made.numbers[0], **changes).answered is None
        made.run(1)
    assert [one.refused for one in made.callers] == [480] * 3
    assert back(made) == []
