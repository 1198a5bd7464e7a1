"""The fast reader and its slow twin agree on everything that can be typed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dialerd.core.numbering import load_numbering
from fastpath.numbers import Numbering
from tests.reference.numbers import SlowNumbering

TEXT = (Path(__file__).parents[2] / "conf/numbering/vn.toml").read_text()
VARIANTS = {
    "the plan as it comes": TEXT,
    "old codes on, a number ported, Singapore open": TEXT.replace(
        "convert = []", 'convert = ["030", "031"]'
    )
    .replace('allow = ["+842",', 'allow = ["+65", "+842",')
    .replace('# 0912345678 = "viettel"', '0912345678 = "gmobile"\n0381234567 = "fpt"'),
    "only two narrow destinations": TEXT.replace(
        'allow = ["+842", "+843", "+845", "+847", "+848", "+849"]', 'allow = ["+8491234", "+8424"]'
    ),
}
PAIRS = {
    name: (load_numbering(text), SlowNumbering(tomllib.loads(text)))
    for name, text in VARIANTS.items()
}

SEPARATOR = st.sampled_from(
    [*["", "", "", " ", ".", "-"], "/", "(", ")", "\xa0", "\u2013", "\u200b", "  ", "\t", "_"]
)
HEAD = st.sampled_from(
    [
        *["0", "0", "+84", "84", "0084", "(84)", "(+84)", "+84 0", "", "", "+", "00", "000", "'"],
        *["+65", "8400", "+0"],
    ]
)
CODES = st.sampled_from(
    [
        *["91", "98", "3", "33", "38", "55", "59", "777", "775", "778", "87", "89", "95", "99"],
        *["120", "121", "129", "162", "168", "169", "186", "188", "199", "11", "113", "115", "1"],
        *["24", "28", "4", "8", "30", "31", "240", "2400", "241", "0240", "710", "781", "79", "20"],
        *["69", "1900", "1800", "190", "180", "210", "299", "292", "65", "6", "2"],
    ]
)
TAIL = st.text("0123456789", max_size=12)
AROUND = st.sampled_from(
    [
        *["", "", "", "", " ", "SĐT: ", "Lan ", " (Lan)", ";", ",", "#", "*", "p", " 12 ", "e5"],
        *["E+08", ".0", ".00", "\n", "\x00", "٣", "²", "１", "+", "x", ",,", "T1", "\u2028"],
        *["0912345678", " 113", "@", "\ud7ff", "\U0001f600", "=", '"', "ａ", "Ｅ＋１"],
    ]
)


@st.composite
def written(draw: st.DrawFn) -> str:
    """A number more or less as people write it."""
    digits = draw(CODES) + draw(TAIL)
    body = "".join(digit + draw(SEPARATOR) for digit in digits) if draw(st.booleans()) else digits
    if draw(st.integers(0, 7)) == 0:
        body = body.translate({ord("0") + i: 0xFF10 + i for i in range(10)})
    return draw(AROUND) + draw(HEAD) + draw(SEPARATOR) + body + draw(AROUND) + draw(AROUND)


def check_agreement(numbering: Numbering, slow: SlowNumbering, text: str) -> None:
    fast = numbering.analyse(text)
    twin = slow.read(text)
    assert (fast.reason or "").partition(":")[0] == twin.reason
    assert (fast.e164 or "") == (f"+{twin.value}" if twin.value else "")
    assert (fast.rule or "") == twin.rule
    assert (fast.carrier or "") == twin.carrier
    assert fast.converted == twin.converted
    assert fast.dialable == (not twin.reason)


@settings(max_examples=1500, deadline=None)
@given(written())
@example("912345678.0")
@example("9123456789.0")
@example("12345678901234567.0")
@example("91234567.0")
@example("0912345678e5")
@example("+84 0 113")
@example("0084 00912345678")
@example("84 84 912345678")
def test_numbers(text: str) -> None:
    """By every plan: to make a text up costs more than to read it three times."""
    for numbering, slow in PAIRS.values():
        check_agreement(numbering, slow, text)


@settings(max_examples=1000, deadline=None)
@given(st.text(max_size=40))
def test_any_text(text: str) -> None:
    check_agreement(*PAIRS["the plan as it comes"], text)


@settings(max_examples=1000, deadline=None)
@given(st.text("0123456789+ .-e()#,pE\u200b", max_size=30))
def test_any_digits(text: str) -> None:
    check_agreement(*PAIRS["old codes on, a number ported, Singapore open"], text)


@pytest.mark.parametrize(("name", "first"), [(name, i) for i, name in enumerate(VARIANTS)])
def test_every_prefix_at_every_length(name: str, first: int) -> None:
    """All four-digit heads with 4 to 15 digits behind the 0; each plan takes every third head."""
    numbering, slow = PAIRS[name]
    for head in range(first, 10_000, len(VARIANTS)):
        tail = f"{head * 7919 % 10**9:09d}00"
        forms = ("0", "+84", "") if head % 10 == 0 else ("0",)
        for length in (4, 7, 8, 9, 10, 11, 15):
            for form in forms:
                check_agreement(numbering, slow, form + (f"{head:04d}" + tail)[:length])


@settings(max_examples=500, deadline=None)
@given(written())
def test_what_is_dialable_is_read_back_from_every_form(text: str) -> None:
    numbering, _ = PAIRS["the plan as it comes"]
    if not numbering.analyse(text).dialable:
        return
    number = numbering.number(text)
    for form in (number.e164, number.digits, number.national, "00" + number.digits):
        assert numbering.number(form) == number
        assert numbering.number(form).carrier == number.carrier
    assert numbering.from_value(number.value) == number
    assert number.digits.isascii()
    assert number.digits.isdigit()
    assert len(number.digits) <= 15
