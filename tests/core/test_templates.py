"""Texts with fields: what they may hold, and that nothing breaks out of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.templates import CHARS_MAX, PIECES_MAX, Template, TemplateError

KNOWN = ("number", "port", "domain")


def test_fields_are_filled_in():
    template = Template("<sip:{number}@{domain}>;port={port}", KNOWN)
    assert template.fields == set(KNOWN)
    values = {"number": "84912", "domain": "a.example", "port": "3"}
    assert template.fill(values) == "<sip:84912@a.example>;port=3"
    assert Template("plain", ()).fill({}) == "plain"
    assert not Template("", KNOWN)
    assert Template("x", KNOWN)


def test_what_never_changes_is_filled_in_once():
    template = Template("a{domain}b{number}c{port}", KNOWN).bound({"domain": "D", "port": "P"})
    assert template.fields == {"number"}
    assert template.fill({"number": "1"}) == "aDb1cP"
    assert template.bound({"number": "2"}).fill({}) == "aDb2cP"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{caller}", "no field {caller}, only {domain}, {number}, {port}"),
        ("{", "a brace"),
        ("a}b", "a brace"),
        ("{number", "a brace"),
        ("{{number}}", "a brace"),
        ("{Number}", "a brace"),
        ("{number.__class__}", "a brace"),
        ("a\r\nVia: b", "control character"),
        ("a\0", "control character"),
        ("x" * (CHARS_MAX + 1), "longer than"),
        ("{number}" * (PIECES_MAX + 1), "more than"),
    ],
)
def test_refused(text, why):
    with pytest.raises(TemplateError) as caught:
        Template(text, KNOWN)
    assert why in str(caught.value)


@given(st.text(max_size=40), st.dictionaries(st.sampled_from(KNOWN), st.text("ab1", max_size=5)))
def test_binding_first_or_filling_at_once_is_the_same(text, constants):
    try:
        template = Template(text + "{number}x{port}", KNOWN)
    except TemplateError:
        return
    values = dict.fromkeys(KNOWN, "v") | constants
    rest = template.bound(constants)
    assert rest.fill(values) == template.fill(values)
    assert rest.fields.isdisjoint(constants)
    assert "\n" not in rest.fill(values)
    assert "\r" not in rest.fill(values)
