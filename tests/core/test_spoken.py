"""Numbers, money, dates and times in words: tables by hand, then every number read back."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core import spoken_en, spoken_vi
from dialerd.core.spoken import (
    NUMBER_MAX,
    Currency,
    Lang,
    Region,
    SayKind,
    UnsayableError,
    read_number,
    vocabulary,
    words,
)

VI_NORTH = {
    0: "không", 1: "một", 4: "bốn", 5: "năm", 10: "mười", 11: "mười một", 14: "mười bốn",
    15: "mười lăm", 20: "hai mươi", 21: "hai mươi mốt", 24: "hai mươi tư", 25: "hai mươi lăm",
    31: "ba mươi mốt", 55: "năm mươi lăm", 91: "chín mươi mốt", 100: "một trăm",
    101: "một trăm linh một", 105: "một trăm linh năm", 110: "một trăm mười",
    111: "một trăm mười một", 115: "một trăm mười lăm", 121: "một trăm hai mươi mốt",
    500: "năm trăm", 555: "năm trăm năm mươi lăm", 1_000: "một nghìn",
    1_001: "một nghìn không trăm linh một", 1_010: "một nghìn không trăm mười",
    1_100: "một nghìn một trăm", 2_025: "hai nghìn không trăm hai mươi lăm",
    10_000: "mười nghìn", 15_000: "mười lăm nghìn", 21_000: "hai mươi mốt nghìn",
    100_000: "một trăm nghìn", 105_000: "một trăm linh năm nghìn",
    1_000_000: "một triệu", 1_000_001: "một triệu không trăm linh một",
    1_005_000: "một triệu không trăm linh năm nghìn",
    1_250_000: "một triệu hai trăm năm mươi nghìn",
    24_000_000: "hai mươi tư triệu", 1_000_000_000: "một tỷ",
    1_000_000_015: "một tỷ không trăm mười lăm",
    3_005_000_000: "ba tỷ không trăm linh năm triệu", 25_000_000_000: "hai mươi lăm tỷ",
    1_000_000_000_000: "một nghìn tỷ",
    1_021_000_000_000: "một nghìn không trăm hai mươi mốt tỷ",
}  # fmt: skip
VI_SOUTH = {
    24: "hai mươi bốn", 104: "một trăm lẻ bốn", 1_005: "một ngàn không trăm lẻ năm",
    21_000: "hai mươi mốt ngàn", 45: "bốn mươi lăm", 1_000_000_000_000: "một ngàn tỷ",
}  # fmt: skip
EN = {
    0: "zero", 7: "seven", 13: "thirteen", 20: "twenty", 21: "twenty one", 40: "forty",
    100: "one hundred", 101: "one hundred and one", 342: "three hundred and forty two",
    1_000: "one thousand", 1_005: "one thousand and five", 1_100: "one thousand one hundred",
    12_345: "twelve thousand three hundred and forty five", 100_000: "one hundred thousand",
    1_000_001: "one million and one", 1_250_000: "one million two hundred and fifty thousand",
    2_000_000_000: "two billion", 1_000_000_000_000: "one trillion",
    -6: "minus six",
}  # fmt: skip


def spoken(said: list[str], lang: str = "vi") -> str:
    table = spoken_vi.WORDS if lang == "vi" else spoken_en.WORDS
    return " ".join(table[word] for word in said)


@pytest.mark.parametrize("n", VI_NORTH)
def test_vietnamese_of_the_north(n: int) -> None:
    assert spoken(spoken_vi.number(n)) == VI_NORTH[n]


@pytest.mark.parametrize("n", VI_SOUTH)
def test_vietnamese_of_the_south(n: int) -> None:
    assert spoken(spoken_vi.number(n, north=False)) == VI_SOUTH[n]


@pytest.mark.parametrize("n", EN)
def test_english(n: int) -> None:
    assert spoken(spoken_en.number(n), "en") == EN[n]


# What a listener makes of it: a reader of its own, which knows the words and no grammar of ours.

VI_UNITS = {
    "không": 0, "một": 1, "mốt": 1, "hai": 2, "ba": 3, "bốn": 4, "tư": 4, "năm": 5, "lăm": 5,
    "sáu": 6, "bảy": 7, "tám": 8, "chín": 9,
}  # fmt: skip
EN_SMALL = {word: i for i, word in enumerate(spoken_en.SMALL)} | {
    word: 10 * i for i, word in enumerate(spoken_en.TENS) if word
}


def heard_vi(text: str) -> int:
    before, ty, after = text.rpartition("tỷ")
    if ty:
        return heard_vi(before) * 10**9 + (heard_vi(after) if after.strip() else 0)
    total = group = unit = 0
    for word in text.split():
        if word in VI_UNITS:
            unit = VI_UNITS[word]
        elif word == "mười":
            group, unit = group + 10, 0
        elif word == "mươi":
            group, unit = group + unit * 10, 0
        elif word == "trăm":
            group, unit = group + unit * 100, 0
        elif word in ("nghìn", "ngàn", "triệu"):
            total += (group + unit) * (10**6 if word == "triệu" else 10**3)
            group = unit = 0
        else:
            assert word in ("linh", "lẻ"), word
    return total + group + unit


def heard_en(text: str) -> int:
    scales = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
    total = group = 0
    for word in text.split():
        if word in EN_SMALL:
            group += EN_SMALL[word]
        elif word == "hundred":
            group *= 100
        elif word in scales:
            total, group = total + group * scales[word], 0
        else:
            assert word == "and"
    return total + group


def is_heard(n: int) -> bool:
    for north in (True, False):
        text = spoken(spoken_vi.number(n, north=north))
        assert heard_vi(text) == n
        for other in ("lẻ", "ngàn", "mươi bốn") if north else ("linh", "nghìn", "tư"):
            assert other not in text
        for never in (
            "mươi một",
            "mươi năm",
            "mười năm",
            "mười mốt",
            "linh mười",
            "lẻ mười",
            "linh lăm",
            "lẻ lăm",
            "linh mốt",
            "trăm lăm",
        ):
            assert never not in text, n
    english = spoken(spoken_en.number(n), "en")
    assert heard_en(english) == n
    assert " and and " not in english
    assert not english.endswith(" and")
    return True


def test_every_number_below_a_hundred_thousand_and_their_neighbours() -> None:
    for n in range(0, 100_000, 7):
        assert is_heard(n)
    for n in range(2_000):
        assert is_heard(n)
        assert is_heard(n * 1_000)
        assert is_heard(n * 10**6 + 1)
        assert is_heard(10**9 + n)


@given(st.integers(0, 10**12) | st.integers(0, 15).map(lambda e: 10**e))
def test_any_number_to_a_thousand_billions(n: int) -> None:
    assert is_heard(min(n, NUMBER_MAX))


def test_no_two_numbers_sound_the_same() -> None:
    for number in (spoken_vi.number, spoken_en.number):
        assert len({tuple(number(n)) for n in range(30_000)}) == 30_000


def said(kind: str, text: str, lang: str = "vi", region: str = "north", money: str = "VND") -> str:
    names = words(SayKind(kind), text, Lang(lang), region=Region(region), currency=Currency(money))
    assert set(names) <= set(vocabulary(Lang(lang)))
    return spoken([name.split("/")[2] for name in names], lang)


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("money", "1.250.000đ"), "một triệu hai trăm năm mươi nghìn đồng"),
        (("money", "1,250,000 VND"), "một triệu hai trăm năm mươi nghìn đồng"),
        (("money", "1250000.00"), "một triệu hai trăm năm mươi nghìn đồng"),
        (("money", "1 250 000 ₫", "vi", "south"), "một triệu hai trăm năm mươi ngàn đồng"),
        (("money", "500.000"), "năm trăm nghìn đồng"),
        (("money", "500,000"), "năm trăm nghìn đồng"),
        (("money", "0"), "không đồng"),
        (("money", "-5000"), "âm năm nghìn đồng"),
        (("money", "$1,250.50", "vi", "north", "USD"),
         "một nghìn hai trăm năm mươi đô la năm mươi xu"),
        (("money", "1250", "en"), "one thousand two hundred and fifty dong"),
        (("money", "$1", "en", "north", "USD"), "one dollar"),
        (("money", "2.05", "en", "north", "USD"), "two dollars and five cents"),
        (("money", "0.01", "en", "north", "USD"), "one cent"),
        (("number", "12,5"), "mười hai phẩy năm"),
        (("number", "-3,05"), "âm ba phẩy không năm"),
        (("number", "1.250"), "một nghìn hai trăm năm mươi"),
        (("number", "1.250", "en"), "one point two five"),
        (("number", "1,250", "en"), "one thousand two hundred and fifty"),
        (("number", "7,000", "vi"), "bảy"),
        (("number", "-0"), "không"),
        (("digits", "0912 345.678"), "không chín một hai ba bốn năm sáu bảy tám"),
        (("digits", "+84-24", "en"), "plus eight four two four"),
        (("digits", "105"), "một không năm"),
        (("date", "2026-12-05"),
         "ngày mùng năm tháng mười hai năm hai nghìn không trăm hai mươi sáu"),
        (("date", "5/4/2026", "vi", "south"),
         "ngày mùng năm tháng tư năm hai ngàn không trăm hai mươi sáu"),
        (("date", "15.3"), "ngày mười lăm tháng ba"),
        (("date", "2026-11-22T10:00:00+07:00", "en"),
         "the twenty second of November twenty twenty six"),
        (("date", "30/1/2005", "en"), "the thirtieth of January two thousand and five"),
        (("date", "1/5/1900", "en"), "the first of May nineteen hundred"),
        (("date", "1/5/1905", "en"), "the first of May nineteen oh five"),
        (("date", "29/2", "en"), "the twenty ninth of February"),
        (("time", "14:30"), "mười bốn giờ ba mươi phút"),
        (("time", "8h"), "tám giờ"),
        (("time", "20h15"), "hai mươi giờ mười lăm phút"),
        (("time", "14:05:59", "en"), "two oh five P M"),
        (("time", "0:00", "en"), "twelve A M"),
        (("time", "12:30", "en"), "twelve thirty P M"),
    ],
)  # fmt: skip
def test_values_as_lists_hold_them(args: tuple[str, ...], text: str) -> None:
    assert said(*args) == text


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        ("money", "", "nothing in it"),
        ("money", "free", "no number"),
        ("money", "12.5", "dong have no decimals"),
        ("money", "1.25.000", "groups"),
        ("money", "1.250,000.5", "no number"),
        ("money", "9" * 16, "larger"),
        ("money", "9" * 65, "too long"),
        ("number", "1e9", "no number"),
        ("number", "٣", "no number"),
        ("number", "1,2345678", "more than 6 decimals"),
        ("number", "1.", "no number"),
        ("digits", "12ab", "not digits"),
        ("digits", "1+2", "not digits"),
        ("digits", "1" * 25, "more than 24 digits"),
        ("date", "31/2/2026", "no day of the calendar"),
        ("date", "29/2/2025", "no day of the calendar"),
        ("date", "5/12/26", "no date such as"),
        ("date", "tomorrow", "no date such as"),
        ("date", "2026-12/05", "no date such as"),
        ("time", "24:00", "no time such as"),
        ("time", "9", "no time such as"),
        ("time", "9:60", "no time such as"),
    ],
)
def test_what_is_no_value_is_refused_with_the_reason(kind: str, text: str, why: str) -> None:
    with pytest.raises(UnsayableError, match=why):
        words(SayKind(kind), text)


@given(
    st.sampled_from(SayKind), st.text(max_size=80), st.sampled_from(Lang), st.sampled_from(Currency)
)
def test_no_text_at_all_can_hurt(kind: SayKind, text: str, lang: Lang, currency: Currency) -> None:
    try:
        found = words(kind, text, lang, currency=currency)
    except UnsayableError:
        return
    assert 0 < len(found) <= 64
    assert set(found) <= set(vocabulary(lang))


@given(st.integers(0, 10**15 - 1), st.sampled_from([",", ".", " ", "\u00a0", ""]))
def test_grouped_amounts_are_the_amounts(n: int, mark: str) -> None:
    text = f"{n:,}".replace(",", mark)
    assert read_number(text, Lang.VI, groups=True) == (False, n, "")


@given(st.dates(date(1000, 1, 1)), st.sampled_from(Lang))
def test_every_day_can_be_said_in_any_spelling(day: date, lang: Lang) -> None:
    spellings = (
        day.isoformat(),
        f"{day.day}/{day.month}/{day.year}",
        f"{day:%d.%m.%Y}",
        f"{day:%Y/%m/%d}",
    )
    assert len({tuple(words(SayKind.DATE, text, lang)) for text in spellings}) == 1


def test_every_minute_of_a_day_sounds_different() -> None:
    for lang in Lang:
        times = {tuple(words(SayKind.TIME, f"{m // 60}:{m % 60:02}", lang)) for m in range(1440)}
        assert len(times) == 1440
