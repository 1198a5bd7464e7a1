"""The rules of a dialog (RFC 3261 section 12): routes, targets, numbers, strangers."""

from __future__ import annotations

import pytest

from sip.accounts.auth import Credentials
from sip.events import Accepted, Ended, Renegotiated
from tests.sip.callee import OURS, SDP, gone, inside, ring_in, up
from tests.sip.net import ANSWER, THEM, Us, answered, peer_bye, read, reply, request

LOOSE = "Record-Route: <sip:192.0.2.41;lr>\r\nRecord-Route: <sip:192.0.2.40;lr>\r\n"
CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n'
STRICT = "Record-Route: <sip:192.0.2.41;lr>\r\nRecord-Route: <sip:192.0.2.40>\r\n"


def test_a_target_refresh_under_loose_routes_keeps_the_route():
    us = Us()
    answered(us, extra=LOOSE)
    us.endpoint.modify(1, SDP, us.now_ns)
    us.pump()
    us.receive(reply(us.last(), 200, body=ANSWER, contact="<sip:new@192.0.2.30>"))
    ack = us.last()
    assert ack.uri == b"sip:new@192.0.2.30"
    assert ack.get_all("Route") == [b"<sip:192.0.2.40;lr>", b"<sip:192.0.2.41;lr>"]
    assert us.sent[-1].target == ("192.0.2.40", 5060, 0)


def test_a_target_refresh_under_strict_routes_moves_the_last_route():
    us = Us()
    answered(us, extra=STRICT)
    us.endpoint.modify(1, SDP, us.now_ns)
    us.pump()
    ask = us.last()
    assert ask.uri == b"sip:192.0.2.40"
    assert ask.get_all("Route") == [b"<sip:192.0.2.41;lr>", b"<sip:gw@192.0.2.2:5060>"]
    us.receive(reply(ask, 200, body=ANSWER, contact="<sip:new@192.0.2.30>"))
    us.release()
    bye = us.last()
    assert bye.uri == b"sip:192.0.2.40"
    assert bye.get_all("Route") == [b"<sip:192.0.2.41;lr>", b"<sip:new@192.0.2.30>"]


def test_numbers_grow_by_one_whatever_is_asked():
    us = Us()
    answered(us)
    numbers = []
    us.endpoint.digit(1, "1", 100, us.now_ns)
    us.pump()
    numbers.append(us.last().cseq)
    us.receive(reply(us.last(), 200))
    us.endpoint.modify(1, SDP, us.now_ns, update=True)
    us.pump()
    numbers.append(us.last().cseq)
    us.receive(reply(us.last(), 200, body=ANSWER))
    us.release()
    numbers.append(us.last().cseq)
    assert numbers == [2, 3, 4]


def test_the_peers_numbers_may_jump_but_not_go_back():
    us = Us()
    ok = up(us)
    inside(us, "INFO", ok, 1_000)
    assert us.last().status == 200
    for method in ("INFO", "UPDATE", "INVITE", "BYE"):
        for number in (999, 1_000):
            inside(us, method, ok, number, branch=f"z9hG4bKold{method}{number}", body=SDP)
            assert us.last().status == 500
    assert us.sizes()["legs"] == 1


@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "INFO", "OPTIONS", "PRACK", "BYE"])
def test_a_stranger_with_one_wrong_tag_is_refused(method: str):
    us = Us()
    ok = up(us)
    inside(us, method, ok, 2, from_tag="stranger", body=SDP)
    assert us.last().status == 481
    us.receive(request(method, to="<sip:a@b>;tag=guessed", cseq=2, branch="z9hG4bKg", body=SDP))
    assert us.last().status == 481
    inside(us, method, ok, 2, call_id="other@x", branch="z9hG4bKh", body=SDP)
    assert us.last().status == 481
    assert us.sizes()["legs"] == 1
    assert us.told() == []


def test_a_strangers_bye_does_not_end_our_call():
    us = Us()
    sent = answered(us)
    us.receive(peer_bye(us, sent).replace(b"tag=them", b"tag=else"))
    assert us.last().status == 481
    assert us.told() == []


def test_a_strangers_ack_is_not_the_callers():
    us = Us()
    ring_in(us)
    us.endpoint.accept(-1, OURS, us.now_ns)
    us.pump()
    ok = us.last()
    assert inside(us, "ACK", ok, 1, from_tag="stranger") == []
    assert us.run(3_000)  # the 200 goes on being repeated


def test_a_cancel_needs_more_than_the_branch():
    us = Us()
    ring_in(us)
    us.told()
    us.receive(request("CANCEL", call_id="else@x"))
    assert us.last().status == 481
    us.receive(request("CANCEL", from_tag="else"))
    assert us.last().status == 481
    us.receive(request("CANCEL", branch="z9hG4bKguess"))
    assert us.last().status == 481
    us.receive(request("CANCEL", via="192.0.2.66:5060"))
    assert us.last().status == 481
    assert us.told() == []
    us.receive(request("CANCEL"))
    assert [type(e) for e in us.told()] == [Ended]
    assert gone(us)


@pytest.mark.parametrize("code", [491, 488, 420, 405])
def test_a_refused_request_is_refused_again_when_it_is_repeated(code: int):
    us = Us()
    ok = up(us)
    fields: dict[str, object] = {"body": SDP}
    method = "INVITE"
    if code == 491:
        us.endpoint.modify(-1, SDP, us.now_ns)
        us.pump()
    elif code == 488:
        fields["body"] = SDP.replace(b"RTP/AVP", b"RTP/SAVP")
    elif code == 420:
        fields["extra"] = "Require: new\r\n"
    else:
        method = "PUBLISH"
    inside(us, method, ok, 2, **fields)
    first = us.last()
    inside(us, method, ok, 2, **fields)
    assert (first.status, us.last().data) == (code, first.data)
    if method == "INVITE":  # repeated by itself until the ACK
        us.take()
        assert code in {m.status for _, m in us.run(600)}
        inside(us, "ACK", ok, 2, branch="z9hG4bKinINVITE2")
        us.take()
        assert code not in {m.status for _, m in us.run(5_000)}


def test_a_reinvite_with_a_body_we_cannot_read_is_415():
    us = Us()
    ok = up(us)
    inside(us, "INVITE", ok, 2, body=b"x", kind="text/plain")
    assert (us.last().status, us.last().get_all("Accept")) == (415, [b"application/sdp"])


def test_two_reinvites_in_a_row_are_answered_in_a_row():
    us = Us()
    ok = up(us)
    for cseq in (2, 3):
        assert inside(us, "INVITE", ok, cseq, body=SDP) == [Renegotiated(-1, SDP)]
    us.take()
    repeated = us.run(1_000)
    assert {m.cseq for _, m in repeated} == {3}
    inside(us, "ACK", ok, 2)
    assert us.run(1_000)
    inside(us, "ACK", ok, 3)
    us.take()
    assert us.run(10_000) == []


def test_max_forwards_of_zero_is_no_matter_for_an_endpoint():
    """RFC 4475 section 3.3.11: only who would pass it on refuses it."""
    us = Us()
    us.receive(request("OPTIONS").replace(b"Max-Forwards: 70", b"Max-Forwards: 0"))
    assert us.last().status == 200


@pytest.mark.parametrize(
    "host", ["224.0.0.1", "255.255.255.255", "0.0.0.0", "[ff02::1]", "192.0.2.9;maddr=239.1.1.1"]
)
def test_a_contact_that_is_no_single_host_leads_to_where_the_answer_came_from(host: str):
    us = Us()
    answered(us, contact=f"<sip:gw@{host}>")
    us.release()
    assert us.last().method == "BYE"
    assert {sent.target for sent in us.sent} == {THEM}


@pytest.mark.parametrize(
    "extra", ["Date: 2026-11-22\r\n", "Warning: none\r\n", "Expires: soon\r\n"]
)
def test_an_answer_with_a_header_that_its_sender_cannot_write_is_an_answer(extra: str):
    us = Us()
    us.receive(reply(us.invite(), 200, body=ANSWER, extra=extra))
    assert us.last().method == "ACK"
    assert any(isinstance(event, Accepted) for event in us.told())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8"])
def test_a_contact_that_would_lead_to_ourselves_means_where_the_peer_spoke_from(host: str):
    us = Us()
    answered(us, contact=f"<sip:gw@{host}:5060>")
    us.release()
    [bye] = us.sent
    assert bye.target == THEM
    assert read(bye.data).uri == f"sip:gw@{host}:5060".encode()  # only the way is another one


def test_on_one_machine_a_loopback_contact_is_an_address_like_any_other():
    us = Us(("127.0.0.1", 5060, 0))
    sent = us.invite(targets=(("127.0.0.2", 5060, 0),))
    us.receive(
        reply(sent, 200, body=ANSWER, contact="<sip:gw@127.0.0.3:7000>"), ("127.0.0.2", 5060, 0)
    )
    us.take()
    us.release()
    assert us.sent[0].target == ("127.0.0.3", 7_000, 0)


def test_the_ack_of_a_challenged_reinvite_says_the_credentials_again():
    """13.2.2.4: a proxy that asked for them asks of the ACK as well, and cannot challenge it."""
    us = Us()
    sent = us.invite(credentials=Credentials("u", "p"))
    us.receive(reply(sent, 200, body=ANSWER))
    us.take()
    us.endpoint.modify(1, SDP, us.now_ns)
    us.pump()
    [ask] = us.take()
    us.receive(reply(ask, 401, extra=CHALLENGE))
    ask = us.last()
    us.take()
    us.receive(reply(ask, 200, body=ANSWER))
    [ack] = us.take()
    assert ack.method == "ACK"
    assert ack.get_all("Authorization") == ask.get_all("Authorization") != []
    us.endpoint.modify(1, SDP, us.now_ns)
    us.pump()
    [again] = us.take()  # the nonce is known: it and its ACK bear the next count
    us.receive(reply(again, 200, body=ANSWER))
    [ack] = us.take()
    assert ack.get_all("Authorization") == again.get_all("Authorization") != []
    assert b"nc=00000002" in ack.get_all("Authorization")[0]
