"""`dialerd report`: everything that happened to each number of a campaign."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from dialerd.cli.common import config_option, load_config


@click.command("report")
@click.argument("campaign", metavar="CAMPAIGN")
@click.option(
    "-o",
    "--output",
    "kind",
    type=click.Choice(["csv", "json"]),
    default="csv",
    show_default=True,
    help="CSV for spreadsheets, or one JSON array.",
)
@click.option(
    "--file",
    "target",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it (default: standard output).",
)
@click.option("--data", metavar="DIR", type=click.Path(path_type=Path), help="Data folder.")
@config_option
def report(
    campaign: str, kind: str, target: Path | None, data: Path | None, config_path: str | None
) -> None:
    """One row per number of CAMPAIGN (name or id) with every interaction, in list order.

    Numbers that still wait are there too. In CSV the number stands without its plus, and an
    apostrophe goes before a cell that a spreadsheet would take for a formula.
    """
    from dialerd.config import Config, parse_zone
    from dialerd.store import open_store
    from dialerd.store.report import csv_pieces, json_pieces

    config = Config() if data and not config_path else load_config(config_path)
    pieces = csv_pieces if kind == "csv" else json_pieces
    store = open_store(data or config.store.path, readonly=True)
    try:
        number = store.find_campaign(campaign).campaign_id
        text = pieces(store, number, parse_zone(config.dialing.zone))
        if target is None:
            _write_out(text)
        else:
            write_file(target, text)
            click.echo(f"wrote {target}", err=True)
    finally:
        store.close()


def _write_out(pieces: Iterator[str]) -> None:
    """In UTF-8 whatever the terminal's locale, line ends as they are."""
    for piece in pieces:
        sys.stdout.buffer.write(piece.encode())
    sys.stdout.buffer.flush()


def write_file(target: Path, pieces: Iterator[str]) -> None:
    """All of it under its name or nothing: written beside, then renamed. Readable by its owner."""
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as out:
            for piece in pieces:
                out.write(piece.encode())
            out.flush()
            os.fsync(out.fileno())
        beside.replace(target)
    except OSError as error:
        error.filename = str(target)  # the user knows this one
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
