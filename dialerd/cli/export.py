"""`dialerd export`: what ended, taken away in files, each record once."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from dialerd.cli.common import (
    config_option,
    load_config,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_table,
    tell,
)
from dialerd.cli.data_folder import data_option
from dialerd.cli.errors import FailedError
from dialerd.cli.progress import waiting


@click.group("export")
def export() -> None:
    """Take away what ended: every attempt in exactly one file, however often we are killed.

    A cursor is a name in the store that says which records were taken.
    """


@export.command("run")
@click.argument("cursor", metavar="CURSOR")
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder for the files: CURSOR-FIRST-LAST.jsonl, by the records' numbers.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="One JSON object a line with every interaction, or CSV without them.",
)
@click.option(
    "--rows",
    type=click.IntRange(1, 1_000_000),
    default=100_000,
    show_default=True,
    help="Records of one file at most.",
)
@data_option
@config_option
@output_option
def run(
    cursor: str,
    folder: Path,
    form: str,
    rows: int,
    data: Path | None,
    config_path: str | None,
    output: str,
) -> None:
    """Write what ended since the last time into new files; prints their names.

    With -o json each file is an object on a line of its own, told as soon as it is whole.

    A file has its name only when it is whole and its records are taken: whoever fetches files may
    move or remove them at once. A run that was killed is finished by the next one.
    """
    from dialerd.config import Config, parse_zone
    from dialerd.store import open_store
    from dialerd.store.exporting import export as files

    config = Config() if data and not config_path else load_config(config_path)
    zone = parse_zone(config.dialing.zone)
    store = open_store(data or config.store.path, create=False, linger_s=0.0)
    try:
        now_ms = time.time_ns() // 1_000_000
        with waiting("writing", wanted=output != "json") as told:
            for file in files(store, cursor, folder, form, zone, now_ms, rows, told):
                tell(output, str(file), file=str(file))
    except OSError as error:
        raise FailedError(
            f"{error.filename or folder}: {error.strerror or error}; nothing was lost, run it again"
        ) from None
    finally:
        store.close()


@export.command("ls")
@data_option
@config_option
@output_option
def ls(data: Path | None, config_path: str | None, output: str) -> None:
    """Every cursor: how many records it has taken, and how many wait."""
    from dialerd.store import open_store

    store = open_store(data or load_config(config_path).store.path, readonly=True)
    try:
        found, last = store.cursors(), store.last_ended()
    finally:
        store.close()
    if output == "json":
        print_json([{"name": c.name, "taken": c.seq, "waiting": last - c.seq} for c in found])
        return
    zone = load_zone(config_path) if not data else None
    rows = [(c.name, c.seq, last - c.seq, _at(c.at_ms, zone), c.target) for c in found]
    print_table(("cursor", "taken", "waiting", "last", "to"), rows)


def _at(at_ms: int, zone: object) -> str:
    return local_time(datetime.fromtimestamp(at_ms / 1000, UTC), zone)  # type: ignore[arg-type]


@export.command("rm")
@click.argument("cursor", metavar="CURSOR")
@data_option
@config_option
@output_option
def rm(cursor: str, data: Path | None, config_path: str | None, output: str) -> None:
    """Forget a cursor; one of that name then begins with the first record again."""
    from dialerd.store import open_store, wait

    folder = data or load_config(config_path).store.path
    store = open_store(folder, create=False, linger_s=0.0)
    try:
        wait(store.remove_cursor(cursor))
    finally:
        store.close()
    tell(output, "", removed=cursor)
