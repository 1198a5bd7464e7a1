"""INVITE without an offer, as the caller: the 200 makes one, our answer goes in the ACK."""

from __future__ import annotations

import pytest

from sip import sdp
from sip.events import Accepted, Ended, Offered, Provisional
from tests.sip.callee import inside, up
from tests.sip.net import ANSWER, OFFER, Us, peer_bye, reply


def offered(us: Us) -> object:
    sent = us.invite(sdp=b"")
    us.receive(reply(sent, 180))
    us.receive(reply(sent, 200, body=OFFER))
    us.sent.clear()
    return sent


def test_our_answer_goes_in_the_ack():
    us = Us()
    sent = us.invite(sdp=b"")
    assert (sent.body, sent.content_type) == (b"", b"")
    us.take()
    us.receive(reply(sent, 200, body=OFFER))
    assert us.take() == []
    assert us.told() == [Offered(1, OFFER)]
    us.receive(reply(sent, 200, body=OFFER))  # repeated while we think
    assert us.take() == []
    us.endpoint.acknowledge(1, ANSWER, us.now_ns)
    us.pump()
    [ack] = us.take()
    assert (ack.method, ack.cseq, ack.body) == ("ACK", 1, ANSWER)
    assert us.told() == [Accepted(1, OFFER)]
    us.receive(reply(sent, 200, body=OFFER))
    assert us.take()[0].data == ack.data
    assert us.told() == []
    us.endpoint.acknowledge(1, ANSWER, us.now_ns)
    assert us.pump() == []


def test_an_early_offer_that_is_not_reliable_waits_for_the_200():
    us = Us()
    sent = us.invite(sdp=b"")
    us.take()
    us.receive(reply(sent, 183, body=OFFER))
    assert us.told() == [Provisional(1, 183, OFFER)]
    us.endpoint.acknowledge(1, ANSWER, us.now_ns)
    assert us.pump() == []
    us.receive(reply(sent, 200))
    assert us.told() == [Offered(1, OFFER)]


def test_a_200_without_any_offer_is_acknowledged():
    us = Us()
    sent = us.invite(sdp=b"")
    us.take()
    us.receive(reply(sent, 200))
    assert [m.method for m in us.take()] == ["ACK"]
    assert us.told() == [Accepted(1, b"")]


def test_an_offer_that_nobody_answers_is_hung_up():
    us = Us()
    offered(us)
    us.told()
    out = [m.method for _, m in us.run(33_000)]
    assert out[:2] == ["ACK", "BYE"]
    us.run(40_000)
    assert us.told() == [Ended(1, 200, "Some Phrase", 0, "timeout", False)]
    us.run(40_000)
    assert us.empty()


def test_hanging_up_instead_of_an_answer():
    us = Us()
    offered(us)
    us.told()
    us.release(q850=16)
    ack, bye = us.take()
    assert (ack.method, ack.body, bye.method, bye.q850) == ("ACK", b"", "BYE", 16)
    us.receive(reply(bye, 200))
    assert us.told() == [Ended(1, 200, "Some Phrase", 16, "us", False)]
    us.run(40_000)
    assert us.empty()


def test_the_peer_hangs_up_before_our_answer():
    us = Us()
    sent = offered(us)
    us.told()
    us.receive(peer_bye(us, sent))
    assert {m.method for m in us.take()} == {"BYE", "ACK"}
    assert us.told() == [Ended(1, 200, "Some Phrase", 0, "them", True)]
    us.run(40_000)
    assert us.empty()


def test_another_fork_while_we_think_is_hung_up():
    us = Us()
    sent = offered(us)
    us.told()
    us.receive(reply(sent, 200, tag="fork", body=OFFER))
    assert [(m.method, m.to_tag) for m in us.take()] == [("ACK", b"fork"), ("BYE", b"fork")]
    us.endpoint.acknowledge(1, ANSWER, us.now_ns)
    us.pump()
    assert us.take()[0].to_tag == b"them"


@pytest.mark.parametrize("early", [False, True])
def test_an_offer_that_crosses_our_giving_up(*, early: bool):
    us = Us()
    sent = us.invite(sdp=b"")
    if early:
        us.receive(reply(sent, 180))
    us.release()
    us.take()
    us.receive(reply(sent, 200, body=OFFER))
    assert [m.method for m in us.take()] == ["ACK", "BYE"]
    assert Offered(1, OFFER) not in us.events


def test_a_retried_invite_still_has_no_offer():
    us = Us()
    sent = us.invite(sdp=b"", session_s=100)
    us.receive(reply(sent, 422, extra="Min-SE: 300\r\n"))
    again = us.last()
    assert (again.method, again.body) == ("INVITE", b"")


def test_after_our_answer_the_session_can_be_changed_by_both():
    us = Us()
    offered(us)
    us.endpoint.acknowledge(1, ANSWER, us.now_ns)
    us.pump()
    us.take()
    us.told()
    us.endpoint.modify(1, OFFER, us.now_ns)
    us.pump()
    assert us.last().method == "INVITE"


def test_a_reinvite_without_offer_resumes_what_was_held():
    us = Us()
    ok = up(us)
    hold = OFFER.replace(b"a=sendrecv", b"a=sendonly")
    inside(us, "INVITE", ok, 2, body=hold)
    assert sdp.parse(us.last().body).direction == "recvonly"
    inside(us, "ACK", ok, 2)
    inside(us, "INVITE", ok, 3)
    assert sdp.parse(us.last().body).direction == "sendrecv"
