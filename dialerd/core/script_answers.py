"""Answers: what was typed, read as the question wants it, and back as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, time, timedelta
from typing import Final

from dialerd.core.days import read_day
from dialerd.core.limits import ANSWER_CHARS_MAX
from dialerd.core.script_records import Answer, Asks, Item

YES: Final = frozenset({"yes", "y", "true", "có", "co", "c", "đúng"})
NO: Final = frozenset({"no", "n", "false", "không", "khong", "k", "sai"})

_NUMBER: Final = re.compile(r"([+-]?[0-9]{1,15})(?:[.,]([0-9]{1,6}))?")
_PHONE: Final = re.compile(r"\+?[0-9]{3,15}")
_TIME: Final = re.compile(r"([0-9]{1,2})(?:[:hg]([0-9]{2})?)?")

BOUNDED: Final = frozenset({Asks.TEXT, Asks.MULTI, Asks.NUMBER, Asks.DATE, Asks.TIME, Asks.SCALE})
"""Kinds whose answers have bounds: of a text the characters, of several choices their count."""


class AnswerError(ValueError):
    """An answer that the question does not take; the text says what it takes."""


def read(item: Item, given: object) -> Answer:
    """What was typed or sent, as it is kept; None: left out.

    Raises:
        AnswerError: it is not what the question asks for.
    """
    if isinstance(given, str):
        if len(given) > ANSWER_CHARS_MAX:
            raise AnswerError(f"at most {ANSWER_CHARS_MAX} characters")
        given = given.strip()
    if given is None or given in ("", []):
        if item.required:
            raise AnswerError(f"an answer is required: {expected(item)}")
        return None
    assert item.asks is not None  # noqa: S101 - content asks nothing
    return _READ[item.asks](item, given)


def expected(item: Item) -> str:
    """What a question takes, in words."""
    ids = ", ".join(choice.choice_id for choice in item.choices)
    match item.asks:
        case Asks.CHOICE:
            return f"one of {ids}"
        case Asks.MULTI:
            return f"any of {ids}" + _between(item, " of them")
        case Asks.NUMBER | Asks.SCALE:
            places = f" with up to {item.decimals} decimals" if item.decimals else ""
            return ("a number" if places else "a whole number") + places + _between(item)
        case Asks.DATE:
            return "a date such as 2026-11-23 or 23/11/2026" + _between(item)
        case Asks.TIME:
            return "a time such as 08:30" + _between(item)
        case Asks.TEXT:
            return "a text" + _between(item, " characters")
        case Asks.YES_NO:
            return "yes or no"
        case _:
            return "a telephone number of 3 to 15 digits"


def _between(item: Item, of: str = "") -> str:
    if item.least and item.most:
        return f", {item.least} to {item.most}{of}"
    if item.least:
        return f", at least {item.least}{of}"
    return f", at most {item.most}{of}" if item.most else ""


def order(item: Item, value: Answer) -> float | str:
    """What bounds are compared with: numbers as they are, dates and times as texts."""
    if isinstance(value, tuple):
        return len(value)
    if item.asks is Asks.TEXT and isinstance(value, str):
        return len(value)
    return value if isinstance(value, str | int | float) else 0


def bound(item: Item, text: str) -> float | str:
    """A bound as people write it, to be compared with `order`; AnswerError when it is none."""
    if item.asks in {Asks.TEXT, Asks.MULTI, Asks.SCALE}:
        return _whole(text)
    free = Item(item.item_id, "", "", item.asks, decimals=item.decimals)
    return order(item, _READ[item.asks or Asks.TEXT](free, text))


def within(item: Item, value: Answer, least: str, most: str) -> bool:
    """Whether an answer lies between two bounds, both included; an empty one binds nothing."""
    at = order(item, value)
    low, high = (bound(item, least) if least else at), (bound(item, most) if most else at)
    return low <= at <= high  # type: ignore[operator] # of one question both are of one kind


def same(item: Item, value: Answer, text: str) -> bool:
    """Whether an answer is, or of several choices holds, the one that people write so."""
    if isinstance(value, tuple):
        return text in value
    free = Item(item.item_id, "", "", item.asks, choices=item.choices, decimals=item.decimals)
    return value is not None and _READ[item.asks or Asks.TEXT](free, text) == value


def shown(item: Item, value: Answer) -> str:
    """As people read it: the texts of choices, not their ids."""
    texts = {choice.choice_id: choice.text for choice in item.choices}
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple():
            return "; ".join(texts.get(one, one) for one in value)
        case str():
            return texts.get(value, value)
        case _:
            return f"{value:.{item.decimals}f}"


def _refuse(item: Item) -> AnswerError:
    return AnswerError(f"must be {expected(item)}")


def _bounded(item: Item, value: Answer) -> Answer:
    if not within(item, value, item.least, item.most):
        raise _refuse(item)
    return value


def _text(item: Item, given: object) -> Answer:
    if not isinstance(given, str) or any(not c.isprintable() and c not in "\n\t" for c in given):
        raise _refuse(item)
    return _bounded(item, given)


def _choice(item: Item, given: object) -> Answer:
    if isinstance(given, str):
        for choice in item.choices:
            if given == choice.choice_id:
                return given
        for choice in item.choices:
            if given.casefold() in {choice.choice_id.casefold(), choice.text.casefold()}:
                return choice.choice_id
    raise _refuse(item)


def _multi(item: Item, given: object) -> Answer:
    if isinstance(given, str):
        given = [one.strip() for one in re.split("[,;]", given) if one.strip()]
    if not isinstance(given, list | tuple):
        raise _refuse(item)
    chosen = {_choice(item, one) for one in given}
    return _bounded(item, tuple(c.choice_id for c in item.choices if c.choice_id in chosen))


def _whole(given: object) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    if isinstance(given, str) and re.fullmatch(r"[+-]?[0-9]{1,15}", given):
        return int(given)
    raise AnswerError("must be a whole number")


def _scale(item: Item, given: object) -> Answer:
    try:
        return _bounded(item, _whole(given))
    except AnswerError:
        raise _refuse(item) from None


def _number(item: Item, given: object) -> Answer:
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise _refuse(item)
    found = _NUMBER.fullmatch(str(given))
    if found is None:
        raise _refuse(item)
    whole, part = found[1], (found[2] or "").rstrip("0" if isinstance(given, float) else "")
    if len(part) > item.decimals:
        raise _refuse(item)
    return _bounded(item, float(f"{whole}.{part}") if item.decimals else int(whole))


def _date(item: Item, given: object) -> Answer:
    day = read_day(given) if isinstance(given, str) else None
    if day is None:
        raise _refuse(item)
    return _bounded(item, day.isoformat())


def _time(item: Item, given: object) -> Answer:
    found = _TIME.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise _refuse(item)
    try:
        at = time(int(found[1]), int(found[2] or 0))
    except ValueError:
        raise _refuse(item) from None
    return _bounded(item, f"{at:%H:%M}")


def _yes_no(item: Item, given: object) -> Answer:
    if isinstance(given, bool):
        return given
    word = given.casefold() if isinstance(given, str) else ""
    if word not in YES | NO:
        raise _refuse(item)
    return word in YES


def _phone(item: Item, given: object) -> Answer:
    digits = re.sub(r"[ .()-]", "", given) if isinstance(given, str) else ""
    if not _PHONE.fullmatch(digits):
        raise _refuse(item)
    return digits


_READ: Final[dict[Asks, Callable[[Item, object], Answer]]] = {
    Asks.TEXT: _text,
    Asks.CHOICE: _choice,
    Asks.MULTI: _multi,
    Asks.NUMBER: _number,
    Asks.DATE: _date,
    Asks.TIME: _time,
    Asks.YES_NO: _yes_no,
    Asks.SCALE: _scale,
    Asks.PHONE: _phone,
}


def samples(item: Item) -> Sequence[Answer]:
    """Answers of every sort that the question takes: each branch that any answer takes, one does.

    Where an answer leads changes only at the bounds that branches name, so that those, their
    neighbours and the question's own bounds stand for all of them.
    """
    found: list[Answer] = [] if item.required else [None]
    match item.asks:
        case Asks.CHOICE:
            found += [choice.choice_id for choice in item.choices]
        case Asks.YES_NO:
            found += [True, False]
        case Asks.MULTI:
            found += _sets(item)
        case Asks.NUMBER | Asks.SCALE | Asks.DATE | Asks.TIME:
            found += _points(item)
        case _:
            found += ["0000"]
    return found


def _sets(item: Item) -> list[Answer]:
    """For each choice a set whose first branch is that choice's, filled up to the least size."""
    ids = [choice.choice_id for choice in item.choices]
    named = [branch.answer for branch in item.branches if branch.answer in ids]
    rank = {one: place for place, one in reversed(list(enumerate(named)))}
    least = max(1, int(item.least or 1))
    by_rank = sorted(ids, key=lambda one: rank.get(one, len(named)))
    found: list[Answer] = []
    for place in range(len(by_rank) - least + 1):
        chosen = set(by_rank[place : place + least])
        found.append(tuple(one for one in ids if one in chosen))
    return found


def _points(item: Item) -> list[Answer]:
    texts = {item.least, item.most, *(b.least for b in item.branches)}
    texts |= {*(b.most for b in item.branches), *(b.answer for b in item.branches)} - {""}
    points: set[Answer] = set()
    for text in texts - {""}:
        at = bound(item, text)
        if item.asks is Asks.DATE:
            day = date.fromisoformat(str(at))
            points.add(str(at))
            if date.min < day < date.max:
                points |= {str(day - timedelta(1)), str(day + timedelta(1))}
        elif item.asks is Asks.TIME:
            minute = int(str(at)[:2]) * 60 + int(str(at)[3:])
            near = (minute - 1, minute, minute + 1)
            points |= {f"{m // 60:02}:{m % 60:02}" for m in near if 0 <= m < 1440}
        else:
            step = 10.0**-item.decimals if item.decimals else 1
            points |= {round(float(at) + k * step, item.decimals) for k in (-1, 0, 1)}
    if item.asks is Asks.DATE:
        points |= {str(date.min), str(date.max)}
    elif item.asks is Asks.TIME:
        points |= {"00:00", "23:59"}
    else:
        points |= {-(10**15) + 1, 10**15 - 1}
    return [point for point in points if within(item, point, item.least, item.most)]
