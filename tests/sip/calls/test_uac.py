"""The calling side against hand-made peers: answers, refusals, hanging up, in virtual time."""

from __future__ import annotations

import pytest

from sip.events import Accepted, Ended, Provisional, Trying
from tests.sip.net import ANSWER, OFFER, THEM, Us, answered, peer_bye, plain, reply, request


def test_the_invite_itself():
    us = Us()
    sent = us.invite(display='An "odd" name', headers=(("P-Asserted-Identity", "<sip:+842@x>"),))
    assert us.sent[-1].target == THEM
    assert (sent.method, sent.uri) == ("INVITE", b"sip:84901234567@192.0.2.2")
    assert sent.from_value.startswith(b'"An \\"odd\\" name" <sip:1900@192.0.2.1>;tag=')
    assert sent.get_all("P-Asserted-Identity") == [b"<sip:+842@x>"]
    assert sent.body == OFFER
    assert sent.branch.startswith(b"z9hG4bK")
    assert sent.rport
    assert (sent.cseq, sent.max_forwards, sent.call_id) == (1, 70, b"call-1@192.0.2.1")
    assert len(us.sent[-1].data) < 1_300  # must not need TCP (18.1.1)


def test_timers_a_and_b_without_any_answer():
    us = Us()
    us.invite()
    us.sent.clear()
    again = us.run(40_000)
    assert [at for at, _ in again] == [500, 1_500, 3_500, 7_500, 15_500, 31_500]
    assert us.told() == [Ended(1, 0, "no reply", 0, "timeout", False)]
    us.run(40_000)
    assert us.empty()


def test_a_provisional_stops_the_repetitions():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 100))
    us.receive(reply(sent, 100))
    assert us.run(100_000) == []
    assert us.told() == [Trying(1)]


def test_provisionals_are_told_with_their_bodies():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 180))
    us.receive(reply(sent, 183, body=ANSWER, tag="other"))
    us.receive(reply(sent, 100))
    assert us.told() == [Provisional(1, 180, None), Provisional(1, 183, ANSWER)]


def test_ringing_for_ever_is_cancelled():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 180))
    us.take()
    out = us.run(299_000)
    assert out == []
    out = us.run(2_000)
    assert out[0][1].method == "CANCEL"
    us.receive(reply(sent, 487))
    ended = us.told()[-1]
    assert (ended.code, ended.by) == (487, "timeout")


def test_the_answer_is_acknowledged_on_a_new_branch_with_its_tag():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 180, tag="first"))
    us.take()
    us.receive(
        reply(sent, 200, body=ANSWER, tag="second", contact="<sip:other@192.0.2.9:5088;x=y>")
    )
    ack = us.last()
    assert us.sent[-1].target == ("192.0.2.9", 5088, 0)
    assert (ack.method, ack.uri) == ("ACK", b"sip:other@192.0.2.9:5088;x=y")
    assert ack.branch != sent.branch
    assert (ack.to_tag, ack.cseq, ack.from_value) == (b"second", 1, sent.from_value)
    assert us.told()[-1] == Accepted(1, ANSWER)


def test_a_repeated_answer_is_acknowledged_again_and_told_once():
    us = Us()
    sent = us.invite()
    for _ in range(3):
        us.receive(reply(sent, 200, body=ANSWER))
    acks = [m for m in us.take() if m.method == "ACK"]
    assert len(acks) == 3
    assert len({m.branch for m in acks}) == 1
    assert us.told() == [Accepted(1, ANSWER)]


def test_an_answer_without_a_body_takes_the_early_one_of_its_dialog():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 183, body=ANSWER))
    us.receive(reply(sent, 200))
    assert us.told()[-1] == Accepted(1, ANSWER)
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 183, body=ANSWER, tag="a"))
    us.receive(reply(sent, 200, tag="b"))
    assert us.told()[-1] == Accepted(1, b"")


@pytest.mark.parametrize(
    ("code", "extra", "q850", "retry"),
    [
        (302, "", 0, 0),
        (404, "Reason: Q.850;cause=1\r\n", 1, 0),
        (480, 'Reason: SIP;cause=480, Q.850;cause=18;text="x"\r\n', 18, 0),
        (486, "Reason: Q.850 ;cause=17\r\n", 17, 0),
        (503, "Retry-After: 30 (busy)\r\n", 0, 30),
        (603, "", 0, 0),
    ],
)
def test_refusals_are_acknowledged_on_the_same_branch_and_told(
    code: int, extra: str, q850: int, retry: int
):
    us = Us()
    sent = us.invite()
    us.take()
    us.receive(reply(sent, code, extra=extra, phrase="Their Words"))
    us.receive(reply(sent, code, extra=extra))
    acks = us.take()
    assert [m.method for m in acks] == ["ACK", "ACK"]
    assert {m.branch for m in acks} == {sent.branch}
    assert {(m.to_tag, m.cseq, m.uri) for m in acks} == {(b"them", 1, sent.uri)}
    assert [plain(e) for e in us.told()] == [
        Ended(1, code, "Their Words", q850, "them", False, retry)
    ]
    us.run(40_000)
    assert us.empty()


def test_we_hang_up():
    us = Us()
    answered(us)
    us.release(q850=16)
    us.release(q850=31)
    [bye] = us.take()
    assert (bye.method, bye.cseq, bye.to_tag, bye.q850) == ("BYE", 2, b"them", 16)
    assert us.told() == []
    us.receive(reply(bye, 200))
    us.receive(reply(bye, 200))
    assert us.told() == [Ended(1, 200, "Some Phrase", 16, "us", True)]
    us.release()
    us.run(40_000)
    assert us.told() == []
    assert us.empty()


def test_timers_e_and_f_of_an_unanswered_bye():
    us = Us()
    answered(us)
    us.release()
    us.take()
    again = us.run(40_000)
    assert [at for at, _ in again] == [
        500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ]  # fmt: skip
    assert us.told() == [Ended(1, 200, "Some Phrase", 0, "us", True)]
    us.run(40_000)
    assert us.empty()


def test_a_bye_that_is_tried_goes_on_at_t2():
    us = Us()
    answered(us)
    us.release()
    [bye] = us.take()
    us.receive(reply(bye, 100))
    assert [at for at, _ in us.run(10_000)] == [500, 4_500, 8_500]


@pytest.mark.parametrize("code", [200, 408, 481, 500])
def test_any_final_answer_to_our_bye_ends_it(code: int):
    us = Us()
    answered(us)
    us.release()
    us.receive(reply(us.last(), code))
    assert [type(e) for e in us.told()] == [Ended]


def test_they_hang_up():
    us = Us()
    sent = answered(us)
    bye = peer_bye(us, sent, extra='Reason: Q.850;cause=16;text="x"\r\n')
    us.receive(bye)
    [ok] = us.take()
    assert (ok.status, ok.method) == (200, "BYE")
    assert [plain(e) for e in us.told()] == [Ended(1, 200, "Some Phrase", 16, "them", True)]
    us.receive(bye)
    assert us.last().status == 200
    us.receive(peer_bye(us, sent, branch="z9hG4bKnew", cseq=2))
    assert us.last().status == 481
    us.run(40_000)
    assert us.empty()


def test_byes_that_cross():
    us = Us()
    sent = answered(us)
    us.release(q850=16)
    [ours] = us.take()
    us.receive(peer_bye(us, sent))
    assert us.told() == [Ended(1, 200, "Some Phrase", 16, "us", True)]
    us.receive(reply(ours, 481))
    us.run(40_000)
    assert us.told() == []
    assert us.empty()


@pytest.mark.parametrize(
    "fields", [{"from_tag": "evil"}, {"call_id": "other@x"}, {"to": "<sip:a@b>;tag=0000"}]
)
def test_a_bye_of_another_dialog_is_481(fields: dict[str, str]):
    us = Us()
    sent = answered(us)
    whole = {
        "call_id": sent.call_id.decode(),
        "from_tag": "them",
        "to": f"<sip:1900@192.0.2.1>;tag={sent.from_tag.decode()}",
    }
    us.receive(request("BYE", **(whole | fields)))
    assert us.last().status == 481
    assert us.told() == []
