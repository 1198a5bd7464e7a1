"""RFC 3262 as the caller: PRACK in order, once each, per early dialog; offers in reliable 1xx."""

from __future__ import annotations

import pytest

from fastpath.sipscan import Message
from sip import sdp
from sip.accounts.auth import Credentials
from sip.events import Accepted, Ended, Offered, Provisional
from sip.limits import EARLY_MAX
from tests.sip.net import ANSWER, OFFER, Us, reply

OTHER = sdp.answer(OFFER, "192.0.2.2", 41_000, session_id=10)


def reliable(
    sent: Message, rseq: int, code: int = 183, tag: str = "them", body: bytes = b"", **more: str
) -> bytes:
    extra = f"Require: 100rel\r\nRSeq: {rseq}\r\n"
    return reply(sent, code, tag=tag, body=body, extra=extra, **more)


def rack(message: Message) -> bytes:
    [value] = message.get_all("RAck")
    return value


def test_an_invite_says_what_it_can():
    us = Us()
    assert us.invite().get_all("Supported") == [b"100rel, timer"]
    assert us.last().get_all("Require") == []
    assert us.invite(leg=2, rel100="off").get_all("Supported") == [b"timer"]
    assert us.invite(leg=3, rel100="required").get_all("Require") == [b"100rel"]


def test_each_reliable_response_gets_one_prack():
    us = Us()
    sent = us.invite()
    us.take()
    us.receive(reliable(sent, 17, 180))
    [prack] = us.take()
    assert (prack.method, prack.cseq, rack(prack)) == ("PRACK", 2, b"17 1 INVITE")
    assert (prack.to_tag, prack.from_tag, prack.body) == (b"them", sent.from_tag, b"")
    assert prack.uri == b"sip:gw@192.0.2.2:5060"
    assert prack.branch != sent.branch
    us.receive(reply(prack, 200))
    us.receive(reliable(sent, 18, 183, body=ANSWER))
    [second] = us.take()
    assert (second.cseq, rack(second)) == (3, b"18 1 INVITE")
    us.receive(reply(second, 200))
    assert us.told() == [Provisional(1, 180, None), Provisional(1, 183, ANSWER)]
    us.receive(reply(sent, 200))
    [ack] = us.take()
    assert (ack.method, ack.cseq) == ("ACK", 1)
    # 13.2.1: the answer was in the reliable 183, so the 200 needs none, and another one is ignored
    assert us.told() == [Accepted(1, ANSWER)]
    us.release()
    assert us.last().cseq == 4


def test_a_settled_answer_is_not_changed_by_the_200():
    us = Us()
    sent = us.invite()
    us.receive(reliable(sent, 1, body=ANSWER))
    us.receive(reply(sent, 200, body=OTHER))
    assert us.told()[-1] == Accepted(1, ANSWER)


def test_an_unreliable_answer_is():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 183, body=ANSWER))
    us.receive(reply(sent, 200, body=OTHER))
    assert us.told()[-1] == Accepted(1, OTHER)


def test_a_repeated_response_repeats_the_prack_that_is_on_its_way():
    us = Us()
    sent = us.invite()
    us.take()
    us.receive(reliable(sent, 5))
    us.receive(reliable(sent, 5))
    first, again = us.take()
    assert first.data == again.data
    us.receive(reply(first, 200))
    us.receive(reliable(sent, 5))  # was late; it has its PRACK
    assert us.take() == []
    assert len(us.told()) == 1


def test_a_prack_is_repeated_by_its_transaction():
    us = Us()
    sent = us.invite()
    us.receive(reliable(sent, 5))
    us.take()
    assert [at for at, m in us.run(4_000) if m.method == "PRACK"] == [500, 1_500, 3_500]


@pytest.mark.parametrize("rseq", [4, 7, 1, 2_000_000_000])
def test_what_is_not_next_is_not_acknowledged(rseq: int):
    us = Us()
    sent = us.invite()
    us.receive(reliable(sent, 5))
    us.take()
    us.told()
    us.receive(reliable(sent, rseq, 180))
    assert us.take() == []
    assert us.told() == []
    us.receive(reliable(sent, 6, 180))
    assert [m.method for m in us.take()] == ["PRACK"]


@pytest.mark.parametrize(
    "extra",
    [
        "Require: 100rel\r\n",
        "RSeq: 1\r\n",
        "Require: 100rel\r\nRSeq: 0\r\n",
        "Require: 100rel\r\nRSeq: x\r\n",
        "Require: 100rel\r\nRSeq: 4294967296\r\n",
        "Require: 100rel\r\nRSeq: 1\r\nRSeq: 2\r\n",
        "Require: other\r\nRSeq: 1\r\n",
    ],
)
def test_what_is_not_reliable_is_only_told(extra: str):
    us = Us()
    sent = us.invite()
    us.take()
    us.receive(reply(sent, 183, extra=extra, body=ANSWER))
    assert us.take() == []
    assert us.told() == [Provisional(1, 183, ANSWER)]


def test_each_early_dialog_counts_for_itself():
    us = Us()
    sent = us.invite()
    us.take()
    us.receive(reliable(sent, 100, 180, "a", contact="<sip:a@192.0.2.10>"))
    us.receive(reliable(sent, 7, 180, "b", contact="<sip:b@192.0.2.11>"))
    us.receive(reliable(sent, 101, 183, "a", body=ANSWER, contact="<sip:a@192.0.2.10>"))
    us.receive(reliable(sent, 8, 183, "b", body=OTHER, contact="<sip:b@192.0.2.11>"))
    assert [s.target[0] for s in us.sent] == ["192.0.2.10", "192.0.2.11"] * 2
    pracks = us.take()
    assert [rack(m).split()[0] for m in pracks] == [b"100", b"7", b"101", b"8"]
    assert [m.cseq for m in pracks] == [2, 2, 3, 3]
    us.receive(reply(sent, 200, tag="b", contact="<sip:b@192.0.2.11>"))
    assert us.told()[-1] == Accepted(1, OTHER)
    us.receive(reply(sent, 200, tag="a", contact="<sip:a@192.0.2.10>"))
    assert [(m.method, m.to_tag, m.cseq) for m in us.take()] == [
        ("ACK", b"b", 1),
        ("ACK", b"a", 1),
        ("BYE", b"a", 4),
    ]


def test_early_dialogs_are_bounded():
    us = Us()
    sent = us.invite()
    us.take()
    for n in range(100):
        us.receive(reliable(sent, 1, 180, f"tag{n}"))
    assert len(us.take()) == EARLY_MAX
    assert len(us.told()) == 100


def test_the_prack_travels_the_route():
    us = Us()
    sent = us.invite()
    route = "Record-Route: <sip:192.0.2.51;lr>\r\nRecord-Route: <sip:192.0.2.50;lr>\r\n"
    extra = "Require: 100rel\r\nRSeq: 1\r\n" + route
    us.receive(reply(sent, 180, extra=extra))
    prack = us.last()
    assert prack.get_all("Route") == [b"<sip:192.0.2.50;lr>", b"<sip:192.0.2.51;lr>"]
    assert us.sent[-1].target == ("192.0.2.50", 5060, 0)


def test_a_prack_that_is_challenged_goes_again():
    us = Us()
    sent = us.invite(credentials=Credentials("a", "b"))
    us.receive(reliable(sent, 1))
    prack = us.last()
    challenge = 'Proxy-Authenticate: Digest realm="r", nonce="n"\r\n'
    us.receive(reply(prack, 407, extra=challenge))
    again = us.last()
    assert (again.method, again.cseq, rack(again)) == ("PRACK", 3, b"1 1 INVITE")
    assert again.get_all("Proxy-Authorization")


@pytest.mark.parametrize("code", [481, 500, 408])
def test_a_refused_prack_takes_the_invite_back(code: int):
    us = Us()
    sent = us.invite()
    us.receive(reliable(sent, 1))
    us.receive(reply(us.last(), code))
    cancel = us.last()
    assert cancel.method == "CANCEL"
    us.told()
    us.receive(reply(cancel, 200))
    us.receive(reply(sent, 487))
    why = f"our PRACK was refused with {code}"
    assert us.told() == [Ended(1, 0, why, 0, "us", False)]


def test_a_prack_that_nobody_answers_takes_the_invite_back():
    us = Us()
    sent = us.invite()
    us.receive(reliable(sent, 1))
    us.told()
    assert "CANCEL" in {message.method for _, message in us.run(40_000)}
    us.receive(reply(sent, 487))
    assert us.told() == [Ended(1, 0, "no reply to our PRACK", 0, "us", False)]


def test_a_refused_prack_of_one_fork_leaves_the_others():
    us = Us()
    sent = us.invite()
    us.receive(reliable(sent, 1, tag="one"))
    first = us.last()
    us.receive(reliable(sent, 1, tag="two"))
    us.receive(reply(first, 481))
    us.take()
    us.told()
    us.receive(reply(sent, 200, body=ANSWER, tag="two"))
    assert [type(e) for e in us.told()] == [Accepted]


def test_no_prack_once_we_gave_up():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 100))
    us.release()
    us.take()
    us.receive(reliable(sent, 1))
    assert us.take() == []


def test_an_offer_in_a_reliable_response_is_answered_in_its_prack():
    us = Us()
    sent = us.invite(sdp=b"")
    assert sent.body == b""
    us.take()
    us.receive(reliable(sent, 9, 183, body=OFFER))
    assert us.told() == [Offered(1, OFFER, early=True), Provisional(1, 183, OFFER)]
    us.receive(reliable(sent, 9, 183, body=OFFER))
    assert us.take() == []  # it waits for our answer
    us.endpoint.acknowledge(1, ANSWER, us.now_ns)
    us.pump()
    [prack] = us.take()
    assert (prack.method, prack.body, rack(prack)) == ("PRACK", ANSWER, b"9 1 INVITE")
    us.receive(reply(prack, 200))
    us.told()
    us.receive(reply(sent, 200))
    [ack] = us.take()
    assert (ack.method, ack.body) == ("ACK", b"")
    assert us.told() == [Accepted(1, OFFER)]


def test_offers_of_two_forks_are_answered_in_their_order():
    us = Us()
    sent = us.invite(sdp=b"")
    us.take()
    us.receive(reliable(sent, 1, 183, "a", body=OFFER))
    us.receive(reliable(sent, 1, 183, "b", body=OFFER))
    us.endpoint.acknowledge(1, ANSWER, us.now_ns)
    us.endpoint.acknowledge(1, OTHER, us.now_ns)
    us.endpoint.acknowledge(1, OTHER, us.now_ns)  # one too many
    us.pump()
    assert [(m.to_tag, m.body) for m in us.take()] == [(b"a", ANSWER), (b"b", OTHER)]


def test_420_to_our_require_is_tried_without():
    us = Us()
    sent = us.invite(rel100="required")
    us.receive(reply(sent, 420, extra="Unsupported: 100rel\r\n"))
    again = us.last()
    assert (again.method, again.cseq, again.get_all("Require")) == ("INVITE", 2, [])
    us.receive(reply(again, 420, extra="Unsupported: 100rel\r\n"))
    assert [e.code for e in us.told() if isinstance(e, Ended)] == [420]


def test_421_is_met_when_we_know_the_extension():
    us = Us()
    sent = us.invite(rel100="off")
    us.receive(reply(sent, 421, extra="Require: 100rel\r\n"))
    again = us.last()
    assert again.get_all("Supported") == [b"100rel, timer"]
    us.receive(reply(again, 421, extra="Require: 100rel\r\n"))
    assert [e.code for e in us.told() if isinstance(e, Ended)] == [421]
