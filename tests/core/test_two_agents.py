"""Two agents in one call, one after another: the later one is asked, and has the last word."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest

import dialerd.core.events as ev
from dialerd.core.agent import READY, TALKING, WRAP_UP
from dialerd.core.agent_records import AgentSettings
from dialerd.core.disposing import NEVER_S
from dialerd.core.flow_records import Promise, TargetKind, Transfer
from dialerd.core.records import Direction, EventKind, Flow, FlowStep, LeadState
from tests.core.agents import Habits
from tests.core.test_transfers import agent, ended, person, press
from tests.core.together import LAN, attempts

MAI = Transfer(TargetKind.AGENT, "mai", "music", 20)


def two(monkeypatch, second=MAI):
    """A person who has talked with lan, and talks with mai now (or with lan again)."""
    flow = Flow((
        FlowStep("hello", "greeting", {"1": "a"}, wait_ms=5_000),
        FlowStep("a", "", does=LAN, then="again"),
        FlowStep("again", "again", {"2": "b"}, wait_ms=5_000),
        FlowStep("b", "", does=second, then="thanks", otherwise="thanks"),
        FlowStep("thanks", "thanks"),
    ))  # fmt: skip
    made, leg = person(monkeypatch, flow=flow, agents=("lan", "mai"))
    made.staff.habits = Habits(silent=1.0, breaks=0.0, talk_s=1e6)  # as the test says
    made.run(1)
    press(made, leg)
    made.feed(ev.AgentHangUp("lan"))
    return made, leg


def talk(made, leg):
    press(made, leg, "2")
    assert agent(made, "mai").state is TALKING


def said(made):
    """Of the attempt: who and what; and what else was said, in its history."""
    attempt = ended(made)
    ((_, events),) = attempts(made, Direction.OUT)
    results = [event.detail for event in events if event.kind is EventKind.RESULT]
    return (attempt.agent, attempt.disposition), results


@pytest.mark.parametrize("when", ["before", "during", "wrap-up"])
def test_the_later_one_is_asked_and_has_the_last_word(monkeypatch, when):
    made, leg = two(monkeypatch)
    if when == "before":
        made.feed(ev.AgentDisposed("lan", "sold"))
    talk(made, leg)
    if when == "during":
        made.feed(ev.AgentDisposed("lan", "sold"))
    made.feed(ev.AgentHangUp("mai"))
    assert agent(made, "mai").state is WRAP_UP
    assert agent(made, "mai").owed is not None
    if when == "wrap-up":
        made.feed(ev.AgentDisposed("lan", "sold"))
        assert agent(made).state is READY
    made.feed(ev.AgentDisposed("mai", "later", callback_s=made.wall_ms // 1000 + 900))
    assert said(made) == (("mai", "later"), ["lan: sold"])
    assert made.store.lead(1, 1).lead.state is LeadState.CALLBACK


def test_the_first_ones_silence_does_not_keep_the_later_one_from_being_asked(monkeypatch):
    made, leg = two(monkeypatch)
    talk(made, leg)
    made.run(12)
    assert agent(made).state is READY, "its wrap-up of ten seconds is over"
    made.feed(ev.AgentHangUp("mai"))
    made.feed(ev.AgentDisposed("mai", "sold"))
    assert said(made) == (("mai", "sold"), [])


@pytest.mark.parametrize("over", [True, False])
def test_where_the_later_one_says_nothing_the_first_ones_word_stands(monkeypatch, over):
    made, leg = two(monkeypatch)
    made.feed(ev.AgentDisposed("lan", "sold"))
    talk(made, leg)
    made.feed(ev.AgentHangUp("mai"))
    if over:
        made.people.gone(made.people.legs[leg], "answered", 200)
    else:
        made.feed(ev.AgentReady("mai"))
    assert said(made) == (("lan", "sold"), ["lan: sold"])


def test_the_first_ones_word_after_the_end_is_a_note_beside_the_other(monkeypatch):
    made, leg = two(monkeypatch)
    talk(made, leg)
    made.people.gone(made.people.legs[leg], "answered", 200)
    made.run(0.5)
    assert (agent(made).state, agent(made, "mai").state) == (WRAP_UP, WRAP_UP)
    made.feed(ev.AgentNoted("mai", "is in a hurry"))
    made.feed(ev.AgentDisposed("lan", "sold", note="two of them"))
    made.feed(ev.AgentDisposed("mai", "later"))
    assert said(made) == (("mai", "later"), [])
    (note,) = made.store.notes(made.numbers[0])
    assert note.text == "mai: is in a hurry\nlan: sold; two of them"


def test_who_asked_the_first_one_not_to_be_called_is_not(monkeypatch):
    made, leg = two(monkeypatch)
    made.feed(ev.AgentDisposed("lan", "", do_not_call=True))
    talk(made, leg)
    made.feed(ev.AgentHangUp("mai"))
    made.feed(ev.AgentDisposed("mai", "sold"))
    assert said(made)[0] == ("mai", "sold")
    assert [ban.source for ban in made.store.bans(made.numbers[0])] == ["agent lan"]


def test_the_same_agent_again_is_asked_again(monkeypatch):
    made, leg = two(monkeypatch, LAN)
    made.feed(ev.AgentDisposed("lan", "sold"))
    press(made, leg, "2")
    assert agent(made).state is TALKING
    made.feed(ev.AgentHangUp("lan"))
    assert agent(made).state is WRAP_UP
    made.feed(ev.AgentDisposed("lan", "returned"))
    assert said(made) == (("lan", "returned"), ["lan: sold"])


def test_a_telephone_that_rings_in_vain_leaves_the_word_of_who_talked(monkeypatch):
    made, leg = two(monkeypatch, msgspec.structs.replace(MAI, target="mai"))
    mai = agent(made, "mai")
    made.dialer.desk.phones.hang(mai)
    mai.nailed_up = False
    press(made, leg, "2")
    made.feed(ev.AgentLoggedOut("mai"))
    made.feed(ev.AgentDisposed("lan", "sold"))
    assert said(made)[0] == ("lan", "sold")


def test_what_a_flow_promises_of_an_agent_who_shares_nothing_is_never_anybodys(monkeypatch):
    mine = partial(AgentSettings, overdue_s=0)
    monkeypatch.setattr("tests.core.together.AgentSettings", mine)
    deed = Promise(90, agent="lan")
    made, _ = person(monkeypatch, flow=Flow((FlowStep("hello", "greeting", does=deed),)))
    ended(made)
    ((booked, *_), *_) = made.store.callbacks(1)
    assert (booked.agent, booked.open_s) == ("lan", 0)
    assert made.store.lead(1, 1).lead.due_s == NEVER_S
