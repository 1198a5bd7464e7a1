"""Replaces (RFC 3891): the header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastpath.sipscan import parse_uri
from sip.errors import SipError
from sip.messages.replaces import Replaces, from_uri_header, parse


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("98732@x;from-tag=r33th4x0r;to-tag=ff87ff", Replaces("98732@x", "ff87ff", "r33th4x0r")),
        ("12adf;to-tag=12345 ; from-tag=54321", Replaces("12adf", "12345", "54321")),
        ("a ;TO-TAG=1;from-tag=2;Early-Only;x=y", Replaces("a", "1", "2", early_only=True)),
        ("87134@a;to-tag=24796;from-tag=0", Replaces("87134@a", "24796", "0")),
    ],
)
def test_reading_and_writing(value: str, expected: Replaces):
    assert parse(value) == expected
    assert parse(str(expected)) == expected
    assert from_uri_header(expected.escaped()) == expected
    assert parse_uri(f"sip:bob@h?Replaces={expected.escaped()}".encode())


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a",
        "a;to-tag=1",
        "a;from-tag=1",
        "a;to-tag;from-tag=1",
        "a;to-tag=1;from-tag=2;to-tag=3",
        ";to-tag=1;from-tag=2",
        "a b;to-tag=1;from-tag=2",
        'a;to-tag="1 2";from-tag=2',
        "a\r\n;to-tag=1;from-tag=2",
        "a;to-tag=1;from-tag=2, b;to-tag=1;from-tag=2",
    ],
)
def test_what_is_none(value: str):
    with pytest.raises(SipError):
        parse(value)


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_dialog_breaks_a_line(call_id: str, to_tag: str, from_tag: str):
    wanted = Replaces(call_id, to_tag, from_tag)
    try:
        written = wanted.escaped()
    except SipError:
        return
    assert str(wanted).isprintable()
    assert from_uri_header(written) == wanted
