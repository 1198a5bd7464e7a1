"""The message writer against its slow twin and against the scanner."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastpath import sipwrite
from fastpath.sipscan import ScanError, parse_uri, scan
from tests.reference import sip_write as twin

RAW = st.binary(max_size=40)
PARTS = st.tuples(
    RAW, RAW, RAW, RAW, RAW, RAW, RAW, st.integers(0, (1 << 63) - 1), RAW, RAW, RAW, RAW
)
TEXT = st.one_of(
    st.text(max_size=30),
    st.text("abc@<>[]:.%-\\\"'~\x00\r\n\x7f \u00e9\ud800", max_size=12),
    st.from_regex(r"(sips?|tel|http):[a-z0-9@.:;=?&%+\-]{0,20}", fullmatch=True),
)


@given(PARTS)
def test_requests_are_the_twin_s(parts):
    assert sipwrite.request(*parts) == twin.request(*parts)
    assert sipwrite.request(*parts[:9]) == twin.request(*parts[:9])


@given(st.tuples(st.integers(100, 699), RAW, RAW, RAW, RAW, st.binary(max_size=2_000), RAW))
def test_responses_are_the_twin_s(parts):
    assert sipwrite.response(*parts) == twin.response(*parts)
    assert sipwrite.response(*parts[:4]) == twin.response(*parts[:4])


@given(TEXT, st.integers(0, 30))
@example("line\r\nTwo: x", 30)
@example("\ud800", 30)
@example("a@b@c", 30)
@example("@", 30)
def test_text_is_judged_as_the_twin_judges(value, most):
    assert sipwrite.line_text(value, most) == twin.line_text(value, most)
    assert sipwrite.call_id_text(value, most) == twin.call_id_text(value, most)


@given(TEXT)
@example("sip:a@b\r\nX: y")
@example("sip:a@b c")
def test_uris_are_those_the_scanner_reads(value):
    got = sipwrite.uri_text(value, 100)
    try:
        scheme = parse_uri(value.encode())[0]
    except (ScanError, UnicodeEncodeError):
        scheme = ""
    assert (got is not None) == (scheme in {"sip", "sips", "tel"})
    if got is not None:
        assert got == value.encode()
        assert not set(b"\r\n\x00") & set(got)


def test_what_is_written_can_be_read():
    data = sipwrite.request(
        b"INVITE", b"sip:b@h", b"Via: SIP/2.0/UDP h:5060;branch=", b"z9hG4bK1", b"<sip:a@h>;tag=1",
        b"<sip:b@h>", b"c@h", 2_147_483_647, b"Contact: <sip:a@h>\r\n", b"v=0\r\n",
    )  # fmt: skip
    message = scan(data)
    assert (message.method, message.cseq, message.body) == ("INVITE", 2_147_483_647, b"v=0\r\n")
    assert message.problem == (0, "")
    assert (
        scan(
            sipwrite.response(180, b"Ringing", message.reply_head(b"h", 1), b"<sip:b@h>;tag=2")
        ).status
        == 180
    )


def test_what_cannot_be_written_is_refused():
    good = (b"BYE", b"sip:b@h", b"v", b"z", b"f", b"t", b"c", 1, b"")
    for n in (*range(7), 8):
        with pytest.raises(TypeError):
            sipwrite.request(*good[:n], None, *good[n + 1 :])
    with pytest.raises(ValueError, match="CSeq"):
        sipwrite.request(*good[:7], -1, b"")
    for code in (99, 700, -5):
        with pytest.raises(ValueError, match="status"):
            sipwrite.response(code, b"", b"", b"")
    assert sipwrite.line_text("x" * 9, 8) is None
