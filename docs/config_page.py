"""`conf/dialerd.toml` and `docs/reference/config.md`: every key, by the types that check it."""

from __future__ import annotations

import datetime as dt
import textwrap
import types
import typing
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from dialerd.config import Config

TITLES = {
    "live": "a reload changes it for all",
    "drain": "a reload changes it for calls that begin after it",
    "restart": "fixed for the life of the process",
}

# What the shipped file sets; every other key stands there as a comment with its default.
SHIPPED: dict[str, dict[str, Any]] = {
    "store": {"path": "../data"},
    "control": {"socket": "../data/control.sock"},
    "trunk": {
        "name": "loopback",
        "host": "127.0.0.1",
        "port": 5080,
        "channels": 240,
        "loopback": True,
    },
}
EXAMPLES: dict[str, Any] = {
    "prompts": "../dialerd/prompts/vi",
    "plan": "numbering/vn.toml",
    "regimes": "regimes",
    "password": "${env:CARRIER_PASSWORD}",
    "password_file": "secrets/carrier",
    "carriers": ("viettel",),
    "prefixes": ("8490", "8493"),
    "destinations": ("849", "843"),
    "advertised": "203.0.113.10",
    "username": "842873001234",
    "from_user": "842873001234",
    "from_domain": "sip.carrier.example",
    "caller_id": "+842873001234",
    "domain": "sip.carrier.example",
    "registrar": "sip.carrier.example",
    "auth_name": "842873001234@sip.carrier.example",
    "from_display": "{caller_id}",
    "asserted_identity": "<sip:{caller_id}@{domain}>",
    "preferred_identity": "<sip:{caller_id}@{domain}>",
    "privacy": "id",
    "headers": {"X-Line": "{account}"},
    "contact_user": "{account}",
    "provider": "FPT",
    "sources": ("203.0.113.0/24",),
    "servers": ("192.0.2.53",),
    "certificate": "tls/dialerd.pem",
    "key": "tls/dialerd.key",
    "ca": "tls/carriers.pem",
    "users": "phones.htdigest",
    "hep_host": "192.0.2.9",
    "hep_key": "${env:HEP_KEY}",
    "ha1": "5f4dcc3b5aa765d61d8327deb882cf99",
    "ha1_sha256": "ef" * 32,
    "sip.listen.transport": "tcp",
    "sip.listen.bind": "127.0.0.1",
    "retention.campaign.name": "debt collection",
    "phones.user.name": "101",
    "trunk.ports_by": "prefix",
    "trunk.advertised": "203.0.113.10",
    "trunk.dial.to": "8490",
    "trunk.dial.strip": 3,
    "trunk.dial.add": "9#0",
    "trunk.incoming.begins": "0",
    "trunk.incoming.strip": 1,
    "trunk.incoming.add": "84",
    "trunk.outcome.code": 480,
    "trunk.outcome.q850": 20,
    "trunk.outcome.phrase": "power off",
    "trunk.outcome.early_media": True,
    "trunk.outcome.outcome": "unreachable",
    "trunk.outcome.another": False,
    "trunk.sound.kind": "announcement",
    "trunk.sound.value": "busy",
    "trunk.sound.outcome": "unreachable",
    "detection.models": "amd",
    "detection.announcements": "announcements",
    "bank.name": "sims",
    "bank.slots": "/dev/serial/by-path/*:1.2-port0",
    "bank.audio": "/dev/serial/by-path/*:1.1-port0",
    "bank.dialects": "gsm",
    "bank.pin_file": "secrets/pin",
    "bank.sim.pin_file": "secrets/pin",
    "bank.sim.iccid": "8984012345678901234",
    "bank.device.name": "1",
    "bank.device.at": "/dev/ttyUSB2",
    "bank.device.audio": "/dev/ttyUSB1",
    "trunk.ports.numbers": "1-8",
    "trunk.ports.address": "8{port}",
    "log.file": "dialerd.log",
    "free_s": 600,
    "since": dt.date(2026, 11, 1),
    "until": dt.date(2027, 10, 31),
}


class Key(typing.NamedTuple):
    """One documented key."""

    name: str
    meta: msgspec.Meta
    kind: Any
    default: Any
    required: bool

    @property
    def text(self) -> str:
        """Its meaning."""
        return self.meta.description or ""

    @property
    def reload(self) -> str:
        """live, drain or restart."""
        return str((self.meta.extra or {})["reload"])

    @property
    def default_text(self) -> str:
        """Its default as TOML, or in words."""
        if self.required:
            return "none, required"
        shown = (self.meta.extra or {}).get("shown")
        return str(shown) if shown else ("none" if self.default is None else toml(self.default))


def toml(value: Any) -> str:
    """A value as TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict() if not value:
            return "{}"
        case dict():
            return "{ " + ", ".join(f"{name} = {toml(item)}" for name, item in value.items()) + " }"
        case tuple() | list():
            return "[" + ", ".join(toml(item) for item in value) + "]"
        case str() | Path() | StrEnum():
            return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
        case _:
            return str(value)


def keys(section: type[msgspec.Struct]) -> list[Key]:
    """The keys of one table, in the order of its struct; its own tables are `sections`."""
    found = []
    for field in msgspec.structs.fields(section):
        if table_of(field.type) is not None:
            continue
        kind, *metas = typing.get_args(field.type)
        meta = next(m for m in metas if isinstance(m, msgspec.Meta))
        default = {} if field.default is msgspec.NODEFAULT else field.default
        found.append(Key(field.encode_name, meta, kind, default, field.required))
    return found


class Table(typing.NamedTuple):
    """One table of the file; `name` is dotted, `many` tells an array of tables."""

    name: str
    section: type[msgspec.Struct]
    many: bool

    @property
    def header(self) -> str:
        """As it stands in the file."""
        return f"[[{self.name}]]" if self.many else f"[{self.name}]"


def table_of(kind: Any) -> tuple[type[msgspec.Struct], bool] | None:
    """The struct of a field that is a table or an array of tables."""
    if typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    many = typing.get_origin(kind) is tuple
    inner = typing.get_args(kind)[0] if many else kind
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        return inner, many
    return None


def sections(parent: type[msgspec.Struct] = Config, prefix: str = "") -> list[Table]:
    """The tables of the whole file, each followed by its own."""
    found: list[Table] = []
    for field in msgspec.structs.fields(parent):
        table = table_of(field.type)
        if table is not None:
            name = prefix + field.encode_name
            found.append(Table(name, *table))
            found += sections(table[0], f"{name}.")
    return found


def example(table: str, key: Key) -> Any:
    """What a commented key shows: an example where its default shows nothing."""
    for name in (f"{table}.{key.name}", key.name):
        if name in EXAMPLES:
            return EXAMPLES[name]
    return key.default


def shipped() -> str:
    """`conf/dialerd.toml`."""
    out = [
        "# Configuration of dialerd. `dialerd check-config -c THIS_FILE` checks it whole.",
        "# Paths are relative to this file's folder. ${env:NAME} in a text is filled in from the",
        "# environment.",
        "# A key that is commented out shows its default, or an example where that is empty.",
        "# The daemon reads it when it starts. `dialerd reload` (or SIGHUP) takes over, while",
        "# calls are up, what is not marked restart: that waits for the next start. In brackets:",
        *[f"#   [{name}] {text}" for name, text in TITLES.items()],
        "# Written by docs/generate.py from dialerd/config/schema.py; edit a copy of it.",
    ]
    for table in sections():
        out += ["", f"# {(table.section.__doc__ or '').strip()}"]
        if table.name == "trunk":
            out.append("# One table for each; this one is a simulated carrier on this machine.")
        off = table.many or "." in table.name  # nothing below [[trunk]] is on in the shipped file
        out.append(f"# {table.header}" if off and table.name != "trunk" else table.header)
        for key in keys(table.section):
            note = f"{key.text} Default: {key.default_text}. [{key.reload}]"
            out += textwrap.wrap(note, 98, initial_indent="# ", subsequent_indent="# ")
            set_to = SHIPPED.get(table.name, {}).get(key.name)
            if set_to is not None:
                out.append(f"{key.name} = {toml(set_to)}")
            else:
                out.append(f"# {key.name} = {toml(example(table.name, key))}")
    return "\n".join(out) + "\n"


def _limits(meta: msgspec.Meta) -> str:
    parts = []
    for sign, value in ((">=", meta.ge), (">", meta.gt), ("<=", meta.le), ("<", meta.lt)):
        if value is not None:
            parts.append(f"{sign} {value}")
    return ", ".join(parts)


def _type_name(kind: Any) -> str:
    if typing.get_origin(kind) is tuple:
        return "list of " + _type_name(typing.get_args(kind)[0])
    if typing.get_origin(kind) is typing.Annotated:
        return _type_name(typing.get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " or ".join(f"`{item.value}`" for item in kind)
    if typing.get_origin(kind) is dict:
        return "table of texts"
    if isinstance(kind, types.UnionType):
        kind = next(one for one in typing.get_args(kind) if one is not type(None))
    if "Path" in str(kind):
        return "path"
    return {
        int: "whole number",
        float: "number",
        str: "text",
        bool: "true or false",
        dt.date: "date",
    }[kind]


def reference() -> str:
    """`docs/reference/config.md`."""
    out = [
        "# Configuration reference",
        "",
        "<!-- Written by docs/generate.py from dialerd/config/schema.py. -->",
        "",
        "The file is TOML; `dialerd check-config` checks it whole and prints every fault with",
        "file, line and column.",
        "Paths are relative to the file's folder. `${env:NAME}` in any text is filled in from the",
        "environment.",
        "",
        "The daemon reads it when it starts. `dialerd reload` (or SIGHUP) takes over, while calls",
        "are up, what is not marked restart: that waits for the next start. The last column says:",
        "",
        *[f"- **{name}**: {text}" for name, text in TITLES.items()],
    ]
    for table in sections():
        out += ["", f"## {table.header}", "", (table.section.__doc__ or "").strip(), ""]
        out += ["| key | meaning | type | default | nature |", "|---|---|---|---|---|"]
        for key in keys(table.section):
            limits = _limits(key.meta)
            kind = _type_name(key.kind) + (f", {limits}" if limits else "")
            default = key.default_text
            shown = (
                default if key.required or (key.meta.extra or {}).get("shown") else f"`{default}`"
            )
            out.append(f"| `{key.name}` | {key.text} | {kind} | {shown} | {key.reload} |")
    return "\n".join(out) + "\n"
