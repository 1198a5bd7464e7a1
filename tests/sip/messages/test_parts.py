"""SDP, digest, URIs, fields and timers, each alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath.sipscan import scan
from sip import sdp
from sip.accounts import auth
from sip.accounts.auth import Credentials
from sip.errors import SipError
from sip.messages import causes, headers, uri
from tests.sip.net import Us, invite

OFFER = sdp.offer("192.0.2.1", 30_000, session_id=7)


def described(
    *media: str, session: str = "c=IN IP4 192.0.2.9", head: str = "v=0\r\no=- 1 1 IN IP4 h\r\n"
) -> bytes:
    return "\r\n".join([head.strip(), "s=-", session, "t=0 0", *media, ""]).encode()


def test_an_offer_reads_back():
    media = sdp.parse(OFFER)
    assert media == sdp.Media("192.0.2.1", 30_000, 0, 101, "sendrecv", 20, "PCMU")
    assert b"m=audio 30000 RTP/AVP 0 8 101\r\n" in OFFER
    assert sdp.identity(OFFER) == (7, 7)
    only = sdp.offer("192.0.2.1", 30_000, session_id=7, codecs=(8,), event_type=None)
    assert sdp.parse(only) == sdp.Media("192.0.2.1", 30_000, 8, None, "sendrecv", 20, "PCMA")


@pytest.mark.parametrize(
    ("host", "port", "codecs"),
    [("h", 1, (0,)), ("1.2.3.4", 0, (0,)), ("1.2.3.4", 1, (9,)), (":::1", 1, (0,))],
)
def test_offers_of_nonsense(host: str, port: int, codecs: tuple[int, ...]):
    with pytest.raises(ValueError, match=r".+"):
        sdp.offer(host, port, session_id=1, codecs=codecs)


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        (["m=audio 4000 RTP/AVP 8 0"], ("192.0.2.9", 4000, 8, None, "sendrecv", 20, "PCMA")),
        (
            [
                "m=audio 4000 RTP/AVP 18 96 97",
                "a=rtpmap:96 pcmu/8000/1",
                "a=rtpmap:97 telephone-event/8000",
            ],
            ("192.0.2.9", 4000, 96, 97, "sendrecv", 20, "PCMU"),
        ),
        (
            ["m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/16000"],
            ("192.0.2.9", 4000, 0, None, "sendrecv", 20, "PCMU"),
        ),
        (
            [
                "m=video 9 RTP/AVP 31",
                "m=audio 4000/2 RTP/AVP 0",
                "c=IN IP4 192.0.2.8/127",
                "a=ptime:30",
                "a=inactive",
            ],
            ("192.0.2.8", 4000, 0, None, "inactive", 30, "PCMU"),
        ),
        (
            ["m=audio 0 RTP/AVP 0", "m=audio 4002 RTP/AVP 0", "a=rtcp:4003", "a=ptime:999"],
            ("192.0.2.9", 4002, 0, None, "sendrecv", 20, "PCMU", 8000, "", 4003),
        ),
        (
            ["m=audio 4000 RTP/AVP 0", "c=IN IP4 0.0.0.0", "a=sendrecv"],
            ("0.0.0.0", 4000, 0, None, "inactive", 20, "PCMU"),
        ),
    ],
)
def test_descriptions(media: list[str], expected: tuple[object, ...]):
    assert sdp.parse(described(*media)) == sdp.Media(*expected)


def test_a_direction_of_the_session_counts_until_the_medium_says_otherwise():
    session = "c=IN IP4 192.0.2.9\r\na=sendonly"
    assert sdp.parse(described("m=audio 4 RTP/AVP 0", session=session)).direction == "sendonly"
    body = described("m=audio 4 RTP/AVP 0", "a=recvonly", session=session)
    assert sdp.parse(body).direction == "recvonly"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"v=0\r\n",
        described("m=audio 0 RTP/AVP 0"),
        described("m=audio 99999 RTP/AVP 0"),
        described("m=audio x RTP/AVP 0"),
        described("m=audio 4000 RTP/AVP 18"),
        described("m=audio 4000 RTP/SAVP 0"),
        described("m=audio 4000"),
        described("m=audio 4000 RTP/AVP 0", session="c=IN IP6 ::1::2"),
        described("m=audio 4000 RTP/AVP 0", session="c=IN IP4 gw_example,com"),
        described("m=audio 4000 RTP/AVP 0", session="b=AS:64"),
        described(*["m=video 1 RTP/AVP 31"] * 17),
        described(*["a=x"] * 600),
        b"v=0\r\n" + b"a=x" * 10_000,
        "v=0\r\nm=audio 4\u0664 RTP/AVP 0\r\nc=IN IP4 1.2.3.4\r\n".encode(),
    ],
)
def test_descriptions_we_cannot_use(body: bytes):
    with pytest.raises(ValueError, match=r".+"):
        sdp.parse(body)


def test_an_answer_takes_the_first_codec_and_mirrors_the_rest():
    offer = described(
        "m=video 5000 RTP/AVP 31",
        "m=audio 4000 RTP/AVP 18 8 0 96",
        "a=rtpmap:96 telephone-event/8000",
        "a=sendonly",
        "m=application 6000 UDP/X 1",
    )
    answer = sdp.answer(offer, "192.0.2.1", 30_000, session_id=3)
    lines = answer.decode().split("\r\n")
    assert [x for x in lines if x.startswith("m=")] == [
        "m=video 0 RTP/AVP 31",
        "m=audio 30000 RTP/AVP 8 96",
        "m=application 0 UDP/X 1",
    ]
    media = sdp.parse(answer)
    assert (media.payload_type, media.event_type, media.direction) == (8, 96, "recvonly")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 30))
def test_sdp_raises_only_value_error_and_answers_hold_no_stray_lines(
    piece: bytes, at: int, cut: int
):
    body = OFFER[:at] + piece + OFFER[at + cut :]
    try:
        media = sdp.parse(body)
        answer = sdp.answer(body, "192.0.2.1", 4, session_id=1)
    except ValueError:
        return
    assert 0 < media.port < 65_536
    assert b"\r" not in answer.replace(b"\r\n", b"")
    assert b"\n" not in answer.replace(b"\r\n", b"")
    assert b"\0" not in answer


# Digest: RFC 7616 section 3.9.1 and RFC 2617 section 3.5 give the values.

MUFASA = Credentials("Mufasa", "Circle of Life")
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: str, expected: str):
    value = f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
    value += f'nonce="{NONCE}"'
    [challenge] = auth.challenges([value.encode()], proxy=False)
    assert auth.response(challenge, MUFASA, "GET", "/dir/index.html", CNONCE) == expected


def test_the_example_of_rfc_2617_and_the_older_form():
    text = 'Digest realm="testrealm@host.com", qop="auth", opaque="5c==", '
    text += 'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    [challenge] = auth.challenges([text.encode()], proxy=True)
    credentials = Credentials("Mufasa", "Circle Of Life")
    got = auth.response(challenge, credentials, "GET", "/dir/index.html", "0a4f113b")
    assert got == "6629fae49393a05397450978507c4ef1"
    line = auth.authorization(challenge, credentials, "GET", "/dir/index.html", "0a4f113b")
    assert line.startswith(b"Proxy-Authorization: Digest username=")
    assert b'opaque="5c=="' in line
    assert b"qop=auth, nc=00000001" in line
    old = auth.challenges([b'Digest realm="r",nonce="n"'], proxy=False)[0]
    assert b"qop" not in auth.authorization(old, credentials, "INVITE", "sip:h", "c")
    assert len(auth.response(old, credentials, "INVITE", "sip:h", "c")) == 32


def test_sha_512_256_and_sessions():
    text = b'Digest realm="r", nonce="n", qop=auth, algorithm=SHA-512-256'
    [challenge] = auth.challenges([text], proxy=False)
    assert len(auth.response(challenge, MUFASA, "INVITE", "sip:h", "c")) == 64
    [plain] = auth.challenges([text.replace(b"SHA-512-256", b"MD5")], proxy=False)
    [session] = auth.challenges([text.replace(b"SHA-512-256", b"MD5-sess")], proxy=False)
    assert auth.response(plain, MUFASA, "I", "u", "c") != auth.response(
        session, MUFASA, "I", "u", "c"
    )


def test_several_challenges_of_which_some_are_strange():
    values = [
        b'Basic realm="x"',
        b'Digest realm="a", nonce="1", algorithm=SHA-999, '
        b'Digest realm="b, \\"c\\"", nonce="a=b==", qop="auth-int,auth"',
        b'Digest realm="d", nonce="2", qop="auth-int"',
        b'Digest realm="e", stale=TRUE, nonce="3", unknown=x',
        b"Digest nonsense",
        b"x" * 5_000,
        b"\xff\xfe,,,",
    ]
    found = auth.challenges(values, proxy=False)
    assert [(c.realm, c.nonce, c.stale) for c in found] == [
        ('b, "c"', "a=b==", False),
        ("e", "3", True),
    ]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_no_challenge_writes_a_line_of_its_own(piece: bytes):
    value = b'Digest realm="r' + piece + b'", nonce="n' + piece + b'", opaque="' + piece + b'"'
    for challenge in auth.challenges([value], proxy=False):
        line = auth.authorization(challenge, MUFASA, "INVITE", "sip:h", "c")
        assert line.endswith(b"\r\n")
        assert not {b"\r", b"\n", b"\0"} & {line[i : i + 1] for i in range(len(line) - 2)}


def test_a_password_is_not_shown():
    assert "Circle" not in repr(MUFASA)


# Fields: nothing that comes from outside breaks a line of an outgoing message.


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(["request_uri", "from_uri", "to_uri", "call_id", "display", "header", "name"]),
    st.text(max_size=20)
    | st.sampled_from(["a\r\nb", "\0", "x\n", "\r", "\x0b", "\u2028", "\ud800"]),
)
def test_no_field_carries_a_line_break_out(field: str, text: str):
    us = Us()
    base = {
        "request_uri": "sip:a@h",
        "from_uri": "sip:a@h",
        "to_uri": "sip:a@h",
        "call_id": "a",
        "display": "",
    }
    if field == "header":
        changes: dict[str, object] = {"headers": (("X-A", text),)}
    elif field == "name":
        changes = {"headers": ((text, "v"),)}
    else:
        changes = {field: base[field] + text}
    try:
        us.endpoint.invite(invite(**changes), us.now_ns)
    except SipError:
        assert us.pump() == []
        return
    us.pump()
    data = us.sent[-1].data
    head = data.partition(b"\r\n\r\n")[0]
    assert b"\0" not in data
    lines = head.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    extra = 1 if field in {"header", "name"} else 0
    assert len(lines) == 13 + extra
    if field != "name":  # a field that RFC 3261 gives a form, such as Date, may not be "v"
        scan(data)


def test_quoting_and_extra_headers():
    assert headers.quoted('a"\\b', "x") == '"a\\"\\\\b"'
    lines = headers.extra
    assert lines((("X-A", "1"), ("X-B", "2"))) == b"X-A: 1\r\nX-B: 2\r\n"
    assert lines(()) == b""


def test_uris():
    found = uri.parse("sip:u@192.0.2.1:5070;lr;x=y")
    assert (found.user, found.host, found.port, found.loose) == ("u", "192.0.2.1", 5070, True)
    assert not uri.parse("sip:h.example;lrx=1").loose
    for broken in ("", "x", "sip:\ud800", "sip:a b"):
        with pytest.raises(SipError):
            uri.parse(broken)


def test_causes():
    assert causes.reason_line(0) == b""
    assert causes.reason_line(17) == b'Reason: Q.850;cause=17;text="User busy"\r\n'
    assert causes.reason_line(99) == b"Reason: Q.850;cause=99\r\n"
    assert (causes.phrase(486), causes.phrase(499), causes.phrase(699)) == (
        "Busy Here",
        "Refused",
        "Refused Everywhere",
    )
