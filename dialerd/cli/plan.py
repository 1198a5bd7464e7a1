"""`dialerd plan`: how many lines so many calls need, and the reverse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from dialerd.cli.common import config_option, load_config, output_option, print_json
from dialerd.core.capacity import (
    BANKS,
    Bound,
    Carried,
    Need,
    Work,
    calls_of,
    calls_on,
    lines_for,
)


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
    for sentence in _sentences(work, need, carried, bounds, today):
        click.echo(sentence)


def _configured(work: Work, config_path: str | None) -> list[Bound] | None:
    """What the trunks of the configuration carry; None without a configuration."""
    from dialerd.config import ConfigError, find_config
    from dialerd.shell.trunk_config import trunk_spec

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
        "text": list(_sentences(work, need, carried, bounds, today)),
    }


def _sentences(
    work: Work,
    need: Need | None,
    carried: Carried | None,
    bounds: Sequence[Bound] | None,
    today: int | None,
) -> list[str]:
    said = [_call(work)]
    if need is not None:
        said.append(
            f"{need.calls_day:,.0f} calls in {_hours(work)} ({need.calls_month:,.0f} in {work.days}"
            f" days) are {need.calls_per_s:.2f} calls/s: {_count(need.lines, 'line')}, "
            f"that is {_boxes(need)} or trunk channels."
        )
    if carried is not None:
        said.append(
            f"{_count(carried.lines, 'line')} carry {carried.calls_day:,} calls in {_hours(work)}, "
            f"{carried.calls_month:,} in {work.days} days."
        )
    if bounds is None:
        return said
    said.extend(
        f"{one.trunk}: {_count(one.lines, 'line')}, {one.calls_day:,} calls a day; {one.because}."
        for one in bounds
    )
    said.append(_together(work, bounds, need, today))
    return said


def _call(work: Work) -> str:
    if work.hold_s:
        return f"A call keeps its line for {float(work.call_s):g} s."
    gap = f" + {work.gap_s:g} s pause" if work.gap_s else ""
    return (
        f"A call keeps its line for {float(work.call_s):g} s: {work.dial_s:g} s dialing + "
        f"{work.ring_s:g} s ringing + {work.talk_s:g} s talk of {1 - work.unreachable:.0%}{gap}."
    )


def _together(work: Work, bounds: Sequence[Bound], need: Need | None, today: int | None) -> str:
    """What all lines of the configuration carry, and whether that is enough."""
    lines = sum(one.lines for one in bounds)
    a_day = sum(one.calls_day for one in bounds)
    said = (
        f"The configured {_count(lines, 'line')} carry {a_day:,} calls a day, "
        f"{sum(one.calls_month for one in bounds):,} in {work.days} days"
    )
    if need is not None and a_day >= need.calls_day:
        said += ": enough"
    elif need is not None:
        missing = need.lines - lines
        more = f"{_count(missing, 'line')} more" if missing > 0 else "fewer limits"
        said += f": {need.calls_day - a_day:,.0f} too few, it takes {more}"
    if today is not None:
        reached = int(a_day * (1 - work.unreachable))
        said += f"; {today:,} answered today of {reached:,} that they could"
    return said + "."


def _boxes(need: Need) -> str:
    words = []
    for ports in BANKS:
        boxes = need.boxes[str(ports)]
        words.append(f"{boxes:,} box{'' if boxes == 1 else 'es'} of {ports} ports")
    return " or ".join(words)


def _hours(work: Work) -> str:
    return f"{work.hours:g} h"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
