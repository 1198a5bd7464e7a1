"""`dialerd listen`: takes calls as a script says, and tells what happens."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop

from dialerd.cli.common import clean, output_option
from dialerd.cli.sip_options import (
    bind_of,
    credentials_of,
    dtmf_option,
    hear_signals,
    srtp_option,
    transport_option,
)
from dialerd.core.keys import Dtmf
from dialerd.garbage import seldom_collected
from dialerd.shell.listen_words import ListenedCall, ListenEvent, ListenOptions, ListenSummary
from dialerd.shell.listener import Listener

SCRIPTS = ("answer", "ring", "busy", "echo", "hold")


@click.command("listen")
@click.option(
    "--bind", default="127.0.0.1:5060", show_default=True, help="HOST:PORT; port 0: any free one."
)
@transport_option
@click.option(
    "--script",
    type=click.Choice(SCRIPTS),
    default="answer",
    show_default=True,
    help="answer: until the caller hangs up; ring: until the caller gives up; busy: 486; "
    "echo: say back what is heard; hold: hold the caller for a while.",
)
@click.option("--calls", type=click.IntRange(min=0), default=0, help="End after so many calls.")
@click.option(
    "--calls-max",
    type=click.IntRange(1, 4000),
    default=100,
    show_default=True,
    help="Calls at a time; a further one is answered 503.",
)
@click.option("--play", type=click.Path(path_type=Path), help="Audio file for the caller.")
@click.option("--record", type=click.Path(path_type=Path), help="Stereo WAV file of both sides.")
@click.option("--seconds", type=click.FloatRange(min=0), help="Hang up this long after the answer.")
@click.option("--hold-after-ms", type=click.IntRange(0), default=1000, show_default=True,
              help="Of the script hold: how long after the answer.")  # fmt: skip
@click.option("--hold-ms", type=click.IntRange(0), default=2000, show_default=True,
              help="Of the script hold: for how long.")  # fmt: skip
@click.option(
    "--auth",
    default="",
    metavar="USER:PASS",
    help="Challenge callers (digest); From must show USER.",
)
@srtp_option
@dtmf_option
@click.option("--cert", type=click.Path(path_type=Path), help="TLS: our certificate chain, PEM.")
@click.option("--key", type=click.Path(path_type=Path), help="TLS: its private key, PEM.")
@output_option
def listen(  # noqa: PLR0913, PLR0917 - one parameter per option
    bind: str,
    transport: str,
    script: str,
    calls: int,
    calls_max: int,
    play: Path | None,
    record: Path | None,
    seconds: float | None,
    hold_after_ms: int,
    hold_ms: int,
    auth: str,
    srtp: str,
    dtmf: str,
    cert: Path | None,
    key: Path | None,
    output: str,
) -> None:
    """Be the called side: take calls as a script says, one line for each thing that happens.

    Ends after --calls calls, or by Ctrl-C, which hangs up first and waits a few seconds for the far
    ends to agree; a second Ctrl-C ends it at once. No daemon is needed.
    """
    if transport == "tls" and cert is None:
        raise click.UsageError("--transport tls needs --cert (and --key, unless it is in there)")
    values: dict[str, Any] = {
        "bind": bind_of(bind, transport or "udp", cert=cert, key=key),
        "script": script,
        "srtp": srtp,
        "dtmf": Dtmf(dtmf),
    }
    options = ListenOptions(
        **values,
        calls=calls,
        calls_max=calls_max,
        play=play,
        record=record,
        seconds=seconds,
        hold_after_ms=hold_after_ms,
        hold_ms=hold_ms,
        auth=credentials_of(auth),
    )
    try:
        with seldom_collected():
            uvloop.run(_listen(options, as_json=output == "json"))
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error


async def _listen(options: ListenOptions, *, as_json: bool) -> None:
    loop = asyncio.get_running_loop()
    say = _say_json if as_json else _say
    listener = Listener(options, loop, say, say)
    hear_signals(loop)  # before anybody can know that it listens
    host, port = listener.address
    if as_json:
        _line({"kind": "listening", "host": host, "port": port, "script": options.script})
    else:
        click.echo(f"listening on {options.bind.transport} {host}:{port} ({options.script})")
    say(await listener.run())


def _say_json(what: ListenEvent | ListenedCall | ListenSummary) -> None:
    match what:
        case ListenEvent():
            _line({"kind": "event", **msgspec.structs.asdict(what)})
        case ListenedCall():
            _line({"kind": "call", **msgspec.structs.asdict(what)})
        case ListenSummary():
            _line({"kind": "summary", **msgspec.structs.asdict(what)})


def _line(what: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        click.echo(msgspec.json.encode(what).decode())


def _say(what: ListenEvent | ListenedCall | ListenSummary) -> None:
    with contextlib.suppress(BrokenPipeError):
        match what:
            case ListenEvent():
                text = f"{what.call:>4} {what.at_ms:>8} ms  {what.event:<14} {what.detail}"
                click.echo(clean(text).rstrip())
            case ListenedCall():
                keys = what.digits or "none"
                click.echo(
                    f"{what.call:>4} {what.duration_ms:>8} ms talked; keys {clean(keys)}; "
                    f"RTP sent {what.rtp_sent}, received {what.rtp_received}, lost {what.rtp_lost}"
                )
            case ListenSummary():
                refused = f", {what.refused} refused (--calls-max)" if what.refused else ""
                calls = "1 call" if what.calls == 1 else f"{what.calls} calls"
                click.echo(f"{calls}, {what.answered} answered{refused}")
