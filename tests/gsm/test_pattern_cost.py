"""Patterns of files: those that explode are refused with their line, the others are harmless."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.config.dialects import read_dialects
from dialerd.toml_faults import TomlError
from gsm.dialect import GENERIC
from gsm.pattern_cost import ENDLESS, GROUP, LONG, MANY, REFERENCE, too_costly
from gsm.urc import MATCHED_MAX, STANDARD
from tests import tree


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (r"(a+)+$", GROUP), (r"(x|x)*y", GROUP), (r"(?:a|b)+", GROUP), (r"(?:ab)*", GROUP),
        (r"(a?){30}", GROUP), (r"(?:a{0,9}){0,9}", GROUP), (r"(?:\d{0,9}){20}", GROUP),
        (r"(?P<a>a|aa){12}", GROUP), (r"((a?)){9}", GROUP), (r"(?:(?:x)?){9}", GROUP),
        (r".*.*", ENDLESS), (r"\D*\D+", ENDLESS), (r"\d+,\d+", ENDLESS), (r" *x *", ENDLESS),
        (r"[ab]*[bc]{2,}", ENDLESS), (r"a{,}b{1,}.*", ENDLESS), (r"x*?y*+", ENDLESS),
        (r"a{0,1000}", LONG), (r".{1,65}", LONG), (r"(a)\1", REFERENCE),
        (r"(?P<a>a)(?P=a)", REFERENCE),
        (r".{0,60}" * 3, MANY), (r"a?" * 30, MANY), (r"\d{0,60}1" * 4, MANY),
        (r"(?:\d{0,60}\d{0,60})?\d{0,60}", MANY), ("[ab]{0,60}" * 3, MANY), (r"(?:x)?" * 13, MANY),
    ],
)  # fmt: skip
def test_what_explodes_is_refused(text, why):
    re.compile(text)
    assert too_costly(text) == why


@pytest.mark.parametrize(
    "text",
    [
        "", "RING$", r"\+CPIN: ?(?P<value>.*)", r"\D*$", r"[.*+]+x", r"a?b?c?", r"(?:ab){3}",
        r"\^CEND: ?(?P<id>\d{1,3}) ?, ?\d{1,9} ?, ?\d{1,5}(?: ?, ?(?P<cause>\d{1,3}))?", r"a{5}",
        r"[]*]{1,9}\]", r"(?<!\d)(\d{14,22})(?:[Ff]|\b)", r"(?=a)b", r"(?!a)b{0,9}", r"a{x}b{",
        r"[0-9A-F]{200}", r"\w{0,8}", "a|b|c", "{}", r"\(\*\)\+",
    ],
)  # fmt: skip
def test_what_is_harmless_stays(text):
    re.compile(text)
    assert too_costly(text) == ""


def shipped() -> list[tuple[str, str]]:
    """Every text of the shipped files that is a pattern, by the check of the files."""
    found = [("standard", rule.match) for rule in STANDARD]
    found += [("generic", GENERIC.calls.cause_match), ("generic", GENERIC.pin.match)]
    keys = ("match", "expect", "balance", "valid", "minutes", "package", "number", "data", "opened")
    for path in sorted((tree.ROOT / "conf" / "gsm").rglob("*.toml")):
        tables = [tomllib.loads(path.read_text())]
        while tables:
            table = tables.pop()
            for key, value in table.items():
                each = value if isinstance(value, list) else [value]
                tables += [one for one in each if isinstance(one, dict)]
                if key in keys:
                    found += [(path.name, one) for one in each if isinstance(one, str)]
    return found


def test_the_shipped_ones_stay():
    assert len(shipped()) > 80
    assert [(name, text) for name, text in shipped() if too_costly(text)] == []


PIECES = st.sampled_from(["a", "1", " ", r"\d", ".", "[ab]", r"\D", "(?:a1)", "(?:a|1)", "(a?)"])
TIMES = st.sampled_from(["", "?", "*", "+", "{0,9}", "{2}", "{1,3}", "*?", "{0,40}"])
PATTERN = st.lists(st.tuples(PIECES, TIMES), max_size=9).map(
    lambda parts: "".join(piece + times for piece, times in parts)
)


@settings(max_examples=150, deadline=None)
@given(PATTERN)
def test_whatever_is_let_through_ends_on_hostile_lines(text):
    """One that explodes would not end at all: 500 characters are no 30."""
    if too_costly(text):
        return
    pattern = re.compile(text + "!")
    for line in ("a" * 60, "1" * 60, "a1" * 30, "1 " * 30, " " * 60):
        assert pattern.search(line[:MATCHED_MAX]) is None


def test_a_file_with_one_says_where(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(
        'name = "bad"\n\n[[urc]]\nmatch = "OK"\nmeans = "ring"\n\n'
        '[[urc]]\nmatch = "(a+)+$"\nmeans = "ring"\n'
    )
    with pytest.raises(TomlError) as caught:
        read_dialects(tmp_path)
    assert "bad.toml:8:" in str(caught.value)
    assert GROUP in str(caught.value)
    (tmp_path / "bad.toml").write_text('name = "bad"\n[calls]\npoll_ms = 500\nhang_up = 7\n')
    with pytest.raises(TomlError) as caught:
        read_dialects(tmp_path)
    assert "bad.toml:4:" in str(caught.value)
    (tmp_path / "bad.toml").write_text('name = "bad"\n[calls\n')
    with pytest.raises(TomlError) as caught:
        read_dialects(tmp_path)
    assert "bad.toml:2:" in str(caught.value)
