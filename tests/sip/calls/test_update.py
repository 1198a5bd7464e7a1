"""UPDATE of the peer (RFC 3311 section 5.2), early and in the call."""

from __future__ import annotations

import pytest

from sip import sdp
from sip.events import Accepted, Renegotiated, SipEvent
from tests.sip.callee import OURS, SDP, inside, ring_in, up
from tests.sip.net import ANSWER, OFFER, Us, answered, reply, request

HOLD = SDP.replace(b"a=sendrecv", b"a=sendonly")


def update(
    us: Us, sent: object, cseq: int = 10, tag: str = "them", **fields: object
) -> list[SipEvent]:
    """An UPDATE of the called side."""
    us.told()
    us.receive(
        request(
            "UPDATE",
            call_id=sent.call_id.decode(),  # type: ignore[attr-defined]
            from_tag=tag,
            to=f"<sip:1900@192.0.2.1>;tag={sent.from_tag.decode()}",  # type: ignore[attr-defined]
            cseq=cseq,
            branch=f"z9hG4bKupdate{cseq}",
            **fields,
        )
    )
    return us.told()


def test_hold_and_resume_by_update():
    us = Us()
    ok = up(us)
    assert inside(us, "UPDATE", ok, 2, body=HOLD) == [Renegotiated(-1, HOLD)]
    held = us.last()
    assert (held.status, held.method) == (200, "UPDATE")
    assert held.contact_uri
    assert sdp.parse(held.body).direction == "recvonly"
    assert us.run(5_000) == []  # there is no ACK to an UPDATE
    inside(us, "UPDATE", ok, 3, body=SDP)
    assert sdp.parse(us.last().body).direction == "sendrecv"
    assert sdp.parse(us.last().body).port == 30_000


def test_an_update_without_a_description_only_refreshes():
    us = Us()
    ok = up(us)
    contact = "<sip:moved@192.0.2.99:5099>"
    assert inside(us, "UPDATE", ok, 2, contact=contact) == []
    assert (us.last().status, us.last().body) == (200, b"")
    us.release(-1)
    assert us.sent[-1].target == ("192.0.2.99", 5099, 0)


def test_an_update_that_we_cannot_join_is_488():
    us = Us()
    ok = up(us)
    assert inside(us, "UPDATE", ok, 2, body=SDP.replace(b"RTP/AVP", b"RTP/SAVP")) == []
    assert us.last().status == 488


def test_an_update_of_the_called_side():
    us = Us()
    sent = answered(us)
    assert update(us, sent, body=HOLD) == [Renegotiated(1, HOLD)]
    assert sdp.parse(us.last().body).direction == "recvonly"


def test_an_offer_before_our_invites_answer_is_491():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 180))
    assert update(us, sent, body=SDP) == []
    assert us.last().status == 491
    assert update(us, sent, 11) == []
    assert us.last().status == 200  # without an offer nothing collides


def test_an_offer_after_the_reliable_answer_is_taken():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 183, body=ANSWER, extra="Require: 100rel\r\nRSeq: 1\r\n"))
    assert update(us, sent, body=HOLD) == [Renegotiated(1, HOLD)]
    assert us.last().status == 200
    us.receive(reply(sent, 200))
    assert us.told() == [Accepted(1, HOLD)]


def test_an_offer_while_we_owe_an_answer_is_500_with_retry_after():
    us = Us()
    sent = us.invite(sdp=b"")
    us.receive(reply(sent, 183, body=OFFER, extra="Require: 100rel\r\nRSeq: 1\r\n"))
    update(us, sent, body=SDP)
    assert us.last().status == 500
    assert 0 <= us.last().retry_after <= 10


@pytest.mark.parametrize(("offered", "code"), [(SDP, 500), (b"", 491)])
def test_an_early_offer_of_the_caller(offered: bytes, code: int):
    us = Us()
    us.receive(request("INVITE", body=offered))
    us.endpoint.ring(-1, us.now_ns)
    us.pump()
    inside(us, "UPDATE", us.last(), 2, body=SDP)
    assert us.last().status == code
    assert (us.last().retry_after >= 0) == (code == 500)


def test_an_early_offer_once_the_reliable_answer_is_acknowledged():
    us = Us()
    ring_in(us, extra="Supported: 100rel\r\n")
    us.endpoint.ring(-1, us.now_ns, 183, OURS, reliable=True)
    us.pump()
    early = us.last()
    rack = f"RAck: {early.get_all('RSeq')[0].decode()} 1 INVITE\r\n"
    inside(us, "PRACK", early, 2, extra=rack)
    assert inside(us, "UPDATE", early, 3, body=HOLD) == [Renegotiated(-1, HOLD)]
    assert us.last().status == 200
    us.endpoint.accept(-1, OURS, us.now_ns)
    us.pump()
    assert us.last().body == b""


def test_after_our_200_an_offer_needs_no_ack():
    us = Us()
    ring_in(us)
    us.endpoint.accept(-1, OURS, us.now_ns)
    us.pump()
    inside(us, "UPDATE", us.last(), 2, body=HOLD)
    assert us.last().status == 200


def test_an_update_of_no_dialog_is_481():
    us = Us()
    us.receive(request("UPDATE"))
    assert us.last().status == 481
    sent = us.invite()
    us.receive(reply(sent, 180))
    update(us, sent, tag="stranger")
    assert us.last().status == 481


def test_an_update_with_what_we_do_not_know_is_420():
    us = Us()
    ok = up(us)
    inside(us, "UPDATE", ok, 2, extra="Require: timer, x-new\r\n")
    assert (us.last().status, us.last().get_all("Unsupported")) == (420, [b"x-new"])
