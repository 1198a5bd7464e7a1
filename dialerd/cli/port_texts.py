"""`dialerd port texts`: what reached the SIMs of modem banks, out of the store."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from dialerd.cli.common import (
    clean,
    config_option,
    local_time,
    output_option,
    print_json,
    print_table,
)
from dialerd.cli.data_folder import data_option, opened, zone_of

if TYPE_CHECKING:
    from dialerd.core.modem_records import SimText

_PAGE = 1000  # texts read at a time


@click.command("texts")
@click.option("--after", type=click.IntRange(0), help="Those behind this one, oldest first.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many.")
@data_option
@config_option
@output_option
def texts(
    after: int | None, limit: int, data: Path | None, config_path: str | None, output: str
) -> None:
    """Texts that reached the SIMs, with or without a daemon: the newest, or those behind one."""
    with opened(data, config_path, readonly=True) as store:
        found: deque[tuple[int, SimText]] = deque(maxlen=limit)
        page = store.texts(after or 0, limit if after is not None else _PAGE)
        while page:
            found.extend(page)
            page = store.texts(page[-1][0], _PAGE) if after is None else []
    zone = zone_of(config_path, data)
    if output == "json":
        print_json([{"id": number, **msgspec.structs.asdict(one)} for number, one in found])
        return
    print_table(
        ("id", "arrived", "port", "from", "text"),
        [
            (
                number,
                local_time(datetime.fromtimestamp(one.arrived_ms / 1000, UTC), zone),
                one.port,
                clean(one.sender),
                clean(one.text),
            )
            for number, one in found
        ],
    )
