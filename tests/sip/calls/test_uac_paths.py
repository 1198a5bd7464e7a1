"""Challenges, routes and what the edge refuses."""

from __future__ import annotations

import pytest

from fastpath.sipscan import Message
from sip.accounts.auth import Credentials
from sip.errors import SipError
from sip.events import Accepted, Ended, Failover, Renegotiated
from sip.limits import LEGS_MAX
from tests.sip.net import ANSWER, THEM, Us, answered, invite, reply, request

CHALLENGE = 'Digest realm="r", nonce="abc==", qop="auth", algorithm=MD5'


@pytest.mark.parametrize(
    ("code", "ask", "say"),
    [
        (401, "WWW-Authenticate", "Authorization"),
        (407, "Proxy-Authenticate", "Proxy-Authorization"),
    ],
)
def test_a_challenge_is_answered_once(code: int, ask: str, say: str):
    us = Us()
    first = us.invite(credentials=Credentials("u", "p"))
    us.take()
    us.receive(reply(first, code, extra=f"{ask}: {CHALLENGE}\r\n"))
    ack, second = us.take()
    assert (ack.method, ack.branch) == ("ACK", first.branch)
    assert (second.method, second.cseq, second.call_id) == ("INVITE", 2, first.call_id)
    assert second.branch != first.branch
    assert second.from_value == first.from_value
    assert b'nonce="abc=="' in second.get_all(say)[0]
    us.receive(reply(second, code, extra=f"{ask}: {CHALLENGE}\r\n", tag="x"))
    assert us.told() == [Ended(1, code, "Some Phrase", 0, "them", False)]
    us.run(40_000)
    assert us.empty()


def test_a_stale_nonce_is_tried_again_but_not_for_ever():
    us = Us()
    sent = us.invite(credentials=Credentials("u", "p"))
    rounds = 0
    while not us.events:
        stale = CHALLENGE.replace("abc", f"{rounds}") + ", stale=TRUE"
        us.receive(reply(sent, 401, extra=f"WWW-Authenticate: {stale}\r\n"))
        sent = us.last()
        rounds += 1
    assert rounds == 3
    assert us.told()[-1].code == 401


def test_proxy_and_server_may_both_challenge():
    us = Us()
    first = us.invite(credentials=Credentials("u", "p"))
    us.receive(reply(first, 407, extra=f"Proxy-Authenticate: {CHALLENGE}\r\n"))
    us.receive(reply(us.last(), 401, extra=f"WWW-Authenticate: {CHALLENGE}\r\n"))
    third = us.last()
    assert third.cseq == 3
    assert len(third.get_all("Authorization")) == 1
    [again] = third.get_all("Proxy-Authorization")
    assert b"nc=00000002" in again


def test_without_credentials_a_challenge_is_a_refusal():
    us = Us()
    us.receive(reply(us.invite(), 401, extra=f"WWW-Authenticate: {CHALLENGE}\r\n"))
    assert us.told()[-1].code == 401


def test_a_known_nonce_saves_the_byes_challenge():
    us = Us()
    first = us.invite(credentials=Credentials("u", "p"))
    us.receive(reply(first, 401, extra=f"WWW-Authenticate: {CHALLENGE}\r\n"))
    us.receive(reply(us.last(), 200, body=ANSWER))
    us.release()
    bye = us.last()
    [said] = bye.get_all("Authorization")
    assert (bye.method, b"nc=00000002" in said) == ("BYE", True)
    again = CHALLENGE.replace("abc", "def")
    us.receive(reply(bye, 401, extra=f"WWW-Authenticate: {again}\r\n"))
    [said] = us.last().get_all("Authorization")
    assert b'nonce="def=="' in said


def test_a_challenged_bye_goes_again():
    us = Us()
    sent = us.invite(credentials=Credentials("u", "p"))
    us.receive(reply(sent, 200, body=ANSWER))
    us.release()
    first = us.last()
    us.receive(reply(first, 407, extra=f"Proxy-Authenticate: {CHALLENGE}\r\n"))
    second = us.last()
    assert (second.method, second.cseq) == ("BYE", 3)
    assert second.get_all("Proxy-Authorization")
    assert Ended not in {type(e) for e in us.told()}
    us.receive(reply(second, 200))
    assert [type(e) for e in us.told()] == [Ended]


def test_loose_routes():
    us = Us()
    sent = us.invite()
    extra = "Record-Route: <sip:192.0.2.20:5080;lr>, <sip:p2.example;lr>;x\r\n"
    us.receive(reply(sent, 200, body=ANSWER, extra=extra + "Record-Route: <sip:192.0.2.30;lr>\r\n"))
    ack = us.last()
    assert us.sent[-1].target == ("192.0.2.30", 5060, 0)
    assert ack.uri == b"sip:gw@192.0.2.2:5060"
    assert ack.get_all("Route") == [
        b"<sip:192.0.2.30;lr>", b"<sip:p2.example;lr>;x", b"<sip:192.0.2.20:5080;lr>",
    ]  # fmt: skip


def test_a_strict_router_gets_the_request_uri():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 200, body=ANSWER, extra="Record-Route: <sip:192.0.2.30>\r\n"))
    ack = us.last()
    assert ack.uri == b"sip:192.0.2.30"
    assert ack.get_all("Route") == [b"<sip:gw@192.0.2.2:5060>"]


@pytest.mark.parametrize(
    ("routes", "why"),
    [
        ([f"<sip:p{n};lr>" for n in range(17)], "more than 16 Record-Routes"),
        (["<sip:p1;lr>", "<sip:p2;lr", "<sip:p3;lr>"], "a broken Record-Route"),
    ],
)
def test_a_route_set_that_cannot_be_travelled_is_hung_up(routes: list[str], why: str):
    us = Us()
    sent = us.invite()
    extra = "".join(f"Record-Route: {route}\r\n" for route in routes)
    us.take()
    us.receive(reply(sent, 200, body=ANSWER, extra=extra))
    ack, bye = us.take()
    assert (ack.method, bye.method) == ("ACK", "BYE")
    us.receive(reply(bye, 200))
    why = f"its answer cannot be acknowledged: {why}"
    assert us.told() == [Ended(1, 0, why, 0, "us", False)]
    us.run(80_000)
    assert us.empty()


@pytest.mark.parametrize("contact", ["<sip:gw@192.0.2.2", "", "<nonsense>", "*, <sip:a@b>"])
def test_a_broken_contact_in_the_answer_is_as_good_as_none(contact: str):
    us = Us()
    sent = us.invite()
    us.take()
    us.receive(reply(sent, 200, body=ANSWER, contact="", extra=f"Contact: {contact}\r\n"))
    [ack] = us.take()
    assert (ack.method, ack.uri) == ("ACK", sent.uri)
    assert [type(event) for event in us.told()] == [Accepted]
    us.release()
    us.receive(reply(us.last(), 200))
    assert us.last().method == "BYE"
    assert [(e.by, e.answered) for e in us.told() if isinstance(e, Ended)] == [("us", True)]


def test_an_answer_of_an_unreadable_kind_is_acknowledged():
    us = Us()
    sent = us.invite()
    us.take()
    data = reply(sent, 200, body=ANSWER).replace(b"application/sdp", b"application; sdp")
    us.receive(data)
    assert [message.method for message in us.take()] == ["ACK"]
    assert us.told() == [Accepted(1, b"")]


def test_a_contact_with_a_name_is_reached_where_the_answer_came_from():
    us = Us()
    sent = us.invite()
    us.receive(
        reply(sent, 200, body=ANSWER, contact="<sip:gw.example.com>"), ("192.0.2.50", 6000, 0)
    )
    assert us.sent[-1].target == ("192.0.2.50", 6000, 0)
    assert us.last().uri == b"sip:gw.example.com"


def test_responses_that_answer_nothing_are_dropped():
    us = Us()
    sent = us.invite()
    us.take()
    other = reply(sent, 200, body=ANSWER).replace(sent.branch, b"z9hG4bKother")
    two = reply(sent, 200, body=ANSWER).replace(b"From:", b"Via: SIP/2.0/UDP h\r\nFrom:")
    broken = reply(sent, 200, body=ANSWER).replace(b"CSeq: 1", b"CSeq: x")
    for data in (other, two, broken):
        us.receive(data)
    assert us.take() == []
    assert us.told() == []
    counts = us.endpoint.statistics()
    assert (counts["stray"], counts["malformed"]) == (2, 1)


def test_a_reinvite_in_the_call_is_answered_with_the_present_sdp():
    us = Us()
    sent = answered(us)
    hold = ANSWER.replace(b"a=sendrecv", b"a=sendonly")
    us.receive(
        request(
            "INVITE",
            call_id=sent.call_id.decode(),
            from_tag="them",
            to=f"<sip:1900@192.0.2.1>;tag={sent.from_tag.decode()}",
            body=hold,
        )
    )
    ok = us.last()
    assert ok.status == 200
    assert b"m=audio 30000 " in ok.body
    assert b"a=recvonly" in ok.body
    assert us.told() == [Renegotiated(1, hold)]


@pytest.mark.parametrize(
    "fields",
    [
        {"request_uri": "sip:a b@h"},
        {"request_uri": "http://h/"},
        {"request_uri": "sip:h\r\nX: y"},
        {"from_uri": "1900"},
        {"to_uri": "sip:a@h>"},
        {"call_id": "a b"},
        {"call_id": ""},
        {"display": "a\r\nb"},
        {"display": "a\0b"},
        {"display": "x" * 2_000},
        {"headers": (("X-Y", "a\nb"),)},
        {"headers": (("X Y", "a"),)},
        {"headers": (("Via", "a"),)},
        {"headers": (("l", "0"),)},
        {"headers": (("X", "y"),) * 17},
        {"leg": -1},
    ],
)
def test_what_cannot_stand_in_a_message_is_refused_at_the_edge(fields: dict[str, object]):
    us = Us()
    with pytest.raises(SipError):
        us.endpoint.invite(invite(**fields), us.now_ns)
    assert us.pump() == []
    assert us.empty()


def test_a_leg_number_is_used_once_at_a_time():
    us = Us()
    us.invite()
    with pytest.raises(SipError):
        us.endpoint.invite(invite(), us.now_ns)
    with pytest.raises(SipError):
        us.endpoint.release(1, us.now_ns, q850=128)


def test_more_legs_than_allowed_end_at_once():
    us = Us()
    us.endpoint._legs_max = 1
    us.invite()
    us.endpoint.invite(invite(2), us.now_ns)
    us.pump()
    assert us.told() == [Ended(2, 503, "too many legs", 0, "us", False)]
    assert LEGS_MAX > 10_000


# RFC 3263 section 4.3: the next target of a call

SECOND = ("192.0.2.3", 5060, 0)


def refusal_and_ack(us: Us, sent: Message, code: int) -> list[str]:
    us.receive(reply(sent, code))
    return [m.method for m in us.take()]


def test_a_503_moves_the_call_to_the_next_target():
    us = Us()
    sent = us.invite(targets=(THEM, SECOND))
    us.take()
    us.told()
    assert refusal_and_ack(us, sent, 503) == ["ACK", "INVITE"]
    assert us.told() == [Failover(1, THEM, 503)]
    assert not us.empty()


def test_silence_and_icmp_move_it_too_and_the_last_target_ends_it():
    us = Us()
    first = us.invite(targets=(THEM, SECOND, ("192.0.2.4", 5060, 0)))
    us.endpoint.unreachable(THEM, us.now_ns)
    us.pump()
    second = us.last()
    assert us.sent[-1].target == SECOND
    assert second.branch != first.branch
    assert (second.call_id, second.from_tag) == (first.call_id, first.from_tag)
    us.run(33_000)
    assert us.sent[-1].target == ("192.0.2.4", 5060, 0)
    us.run(33_000)
    kinds = [type(event).__name__ for event in us.told()]
    assert kinds == ["Failover", "Failover", "Ended"]
    us.run(64_000)
    assert us.empty()


def test_once_somebody_was_alerted_a_503_ends_the_call():
    us = Us()
    sent = us.invite(targets=(THEM, SECOND))
    us.receive(reply(sent, 180))
    us.told()
    assert refusal_and_ack(us, sent, 503)[-1] == "ACK"
    assert [e.code for e in us.told() if isinstance(e, Ended)] == [503]


def test_a_target_may_be_silent_for_as_long_as_the_caller_says():
    us = Us()
    us.invite(targets=(THEM, SECOND), silence_s=4)
    us.run(3_900)
    assert not us.told()
    us.run(200)
    assert us.told() == [Failover(1, THEM, 0)]
    us.run(4_000)
    (ended,) = [e for e in us.told() if isinstance(e, Ended)]
    assert (ended.code, ended.by) == (0, "timeout")
    us.run(64_000)
    assert us.empty()


def test_any_word_of_the_target_ends_its_silence():
    us = Us()
    sent = us.invite(targets=(THEM, SECOND), silence_s=4)
    us.run(3_000)
    us.receive(reply(sent, 100))
    us.run(60_000)
    assert not [e for e in us.told() if isinstance(e, Failover | Ended)]


def test_the_contact_names_whom_the_caller_wants():
    us = Us()
    us.invite(contact_user="84281")
    assert b"\r\nContact: <sip:84281@192.0.2.1:5060>\r\n" in us.sent[-1].data
    for user in ("a b", "a@b", "a>b", "a\r\nb"):
        with pytest.raises(SipError):
            us.endpoint.invite(invite(leg=2, contact_user=user), us.now_ns)
    with pytest.raises(SipError):
        us.endpoint.invite(invite(leg=2, silence_s=-1), us.now_ns)
    us.release()
    us.run(64_000)


def test_the_route_set_of_a_registration_is_travelled_by_the_whole_transaction():
    us = Us()
    routes = ("<sip:orig@s1.carrier.vn;lr>", "<sip:s2.carrier.vn;lr>")
    sent = us.invite(routes=routes)
    values = [route.encode() for route in routes]
    assert sent.get_all("Route") == values
    us.receive(reply(sent, 180))
    us.release()
    assert (us.last().method, us.last().get_all("Route")) == ("CANCEL", values)
    us.receive(reply(us.last(), 200))
    us.receive(reply(sent, 487))
    assert (us.last().method, us.last().get_all("Route")) == ("ACK", values)
    with pytest.raises(SipError):
        us.invite(leg=2, routes=("<sip:s\r\n>",))


def test_an_answers_ack_says_the_invites_credentials():
    us = Us()
    first = us.invite(credentials=Credentials("u", "p"))
    us.receive(reply(first, 401, extra=f"WWW-Authenticate: {CHALLENGE}\r\n"))
    second = us.last()
    us.receive(reply(second, 200, body=ANSWER))
    assert us.last().method == "ACK"
    assert us.last().get_all("Authorization") == second.get_all("Authorization")


def test_an_invite_changed_after_a_challenge_says_its_credentials_again():
    us = Us()
    first = us.invite(credentials=Credentials("u", "p"), session_s=90)
    us.receive(reply(first, 407, extra=f"Proxy-Authenticate: {CHALLENGE}\r\n"))
    us.receive(reply(us.last(), 422, extra="Min-SE: 600\r\n"))
    third = us.last()
    assert third.cseq == 3
    assert b"nc=00000002" in third.get_all("Proxy-Authorization")[0]
    again = CHALLENGE.replace("abc", "def")
    us.receive(reply(third, 407, extra=f"Proxy-Authenticate: {again}\r\n"))
    assert us.last().cseq == 4, "a proxy whose nonces serve once"


def test_credentials_for_one_server_are_not_said_to_the_place_it_names():
    us = Us()
    first = us.invite(credentials=Credentials("u", "p"), redirects=1)
    us.receive(reply(first, 401, extra=f"WWW-Authenticate: {CHALLENGE}\r\n"))
    us.receive(reply(us.last(), 302, extra="Contact: <sip:x@192.0.2.9>\r\n"))
    third = us.last()
    assert (third.uri, third.cseq) == (b"sip:x@192.0.2.9", 3)
    assert third.get_all("Authorization") == []
