"""Options that `dialerd call` and `dialerd listen` share."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import signal
from pathlib import Path
from typing import Any

import click
import msgspec

from dialerd.core.keys import Dtmf
from dialerd.shell.sip_stack import Bind
from sip.accounts.auth import Credentials
from sip.transport.io_tls import TlsOptions

_BIND = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+)|([0-9A-Fa-f:]+))(?::(\d{1,5}))?")

transport_option = click.option(
    "--transport",
    type=click.Choice(["udp", "tcp", "tls"]),
    default=None,
    help="How SIP travels (default: what the URI says, if there is one, else udp).",
)
srtp_option = click.option(
    "--srtp",
    type=click.Choice(["off", "offered", "required"]),
    default="off",
    show_default=True,
    help="Encrypt the audio (SRTP with SDES keys).",
)
dtmf_option = click.option(
    "--dtmf",
    type=click.Choice([way.value for way in Dtmf]),
    default="auto",
    show_default=True,
    help="How keys travel: RFC 4733, inband (tones), info (SIP INFO), all; auto: RFC 4733, tones "
    "where the far end does not agree on it.",
)


def host_and_port(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `HOST`, `[V6]:PORT`, `V6`; port 0 when there is none; BadParameter."""
    found = _BIND.fullmatch(text)
    if found is not None:
        host, port = found[1] or found[2] or found[3], int(found[4] or 0)
        try:
            ipaddress.ip_address(host)
        except ValueError:
            found = None
        else:
            if port < 65_536:
                return host, port
    raise click.BadParameter(
        f"{text!r} is not an address such as 192.0.2.1:5060 or [2001:db8::1]:5060",
        param_hint="--bind",
    )


def bind_of(
    text: str, transport: str, *, cert: Path | None = None, key: Path | None = None
) -> Bind:
    """Where one transport is bound."""
    host, port = host_and_port(text)
    fields: dict[str, Any] = {"transport": transport}
    made = Bind(host, port, **fields, named="--bind")
    if transport == "tls":
        made = msgspec.structs.replace(made, tls=TlsOptions(certificate=cert, key=key))
    return made


def credentials_of(text: str) -> Credentials | None:
    """`USER:PASS`; the password may hold colons. BadParameter."""
    if not text:
        return None
    user, colon, password = text.partition(":")
    if not user or not colon:
        raise click.BadParameter("it must look like USER:PASS", param_hint="--auth")
    return Credentials(user, password)


def hear_signals(loop: asyncio.AbstractEventLoop) -> None:
    """Ctrl-C and SIGTERM cancel the running task, each time.

    SIGINT too: a shell starts its `&` jobs with it ignored, and Python leaves it so.
    """
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
