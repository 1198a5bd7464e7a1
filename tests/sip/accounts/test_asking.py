"""Requests outside of calls: exactly one answer to each, whatever the servers do."""

from __future__ import annotations

import pytest

from fastpath.sipscan import Message
from sip.accounts.auth import Credentials
from sip.errors import SipError
from sip.events import Ask, Told
from sip.limits import ASKS_MAX, TARGETS_MAX
from tests.sip.net import THEM, Us, reply

SECOND_ONE = ("192.0.2.3", 5060, 0)
NONCE = 'Digest realm="r", nonce="{}", qop="auth"'


def ask(number: int = 1, **changes: object) -> Ask:
    fields: dict[str, object] = {
        "number": number,
        "method": "REGISTER",
        "targets": (THEM,),
        "request_uri": "sip:192.0.2.2",
        "from_uri": "sip:1900@192.0.2.2",
        "to_uri": "sip:1900@192.0.2.2",
        "call_id": "reg@192.0.2.1",
        "contact_user": "1900",
    }
    fields.update(changes)
    return Ask(**fields)  # type: ignore[arg-type]


def asked(us: Us, **changes: object) -> Message:
    us.endpoint.ask(ask(**changes), us.now_ns)  # type: ignore[arg-type]
    us.pump()
    return us.last()


def told(us: Us) -> Told:
    [one] = us.told()
    assert isinstance(one, Told)
    return one


def test_the_request_as_it_leaves():
    us = Us()
    sent = asked(us, cseq=7, headers=(("Expires", "300"),), routes=("<sip:192.0.2.9;lr>",))
    assert (sent.method, sent.cseq, sent.uri) == ("REGISTER", 7, b"sip:192.0.2.2")
    assert sent.contact_uri == b"sip:1900@192.0.2.1:5060"
    assert sent.from_tag
    assert not sent.to_tag
    assert sent.get_all("Route") == [b"<sip:192.0.2.9;lr>"]
    assert sent.get_all("Expires") == [b"300"]
    assert sent.max_forwards == 70


def test_an_answer_is_told_with_what_it_says():
    us = Us()
    sent = asked(us)
    extra = (
        "Contact: <sip:1900@192.0.2.1:5060>;expires=60\r\nMin-Expires: 30\r\n"
        "Service-Route: <sip:p1;lr>\r\nService-Route: <sip:p2;lr>\r\nX-Other: no\r\n"
    )
    data = reply(sent, 200, extra=extra, contact="", phrase="Fine")
    seen = data.replace(b";rport;", b";received=198.51.100.7;rport=4711;")
    us.receive(seen)
    answer = told(us)
    assert (answer.number, answer.code, answer.phrase, answer.cseq) == (1, 200, "Fine", 1)
    assert answer.target == THEM
    assert answer.values("Contact") == ["<sip:1900@192.0.2.1:5060>;expires=60"]
    assert answer.values("Service-Route") == ["<sip:p1;lr>", "<sip:p2;lr>"]
    assert not answer.values("X-Other")
    assert answer.seen_at == ("198.51.100.7", 4711)
    us.run(40_000)
    assert us.empty()
    assert us.endpoint.statistics()["asks"] == 0


def test_provisionals_are_no_answer():
    us = Us()
    sent = asked(us, method="OPTIONS")
    us.receive(reply(sent, 100))
    assert us.told() == []
    us.receive(reply(sent, 486, extra="Reason: Q.850;cause=34\r\nRetry-After: 9\r\n"))
    answer = told(us)
    assert (answer.code, answer.q850, answer.retry_after_s) == (486, 34, 9)
    us.receive(reply(sent, 200))
    assert us.told() == []


@pytest.mark.parametrize("code", [401, 407])
def test_a_challenge_is_met_with_the_next_number(code: int):
    us = Us()
    first = asked(us, credentials=Credentials("u", "p"), cseq=4)
    header = "WWW-Authenticate" if code == 401 else "Proxy-Authenticate"
    us.receive(reply(first, code, extra=f"{header}: {NONCE.format('a')}\r\n"))
    second = us.last()
    assert (second.cseq, second.call_id, second.from_tag) == (5, first.call_id, first.from_tag)
    assert second.branch != first.branch
    us.receive(reply(second, 200))
    assert (told(us).code, second.cseq) == (200, 5)


def test_a_wrong_password_is_told():
    us = Us()
    sent = asked(us, credentials=Credentials("u", "p"))
    for nonce in "ab":
        line = f"WWW-Authenticate: {NONCE.format(nonce)}\r\n"
        us.receive(reply(us.last(), 401, extra=line))
    assert (told(us).code, us.last().cseq) == (401, 2)
    assert sent.cseq == 1


def test_without_credentials_the_challenge_is_the_answer():
    us = Us()
    us.receive(reply(asked(us), 401, extra=f"WWW-Authenticate: {NONCE.format('a')}\r\n"))
    assert told(us).code == 401


def test_503_moves_to_the_next_target_and_ends_with_the_last():
    us = Us()
    first = asked(us, targets=(THEM, SECOND_ONE))
    us.receive(reply(first, 503))
    assert us.sent[-1].target == SECOND_ONE
    second = us.last()
    assert (second.cseq, second.call_id) == (2, first.call_id)
    us.receive(reply(second, 503, extra="Retry-After: 30\r\n"), SECOND_ONE)
    answer = told(us)
    assert (answer.code, answer.retry_after_s, answer.target) == (503, 30, SECOND_ONE)


def test_silence_moves_on_then_ends():
    us = Us()
    asked(us, targets=(THEM, SECOND_ONE))
    us.take()
    sent = us.run(31_900)
    assert {m.cseq for _, m in sent} == {1}
    sent = us.run(32_200)
    assert sent[0][1].cseq == 2
    answer = told(us)
    assert (answer.code, answer.phrase, answer.target) == (0, "no reply", SECOND_ONE)
    us.run(40_000)
    assert us.empty()


def test_a_shorter_patience():
    us = Us()
    asked(us, method="OPTIONS", wait_s=3)
    us.run(2_900)
    assert us.told() == []
    us.run(200)
    assert told(us).phrase == "no reply"


def test_icmp_moves_on_at_once():
    us = Us()
    asked(us, targets=(THEM, SECOND_ONE))
    us.endpoint.unreachable(THEM, us.now_ns)
    us.pump()
    assert us.last().cseq == 2
    us.endpoint.unreachable(SECOND_ONE, us.now_ns)
    us.pump()
    assert told(us).phrase == "unreachable"


def test_a_list_of_targets_has_an_end():
    us = Us()
    asked(us, targets=tuple(("192.0.2.2", 6000 + n, 0) for n in range(TARGETS_MAX + 5)))
    for _ in range(TARGETS_MAX):
        us.receive(reply(us.last(), 503))
    assert told(us).code == 503


def test_a_body_has_its_type():
    us = Us()
    sent = asked(us, method="MESSAGE", body=b"hello", content_type="text/plain")
    assert (sent.content_type, sent.body) == (b"text/plain", b"hello")


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "INVITE"},
        {"method": "RE GISTER"},
        {"method": "OPTIONS\r\nX: y"},
        {"request_uri": "nothing"},
        {"from_uri": "sip:a@h\r\nX: y"},
        {"call_id": "a b"},
        {"headers": (("Via", "x"),)},
        {"contact": "<sip:a@h>\r\nX: y"},
        {"contact_user": "a\nb"},
        {"content_type": "a\r\nb"},
        {"routes": ("<sip:h\r\n>",)},
        {"routes": ("<sip:h",)},
        {"routes": ("<sip:h;lr>",) * 17},
        {"targets": ()},
        {"targets": (("192.0.2.2", 5060, 3),)},
        {"cseq": 0},
        {"cseq": 1 << 31},
        {"body": b"x" * 20_000},
    ],
)
def test_what_cannot_stand_in_a_message_is_refused(changes: dict[str, object]):
    us = Us()
    with pytest.raises(SipError):
        us.endpoint.ask(ask(**changes), us.now_ns)
    assert us.pump() == []
    assert us.endpoint.statistics()["asks"] == 0


def test_a_number_serves_one_question_at_a_time():
    us = Us()
    sent = asked(us)
    with pytest.raises(SipError):
        us.endpoint.ask(ask(), us.now_ns)
    us.receive(reply(sent, 200))
    assert told(us).code == 200
    assert asked(us).cseq == 1


def test_too_many_questions_are_answered_by_ourselves():
    us = Us()
    for number in range(ASKS_MAX):
        us.endpoint.ask(ask(number), us.now_ns)
    us.pump()
    us.endpoint.ask(ask(ASKS_MAX), us.now_ns)
    us.pump()
    answer = told(us)
    assert (answer.number, answer.code, answer.cseq) == (ASKS_MAX, 503, 1)
