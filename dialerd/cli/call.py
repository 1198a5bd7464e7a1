"""`dialerd call`: one call to a SIP URI, reported as a timeline."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import click
import msgspec
import uvloop

from dialerd.shell.one_call import CallOptions, CallReport, place
from sip.auth import Credentials
from sip.uri import parse


@click.command("call")
@click.argument("uri")
@click.option(
    "--play", type=click.Path(path_type=Path), help="Audio file to play after the answer."
)
@click.option(
    "--digits", default="", help="Digits to send after the prompt (RFC 4733): 0-9 * # A-D."
)
@click.option(
    "--record", type=click.Path(path_type=Path), help="Write both sides to a stereo WAV file."
)
@click.option("--seconds", type=click.FloatRange(min=0), help="Hang up this long after the answer.")
@click.option(
    "--ring",
    "ring_s_max",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    help="Give up after ringing this long.",
)
@click.option("--from", "caller", default="dialerd", show_default=True, help="User part of From.")
@click.option("--user", default="", help="User name for a digest challenge (401/407).")
@click.option("--password-file", type=click.Path(path_type=Path), help="File holding the password.")
@click.option(
    "--bind", default="", help="Local address (default: the one that reaches the target)."
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Local SIP port (0: any).")
@click.option("--json", "as_json", is_flag=True, help="Print the timeline as JSON.")
@click.pass_context
def call(  # noqa: PLR0913, PLR0917 - one parameter per option
    context: click.Context,
    uri: str,
    play: Path | None,
    digits: str,
    record: Path | None,
    seconds: float | None,
    ring_s_max: float,
    caller: str,
    user: str,
    password_file: Path | None,
    bind: str,
    port: int,
    as_json: bool,  # noqa: FBT001 - a flag
) -> None:
    """Dial sip:USER@HOST:PORT once and tell what happened.

    No daemon is needed. Times are milliseconds after the INVITE left.
    """
    if digits.strip("0123456789*#ABCDabcd"):
        raise click.BadParameter("only 0-9, *, # and A-D can be sent", param_hint="--digits")
    try:
        target = parse(uri)
        if target.scheme != "sip" or not target.user:
            raise ValueError("it must look like sip:USER@HOST:PORT")
        transport = re.search(r"(?:^|;)transport=([^;]*)", target.params.lower())
        if transport and transport[1] != "udp":
            raise ValueError("only UDP is spoken")
    except ValueError as error:
        raise click.BadParameter(
            f"'{uri}' is not a SIP URI that can be called: {error}", param_hint="URI"
        ) from error
    try:
        password = password_file.read_text().strip() if password_file else ""
        report = uvloop.run(
            place(
                CallOptions(
                    uri=target,
                    text=uri,
                    play=play,
                    digits=digits.upper(),
                    record=record,
                    seconds=seconds,
                    ring_s_max=ring_s_max,
                    caller=caller,
                    bind=bind,
                    port=port,
                    credentials=Credentials(user, password) if user else None,
                )
            )
        )
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        with contextlib.suppress(BrokenPipeError):
            _print(report)
    if report.outcome == "failed":
        click.echo(f"error: {_why_failed(report)}", err=True)
        context.exit(1)


def _why_failed(report: CallReport) -> str:
    if report.sip_code:
        return f"{report.uri}: the far end answered {report.sip_code} {report.reason}"
    if report.reason:
        return f"{report.uri}: {report.reason}"
    return f"{report.uri}: no reply; is anything listening there?"


def _print(report: CallReport) -> None:
    for event in report.timeline:
        click.echo(f"{event.at_ms:>8} ms  {event.event:<14} {event.detail}")
    rtp = report.rtp
    keys = "".join(d.digit for d in report.digits) or "none"
    click.echo(
        f"{report.outcome}, released by {report.released_by or 'nobody'}; digits heard: {keys}; "
        f"RTP sent {rtp.sent}, received {rtp.received}, lost {rtp.lost}, jitter {rtp.jitter_ms} ms"
    )
