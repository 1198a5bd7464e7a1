"""`dialerd apply`: scripts, flows, lists, campaigns from a TOML file, with the difference first."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from dialerd.cli.common import (
    clean,
    config_option,
    connect,
    load_config,
    output_option,
    painted,
    print_json,
    who,
)
from dialerd.cli.errors import FailedError
from dialerd.cli.main import FAILED, OK

if TYPE_CHECKING:
    from dialerd.cli.apply_plan import Item, ListFile, Wanted
    from dialerd.control.io_client import SyncClient
    from dialerd.core.control import ControlError
    from dialerd.toml_load import TomlError

SIGNS: Final = {"same": "=", "create": "+", "update": "~", "refused": "!"}
COLOURS: Final = {"create": "green", "update": "yellow", "refused": "red"}
MEANT: Final = ("create", "update")


@click.command("apply")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be done, do nothing.")
@config_option
@output_option
def apply(
    file: Path,
    yes: bool,  # noqa: FBT001 - a flag
    dry_run: bool,  # noqa: FBT001 - a flag
    config_path: str | None,
    output: str,
) -> int:
    """Make the daemon have what FILE says: [[script]], [[flow]], [[list]], [[campaign]] tables.

    Each is as `dialerd script add`, `flow add` and `campaign create --file` take it; a list has a
    name and the file to import when there is none of that name. What differs is shown before
    anything is done; applied again, there is nothing to do. Campaigns are made and changed as
    drafts: approving and starting them stays a person's deed, and one that is approved is frozen.

    When anything is refused beforehand nothing is done at all. Each object is changed wholly or
    not; when one fails, what was done before it is told and stays.
    """
    from dialerd.cli.apply_plan import What, plan

    wanted = _read(file)
    with connect(config_path) as client:
        items = plan(wanted, client, judges_regimes=_knows_regimes(config_path))
        todo = [item for item in items if item.what in MEANT]
        refused = [item for item in items if item.what is What.REFUSED]
        if output != "json":
            for item in items:
                _show(item)
        done: list[Item] = []
        if todo and not refused and not dry_run:
            if not yes:
                _ask(len(todo))
            for item in _carry_out(todo, file, client, config_path):
                done.append(item)
                if output != "json":
                    click.echo(f"done: {item.kind} {clean(item.name)}")
    if output == "json":
        print_json({"items": [_row(item) for item in items], "done": [_row(i) for i in done]})
    elif not todo and not refused:
        click.echo("nothing to do")
    elif refused:
        click.echo("nothing was done", err=True)
    return FAILED if refused else OK


def _knows_regimes(config_path: str | None) -> bool:
    """Whether the configuration is here: reading it makes the regimes of its files known."""
    from dialerd.config import ConfigError

    try:
        load_config(config_path)
    except ConfigError:  # the daemon was named by DIALERD_SOCKET alone: it judges them
        return False
    return True


def _read(file: Path) -> Wanted:
    from dialerd.cli.apply_plan import Wanted, faults
    from dialerd.toml_load import read

    return read(file, Wanted, rules=faults)


def _show(item: Item) -> None:
    line = f"{SIGNS[item.what]} {item.kind} {clean(item.name)}"
    click.echo(painted(line, COLOURS.get(item.what)))
    for change in item.changes:
        click.echo(f"    {clean(change)}")
    if item.why:
        click.echo(f"    refused: {clean(item.why)}")


def _row(item: Item) -> dict[str, object]:
    return {
        "kind": item.kind,
        "name": item.name,
        "what": item.what,
        "changes": item.changes,
        "why": item.why,
    }


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise FailedError("nobody is there to ask: --yes does it, --dry-run only shows it")
    click.confirm(f"Change {count}?", abort=True, err=True)


def _carry_out(
    todo: list[Item], file: Path, client: SyncClient, config_path: str | None
) -> Iterator[Item]:
    """One after the other; when one fails, or somebody interrupts, the rest is told."""
    from dialerd.core.control import Invalid

    left = list(todo)
    try:
        while left:
            _change(left[0], client, config_path)
            yield left.pop(0)
    except BaseException as error:  # an interrupt leaves as much undone as a refusal
        done = [item for item in todo if item not in left]
        for what, items in (("done", done), ("not done", left)):
            names = ", ".join(f"{item.kind} {clean(item.name)}" for item in items)
            click.echo(f"{what}: {names or 'nothing'}", err=True)
        if isinstance(error, Invalid):
            raise _located(error, left[0], file) from None
        raise


def _change(item: Item, client: SyncClient, config_path: str | None) -> None:
    from dialerd.cli.apply_plan import ListFile, What
    from dialerd.core.control import CreateCampaign, ReviseCampaign
    from dialerd.core.flow_spec import FlowSpec
    from dialerd.core.script_spec import ScriptSpec
    from dialerd.core.scripts_view import SaveFlow, SaveScript

    spec = item.spec
    match spec:
        case ScriptSpec():
            client.call(SaveScript(spec=spec, who=who()))
        case FlowSpec():
            client.call(SaveFlow(spec=spec, who=who()))
        case ListFile():
            _import(spec, config_path)
        case _ if item.what is What.CREATE:
            client.call(CreateCampaign(spec=spec, who=who()))
        case _:
            request = ReviseCampaign(campaign=item.name, spec=spec, who=who(), seen=item.seen)
            client.call(request)


def _import(spec: ListFile, config_path: str | None) -> None:
    from dialerd.cli.import_ import import_people
    from dialerd.cli.numbers import load_numbering
    from dialerd.importer.io_import import Options

    if spec.file is None:
        raise FailedError(f"the list {spec.name!r} has no file")
    folder = load_config(config_path).store.path
    summary = import_people(
        spec.file,
        spec.name,
        load_numbering(config_path),
        Options(spec.map),
        folder,
        bar=sys.stderr.isatty(),
    )
    if summary.valid + summary.duplicate == 0:
        raise FailedError(f"no row of {spec.file} holds a number that may be dialed")


def _located(error: ControlError, item: Item, file: Path) -> ControlError | TomlError:
    """What the daemon refuses, shown where it stands in the file."""
    from dialerd.toml_load import Fault, located_error, text_of

    if not error.faults:
        return error
    return located_error(
        file,
        text_of(file),
        [
            Fault((item.kind, item.index, *_path(fault.pointer)), fault.detail)
            for fault in error.faults
        ],
    )


def _path(pointer: str) -> list[str | int]:
    """`/spec/steps/0/prompt` (RFC 6901) as a place in a document."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    return [int(part) if part.isdecimal() else part for part in parts if part != "spec"]
