"""Every command prints a table for people and JSON for programs, or has a reason not to."""

from __future__ import annotations

from collections.abc import Iterator

import click

from dialerd.cli.main import cli

NEITHER = {
    "run": "it is the daemon",
    "console": "its lines have outputs of their own",
    "completion": "what it prints is for a shell",
    "agent sheet": "a form that a person fills in",
    "script preview": "a form that a person fills in",
    "script export": "writes a file of a format",
    "export run": "prints the names of the files that it wrote",
    "number export": "prints JSON, there is nothing else",
    "prompt play": "-o is the file that it writes",
    "report": "-o is csv or json",
}
# A word for a person, and an exit code for a program: it was done, or it was not.
DONE_OR_NOT = {
    "flow check", "script check", "prompt rm", "export rm", "announcements add",
    "announcements label", "announcements remove", "tones check", "tones learn", "number erase",
    "dnc add", "dnc remove", "token revoke",
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


def test_every_command_takes_o_json_or_says_why_not() -> None:
    without = {
        path
        for path, command in leaves(cli, click.Context(cli))
        if not any({"-o", "--output"} <= set(p.opts) and p.name == "output" for p in command.params)
    }
    assert without - NEITHER.keys() - DONE_OR_NOT == set()


def test_both_words_for_a_resource_are_the_same_command() -> None:
    context = click.Context(cli)
    for name, other in (("lead", "leads"), ("trunk", "trunks"), ("lists", "list")):
        found = cli.get_command(context, name)  # type: ignore[attr-defined]
        assert found is cli.get_command(context, other)  # type: ignore[attr-defined]
