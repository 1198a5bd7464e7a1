"""`dialerd list`: imported lists."""

from __future__ import annotations

import click

from dialerd.cli.common import (
    config_option,
    connect,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_table,
)
from dialerd.core.control import ListLists


@click.group("list")
def lists() -> None:
    """Imported lists; `dialerd import` makes them."""


@lists.command("ls")
@config_option
@output_option
def ls(config_path: str | None, output: str) -> None:
    """Every list with its size."""
    with connect(config_path) as client:
        found = client.call(ListLists()).items
    if output == "json":
        print_json(found)
        return
    zone = load_zone(config_path)
    rows = [(item.id, item.name, item.size, local_time(item.created_at, zone)) for item in found]
    print_table(("id", "name", "people", "imported"), rows)
