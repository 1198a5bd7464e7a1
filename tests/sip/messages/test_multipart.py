"""Session descriptions beside other parts (RFC 5621), as networks with ISUP send them."""

from __future__ import annotations

import pytest

from fastpath.sipscan import Message, scan
from sip.events import Accepted, Incoming, Provisional, Renegotiated
from sip.limits import PARTS_MAX
from sip.messages.message import SDP_KIND
from sip.messages.multipart import part
from tests.sip.callee import SDP, inside, up
from tests.sip.net import ANSWER, Us, reply, request

ISUP = b"Content-Type: application/ISUP;version=itu-t92+\r\n\r\n\x01\x00\r\n--x\x11"
KIND = 'multipart/mixed ;boundary="unique-1"'


def body(*parts: bytes, boundary: bytes = b"unique-1") -> bytes:
    inner = b"".join(b"--%b\r\n%b\r\n" % (boundary, one) for one in parts)
    return b"preamble\r\n" + inner + b"--%b--\r\nepilogue" % boundary


def sdp_part(text: bytes = SDP) -> bytes:
    return b"content-type: Application/SDP; x=y\r\nContent-Disposition: session\r\n\r\n" + text


def told(kind: str, content: bytes) -> Message:
    return scan(request("INVITE", body=content, kind=kind))


@pytest.mark.parametrize("parts", [(sdp_part(), ISUP), (ISUP, sdp_part()), (sdp_part(),)])
def test_the_description_is_found_among_the_parts(parts: tuple[bytes, ...]):
    assert part(told(KIND, body(*parts)), SDP_KIND) == SDP
    assert part(told("multipart/related;boundary=unique-1", body(*parts)), SDP_KIND) == SDP


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/mixed", body(sdp_part())),
        ('multipart/mixed;boundary=""', body(sdp_part())),
        ("multipart/mixed;boundary=" + "b" * 71, body(sdp_part(), boundary=b"b" * 71)),
        ("multipart/mixed;boundary=other", body(sdp_part())),
        (KIND, body(ISUP)),
        (KIND, body(b"\r\n" + SDP)),
        (KIND, b"--unique-1--\r\n" + body(sdp_part())),
        (KIND, body(*[ISUP] * PARTS_MAX, sdp_part())),
        (KIND, b"--unique-1"),
    ],
)
def test_where_none_is_found(kind: str, content: bytes):
    assert part(told(kind, content), SDP_KIND) == b""


def test_a_caller_with_isup_is_heard():
    us = Us()
    us.receive(request("INVITE", kind=KIND, body=body(ISUP, sdp_part())))
    [event] = us.told()
    assert isinstance(event, Incoming)
    assert event.sdp == SDP


def test_a_caller_with_isup_only_is_415():
    us = Us()
    us.receive(request("INVITE", kind=KIND, body=body(ISUP)))
    assert us.last().status == 415
    assert us.told() == []


def test_a_gateway_with_isup_answers():
    us = Us()
    sent = us.invite()
    content = body(ISUP, sdp_part(ANSWER))
    for code in (183, 200):
        data = reply(sent, code, body=content)
        us.receive(data.replace(b"application/sdp\r\nContent-L", KIND.encode() + b"\r\nContent-L"))
    assert us.told() == [Provisional(1, 183, ANSWER), Accepted(1, ANSWER)]


def test_a_change_with_isup():
    us = Us()
    ok = up(us)
    content = body(ISUP, sdp_part())
    assert inside(us, "INVITE", ok, 2, kind=KIND, body=content) == [Renegotiated(-1, SDP)]


@pytest.mark.parametrize(
    ("disposition", "code"),
    [
        ("signal;handling=optional", 200),
        ("signal ; Handling = OPTIONAL ;x", 200),
        ("signal;handling=required", 415),
        ("signal;x=optional", 415),
        ("", 415),
    ],
)
def test_a_body_that_nobody_needs_to_read_is_passed_over(disposition: str, code: int) -> None:
    """RFC 3261 section 8.2.3: only what is not optional is refused; without an SDP we offer."""
    extra = f"Content-Disposition: {disposition}\r\n" if disposition else ""
    us = Us()
    us.receive(request("INVITE", body=ISUP, kind="application/isup", extra=extra))
    us.endpoint.accept(-1, SDP, us.now_ns)
    us.pump()
    assert us.last().status == code
    call = Us()
    ok = up(call)
    inside(call, "INVITE", ok, 2, body=ISUP, kind="application/isup", extra=extra)
    assert call.last().status == code
