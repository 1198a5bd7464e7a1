"""INVITE with Replaces (RFC 3891), in virtual time; and three of ours that transfer."""

from __future__ import annotations

import pytest

from fastpath.sipscan import Message
from sip.events import (
    Accepted,
    Ended,
    Incoming,
    Invite,
    ReferAsked,
    ReferProgress,
    SipEvent,
)
from tests.sip.callee import up
from tests.sip.net import (
    ANSWER,
    OFFER,
    THEM,
    US,
    Us,
    Wire,
    answered,
    invite,
    peer_bye,
    reply,
    request,
)
from tests.sip.transfers import SERIAL


def replacing(us: Us, value: str, extra: str = "", branch: str = "z9hG4bKrep") -> list[Message]:
    us.take()
    us.receive(
        request(
            "INVITE",
            branch=branch,
            call_id=f"new{next(SERIAL)}@192.0.2.2",
            from_tag="newcomer",
            extra=f"Replaces: {value}\r\n{extra}",
            body=OFFER,
        )
    )
    return us.take()


def named(us: Us, call: Message, tail: str = "", from_tag: str = "them") -> str:
    ours = call.from_tag.decode()
    return f"{call.call_id.decode()};from-tag={from_tag};to-tag={ours}{tail}"


def test_a_call_takes_the_place_of_another():
    us = Us()
    call = answered(us)
    assert replacing(us, named(us, call), "Require: replaces\r\n") == []
    [event] = us.told()
    assert isinstance(event, Incoming)
    assert event.replaces == 1
    us.endpoint.accept(event.leg, ANSWER, us.now_ns)
    us.pump()
    ok, bye = us.take()
    assert (ok.status, bye.method, bye.call_id) == (200, "BYE", call.call_id)
    us.receive(reply(bye, 200))
    assert us.told() == [Ended(1, 200, "Some Phrase", 0, "us", True)]


def test_refusing_it_leaves_the_first_one():
    us = Us()
    call = answered(us)
    replacing(us, named(us, call))
    us.endpoint.reject(-1, 486, us.now_ns)
    us.pump()
    assert [m.status for m in us.take()] == [486]
    assert us.sizes()["legs"] == 1


def test_the_first_one_may_end_meanwhile():
    us = Us()
    call = answered(us)
    replacing(us, named(us, call))
    us.receive(peer_bye(us, call, cseq=50))
    us.take()
    us.endpoint.accept(-1, ANSWER, us.now_ns)
    us.pump()
    assert [m.status for m in us.take()] == [200]


def test_an_incoming_call_is_replaced():
    us = Us()
    ok = up(us)
    us.told()
    value = f"{ok.call_id.decode()};to-tag={ok.to_tag.decode()};from-tag={ok.from_tag.decode()}"
    replacing(us, value)
    [event] = us.told()
    assert isinstance(event, Incoming)
    assert event.replaces == -1


@pytest.mark.parametrize("name", ["Replaces", "REPLACES", "replaces"])
def test_any_case_of_the_name(name: str):
    us = Us()
    answered(us)
    us.receive(request("INVITE", extra=f"{name}: x;to-tag=1;from-tag=2\r\n", body=OFFER))
    assert us.last().status == 481


def test_the_rules_of_section_3():
    us = Us()
    call = answered(us)
    for value, code in (
        (named(us, call, from_tag="other"), 481),
        (named(us, call).replace("call-1", "call-2"), 481),
        ("unknown@x;to-tag=1;from-tag=2", 481),
        (named(us, call, ";early-only"), 486),
        ("broken", 400),
        (f"{named(us, call)}\r\nReplaces: {named(us, call)}", 400),
        (f"{named(us, call)}\r\nJoin: {named(us, call)}", 400),
    ):
        [answer] = replacing(us, value, branch=f"z9hG4bKr{next(SERIAL)}")
        assert answer.status == code, value
    us.release()
    [answer] = [m for m in replacing(us, named(us, call)) if not m.is_request]
    assert answer.status == 603  # it is being hung up
    assert [type(e) for e in us.told()] == []


def test_an_early_call_of_ours_may_be_replaced_an_early_one_of_theirs_not():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 180))
    us.told()
    assert replacing(us, named(us, sent, ";early-only")) == []
    [event] = us.told()
    assert isinstance(event, Incoming)
    us.endpoint.accept(event.leg, ANSWER, us.now_ns)
    us.pump()
    ok, cancel = us.take()
    assert (ok.status, cancel.method, cancel.call_id) == (200, "CANCEL", sent.call_id)
    ringing = Us()
    ringing.receive(request("INVITE", body=OFFER))
    ringing.endpoint.ring(-1, ringing.now_ns)
    ringing.pump()
    tag = ringing.last().to_tag.decode()
    [answer] = replacing(ringing, f"theirs@192.0.2.2;to-tag={tag};from-tag=ft1")
    assert answer.status == 481


def test_a_tag_of_zero_is_no_tag():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 200, body=ANSWER).replace(b";tag=them", b""))
    us.told()
    assert replacing(us, named(us, sent, from_tag="0")) == []
    [event] = us.told()
    assert isinstance(event, Incoming)
    assert event.replaces == 1


# three of ours, and everything between them


def test_three_endpoints_transfer_attended():
    """A calls B and C, and joins B and C by REFER with Replaces; all are ours, on one wire."""
    wire = Wire()
    heard: dict[str, list[SipEvent]] = {"a": [], "b": [], "c": []}
    b_at, c_at = THEM, ("192.0.2.3", 5060, 0)

    def on_a(us: Us, event: SipEvent) -> None:
        heard["a"].append(event)

    def on_b(us: Us, event: SipEvent) -> None:
        heard["b"].append(event)
        if isinstance(event, Incoming):
            us.endpoint.accept(event.leg, ANSWER, us.now_ns)
        elif isinstance(event, ReferAsked):
            us.endpoint.refer_answer(event.leg, 202, us.now_ns)
            us.endpoint.invite(invite_of(event), us.now_ns)
        elif isinstance(event, Accepted):
            us.endpoint.refer_notify(-1, 200, us.now_ns)

    def on_c(us: Us, event: SipEvent) -> None:
        heard["c"].append(event)
        if isinstance(event, Incoming):
            us.endpoint.accept(event.leg, ANSWER, us.now_ns)

    a = wire.add(US, on_a, 1)
    wire.add(b_at, on_b, 2)
    wire.add(c_at, on_c, 3)

    def invite_of(event: ReferAsked) -> Invite:
        return invite(
            5,
            targets=(c_at,),
            request_uri=event.refer_to,
            to_uri=event.refer_to,
            from_uri="sip:b@192.0.2.2",
            call_id="b-to-c@192.0.2.2",
            headers=(("Replaces", event.replaces), ("Referred-By", f"<{event.referred_by}>")),
        )

    a.endpoint.invite(invite(1), wire.now_ns)
    a.endpoint.invite(invite(2, targets=(c_at,)), wire.now_ns)
    wire.run(1_000)
    a.endpoint.refer(1, "", wire.now_ns, replaces=2)
    wire.run(1_000)
    progress = [e for e in heard["a"] if isinstance(e, ReferProgress)]
    assert (progress[-1].code, progress[-1].final) == (200, True)
    gone = [e for e in heard["a"] if isinstance(e, Ended)]
    assert [(e.leg, e.by) for e in gone] == [(2, "them")]  # C hung up what was replaced
    second = [e for e in heard["c"] if isinstance(e, Incoming)][1]
    assert second.replaces == -1
    a.endpoint.release(1, wire.now_ns)
    wire.run(1_000)
    assert [e.leg for e in heard["b"] if isinstance(e, Ended)] == [-1]
