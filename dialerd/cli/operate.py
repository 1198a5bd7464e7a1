"""`dialerd status`, `drain`, `stop` and `emergency-stop`: the daemon as a whole."""

from __future__ import annotations

from datetime import tzinfo

import click

from dialerd.cli.common import (
    clean,
    config_option,
    connect,
    examined,
    load_config,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_pairs,
    print_table,
    who,
)
from dialerd.core.control import Drain, EmergencyStop, GetStatus, Status, Stop, Stopped


@click.command("status")
@config_option
@output_option
def status(config_path: str | None, output: str) -> None:
    """What the daemon is doing: calls, outcomes, trunks and why a trunk takes no calls."""
    from dialerd.control.io_client import UnreachableError

    try:
        with connect(config_path) as client:
            found = client.call(GetStatus())
    except UnreachableError:
        _say_if_examined(config_path)
        raise
    if output == "json":
        print_json(found)
    else:
        _show(found, load_zone(config_path))


def _say_if_examined(config_path: str | None) -> None:
    """UnreachableError with the reason when the daemon examines its store before it answers."""
    from dialerd.control.io_client import UnreachableError
    from dialerd.store.doubt import BEFORE, examiner
    from dialerd.toml_faults import TomlError

    try:
        pid = examiner(load_config(config_path).store.path)
    except TomlError:  # the daemon was named by DIALERD_SOCKET alone
        return
    if pid:
        raise UnreachableError(f"the daemon (pid {pid}) is {BEFORE}; it answers then")


def _show(found: Status, zone: tzinfo | None) -> None:
    outcomes = ", ".join(f"{name} {n}" for name, n in found.outcomes.items() if n)
    old, left = (int(found.counters.get(f"old_calls_{name}", 0)) for name in ("found", "left"))
    before = [("calls of before", f"{old - left} of {old} ended")] if old else []
    print_pairs(
        [
            ("state", found.state),
            ("version", f"{found.version} (pid {found.pid})"),
            ("since", local_time(found.started_at, zone)),
            ("calls", f"{found.calls_in_flight} in flight, {found.calls_per_s:.1f} new a second"),
            *before,
            ("placed", found.placed),
            ("outcomes", outcomes or "none yet"),
            ("campaigns", ", ".join(found.running) or "none running"),
            *([("store", text)] if (text := examined(found.counters)) else []),
            *_outbox(found.counters),
        ]
    )
    if found.trunks:
        click.echo()
        print_table(
            ("trunk", "state", "used", "of", "placed", "answered", "failed", "incoming", "why"),
            [
                (
                    trunk.name,
                    "up" if trunk.up else "down",
                    trunk.in_use,
                    trunk.channels,
                    trunk.placed,
                    trunk.answered,
                    trunk.failed,
                    trunk.incoming,
                    trunk.why,
                )
                for trunk in found.trunks
            ],
        )


def _outbox(counters: dict[str, float]) -> list[tuple[str, str]]:
    """Rows that wait to be sent; nothing where nobody is to be told."""
    rows, rows_max = counters.get("store_outbox_rows", 0), counters.get("store_outbox_max", 0)
    if not rows and not rows_max:
        return []
    dropped = counters.get("store_outbox_dropped", 0)
    more = f", {dropped:.0f} were dropped" if dropped else ""
    return [("outbox", f"{rows:.0f} of {rows_max:.0f} rows wait{more}")]


@click.command("drain")
@config_option
@output_option
@click.option("--hang-up", is_flag=True, help="End live calls at once.")
def drain(config_path: str | None, output: str, hang_up: bool) -> None:  # noqa: FBT001 - a flag
    """No new calls; live ones end by themselves."""
    with connect(config_path) as client:
        found = client.call(Drain(who=who(), hang_up=hang_up))
    _told(found, output, f"draining: {found.calls_in_flight} calls in flight")


@click.command("stop")
@config_option
@output_option
@click.option("--hang-up", is_flag=True, help="End live calls at once.")
def stop(config_path: str | None, output: str, hang_up: bool) -> None:  # noqa: FBT001 - a flag
    """Drain, then end the daemon."""
    with connect(config_path) as client:
        found = client.call(Stop(who=who(), hang_up=hang_up))
    _told(found, output, f"stopping: {found.calls_in_flight} calls in flight")


@click.command("emergency-stop")
@config_option
@output_option
@click.option("--let-calls-end", is_flag=True, help="Do not hang live calls up.")
def emergency_stop(
    config_path: str | None,
    output: str,
    let_calls_end: bool,  # noqa: FBT001 - a flag
) -> None:
    """Stop all dialing now, hang live calls up, and pause every running campaign."""
    with connect(config_path) as client:
        found = client.call(EmergencyStop(who=who(), hang_up=not let_calls_end))
    _told(found, output, f"stopped: {found.calls_in_flight} calls were in flight")


def _told(found: Stopped, output: str, text: str) -> None:
    if output == "json":
        print_json(found)
        return
    click.echo(text)
    for name in found.paused:
        click.echo(f"paused: {clean(name)}")
