"""What tells something tells it as a table to people and as JSON to programs."""

from __future__ import annotations

from collections.abc import Iterator

import click

from dialerd.cli.console import GROUP
from dialerd.cli.main import cli

ASKED = {  # beside every `ls` and `show`
    "apply", "call", "calls hang-up", "calls transfer", "campaign create", "campaign check",
    "campaign approve", "demo", "doctor", "drain", "emergency-stop", "flow add", "import", "leads",
    "listen", "log level", "pacing", "plan", "reload", "script add", "simulate", "status", "stop",
    "token add", "trace", "trunks", "why",
}  # fmt: skip


def leaves(
    command: click.Command, context: click.Context, path: str = ""
) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        inner = click.Context(found, info_name=name, parent=context)
        yield from leaves(found, inner, f"{path} {name}".strip())


def test_what_tells_something_tells_programs_too() -> None:
    found = dict(leaves(GROUP, click.Context(GROUP)))
    asked = ASKED | {path for path in found if path.split()[-1] in ("ls", "show")} - {"show"}
    found |= dict(leaves(cli, click.Context(cli)))
    without = {
        path
        for path in asked
        if not any({"-o", "--output"} <= set(p.opts) for p in found[path].params)
    }
    assert without == set()


def test_both_words_for_a_resource_are_the_same_command() -> None:
    context = click.Context(cli)
    for name, other in (("lead", "leads"), ("trunk", "trunks"), ("lists", "list")):
        found = cli.get_command(context, name)  # type: ignore[attr-defined]
        assert found is cli.get_command(context, other)  # type: ignore[attr-defined]
