"""Telephone numbers as URIs: RFC 3966, and inside of SIP URIs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastpath.sipscan import parse_uri
from sip.errors import SipError
from sip.messages.tel import Form, Tel, number_of, of_number, parse


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("tel:+84901234567", Tel("+84901234567")),
        ("TEL:+84-90-123.45(67)", Tel("+84901234567")),
        ("tel:7042;phone-context=example.com", Tel("7042", "example.com")),
        ("tel:863-1234;phone-context=+1-914-555", Tel("8631234", "+1914555")),
        ("tel:+358-555-1234567;postd=pp22", Tel("+3585551234567", params=(("postd", "pp22"),))),
        ("tel:+1;EXT=12-34;isub=A%20b", Tel("+1", extension="1234", subaddress="a b")),
        ("tel:+1;z;a=1", Tel("+1", params=(("a", "1"), ("z", None)))),
        ("tel:*100%23;phone-context=+84", Tel("*100#", "+84")),
        ("sip:+84901234567@h;user=phone", Tel("+84901234567")),
        ("sip:+1-212-555-1212;ext=5@h;USER=Phone", Tel("+12125551212", extension="5")),
        ("sip:*100%23@192.0.2.1;user=phone", Tel("*100#", "192.0.2.1")),
        ("sip:1900;phone-context=+84@h;user=phone", Tel("1900", "+84")),
        ("sip:+84901234567@h", None),
        ("sip:bob@h;user=phone", None),
        ("tel:1900", None),  # local, and nobody knows where
        ("tel:+84;phone-context=+84", None),
        ("tel:+84;ext=x", None),
        ("tel:+84;ext", None),
        ("tel:+84;a=1;a=2", None),
        ("tel:+84;a=", None),
        ("tel:+", None),
        ("tel:", None),
        ("tel:1;phone-context=-", None),
        ("tel:+" + "1" * 40, None),
        ("tel:+1" + "".join(f";a{n}" for n in range(17)), None),
        ("http://example.com", None),
        ("nonsense", None),
        ("tel:+84\r\nX: y", None),
        ("tel:+1;a=%0d%0aX", None),
    ],
)
def test_reading(uri: str, expected: Tel | None):
    if expected is None:
        with pytest.raises(SipError):
            parse(uri)
        return
    assert parse(uri) == expected
    assert parse(expected.sip("192.0.2.7")) == expected
    assert parse(str(expected)) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tel:+1-800-555", "tel:+1(800)555"),
        ("tel:+1;a=b;c", "tel:+1;C;A=B"),
        ("tel:1-2;phone-context=Example.COM", "tel:12;phone-context=example.com"),
        ("tel:+1;ext=1-2", "tel:+1;ext=12"),
    ],
)
def test_equal_as_the_rfc_compares(one: str, other: str):
    assert parse(one) == parse(other)
    assert str(parse(one)) == str(parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tel:+1", "tel:+2"),
        ("tel:+1", "tel:+1;ext=2"),
        ("tel:+1;a=b", "tel:+1"),
        ("tel:1;phone-context=+1", "tel:1;phone-context=+2"),
    ],
)
def test_not_equal(one: str, other: str):
    assert parse(one) != parse(other)


def test_parameters_are_written_in_order():
    tel = parse("tel:7042;zz=1;phone-context=+84;ext=5;isub=7;aa")
    assert str(tel) == "tel:7042;isub=7;ext=5;phone-context=+84;aa;zz=1"
    assert tel.sip("gw.example.com", 5062) == (
        "sip:7042;isub=7;ext=5;phone-context=+84;aa;zz=1@gw.example.com:5062;user=phone"
    )


@pytest.mark.parametrize(
    ("form", "uri"),
    [
        ("sip", "sip:+84901234567@gw"),
        ("phone", "sip:+84901234567@gw;user=phone"),
        ("tel", "tel:+84901234567"),
    ],
)
def test_a_global_number_in_its_forms(form: Form, uri: str):
    assert of_number("+84 90 123 45 67".replace(" ", "-"), form, "gw") == uri
    assert number_of(uri) == "+84901234567"


def test_a_local_number_in_its_forms():
    assert of_number("1900", "sip", "gw", port=5070) == "sip:1900@gw:5070"
    assert of_number("1900", "phone", "gw") == "sip:1900@gw;user=phone"
    assert of_number("1900", "phone", "2001:db8::1", context="+84") == (
        "sip:1900;phone-context=+84@[2001:db8::1];user=phone"
    )
    assert of_number("1900", "local", context="+84") == "tel:1900;phone-context=+84"
    assert of_number("*100#", "sip", "gw") == "sip:*100%23@gw"
    assert number_of("sip:*100%23@gw") == "*100#"


@pytest.mark.parametrize(
    ("number", "form", "host", "context"),
    [
        ("1900", "tel", "", ""),
        ("1900", "local", "", ""),
        ("+84", "local", "", "+84"),
        ("12 34", "sip", "gw", ""),
        ("", "sip", "gw", ""),
        ("bob", "phone", "gw", ""),
        ("1900", "sip", "", ""),
        ("1900", "sip", "g w", ""),
        ("1900", "sip", "gw\r\nX: y", ""),
        ("1900\r\n", "sip", "gw", ""),
        ("1900", "local", "", "+84\n"),
        ("1900", "phone", "gw", "a b"),
    ],
)
def test_what_cannot_be_said(number: str, form: Form, host: str, context: str):
    with pytest.raises(SipError):
        of_number(number, form, host, context=context)


@pytest.mark.parametrize(
    "uri", ["sip:bob@h", "sip:h", "nonsense", "tel:bob", "", "sip:%ff@h", "\ud800"]
)
def test_no_number(uri: str):
    assert number_of(uri) == ""


@given(st.text(max_size=30), st.sampled_from(["sip", "phone", "tel", "local"]), st.text(max_size=8))
def test_no_number_breaks_a_line(number: str, form: Form, context: str):
    try:
        uri = of_number(number, form, "gw", context=context)
    except SipError:
        return
    assert parse_uri(uri.encode())
    assert uri.isprintable()


@given(st.text(alphabet="+0123456789ABab-.()*#;=%:@ext\r\n\0", max_size=30))
def test_any_text_is_refused_or_read(text: str):
    for uri in (f"tel:{text}", f"sip:{text}@h;user=phone"):
        number_of(uri)
        try:
            tel = parse(uri)
        except SipError:
            continue
        written = tel.sip("h")
        assert written.isprintable()
        assert parse(written) == tel
