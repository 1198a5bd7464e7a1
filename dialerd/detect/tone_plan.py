"""Tone plans: the files of `conf/tones`, checked, and the book that a call is heard with.

A trunk names plans ("vn", or "vn us" for both); "all" is every plan that comes with dialerd.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from dialerd.toml_load import Fault, TomlError, check, read
from fastpath.tones_book import HERTZ_MAX, RULES_MAX, STEPS_MAX, ToneBook

FOLDER: Final = Path(__file__).resolve().parents[2] / "conf" / "tones"
ALL: Final = "all"
NAME: Final = r"^[a-z0-9][a-z0-9_-]{0,31}$(?!\n)"

Hertz = Annotated[float, Meta(ge=200, le=3600)]
Seconds = Annotated[float, Meta(ge=0.08, le=20)]


class Tone(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One tone of a plan."""

    kind: Literal["ringback", "busy", "congestion", "dial", "other"]
    hertz: Annotated[tuple[Hertz, ...], Meta(min_length=1, max_length=HERTZ_MAX)]
    cadence_s: Annotated[tuple[Seconds, ...], Meta(max_length=STEPS_MAX)] = ()
    """On, off, on, off; none: it never stops."""
    name: Annotated[str, Meta(pattern=NAME, extra={"hint": "small letters, digits, dash"})] = ""
    """What it is called when `kind` is "other"."""
    modulated_hertz: Annotated[float, Meta(ge=0, le=100)] = 0.0
    off: Annotated[float, Meta(ge=0, le=0.1)] = 0.017
    """Part of a frequency that it may be off."""
    slack: Annotated[float, Meta(ge=0, le=0.5)] = 0.2
    """Part of a time that it may be off."""
    bursts: Annotated[int, Meta(ge=0, le=8)] = 0
    """That must be heard before it is believed; 0: two of a fast rhythm, one of a slow one."""


class TonePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file."""

    tone: Annotated[tuple[Tone, ...], Meta(min_length=1, max_length=RULES_MAX)]
    title: Annotated[str, Meta(max_length=100)] = ""


def _faults(plan: TonePlan) -> Iterator[Fault]:
    for number, tone in enumerate(plan.tone):
        place = ("tone", number)
        if len(tone.cadence_s) % 2:
            yield Fault((*place, "cadence_s"), "each time on needs its time off behind it")
        if (tone.kind == "other") != bool(tone.name):
            said = "a tone of another kind needs a name" if not tone.name else (
                "only a tone of kind \"other\" has a name"
            )  # fmt: skip
            yield Fault((*place, "name" if tone.name else "kind"), said)
        if len(set(tone.hertz)) < len(tone.hertz):
            yield Fault((*place, "hertz"), "a frequency stands twice")
        if tone.modulated_hertz and len(tone.hertz) > 1:
            yield Fault((*place, "modulated_hertz"), "only a single frequency is modulated")
        for other in range(number):
            if plan.tone[other] == tone:
                yield Fault(place, f"the same as tone number {other + 1}", key=True)


def read_plan(path: Path) -> TonePlan:
    """A plan of a file; TomlError names every fault with its place."""
    return read(path, TonePlan, rules=_faults)


def plan_of(text: str, path: Path) -> TonePlan:
    """A plan that is to be written to `path`; TomlError as if it stood there."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TomlError(f"error: {path}: not valid TOML: {error}") from None
    return check(document, TonePlan, text=text, path=path, rules=_faults)


def shipped() -> dict[str, Path]:
    """The plans that come with dialerd, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def find_plan(name: str, base: Path = Path()) -> Path:
    """Where a plan lies: one that comes with dialerd, or a file, which counts from `base`.

    TomlError: there is none.
    """
    known = shipped()
    if name in known:
        return known[name]
    if name.endswith(".toml") and (base / name).is_file():
        return base / name
    raise TomlError(f"error: no tone plan {name!r}; known: {', '.join(known)}, or a .toml file")


def book_of(*plans: TonePlan) -> ToneBook:
    """The compiled rules of plans. A tone that stands in several counts once."""
    rules: list[dict[str, Any]] = []
    for plan in plans:
        for tone in plan.tone:
            rule = _rule(tone)
            if rule not in rules:
                rules.append(rule)
    return ToneBook(rules)


def _rule(tone: Tone) -> dict[str, Any]:
    rule = {
        "kind": tone.kind, "name": tone.name or tone.kind, "hertz": list(tone.hertz),
        "cadence_ms": [round(1000 * one) for one in tone.cadence_s],
        "sideband": tone.modulated_hertz, "off": tone.off, "slack": tone.slack,
    }  # fmt: skip
    if tone.bursts:
        rule["bursts"] = tone.bursts
    return rule


@lru_cache(maxsize=64)
def load_book(names: str = ALL, base: Path = Path()) -> ToneBook:
    """The book of plans, named with spaces between; TomlError names every fault.

    Files among them count from `base`.
    """
    wanted = list(shipped()) if names == ALL else names.split()
    return book_of(*(read_plan(find_plan(name, base)) for name in wanted))
