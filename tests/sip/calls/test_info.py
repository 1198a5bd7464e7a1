"""Keys by INFO, out and in (RFC 6086 and what gateways do)."""

from __future__ import annotations

import pytest

from fastpath.sipscan import Message
from sip.accounts.auth import Credentials
from sip.errors import SipError
from sip.events import Digit, Ended
from sip.limits import DIGITS_MAX
from tests.sip.callee import inside, up
from tests.sip.net import ANSWER, Us, answered, reply


def press(us: Us, digit: str, ms: int = 160, leg: int = 1) -> None:
    us.endpoint.digit(leg, digit, ms, us.now_ns)
    us.pump()


def said(message: Message) -> tuple[str, bytes, bytes]:
    return message.method, message.content_type, message.body


def test_keys_leave_one_after_the_other():
    us = Us()
    answered(us)
    for key in "1#a":
        press(us, key, 200)
    [first] = us.take()
    assert said(first) == ("INFO", b"application/dtmf-relay", b"Signal=1\r\nDuration=200\r\n")
    us.receive(reply(first, 200))
    [second] = us.take()
    assert second.body.startswith(b"Signal=#\r\n")
    assert second.cseq == first.cseq + 1
    us.receive(reply(second, 200))
    us.receive(reply(us.last(), 200))
    assert us.take()[-1].body.startswith(b"Signal=A\r\n")
    press(us, "9")
    assert us.last().body.startswith(b"Signal=9")


def test_a_peer_that_reads_only_the_other_form():
    us = Us()
    answered(us)
    press(us, "5")
    us.receive(reply(us.last(), 415))
    assert said(us.last()) == ("INFO", b"application/dtmf", b"5")
    us.receive(reply(us.last(), 415))
    us.take()
    press(us, "6")
    assert said(us.last()) == ("INFO", b"application/dtmf", b"6")


def test_a_refused_key_does_not_stop_the_next():
    us = Us()
    answered(us)
    press(us, "1")
    press(us, "2")
    us.receive(reply(us.last(), 500))
    assert us.last().body.startswith(b"Signal=2")
    assert us.told() == []


def test_a_challenged_key_is_pressed_again():
    us = Us()
    sent = us.invite(credentials=Credentials("a", "b"))
    us.receive(reply(sent, 200, body=ANSWER))
    press(us, "1")
    us.receive(reply(us.last(), 401, extra='WWW-Authenticate: Digest realm="r", nonce="n"\r\n'))
    again = us.last()
    assert again.body.startswith(b"Signal=1")
    assert again.get_all("Authorization")


def test_481_to_a_key_ends_the_call():
    us = Us()
    answered(us)
    press(us, "1")
    press(us, "2")
    us.receive(reply(us.last(), 481))
    assert us.last().method == "BYE"
    us.receive(reply(us.last(), 481))
    assert [type(e) for e in us.told()] == [Ended]


def test_keys_are_bounded_and_checked():
    us = Us()
    us.invite(leg=2)
    press(us, "1", leg=2)  # not up yet
    press(us, "1", leg=3)
    assert us.last().method == "INVITE"
    answered(us)
    for _ in range(10 * DIGITS_MAX):
        press(us, "1")
    sent = 0
    while us.sent:
        sent += 1
        us.receive(reply(us.take()[-1], 200))
    assert sent == DIGITS_MAX
    for digit, ms in (("x", 100), ("", 100), ("12", 100), ("1\r\n", 100), ("1", 0), ("1", 1 << 40)):
        with pytest.raises(SipError):
            press(us, digit, ms)


def test_the_called_side_presses_too():
    us = Us()
    up(us)
    press(us, "7", leg=-1)
    assert (us.last().method, us.last().to_tag) == ("INFO", b"ft1")


@pytest.mark.parametrize(
    ("package", "code", "told"),
    [
        ("foo", 469, []),
        ("Foo;x=y", 469, []),
        ("dtmf", 200, [Digit(-1, "5", 100)]),
        ("infoDtmf;v=1", 200, [Digit(-1, "5", 100)]),
    ],
)
def test_packages(package: str, code: int, told: list[Digit]):
    us = Us()
    ok = up(us)
    body = b"signal=5\r\nDURATION=100\r\n"
    extra = f"Info-Package: {package}\r\n"
    assert inside(us, "INFO", ok, 2, body=body, kind="application/dtmf-relay", extra=extra) == told
    assert us.last().status == code
    assert us.last().get_all("Recv-Info") == ([b"nil"] if code == 469 else [])
    inside(us, "INFO", ok, 2, body=body, kind="application/dtmf-relay", extra=extra)
    assert us.last().status == code  # its repetition
