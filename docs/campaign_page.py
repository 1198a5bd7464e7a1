"""`docs/reference/campaign.md`: every key of a campaign, by the types that check it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, cast

import msgspec
import msgspec.inspect as mi

from dialerd.core.campaign_spec import CampaignSpec

INTRO: Final = """\
# Campaign reference

<!-- Written by docs/campaign_page.py from dialerd/core/campaign_spec.py. -->

The keys of a campaign: of its TOML file (`dialerd campaign create --file FILE`, `dialerd apply`),
and of its JSON over HTTP (`POST /v1/campaigns`), which has the same names. What does not fit is
refused whole, with the place of every fault. A key that is left out has its default; one without
a default is required. How they are used: [broadcasts and flows](../howto/flows.md),
[agents](../howto/work-with-agents.md), [who answered](../howto/answers-in-campaigns.md),
[lists and numbers](../howto/lists-and-numbers.md), [files of objects](../howto/apply.md)."""


class Table(NamedTuple):
    """One table of the file: its header as it stands there, and what checks it."""

    header: str
    kind: mi.StructType


def page(toml: Callable[[Any], str]) -> str:
    """The whole page; `toml` says a value as TOML."""
    out = [INTRO]
    for table in tables():
        about = inspect.getdoc(table.kind.cls) or ""
        out += ["", f"## {table.header}", "", about, ""]
        out += ["| key | meaning | type | default |", "|---|---|---|---|"]
        for field in table.kind.fields:
            inner, notes = bare(field.type)
            cells = [f"`{field.encode_name}`", meaning(inner, notes), kind_of(inner, notes)]
            out.append(f"| {' | '.join(map(_cell, [*cells, default_of(field, toml)]))} |")
    return "\n".join(out) + "\n"


def tables() -> Iterator[Table]:
    """All tables, each struct once, where it is met first; a table's own follow it."""
    seen: set[type] = set()

    def below(kind: mi.StructType, header: str, path: str) -> Iterator[Table]:
        if kind.cls in seen:
            return
        seen.add(kind.cls)
        yield Table(header, kind)
        for field in kind.fields:
            for inner, many, key in _structs(field.type):
                at = f"{path}{field.encode_name}{key}"
                yield from below(inner, f"[[{at}]]" if many else f"[{at}]", f"{at}.")

    return below(cast(mi.StructType, mi.type_info(CampaignSpec)), "The campaign itself", "")


def _structs(
    kind: mi.Type, key: str = "", *, many: bool = False
) -> Iterator[tuple[Any, bool, str]]:
    """Structs in a type: (struct, in a list, what stands for a table's own names)."""
    inner, _ = bare(kind)
    if isinstance(inner, mi.StructType):
        yield inner, many, key
    elif isinstance(inner, mi.VarTupleType):
        yield from _structs(inner.item_type, key, many=True)
    elif isinstance(inner, mi.DictType):
        yield from _structs(inner.value_type, ".NAME")
    elif isinstance(inner, mi.UnionType):
        for one in inner.types:
            yield from _structs(one, key, many=many)


def bare(kind: mi.Type) -> tuple[mi.Type, dict[str, str]]:
    """A type without its notes, and those: `description`, `hint`."""
    notes: dict[str, str] = {}
    while isinstance(kind, mi.Metadata):
        notes = dict(kind.extra_json_schema or {}) | dict(kind.extra or {}) | notes
        kind = kind.type
    return kind, notes


def meaning(kind: mi.Type, notes: dict[str, str]) -> str:
    """What a key is for."""
    if "description" not in notes and isinstance(kind, mi.StructType):
        return (inspect.getdoc(kind.cls) or "").partition("\n")[0]
    return notes["description"]


def kind_of(kind: mi.Type, notes: dict[str, str]) -> str:  # noqa: PLR0911 - one for each
    """A type in words, with its limits."""
    hint = f" ({notes['hint']})" if "hint" in notes else ""
    match kind:
        case mi.StrType():
            return "text" + hint + _between(kind.min_length, kind.max_length, " characters")
        case mi.IntType() | mi.FloatType():
            name = "whole number" if isinstance(kind, mi.IntType) else "number"
            steps = f", in steps of {kind.multiple_of}" if kind.multiple_of else ""
            return name + _between(kind.ge, kind.le, "") + steps
        case mi.BoolType():
            return "true or false"
        case mi.DateTimeType():
            return "time, with its zone"
        case mi.EnumType():
            return ", ".join(f"`{one.value}`" for one in kind.cls)
        case mi.VarTupleType():
            some = _between(kind.min_length, kind.max_length, "")
            return f"list of {kind_of(*bare(kind.item_type))}" + some.replace(",", ";", 1)
        case mi.DictType():
            key, value = bare(kind.key_type), bare(kind.value_type)
            some = _between(kind.min_length, kind.max_length, "").replace(",", ";", 1)
            return f"table: {kind_of(*key)} to {kind_of(*value)}" + some
        case mi.UnionType():
            return " or ".join(kind_of(*bare(one)) for one in kind.types)
        case mi.StructType():
            return f"table ({_place(kind)})"
    raise TypeError(kind)


def _place(kind: mi.StructType) -> str:
    """Where a table is described."""
    return next(f"`{one.header}`" for one in tables() if one.kind.cls is kind.cls)


def _between(least: float | None, most: float | None, of: str) -> str:
    if least and most is not None:
        return f", {least} to {most}{of}"
    if most is not None:
        return f", at most {most}{of}"
    return f", at least {least}{of}" if least else ""


def default_of(field: mi.Field, toml: Callable[[Any], str]) -> str:
    """What counts when a key is left out."""
    if field.required:
        return "none, required"
    value = field.default
    if value is msgspec.NODEFAULT:
        if not callable(field.default_factory):  # UNSET
            return "none"
        value = field.default_factory()
    return "that of its keys" if isinstance(value, msgspec.Struct) else f"`{toml(value)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
