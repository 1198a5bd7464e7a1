"""The called side against hand-made callers: timers, races, refusals, in virtual time."""

from __future__ import annotations

import pytest

from sip.events import Ended, Established, Incoming
from tests.sip.callee import OURS, SDP, accepted, gone, inside, ring_in, up
from tests.sip.net import ANSWER, OFFER, THEM, Us, plain, reply, request


def test_ring_accept_and_bye():
    us = Us()
    ring_in(us)
    assert us.take() == []
    [event] = us.told()
    assert isinstance(event, Incoming)
    assert event == Incoming(
        -1, "1900", "84900000000", "theirs@192.0.2.2", SDP, THEM, event.message
    )
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
    told = inside(us, "BYE", ok, extra="Reason: Q.850;cause=16\r\n")
    assert [plain(e) for e in told] == [Ended(-1, 200, "OK", 16, "them", True)]
    assert us.last().status == 200
    assert gone(us)


def test_100_is_for_an_invite_that_nobody_answers_within_200_ms():
    us = Us()
    ring_in(us)
    assert [(at, m.status) for at, m in us.run(1_000)] == [(200, 100)]
    us.endpoint.ring(-1, us.now_ns)
    us.pump()
    us.take()
    at, refused = us.run(400_000)[0]
    assert (at, refused.status) == (299_000, 480)
    us = Us()
    ring_in(us)
    us.run(199)
    us.endpoint.ring(-1, us.now_ns)
    us.pump()
    [ringing] = us.take()
    assert ringing.status == 180
    assert us.run(299_000) == []
    us = Us()
    ring_in(us)
    us.endpoint.reject(-1, 486, us.now_ns)
    us.pump()
    assert {m.status for _, m in us.run(60_000)} == {486}


def test_a_repeated_invite_gets_the_last_answer_again():
    us = Us()
    data = ring_in(us)
    us.receive(data)
    us.endpoint.ring(-1, us.now_ns)
    us.receive(data)
    assert [m.status for m in us.take()] == [100, 180, 180]
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
    assert [plain(e) for e in us.told()] == [Ended(-1, 487, "", 26, "them", False)]
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
    us.run(200)
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
    assert inside(us, "BYE", ok) == [Ended(-1, 200, "OK", 0, "them", True)]
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
    assert us.sent[-1].target == ("192.0.2.40", 5060, 0)
    assert bye.uri == b"sip:84900000000@192.0.2.2:5060"


def test_answers_go_where_the_via_says():
    us = Us()
    ring_in(us, via="10.0.0.1:5070;rport", branch="z9hG4bKa")
    us.run(200)
    assert us.sent[-1].target == THEM
    us.receive(request("OPTIONS", via="10.0.0.1:5070", branch="z9hG4bKb"), ("192.0.2.2", 7000, 0))
    assert us.sent[-1].target == ("192.0.2.2", 5070, 0)
    us.receive(request("OPTIONS", via="10.0.0.1", branch="z9hG4bKc"), ("192.0.2.2", 7000, 0))
    assert us.sent[-1].target == ("192.0.2.2", 5060, 0)
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
        ({"method": "SUBSCRIBE"}, 489, "Allow-Events"),
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
    assert us.sent == []
    assert [type(e) for e in us.told()] == [Incoming]


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
    monkeypatch.setattr("sip.transactions.serving.SERVER_TRANSACTIONS_MAX", 1)
    ring_in(us, branch="z9hG4bKtwo", call_id="two@x")
    assert us.last().status == 503
    inside(us, "INFO", ok)
    assert us.last().status == 503


def test_an_incoming_call_tells_who_calls():
    us = Us()
    us.receive(
        request("INVITE", extra='P-Asserted-Identity: "An" <tel:+84901234567>\r\nPrivacy: id\r\n')
    )
    [event] = us.told()
    assert isinstance(event, Incoming)
    assert event.from_user == "84900000000"
    caller = event.caller
    assert (caller.number, caller.display, caller.withheld) == ("+84901234567", "An", True)
