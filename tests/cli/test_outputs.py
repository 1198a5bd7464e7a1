"""What tells something tells it as a table to people and as JSON to programs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from dialerd.cli.console import GROUP
from dialerd.cli.main import cli

NONE = {
    "run": "is the daemon, which logs",
    "completion": "prints a program for a shell",
    "console": "is talked with; its own commands are below",
    "number export": "is one JSON object in any case",
    "show": "of the console, and `watch`, too: a choice of verbs that take it",
    "watch": "of the console: draws what moves again and again",
}


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


def test_every_verb_tells_programs_too() -> None:
    found = dict(leaves(GROUP, click.Context(GROUP))) | dict(leaves(cli, click.Context(cli)))
    assert len(found) > 120
    without = {
        path
        for path, verb in found.items()
        if not any({"-o", "--output"} <= set(one.opts) for one in verb.params)
    }
    assert without == set(NONE)


def test_both_words_for_a_resource_are_the_same_command() -> None:
    context = click.Context(cli)
    for name, other in (("lead", "leads"), ("line", "lines"), ("lists", "list")):
        found = cli.get_command(context, name)  # type: ignore[attr-defined]
        assert found is cli.get_command(context, other)  # type: ignore[attr-defined]


def test_what_only_said_a_line_says_it_as_an_object(
    command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = config.parent / "f.toml"
    flow.write_text('name = "f"\n[[steps]]\nid = "a"\nprompt = "no-such"\nkeys = { 1 = "a" }\n')
    tell = ("-o", "json")

    def told(*words: str, code: int = 0) -> object:
        done = command(*words, *tell)
        assert done.code == code, done.err
        return json.loads(done.out)

    number = "0912345678"
    assert told("dnc", "add", number, "x1", code=1) == {"added": 1, "before": 0, "refused": 1}
    gone = {"removed": ["+84912345678"], "not_there": ["+84912345678"]}
    assert told("dnc", "remove", number, number) == gone
    assert told("token", "add", "t")["name"] == "t"  # type: ignore[index]
    assert told("token", "revoke", "t") == {"revoked": "t"}
    monkeypatch.setattr("sys.stdin", io.StringIO("một mật khẩu dài\n"))
    made = told("user", "add", "lan", "--role", "supervisor", "--password-stdin")
    assert made == {"user": "lan", "role": "supervisor"}
    assert told("user", "disable", "lan") == {"user": "lan", "disabled": True}
    assert told("user", "enable", "lan") == {"user": "lan", "disabled": False}
    assert told("user", "role", "lan", "agent", "--agent", "lan")["role"] == "agent"  # type: ignore[index]
    assert told("user", "remove", "lan") == {"removed": "lan"}
    checked = told("flow", "check", str(flow))
    assert (checked["name"], checked["steps"]) == ("f", 1)  # type: ignore[index]
    assert any("no-such" in note for note in checked["notes"])  # type: ignore[index]
    erased = told("number", "erase", number, "--yes")
    assert erased["do_not_call"] is False  # type: ignore[index]
    assert "interrupted" not in command("number", "erase", number, *tell).out
