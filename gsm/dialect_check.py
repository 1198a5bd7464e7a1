"""What a dialect or carrier file can get wrong beyond its types: patterns, their groups, fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gsm.carrier import Answers, Carriers
from gsm.dialect import Dialect
from gsm.pattern_cost import too_costly

Found = tuple[tuple[str | int, ...], str]
"""Path of a value in the file (keys, positions), and what is wrong with it."""

_FIELDS: Final = re.compile(r"\{([a-z]+)\}")
FILE: Final = {"file"}
_TEMPLATES: Final = (
    ("calls", "dial", {"number"}, {"number"}),
    ("dtmf", "send", {"digit"}, {"digit", "id"}),
    ("ussd", "send", {"code"}, {"code"}),
    ("pin", "enter", {"pin"}, {"pin"}),
    ("sms", "read", {"place"}, {"place"}),
    ("sms", "delete", {"place"}, {"place"}),
    ("files", "play", FILE, FILE),
    ("files", "record", FILE, FILE),
    ("files", "create", FILE, FILE),
    ("files", "put", {"size"}, {"file", "name", "size", "append"}),
    ("files", "open", FILE, FILE),
    ("files", "get", {"size"}, {"file", "name", "size", "offset", "handle"}),
    ("files", "close", {"handle"}, {"handle"}),
)
_LADDERS: Final = ("hang_up", "hang_up_early", "reject")


def faults(dialect: Dialect) -> Iterator[Found]:
    """Everything that is wrong with a dialect."""
    for name in ("manufacturers", "models", "errors", "oks"):
        for index, pattern in enumerate(getattr(dialect, name)):
            yield from _pattern((name, index), pattern)
    for index, init in enumerate(dialect.init):
        yield from _pattern(("init", index, "expect"), init.expect)
    for index, probe in enumerate(dialect.probe):
        yield from _pattern(("probe", index, "expect"), probe.expect)
    for index, cause in enumerate(dialect.cause):
        yield from _pattern(("cause", index, "match"), cause.match)
    for index, urc in enumerate(dialect.urc):
        yield from _pattern(("urc", index, "match"), urc.match)
        if urc.means == "call" and ("(?P<stat>" not in urc.match or not urc.states):
            yield ("urc", index, "means"), "'call' needs the group `stat` and a table of states"
        if urc.means == "digit" and "(?P<digit>" not in urc.match:
            yield ("urc", index, "match"), "'digit' needs the group `digit`"
    yield from _pattern(("pin", "match"), dialect.pin.match, "tries")
    yield from _pattern(("calls", "cause_match"), dialect.calls.cause_match, "cause")
    if dialect.files is not None:
        for name, group in (("opened", "handle"), ("data", "size")):
            pattern = getattr(dialect.files, name)
            if pattern:
                yield from _pattern(("files", name), pattern, group)
    yield from _templates(dialect)


def _templates(dialect: Dialect) -> Iterator[Found]:
    for table, key, needed, allowed in _TEMPLATES:
        text = getattr(getattr(dialect, table), key, "")
        if not text:
            continue
        held = set(_FIELDS.findall(text))
        for name in sorted(needed - held):
            yield (table, key), f"{key!r} must hold {{{name}}}"
        for name in sorted(held - allowed):
            yield (table, key), f"{{{name}}} is not known here"
    for key in _LADDERS:
        for index, text in enumerate(getattr(dialect.calls, key)):
            for name in sorted(set(_FIELDS.findall(text)) - {"id"}):
                yield ("calls", key, index), f"{{{name}}} is not known here, only {{id}}"


def carrier_faults(carriers: Carriers) -> Iterator[Found]:
    """Everything that is wrong with a file of carriers."""
    groups = {"number": ("number",), "balance": ("balance",), "minutes": ("minutes",),
              "package": ("package",), "valid": ("day", "month", "year")}  # fmt: skip
    tables: list[tuple[tuple[str | int, ...], Answers]] = [(("answers",), carriers.answers)]
    tables += [(("carrier", index), one) for index, one in enumerate(carriers.carrier)]
    for path, answers in tables:
        for key, needed in groups.items():
            pattern = getattr(answers, key)
            if pattern:
                yield from _pattern((*path, key), pattern, *needed)
    for index, carrier in enumerate(carriers.carrier):
        for place, start in enumerate(carrier.imsi):
            if re.fullmatch(r"\d{5,15}", start, re.ASCII) is None:
                yield ("carrier", index, "imsi", place), "must be 5 digits or more: MCC and MNC"


def _pattern(path: tuple[str | int, ...], text: str, *groups: str) -> Iterator[Found]:
    try:
        compiled = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        yield path, f"not a regular expression: {error}"
        return
    why = too_costly(text)
    if why:
        yield path, why
    for name in groups:
        if name not in compiled.groupindex:
            yield path, f"needs the group (?P<{name}>...)"
