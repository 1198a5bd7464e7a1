"""What a step of a flow does besides playing: what must hold of it, and what is only looked up.

`FlowRun` carries them out; each is a record of `dialerd.core.flow_records`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from dialerd.core.chain import fields_of, filled_or_empty, is_prompt_name, stray_braces
from dialerd.core.flow_records import (
    Assign,
    Case,
    Choose,
    Close,
    Deed,
    Forbid,
    Gather,
    Promise,
    Tape,
    TargetKind,
    Transfer,
)
from dialerd.core.limits import (
    CALLBACK_AHEAD_S_MAX,
    CASES_MAX,
    FIELD_CHARS_MAX,
    GATHER_TRIES_MAX,
    GATHERED_MAX,
    NAME_CHARS_MAX,
    RING_S_MAX,
    RING_S_MIN,
    TAPE_S_MAX,
    VALUE_CHARS_MAX,
    WAIT_MS_MAX,
)

Faults = Iterator[tuple[tuple[str | int, ...], str]]
KIND: Final[dict[type[Deed], str]] = {
    Gather: "gather",
    Choose: "choose",
    Assign: "set",
    Tape: "record",
    Forbid: "do_not_call",
    Promise: "callback",
    Transfer: "transfer",
    Close: "result",
}
"""How people write each: the key of a step."""

_FIELD: Final = re.compile(r"[^{}\x00-\x1f\x7f-\x9f]{1,64}$(?!\n)")
_TIME: Final = re.compile(r"\s*([01]?[0-9]|2[0-3])[:h.]?([0-5][0-9])\s*$(?!\n)")
_KEYS: Final = frozenset("0123456789*#")
DAYS_MAX: Final = 3_660


def leads_on(deed: Deed) -> bool:
    """Whether a step's `then` follows it; what chooses or ends goes elsewhere."""
    return not isinstance(deed, Choose | Close)


def sets(deed: Deed | None) -> tuple[str, ...]:
    """Fields that it gives a value."""
    return (deed.field,) if isinstance(deed, Gather | Assign) else ()


def asks_for(deed: Deed | None) -> Faults:
    """Fields that it looks up, each with the place that names it."""
    match deed:
        case Choose():
            yield ("choose", "field"), deed.field
        case Assign():
            yield from ((("set", "value"), field) for field in fields_of(deed.value))
        case Promise():
            yield from ((("callback", "at"), field) for field in fields_of(deed.at))
        case Transfer():
            where = ("transfer", deed.kind.value)
            yield from ((where, field) for field in fields_of(deed.target))
        case _:
            pass


def deed_faults(deed: Deed) -> Faults:
    """Why it cannot be done as its author meant: (place in the step, text)."""
    for where, text in _CHECKS[type(deed)](deed):
        yield (KIND[type(deed)], *where), text


def _gather(deed: Gather) -> Faults:
    yield from _field(deed.field)
    if not 1 <= deed.keys_max <= GATHERED_MAX:
        yield ("keys_max",), f"must be 1 to {GATHERED_MAX}"
    if not 0 <= deed.keys_min <= deed.keys_max:
        yield ("keys_min",), "must be 0 to keys_max"
    if deed.end_key not in _KEYS | {""}:
        yield ("end_key",), "must be one key, or empty"
    for name in ("first_ms", "next_ms"):
        if not 0 < getattr(deed, name) <= WAIT_MS_MAX:
            yield (name,), f"must be 1 to {WAIT_MS_MAX}"
    if not 1 <= deed.tries <= GATHER_TRIES_MAX:
        yield ("tries",), f"must be 1 to {GATHER_TRIES_MAX}"
    if deed.again and not is_prompt_name(deed.again):
        yield ("again",), "must be the name of a prompt"


def _choose(deed: Choose) -> Faults:
    yield from _field(deed.field)
    if not 1 <= len(deed.cases) <= CASES_MAX:
        yield ("cases",), f"must be 1 to {CASES_MAX} cases"
    for index, case in enumerate(deed.cases):
        if case in deed.cases[:index]:
            yield ("cases", index), "is there already"
        if not (case.equals or case.least or case.less or case.empty):
            yield ("cases", index), "says nothing of the value: every call would go there"
        for name in ("least", "less"):
            if getattr(case, name) and number(getattr(case, name)) is None:
                yield ("cases", index, name), "must be a number"
        low, high = number(case.least), number(case.less)
        if low is not None and high is not None and low >= high:
            yield ("cases", index, "less"), "no number is in between"
        if case.empty and (case.equals or case.least or case.less):
            yield ("cases", index, "empty"), "stands alone: a value that is not there is no other"


def _assign(deed: Assign) -> Faults:
    yield from _field(deed.field)
    yield from _text(("value",), deed.value)


def _tape(deed: Tape) -> Faults:
    if not 1 <= deed.seconds_max <= TAPE_S_MAX:
        yield ("seconds_max",), f"must be 1 to {TAPE_S_MAX}"
    if deed.stop_key not in _KEYS | {""}:
        yield ("stop_key",), "must be one key, or empty"


def _forbid(deed: Forbid) -> Faults:
    if not 0 <= deed.days <= DAYS_MAX:
        yield ("days",), f"must be 0 to {DAYS_MAX}"


def _promise(deed: Promise) -> Faults:
    if bool(deed.minutes) == bool(deed.at):
        yield (), "needs either minutes or at"
    if not 0 <= deed.minutes <= CALLBACK_AHEAD_S_MAX // 60:
        yield ("minutes",), f"must be 0 to {CALLBACK_AHEAD_S_MAX // 60}"
    yield from _text(("at",), deed.at)
    if deed.at and not fields_of(deed.at) and _TIME.match(deed.at) is None:
        yield ("at",), 'must be a time of day such as "17:30", or a {field} with one'


def _transfer(deed: Transfer) -> Faults:
    where = (TargetKind(deed.kind).value,)
    if not deed.target:
        yield where, "must name somebody"
    yield from _text(where, deed.target)
    if deed.hold_prompt and not is_prompt_name(deed.hold_prompt):
        yield ("hold_prompt",), "must be the name of a prompt"
    if not RING_S_MIN <= deed.ring_s_max <= RING_S_MAX:
        yield ("ring_s_max",), f"must be {RING_S_MIN} to {RING_S_MAX}"


def _close(deed: Close) -> Faults:
    if not 1 <= len(deed.result) <= NAME_CHARS_MAX or not deed.result.isprintable():
        yield (), "must be a printable name"


def _field(name: str) -> Faults:
    if _FIELD.match(name) is None:
        yield ("field",), f"must be a name of 1 to {FIELD_CHARS_MAX} characters, without braces"


def _text(where: tuple[str, ...], text: str) -> Faults:
    if len(text) > VALUE_CHARS_MAX or stray_braces(text):
        yield where, f"must be at most {VALUE_CHARS_MAX} characters with {{fields}}"


_CHECKS: Final[dict[type[Deed], Callable[[Any], Faults]]] = {
    Gather: _gather,
    Choose: _choose,
    Assign: _assign,
    Tape: _tape,
    Forbid: _forbid,
    Promise: _promise,
    Transfer: _transfer,
    Close: _close,
}


def number(text: str) -> Decimal | None:
    """A value as a number; None when it is none. A comma is a point."""
    try:
        found = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def holds(case: Case, value: str) -> bool:
    """Whether a value is as a case says; texts are the same whatever their case and outer space."""
    value = value.strip()
    if case.empty or not value:
        return case.empty and not value
    if case.equals and value.casefold() not in {one.strip().casefold() for one in case.equals}:
        return False
    if not case.least and not case.less:
        return True
    found, low, high = number(value), number(case.least), number(case.less)
    if found is None:
        return False
    return (low is None or low <= found) and (high is None or found < high)


def due_at(deed: Promise, fields: Mapping[str, str], now_s: int, zone: tzinfo) -> int | None:
    """When a promised call is due, in Unix seconds; None when its text is no time of day."""
    if deed.minutes:
        return now_s + deed.minutes * 60
    found = _TIME.match(filled_or_empty(deed.at, fields))
    if found is None:
        return None
    now = datetime.fromtimestamp(now_s, zone)
    at = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    if at.timestamp() <= now_s:
        at += timedelta(days=1)
    return int(at.timestamp())
