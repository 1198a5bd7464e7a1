"""The tables of `conf/dialerd.toml` as typed structs.

Each key carries its meaning, its limits and the kind of reload it needs in its `Meta`; the shipped
file and `docs/reference/config.md` are written from them.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, dataclass_transform

import msgspec
from msgspec import Meta

LIVE: Final = "live"  # takes effect at a reload
DRAIN: Final = "drain"  # at a reload, for calls that begin after it
RESTART: Final = "restart"  # only when the daemon starts

TRUNKS_MAX: Final = 500

_OURS = Path(__file__).parents[1]
# A plain $ would let a line feed pass at the end of a text, and these texts reach SIP lines.
_HOST = r"^[A-Za-z0-9]([A-Za-z0-9.:_-]{0,252}[A-Za-z0-9])?$(?!\n)"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)"
_USER = r"^[A-Za-z0-9._+~*#!%=&$-]{0,64}$(?!\n)"  # RFC 3261 25.1 unreserved, and more; no @
_LINE = r"^[^\x00-\x1f\x7f\"<>]{0,128}$(?!\n)"


def _doc(
    text: str, reload: str, *, hint: str = "", shown: str = "", secret: bool = False, **limits: Any
) -> Meta:
    """The Meta of one key: `shown` stands for the default in texts, `hint` helps after a fault."""
    extra = {"reload": reload, "hint": hint, "shown": shown, "secret": secret}
    return Meta(description=text, extra=extra, **limits)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the tables of the file."""


class LogLevel(StrEnum):
    """How much is written to the log."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Codec(StrEnum):
    """Speech codecs that can be offered."""

    PCMU = "PCMU"
    PCMA = "PCMA"


class NumberFormat(StrEnum):
    """How a carrier wants to be told the called number."""

    E164 = "e164"
    DIGITS = "digits"
    NATIONAL = "national"


class Store(Section):
    """State: lists, leads, campaigns, attempts, tokens."""

    path: Annotated[
        Path, _doc("Data folder; made when missing, one daemon at a time.", RESTART)
    ] = Path("/var/lib/dialerd")
    map_gib: Annotated[
        int,
        _doc(
            "Address space reserved for the database, in GiB; costs neither memory nor disk.",
            RESTART,
            ge=1,
            le=4096,
        ),
    ] = 256
    group_ms: Annotated[
        float,
        _doc("How long a commit waits for others to share it, in ms.", RESTART, ge=0.0, le=100.0),
    ] = 5.0


class Sip(Section):
    """The SIP socket."""

    bind: Annotated[
        str,
        _doc(
            "Address the socket is bound to.",
            RESTART,
            pattern=_HOST,
            hint="an IP address of this machine",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, _doc("UDP port.", RESTART, ge=1, le=65535)] = 5060
    advertised: Annotated[
        str,
        _doc(
            "Address shown to peers in Via, Contact and SDP; empty: `bind`. Set it behind NAT.",
            RESTART,
            pattern=r"^$(?!\n)|" + _HOST,
            hint="an IP address or host name that the carriers can reach",
        ),
    ] = ""
    user_agent: Annotated[
        str,
        _doc(
            "Value of the User-Agent header.",
            RESTART,
            pattern=_LINE,
            hint="at most 128 printable characters",
        ),
    ] = "dialerd"


class Media(Section):
    """RTP."""

    bind: Annotated[
        str,
        _doc(
            "Address of the RTP sockets.",
            RESTART,
            pattern=_HOST,
            hint="an IP address of this machine",
        ),
    ] = "127.0.0.1"
    port_low: Annotated[
        int, _doc("First UDP port; one even port for each call.", DRAIN, ge=1024, le=65534)
    ] = 20000
    port_high: Annotated[int, _doc("Last UDP port.", DRAIN, ge=1025, le=65535)] = 29999
    threads: Annotated[
        int, _doc("Media threads; one for each spare core.", RESTART, ge=1, le=64)
    ] = 1
    priority: Annotated[
        int,
        _doc(
            "SCHED_FIFO priority of the media threads where allowed; 0: none.", RESTART, ge=0, le=50
        ),
    ] = 10
    prompts: Annotated[
        Path,
        _doc(
            "Folder of the prompts that campaigns name.",
            LIVE,
            shown="the samples that come with dialerd",
        ),
    ] = _OURS / "prompts"


class Control(Section):
    """The Unix-domain socket of the CLI and the admin process."""

    socket: Annotated[Path, _doc("Path of the socket; made with mode 0600.", RESTART)] = Path(
        "/run/dialerd/control.sock"
    )


class Admin(Section):
    """The HTTP API, in a process of its own."""

    enabled: Annotated[bool, _doc("Whether the daemon starts the admin process.", RESTART)] = True
    bind: Annotated[
        str,
        _doc(
            "Address; plain HTTP is served on loopback only.",
            RESTART,
            pattern=_HOST,
            hint="127.0.0.1 or ::1",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, _doc("TCP port.", RESTART, ge=1, le=65535)] = 8460


class Dialing(Section):
    """Limits of the whole daemon."""

    calls_per_s_max: Annotated[
        float, _doc("New calls a second over all campaigns and trunks.", LIVE, gt=0.0, le=10_000.0)
    ] = 50.0
    calls_max: Annotated[
        int, _doc("Calls in progress over all trunks.", LIVE, ge=1, le=100_000)
    ] = 1000
    drain_s_max: Annotated[
        int,
        _doc(
            "How long a stop waits for live calls to end, in s; then they are hung up.",
            LIVE,
            ge=0,
            le=3600,
        ),
    ] = 30
    zone: Annotated[
        str,
        _doc(
            "Time zone of reports and of what the CLI prints: an offset or a zone name.",
            LIVE,
            hint='such as "+07:00"',
        ),
    ] = "+07:00"


class Numbering(Section):
    """How numbers are read, and where calls may go."""

    plan: Annotated[
        Path, _doc("Numbering plan.", LIVE, shown="the Vietnamese plan that comes with dialerd")
    ] = _OURS.parent / "conf" / "numbering" / "vn.toml"
    destinations: Annotated[
        tuple[
            Annotated[
                str,
                Meta(
                    pattern=r"^[1-9][0-9]{0,14}$(?!\n)",
                    extra={"hint": 'E.164 digits without the plus, such as "8490"'},
                ),
            ],
            ...,
        ],
        _doc(
            "Prefixes that may be dialed, E.164 without the plus; empty: those of the plan.", LIVE
        ),
    ] = ()


class Trunk(Section):
    """A SIP account with a number of channels."""

    name: Annotated[
        str,
        _doc(
            "Unique name, shown in reports.",
            DRAIN,
            pattern=_NAME,
            hint="letters, digits, dot, dash, underscore",
        ),
    ]
    host: Annotated[
        str,
        _doc("Address of the carrier.", DRAIN, pattern=_HOST, hint="an IP address or a host name"),
    ]
    port: Annotated[int, _doc("UDP port of the carrier.", DRAIN, ge=1, le=65535)] = 5060
    channels: Annotated[int, _doc("Calls in progress at most.", LIVE, ge=1, le=10_000)] = 30
    calls_per_s_max: Annotated[
        float, _doc("New calls a second at most.", LIVE, gt=0.0, le=10_000.0)
    ] = 10.0
    carriers: Annotated[
        tuple[str, ...],
        _doc("Carriers whose numbers it takes, as the plan names them; empty: any.", LIVE),
    ] = ()
    prefixes: Annotated[
        tuple[
            Annotated[
                str,
                Meta(
                    pattern=r"^[1-9][0-9]{0,14}$(?!\n)",
                    extra={"hint": 'E.164 digits without the plus, such as "8490"'},
                ),
            ],
            ...,
        ],
        _doc(
            "Prefixes it takes, E.164 without the plus; the longest match wins over carriers.", LIVE
        ),
    ] = ()
    weight: Annotated[
        int, _doc("Share among trunks that fit equally well.", LIVE, ge=1, le=1000)
    ] = 1
    username: Annotated[
        str,
        _doc(
            "Digest user name; empty: no authentication.",
            DRAIN,
            pattern=_LINE,
            hint="no quotes, no < or >",
        ),
    ] = ""
    password: Annotated[
        str,
        _doc(
            'Digest password; better "${env:NAME}" or password_file.',
            DRAIN,
            secret=True,
            max_length=256,
        ),
    ] = ""
    password_file: Annotated[
        Path | None, _doc("File whose first line is the password; not readable by others.", DRAIN)
    ] = None
    from_user: Annotated[
        str,
        _doc(
            "User part of From; empty: the caller id.", DRAIN, pattern=_USER, hint="no spaces, no @"
        ),
    ] = ""
    from_domain: Annotated[
        str,
        _doc(
            "Domain of From; empty: our own address.",
            DRAIN,
            pattern=r"^$(?!\n)|" + _HOST,
            hint="a host name",
        ),
    ] = ""
    caller_id: Annotated[
        str,
        _doc(
            "Number shown when the campaign sets none.",
            DRAIN,
            pattern=r"^\+?[0-9]{0,15}$(?!\n)",
            hint="digits, with or without a plus",
        ),
    ] = ""
    number_format: Annotated[
        NumberFormat,
        _doc(
            "How the called number is sent: e164 (+84912...), digits (84912...) or "
            "national (0912...).",
            DRAIN,
        ),
    ] = NumberFormat.E164
    loopback: Annotated[
        bool,
        _doc("A simulated line on this machine: the only kind the loopback regime may use.", DRAIN),
    ] = False
    codecs: Annotated[
        tuple[Codec, ...], _doc("Codecs offered, in order.", DRAIN, min_length=1, max_length=2)
    ] = (Codec.PCMA, Codec.PCMU)


class Log(Section):
    """The log, on standard error."""

    level: Annotated[LogLevel, _doc("debug, info, warning or error.", LIVE)] = LogLevel.INFO


class Config(Section):
    """The whole file."""

    store: Store = Store()
    sip: Sip = Sip()
    media: Media = Media()
    control: Control = Control()
    admin: Admin = Admin()
    dialing: Dialing = Dialing()
    numbering: Numbering = Numbering()
    trunk: Annotated[tuple[Trunk, ...], Meta(max_length=TRUNKS_MAX)] = ()
    log: Log = Log()
