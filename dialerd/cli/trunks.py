"""`dialerd trunks` and `lines`: what carries calls; `carriers`: for whose numbers; `reload`."""

from __future__ import annotations

import click

from dialerd.cli.common import (
    clean,
    config_option,
    connect,
    load_config,
    output_option,
    print_json,
    print_table,
    who,
)
from dialerd.core.lines_view import ListTrunks, PortInfo, Reload, TrunkInfo, Use, lines_of


@click.command("trunks")
@click.argument("name", required=False, default="")
@config_option
@output_option
def trunks(name: str, config_path: str | None, output: str) -> None:
    """The lines: channels, registration, breaker, rate, share answered, cost and what is left.

    With the NAME of one, its ports as well.
    """
    with connect(config_path) as client:
        found = client.call(ListTrunks(name=name))
    if output == "json":
        print_json(found)
        return
    print_table(
        ("trunk", "kind", "carrier", "used", "of", "calls/s", "answered", "registration",
         "breaker", "cost today", "left", "why"),
        [_row(trunk) for trunk in found.items],
    )  # fmt: skip
    for trunk in found.items if name else ():
        if trunk.ports:
            click.echo()
            print_table(
                ("port", "state", "placed", "answered", "min today", "cost today", "left", "why"),
                [_port(port) for port in trunk.ports],
            )


def _row(trunk: TrunkInfo) -> tuple[object, ...]:
    rate = f"{trunk.calls_per_s:g}"
    if trunk.calls_per_s != trunk.calls_per_s_max:
        rate += f" of {trunk.calls_per_s_max:g}"
    return (
        trunk.name,
        trunk.kind,
        trunk.provider or "-",
        trunk.in_use,
        trunk.channels,
        rate,
        _share(trunk.asr, trunk.placed),
        trunk.registration or "-",
        trunk.breaker,
        f"{trunk.use.cost_today:g}",
        _left(trunk.use),
        trunk.why,
    )


def _port(port: PortInfo) -> tuple[object, ...]:
    return (
        port.name,
        "busy" if port.busy else "rests" if port.why else "free",
        port.placed,
        port.answered,
        f"{port.use.minutes_today:g}",
        f"{port.use.cost_today:g}",
        _left(port.use),
        port.why,
    )


def _left(use: Use) -> str:
    """What a line may still use, in words."""
    parts = []
    if use.minutes_left is not None:
        parts.append(f"{use.minutes_left:g} min")
    if use.calls_left is not None:
        parts.append(f"{use.calls_left} calls")
    if use.cost_left is not None:
        parts.append(f"cost {use.cost_left:g}")
    if use.days_left is not None:
        parts.append(f"{use.days_left} days")
    return ", ".join(parts) or "-"


@click.command("lines")
@config_option
@output_option
def lines(config_path: str | None, output: str) -> None:
    """Every line: the trunks, each with its ports one by one, use, what is left, why it rests."""
    with connect(config_path) as client:
        found = client.call(ListTrunks()).items
    rows = [line for trunk in found for line in lines_of(trunk)]
    if output == "json":
        print_json(rows)
        return
    print_table(
        ("trunk", "port", "kind", "carrier", "up", "used", "of", "answered", "calls today",
         "min today", "why"),
        [
            (one.trunk, one.port or "-", one.kind, one.provider or "-", "yes" if one.up else "no",
             one.in_use, one.channels, _share(one.asr, one.placed), one.calls_today,
             f"{one.minutes_today:g}", one.why)
            for one in rows
        ],
    )  # fmt: skip


def _share(asr: float | None, placed: int) -> str:
    return "-" if asr is None else f"{asr:.0%} of {placed}"


@click.command("carriers")
@config_option
@output_option
def carriers(config_path: str | None, output: str) -> None:
    """The carriers that numbers are told apart by, and the trunks configured for each."""
    from dialerd.plan_file import read_numbering

    config = load_config(config_path)
    numbering = read_numbering(config.numbering.plan, config.numbering.destinations)
    found = [
        {"name": name, "lines": [one.name for one in config.trunk if name in one.carriers]}
        for name in filter(None, numbering.carriers)
    ]
    if output == "json":
        print_json(found)
    else:
        rows = [(one["name"], ", ".join(one["lines"]) or "-") for one in found]
        print_table(("carrier", "trunks"), rows)


@click.command("reload")
@config_option
@output_option
def reload(config_path: str | None, output: str) -> None:
    """Take over the configuration as it is now; no call is dropped.

    Keys that wait for the next start are named.
    """
    with connect(config_path) as client:
        found = client.call(Reload(who=who()))
    if output == "json":
        print_json(found)
        return
    for what in ("added", "changed", "removed"):
        for name in getattr(found, what):
            click.echo(f"{what}: {name}")
    if not (found.added or found.changed or found.removed):
        click.echo("the trunks are as they were")
    for key in found.live:
        click.echo(f"from now on: {key}")
    for text in found.left_out:
        click.echo(f"announcement not used: {clean(text)}", err=True)
    for key in found.restart:
        click.echo(f"at the next start: {key}", err=True)
