"""`dialerd port`: modems of banks in the daemon, and single modems without one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from dialerd.cli.common import (
    clean,
    config_option,
    connect,
    output_option,
    print_json,
    print_pairs,
    print_table,
    who,
)
from dialerd.cli.errors import FailedError
from dialerd.cli.port_texts import texts
from dialerd.core.ports_view import (
    ActOnPort,
    ListPorts,
    ModemPort,
    PortAction,
    SendText,
    SendUssd,
)
from dialerd.shell.modem_words import ModemCall, ModemCallReport, ModemOptions, ModemReport

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def device_options(function: F) -> F:
    """How a device is spoken to; the command gets `modem`, a `ModemOptions`."""
    options = (
        click.option("--baud", type=click.IntRange(1200, 4_000_000), default=115_200,
                     show_default=True, help="Speed of a UART."),
        click.option("--dialect", default="auto", show_default=True,
                     help="Name of a dialect; auto asks the modem who it is."),
        click.option("--dialects", type=click.Path(path_type=Path, exists=True, file_okay=False),
                     help="Folder of dialects (default: those that come with dialerd)."),
        click.option("--pin-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
                     help="File whose first line is the SIM's PIN."),
        click.option("--pin-tries", type=click.IntRange(1, 10), default=None,
                     help="Tries that the SIM has left, where the module does not tell."),
        click.option("--wait", "wait_s", type=click.FloatRange(1, 3600), default=180.0,
                     show_default=True, help="Give up when it is not ready after so many seconds."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@click.group("port")
def port() -> None:
    """Ports of modem banks: list, block, reset, codes and texts; and single modems by device.

    A PORT is BANK/SLOT, or the SLOT alone; `ls`, `block`, `unblock`, `reset`, `ussd` and `sms` ask
    the daemon. `probe`, `at` and `call` work on a device DEV that no daemon has open.
    """


# -- the daemon's ports --------------------------------------------------------------------------


@port.command("ls")
@click.argument("bank", required=False, default="")
@click.option("--devices", is_flag=True, help="The serial devices of this machine instead.")
@config_option
@output_option
def ls(bank: str, devices: bool, config_path: str | None, output: str) -> None:  # noqa: FBT001
    """Every port: state, SIM, network, signal, use, and why it takes no call."""
    if devices:
        from gsm.io_serial import listed

        found = [{"device": path, "description": text} for path, text in listed()]
        if output == "json":
            print_json(found)
        else:
            print_table(("device", "description"), [tuple(one.values()) for one in found])
        return
    with connect(config_path) as client:
        ports = client.call(ListPorts(bank=bank))
    if output == "json":
        print_json(ports)
        return
    print_table(
        ("port", "state", "module", "SIM", "carrier", "network", "dBm", "calls", "answered",
         "min today", "left", "balance", "why"),
        [_row(one) for one in ports.items],
    )  # fmt: skip


def _row(one: ModemPort) -> tuple[object, ...]:
    left = [] if one.use.minutes_left is None else [f"{one.use.minutes_left:g} min"]
    left += [] if one.use.calls_left is None else [f"{one.use.calls_left} calls"]
    return (
        f"{one.bank}/{one.slot}",
        "ready" if one.ready else one.state,
        one.model or "-",
        one.iccid or "-",
        one.carrier or "-",
        one.operator or one.registration,
        "-" if one.rssi_dbm is None else one.rssi_dbm,
        one.placed,
        one.answered,
        f"{one.use.minutes_today:g}",
        ", ".join(left) or "-",
        "-" if one.balance is None else f"{one.balance:g}",
        one.why,
    )


def _act(name: str, action: PortAction, reason: str, config_path: str | None, output: str) -> None:
    with connect(config_path) as client:
        request = ActOnPort(port=name, action=action, who=who(), reason=reason)
        found = client.call(request)
    if output == "json":
        print_json(found)
    else:
        why = f": {found.why}" if found.why else ""
        click.echo(clean(f"{found.bank}/{found.slot} is {found.state}{why}"))


@port.command("block")
@click.argument("name", metavar="PORT")
@click.option("--reason", default="", help="Why, for whoever reads `port ls`.")
@config_option
@output_option
def block(name: str, reason: str, config_path: str | None, output: str) -> None:
    """No calls on a port's SIM until it is unblocked; one that is up goes on."""
    _act(name, PortAction.BLOCK, reason, config_path, output)


@port.command("unblock")
@click.argument("name", metavar="PORT")
@config_option
@output_option
def unblock(name: str, config_path: str | None, output: str) -> None:
    """Take every lock off a port's SIM."""
    _act(name, PortAction.UNBLOCK, "", config_path, output)


@port.command("reset")
@click.argument("name", metavar="PORT")
@config_option
@output_option
def reset(name: str, config_path: str | None, output: str) -> None:
    """Start a port's module anew, as soon as it is idle."""
    _act(name, PortAction.RESET, "", config_path, output)


@port.command("ussd")
@click.argument("name", metavar="PORT")
@click.argument("code")
@config_option
@output_option
def ussd(name: str, code: str, config_path: str | None, output: str) -> None:
    """Send a code such as *101# to a SIM's network and print its answer.

    The answer to a menu is sent the same way.
    """
    with connect(config_path, timeout_s=110.0) as client:
        found = client.call(SendUssd(port=name, code=code, who=who()))
    if output == "json":
        print_json(found)
    else:
        click.echo("\n".join(clean(line) for line in found.text.splitlines()))
    if found.kind in {"busy", "unsupported", "timeout", "error"}:
        raise FailedError(f"{name}: {code}: {found.kind}")


@port.command("sms")
@click.argument("name", metavar="PORT")
@click.argument("number")
@click.argument("text")
@config_option
@output_option
def sms(name: str, number: str, text: str, config_path: str | None, output: str) -> None:
    """Send a text message from a port's SIM."""
    with connect(config_path, timeout_s=150.0) as client:
        found = client.call(SendText(port=name, number=number, text=text, who=who()))
    if output == "json":
        print_json(found)
    else:
        click.echo(f"sent in {found.parts} part{'s' * (found.parts != 1)}")


# -- one device ----------------------------------------------------------------------------------


port.add_command(texts)


@port.command("probe")
@click.argument("device", metavar="DEV")
@device_options
@click.option("--trace", is_flag=True, help="Show what was said.")
@output_option
@click.pass_context
def probe(context: click.Context, /, output: str, **given: Any) -> None:
    """Find out what modem is at a device, which SIM it has, and whether it can be used.

    The first line says yes or no, and what it lacks. Exit code 0: yes, it makes calls; 1: no, or
    nobody answers.
    """
    report, problem = _run(lambda: _probe(_options(given)))
    if output == "json":
        print_json(report)
    else:
        click.echo(clean(_verdict(report)))
        _print_modem(report)
        _print_trace(report)
    if not report.usable:
        click.echo(f"error: {clean(problem or report.why or report.state)}", err=True)
        context.exit(1)


def _verdict(report: ModemReport) -> str:
    """Yes or no, in one line."""
    lacks = "; ".join(report.lacks)
    if not report.usable:
        return f"no: {lacks}"
    who = f"{report.manufacturer} {report.model}".strip() or "this modem"
    return f"yes: {who} makes calls" + (f", but it lacks {lacks}" if lacks else "")


@port.command("at")
@click.argument("device", metavar="DEV")
@click.argument("command", metavar="COMMAND")
@device_options
@output_option
@click.pass_context
def at(context: click.Context, /, command: str, output: str, **given: Any) -> None:
    """Send one AT command to the modem at a device and print its answer.

    Exit code 0: it said OK; 1: it refused, or did not answer. What rewrites a module's identity,
    switches it off, or enters or changes a PIN is not sent; calls are made by `call`.
    """
    reply = _run(lambda: _at(_options(given), command))
    if output == "json":
        print_json({"command": command, "lines": reply.lines, "ok": reply.ok})
    else:
        for line in reply.lines:
            click.echo(clean(line))
    if not reply.ok:
        context.exit(1)


@port.command("call")
@click.argument("device", metavar="DEV")
@click.argument("number")
@click.option(
    "--play",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Audio file to play after the answer; several follow one another.",
)
@click.option("--record", type=click.Path(path_type=Path), help="Stereo WAV file of the call.")
@click.option("--digits", default="", help="Keys to send after the prompt: 0-9 * # A-D.")
@click.option("--seconds", type=click.FloatRange(min=0), help="Hang up this long after the answer.")
@click.option(
    "--ring",
    "ring_s_max",
    type=click.FloatRange(1, 600),
    default=60.0,
    show_default=True,
    help="Give up after ringing this long.",
)
@click.option(
    "--audio",
    type=click.Path(path_type=Path),
    help="The modem's audio device, alsa:CARD, or files: by files on the module "
    "(default: the device that belongs to DEV).",
)
@device_options
@click.option("--trace", is_flag=True, help="Show what was said to and by the modem.")
@output_option
@click.pass_context
def call(context: click.Context, /, output: str, **given: Any) -> None:
    """Call NUMBER on the modem at a device and tell what happened.

    Times are milliseconds after the number was dialed. Ctrl-C hangs up. Exit code 0: it was
    answered; 1: it was not, or could not be tried.
    """
    wanted = ModemCall(
        given.pop("number"), given.pop("play"), given.pop("record"), given.pop("digits").upper(),
        given.pop("seconds"), given.pop("ring_s_max"),
    )  # fmt: skip
    if wanted.digits.strip("0123456789*#ABCD"):
        raise click.BadParameter("only 0-9, *, # and A-D can be sent", param_hint="--digits")
    report = _run(lambda: _call(_options(given), wanted))
    if output == "json":
        print_json(report)
    else:
        _print_call(report)
        _print_trace(report)
    if report.answer_ms is None:
        if report.outcome == "failed":
            why = report.text or report.cause
            click.echo(f"error: {clean(report.number)}: {clean(why)}", err=True)
        context.exit(1)


def _options(given: dict[str, Any]) -> ModemOptions:
    from dialerd.config.secrets import first_line
    from gsm.card import is_pin

    pin, audio = given.pop("pin_file"), given.pop("audio", None)
    tries = given.pop("pin_tries") or 0
    try:
        secret = first_line(pin) if pin is not None else ""
    except ValueError as error:
        raise FailedError(f"{pin}: {error}") from error
    if pin is not None and not is_pin(secret):
        raise FailedError(f"{pin}: its first line is no PIN: that is 4 to 8 digits")
    return ModemOptions(**given, pin=secret, pin_tries=tries, audio=str(audio) if audio else "")


def _run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    import uvloop

    try:
        return uvloop.run(work())
    except asyncio.CancelledError:
        raise click.Abort from None
    except ValueError as error:  # a number that cannot be dialed, a file that is no audio
        raise FailedError(str(error)) from error


async def _probe(options: ModemOptions) -> tuple[ModemReport, str]:
    from dialerd.shell.one_modem import SETTLED, ModemError, OneModem

    modem, problem = OneModem(options), ""
    try:
        await modem.up(SETTLED)
    except ModemError as error:  # nobody answers, which is a finding
        problem = str(error)
    finally:
        report = modem.snapshot()
        await modem.close()
    return report, problem


async def _at(options: ModemOptions, command: str) -> Any:
    from dialerd.shell.one_modem import UP, OneModem

    modem = OneModem(options)
    try:
        await modem.up(UP)
        return await modem.at(command)
    finally:
        await modem.close()


async def _call(options: ModemOptions, wanted: ModemCall) -> ModemCallReport:
    from dialerd.cli.sip_options import hear_signals
    from dialerd.shell.modem_call import OneModemCall
    from dialerd.shell.one_modem import SETTLED, OneModem

    modem = OneModem(options)
    hear_signals(asyncio.get_running_loop())
    try:
        made = OneModemCall(modem, wanted)
        await modem.up(SETTLED)
        return await made.run()
    finally:
        await modem.close()


def _print_modem(report: ModemReport) -> None:
    pairs = [
        (name.replace("_", " "), value)
        for name, value in ((n, getattr(report, n)) for n in report.__struct_fields__)
        if name not in {"trace", "usable", "lacks"} and value not in {"", None}
    ]
    print_pairs(pairs)


def _print_call(report: ModemCallReport) -> None:
    with contextlib.suppress(BrokenPipeError):
        for event in report.timeline:
            click.echo(clean(f"{event.at_ms:>8} ms  {event.event:<14} {event.detail}"))
        keys = "".join(one.digit for one in report.digits) or "none"
        said = f" ({report.cause}{f', {report.q850}' if report.q850 else ''})"
        click.echo(
            f"{report.outcome}{said if report.answer_ms is None else ''}, released by "
            f"{report.released_by or 'nobody'}; digits heard: {keys}"
        )


def _print_trace(report: ModemReport | ModemCallReport) -> None:
    for one in report.trace:
        click.echo(clean(f"{one.at_ms:>8} ms  {one.direction} {one.text}"))
