"""What is said of a value: its text read, then as the names of word prompts of a language.

    kind    read as                                             limits
    number  12, -3.5, 1.250.000                                 to 10^15, 6 decimals
    money   the same, with đ, VND, $, USD; dong has no decimals to 10^15
    digits  digits; spaces, dots, dashes and brackets are left out  24
    date    2026-12-05, 5/12/2026, 5/12                         a day of the calendar
    time    14:30, 14:30:00, 14h30, 8h                          a time of the day

A single mark before exactly three digits is ambiguous: in money of Vietnam it groups; elsewhere it
groups when the language groups with it (a dot in Vietnamese, a comma in English).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Final

from dialerd.core import spoken_en, spoken_vi
from dialerd.core.limits import DIGITS_SAID_MAX, VALUE_CHARS_MAX


class SayKind(StrEnum):
    """How a value is said."""

    NUMBER = "number"
    MONEY = "money"
    DIGITS = "digits"
    DATE = "date"
    TIME = "time"


class Lang(StrEnum):
    """Languages with word prompts."""

    VI = "vi"
    EN = "en"


class Region(StrEnum):
    """How Vietnamese is spoken: nghìn, linh, tư or ngàn, lẻ, bốn. Nothing in other languages."""

    NORTH = "north"
    SOUTH = "south"


class Currency(StrEnum):
    """What money is of."""

    VND = "VND"
    USD = "USD"


class UnsayableError(ValueError):
    """A text that is no value of its kind; the text says why."""


NUMBER_MAX: Final = 10**15 - 1
DECIMALS_MAX: Final = 6
WORDS_FOLDER: Final = "words"
PAUSE: Final = "pause"  # 200 ms of silence
_SIGNS: Final = re.compile(r"(?i)(₫|đồng|đ|vnđ|vnd|us\$|usd|\$)")
_NUMBER: Final = re.compile(r"([+-]?)([0-9][0-9.,]*)")
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{3})+")
_DATE: Final = re.compile(
    r"(?P<y>[0-9]{4})([-/.])(?P<m>[0-9]{1,2})\2(?P<d>[0-9]{1,2})(?:[T ].*)?"
    r"|(?P<d2>[0-9]{1,2})([-/.])(?P<m2>[0-9]{1,2})(?:\6(?P<y2>[0-9]{4}))?"
)
_TIME: Final = re.compile(r"([0-9]{1,2})(?:[:hH]([0-5][0-9]))?(?::[0-5][0-9])?[hH]?")


def words(
    kind: SayKind,
    text: str,
    lang: Lang = Lang.VI,
    *,
    region: Region = Region.NORTH,
    currency: Currency = Currency.VND,
) -> list[str]:
    """The prompts that say a value, in order; UnsayableError."""
    text = text.strip()
    if not text or len(text) > VALUE_CHARS_MAX:
        raise UnsayableError("there is nothing in it" if not text else "it is too long")
    said = _SAID[kind](text, lang, region, currency)
    return [f"{lang}/{WORDS_FOLDER}/{word}" for word in said]


def vocabulary(lang: Lang) -> list[str]:
    """Every word prompt that a language may ask for."""
    own = spoken_vi.WORDS if lang is Lang.VI else spoken_en.WORDS
    return [f"{lang}/{WORDS_FOLDER}/{word}" for word in (*own, PAUSE)]


def _number(text: str, lang: Lang, region: Region, currency: Currency) -> list[str]:
    del currency
    negative, whole, fraction = read_number(text, lang)
    fraction = fraction.rstrip("0")
    if len(fraction) > DECIMALS_MAX:
        raise UnsayableError(f"{text!r} has more than {DECIMALS_MAX} decimals")
    if lang is Lang.VI:
        said = spoken_vi.decimal(whole, fraction, north=region is Region.NORTH)
    else:
        said = spoken_en.decimal(whole, fraction)
    minus = "am" if lang is Lang.VI else "minus"
    return [minus, *said] if negative and (whole or fraction) else said


def _money(text: str, lang: Lang, region: Region, currency: Currency) -> list[str]:
    bare = _SIGNS.sub("", text).strip()
    negative, whole, fraction = read_number(bare, lang, groups=currency is Currency.VND)
    fraction = fraction.rstrip("0")
    north = region is Region.NORTH
    if currency is Currency.VND:
        if fraction:
            raise UnsayableError(f"{text!r}: dong have no decimals")
        said = spoken_vi.dong(whole, north=north) if lang is Lang.VI else spoken_en.dong(whole)
    else:
        if len(fraction) > 2:
            raise UnsayableError(f"{text!r} has parts of a cent")
        cents = int(fraction.ljust(2, "0"))
        if lang is Lang.VI:
            said = spoken_vi.dollars(whole, cents, north=north)
        else:
            said = spoken_en.dollars(whole, cents)
    minus = "am" if lang is Lang.VI else "minus"
    return [minus, *said] if negative and (whole or fraction) else said


def read_number(text: str, lang: Lang, *, groups: bool = False) -> tuple[bool, int, str]:
    """Sign, whole part and decimals; `groups`: a single mark before three digits groups."""
    found = _NUMBER.fullmatch(re.sub(r"(?<=[0-9])[\s_'\u2019](?=[0-9]{3})", "", text))
    if found is None:
        raise UnsayableError(f"{text!r} is no number")
    sign, body = found.groups()
    dots, commas = body.count("."), body.count(",")
    mark = ""  # of the decimals
    if dots and commas:
        mark = "." if body.rindex(".") > body.rindex(",") else ","
    elif dots + commas == 1:
        own = "." if lang is Lang.VI else ","
        three = _GROUPED.fullmatch(body) is not None
        used = "." if dots else ","
        mark = "" if three and (groups or used == own) else used
    whole, _, fraction = body.partition(mark) if mark else (body, "", "")
    if body.count(mark or " ") > 1 or not whole or (mark and not fraction):
        raise UnsayableError(f"{text!r} is no number")
    if re.search(r"[.,]", whole):
        if not _GROUPED.fullmatch(whole) or len(set(re.findall(r"[.,]", whole))) > 1:
            raise UnsayableError(f"{text!r} is no number: its groups are not of three digits")
        whole = re.sub(r"[.,]", "", whole)
    if len(whole.lstrip("0")) > 15 or re.search(r"[.,]", fraction):
        raise UnsayableError(f"{text!r} is larger than what is said")
    return sign == "-", int(whole), fraction


def _digits(text: str, lang: Lang, region: Region, currency: Currency) -> list[str]:
    del region, currency
    bare = re.sub(r"[\s().\-/]", "", text)
    if not re.fullmatch(r"\+?[0-9]+", bare) or not bare.isascii():
        raise UnsayableError(f"{text!r} is not digits")
    if len(bare) > DIGITS_SAID_MAX:
        raise UnsayableError(f"{text!r} has more than {DIGITS_SAID_MAX} digits")
    return spoken_vi.digits(bare) if lang is Lang.VI else spoken_en.digits(bare)


def _date(text: str, lang: Lang, region: Region, currency: Currency) -> list[str]:
    del currency
    found = _DATE.fullmatch(text) if text.isascii() else None
    if found is None:
        raise UnsayableError(f"{text!r} is no date such as 2026-12-05 or 5/12/2026")
    year = found["y"] or found["y2"]
    month, day = int(found["m"] or found["m2"]), int(found["d"] or found["d2"])
    try:
        date(int(year) if year else 2000, month, day)  # a leap year: 29/2 may be meant
    except ValueError:
        raise UnsayableError(f"{text!r} is no day of the calendar") from None
    if lang is Lang.EN:
        return spoken_en.date(int(year) if year else None, month, day)
    return spoken_vi.date(int(year) if year else None, month, day, north=region is Region.NORTH)


def _time(text: str, lang: Lang, region: Region, currency: Currency) -> list[str]:
    del currency
    found = _TIME.fullmatch(text) if text.isascii() and not text.isdigit() else None
    if found is None or int(found[1]) > 23:
        raise UnsayableError(f"{text!r} is no time such as 14:30")
    hour, minute = int(found[1]), int(found[2] or 0)
    if lang is Lang.EN:
        return spoken_en.time(hour, minute)
    return spoken_vi.time(hour, minute, north=region is Region.NORTH)


_SAID: Final[dict[SayKind, Callable[[str, Lang, Region, Currency], list[str]]]] = {
    SayKind.NUMBER: _number,
    SayKind.MONEY: _money,
    SayKind.DIGITS: _digits,
    SayKind.DATE: _date,
    SayKind.TIME: _time,
}
