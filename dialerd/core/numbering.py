"""Numbering plans: the TOML of `conf/numbering/`, checked whole, for `fastpath.numbers.Numbering`.

The checked plan is a plain mapping:
    country_code  "84"
    carriers      names; carrier index 0 stands for "unknown" and is not among them: 1 is the first
    never         pairs (name, why) of numbers that nothing may dial
    rules         tuples (name, lengths, prefix, new prefix, carrier, reason, converted), later ones
                  win. Prefixes are those of the national significant number (without the 0), at
                  most 4 digits; lengths count the digits of that number
    emergency     tuples (number, rule name, reason)
    allow         prefixes of E.164, without the plus
    ported        E.164 value -> carrier index
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from fastpath.numbers import REASONS, Numbering

PREFIX_DIGITS_MAX = 5  # with the leading 0
E164_DIGITS_MAX = 15
NEVER_REASON = len(REASONS)  # reason index of the first [[never]]
AMBIGUOUS_REASON = next(i for i, text in enumerate(REASONS) if text.startswith("ambiguous:"))

RuleRow = tuple[str, tuple[int, ...], str, str, int, int, bool]


class PlanError(ValueError):
    """A numbering plan that cannot be used. `key` is the dotted path of what is wrong."""

    def __init__(self, key: str, text: str) -> None:
        """Keep the key beside the text, so that a caller can point at its line."""
        super().__init__(f"{key}: {text}" if key else text)
        self.key = key


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the tables of a plan."""


class Carrier(_Table, frozen=True):
    """`[[mobile.carrier]]`."""

    name: str
    prefixes: tuple[str, ...] = ()
    host: str = ""


class Mobile(_Table, frozen=True):
    """`[mobile]`."""

    digits: int
    carrier: tuple[Carrier, ...]


class Landline(_Table, frozen=True):
    """`[landline]`."""

    digits: int
    codes: tuple[str, ...]


class Migration(_Table, frozen=True):
    """`[migration.NAME]`."""

    codes: dict[str, str]
    ambiguous: tuple[str, ...] = ()
    convert: tuple[str, ...] = ()


class Never(_Table, frozen=True):
    """`[[never]]`."""

    name: str
    why: str
    numbers: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


class Destinations(_Table, frozen=True):
    """`[destinations]`."""

    allow: tuple[str, ...]


class Plan(_Table, frozen=True):
    """A whole plan, typed but not yet checked for sense."""

    country_code: str
    destinations: Destinations
    mobile: Mobile
    landline: Landline
    migration: dict[str, Migration] = {}
    never: tuple[Never, ...] = ()
    ported: dict[str, str] = {}


def load_plan(source: str | Mapping[str, Any]) -> dict[str, Any]:
    """Check a plan (TOML text, or already parsed) and lay it out for `Numbering`.

    Raises:
        PlanError: it is not TOML, a key is unknown or missing, a type is wrong, or two entries
            contradict each other.
    """
    if isinstance(source, str):
        try:
            source = tomllib.loads(source)
        except tomllib.TOMLDecodeError as error:
            raise PlanError("", str(error)) from None
    try:
        plan = msgspec.convert(source, Plan)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$.")
        raise PlanError(path.rstrip("`"), text) from None
    _check_country(plan)
    rules = _rules(plan)
    carriers = [carrier.name for carrier in plan.mobile.carrier]
    return {
        "country_code": plan.country_code,
        "carriers": carriers,
        "never": [(never.name, never.why) for never in plan.never],
        "rules": rules,
        "emergency": list(_emergency(plan)),
        "allow": [prefix[1:] for prefix in plan.destinations.allow],
        "ported": _ported(plan, carriers),
    }


def load_numbering(source: str | Mapping[str, Any]) -> Numbering:
    """The compiled plan; PlanError when it cannot be used."""
    return Numbering(load_plan(source))


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _prefix(text: str, key: str) -> str:
    """A prefix written with its leading 0, returned without it."""
    if not _is_digits(text) or not text.startswith("0"):
        raise PlanError(key, f'{text!r} is not a prefix: digits with the leading 0, such as "091"')
    if not 2 <= len(text) <= PREFIX_DIGITS_MAX:
        raise PlanError(key, f"{text!r} must have 2 to {PREFIX_DIGITS_MAX} digits with its 0")
    return text[1:]


def _check_country(plan: Plan) -> None:
    code = plan.country_code
    if not _is_digits(code) or not 1 <= len(code) <= 3 or code.startswith("0"):
        raise PlanError(
            "country_code", f"{code!r} is not a calling code: 1 to 3 digits without plus"
        )
    for prefix in plan.destinations.allow:
        digits = prefix[1:]
        if prefix[:1] != "+" or not _is_digits(digits) or len(digits) > E164_DIGITS_MAX:
            raise PlanError("destinations.allow", f'{prefix!r} is not a prefix such as "+849"')
    longest = E164_DIGITS_MAX - len(code)
    for name, count in (("mobile", plan.mobile.digits), ("landline", plan.landline.digits)):
        if not 6 <= count <= longest:
            raise PlanError(f"{name}.digits", f"{count} is not between 6 and {longest}")


def _unique(names: Iterable[str], key: str) -> None:
    seen: set[str] = set()
    for name in names:
        if not name or name in seen:
            raise PlanError(key, f"{name!r} stands there twice" if name else "a name is empty")
        seen.add(name)


def _rules(plan: Plan) -> list[RuleRow]:
    """All rules, the overruling ones later: longer prefixes after shorter, [[never]] last."""
    today = [*_mobile_rules(plan), *_landline_rules(plan)]
    old = list(_migration_rules(plan, today))
    ranked = sorted([*old, *today], key=lambda row: len(row[2]))
    return [*ranked, *_never_rules(plan)]


def _mobile_rules(plan: Plan) -> list[RuleRow]:
    length = (plan.mobile.digits - 1,)
    _unique((carrier.name for carrier in plan.mobile.carrier), "mobile.carrier.name")
    _unique((p for c in plan.mobile.carrier for p in c.prefixes), "mobile.carrier.prefixes")
    names = {carrier.name for carrier in plan.mobile.carrier}
    rows: list[RuleRow] = []
    for index, carrier in enumerate(plan.mobile.carrier, start=1):
        if carrier.host and carrier.host not in names:
            raise PlanError("mobile.carrier.host", f"{carrier.host!r} is no carrier of this plan")
        for text in carrier.prefixes:
            prefix = _prefix(text, "mobile.carrier.prefixes")
            rows.append((f"mobile:{text}", length, prefix, prefix, index, 0, False))
    return rows


def _landline_rules(plan: Plan) -> list[RuleRow]:
    _unique(plan.landline.codes, "landline.codes")
    length = (plan.landline.digits - 1,)
    prefixes = [(text, _prefix(text, "landline.codes")) for text in plan.landline.codes]
    return [(f"landline:{text}", length, prefix, prefix, 0, 0, False) for text, prefix in prefixes]


def _collides(length: int, prefix: str, today: Iterable[RuleRow]) -> str:
    """The rule of today that would read a number of this length and prefix, if any."""
    for name, lengths, other, *_ in today:
        if length in lengths and (prefix.startswith(other) or other.startswith(prefix)):
            return name
    return ""


def _migration_rules(plan: Plan, today: list[RuleRow]) -> Iterator[RuleRow]:
    """Rows of the migration tables; an ambiguous code gives a refusal instead of a conversion."""
    new_lengths = {row[2]: row[1][0] for row in today}
    taken: list[RuleRow] = []
    for name, migration in plan.migration.items():
        key = f"migration.{name}"
        _check_ambiguous(migration, key)
        for old_text, new_text in migration.codes.items():
            old, new = _prefix(old_text, f"{key}.codes"), _prefix(new_text, f"{key}.codes")
            if new not in new_lengths:
                raise PlanError(
                    f"{key}.codes.{old_text}", f"{new_text!r} is no code of today in this plan"
                )
            length = new_lengths[new] - len(new) + len(old)
            # 024 and 028 are shorter than the old 0240 or 0281 and as long with their subscriber
            # numbers, but those never begin with 0 or 1: a shorter area code is no clash.
            rivals = [r for r in today if len(r[2]) >= len(old) or not r[0].startswith("landline:")]
            clash = _collides(length, old, rivals)
            convert = old_text in migration.convert
            if old_text in migration.ambiguous and not convert:
                row = (f"ambiguous:{old_text}", (length,), old, "", 0, AMBIGUOUS_REASON, False)
            elif clash:
                where = f"{key}.convert" if convert else f"{key}.codes.{old_text}"
                raise PlanError(where, f"{old_text} cannot be converted: {clash} is in use today")
            else:
                row = (f"{name}:{old_text}>{new_text}", (length,), old, new, 0, 0, True)
            if twice := _collides(length, old, taken):
                raise PlanError(f"{key}.codes.{old_text}", f"overlaps with {twice}")
            taken.append(row)
            yield row


def _check_ambiguous(migration: Migration, key: str) -> None:
    for what, codes in (("ambiguous", migration.ambiguous), ("convert", migration.convert)):
        for code in codes:
            if code not in migration.codes:
                raise PlanError(
                    f"{key}.{what}", f"{code!r} is not among the codes of this migration"
                )
    for code in migration.convert:
        if code not in migration.ambiguous:
            raise PlanError(f"{key}.convert", f"{code!r} is not ambiguous, it is converted anyway")


def _never_rules(plan: Plan) -> Iterator[RuleRow]:
    _unique((never.name for never in plan.never), "never.name")
    for reason, never in enumerate(plan.never, start=NEVER_REASON):
        for text in never.prefixes:
            prefix = text.removeprefix("0")
            if (
                not _is_digits(prefix)
                or len(prefix) > PREFIX_DIGITS_MAX - 1
                or prefix.startswith("0")
            ):
                raise PlanError(
                    "never.prefixes", f"{text!r} is not a prefix of up to 4 digits (or 0 and 4)"
                )
            yield (f"{never.name}:{text}", tuple(range(4, 16)), prefix, "", 0, reason, False)


def _emergency(plan: Plan) -> Iterator[tuple[str, str, int]]:
    for reason, never in enumerate(plan.never, start=NEVER_REASON):
        for number in never.numbers:
            if not _is_digits(number) or number.startswith("0") or not 2 <= len(number) <= 6:
                raise PlanError(
                    "never.numbers", f"{number!r} is not a short number of 2 to 6 digits"
                )
            yield number, f"{never.name}:{number}", reason


def _ported(plan: Plan, carriers: list[str]) -> dict[int, int]:
    """National numbers to E.164 values."""
    table: dict[int, int] = {}
    for text, carrier in plan.ported.items():
        if carrier not in carriers:
            raise PlanError(f"ported.{text}", f"{carrier!r} is no carrier of this plan")
        if not _is_digits(text) or not text.startswith("0") or len(text) != plan.mobile.digits:
            raise PlanError(
                f"ported.{text}", f"not a national mobile number of {plan.mobile.digits} digits"
            )
        table[int(plan.country_code + text[1:])] = carriers.index(carrier) + 1
    return table
