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

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from fastpath.numbers import REASONS, Numbering

PREFIX_DIGITS_MAX = 5  # with the leading 0
E164_DIGITS_MAX = 15
NEVER_REASON = len(REASONS)  # reason index of the first [[never]]
AMBIGUOUS_REASON = next(i for i, text in enumerate(REASONS) if text.startswith("ambiguous:"))

# Bounds of the compiled tables (fastpath/plan.pxd).
RULES_MAX = 3_900
ALLOW_MAX = 64
NEVER_MAX = 64
SHORT_MAX = 64
NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")

Path = tuple[str | int, ...]
RuleRow = tuple[str, tuple[int, ...], str, str, int, int, bool]


class PlanError(ValueError):
    """A numbering plan that cannot be used. `path` are the keys that lead to what is wrong."""

    def __init__(self, path: Path, text: str) -> None:
        """Keep both, so that a caller can point at the line."""
        super().__init__(f"{'.'.join(map(str, path))}: {text}" if path else text)
        self.path = path
        self.text = text


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


def load_plan(source: str | Mapping[str, Any], destinations: Sequence[str] = ()) -> dict[str, Any]:
    """Check a plan (TOML text, or already parsed) and lay it out for `Numbering`.

    `destinations` are E.164 prefixes without the plus that stand instead of the plan's own.

    Raises:
        PlanError: it is not TOML, a key is unknown or missing, a type is wrong, or two entries
            contradict each other.
    """
    if isinstance(source, str):
        try:
            source = tomllib.loads(source)
        except tomllib.TOMLDecodeError as error:
            raise PlanError((), str(error)) from None
    try:
        plan = msgspec.convert(source, Plan)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        raise PlanError((path.strip(".`"),) if path else (), text) from None
    return lay_out(plan, destinations)


def lay_out(plan: Plan, destinations: Sequence[str] = ()) -> dict[str, Any]:
    """A typed plan, checked for sense, as `Numbering` takes it; PlanError otherwise."""
    _check_country(plan)
    rules = _rules(plan)
    carriers = [carrier.name for carrier in plan.mobile.carrier]
    return {
        "country_code": plan.country_code,
        "carriers": carriers,
        "never": [(never.name, never.why) for never in plan.never],
        "rules": rules,
        "emergency": list(_emergency(plan)),
        "allow": list(destinations) or [prefix[1:] for prefix in plan.destinations.allow],
        "ported": _ported(plan, carriers),
    }


def load_numbering(source: str | Mapping[str, Any], destinations: Sequence[str] = ()) -> Numbering:
    """The compiled plan; PlanError when it cannot be used."""
    return Numbering(load_plan(source, destinations))


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _prefix(text: str, path: Path) -> str:
    """A prefix written with its leading 0, returned without it."""
    if not _is_digits(text) or not text.startswith("0"):
        raise PlanError(path, f'{text!r} is not a prefix: digits with the leading 0, as in "091"')
    if not 2 <= len(text) <= PREFIX_DIGITS_MAX:
        raise PlanError(path, f"{text!r} must have 2 to {PREFIX_DIGITS_MAX} digits with its 0")
    return text[1:]


def _check_country(plan: Plan) -> None:
    code = plan.country_code
    if not _is_digits(code) or not 1 <= len(code) <= 3 or code.startswith("0"):
        raise PlanError(("country_code",), f"{code!r} is not 1 to 3 digits without plus")
    if not plan.destinations.allow:
        raise PlanError(("destinations", "allow"), "nothing could be dialed")
    for index, prefix in enumerate(plan.destinations.allow):
        digits = prefix[1:]
        if prefix[:1] != "+" or not _is_digits(digits) or len(digits) > E164_DIGITS_MAX:
            where = ("destinations", "allow", index)
            raise PlanError(where, f'{prefix!r} is not a prefix such as "+849"')
    if len(plan.destinations.allow) > ALLOW_MAX:
        raise PlanError(("destinations", "allow"), f"more than {ALLOW_MAX} prefixes")
    longest = E164_DIGITS_MAX - len(code)
    for name, count in (("mobile", plan.mobile.digits), ("landline", plan.landline.digits)):
        if not 6 <= count <= longest:
            raise PlanError((name, "digits"), f"{count} is not between 6 and {longest}")


def _unique(names: Iterable[tuple[str, Path]]) -> None:
    seen: set[str] = set()
    for name, path in names:
        if not NAME.fullmatch(name):
            raise PlanError(path, f"{name!r} is not a name: letters, digits, - and _")
        if name in seen:
            raise PlanError(path, f"{name!r} stands there twice")
        seen.add(name)


def _rules(plan: Plan) -> list[RuleRow]:
    """All rules, the overruling ones later: longer prefixes after shorter, [[never]] last."""
    today = [*_mobile_rules(plan), *_landline_rules(plan)]
    old = list(_migration_rules(plan, today))
    ranked = sorted([*old, *today], key=lambda row: len(row[2]))
    rules = [*ranked, *_never_rules(plan)]
    if len(rules) > RULES_MAX:
        raise PlanError((), f"{len(rules)} prefixes and codes; at most {RULES_MAX}")
    return rules


def _mobile_rules(plan: Plan) -> list[RuleRow]:
    length = (plan.mobile.digits - 1,)
    base: Path = ("mobile", "carrier")
    carriers = plan.mobile.carrier
    _unique((carrier.name, (*base, i, "name")) for i, carrier in enumerate(carriers))
    _unique(
        (text, (*base, i, "prefixes", j))
        for i, carrier in enumerate(carriers)
        for j, text in enumerate(carrier.prefixes)
    )
    names = {carrier.name for carrier in carriers}
    rows: list[RuleRow] = []
    for i, carrier in enumerate(carriers):
        if carrier.host and carrier.host not in names:
            raise PlanError((*base, i, "host"), f"{carrier.host!r} is no carrier of this plan")
        for j, text in enumerate(carrier.prefixes):
            prefix = _prefix(text, (*base, i, "prefixes", j))
            rows.append((f"mobile:{text}", length, prefix, prefix, i + 1, 0, False))
    return rows


def _landline_rules(plan: Plan) -> list[RuleRow]:
    base: Path = ("landline", "codes")
    codes = plan.landline.codes
    _unique((text, (*base, i)) for i, text in enumerate(codes))
    length = (plan.landline.digits - 1,)
    prefixes = [(text, _prefix(text, (*base, i))) for i, text in enumerate(codes)]
    return [(f"landline:{text}", length, prefix, prefix, 0, 0, False) for text, prefix in prefixes]


def _collides(length: int, prefix: str, rows: Iterable[RuleRow]) -> str:
    """The rule that would also read a number of this length and prefix, if any."""
    for name, lengths, other, *_ in rows:
        if length in lengths and (prefix.startswith(other) or other.startswith(prefix)):
            return name
    return ""


def _migration_rules(plan: Plan, today: list[RuleRow]) -> Iterator[RuleRow]:
    """Rows of the migration tables; an ambiguous code gives a refusal instead of a conversion."""
    new_lengths = {row[2]: row[1][0] for row in today}
    taken: list[RuleRow] = []
    for name, migration in plan.migration.items():
        base: Path = ("migration", name)
        _unique([(name, base)])
        _check_ambiguous(migration, base)
        for old_text, new_text in migration.codes.items():
            where = (*base, "codes", old_text)
            old, new = _prefix(old_text, where), _prefix(new_text, where)
            if new not in new_lengths:
                raise PlanError(where, f"{new_text!r} is no code of today in this plan")
            length = new_lengths[new] - len(new) + len(old)
            # 024 and 028 are shorter than the old 0240 or 0281 and as long with their subscriber
            # numbers, but those never begin with 0 or 1: a shorter area code is no clash.
            rivals = [r for r in today if len(r[2]) >= len(old) or not r[0].startswith("landline:")]
            clash = _collides(length, old, rivals)
            convert = old_text in migration.convert
            if old_text in migration.ambiguous and not convert:
                reason = AMBIGUOUS_REASON
                row = (f"ambiguous:{old_text}", (length,), old, "", 0, reason, False)
            elif clash:
                key = (*base, "convert") if convert else where
                raise PlanError(key, f"{old_text} cannot be converted: {clash} is in use today")
            else:
                row = (f"{name}:{old_text}>{new_text}", (length,), old, new, 0, 0, True)
            if twice := _collides(length, old, taken):
                raise PlanError(where, f"overlaps with {twice}")
            taken.append(row)
            yield row


def _check_ambiguous(migration: Migration, base: Path) -> None:
    for what, codes in (("ambiguous", migration.ambiguous), ("convert", migration.convert)):
        for i, code in enumerate(codes):
            if code not in migration.codes:
                raise PlanError((*base, what, i), f"{code!r} is not among the codes of this table")
    for i, code in enumerate(migration.convert):
        if code not in migration.ambiguous:
            raise PlanError((*base, "convert", i), f"{code!r} is not ambiguous: it is converted")


def _never_rules(plan: Plan) -> Iterator[RuleRow]:
    _unique((never.name, ("never", i, "name")) for i, never in enumerate(plan.never))
    if len(plan.never) > NEVER_MAX:
        raise PlanError(("never",), f"more than {NEVER_MAX} tables")
    for i, never in enumerate(plan.never):
        for j, text in enumerate(never.prefixes):
            prefix = text.removeprefix("0")
            if not _is_digits(prefix) or len(prefix) > 4 or prefix.startswith("0"):
                where = ("never", i, "prefixes", j)
                raise PlanError(where, f"{text!r} is not a prefix of up to 4 digits behind its 0")
            lengths = tuple(range(4, E164_DIGITS_MAX + 1))
            yield (f"{never.name}:{text}", lengths, prefix, "", 0, NEVER_REASON + i, False)


def _emergency(plan: Plan) -> Iterator[tuple[str, str, int]]:
    count = 0
    for i, never in enumerate(plan.never):
        for j, number in enumerate(never.numbers):
            where = ("never", i, "numbers", j)
            if not _is_digits(number) or number.startswith("0") or not 2 <= len(number) <= 6:
                raise PlanError(where, f"{number!r} is not a short number of 2 to 6 digits")
            if (count := count + 1) > SHORT_MAX:
                raise PlanError(where, f"more than {SHORT_MAX} short numbers")
            yield number, f"{never.name}:{number}", NEVER_REASON + i


def _ported(plan: Plan, carriers: list[str]) -> dict[int, int]:
    """National numbers to E.164 values."""
    table: dict[int, int] = {}
    digits = plan.mobile.digits
    for text, carrier in plan.ported.items():
        if carrier not in carriers:
            raise PlanError(("ported", text), f"{carrier!r} is no carrier of this plan")
        if not _is_digits(text) or not text.startswith("0") or len(text) != digits:
            raise PlanError(("ported", text), f"not a national mobile number of {digits} digits")
        table[int(plan.country_code + text[1:])] = carriers.index(carrier) + 1
    return table
