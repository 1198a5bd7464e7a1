"""`dialerd audit`: who changed what by the API and by these commands. Needs no running daemon."""

from __future__ import annotations

import click

from admin_http.people import audit as log
from dialerd.cli.admin_store import opened
from dialerd.cli.common import (
    config_option,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_table,
)
from dialerd.cli.errors import FailedError


@click.group("audit")
def audit() -> None:
    """Who changed what, as a chain of hashes."""


@audit.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True,
              help="At most so many.")  # fmt: skip
@config_option
@output_option
def list_entries(limit: int, config_path: str | None, output: str) -> None:
    """The newest entries, newest first."""
    with opened(config_path) as store:
        found = log.entries(store, limit)
    if output == "json":
        print_json(found)
        return
    zone = load_zone(config_path)
    print_table(
        ("n", "at", "who", "from", "status", "what", "detail"),
        [
            (
                one.n,
                local_time(one.at, zone),
                one.who,
                one.address or "here",
                one.status or "",
                one.what,
                one.detail,
            )
            for one in found
        ],
    )


@audit.command("check")
@config_option
@output_option
def check(config_path: str | None, output: str) -> None:
    """Follow the chain; exit status 1 and the first entry that does not hold when it is broken.

    It prints the hash of the last entry: kept elsewhere, it shows later that none was changed.
    """
    with opened(config_path) as store:
        found = log.check(store)
    if output == "json":
        print_json(found)
    if not found.ok:
        raise FailedError(f"the chain breaks at entry {found.broken}: {found.why}")
    if output != "json":
        click.echo(f"{found.entries} entries follow from each other; the last is {found.hash}")
