"""Calls between two endpoints over a virtual network: each outcome, and nothing left behind."""

from __future__ import annotations

import random

import pytest

from sip import sdp
from sip.events import (
    Accepted,
    Ended,
    Established,
    Incoming,
    Provisional,
    SipEvent,
)
from tests.sip.net import ANSWER, THEM, US, Us, Wire, invite, plain

LONG = 120_000


class Callee:
    """Does one scripted thing with each call that comes."""

    def __init__(self, script: str) -> None:
        self.script = script
        self.events: list[SipEvent] = []

    def __call__(self, host: Us, event: SipEvent) -> None:
        self.events.append(event)
        end, now = host.endpoint, host.now_ns
        if isinstance(event, Incoming):
            if self.script == "busy":
                end.reject(event.leg, 486, now, q850=17)
            elif self.script == "early":
                end.ring(event.leg, now, 183, ANSWER)
                end.accept(event.leg, ANSWER, now)
            else:
                end.ring(event.leg, now)
                if self.script in {"answer", "leave"}:
                    end.accept(
                        event.leg, sdp.answer(event.sdp, "192.0.2.2", 40_000, session_id=1), now
                    )
        elif isinstance(event, Established) and self.script == "leave":
            end.release(event.leg, now, q850=16)


class Caller:
    """Hangs up as soon as it is answered, if told so."""

    def __init__(self, *, hang_up: bool = True) -> None:
        self.hang_up = hang_up
        self.events: list[SipEvent] = []

    def __call__(self, host: Us, event: SipEvent) -> None:
        self.events.append(event)
        if self.hang_up and isinstance(event, Accepted):
            host.endpoint.release(event.leg, host.now_ns, q850=16)


def call(script: str, **options: bool) -> tuple[Wire, Us, Us, Caller, Callee]:
    wire, caller, callee = Wire(), Caller(**options), Callee(script)
    us, them = wire.add(US, caller, 1), wire.add(THEM, callee, 2)
    us.endpoint.invite(invite(), wire.now_ns)
    return wire, us, them, caller, callee


def test_a_call_is_answered_and_hung_up_by_the_caller():
    wire, us, them, caller, callee = call("answer")
    wire.run(LONG)
    kinds = [type(e) for e in caller.events]
    assert kinds == [Provisional, Accepted, Ended]
    assert sdp.parse(caller.events[1].sdp).port == 40_000
    assert caller.events[-1] == Ended(1, 200, "OK", 16, "us", True)
    assert [type(e) for e in callee.events] == [Incoming, Established, Ended]
    assert callee.events[0].request_user == "84901234567"
    assert callee.events[0].from_user == "1900"
    assert plain(callee.events[-1]) == Ended(-1, 200, "OK", 16, "them", True)
    assert us.empty()
    assert them.empty()
    assert us.endpoint.statistics()["resent"] == them.endpoint.statistics()["resent"] == 0


def test_the_called_side_hangs_up():
    wire, us, them, caller, callee = call("leave", hang_up=False)
    wire.run(LONG)
    assert plain(caller.events[-1]) == Ended(1, 200, "OK", 16, "them", True)
    assert callee.events[-1] == Ended(-1, 200, "OK", 16, "us", True)
    assert us.empty()
    assert them.empty()


def test_busy_brings_code_phrase_and_cause():
    wire, us, them, caller, callee = call("busy")
    wire.run(LONG)
    assert [plain(e) for e in caller.events] == [Ended(1, 486, "Busy Here", 17, "them", False)]
    assert callee.events[-1] == Ended(-1, 486, "", 17, "us", False)
    assert us.empty()
    assert them.empty()


def test_early_media_comes_before_the_answer():
    wire, us, _, caller, _ = call("early")
    wire.run(LONG)
    assert caller.events[0] == Provisional(1, 183, ANSWER)
    assert caller.events[1] == Accepted(1, ANSWER)
    assert us.empty()


def test_a_caller_who_gives_up_cancels():
    wire, us, them, caller, callee = call("ring")
    wire.run(5_000)
    us.endpoint.release(1, wire.now_ns)
    wire.run(LONG)
    assert caller.events[-1] == Ended(1, 487, "Request Terminated", 0, "us", False)
    assert callee.events[-1] == Ended(-1, 487, "", 0, "them", False)
    assert us.empty()
    assert them.empty()


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("script", ["answer", "leave", "busy", "early"])
def test_loss_repetition_and_patience_give_each_leg_one_end(seed: int, script: str):
    dice = random.Random(seed)
    wire = Wire(lambda _d, _a: dice.random() < 0.2)
    caller, callee = Caller(hang_up=script != "leave"), Callee(script)
    us, them = wire.add(US, caller, 1), wire.add(THEM, callee, 2)
    for leg in range(1, 6):
        us.endpoint.invite(invite(leg), wire.now_ns)
    wire.run(600_000)
    for side in (caller, callee):
        ends = [e.leg for e in side.events if isinstance(e, Ended)]
        begun = {e.leg for e in side.events if isinstance(e, Incoming)} or {1, 2, 3, 4, 5}
        assert sorted(ends) == sorted(begun)
        for leg in begun:
            assert isinstance([e for e in side.events if e.leg == leg][-1], Ended)
    assert us.empty()
    assert them.empty()
