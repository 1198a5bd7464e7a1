"""Writes what is derived from the code: the shipped configuration and the reference pages.

python docs/generate.py           write them
python docs/generate.py --check   exit 1 and name the stale ones (a test does this)
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import campaign_page  # noqa: E402 - beside this file
import config_page  # noqa: E402 - beside this file

import admin_http.app  # noqa: E402, F401 - importing it registers the routes
from admin_http.routes import ROUTES  # noqa: E402
from admin_http.tokens import Scope  # noqa: E402
from dialerd.cli.main import cli  # noqa: E402
from dialerd.core import diagrams  # noqa: E402
from gsm import diagrams as gsm_diagrams  # noqa: E402
from sip import diagrams as sip_diagrams  # noqa: E402

EXIT_CODES = {
    0: "done",
    1: "failed; one line on standard error says why",
    2: "wrong usage",
    3: "the configuration (or a campaign file) is wrong",
    4: "the daemon cannot be reached",
    130: "interrupted",
}


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
            if found is not None and not found.hidden:
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
    Scope.USERS: "users, tokens and the audit log",
    Scope.AGENT: "work as an agent",
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
        "`dialerd token add NAME --scope SCOPE`, or the cookie of a session",
        "([how](../howto/users.md)); only health and the description need none. Bodies",
        "are JSON. Times are RFC 3339. Every refusal is an RFC 9457 problem document: `errors`",
        "points at the values that do not fit, `allowed` says what a campaign's state permits,",
        "`request_id` is in the log. While the daemon is away the answer is 503.",
        "",
        "| scope | allows |",
        "|---|---|",
        *[f"| `{scope}` | {SCOPES[scope]} |" for scope in Scope],
        "",
        "| request | scope | for | what it does |",
        "|---|---|---|---|",
    ]
    for route in sorted(ROUTES, key=lambda item: (item.path, item.method)):
        scope = f"`{route.scope}`" if route.scope else "none"
        who = route.access.text if route.access else "nobody"
        what = _cell(route.summary)
        out.append(f"| `{route.method} {route.path}` | {scope} | {who} | {what} |")
    out += [
        "",
        "`/v1/stream?topics=a,b` is a stream of server-sent events. It begins with `snapshot` (the",
        "status, and the present state of the topics). `lost` counts events that a slow reader",
        "missed, `reset` says that the daemon was started anew: a `snapshot` follows both. `core`",
        "says whether the daemon is up. After a lost connection send the last id as",
        "`Last-Event-ID` to go on where you were.",
    ]
    return "\n".join(out) + "\n"


def outputs() -> dict[Path, str]:
    """Every generated file and its text."""
    return {
        ROOT / "conf" / "dialerd.toml": config_page.shipped(),
        ROOT / "docs" / "reference" / "config.md": config_page.reference(),
        ROOT / "docs" / "reference" / "campaign.md": campaign_page.page(config_page.toml),
        ROOT / "docs" / "reference" / "cli.md": cli_reference(),
        ROOT / "docs" / "reference" / "api.md": api_reference(),
        ROOT / "docs" / "reference" / "state-machines.md": diagrams.page(),
        ROOT / "docs" / "reference" / "sip-machines.md": sip_diagrams.page(),
        ROOT / "docs" / "reference" / "gsm-machines.md": gsm_diagrams.machines_page(),
        ROOT / "docs" / "reference" / "gsm-dialects.md": gsm_diagrams.dialects_page(),
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
