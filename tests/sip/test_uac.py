"""The calling side against hand-made peers: every timer and every race, in virtual time."""

from __future__ import annotations

import pytest

from sip.auth import Credentials
from sip.errors import SipError
from sip.events import Accepted, Ended, Provisional, Renegotiated, Trying
from sip.limits import FORKS_MAX, LEGS_MAX
from tests.sip.net import ANSWER, OFFER, THEM, Us, invite, reply, request

METHODS = ["INVITE", "ACK", "BYE", "CANCEL"]


def up(us: Us, **options: str) -> object:
    """An answered call; the INVITE."""
    sent = us.invite()
    us.receive(reply(sent, 200, body=ANSWER, **options))
    us.take()
    us.told()
    return sent


def peer_bye(us: Us, sent: object, **fields: object) -> bytes:
    """A BYE of the called side."""
    return request(
        "BYE",
        call_id=sent.call_id.decode(),
        from_tag="them",
        to=f"<sip:1900@192.0.2.1>;tag={sent.from_tag.decode()}",
        **fields,
    )


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
    assert us.sent[-1].target == ("192.0.2.9", 5088)
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
    assert us.told() == [Ended(1, code, "Their Words", q850, "them", False, retry)]
    us.run(40_000)
    assert us.empty()


def test_we_hang_up():
    us = Us()
    up(us)
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
    up(us)
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
    up(us)
    us.release()
    [bye] = us.take()
    us.receive(reply(bye, 100))
    assert [at for at, _ in us.run(10_000)] == [500, 4_500, 8_500]


@pytest.mark.parametrize("code", [200, 408, 481, 500])
def test_any_final_answer_to_our_bye_ends_it(code: int):
    us = Us()
    up(us)
    us.release()
    us.receive(reply(us.last(), code))
    assert [type(e) for e in us.told()] == [Ended]


def test_they_hang_up():
    us = Us()
    sent = up(us)
    bye = peer_bye(us, sent, extra='Reason: Q.850;cause=16;text="x"\r\n')
    us.receive(bye)
    [ok] = us.take()
    assert (ok.status, ok.method) == (200, "BYE")
    assert us.told() == [Ended(1, 200, "Some Phrase", 16, "them", True)]
    us.receive(bye)
    assert us.last().status == 200
    us.receive(peer_bye(us, sent, branch="z9hG4bKnew", cseq=2))
    assert us.last().status == 481
    us.run(40_000)
    assert us.empty()


def test_byes_that_cross():
    us = Us()
    sent = up(us)
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
    sent = up(us)
    whole = {
        "call_id": sent.call_id.decode(),
        "from_tag": "them",
        "to": f"<sip:1900@192.0.2.1>;tag={sent.from_tag.decode()}",
    }
    us.receive(request("BYE", **(whole | fields)))
    assert us.last().status == 481
    assert us.told() == []


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
    sent = up(us)
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
    sent = up(us)
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
    assert [type(e) for e in us.told()][-1] is Ended
    us.receive(reply(sent, 200, body=ANSWER))
    assert [m.method for m in us.take()] == ["ACK", "BYE"]
    us.run(80_000)
    assert us.told() == []
    assert us.empty()


def test_nobody_listens():
    us = Us()
    us.invite()
    us.endpoint.unreachable(("192.0.2.77", 5060), us.now_ns)
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
    up(us)
    us.release()
    us.endpoint.unreachable(THEM, us.now_ns)
    us.pump()
    assert [type(e) for e in us.told()] == [Ended]


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
        us.receive(reply(sent, 401, extra=f"WWW-Authenticate: {CHALLENGE}, stale=TRUE\r\n"))
        sent = us.last()
        rounds += 1
    assert rounds == 5
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
    assert us.sent[-1].target == ("192.0.2.30", 5060)
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


def test_a_route_set_that_is_too_long_is_hung_up():
    us = Us()
    sent = us.invite()
    extra = "".join(f"Record-Route: <sip:p{n};lr>\r\n" for n in range(17))
    us.take()
    us.receive(reply(sent, 200, body=ANSWER, extra=extra))
    ack, bye = us.take()
    assert (ack.method, bye.method) == ("ACK", "BYE")
    us.receive(reply(bye, 200))
    assert us.told() == [Ended(1, 200, "Some Phrase", 0, "us", False)]
    us.run(80_000)
    assert us.empty()


def test_a_contact_with_a_name_is_reached_where_the_answer_came_from():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 200, body=ANSWER, contact="<sip:gw.example.com>"), ("192.0.2.50", 6000))
    assert us.sent[-1].target == ("192.0.2.50", 6000)
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
    sent = up(us)
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
