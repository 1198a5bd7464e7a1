"""What callers ask inside a call that we took: hold, digits, nonsense."""

from __future__ import annotations

import pytest

from fastpath.sipscan import scan
from sip import sdp
from sip.errors import SipError
from sip.events import Digit, Ended, Established, Renegotiated, SipEvent
from tests.sip.callee import OURS, SDP, accepted, gone, inside, ring_in, up
from tests.sip.net import US, Us, reply


def test_hold_and_resume():
    us = Us()
    ok = up(us)
    hold = SDP.replace(b"a=sendrecv", b"a=sendonly")
    assert inside(us, "INVITE", ok, 2, body=hold) == [Renegotiated(-1, hold)]
    held = us.last()
    assert held.status == 200
    assert b"a=recvonly" in held.body
    assert sdp.identity(held.body) == (6, 7)
    inside(us, "ACK", ok, 2)
    assert us.run(5_000) == []
    inside(us, "INVITE", ok, 3, body=SDP)
    resumed = us.last()
    assert b"a=sendrecv" in resumed.body
    assert sdp.identity(resumed.body) == (6, 8)
    assert sdp.parse(resumed.body).port == 30_000


def test_a_reinvite_without_an_offer_gets_ours():
    us = Us()
    ok = up(us)
    assert inside(us, "INVITE", ok, 2) == []
    offer = sdp.parse(us.last().body)
    assert (offer.port, offer.direction) == (30_000, "sendrecv")
    assert sdp.identity(us.last().body) == (6, 7)
    inside(us, "ACK", ok, 2, body=SDP)
    assert us.run(5_000) == []


def test_a_reinvite_that_we_cannot_join_is_488_and_the_call_lives():
    us = Us()
    ok = up(us)
    bad = SDP.replace(b"RTP/AVP 0 8 101", b"RTP/SAVP 96")
    assert inside(us, "INVITE", ok, 2, body=bad) == []
    assert us.last().status == 488
    assert us.sizes()["legs"] == 1


def test_a_reinvite_moves_the_target():
    us = Us()
    ok = up(us)
    inside(us, "INVITE", ok, 2, body=SDP, contact="<sip:moved@192.0.2.99:5099>")
    us.release(-1)
    assert us.last().uri == b"sip:moved@192.0.2.99:5099"
    assert us.sent[-1].target == ("192.0.2.99", 5099, 0)


def test_a_reinvite_without_ack_ends_the_call():
    us = Us()
    ok = up(us)
    inside(us, "INVITE", ok, 2, body=SDP)
    us.take()
    out = us.run(33_000)
    assert out[-1][1].method == "BYE"
    us.receive(reply(out[-1][1], 200))
    assert us.told()[-1].by == "timeout"
    assert gone(us)


def test_a_reinvite_before_the_ack_is_491():
    us = Us()
    ok = accepted(us)
    inside(us, "INVITE", ok, 2, body=SDP)
    assert us.last().status == 491


def test_old_numbers_are_refused():
    us = Us()
    ok = up(us)
    inside(us, "INFO", ok, 5)
    assert us.last().status == 200
    inside(us, "INFO", ok, 4)
    assert us.last().status == 500


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=250\r\n", [Digit(-1, "5", 250)]),
        ("application/dtmf-relay", b"Signal= #\nDuration= x", [Digit(-1, "#", 160)]),
        ("Application/DTMF-Relay ; x=y", b"signal", []),
        ("application/dtmf-relay", b"Signal=55\r\n", []),
        ("application/dtmf", b"d", [Digit(-1, "D", 160)]),
        ("application/dtmf", b"12", []),
        ("application/dtmf", b"", []),
        ("text/plain", b"Signal=5", []),
    ],
)
def test_digits_by_info(kind: str, body: bytes, told: list[SipEvent]):
    us = Us()
    ok = up(us)
    assert inside(us, "INFO", ok, 2, body=body, kind=kind) == told
    assert us.last().status == 200


@pytest.mark.parametrize(
    ("method", "code"),
    [("OPTIONS", 200), ("UPDATE", 200), ("REFER", 400), ("NOTIFY", 489), ("X", 405)],
)
def test_other_methods_in_the_call(method: str, code: int):
    us = Us()
    ok = up(us)
    inside(us, method, ok)
    assert us.last().status == code
    assert us.sizes()["legs"] == 1


def test_an_rfc_2543_caller_with_one_branch_for_all():
    """What aiosip does: INVITE, ACK and BYE on the same branch, and an ACK to the BYE's 200."""
    us = Us()
    ring_in(us, branch="1")
    us.endpoint.accept(-1, OURS, us.now_ns)
    us.pump()
    ok = us.last()
    us.told()
    assert inside(us, "ACK", ok, 1, branch="1") == [Established(-1)]
    assert [type(e) for e in inside(us, "BYE", ok, 2, branch="1")] == [Ended]
    us.take()
    assert inside(us, "ACK", ok, 2, branch="1") == []
    assert us.take() == []
    assert gone(us)


def test_one_cookie_branch_for_all():
    us = Us()
    ring_in(us)
    us.endpoint.accept(-1, OURS, us.now_ns)
    us.pump()
    ok = us.last()
    assert inside(us, "ACK", ok, 1, branch="z9hG4bKpeer1") == [Established(-1)]
    assert [type(e) for e in inside(us, "BYE", ok, 2, branch="z9hG4bKpeer1")] == [Ended]
    assert us.last().status == 200


def test_nonsense_of_the_user_is_refused_at_the_edge():
    us = Us()
    ring_in(us)
    with pytest.raises(SipError):
        us.endpoint.ring(-1, us.now_ns, 200)
    with pytest.raises(SipError):
        us.endpoint.reject(-1, 200, us.now_ns)
    with pytest.raises(SipError):
        us.endpoint.reject(-1, 486, us.now_ns, phrase="a\r\nVia: b")
    us.endpoint.ring(-7, us.now_ns)
    us.endpoint.accept(-7, OURS, us.now_ns)
    us.endpoint.reject(-7, 486, us.now_ns)


def test_messages_show_who_we_are():
    us = Us()
    ring_in(us)
    us.endpoint.accept(-1, OURS, us.now_ns)
    us.pump()
    assert scan(us.sent[-1].data).sent_by == (b"192.0.2.2", 5060)
    assert us.last().contact_uri.decode() == f"sip:{US[0]}:{US[1]}"
