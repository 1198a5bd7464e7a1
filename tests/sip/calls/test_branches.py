"""Forks, tags that change, and answers that come when nobody waits for them any more."""

from __future__ import annotations

import pytest

from sip.events import Accepted, Ended, Failover, Provisional
from tests.sip.net import ANSWER, OFFER, THEM, Us, peer_bye, reply

SECOND = ("192.0.2.9", 5060, 0)


def test_the_tag_changes_between_ringing_and_answer():
    us = Us()
    sent = us.invite()
    us.take()
    us.receive(reply(sent, 180, tag="ringer", contact="<sip:ringer@192.0.2.3>"))
    us.receive(reply(sent, 183, tag="music", body=OFFER, contact="<sip:music@192.0.2.4>"))
    us.receive(reply(sent, 200, tag="phone", body=ANSWER, contact="<sip:phone@192.0.2.5>"))
    ack = us.last()
    assert (ack.to_tag, ack.uri, ack.cseq) == (b"phone", b"sip:phone@192.0.2.5", 1)
    assert us.told() == [Provisional(1, 180, None), Provisional(1, 183, OFFER), Accepted(1, ANSWER)]
    us.release()
    assert us.last().to_tag == b"phone"
    assert us.sent[-1].target == ("192.0.2.5", 5060, 0)


def test_the_answer_of_another_dialog_is_not_ours():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 183, tag="music", body=OFFER))
    us.receive(reply(sent, 200, tag="phone"))
    assert us.told()[-1] == Accepted(1, b"")


def test_the_target_and_the_route_of_the_answer_count():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 180, extra="Record-Route: <sip:192.0.2.60;lr>\r\n"))
    us.receive(
        reply(
            sent,
            200,
            body=ANSWER,
            contact="<sip:other@192.0.2.5>",
            extra="Record-Route: <sip:192.0.2.61;lr>\r\n",
        )
    )
    ack = us.last()
    assert ack.get_all("Route") == [b"<sip:192.0.2.61;lr>"]
    assert ack.uri == b"sip:other@192.0.2.5"
    assert us.sent[-1].target == ("192.0.2.61", 5060, 0)


def test_a_bye_of_an_early_fork_needs_its_tag():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 180, tag="a"))
    us.take()
    us.receive(peer_bye(us, sent))  # from a tag that never rang
    assert us.last().status == 481
    assert [type(e) for e in us.told()] == [Provisional]


def test_an_answer_after_timer_b_is_hung_up():
    us = Us()
    sent = us.invite()
    us.run(32_500)
    assert us.told() == [Ended(1, 0, "no reply", 0, "timeout", False)]
    us.take()
    us.receive(reply(sent, 200, body=ANSWER))
    ack, bye = us.take()
    assert (ack.method, bye.method, ack.cseq, bye.cseq) == ("ACK", "BYE", 1, 2)
    us.receive(reply(bye, 200))
    us.receive(reply(sent, 200, body=ANSWER))
    assert [m.method for m in us.take()] == ["ACK"]
    assert us.told() == []
    us.run(80_000)
    assert us.empty()


def test_a_ringing_after_timer_b_is_cancelled_once():
    us = Us()
    sent = us.invite()
    us.run(32_500)
    us.take()
    us.receive(reply(sent, 180))
    us.receive(reply(sent, 180))
    [cancel] = us.take()
    assert (cancel.method, cancel.branch) == ("CANCEL", sent.branch)
    us.receive(reply(cancel, 200))
    us.receive(reply(sent, 487))
    assert [m.method for m in us.take()] == ["ACK"]
    us.run(80_000)
    assert us.empty()


def test_a_refusal_after_timer_b_is_acknowledged():
    us = Us()
    sent = us.invite()
    us.run(32_500)
    us.take()
    us.receive(reply(sent, 486))
    assert [m.method for m in us.take()] == ["ACK"]
    us.run(80_000)
    assert us.empty()


def moved_on(us: Us) -> tuple[object, object]:
    """A call whose first target was silent; both INVITEs."""
    first = us.invite(targets=(THEM, SECOND))
    second = us.run(32_500)[-1][1]
    assert (second.method, us.sent[-1].target) == ("INVITE", SECOND)
    assert us.told() == [Failover(1, THEM, 0)]
    us.take()
    return first, second


@pytest.mark.parametrize("answered_first", [False, True])
def test_an_answer_of_the_target_before_is_hung_up(*, answered_first: bool):
    us = Us()
    first, second = moved_on(us)
    if answered_first:
        us.receive(reply(second, 200, tag="new", body=ANSWER), SECOND)
        us.take()
    us.receive(reply(first, 200, tag="old", body=ANSWER))
    ack, bye = us.take()
    assert [(m.method, m.to_tag) for m in (ack, bye)] == [("ACK", b"old"), ("BYE", b"old")]
    assert (ack.cseq, bye.cseq) == (1, 2)
    us.receive(reply(bye, 200))
    if not answered_first:
        us.receive(reply(second, 200, tag="new", body=ANSWER), SECOND)
    us.take()
    assert us.told() == [Accepted(1, ANSWER)]
    us.release()
    us.receive(reply(us.last(), 200))
    us.run(80_000)
    assert us.empty()


def test_ringing_of_the_target_before_is_cancelled():
    us = Us()
    first, second = moved_on(us)
    us.receive(reply(first, 180))
    [cancel] = us.take()
    assert (cancel.method, cancel.branch) == ("CANCEL", first.branch)
    assert us.told() == []
    us.receive(reply(second, 180), SECOND)
    assert [type(e) for e in us.told()] == [Provisional]


def test_every_failed_target_is_forgotten_in_the_end():
    us = Us()
    us.invite(targets=(THEM, SECOND))
    us.run(65_000)
    assert [type(e) for e in us.told()] == [Failover, Ended]
    us.run(40_000)
    assert us.empty()
