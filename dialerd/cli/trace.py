"""`dialerd trace`: the SIP messages of a call as a ladder, in full, as JSON, as a capture."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Any

import click

from dialerd.cli.common import (
    clean,
    config_option,
    connect,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_table,
    write_file,
)
from dialerd.core.tracing import GetTrace, ListTraces, Trace, TraceList
from dialerd.lines.trace_text import capture, stamp, what
from dialerd.lines.trace_text import drawing as drawn

WIDTH_MIN = 60
WIDTH_MAX = 160


@click.command("trace")
@click.argument("call", default="")
@config_option
@click.option("--list", "listing", is_flag=True, help="List the calls that CALL may mean.")
@click.option("--full", is_flag=True, help="Print every message as it was.")
@click.option("--pcap", type=click.Path(path_type=Path), help="Write a capture file (Wireshark).")
@click.option("--secrets", is_flag=True, help="Show digest answers and SRTP keys.")
@output_option
def trace(
    call: str,
    config_path: str | None,
    listing: bool,  # noqa: FBT001 - a flag
    full: bool,  # noqa: FBT001
    pcap: Path | None,
    secrets: bool,  # noqa: FBT001
    output: str,
) -> None:
    """What was said on the wire in a call.

    CALL is a number, a user, a Call-ID or its beginning, an attempt, or lead:CAMPAIGN/LEAD. The
    newest call that fits is shown, with every leg of its attempt. Without CALL: the newest calls.
    """
    if not call.isprintable():  # bytes of the command line that are no text among them
        raise click.BadParameter("not a number, a user or a Call-ID", param_hint="CALL")
    zone, as_json = load_zone(config_path), output == "json"
    with connect(config_path) as client:
        if listing or not call:
            _show_list(client.call(ListTraces(call=call)), zone, as_json=as_json)
            return
        found = client.call(GetTrace(call=call, secrets=secrets))
    if pcap is not None:
        write_capture(pcap, found)
    if as_json:
        print_json(as_rows(found))
    elif pcap is None or full:
        for line in drawing(found, zone, full=full):
            click.echo(line)
        if found.others:
            click.echo(f"{found.others} older: dialerd trace --list {clean(call)}", err=True)


def _show_list(found: TraceList, zone: tzinfo | None, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    head = ("at", "from", "to", "messages", "last", "call id")
    rows = [
        (local_time(c.last_at, zone), c.caller, c.called, c.messages, c.last, c.call_id)
        for c in found.items
    ]
    print_table(head, rows)
    if found.left:
        click.echo(f"and {found.left} older")


def write_capture(path: Path, found: Trace) -> None:
    """The messages as a capture file, whole or not at all; OSError."""
    write_file(path, [capture(found)])


def drawing(found: Trace, zone: tzinfo | None, *, full: bool) -> Iterator[str]:
    """The head, then the ladder as wide as the terminal, or every message."""
    columns = shutil.get_terminal_size().columns
    return drawn(found, zone, min(max(columns, WIDTH_MIN), WIDTH_MAX), full=full)


def as_rows(found: Trace) -> dict[str, Any]:
    """For programs: times are RFC 3339 with nanoseconds beside, messages are text."""
    return {
        "calls": found.calls,
        "others": found.others,
        "messages": [
            {
                "call_id": m.call_id,
                "at": stamp(m.wall_ns),
                "wall_ns": m.wall_ns,
                "monotonic_ns": m.now_ns,
                "sent": m.sent,
                "transport": m.transport,
                "ours": m.ours,
                "peer": m.peer,
                "what": what(m),
                "text": m.data.decode("utf-8", "backslashreplace"),
            }
            for m in found.messages
        ],
    }
