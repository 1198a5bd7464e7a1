"""The state machines of a modem port as Mermaid diagrams, and the keys of dialect files as tables.

Both are made from what the code runs by.
"""

from __future__ import annotations

import typing
from types import ModuleType

import msgspec

from gsm import channel_table, port_table
from gsm.carrier import Answers, Carrier, ReachRule
from gsm.dialect import (
    Audio,
    Calls,
    CauseOf,
    Dialect,
    Dtmf,
    Files,
    Health,
    Identity,
    Init,
    Pin,
    Probe,
    Sms,
    Urc,
    Ussd,
)

MACHINES: tuple[tuple[ModuleType, str], ...] = (
    (port_table, "A port"),
    (channel_table, "Its channel: one command at a time"),
)
TABLES: tuple[type[msgspec.Struct], ...] = (
    Dialect, Identity, Pin, Calls, Dtmf, Audio, Files, Ussd, Sms, Health, Init, Probe, Urc,
    CauseOf,
    Carrier, Answers, ReachRule,
)  # fmt: skip
COMMON = 6  # an event that leads to one state from so many others is told in words


def moves(module: ModuleType) -> dict[tuple[str, str], list[str]]:
    """(before, after) -> the events that lead there."""
    found: dict[tuple[str, str], list[str]] = {}
    for (state, event), after in module.TABLE.items():
        edge = module.STATES[state], module.STATES[after]
        found.setdefault(edge, []).append(module.EVENTS[event])
    return found


def common(module: ModuleType) -> dict[tuple[str, str], list[str]]:
    """(event, after) -> the states that it leads there from, where they are many."""
    found: dict[tuple[str, str], list[str]] = {}
    for (state, event), after in module.TABLE.items():
        key = module.EVENTS[event], module.STATES[after]
        found.setdefault(key, []).append(module.STATES[state])
    return {key: states for key, states in found.items() if len(states) >= COMMON}


def diagram(module: ModuleType) -> list[str]:
    """The lines of one Mermaid state diagram, without what is common to most states."""
    shared = common(module)
    lines = ["stateDiagram-v2", f"    [*] --> {_name(module.STATES[0])}"]
    for (before, after), events in moves(module).items():
        own = [event for event in events if (event, after) not in shared]
        if own:
            lines.append(f"    {_name(before)} --> {_name(after)}: {' / '.join(own)}")
    return lines


def _name(state: str) -> str:
    return state.replace(" ", "_")


def machines_page() -> str:
    """`docs/reference/gsm-machines.md`."""
    out = [
        "# State machines of a modem port",
        "",
        "Generated from the tables in the code by `docs/generate.py`. What is no arrow changes",
        "nothing: a call that is asked for in another state is refused with the reason.",
    ]
    for module, title in MACHINES:
        text = (module.__doc__ or "").strip()
        out += ["", f"## {title}", "", f"`{module.__name__}`. {text}", ""]
        for (event, after), states in common(module).items():
            out.append(f"- *{event}* leads to **{after}** from {', '.join(states)}.")
        out += ["", "```mermaid", *diagram(module), "```"]
    return "\n".join(out) + "\n"


def dialects_page() -> str:
    """`docs/reference/gsm-dialects.md`."""
    out = [
        "# Dialects and carriers of modem banks",
        "",
        "A file of `conf/gsm/` says what one make of modem says and wants to hear, one of",
        "`conf/gsm/carriers/` how networks answer. What every modem must do by 3GPP TS 27.007 and",
        "27.005 needs no file. A port without a dialect of its own takes the file that names the",
        "module's model, then one that names its maker, then `generic`. Written by",
        "`docs/generate.py`.",
        "",
        "Patterns are regular expressions of Python and see the first 500 characters of a line.",
        "They are tried on whatever a modem says, so a file is refused, with its line, whose",
        "patterns could take long: one repetition may have no end (`.*`, `\\d+`), none may be of a",
        "group, the others go up to 64 (`\\d{1,9}`), and the ways to share a line are bounded.",
    ]
    for table in TABLES:
        text = " ".join((table.__doc__ or "").split())
        out += [
            "",
            f"## {table.__name__}",
            "",
            text,
            "",
            "| key | meaning | default |",
            "|---|---|---|",
        ]
        hints = typing.get_type_hints(table, include_extras=True)
        inherited = Answers.__struct_fields__ if table is Carrier else ()
        for field in msgspec.structs.fields(table):
            if field.name in inherited:
                continue
            meaning = _meaning(hints[field.name])
            out.append(f"| `{field.encode_name}` | {meaning} | {_default(field)} |")
    return "\n".join(out) + "\n"


def _meaning(kind: typing.Any) -> str:
    text = ""
    while typing.get_origin(kind) is typing.Annotated:
        base, *metas = typing.get_args(kind)
        said = [m.description for m in metas if isinstance(m, msgspec.Meta) and m.description]
        text = text or " ".join(said)
        kind = base
    if typing.get_origin(kind) is typing.Literal:
        text += " One of: " + ", ".join(f"`{value}`" for value in typing.get_args(kind)) + "."
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        text = f"[The table of that name](#{kind.__name__.lower()})."
    return text.strip().replace("|", "\\|")


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT or isinstance(value, msgspec.Struct):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return ", ".join(f"`{each}`" for each in value).replace("|", "\\|")
    shown = str(value).replace("|", "\\|")
    return f"`{shown}`" if shown else ""
