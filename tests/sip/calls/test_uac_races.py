"""CANCEL, forks, early BYEs and ICMP: what crosses what, in virtual time."""

from __future__ import annotations

from sip.events import Ended, Provisional
from sip.limits import FORKS_MAX
from tests.sip.net import ANSWER, THEM, Us, answered, peer_bye, reply


def test_cancel_waits_for_a_provisional():
    us = Us()
    sent = us.invite()
    us.release(q850=16)
    assert [m.method for m in us.take()] == ["INVITE"]
    us.receive(reply(sent, 180))
    [cancel] = us.take()
    assert (cancel.method, cancel.branch, cancel.cseq) == ("CANCEL", sent.branch, 1)
    assert (cancel.to_value, cancel.uri, cancel.q850) == (sent.to_value, sent.uri, 16)
    us.receive(reply(cancel, 200))
    us.receive(reply(sent, 487))
    assert us.last().method == "ACK"
    assert us.told() == [Ended(1, 487, "Some Phrase", 16, "us", False)]
    us.run(40_000)
    assert us.empty()


def test_released_and_never_answered():
    us = Us()
    us.invite()
    us.release()
    us.run(40_000)
    assert us.told() == [Ended(1, 0, "no reply", 0, "us", False)]
    us.run(40_000)
    assert us.empty()


def test_an_answer_that_crosses_the_cancel_is_hung_up():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 180))
    us.release()
    cancel = us.last()
    us.take()
    us.told()
    us.receive(reply(sent, 200, body=ANSWER))
    ack, bye = us.take()
    assert (ack.method, bye.method) == ("ACK", "BYE")
    us.receive(reply(cancel, 481))
    us.receive(reply(sent, 200, body=ANSWER))
    assert us.last().method == "ACK"
    us.receive(reply(bye, 200))
    assert us.told() == [Ended(1, 200, "Some Phrase", 0, "us", False)]
    us.run(40_000)
    assert us.empty()


def test_a_first_answer_after_a_release_without_provisional_is_hung_up():
    us = Us()
    sent = us.invite()
    us.release()
    us.take()
    us.receive(reply(sent, 200, body=ANSWER))
    assert [m.method for m in us.take()] == ["ACK", "BYE"]
    assert us.told() == []


def test_a_cancel_without_a_final_answer_ends_after_64_t1():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 180))
    us.release()
    us.receive(reply(us.last(), 200))
    us.told()
    us.run(31_000)
    assert us.told() == []
    us.run(2_000)
    assert us.told() == [Ended(1, 0, "no reply", 0, "us", False)]
    us.receive(reply(sent, 200, body=ANSWER))
    us.run(40_000)
    assert us.empty()


def test_forked_answers_are_acknowledged_and_hung_up():
    us = Us()
    sent = answered(us)
    us.receive(reply(sent, 200, tag="fork", body=ANSWER, contact="<sip:fork@192.0.2.3:5070>"))
    ack, bye = us.take()
    assert (ack.method, ack.to_tag, bye.method, bye.to_tag) == ("ACK", b"fork", "BYE", b"fork")
    us.receive(reply(bye, 200))
    assert us.told() == []
    us.receive(reply(sent, 200, tag="fork", body=ANSWER))
    assert [m.method for m in us.take()] == ["ACK"]
    us.release()
    us.receive(reply(us.last(), 200))
    assert len(us.told()) == 1
    us.take()
    us.receive(reply(sent, 200, tag="late", body=ANSWER))
    assert [m.method for m in us.take()] == ["ACK", "BYE"]
    us.run(80_000)
    assert us.empty()


def test_forks_are_bounded():
    us = Us()
    sent = answered(us)
    for n in range(100):
        us.receive(reply(sent, 200, tag=f"fork{n}", body=ANSWER))
    byes = [m for m in us.take() if m.method == "BYE"]
    assert len(byes) == FORKS_MAX - 1
    us.run(80_000)
    us.release()
    us.run(80_000)
    assert us.empty()


def test_a_bye_before_the_answer_ends_the_call_and_what_comes_later_is_hung_up():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 180))
    us.take()
    us.receive(peer_bye(us, sent))
    assert {m.method for m in us.take()} == {"BYE", "CANCEL"}
    assert us.told()[-1] == Ended(1, 0, "hung up before it answered (BYE)", 0, "them", False)
    us.receive(reply(sent, 200, body=ANSWER))
    assert [m.method for m in us.take()] == ["ACK", "BYE"]
    us.run(80_000)
    assert us.told() == []
    assert us.empty()


def test_nobody_listens():
    us = Us()
    us.invite()
    us.endpoint.unreachable(("192.0.2.77", 5060, 0), us.now_ns)
    assert us.pump() == []
    us.endpoint.unreachable(THEM, us.now_ns)
    us.pump()
    assert us.told() == [Ended(1, 0, "unreachable", 0, "timeout", False)]
    us.run(1_000)
    assert us.empty()


def test_an_icmp_after_a_provisional_changes_nothing():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 180))
    us.endpoint.unreachable(THEM, us.now_ns)
    us.pump()
    assert [type(e) for e in us.told()] == [Provisional]


def test_nobody_listens_to_a_bye():
    us = Us()
    answered(us)
    us.release()
    us.endpoint.unreachable(THEM, us.now_ns)
    us.pump()
    assert [type(e) for e in us.told()] == [Ended]
