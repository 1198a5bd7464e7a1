"""English: numbers, money, dates and times as word prompts.

Every word is the name of a recording below `en/words/`. British usage: "and" before the tens of a
group, the day before the month.
"""

from __future__ import annotations

from typing import Final

SMALL: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS: Final = (
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
SCALES: Final = (
    (10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (10**3, "thousand"),
)  # fmt: skip
ORDINALS: Final = (
    "", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
    "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth",
    "seventeenth", "eighteenth", "nineteenth", "twentieth",
)  # fmt: skip
MONTHS: Final = (
    "", "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
# word -> what is spoken for it
WORDS: Final[dict[str, str]] = {
    word: word.capitalize() if word in MONTHS else word
    for word in (
        *SMALL, *TENS[2:], *(name for _, name in SCALES), "hundred", *ORDINALS[1:], "thirtieth",
        *MONTHS[1:], "and", "minus", "point", "plus", "the", "of", "dollar", "dollars", "cent",
        "cents",
    )
} | {"oh": "oh", "dong": "dong", "a-m": "A M", "p-m": "P M"}  # fmt: skip


def number(n: int) -> list[str]:
    """A whole number."""
    if n < 0:
        return ["minus", *number(-n)]
    if n < 1000:
        return _group(n)
    said: list[str] = []
    for size, name in SCALES:
        group, n = divmod(n, size)
        if group:
            said += [*_group(group), name]
    if n:
        said += (["and"] if n < 100 else []) + _group(n)
    return said


def _group(n: int) -> list[str]:
    """0 to 999."""
    hundreds, rest = divmod(n, 100)
    if hundreds:
        return [SMALL[hundreds], "hundred", *(["and", *_group(rest)] if rest else [])]
    if rest < 20:
        return [SMALL[rest]]
    tens, unit = divmod(rest, 10)
    return [TENS[tens], *([SMALL[unit]] if unit else [])]


def digits(text: str) -> list[str]:
    """Digits one by one; a plus is said."""
    return ["plus" if c == "+" else SMALL[int(c)] for c in text]


def decimal(n: int, fraction: str) -> list[str]:
    """A number with a point: its decimals one by one."""
    return number(n) + (["point", *digits(fraction)] if fraction else [])


def dong(n: int) -> list[str]:
    """An amount of Vietnamese money."""
    return [*number(n), "dong"]


def dollars(n: int, cents: int) -> list[str]:
    """An amount of American money; only cents when there is nothing else."""
    said = [*number(n), "dollar" if abs(n) == 1 else "dollars"] if n or not cents else []
    if cents:
        said += ["and"] if said else []
        said += [*number(cents), "cent" if cents == 1 else "cents"]
    return said


def date(year: int | None, month: int, day: int) -> list[str]:
    """A day: the fifth of December twenty twenty-six."""
    said = ["the", *_ordinal(day), "of", MONTHS[month]]
    return said + (_year(year) if year is not None else [])


def _ordinal(day: int) -> list[str]:
    if day <= 20:
        return [ORDINALS[day]]
    tens, unit = divmod(day, 10)
    return [TENS[tens], ORDINALS[unit]] if unit else ["thirtieth"]


def _year(year: int) -> list[str]:
    century, rest = divmod(year, 100)
    if year < 1000 or year >= 10_000 or 2000 <= year < 2010 or (rest == 0 and century % 10 == 0):
        return number(year)
    if rest == 0:
        return [*number(century), "hundred"]
    return number(century) + (["oh", SMALL[rest]] if rest < 10 else _group(rest))


def time(hour: int, minute: int) -> list[str]:
    """A time of the day by the 12-hour clock."""
    said = [SMALL[hour % 12 or 12]]
    if minute:
        said += ["oh", SMALL[minute]] if minute < 10 else _group(minute)
    return [*said, "a-m" if hour < 12 else "p-m"]
