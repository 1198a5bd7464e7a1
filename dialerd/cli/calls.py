"""`dialerd calls`: the calls in progress; hang one up, put one through, listen in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from dialerd.cli.common import (
    all_pages,
    config_option,
    connect,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_pairs,
    print_table,
    who,
)
from dialerd.core.control_base import PAGE_MAX
from dialerd.core.flow_records import TargetKind

if TYPE_CHECKING:
    from dialerd.core.calls_view import Listener, LiveCall
    from dialerd.core.control_base import Request

attempt_argument = click.argument("attempt", type=click.IntRange(min=0))


@click.group("calls")
def calls() -> None:
    """The calls in progress, by the number of their attempt."""


@calls.command("ls")
@config_option
@output_option
def ls(config_path: str | None, output: str) -> None:
    """Every call in progress."""
    from dialerd.core.calls_view import ListCalls

    found: list[LiveCall] = [*all_pages(config_path, partial(ListCalls, limit=PAGE_MAX))]
    if output == "json":
        print_json(found)
        return
    print_table(
        ("attempt", "campaign", "number", "state", "trunk", "port", "agent", "keys"),
        [(c.attempt, c.campaign, c.number, c.state, c.trunk, c.port, c.agent, c.keys)
         for c in found],
    )  # fmt: skip


@calls.command("show")
@attempt_argument
@config_option
@output_option
def show(attempt: int, config_path: str | None, output: str) -> None:
    """One call and what has happened in it."""
    from dialerd.core.calls_view import GetCall

    with connect(config_path) as client:
        found = client.call(GetCall(attempt=attempt))
    if output == "json":
        print_json(found)
        return
    _show(found.call)
    zone = load_zone(config_path)
    click.echo()
    rows = [(local_time(one.at, zone), one.kind, one.detail) for one in found.events]
    print_table(("at", "what", "detail"), rows)


def _show(call: LiveCall) -> None:
    print_pairs(
        [
            ("call", f"{call.id} (attempt {call.attempt})"),
            ("campaign", call.campaign),
            ("number", call.number),
            ("state", call.state),
            ("line", f"{call.trunk} {call.port}".strip()),
            ("agent", call.agent or "-"),
            *(("supervisor", _listener(one)) for one in call.supervisors),
        ]
    )


def _listener(one: Listener) -> str:
    doing = "rung, to " if one.ringing else ""
    return f"{one.who}: {doing}{one.mode} at {one.phone}"


@calls.command("hang-up")
@attempt_argument
@config_option
@output_option
def hang_up(attempt: int, config_path: str | None, output: str) -> None:
    """End a call; one that rings is given up."""
    from dialerd.core.calls_view import EndCall

    _ask(EndCall(attempt=attempt, who=who()), config_path, output)


@calls.command("transfer")
@attempt_argument
@click.argument("kind", type=click.Choice([kind.value for kind in TargetKind]))
@click.argument("target")
@config_option
@output_option
def transfer(attempt: int, kind: str, target: str, config_path: str | None, output: str) -> None:
    """Put its person through to a queue, an agent or a number."""
    from dialerd.core.calls_view import TransferCall

    request = TransferCall(attempt=attempt, who=who(), kind=TargetKind(kind), target=target)
    _ask(request, config_path, output)


phone_option = click.option(
    "--phone", default="", help="The account that is rung; else the telephone of your own name."
)


_LISTENING = {
    "listen": "Hear a call at a telephone; neither side notices. Again: stop speaking.",
    "whisper": "Hear a call, and be heard by its agent only.",
    "barge": "Hear a call, and be heard by both sides.",
}


def _verb(mode: str, text: str) -> None:
    @calls.command(mode, help=text)
    @attempt_argument
    @phone_option
    @config_option
    @output_option
    def verb(attempt: int, phone: str, config_path: str | None, output: str) -> None:
        _supervise(attempt, mode, phone, config_path, output)


for _mode, _text in _LISTENING.items():
    _verb(_mode, _text)


@calls.command("leave")
@attempt_argument
@config_option
@output_option
def leave(attempt: int, config_path: str | None, output: str) -> None:
    """Hear a call no more."""
    _supervise(attempt, "", "", config_path, output)


def _supervise(attempt: int, mode: str, phone: str, config_path: str | None, output: str) -> None:
    from dialerd.core.calls_view import SuperviseCall
    from dialerd.core.supervise_records import SuperviseMode

    wanted: SuperviseMode | None = SuperviseMode(mode) if mode else None
    _ask(SuperviseCall(attempt=attempt, who=who(), mode=wanted, phone=phone), config_path, output)


def _ask(request: Request[LiveCall], config_path: str | None, output: str) -> None:
    """Have it done, and show the call as it is then."""
    with connect(config_path) as client:
        found = client.call(request)
    if output == "json":
        print_json(found)
    else:
        _show(found)
