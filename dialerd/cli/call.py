"""`dialerd call`: one call to a SIP URI, or to a number on a trunk, reported as a timeline."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop

from dialerd.cli.common import clean, config_option, output_option
from dialerd.cli.sip_options import (
    credentials_of,
    dtmf_option,
    hear_signals,
    host_and_port,
    srtp_option,
    transport_option,
)
from dialerd.cli.trace import drawing, write_capture
from dialerd.core.keys import Dtmf
from dialerd.core.limits import CHAIN_MAX
from dialerd.core.tracing import GetTrace, Trace
from dialerd.shell.call_words import CallOptions, CallReport, Via
from dialerd.shell.one_call import OneCall
from sip.accounts.auth import Credentials
from sip.messages.uri import Uri, parse
from sip.transport.io_tls import TlsOptions
from sip.transport.local import transport_of


@click.command("call")
@click.argument("uri")
@click.option(
    "--play",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Audio file to play after the answer; several are played one behind the other.",
)
@click.option("--digits", default="", help="Digits to send after the prompt: 0-9 * # A-D.")
@click.option(
    "--record", type=click.Path(path_type=Path), help="Stereo WAV file, early media included."
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
@click.option(
    "--from",
    "caller",
    default="",
    help="User of From, or its whole URI (default: the user of --auth, else dialerd).",
)
@click.option("--auth", default="", metavar="USER:PASS", help="For a digest challenge (401/407).")
@click.option("--user", default="", help="User name for a digest challenge, with --password-file.")
@click.option("--password-file", type=click.Path(path_type=Path), help="File holding the password.")
@click.option(
    "--via-trunk",
    "trunk",
    default="",
    metavar="NAME",
    help="Call the number URI as the daemon would on this trunk.",
)
@config_option
@transport_option
@click.option("--hold-ms", type=click.IntRange(min=0), default=0, help="Hold so long, then resume.")
@click.option("--transfer", default="", metavar="URI", help="Then send the far end there (REFER).")
@srtp_option
@dtmf_option
@click.option("--bind", default="", metavar="HOST[:PORT]", help="Our address (default: any port).")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port of --bind.")
@click.option("--ca", type=click.Path(path_type=Path), help="TLS: whom to believe, PEM.")
@click.option("--insecure", is_flag=True, help="TLS: believe any certificate.")
@click.option("--trace", "traced", is_flag=True, help="Draw the ladder of its SIP messages.")
@click.option("--pcap", type=click.Path(path_type=Path), help="Write them to a capture file.")
@click.option("--full", is_flag=True, help="Print every one of them as it was.")
@click.option("--secrets", is_flag=True, help="Show digest answers and SRTP keys in them.")
@output_option
@click.pass_context
def call(context: click.Context, /, uri: str, **given: Any) -> None:
    """Call sip:USER@HOST once (sips: and IPv6 too) and tell what happened.

    No daemon is needed. Times are milliseconds after the INVITE left. Ctrl-C hangs up and waits a
    few seconds for the far end to agree, a second one ends at once. Exit code 0: it was answered;
    1: it was not, or could not be tried.
    """
    options = _options(uri, given)
    try:
        report, found = uvloop.run(_place(options, secrets=given["secrets"]))
    except asyncio.CancelledError:  # before it was dialed
        raise click.Abort from None
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    as_json = given["output"] == "json"
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        with contextlib.suppress(BrokenPipeError):
            _print(report)
    for full in (False, True):
        if given["full" if full else "traced"]:
            for line in drawing(found, None, full=full):
                click.echo(line, err=as_json)
    if given["pcap"] is not None:
        try:
            write_capture(given["pcap"], found)
        except OSError as error:  # the call is told all the same
            raise click.ClickException(str(error)) from error
    if report.answer_ms is None:
        if report.outcome == "failed":
            click.echo(f"error: {_why_failed(report)}", err=True)
        context.exit(1)


async def _place(options: CallOptions, *, secrets: bool) -> tuple[CallReport, Trace]:
    """The call, and what was said in it."""
    loop = asyncio.get_running_loop()
    one = OneCall(options, loop)
    hear_signals(loop)
    report = await one.run()
    if one.stack is None or one.stack.traces is None:
        return report, Trace(calls=(), messages=())
    return report, one.stack.traces.get(GetTrace(call=report.call_id, secrets=secrets))


def _options(uri: str, given: dict[str, Any]) -> CallOptions:
    """The options of the command line, checked; BadParameter."""
    digits = given["digits"].upper()
    if digits.strip("0123456789*#ABCD"):
        raise click.BadParameter("only 0-9, *, # and A-D can be sent", param_hint="--digits")
    host, port = host_and_port(given["bind"]) if given["bind"] else ("", 0)
    if given["transfer"]:
        _callable(given["transfer"], "--transfer")
    record = given["record"]
    if len(given["play"]) > CHAIN_MAX:
        raise click.BadParameter(f"at most {CHAIN_MAX} are played", param_hint="--play")
    played = [path for path in given["play"] if path.exists()]
    if record and record.exists() and any(map(record.samefile, played)):
        raise click.BadParameter("it is the file that is played", param_hint="--record")
    via = _via(given["trunk"], uri, given["config_path"]) if given["trunk"] else None
    credentials = _credentials(given)
    given["caller"] = caller = given["caller"] or (
        credentials.username if credentials else "dialerd"
    )
    if ":" in caller:
        _callable(caller, "--from")
    return CallOptions(
        uri=Uri("", "", "", -1, "") if via else _callable(uri, "URI"),
        text=uri,
        digits=digits,
        bind=host,
        port=port or given["port"],
        transport=given["transport"] or "",
        tls=TlsOptions(authorities=given["ca"], verify=not given["insecure"]),
        credentials=credentials,
        via=via,
        dtmf=Dtmf(given["dtmf"]),
        **{
            name: given[name]
            for name in (
                "play", "record", "seconds", "ring_s_max", "caller", "hold_ms", "transfer", "srtp",
            )
        },
    )  # fmt: skip


def _callable(text: str, hint: str) -> Uri:
    """A URI that can be called; BadParameter."""
    try:
        target = parse(text)
        if target.scheme not in {"sip", "sips"} or not target.user:
            raise ValueError("it must look like sip:USER@HOST:PORT")
        if (transport := transport_of(target)) not in {"udp", "tcp", "tls"}:
            raise ValueError(f"{transport} is not spoken: udp, tcp and tls are")
    except ValueError as error:
        bare = hint == "URI" and not text.strip("+0123456789")
        why = "a number needs --via-trunk NAME" if bare else error
        raise click.BadParameter(
            f"'{clean(text)}' is not a SIP URI that can be called: {why}", param_hint=hint
        ) from error
    return target


def _credentials(given: dict[str, Any]) -> Credentials | None:
    if given["auth"] and given["user"]:
        raise click.UsageError("--auth and --user say the same: give one of them")
    if not given["user"]:
        return credentials_of(given["auth"])
    try:
        path = given["password_file"]
        return Credentials(given["user"], path.read_text().strip() if path else "")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{given['password_file']}: {error}") from error


def _via(name: str, number: str, config_path: str | None) -> Via:
    """The trunk of the configuration, and the number as the numbering plan reads it."""
    from dialerd.config import find_config, load
    from dialerd.plan_file import read_numbering
    from dialerd.shell.sip_config import stack_settings

    config = load(find_config(config_path))
    trunks = {trunk.name: trunk for trunk in config.trunk}
    if name not in trunks:
        known = ", ".join(trunks) or "none"
        raise click.BadParameter(f"no trunk {name!r}; there are: {known}", param_hint="--via-trunk")
    numbering = read_numbering(config.numbering.plan, config.numbering.destinations)
    media, sip = config.media, config.sip
    try:
        return Via(
            trunks[name],
            numbering.number(number.removeprefix("sip:").partition("@")[0]),
            stack_settings(config),
            (media.bind, media.port_low, media.port_high),
            sip.advertised or sip.bind,
        )
    except ValueError as error:
        raise click.BadParameter(f"{clean(number)!r}: {error}", param_hint="URI") from error


def _why_failed(report: CallReport) -> str:
    if report.sip_code:
        return f"{report.uri}: the far end answered {report.sip_code} {clean(report.reason)}"
    if report.reason and report.reason != "no reply":
        return f"{report.uri}: {clean(report.reason)}"
    return f"{report.uri}: no reply; is anything listening there?"


def _print(report: CallReport) -> None:
    for event in report.timeline:
        click.echo(clean(f"{event.at_ms:>8} ms  {event.event:<14} {event.detail}"))
    rtp = report.rtp
    keys = "".join(d.digit for d in report.digits) or "none"
    said = f"{report.sip_code or ''} {clean(report.reason)}".strip()
    why = f" ({said})" if said and report.answer_ms is None else ""
    click.echo(
        f"{report.outcome}{why}, released by {report.released_by or 'nobody'}; "
        f"digits heard: {keys}; RTP sent {rtp.sent}, received {rtp.received}, lost {rtp.lost}, "
        f"jitter {rtp.jitter_ms} ms{f', MOS {rtp.mos}' if rtp.mos else ''}"
    )
    if rtp.trouble:
        click.echo(f"audio: {rtp.trouble}")
