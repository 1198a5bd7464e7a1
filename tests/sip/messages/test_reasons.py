"""Reason (RFC 3326): on CANCEL, BYE and refusals, both ways, with its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import SipError
from sip.events import Ended
from sip.messages.causes import Reason, reason_lines, reasons
from tests.sip.callee import ring_in, up
from tests.sip.net import Us, answered, peer_bye, reply, request

ELSEWHERE = Reason("SIP", 200, "Call completed elsewhere")
BOTH = 'Reason: Q.850;cause=17;text="Busy \\"here\\", now", SIP;cause=486\r\nReason: odd\r\n'
HEARD = (Reason("Q.850", 17, 'Busy "here", now'), Reason("SIP", 486), Reason("odd", 0))


def ended(us: Us) -> Ended:
    [event] = [e for e in us.told() if isinstance(e, Ended)]
    return event


def test_a_bye_says_why():
    us = Us()
    invite = answered(us)
    us.receive(peer_bye(us, invite, extra=BOTH))
    assert (ended(us).reasons, us.events) == (HEARD, [])


def test_a_refusal_says_why():
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 486, extra=BOTH))
    event = ended(us)
    assert (event.q850, event.reasons) == (17, HEARD)


def test_a_cancel_says_why():
    us = Us()
    ring_in(us)
    us.receive(request("CANCEL", extra='reason: SIP;cause=200;text="Call completed elsewhere"\r\n'))
    assert ended(us).reasons == (ELSEWHERE,)


def test_nobody_says_why():
    us = Us()
    invite = answered(us)
    us.receive(peer_bye(us, invite))
    assert ended(us).reasons == ()


def test_we_say_why_in_each():
    us = Us()
    answered(us)
    us.endpoint.release(1, us.now_ns, q850=16, reasons=(ELSEWHERE,))
    us.pump()
    why = [
        b'Q.850;cause=16;text="Normal call clearing"',
        b'SIP;cause=200;text="Call completed elsewhere"',
    ]
    assert us.last().get_all("Reason") == why
    us = Us()
    sent = us.invite()
    us.receive(reply(sent, 180))
    us.endpoint.release(1, us.now_ns, reasons=(ELSEWHERE,))
    us.pump()
    assert (us.last().method, us.last().get_all("Reason")) == ("CANCEL", why[1:])
    us = Us()
    ring_in(us)
    us.endpoint.reject(-1, 486, us.now_ns, q850=17, reasons=(Reason("SIP", 600),))
    us.pump()
    assert us.last().get_all("Reason") == [
        b'Q.850;cause=17;text="User busy"',
        b'SIP;cause=600;text="Busy Everywhere"',
    ]


def test_hung_up_by_them_we_give_no_reason():
    us = Us()
    up(us)
    us.endpoint.release(-1, us.now_ns)
    us.pump()
    assert us.last().get_all("Reason") == []


@pytest.mark.parametrize(
    "reason",
    [
        Reason("Q.850", 0),
        Reason("Q.850", 128),
        Reason("SIP", 700),
        Reason("SIP", -1),
        Reason("Other", 3),
        Reason("SIP", 200, "a\r\nb"),
        Reason("SIP\r\n", 200),
    ],
)
def test_what_cannot_be_said(reason: Reason):
    us = Us()
    answered(us)
    with pytest.raises(SipError):
        us.endpoint.release(1, us.now_ns, reasons=(reason,))
    assert us.pump() == []


def test_reading_is_bounded_and_tolerant():
    assert len(reasons(["SIP;cause=200," * 50])) == 8
    assert reasons(["", ";", "SIP;cause=x", "SIP;cause=9999", "SIP;text=word"]) == (
        Reason("SIP", 0, "word"),
    )


@given(st.text(), st.integers(), st.text())
def test_no_reason_breaks_a_line(protocol: str, cause: int, text: str):
    for one in (Reason(protocol, cause, text), Reason("SIP", 200, text)):
        try:
            line = reason_lines([one])
        except SipError:
            continue
        assert line.count(b"\r\n") == 1
        assert line.endswith(b"\r\n")
        assert not set(line[:-2]) & {0, 10, 13}
        assert reasons([line.decode().partition(":")[2].strip()])[0].cause == one.cause
