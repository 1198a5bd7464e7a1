"""`dialerd regimes`: the legal rules that campaigns run under, and where they are written."""

from __future__ import annotations

import contextlib
from typing import Any

import click

from dialerd.cli.common import (
    config_option,
    load_config,
    output_option,
    print_json,
    print_pairs,
    print_table,
)
from dialerd.config import ConfigError
from dialerd.core.regime import find_regime
from dialerd.core.regime_data import REGIMES, Regime


@click.command("regimes")
@click.argument("name", required=False)
@config_option
@output_option
def regimes(name: str | None, config_path: str | None, output: str) -> None:
    """All of them, or everything about one. They are what we make of the law, and no advice."""
    with contextlib.suppress(ConfigError):  # without one there are those that are shipped
        load_config(config_path)
    try:
        found = [find_regime(name)] if name else list(REGIMES.values())
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if output == "json":
        print_json([_as_json(regime) for regime in found])
    elif name:
        print_pairs([(key, _cell(value)) for key, value in _as_json(found[0]).items()])
    else:
        print_table(("name", "version", "what it is"), [(r.name, r.version, r.text) for r in found])


def _as_json(regime: Regime) -> dict[str, Any]:
    cap, abandoned = regime.cap, regime.abandonment
    return {
        "name": regime.name,
        "version": regime.version,
        "text": regime.text,
        "zone": "where the person lives" if regime.local_to_lead else str(regime.zone),
        "hours": [
            {
                "days": list(hours.weekdays),
                "start": f"{hours.start_minute // 60:02d}:{hours.start_minute % 60:02d}",
                "end": f"{hours.end_minute // 60:02d}:{hours.end_minute % 60:02d}",
            }
            for hours in regime.hours
        ],
        "own_hours_required": regime.own_hours_required,
        "holidays": regime.holidays,
        "holidays_closed": regime.holidays_closed,
        "cap": None if cap is None else f"{cap.calls_max}/{cap.window_s} s {cap.counts}",
        "ring_s_min": regime.ring_s_min,
        "redial_s_min": regime.redial_s_min,
        "abandoned_redial_s": regime.abandoned_redial_s,
        "abandoned_share_max": abandoned.share_max,
        "abandoned_over": f"{abandoned.over}, {abandoned.window_s} s",
        "abandoned_grace_ms": abandoned.grace_ms,
        "abandoned_grace_from": "end of the greeting" if abandoned.from_greeting else "answer",
        "abandoned_message": abandoned.message,
        "lists": list(regime.lists),
        "consent": regime.consent,
        "brand": regime.brand,
        "loopback_only": regime.loopback_only,
        "sources": list(regime.sources),
    }


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(_hours(one) if isinstance(one, dict) else str(one) for one in value) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _hours(one: dict[str, Any]) -> str:
    days = ",".join(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][day] for day in one["days"])
    return f"{days} {one['start']}-{one['end']}"
