"""`dialerd amd`: how well it was found out who answered."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dialerd.cli.common import config_option, load_config, output_option, print_json, print_table

if TYPE_CHECKING:
    from dialerd.store.verdicts import Figures

HEAD = (
    "campaign", "trunk", "human", "machine", "unknown", "revised", "people as machines",
    "machines as people", "left at once", "median s", "95 % s", "what to change",
)  # fmt: skip


@click.group("amd")
def amd() -> None:
    """Who answered, person or machine: how right that was."""


@amd.command("report")
@click.option("--campaign", metavar="CAMPAIGN", help="Only this one (default: all).")
@click.option("--trunk", metavar="TRUNK", help="Only calls by this trunk.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Answered on this day or later.")
@click.option("--data", metavar="DIR", type=click.Path(path_type=Path), help="Data folder.")
@config_option
@output_option
def report(
    *, campaign: str | None, trunk: str | None, since: datetime | None, data: Path | None,
    config_path: str | None, output: str,
) -> None:  # fmt: skip
    """Compare verdicts with what agents said and people did, by campaign and trunk.

    A disposition that names a machine or voice mail means one; keys, or 20 s with an agent, a
    person; of other calls nobody knows. Rates are given with the interval that holds in 95 of 100
    cases.
    """
    from dialerd.config import Config, parse_zone
    from dialerd.store import open_store
    from dialerd.store.verdicts import count

    config = Config() if data and not config_path else load_config(config_path)
    zone = parse_zone(config.dialing.zone)
    since_ms = int(since.replace(tzinfo=zone).timestamp() * 1000) if since else 0
    store = open_store(data or config.store.path, readonly=True)
    try:
        chosen = [store.find_campaign(campaign)] if campaign else store.campaigns()
        rows = []
        for one in chosen:
            tries = (
                pair[0]
                for rows_read in store.report(one.campaign_id)
                for row in rows_read
                for pair in row.attempts
            )
            found = count(one.settings.name, tries, since_ms)
            rows += [row for row in found if trunk in (None, row.trunk)]
    finally:
        store.close()
    _show(rows, output)


def _show(rows: list[Figures], output: str) -> None:
    from dialerd.store.verdicts import advice, interval, quantile_ms

    def rate(part: int, whole: int) -> str:
        low, high = interval(part, whole)
        return f"{part} of {whole} ({low:.1%} to {high:.1%})" if whole else "none known"

    if output == "json":
        print_json([
            {
                "campaign": row.campaign, "trunk": row.trunk, "human": row.human,
                "machine": row.machine, "unknown": row.unknown, "revised": row.revised,
                "known_humans": row.known_humans, "known_machines": row.known_machines,
                "humans_as_machines": row.wrong_machine, "machines_as_humans": row.wrong_human,
                "humans_as_machines_interval": interval(row.wrong_machine, row.known_humans),
                "machines_as_humans_interval": interval(row.wrong_human, row.known_machines),
                "left_at_once": row.left_at_once, "median_ms": quantile_ms(row.waits_ms, 0.5),
                "p95_ms": quantile_ms(row.waits_ms, 0.95), "advice": advice(row),
            }
            for row in rows
        ])  # fmt: skip
        return
    print_table(
        HEAD,
        [
            (
                row.campaign, row.trunk, row.human, row.machine, row.unknown, row.revised,
                rate(row.wrong_machine, row.known_humans),
                rate(row.wrong_human, row.known_machines), row.left_at_once,
                f"{quantile_ms(row.waits_ms, 0.5) / 1000:.2f}",
                f"{quantile_ms(row.waits_ms, 0.95) / 1000:.2f}", advice(row),
            )
            for row in rows
        ],
    )  # fmt: skip
