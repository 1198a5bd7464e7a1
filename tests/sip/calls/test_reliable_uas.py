"""RFC 3262 as the called side: retransmission, order, RAck, what holds the 200 back."""

from __future__ import annotations

import pytest

from fastpath.sipscan import Message
from sip import sdp
from sip.events import Ended, Established, Renegotiated, SipEvent
from sip.limits import RELIABLES_MAX
from tests.sip.callee import OURS, SDP, gone, inside, ring_in
from tests.sip.net import ANSWER, OFFER, Us, request

CAN = "Supported: 100rel, timer\r\n"
MUST = "Require: 100rel\r\n"


def begin(us: Us, extra: str = CAN, body: bytes = SDP) -> None:
    us.receive(request("INVITE", body=body, extra=extra))
    us.take()
    us.told()


def ring(
    us: Us, code: int = 183, body: bytes | None = None, *, reliable: bool | None = True
) -> None:
    us.endpoint.ring(-1, us.now_ns, code, body, reliable=reliable)
    us.pump()


def rseq(message: Message) -> int:
    [value] = message.get_all("RSeq")
    return int(value)


def prack(
    us: Us, response: Message, cseq: int = 2, rack: str = "", body: bytes = b""
) -> list[SipEvent]:
    rack = rack or f"{rseq(response)} 1 INVITE"
    return inside(us, "PRACK", response, cseq, extra=f"RAck: {rack}\r\n", body=body)


def accept(us: Us, body: bytes = OURS) -> None:
    us.endpoint.accept(-1, body, us.now_ns)
    us.pump()


def test_a_reliable_response_is_repeated_until_its_prack():
    us = Us()
    begin(us)
    ring(us, 180)
    [first] = us.take()
    assert first.get_all("Require") == [b"100rel"]
    assert first.contact_uri
    assert 1 <= rseq(first) < 1 << 31
    again = us.run(7_600)
    assert [at for at, _ in again] == [500, 1_500, 3_500, 7_500]
    assert {m.data for _, m in again} == {first.data}
    us.take()
    assert prack(us, first) == []
    assert (us.last().status, us.last().method) == (200, "PRACK")
    us.take()
    assert us.run(60_000) == []


def test_nobody_acknowledges():
    us = Us()
    begin(us)
    ring(us, 180)
    out = us.run(33_000)
    assert [at for at, m in out if m.status == 180] == [500, 1_500, 3_500, 7_500, 15_500, 31_500]
    assert (out[-1][0], out[-1][1].status) in {(32_000, 504), (32_500, 504)}
    assert us.told() == [Ended(-1, 504, "", 0, "timeout", False)]
    us.receive(request("ACK", to=out[-1][1].to_value.decode()))
    assert gone(us)


def test_the_next_one_waits_for_the_prack_of_the_one_before():
    us = Us()
    begin(us)
    ring(us, 180)
    ring(us, 183, OURS)
    [first] = us.take()
    prack(us, first)
    ok, second = us.take()
    assert (ok.method, ok.status) == ("PRACK", 200)
    assert (second.status, second.body, rseq(second)) == (183, OURS, rseq(first) + 1)


def test_those_that_wait_are_bounded():
    us = Us()
    begin(us)
    for _ in range(100):
        ring(us, 180)
    sent, number = 0, 2
    while us.sent:
        response = us.take()[-1]
        if response.status == 180:
            sent += 1
            prack(us, response, number)
            number += 1
        else:
            break
    assert sent == RELIABLES_MAX + 1


@pytest.mark.parametrize("rack", ["1 1 INVITE", "{r} 2 INVITE", "{r} 1 BYE"])
def test_a_prack_of_something_else_is_481(rack: str):
    us = Us()
    begin(us)
    ring(us, 180)
    [first] = us.take()
    prack(us, first, 2, rack.format(r=rseq(first)))
    assert us.last().status == 481
    assert us.run(10_000)  # it goes on repeating


@pytest.mark.parametrize("rack", ["x", "1 INVITE", "1 1 INVITE 2", "99999999999 1 INVITE"])
def test_a_broken_rack_is_400(rack: str):
    us = Us()
    begin(us)
    ring(us, 180)
    [first] = us.take()
    prack(us, first, 2, rack)
    assert us.last().status == 400


def test_a_second_prack_is_481_and_a_repeated_one_gets_its_200_again():
    us = Us()
    begin(us)
    ring(us, 180)
    [first] = us.take()
    prack(us, first, 2)
    prack(us, first, 2)
    assert [m.status for m in us.take()] == [200, 200]
    prack(us, first, 3)
    assert us.last().status == 481


def test_a_prack_without_anything_reliable_is_481():
    us = Us()
    begin(us)
    ring(us, 180, reliable=False)
    inside(us, "PRACK", us.last(), 2, extra="RAck: 1 1 INVITE\r\n")
    assert us.last().status == 481


def test_a_200_waits_while_our_answer_is_not_acknowledged():
    us = Us()
    begin(us)
    ring(us, 183, OURS)
    [early] = us.take()
    accept(us)
    assert us.take() == []
    prack(us, early)
    done, ok = us.take()
    assert (done.method, ok.method, ok.status) == ("PRACK", "INVITE", 200)
    assert ok.body == b""  # the answer was in the 183
    assert inside(us, "ACK", ok, 1) == [Established(-1)]
    us.take()
    # the session is what the 183 said
    hold = SDP.replace(b"a=sendrecv", b"a=sendonly")
    inside(us, "INVITE", ok, 3, body=hold)
    assert sdp.parse(us.last().body).port == 30_000


def test_a_200_does_not_wait_for_a_response_without_description():
    us = Us()
    begin(us)
    ring(us, 180)
    [early] = us.take()
    accept(us)
    [ok] = us.take()
    assert (ok.status, ok.body) == (200, OURS)
    prack(us, early)
    assert us.last().status == 200
    us.take()
    repeated = us.run(3_000)
    assert {m.status for _, m in repeated} == {200}


def test_a_refusal_does_not_wait():
    us = Us()
    begin(us)
    ring(us, 183, OURS)
    us.take()
    us.endpoint.reject(-1, 486, us.now_ns)
    us.pump()
    assert [m.status for m in us.take()] == [486]
    assert {m.status for _, m in us.run(3_000)} == {486}


@pytest.mark.parametrize("how", ["CANCEL", "BYE", "release"])
def test_whatever_ends_a_ringing_call_ends_a_held_one(how: str):
    us = Us()
    begin(us)
    ring(us, 183, OURS)
    early = us.last()
    accept(us)
    us.take()
    if how == "CANCEL":
        us.receive(request("CANCEL"))
    elif how == "BYE":
        inside(us, "BYE", early, 2)
    else:
        us.release(-1)
    assert us.last().status == (480 if how == "release" else 487)
    us.run(40_000)
    assert gone(us)


def test_who_requires_it_gets_every_response_reliably():
    us = Us()
    begin(us, MUST)
    ring(us, 180, reliable=None)
    assert us.last().get_all("RSeq")
    ring(us, 183, reliable=False)
    prack(us, us.last())
    assert us.last().get_all("RSeq")


def test_who_only_supports_it_gets_it_when_we_want():
    us = Us()
    begin(us)
    ring(us, 180, reliable=None)
    assert us.last().get_all("RSeq") == []
    ring(us, 180)
    assert us.last().get_all("RSeq")


def test_who_does_not_know_it_never_gets_it():
    us = Us()
    begin(us, "")
    ring(us, 180)
    assert us.last().get_all("RSeq") == []
    assert us.last().get_all("Require") == []


def test_a_421_names_what_it_requires():
    us = Us()
    begin(us, "")
    us.endpoint.reject(-1, 421, us.now_ns)
    us.pump()
    assert us.last().get_all("Require") == [b"100rel"]


def test_an_offer_of_ours_is_answered_in_the_prack():
    us = Us()
    begin(us, CAN, b"")
    ring(us, 183, OFFER)
    early = us.last()
    assert early.body == OFFER
    assert prack(us, early, body=ANSWER) == [Renegotiated(-1, ANSWER)]
    us.take()
    accept(us, OFFER)
    [ok] = us.take()
    assert ok.body == b""
    assert inside(us, "ACK", ok, 1) == [Established(-1)]


def test_a_prack_without_the_answer_leaves_the_offer_to_the_200():
    us = Us()
    begin(us, CAN, b"")
    ring(us, 183, OFFER)
    prack(us, us.last())
    us.take()
    accept(us, OFFER)
    assert us.last().body == OFFER


def test_a_further_offer_in_the_prack_is_answered_in_its_200():
    us = Us()
    begin(us)
    ring(us, 183, OURS)
    hold = SDP.replace(b"a=sendrecv", b"a=sendonly")
    assert prack(us, us.last(), body=hold) == [Renegotiated(-1, hold)]
    ok = us.last()
    assert (ok.status, ok.content_type) == (200, b"application/sdp")
    assert b"a=recvonly" in ok.body


def test_an_offer_that_we_cannot_take_is_488_and_the_prack_goes_on_being_waited_for():
    us = Us()
    begin(us)
    ring(us, 183, OURS)
    early = us.last()
    assert prack(us, early, body=SDP.replace(b"RTP/AVP 0 8 101", b"RTP/SAVP 96")) == []
    assert us.last().status == 488
    assert us.run(1_000)
    prack(us, early, 3)
    assert us.last().status == 200


def test_a_prack_from_another_dialog_is_481():
    us = Us()
    ring_in(us, extra=CAN)
    ring(us, 180)
    early = us.last()
    inside(us, "PRACK", early, 2, from_tag="stranger", extra=f"RAck: {rseq(early)} 1 INVITE\r\n")
    assert us.last().status == 481
