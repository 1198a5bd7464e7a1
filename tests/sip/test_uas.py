"""The called side against hand-made callers: every timer, race and refusal, in virtual time."""

from __future__ import annotations

import pytest

from fastpath.sipscan import Message, scan
from sip import sdp
from sip.errors import SipError
from sip.events import Digit, Ended, Established, Incoming, Renegotiated, SipEvent
from tests.sip.net import ANSWER, OFFER, THEM, US, Us, reply, request

SDP = sdp.offer("192.0.2.2", 40_000, session_id=5)
OURS = sdp.answer(SDP, "192.0.2.1", 30_000, session_id=6)


def ring_in(us: Us, **fields: object) -> bytes:
    """An INVITE comes; its bytes."""
    data = request("INVITE", body=SDP, **fields)
    us.receive(data)
    return data


def accepted(us: Us) -> Message:
    """An INVITE comes and is accepted; our 200."""
    ring_in(us)
    us.endpoint.accept(-1, OURS, us.now_ns)
    us.pump()
    return us.last()


def inside(us: Us, method: str, ok: Message, cseq: int = 2, **fields: object) -> list[SipEvent]:
    """A request of the caller inside the dialog; what was told."""
    us.told()
    fields.setdefault("branch", f"z9hG4bKin{method}{cseq}")
    us.receive(request(method, to=ok.to_value.decode(), cseq=cseq, **fields))
    return us.told()


def up(us: Us) -> Message:
    ok = accepted(us)
    assert inside(us, "ACK", ok, 1) == [Established(-1)]
    us.take()
    return ok


def gone(us: Us) -> bool:
    us.run(400_000)
    return us.empty()


def test_ring_accept_and_bye():
    us = Us()
    ring_in(us)
    [trying] = us.take()
    assert trying.status == 100
    assert us.told() == [
        Incoming(-1, "1900", "84900000000", "theirs@192.0.2.2", SDP, THEM),
    ]
    us.endpoint.ring(-1, us.now_ns)
    us.endpoint.ring(-1, us.now_ns, 183, OURS)
    us.endpoint.accept(-1, OURS, us.now_ns)
    us.endpoint.accept(-1, OURS, us.now_ns)
    us.endpoint.ring(-1, us.now_ns)
    us.pump()
    ringing, progress, ok = us.take()
    assert [m.status for m in (ringing, progress, ok)] == [180, 183, 200]
    assert (progress.body, ok.body, ringing.body) == (OURS, OURS, b"")
    assert len({m.to_tag for m in (ringing, progress, ok)}) == 1
    assert ok.contact_uri == b"sip:192.0.2.1:5060"
    assert inside(us, "ACK", ok, 1) == [Established(-1)]
    assert us.run(60_000) == []
    assert inside(us, "BYE", ok, extra="Reason: Q.850;cause=16\r\n") == [
        Ended(-1, 200, "OK", 16, "them", True)
    ]
    assert us.last().status == 200
    assert gone(us)


def test_a_repeated_invite_gets_the_last_answer_again():
    us = Us()
    data = ring_in(us)
    us.receive(data)
    us.endpoint.ring(-1, us.now_ns)
    us.receive(data)
    assert [m.status for m in us.take()] == [100, 100, 180, 180]
    assert len(us.told()) == 1


def test_a_200_is_repeated_until_its_ack():
    us = Us()
    ok = accepted(us)
    us.take()
    again = us.run(5_000)
    assert [at for at, _ in again] == [500, 1_500, 3_500]
    assert {m.to_tag for _, m in again} == {ok.to_tag}
    inside(us, "ACK", ok, 1)
    assert us.run(60_000) == []


def test_a_200_without_ack_is_hung_up():
    us = Us()
    accepted(us)
    us.told()
    out = us.run(33_000)
    assert out[-1][1].method == "BYE"
    us.receive(reply(out[-1][1], 200))
    assert us.told() == [Ended(-1, 200, "OK", 0, "timeout", False)]
    assert gone(us)


def test_our_bye_waits_for_the_ack():
    us = Us()
    ok = accepted(us)
    us.take()
    us.release(-1, 16)
    assert us.take() == []
    assert inside(us, "ACK", ok, 1) == []
    [bye] = us.take()
    assert (bye.method, bye.q850, bye.to_tag, bye.cseq) == ("BYE", 16, b"ft1", 1)
    us.receive(reply(bye, 200))
    assert us.told() == [Ended(-1, 200, "OK", 16, "us", False)]
    assert gone(us)


def test_a_refusal_is_repeated_until_its_ack():
    us = Us()
    data = ring_in(us)
    us.told()
    us.endpoint.reject(-1, 486, us.now_ns, q850=17, phrase="Line Busy")
    us.pump()
    busy = us.last()
    assert (busy.status, busy.phrase, busy.q850) == (486, b"Line Busy", 17)
    assert us.told() == [Ended(-1, 486, "Line Busy", 17, "us", False)]
    assert [at for at, _ in us.run(8_000)] == [500, 1_500, 3_500, 7_500]
    us.receive(data)
    assert us.last().status == 486
    us.receive(request("ACK", to=busy.to_value.decode()))
    assert us.run(20_000) == []
    assert gone(us)


def test_a_refusal_without_ack_is_forgotten_after_64_t1():
    us = Us()
    ring_in(us)
    us.endpoint.reject(-1, 480, us.now_ns)
    us.pump()
    assert [at for at, _ in us.run(40_000)] == [
        500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ]  # fmt: skip
    assert gone(us)


def test_the_caller_cancels():
    us = Us()
    ring_in(us)
    us.endpoint.ring(-1, us.now_ns)
    us.pump()
    us.take()
    us.told()
    cancel = request("CANCEL", extra="Reason: SIP;cause=200, Q.850;cause=26\r\n")
    us.receive(cancel)
    us.receive(cancel)
    assert [(m.status, m.method) for m in us.take()] == [
        (200, "CANCEL"),
        (487, "INVITE"),
        (200, "CANCEL"),
    ]
    assert us.told() == [Ended(-1, 487, "", 26, "them", False)]
    assert gone(us)


def test_a_cancel_that_crosses_the_200_changes_nothing():
    us = Us()
    ok = accepted(us)
    us.told()
    us.receive(request("CANCEL"))
    assert (us.last().status, us.last().method) == (200, "CANCEL")
    assert inside(us, "ACK", ok, 1) == [Established(-1)]


def test_a_cancel_of_nothing_is_481():
    us = Us()
    us.receive(request("CANCEL"))
    assert us.last().status == 481
    assert us.empty()


def test_a_bye_before_the_answer_ends_the_invite_too():
    us = Us()
    ring_in(us)
    tag = us.last().to_value.decode()
    us.take()
    us.told()
    us.receive(request("BYE", to=tag, cseq=2, branch="z9hG4bKbye"))
    assert [(m.status, m.method) for m in us.take()] == [(200, "BYE"), (487, "INVITE")]
    assert us.told() == [Ended(-1, 487, "", 0, "them", False)]
    assert gone(us)


def test_a_bye_in_place_of_the_ack_ends_it():
    us = Us()
    ok = accepted(us)
    assert inside(us, "BYE", ok) == [Ended(-1, 200, "OK", 0, "them", False)]
    assert us.run(10_000) == []
    assert gone(us)


def test_release_refuses_what_rings():
    us = Us()
    ring_in(us)
    us.told()
    us.release(-1, 21)
    assert (us.last().status, us.last().q850) == (480, 21)
    assert us.told() == [Ended(-1, 480, "", 21, "us", False)]
    assert gone(us)


def test_ringing_for_ever_is_refused():
    us = Us()
    ring_in(us)
    us.told()
    us.run(301_000)
    assert us.told() == [Ended(-1, 480, "", 0, "timeout", False)]
    assert gone(us)


def test_a_delayed_offer_is_answered_in_the_ack():
    us = Us()
    us.receive(request("INVITE"))
    assert us.told()[0].sdp == b""
    us.endpoint.accept(-1, OFFER, us.now_ns)
    us.pump()
    ok = us.last()
    assert inside(us, "ACK", ok, 1, body=ANSWER) == [Established(-1, ANSWER)]


def test_record_routes_come_back_and_are_travelled():
    us = Us()
    routes = "Record-Route: <sip:192.0.2.40;lr>, <sip:192.0.2.41;lr>\r\n"
    ring_in(us, extra=routes)
    us.endpoint.accept(-1, OURS, us.now_ns)
    us.pump()
    ok = us.last()
    assert ok.record_routes == [b"<sip:192.0.2.40;lr>", b"<sip:192.0.2.41;lr>"]
    inside(us, "ACK", ok, 1)
    us.release(-1)
    bye = us.last()
    assert bye.get_all("Route") == [b"<sip:192.0.2.40;lr>", b"<sip:192.0.2.41;lr>"]
    assert us.sent[-1].target == ("192.0.2.40", 5060)
    assert bye.uri == b"sip:84900000000@192.0.2.2:5060"


def test_answers_go_where_the_via_says():
    us = Us()
    ring_in(us, via="10.0.0.1:5070;rport", branch="z9hG4bKa")
    assert us.sent[-1].target == THEM
    us.receive(request("OPTIONS", via="10.0.0.1:5070", branch="z9hG4bKb"), ("192.0.2.2", 7000))
    assert us.sent[-1].target == ("192.0.2.2", 5070)
    us.receive(request("OPTIONS", via="10.0.0.1", branch="z9hG4bKc"), ("192.0.2.2", 7000))
    assert us.sent[-1].target == ("192.0.2.2", 5060)
    assert b"received=192.0.2.2" in us.last().get_all("Via")[0]


def test_a_merged_request_is_482():
    us = Us()
    ring_in(us)
    ring_in(us, branch="z9hG4bKother")
    assert us.last().status == 482
    assert len(us.told()) == 1


def test_options_is_answered_without_state():
    us = Us()
    us.receive(request("OPTIONS"))
    us.receive(request("OPTIONS"))
    first, second = us.take()
    assert first.status == second.status == 200
    assert first.to_tag == second.to_tag != b""
    assert b"INVITE" in first.get_all("Allow")[0]
    assert first.get_all("Accept") == [b"application/sdp"]
    assert us.empty()


@pytest.mark.parametrize(
    ("fields", "code", "header"),
    [
        ({"method": "SUBSCRIBE"}, 405, "Allow"),
        ({"method": "REGISTER"}, 405, "Allow"),
        ({"method": "UNHEARD"}, 405, "Allow"),
        ({"method": "BYE"}, 481, ""),
        ({"method": "INFO"}, 481, ""),
        ({"method": "BYE", "to": "<sip:a@b>;tag=nobody"}, 481, ""),
        ({"method": "INVITE", "to": "<sip:a@b>;tag=nobody"}, 481, ""),
        ({"method": "OPTIONS", "uri": "soap.beep://192.0.2.1"}, 416, ""),
        ({"method": "INVITE", "extra": "Require: 100rel, x\r\n"}, 420, "Unsupported"),
        ({"method": "INVITE", "contact": ""}, 400, ""),
        ({"method": "INVITE", "body": b"x", "kind": "text/plain"}, 415, "Accept"),
        ({"method": "INVITE", "extra": "Content-Encoding: gzip\r\n"}, 415, "Accept-Encoding"),
        ({"method": "INVITE", "extra": "Accept: text/plain\r\n"}, 406, "Accept"),
    ],
)
def test_refusals_that_keep_nothing(fields: dict[str, object], code: int, header: str):
    us = Us()
    us.receive(request(**fields))
    answer = us.last()
    assert answer.status == code
    assert answer.to_tag
    assert not header or answer.get_all(header)
    assert us.told() == []
    assert us.empty()


@pytest.mark.parametrize(
    "accept", ["application/sdp", "application/*;q=0.5", "*/*", "text/x, application/SDP"]
)
def test_an_accept_that_covers_sdp(accept: str):
    us = Us()
    ring_in(us, extra=f"Accept: {accept}\r\n")
    assert us.last().status == 100


def test_an_ack_out_of_nowhere_is_dropped():
    us = Us()
    us.receive(request("ACK"))
    us.receive(request("ACK", to="<sip:a@b>;tag=x"))
    assert us.sent == []
    assert us.empty()


def test_too_many_legs_are_503_with_retry_after():
    us = Us()
    us.endpoint._legs_max = 1
    ring_in(us)
    ring_in(us, branch="z9hG4bKtwo", call_id="two@x")
    assert (us.last().status, us.last().retry_after) == (503, 10)
    assert us.endpoint.statistics()["overload"] == 1


def test_too_many_transactions_are_503(monkeypatch: pytest.MonkeyPatch):
    us = Us()
    ok = up(us)
    monkeypatch.setattr("sip.serving.SERVER_TRANSACTIONS_MAX", 1)
    ring_in(us, branch="z9hG4bKtwo", call_id="two@x")
    assert us.last().status == 503
    inside(us, "INFO", ok)
    assert us.last().status == 503


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
    assert us.last().body == OURS


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
    assert us.sent[-1].target == ("192.0.2.99", 5099)


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
    ("method", "code"), [("OPTIONS", 200), ("UPDATE", 405), ("REFER", 405), ("X", 405)]
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
