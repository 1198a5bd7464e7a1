"""The scanner: each rule by example, values by example, everything against its slow twin."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastpath import sipscan
from fastpath.sipscan import Message, ScanError, parse_address, parse_uri, scan
from tests.reference import sip_twin
from tests.sip.samples import INVITE, OK, PROBLEM, REFUSED, VALID, message


@pytest.mark.parametrize("name", VALID)
def test_valid_messages_scan(name: str):
    assert scan(VALID[name]).problem == (0, "")


@pytest.mark.parametrize("name", PROBLEM)
def test_messages_that_a_user_agent_refuses_scan_and_say_so(name: str):
    status, text = scan(PROBLEM[name]).problem
    assert status == 400
    assert text


@pytest.mark.parametrize("name", REFUSED)
def test_broken_messages_are_refused(name: str):
    with pytest.raises(ScanError) as error:
        scan(REFUSED[name])
    assert error.value.status == 400


def test_another_version_is_505():
    with pytest.raises(ScanError) as error:
        scan(message("OPTIONS sip:b@h SIP/7.0"))
    assert error.value.status == 505


def test_what_an_invite_holds():
    m = scan(INVITE)
    assert m.is_request
    assert (m.method, m.uri_scheme, m.uri_user) == ("INVITE", "sip", b"+84901234567")
    assert m.uri == b"sip:+84901234567@gw.example.com;user=phone"
    assert (m.branch, m.sent_by, m.rport, m.vias) == (b"z9hG4bK77", (b"192.0.2.2", 5062), True, 1)
    assert (m.call_id, m.cseq, m.max_forwards) == (b"c1@192.0.2.2", 1, 70)
    assert (m.from_tag, m.from_user, m.from_uri) == (b"a1", b"alice", b"sip:alice@example.com")
    assert (m.to_tag, m.to_value) == (b"", b"<sip:bob@example.com>")
    assert (m.contact_uri, m.contacts) == (b"sip:alice@192.0.2.2:5062", 1)
    assert m.content_type == b"application/sdp"
    assert m.body.startswith(b"v=0")
    assert (m.expires, m.retry_after, m.q850, m.record_routes) == (-1, -1, 0, [])
    assert m.data is INVITE


def test_what_a_response_holds():
    m = scan(OK)
    assert not m.is_request
    assert (m.status, m.phrase, m.method) == (200, b"OK", "INVITE")
    assert (m.to_tag, m.uri, m.uri_user) == (b"b1", b"", b"")


def test_lists_span_lines_and_commas():
    m = scan(VALID["routes"])
    assert m.record_routes == [b"<sip:p1;lr>;x", b'"p<2" <sip:p2;lr>', b"<sip:p3>"]
    assert scan(VALID["two vias in a line"]).vias == 2
    assert scan(VALID["two via lines"]).vias == 2
    assert scan(VALID["several contacts"]).contacts == 3


def test_compact_and_long_names_are_one():
    m = scan(VALID["compact"])
    assert m.get_all("Via") == m.get_all("v") or m.get_all("Via") == [
        b"SIP/2.0/UDP h;branch=z9hG4bK1"
    ]
    assert m.get_all("call-id") == [b"x"]
    assert m.headers()[0] == (b"v", b"SIP/2.0/UDP h;branch=z9hG4bK1")


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("Q.850;cause=17", 17),
        ('q.850 ;text="x" ; cause=16', 16),
        ("SIP;cause=487, Q.850;cause=31", 31),
        ("SIP;cause=487", 0),
        ("Q.850;cause=128", 0),
        ("Q.850;cause=x", 0),
        ("Q.850", 0),
        (";;;", 0),
        ("", 0),
    ],
)
def test_q850_of_a_reason(value: str, cause: int):
    assert scan(message("BYE sip:b@h SIP/2.0", Reason=value)).q850 == cause


def test_a_fold_is_blanked_in_place():
    data = VALID["folded"]
    m = scan(data)
    assert len(m.data) == len(data)
    assert m.to_value.split() == [b"<sip:bob@example.com>", b";x", b"=", b"y"]


def test_transaction_keys_tell_requests_apart():
    key = scan(INVITE).transaction_key
    assert scan(INVITE).transaction_key == key
    other = message("INVITE sip:b@h SIP/2.0", Via="SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK77")
    assert scan(other).transaction_key != key
    # Without the cookie RFC 2543's way counts: target, tag, Call-ID, CSeq, the whole Via.
    old = message("INVITE sip:b@h SIP/2.0", Via="SIP/2.0/UDP h;branch=1")
    assert scan(old).transaction_key == scan(old).transaction_key
    new = message("INVITE sip:b@h SIP/2.0", Via="SIP/2.0/UDP h;branch=1", CSeq="2 INVITE")
    assert scan(old).transaction_key != scan(new).transaction_key
    bare = message(Via="SIP/2.0/UDP h;branch=z9hG4bK")
    assert b"c1@192.0.2.2" in scan(bare).transaction_key


def test_the_head_of_a_reply_repeats_and_completes_the_via():
    head = scan(INVITE).reply_head(b"198.51.100.7", 1024)
    first = head.split(b"\r\n")[0]
    assert first == (
        b"Via: SIP/2.0/UDP 192.0.2.2:5062;branch=z9hG4bK77;rport=1024;received=198.51.100.7"
    )
    assert head.endswith(b"CSeq: 1 INVITE\r\n")
    two = scan(VALID["two vias in a line"]).reply_head(b"a", 1)
    assert two.startswith(b"Via: SIP/2.0/UDP a:1;branch=z9hG4bK1 , SIP / 2.0 / TCP b\r\n")
    lines = scan(VALID["two via lines"]).reply_head(b"192.0.2.2", 5062).split(b"\r\n")
    assert lines[1] == b"Via: SIP/2.0/TLS [2001:db8::1]:5061;received=192.0.2.9"
    plain = scan(message(Via="SIP/2.0/UDP h.example.com")).reply_head(b"192.0.2.2", 5)
    assert plain.startswith(b"Via: SIP/2.0/UDP h.example.com;received=192.0.2.2\r\n")


def test_a_refusal_carries_what_can_be_answered():
    with pytest.raises(ScanError) as error:
        scan(REFUSED["two spaces"])
    partial = error.value.message
    assert partial is not None
    assert partial.answerable
    assert partial.method == "OPTIONS"
    with pytest.raises(ScanError) as error:
        scan(REFUSED["nothing"])
    assert error.value.message is None


def test_uris_and_addresses():
    assert parse_uri(b"SIPS:a:b@[::1]:5;x=y;lr?h=v") == ("sips", b"a", b"[::1]", 5, b";x=y;lr")
    assert parse_uri(b"tel:+84") == ("tel", b"", b"", -1, b"")
    assert parse_address(b' "x" <sip:a@h;lr> ; tag=3') == (b"sip:a@h;lr", b"3")
    for broken in (
        b"",
        b"sip:",
        b"a@b",
        b"sip:a b@h",
        b"sip:a@h;",
        b"sip:h?",
        b"sip:h?a",
        b"1ip:h",
    ):
        with pytest.raises(ScanError):
            parse_uri(broken)
    with pytest.raises(ScanError):
        parse_address(b"<sip:a@h>, <sip:b@h>")


def test_limits_are_public():
    assert sipscan.MESSAGE_BYTES_MAX == 65_535
    assert (sipscan.HEADER_LINES_MAX, sipscan.LINE_BYTES_MAX) == (256, 8_192)


def test_only_scan_makes_messages_that_hold_something():
    empty = Message()
    assert empty.body == empty.branch == b""
    assert empty.headers() == []
    assert not empty.answerable


# Against the twin.

PIECES = [
    b"\r\n",
    b"\r\n ",
    b"\r",
    b"\n",
    b"\0",
    b" ",
    b"\t",
    b";",
    b",",
    b":",
    b"@",
    b"<",
    b">",
    b'"',
    b"\\",
    b"=",
    b"%",
    b"%41",
    b"?",
    b"/",
    b"[",
    b"]",
    b"[::1]",
    b"sip:",
    b"tel:+1",
    b";lr",
    b";tag=1",
    b";branch=",
    b"z9hG4bK",
    b"0",
    b"4294967296",
    b"SIP/2.0",
    b"*",
    b"-",
    b".",
    b"\xff",
    b"\x7f",
    b"INVITE",
    b"OPTIONS",
    b"Via: ",
    b"Contact: *\r\n",
    b"t: ",
    b"Content-Length: ",
    b"Record-Route: <sip:a;lr>,",
    b"Date: ",
    b";received=1::2",
    b";rport",
    b"1.2.3.4",
]
BASES = [*VALID.values(), *PROBLEM.values(), *(v for v in REFUSED.values() if len(v) < 2_000)]


@st.composite
def datagrams(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from(BASES))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        cut = draw(st.sampled_from([0, 0, 1, 1, 2, 5, 20]))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=3), st.just(b"")))
        data = data[:at] + piece + data[at + cut :]
    return data


def compare(data: bytes) -> bool:
    """Whether scanner and twin agree; the assertion that fails says in what they do not."""
    expected = sip_twin.judge_or_status(data)
    if isinstance(expected, int):
        with pytest.raises(ScanError) as error:
            scan(data)
        assert error.value.status == expected
        return True
    m = scan(data)
    assert m.problem[0] == expected["problem"]
    assert m.is_request == ("method" in expected)
    if m.is_request:
        assert m.method == expected["method"]
        assert m.uri.decode("latin-1") == expected["uri"]
        assert (m.uri_scheme, m.uri_user.decode("latin-1")) == (
            expected["uri_scheme"],
            expected["uri_user"],
        )
    else:
        assert (m.status, m.phrase.decode("latin-1")) == (expected["status"], expected["phrase"])
    assert m.body.decode("latin-1") == expected["body"]
    assert m.vias == len(expected["vias"])
    if m.vias:
        via = expected["vias"][0]
        host, port = m.sent_by
        assert (host.decode("latin-1"), port, m.rport) == (via["host"], via["port"], via["rport"])
        assert m.branch.decode("latin-1") == via["branch"]
    for name, value, tag in (
        ("from", m.from_value, m.from_tag),
        ("to", m.to_value, m.to_tag),
    ):
        if name in expected:
            assert value.decode("latin-1") == expected[name]["value"]
            assert tag.decode("latin-1") == expected[name]["tag"]
    assert m.contacts == len(expected["contacts"])
    if m.contacts:
        assert m.contact_uri.decode("latin-1") == expected["contacts"][0]["uri"]
    assert len(m.record_routes) == expected["routes"]
    assert m.call_id.decode("latin-1") == expected.get("call-id", "")
    if "cseq" in expected:
        assert m.cseq == expected["cseq"][0]
    assert m.max_forwards == expected.get("max-forwards", -1)
    assert m.expires == expected.get("expires", -1)
    assert m.retry_after == expected.get("retry-after", -1)
    return True


@pytest.mark.parametrize("name", [*VALID, *PROBLEM, *REFUSED])
def test_twin_agrees_on_the_examples(name: str):
    assert compare((VALID | PROBLEM | REFUSED)[name])


@settings(max_examples=1_500, deadline=None)
@given(datagrams())
@example(b"\r\n\r\n\r\n")
def test_twin_agrees_on_mutations(data: bytes):
    assert compare(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_scanned(data: bytes):
    try:
        m = scan(data)
    except ScanError as error:
        m = error.message or Message()
    for name in dir(m):
        if not name.startswith("_"):
            getattr(m, name)
    assert all(isinstance(value, bytes) for _, value in m.headers())
    assert isinstance(m.reply_head(b"192.0.2.1", 5060), bytes)
