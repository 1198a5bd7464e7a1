"""What the console has beside the commands of the shell: show, pacing, events, watch, log."""

from __future__ import annotations

import contextlib
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from dialerd.cli.common import (
    campaign_names,
    clean,
    config_option,
    connect,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_pairs,
    who,
)

if TYPE_CHECKING:
    from dialerd.core.agents_view import TeamInfo
    from dialerd.core.control import CampaignInfo, LiveEvent, ProgressInfo
    from dialerd.core.operate_view import Level

SHOWN: Final = {  # what `show` means in the words of the shell
    "calls": ("calls", "ls"),
    "ports": ("port", "ls"),
    "lines": ("trunks",),
    "trunks": ("trunks",),
    "agents": ("agent", "list"),
    "campaigns": ("campaign", "ls"),
    "lists": ("list", "ls"),
    "idle": ("why",),
    "traces": ("trace", "--list"),
    "status": ("status",),
}
TOPICS: Final = (
    "campaign", "agent", "card", "trunk", "pacing", "incoming", "call", "audio", "alert", "error",
    "port",
)  # fmt: skip
AGAIN_S: Final = 0.5  # between two attempts to reach a daemon that is being started
EVERY_S: Final = 2.0
LEVELS: Final = ("debug", "info", "warning", "error")


@click.command("show", context_settings={"ignore_unknown_options": True})
@click.argument("what", type=click.Choice(list(SHOWN)))
@click.argument("rest", nargs=-1, type=click.UNPROCESSED)
def show(what: str, rest: tuple[str, ...]) -> int | None:
    """What there is: calls, ports, lines, agents, campaigns, … (-o json as in the shell)."""
    from dialerd.cli.main import cli

    code: Any = cli.main(args=[*SHOWN[what], *rest], prog_name="", standalone_mode=False)
    return code if isinstance(code, int) else None


@click.command("pacing")
@click.argument("campaign", shell_complete=campaign_names)
@click.option("-f", "--follow", is_flag=True, help="Every decision of its pacer, until Ctrl-C.")
@config_option
@output_option
def pacing(
    campaign: str,
    follow: bool,  # noqa: FBT001 - a flag
    config_path: str | None,
    output: str,
) -> None:
    """How fast a campaign dials now, and why not faster."""
    from dialerd.core.agents_view import ListAgents
    from dialerd.core.control import GetCampaign, GetProgress

    with connect(config_path) as client:
        found = client.call(GetCampaign(campaign=campaign))
        books = client.call(GetProgress(campaign=campaign))
        teams = client.call(ListAgents()).teams
    team = next((one for one in teams if one.campaign == found.name), None)
    if follow:

        def show(event: LiveEvent) -> None:
            if event.topic != "pacing" or event.data.get("campaign_id") == found.id:
                _print_event(event, config_path, output)

        _follow(("pacing",), config_path, show)
    elif output == "json":
        print_json({"campaign": found, "progress": books, "team": team})
    else:
        print_pairs(_pairs(found, books, team, config_path))


def _pairs(
    found: CampaignInfo, books: ProgressInfo, team: TeamInfo | None, config_path: str | None
) -> list[tuple[str, Any]]:
    spec = found.spec
    eta = local_time(books.eta, load_zone(config_path)) if books.eta else "nobody can tell"
    pairs: list[tuple[str, Any]] = [
        ("campaign", f"{found.name} ({found.state}, {spec.mode})"),
        ("why not dialing", found.why or "-"),
        ("at most", f"{spec.calls_per_s_max:g} a second" if spec.calls_per_s_max else "the lines"),
        ("left", f"{books.left} of {books.audience}; over at {eta}"),
    ]
    if team is not None:
        kept = f"{team.abandonment:.2%} (of the regime: {team.abandonment_legal:.2%})"
        pairs += [
            ("agents", f"{team.ready} ready, {team.talking} talking, {team.wrapping} wrapping up, "
                       f"{team.paused} paused of {team.joined}"),
            ("calls for each", f"{team.calls_per_agent:.2f}"),
            ("waiting customers", team.customers_waiting),
            ("abandoned", f"{team.abandoned} of {team.people}: {kept}"),
            ("at work", f"{team.utilisation:.0%}; waited {team.waited_s:.1f} s for a customer"),
        ]  # fmt: skip
    return pairs


@click.command("events")
@click.argument("topics", nargs=-1, type=click.Choice(TOPICS), metavar="[TOPIC]...")
@config_option
@output_option
def events(topics: tuple[str, ...], config_path: str | None, output: str) -> None:
    """What happens now, a line each, until Ctrl-C; all but call and audio when none is named."""
    _follow(topics, config_path, lambda event: _print_event(event, config_path, output))


def _follow(
    topics: tuple[str, ...], config_path: str | None, show: Callable[[LiveEvent], None]
) -> None:
    """Show events until Ctrl-C, and until one that was dropped while an event was shown."""
    with _interrupts() as seen:
        for event in following(topics, config_path):
            show(event)
            if seen:
                raise KeyboardInterrupt


def following(topics: tuple[str, ...], config_path: str | None) -> Iterator[LiveEvent]:
    """Live events for ever: a daemon that goes away is waited for, and told on standard error."""
    from dialerd.control.io_client import UnreachableError
    from dialerd.core.control import Ping, Subscribe

    lost = False
    while True:
        try:
            with connect(config_path) as client:
                pong = client.call(Ping())
                if lost:
                    click.echo(f"-- the daemon is there again (pid {pong.pid})", err=True)
                lost = False
                yield from client.events(Subscribe(topics=topics))
        except UnreachableError as error:
            if not lost:
                click.echo(f"-- {error.text}; waiting for it", err=True)
            lost = True
        time.sleep(AGAIN_S)  # nothing tells that a socket will be there: it is looked for


def _print_event(event: LiveEvent, config_path: str | None, output: str) -> None:
    if output == "json":
        click.echo(msgspec.json.encode(event).decode())
    else:
        from dialerd.core.campaign_spec import at_time

        at = local_time(at_time(event.at_ms), load_zone(config_path))
        told = "  ".join(f"{name}={_value(value)}" for name, value in event.data.items())
        click.echo(f"{at}  {event.topic:<8}  {clean(told)}")
    sys.stdout.flush()  # who reads a pipe wants each as it comes


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@click.command("watch", context_settings={"ignore_unknown_options": True})
@click.option("-n", "--every", type=click.FloatRange(0.1, 3600), default=EVERY_S, metavar="SECONDS")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def watch(every: float, command: tuple[str, ...]) -> None:
    """Do a command again and again until Ctrl-C: `watch show calls`."""
    from dialerd.cli.console import obey
    from dialerd.cli.main import INTERRUPTED

    with _interrupts() as seen:
        while True:
            if sys.stdout.isatty():
                click.clear()
            if obey(shlex.join(command)) == INTERRUPTED or seen:  # Ctrl-C ends the view, too
                raise KeyboardInterrupt
            time.sleep(every)  # the pace of the view itself: there is nothing else to wait for


@contextlib.contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Interrupts raise as ever, and are kept: Python drops those that meet a callback of its own.

    One that comes while a module is imported may be raised in the callback of a weak reference,
    where nothing is raised any further, and the view would go on.
    """
    seen: list[int] = []

    def interrupted(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        if callable(before):  # of a view round this one, which keeps it too, and raises
            before(number, frame)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


@click.group("log")
def log() -> None:
    """The daemon's log."""


@log.command("level")
@click.argument("level", required=False, type=click.Choice(LEVELS))
@config_option
@output_option
def level(level: Level | None, config_path: str | None, output: str) -> None:
    """How much the daemon logs; with LEVEL from now on, until a reload or restart."""
    from dialerd.core.operate_view import SetLogLevel

    with connect(config_path) as client:
        found = client.call(SetLogLevel(level=level, who=who()))
    if output == "json":
        print_json(found)
    else:
        click.echo(found.level)


OWN: Final[dict[str, click.Command]] = {
    "show": show,
    "pacing": pacing,
    "events": events,
    "watch": watch,
    "log": log,
}
