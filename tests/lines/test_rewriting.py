"""Numbers out and in: strip, add, the longest beginning wins, and nothing else passes."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.numbering import load_numbering
from dialerd.lines.rewriting import Rewrite, Rewrites, dialed, told
from dialerd.lines.sip_trunk import in_user

PLAN = tomllib.loads(Path("conf/numbering/vn.toml").read_text(encoding="utf-8"))
NUMBER = load_numbering(PLAN).number("0912 345 678")


@pytest.mark.parametrize(
    ("form", "rules", "text"),
    [
        ("e164", (), "+84912345678"),
        ("digits", (), "84912345678"),
        ("national", (), "0912345678"),
        ("e164", (Rewrite("84", 3, "9#0"),), "9#0912345678"),
        ("digits", (Rewrite("84", 2, "0"), Rewrite("8491", 2, "77"), Rewrite("85")), "77912345678"),
        ("digits", (Rewrite("", 0, "00"), Rewrite("8490", 2)), "0084912345678"),
        ("national", (Rewrite("849", 99, "1"),), "1"),
    ],
)
def test_called_numbers(form, rules, text):
    assert dialed(NUMBER, form, Rewrites(rules)) == text


@pytest.mark.parametrize(
    ("text", "rules", "digits"),
    [
        ("+84912345678", (), "84912345678"),
        ("+84 (912) 345-678", (), "84912345678"),
        ("0912345678", (), ""),  # whose 0912?
        ("0912345678", (Rewrite("0", 1, "84"),), "84912345678"),
        ("0084912345678", (Rewrite("0", 1, "84"), Rewrite("00", 2)), "84912345678"),
        ("84912345678", (Rewrite(""),), "84912345678"),
        ("912345678", (Rewrite("", 0, "+84"),), "84912345678"),
        ("anonymous", (), ""),
        ("anonymous", (Rewrite(""),), ""),
        ("", (Rewrite(""),), ""),
        ("+0912345678", (), ""),
        ("+8491234567890123", (), ""),
        ("+84912345678\r\nVia: x", (), ""),
        ("9" * 10_000, (Rewrite("", 0, "84"),), ""),
        ("\uff10912345678", (Rewrite("", 1, "84"),), "84912345678"),
        ("\uff18\uff14912345678", (Rewrite(""),), ""),
    ],
)
def test_told_numbers(text, rules, digits):
    assert told(text, Rewrites(rules)) == digits


@given(st.text(max_size=40), st.lists(st.builds(Rewrite, st.text("084+", max_size=3),
       st.integers(0, 5), st.text("+84", max_size=3)), max_size=4))  # fmt: skip
def test_whatever_a_carrier_tells_is_digits_or_nothing(text, rules):
    found = told(text, Rewrites(rules))
    assert found == "" or (found.isascii() and found.isdigit() and found[0] != "0")
    assert len(found) <= 15


@given(st.text(max_size=40))
def test_a_user_part_holds_nothing_that_ends_it(text):
    made = in_user(text)
    assert made.isascii()
    assert not set(made) & set('@:<>"#[]{}|\\^` \r\n\0')
    assert in_user("9#0912*") == "9%230912*"
