"""`dialerd leads` and `dialerd why`: a campaign's people, and why one of them is not called now."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import Any

import click

from dialerd.cli.common import (
    all_pages,
    campaign_names,
    config_option,
    connect,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_table,
)
from dialerd.cli.errors import FailedError
from dialerd.core.control_base import PAGE_MAX
from dialerd.core.people_view import GetWhy, LeadInfo, LeadList, ListIdle, ListLeads
from dialerd.core.spreadsheet import safe

_TITLES = ("number", "state", "due_at", "attempts", "outcome", "original")


def _split(texts: tuple[str, ...]) -> tuple[LeadList, ...]:
    """`--state waiting,capped`, or the flag again."""
    words = [word.strip() for text in texts for word in text.split(",") if word.strip()]
    known = [one.value for one in LeadList]
    for word in words:
        if word not in known:
            raise click.UsageError(f"--state: {word!r} is none of {', '.join(known)}")
    return tuple(LeadList(word) for word in words)


@click.command("leads")
@click.argument("campaign", shell_complete=campaign_names)
@click.option("--state", "states", multiple=True, metavar="STATE", help="Repeat, or with commas.")
@click.option(
    "--file", "file", metavar="FILE", type=click.Path(path_type=Path), help="Write CSV there."
)
@config_option
@output_option
def leads(
    campaign: str, states: tuple[str, ...], file: Path | None, config_path: str | None, output: str
) -> None:
    """People of a campaign: all, or those in some states.

    States: ready, retry, waiting (switched off, to be tried again), capped, resting, callback,
    claimed, dialing, done, exhausted, unreachable, blocked, interrupted. Those that wait have the
    time at which they may be called again.
    """
    ask = partial(ListLeads, campaign=campaign, states=_split(states), limit=PAGE_MAX)
    found: Iterator[LeadInfo] = all_pages(config_path, ask, "")
    zone = load_zone(config_path)
    if file is not None:
        count = _write(file, found, zone)
        click.echo(f"{count} people written to {file}", err=True)
    elif output == "json":
        print_json(list(found))
    else:
        print_table(_TITLES, [_cells(one, zone) for one in found])


def _cells(one: LeadInfo, zone: tzinfo | None) -> tuple[Any, ...]:
    due = local_time(one.due_at, zone) if one.due_at else ""
    return one.number, one.state.value, due, one.attempts, one.outcome or "", one.original


def _write(file: Path, found: Iterator[LeadInfo], zone: tzinfo | None) -> int:
    """As UTF-8 with a byte order mark, which spreadsheets want; how many people."""
    rows = list(found)
    columns = list(dict.fromkeys(name for one in rows for name in one.fields))
    try:
        with file.open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.writer(out)
            writer.writerow([*_TITLES, *map(safe, columns)])
            for one in rows:
                fields = [safe(one.fields.get(name, "")) for name in columns]
                cells = [safe(str(cell)) for cell in _cells(one, zone)[1:]]
                writer.writerow([one.number, *cells, *fields])
    except OSError as error:
        raise FailedError(f"{file}: {error.strerror}") from None
    return len(rows)


@click.command("why")
@click.argument("campaign", required=False, shell_complete=campaign_names)
@click.argument("number", required=False)
@config_option
@output_option
def why(campaign: str | None, number: str | None, config_path: str | None, output: str) -> None:
    """Why a number of a campaign is not being dialed now; without both: why lines are idle."""
    if campaign and not number:
        raise click.UsageError("name a campaign and a number, or neither")
    wants_json = output == "json"
    with connect(config_path) as client:
        if not campaign or not number:
            lines = client.call(ListIdle()).items
            if wants_json:
                print_json(lines)
            else:
                print_table(("line", "port", "why"), [(x.trunk, x.port, x.why) for x in lines])
            return
        found = client.call(GetWhy(campaign=campaign, number=number))
    if wants_json:
        print_json(found)
    else:
        click.echo(f"{found.number} ({found.state}): {found.why}")
