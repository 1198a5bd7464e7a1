"""Writes what is derived from the code: the shipped configuration and the reference pages.

python docs/generate.py           write them
python docs/generate.py --check   exit 1 and name the stale ones (a test does this)
"""

from __future__ import annotations

import inspect
import sys
import textwrap
import typing
from enum import StrEnum
from pathlib import Path
from typing import Any

import click
import msgspec

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import admin_http.app  # noqa: E402, F401 - importing it registers the routes
from admin_http.routes import ROUTES  # noqa: E402
from admin_http.tokens import Scope  # noqa: E402
from dialerd.cli.main import cli  # noqa: E402
from dialerd.config import Config  # noqa: E402
from dialerd.core import diagrams  # noqa: E402

EXIT_CODES = {
    0: "done",
    1: "failed; one line on standard error says why",
    2: "wrong usage",
    3: "the configuration (or a campaign file) is wrong",
    4: "the daemon cannot be reached",
    130: "interrupted",
}
TITLES = {
    "live": "can change while calls are up",
    "drain": "can only change for calls that begin after it",
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
        case tuple() | list():
            return "[" + ", ".join(toml(item) for item in value) + "]"
        case str() | Path() | StrEnum():
            return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
        case _:
            return str(value)


def keys(section: type[msgspec.Struct]) -> list[Key]:
    """The keys of one table, in the order of its struct."""
    found = []
    for field in msgspec.structs.fields(section):
        kind, *metas = typing.get_args(field.type)
        meta = next(m for m in metas if isinstance(m, msgspec.Meta))
        found.append(Key(field.encode_name, meta, kind, field.default, field.required))
    return found


def sections() -> list[tuple[str, type[msgspec.Struct], bool]]:
    """(name, struct, whether it is an array of tables) of the whole file."""
    found: list[tuple[str, type[msgspec.Struct], bool]] = []
    for field in msgspec.structs.fields(Config):
        kind = field.type
        if typing.get_origin(kind) is typing.Annotated:
            found.append((field.encode_name, typing.get_args(typing.get_args(kind)[0])[0], True))
        else:
            found.append((field.encode_name, kind, False))
    return found


def shipped_config() -> str:
    """`conf/dialerd.toml`."""
    out = [
        "# Configuration of dialerd. `dialerd check-config -c THIS_FILE` checks it whole.",
        "# Paths are relative to this file's folder. ${env:NAME} in a text is filled in from the",
        "# environment.",
        "# A key that is commented out shows its default, or an example where that is empty.",
        "# The daemon reads it when it starts: restart it after a change.",
        "# In brackets, what a key is by nature:",
        *[f"#   [{name}] {text}" for name, text in TITLES.items()],
        "# Written by docs/generate.py from dialerd/config/schema.py; edit a copy of it.",
    ]
    for name, section, many in sections():
        doc = (section.__doc__ or "").strip()
        out += ["", f"# {doc}"]
        if many:
            out.append("# One table for each; this one is a simulated carrier on this machine.")
        out.append(f"[[{name}]]" if many else f"[{name}]")
        for key in keys(section):
            note = f"{key.text} Default: {key.default_text}. [{key.reload}]"
            out += textwrap.wrap(note, 98, initial_indent="# ", subsequent_indent="# ")
            set_to = SHIPPED.get(name, {}).get(key.name)
            if set_to is not None:
                out.append(f"{key.name} = {toml(set_to)}")
            else:
                value = key.default if key.default not in ("", (), None) else EXAMPLES[key.name]
                if (key.meta.extra or {}).get("shown"):
                    value = {"prompts": "../dialerd/prompts/vi", "plan": "numbering/vn.toml"}[
                        key.name
                    ]
                out.append(f"# {key.name} = {toml(value)}")
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
    if "Path" in str(kind):
        return "path"
    return {int: "whole number", float: "number", str: "text", bool: "true or false"}[kind]


def config_reference() -> str:
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
        "The daemon reads it when it starts: restart it after a change. The last column says what",
        "a key is by nature:",
        "",
        *[f"- **{name}**: {text}" for name, text in TITLES.items()],
    ]
    for name, section, many in sections():
        out += [
            "",
            f"## [[{name}]]" if many else f"## [{name}]",
            "",
            (section.__doc__ or "").strip(),
            "",
        ]
        out += ["| key | meaning | type | default | nature |", "|---|---|---|---|---|"]
        for key in keys(section):
            limits = _limits(key.meta)
            kind = _type_name(key.kind) + (f", {limits}" if limits else "")
            default = key.default_text
            shown = (
                default if key.required or (key.meta.extra or {}).get("shown") else f"`{default}`"
            )
            out.append(f"| `{key.name}` | {key.text} | {kind} | {shown} | {key.reload} |")
    return "\n".join(out) + "\n"


def _described(name: str, command: click.Command, parent: click.Context | None) -> list[str]:
    """A command and, below it, its own commands."""
    ctx = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    out = ["", f"{'#' * min(4, ctx.command_path.count(' ') + 1)} {ctx.command_path}", ""]
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    out += ["```text", usage, "```"]
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    if text:
        out += ["", text]
    records = [r for p in command.get_params(ctx) if (r := p.get_help_record(ctx)) is not None]
    if records:
        out += ["", "| option | meaning |", "|---|---|"]
        out += [f"| `{_cell(flags)}` | {_cell(meaning)} |" for flags, meaning in records]
    if isinstance(command, click.Group):
        for child in command.list_commands(ctx):
            found = command.get_command(ctx, child)
            if found is not None:
                out += _described(child, found, ctx)
    return out


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def cli_reference() -> str:
    """`docs/reference/cli.md`."""
    out = [
        "# Command reference",
        "",
        "<!-- Written by docs/generate.py from dialerd/cli. -->",
        "",
        "Every command ends with one of these codes:",
        "",
        "| code | meaning |",
        "|---|---|",
        *[f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()],
    ]
    return "\n".join([*out, *_described("dialerd", cli, None)]) + "\n"


SCOPES = {
    Scope.READ: "status, campaigns, lists, progress, live events",
    Scope.REPORTS: "what was said and pressed by whom: personal data",
    Scope.CAMPAIGNS: "create campaigns and move them through their gate",
    Scope.OPERATE: "the emergency stop",
}


def api_reference() -> str:
    """`docs/reference/api.md`."""
    out = [
        "# HTTP API reference",
        "",
        "<!-- Written by docs/generate.py from admin_http. -->",
        "",
        "Served by the admin process on `[admin] bind` and `port`. The whole description, with the",
        "types of every request and answer, is OpenAPI 3.1 at `/v1/openapi.json`.",
        "",
        "A request carries a bearer token (`Authorization: Bearer dlr_...`), made with",
        "`dialerd token add NAME --scope SCOPE`; only health and the description need none. Bodies",
        "are JSON. Times are RFC 3339. Every refusal is an RFC 9457 problem document: `errors`",
        "points at the values that do not fit, `allowed` says what a campaign's state permits,",
        "`request_id` is in the log. While the daemon is away the answer is 503.",
        "",
        "| scope | allows |",
        "|---|---|",
        *[f"| `{scope}` | {SCOPES[scope]} |" for scope in Scope],
        "",
        "| request | scope | what it does |",
        "|---|---|---|",
    ]
    for route in sorted(ROUTES, key=lambda item: (item.path, item.method)):
        scope = f"`{route.scope}`" if route.scope else "none"
        out.append(f"| `{route.method} {route.path}` | {scope} | {_cell(route.summary)} |")
    out += [
        "",
        "`/v1/stream?topics=a,b` is a stream of server-sent events. It begins with `snapshot` (the",
        "status). `lost` counts events that a slow reader missed, `reset` says that the present",
        "state must be fetched anew, `core` says whether the daemon is up. After a lost connection",
        "send the last id as `Last-Event-ID` to go on where you were.",
    ]
    return "\n".join(out) + "\n"


def outputs() -> dict[Path, str]:
    """Every generated file and its text."""
    return {
        ROOT / "conf" / "dialerd.toml": shipped_config(),
        ROOT / "docs" / "reference" / "config.md": config_reference(),
        ROOT / "docs" / "reference" / "cli.md": cli_reference(),
        ROOT / "docs" / "reference" / "api.md": api_reference(),
        ROOT / "docs" / "reference" / "state-machines.md": diagrams.page(),
    }


def main() -> int:
    """Write, or check."""
    stale = []
    for path, text in outputs().items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.relative_to(ROOT))
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if "--check" in sys.argv and stale:
        sys.stderr.write("stale, run python docs/generate.py: " + ", ".join(map(str, stale)) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
