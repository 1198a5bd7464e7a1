"""Numbers that people are put through to: whose turn, under which limits, which are left alone."""

from __future__ import annotations

import msgspec
import pytest

import dialerd.core.events as ev
from dialerd.core.call import UP
from dialerd.core.flow_records import Gather
from dialerd.core.records import Direction, DoNotCall, EventKind, Flow, FlowStep
from dialerd.store.ticket import wait
from tests.core.test_transfers import ended, live, person, press
from tests.core.together import NUMBER, OTHER, attempts


def two_numbers(first, second):
    """A flow that tries one number, then another."""
    return Flow((
        FlowStep("hello", "greeting", {"1": "a"}, wait_ms=5_000),
        FlowStep("a", "", does=first, then="thanks", otherwise="b"),
        FlowStep("b", "", does=second, then="thanks", otherwise="sorry"),
        FlowStep("thanks", "thanks"),
        FlowStep("sorry", "sorry"),
    ))  # fmt: skip


def test_an_answer_for_a_number_given_up_is_not_taken_for_the_next(monkeypatch):
    """The disk is slow: both answers come when the second number is wanted."""
    first = msgspec.structs.replace(NUMBER, ring_s_max=5)
    second = msgspec.structs.replace(NUMBER, target="0912 999 777")
    made, leg = person(monkeypatch, flow=two_numbers(first, second))
    slow, answer = [], made.take_over
    made.take_over = slow.append
    press(made, leg)
    made.run(6)
    assert [want.phone for want in slow] == [84912999888, 84912999777]
    for want in slow:
        answer(want)
    made.run(1)
    ((over, _),) = attempts(made, Direction.OVER)
    assert over.phone == 84912999777
    dialed = {call.number.value for call in made.dialer.floor.calls.values()}
    assert 84912999777 in dialed
    assert OTHER not in dialed
    ended(made)


def test_a_failure_for_a_number_given_up_does_not_end_the_next(monkeypatch):
    first = msgspec.structs.replace(NUMBER, ring_s_max=5)
    second = msgspec.structs.replace(NUMBER, target="0912 999 777")
    made, leg = person(monkeypatch, flow=two_numbers(first, second))
    slow, answer = [], made.take_over
    made.take_over = slow.append
    press(made, leg)
    made.run(6)
    made.feed(ev.ReturnFound(slow[0].leg, None, slow[0].phone))
    answer(slow[1])
    made.run(1)
    assert [over.phone for over, _ in attempts(made, Direction.OVER)] == [84912999777]
    ended(made)


def test_a_transfer_keeps_the_pace_of_the_daemon(monkeypatch):
    made, leg = person(monkeypatch, NUMBER, people=1)
    made.feed(ev.LimitsChanged(0.5, 0, 486))
    made.dialer.floor.limit.take(made.now_ns)
    press(made, leg)
    made.run(1.5)
    assert not made.over_dials, "half a call a second"
    made.run(0.6)
    assert len(made.over_dials) == 1
    ended(made)


def test_a_full_daemon_lets_a_transfer_wait_for_room(monkeypatch):
    made, leg = person(monkeypatch, NUMBER)
    made.dialer.floor.calls_max = 1
    press(made, leg)
    made.run(3)
    assert live(made).state is UP
    assert not made.over_dials
    made.dialer.floor.calls_max = 2
    made.dialer.floor.look_now(made.now_ns)
    made.run(1)
    assert len(made.over_dials) == 1
    ended(made)


def test_a_full_daemon_fails_a_transfer_in_its_time(monkeypatch):
    made, leg = person(monkeypatch, NUMBER)
    made.dialer.floor.calls_max = 1
    press(made, leg)
    ended(made)
    assert why_failed(made) == ["nobody took it in time"]


def why_failed(made):
    ((_, events),) = attempts(made, Direction.OUT)
    return [e.detail for e in events if e.kind is EventKind.TRANSFER_FAILED]


def test_a_secret_that_is_no_number_is_not_written_down(monkeypatch):
    secret = Gather("code", keys_min=4, keys_max=4, secret=True)
    flow = Flow((
        FlowStep("hello", "greeting", does=secret, then="shop", otherwise="sorry"),
        FlowStep("shop", "", does=msgspec.structs.replace(NUMBER, target="{code}"),
                 then="thanks", otherwise="sorry"),
        FlowStep("thanks", "thanks"),
        FlowStep("sorry", "sorry"),
    ))  # fmt: skip
    made, leg = person(monkeypatch, flow=flow)
    made.run(5)
    for key in "9137":
        press(made, leg, key)
    ended(made)
    ((attempt, events),) = attempts(made, Direction.OUT)
    assert why_failed(made)
    assert "9137" not in f"{attempt} {events}"


@pytest.mark.parametrize("whose", ["forbidden", "own"])
def test_a_number_to_be_left_alone_is_and_the_flow_goes_on(monkeypatch, whose):
    made, leg = person(monkeypatch, NUMBER)
    if whose == "own":
        target = f"+{made.numbers[0]}"
        deed = msgspec.structs.replace(NUMBER, target=target)
        made, leg = person(monkeypatch, deed)
        reason = "it is the person's own number"
    else:
        wait(made.store.dnc_add([DoNotCall(OTHER, made.wall_ms, "asked")]))
        reason = "the number is on the list own of those not to be called"
    press(made, leg)
    made.run(1)
    said = [e.detail for e in live(made).events if e.kind is EventKind.PROMPT_STARTED]
    assert said[-1] == "sorry"
    ended(made)
    assert why_failed(made) == [reason]
    assert attempts(made, Direction.OVER) == []
    assert not made.over_dials
