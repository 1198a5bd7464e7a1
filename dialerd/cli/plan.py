"""`dialerd plan`: how many lines so many calls need, and the reverse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from dialerd.cli.common import config_option, load_config, output_option, print_json
from dialerd.core.capacity import Bound, Carried, Need, Work, calls_of, calls_on, lines_for
from dialerd.core.capacity_words import sentences


@click.command("plan")
@click.option("--per-day", type=float, metavar="CALLS", help="Calls a day that are wanted.")
@click.option("--per-month", type=float, metavar="CALLS", help="Calls a month that are wanted.")
@click.option("--lines", type=int, metavar="N", help="Lines that are there: what they carry.")
@click.option("--dial-s", type=float, default=7, show_default=True, help="Until the first ring.")
@click.option("--ring-s", type=float, default=25, show_default=True, help="Ringing, on average.")
@click.option("--talk-s", type=float, default=40, show_default=True, help="Talk of the reached.")
@click.option(
    "--unreachable", type=float, default=0.3, show_default=True, help="Share without talk, 0 to 1."
)
@click.option("--call-s", type=float, default=0, help="A call on its line, instead of the above.")
@click.option("--gap-s", type=float, default=0, help="Pause of a line after each call.")
@click.option("--hours", type=float, default=8, show_default=True, help="Dialing hours of a day.")
@click.option("--days", type=int, default=30, show_default=True, help="Dialing days of a month.")
@config_option
@output_option
def plan(
    per_day: float | None,
    per_month: float | None,
    lines: int | None,
    config_path: str | None,
    output: str,
    **of_call: Any,
) -> None:
    """How many lines so many calls need, how many calls so many lines carry.

    Without --per-day, --per-month and --lines it says what the configured lines carry, and beside
    any of them whether those are enough. While the daemon runs, today's calls stand beside it.
    """
    if per_day is not None and per_month is not None:
        raise click.UsageError("--per-day or --per-month, not both")
    try:
        work = Work(hold_s=of_call.pop("call_s"), **of_call)
        need = None
        if per_day is not None or per_month is not None:
            need = lines_for(work, calls_day=per_day or 0, calls_month=per_month or 0)
        carried = None if lines is None else calls_on(work, lines)
    except ValueError as fault:
        raise click.UsageError(str(fault)) from None
    bounds = _configured(work, config_path)
    today = None if bounds is None else _today(config_path)
    if output == "json":
        print_json(_json(work, need, carried, bounds, today))
        return
    for sentence in sentences(work, need, carried, bounds, today):
        click.echo(sentence)


def _configured(work: Work, config_path: str | None) -> list[Bound] | None:
    """What the trunks of the configuration carry; None without a configuration."""
    from dialerd.config import ConfigError, find_config
    from dialerd.config.line_specs import trunk_spec

    try:
        find_config(config_path)
    except ConfigError:
        return None  # no file at all, and none was named
    config = load_config(config_path)
    return calls_of(work, [trunk_spec(trunk) for trunk in config.trunk])


def _today(config_path: str | None) -> int | None:
    """Calls answered today, by the books of the running daemon; None when it does not run."""
    from dialerd.cli.common import connect
    from dialerd.control.io_client import UnreachableError
    from dialerd.core.lines_view import ListTrunks

    try:
        with connect(config_path) as client:
            found = client.call(ListTrunks())
    except UnreachableError:
        return None
    return sum(trunk.use.calls_today for trunk in found.items)


def _json(
    work: Work,
    need: Need | None,
    carried: Carried | None,
    bounds: Sequence[Bound] | None,
    today: int | None,
) -> dict[str, Any]:
    return {
        "call_s": float(work.call_s),
        "hours": work.hours,
        "days": work.days,
        "needed": need,
        "carried": carried,
        "configured": bounds,
        "answered_today": today,
        "text": list(sentences(work, need, carried, bounds, today)),
    }
