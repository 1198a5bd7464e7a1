"""Customers who call back, in virtual time: one call at a time, served once, crash or not."""

from __future__ import annotations

import msgspec
import pytest

import dialerd.core.events as ev
from dialerd.core.flow_records import Flow, FlowStep, Promise
from dialerd.core.inbound import BUSY, FULL, REFUSAL
from dialerd.core.records import (
    CampaignState,
    Direction,
    EventKind,
    FrequencyCap,
    LeadState,
    Outcome,
)
from dialerd.core.return_records import ReturnAnswer, ReturnSettings
from tests.core.callers import OURS, Callers, judge_callers
from tests.core.judge import judge
from tests.core.people import Faults
from tests.core.test_world import STORM, settle
from tests.core.world import FLOW, NS, phones

TRUNKS = (ev.TrunkSpec("any", 20, 5, loopback=True),)
QUIET = Faults(line=0.0, silent=0.0, crossing=0.0)
MESSAGE = ReturnSettings(ReturnAnswer.MESSAGE)


def world(people=1, seed=3, faults=QUIET, **changes):
    """People who were dialed once, and reached or not."""
    made = Callers(seed, TRUNKS, faults=faults)
    made.gives_up = 0.0
    made.numbers = phones(people, seed)
    made.boot()
    wanted = {
        "returns": MESSAGE, "caller_id": f"+{OURS}", "cap": FrequencyCap(9, 0),
        "attempts_max": 2, "retry_gap_s": 3_600,
    }  # fmt: skip
    made.campaign(made.numbers, **(wanted | changes))
    return made


def reached_nobody(**changes):
    """One whose only person did not answer."""
    for seed in range(50):
        made = world(seed=seed, **changes)
        made.run(120, until=lambda m=made: lead(m).attempts and not m.dialer.floor.calls)
        made.run(1)
        if lead(made).state is LeadState.RETRY:
            return made
    raise AssertionError("somebody answers every time")


def lead(made, lead_id=1):
    return made.store.lead(1, lead_id).lead


def back(made, lead_id=1):
    """The calls back of a person, with what happened in them."""
    found = made.store.lead(1, lead_id).attempts
    return [(one, events) for one, events in found if one.direction is Direction.IN]


def test_who_calls_back_hears_the_message_and_is_served():
    made = reached_nobody()
    caller = made.call(made.numbers[0])
    made.run(60)
    ((attempt, events),) = back(made)
    assert (caller.refused, attempt.outcome) == (0, Outcome.ANSWERED)
    kinds = [event.kind for event in events]
    assert kinds[:3] == [EventKind.CALLED_BACK, EventKind.ANSWERED, EventKind.PROMPT_STARTED]
    assert kinds[-1] is EventKind.RELEASED
    assert events[0].detail == f"any {OURS}"
    assert lead(made).state is LeadState.DONE
    assert made.dialer.floor.trunks.by_name["any"].in_use == 0
    made.run(2 * 3_600)
    assert len(made.dials) == 1, "nobody dials who was served"
    judge(made)
    judge_callers(made)


@pytest.mark.parametrize(
    "changes",
    [
        {"caller": "84999999999"},
        {"caller": ""},
        {"withheld": True},
        {"caller": "anonymous"},
        {"called": "842873009999"},
        {"trunk": "gone"},
        {"phone": "101"},
        {"replaces": True},
    ],
)
def test_whom_nobody_has_called_is_refused(changes):
    made = reached_nobody()
    made.call(made.numbers[0], **changes)
    made.run(1)
    assert made.callers[0].refused == REFUSAL
    assert not back(made)


def test_a_caller_shown_as_people_dial_is_recognised():
    made = reached_nobody()
    phone = made.numbers[0]
    made.call(phone, caller=f"0{str(phone)[2:]}")
    made.run(60)
    assert len(back(made)) == 1


def test_our_own_call_gives_way_to_theirs():
    made = world(seed=3)
    while not (made.dialer.floor.calls and lead(made).state is LeadState.DIALING):
        made.run(0.05)
    assert not back(made)
    first = made.call(made.numbers[0])
    made.run(60)
    assert (first.refused, first.answered is not None) == (0, True)
    judge_callers(made)


def test_who_talks_with_us_is_busy():
    made = reached_nobody()
    first = made.call(made.numbers[0])
    made.run(0.2)
    second = made.call(made.numbers[0])
    made.run(0.1)
    assert (first.refused, second.refused) == (0, BUSY)
    made.run(60)
    judge_callers(made)


def test_limits_are_kept():
    made = world(30, attempts_max=9, retry_gap_s=30)
    made.run(20)
    made.feed(ev.LimitsChanged(0.0, 0, REFUSAL, 2, 1.0))
    told = [made.call(phone) for phone in made.numbers]
    made.run(0.5)
    assert sum(one.refused == FULL for one in told) >= 28
    assert made.dialer.inbound.full >= 28
    made.run(100)
    judge_callers(made)
    assert made.dialer.inbound.live == 0


@pytest.mark.parametrize("what", ["draining", "store"])
def test_nobody_is_taken_while_we_do_not_work(what):
    made = reached_nobody()
    made.feed(ev.Drain() if what == "draining" else ev.WriteFailed(0))
    assert made.call(made.numbers[0]).refused == FULL


def test_a_caller_who_gives_up_while_the_store_looks_has_an_attempt_that_ended():
    made = reached_nobody()
    caller = made.call(made.numbers[0])
    made.give_up(caller)
    made.run(5)
    ((attempt, _),) = back(made)
    assert (attempt.outcome, attempt.answered_ms) == (Outcome.NO_ANSWER, 0)
    assert lead(made).state is LeadState.RETRY
    assert made.store.problems() == []


def test_a_caller_who_never_confirms_is_let_go():
    made = reached_nobody()
    made.confirm = lambda _leg: None
    made.call(made.numbers[0])
    made.run(120)
    ((attempt, _),) = back(made)
    assert attempt.outcome is Outcome.NO_ANSWER
    assert not made.dialer.floor.calls


def test_an_emergency_stop_hangs_up_who_calls_back():
    made = reached_nobody()
    caller = made.call(made.numbers[0])
    made.run(0.2)
    assert caller.answered is not None
    made.feed(ev.Drain(hang_up=True))
    made.run(1)
    assert caller.answered.released
    assert not made.dialer.floor.calls


def test_a_store_that_fails_refuses():
    made = reached_nobody()
    made.faults = made.people.faults = Faults(claim=1.0)
    caller = made.call(made.numbers[0])
    made.run(1)
    assert caller.refused == FULL


def test_a_campaign_that_finished_long_ago_is_known_again():
    made = reached_nobody()
    made.move(1, CampaignState.FINISHED)
    made.crash()
    assert 1 not in made.dialer.floor.runs
    made.call(made.numbers[0])
    made.run(60)
    ((attempt, _),) = back(made)
    assert attempt.outcome is Outcome.ANSWERED
    assert lead(made).state is LeadState.DONE


def test_nothing_is_promised_for_a_campaign_that_is_finished():
    ask = FlowStep("ask", "", does=Promise(minutes=5), then="yes", otherwise="no")
    flow = Flow((ask, FlowStep("yes", "thanks"), FlowStep("no", "sorry")))
    made = reached_nobody(returns=ReturnSettings(ReturnAnswer.FLOW, flow))
    made.move(1, CampaignState.FINISHED)
    made.call(made.numbers[0])
    made.run(60)
    ((_, events),) = back(made)
    assert [e.detail for e in events if e.kind is EventKind.PROMPT_STARTED] == ["sorry"]
    assert [e.detail for e in events if e.kind is EventKind.UNPROMISED] == [
        "the campaign is finished"
    ]
    assert lead(made).state is not LeadState.CALLBACK
    assert list(made.store.callbacks(1)) == []


def test_the_flow_of_a_campaign_for_who_calls_back():
    other = msgspec.structs.replace(
        FLOW, steps=(msgspec.structs.replace(FLOW.steps[0], prompt="thanks", keys={}),)
    )
    made = reached_nobody(returns=ReturnSettings(ReturnAnswer.FLOW, other))
    made.call(made.numbers[0])
    made.run(60)
    ((_, events),) = back(made)
    assert [e.detail for e in events if e.kind is EventKind.PROMPT_STARTED] == ["thanks"]


def test_a_crash_in_the_call_leaves_the_lead_to_be_dialed():
    made = reached_nobody()
    made.call(made.numbers[0])
    made.run(0.2)
    made.crash()
    made.run(10)
    ((attempt, _),) = back(made)
    assert attempt.outcome is Outcome.INTERRUPTED
    assert lead(made).state in (LeadState.RETRY, LeadState.CAPPED)
    assert [old.attempt_id for old in made.store.old_calls()] == []  # this world has no lines


@pytest.mark.parametrize("seed", range(6))
def test_days_of_callers_and_crashes(seed):
    made = Callers(seed, TRUNKS, faults=STORM, crash_every_s=240 if seed % 2 else 0)
    made.numbers = phones(60, seed)
    made.boot()
    made.campaign(
        made.numbers, returns=MESSAGE, caller_id=f"+{OURS}", attempts_max=3, retry_gap_s=120
    )
    made.rate = 0.5
    made.keep_calling()
    made.run(1_200)
    made.rate = 0.0
    settle(made)
    judge(made)
    judge_callers(made)
    assert made.store.problems() == []
    assert any(one.answered is not None for one in made.callers)
    ends = [one.answered.ended_ns for one in made.callers if one.answered is not None]
    assert max(ends) - min(ends) > 60 * NS


def test_incoming_is_told_once_each():
    made = reached_nobody()
    made.notices.clear()
    made.call(made.numbers[0])
    made.run(1)
    told = [one for one in made.notices if one.topic == "incoming"]
    assert [one.data["refused"] for one in told] == [""]
