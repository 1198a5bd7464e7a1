"""`dialerd report`: everything that happened to each number of a campaign."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from dialerd.cli.common import config_option, load_config, write_file
from dialerd.cli.progress import waiting


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
            with waiting("writing"):
                write_file(target, (piece.encode() for piece in text))
            click.echo(f"wrote {target}", err=True)
    finally:
        store.close()


def _write_out(pieces: Iterator[str]) -> None:
    """In UTF-8 whatever the terminal's locale, line ends as they are."""
    for piece in pieces:
        sys.stdout.buffer.write(piece.encode())
    sys.stdout.buffer.flush()
