"""The configuration: `conf/dialerd.toml` as typed structs, checked whole before anything starts.

Each key carries its meaning, unit and the kind of reload it needs in its `Meta`; the shipped file's
comments and `docs/reference/config.md` are held against them by tests. Paths are relative to the
file's folder. Campaigns, lists and prompts are data and are not here.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta, timezone, tzinfo
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from dialerd.toml_load import Fault, Finding, TomlError, read

__all__ = ["Config", "ConfigError", "Finding", "find_config", "load", "masked", "parse_zone"]

ConfigError = TomlError

LIVE: Final = "live"  # takes effect at a reload
DRAIN: Final = "drain"  # at a reload, for calls that begin after it
RESTART: Final = "restart"  # only when the daemon starts

TRUNKS_MAX: Final = 500
SECRET_BYTES_MAX: Final = 4096
UNIX_PATH_BYTES_MAX: Final = 107  # sun_path of unix(7), less its NUL

_HERE = Path(__file__).parent
_HOST = r"^[A-Za-z0-9]([A-Za-z0-9.:_-]{0,252}[A-Za-z0-9])?$"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_USER = r"^[A-Za-z0-9._+~*#!%=&$-]{0,64}$"  # RFC 3261 25.1 unreserved, and more; no @
_LINE = r"^[^\x00-\x1f\x7f\"<>]{0,128}$"
_OFFSET = re.compile(r"^([+-])(\d{2}):(\d{2})$")


def _doc(
    text: str, reload: str, *, hint: str = "", shown: str = "", secret: bool = False, **limits: Any
) -> Meta:
    """The Meta of one key: `shown` stands for the default in texts, `hint` helps after a fault."""
    extra = {"reload": reload, "hint": hint, "shown": shown, "secret": secret}
    return Meta(description=text, extra=extra, **limits)


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


class Store(Section, frozen=True):
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


class Sip(Section, frozen=True):
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
            pattern=r"^$|" + _HOST,
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


class Media(Section, frozen=True):
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
    ] = _HERE / "prompts"


class Control(Section, frozen=True):
    """The Unix-domain socket of the CLI and the admin process."""

    socket: Annotated[Path, _doc("Path of the socket; made with mode 0600.", RESTART)] = Path(
        "/run/dialerd/control.sock"
    )


class Admin(Section, frozen=True):
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


class Dialing(Section, frozen=True):
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


class Numbering(Section, frozen=True):
    """How numbers are read, and where calls may go."""

    plan: Annotated[
        Path, _doc("Numbering plan.", LIVE, shown="the Vietnamese plan that comes with dialerd")
    ] = _HERE.parent / "conf" / "numbering" / "vn.toml"
    destinations: Annotated[
        tuple[
            Annotated[
                str,
                Meta(
                    pattern=r"^[1-9][0-9]{0,14}$",
                    extra={"hint": 'E.164 digits without the plus, such as "8490"'},
                ),
            ],
            ...,
        ],
        _doc(
            "Prefixes that may be dialed, E.164 without the plus; empty: those of the plan.", LIVE
        ),
    ] = ()


class Trunk(Section, frozen=True):
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
                    pattern=r"^[1-9][0-9]{0,14}$",
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
            "Domain of From; empty: the carrier's host.",
            DRAIN,
            pattern=r"^$|" + _HOST,
            hint="a host name",
        ),
    ] = ""
    caller_id: Annotated[
        str,
        _doc(
            "Number shown when the campaign sets none.",
            DRAIN,
            pattern=r"^\+?[0-9]{0,15}$",
            hint="digits, with or without a plus",
        ),
    ] = ""
    loopback: Annotated[
        bool,
        _doc("A simulated line on this machine: the only kind the loopback regime may use.", DRAIN),
    ] = False
    codecs: Annotated[
        tuple[Codec, ...], _doc("Codecs offered, in order.", DRAIN, min_length=1, max_length=2)
    ] = (Codec.PCMA, Codec.PCMU)


class Log(Section, frozen=True):
    """The log, on standard error."""

    level: Annotated[LogLevel, _doc("debug, info, warning or error.", LIVE)] = LogLevel.INFO


class Config(Section, frozen=True):
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


def find_config(path: str | None = None) -> Path:
    """Where the file is: as named, $DIALERD_CONFIG, conf/dialerd.toml here, or under /etc.

    Raises:
        ConfigError: there is none.
    """
    named = path or os.environ.get("DIALERD_CONFIG")
    if named:
        return Path(named)
    usual = (Path("conf/dialerd.toml"), Path("/etc/dialerd/dialerd.toml"))
    for candidate in usual:
        if candidate.is_file():
            return candidate
    tried = " or ".join(str(candidate) for candidate in usual)
    raise ConfigError(
        f"error: no configuration: there is no {tried}\n   = help: name one with -c FILE"
    )


def load(path: Path | str) -> Config:
    """Read and check a configuration file.

    Paths in the result are absolute; `password` holds what `password_file` named.

    Raises:
        ConfigError: its text shows every fault with file:line:column, the line, a caret and a
            suggestion.
    """
    path = Path(path)
    config = read(path, Config, rules=_rules, raw_rules=lambda raw: _secret_rules(raw, path))
    for trunk in config.trunk:
        if trunk.password_file is not None:
            msgspec.structs.force_setattr(trunk, "password", _first_line(trunk.password_file))
    return config


def masked(config: Config) -> Any:
    """The effective configuration as plain JSON-able data with every secret replaced."""

    def one(value: Any) -> Any:
        if isinstance(value, msgspec.Struct):
            fields = {
                field.encode_name: (field, getattr(value, field.name))
                for field in msgspec.structs.fields(value)
            }
            return {
                name: "***" if _secret(field) and item else one(item)
                for name, (field, item) in fields.items()
            }
        if isinstance(value, tuple):
            return [one(item) for item in value]
        return str(value) if isinstance(value, Path | StrEnum) else value

    return one(config)


def _secret(field: msgspec.structs.FieldInfo) -> bool:
    metas = getattr(field.type, "__metadata__", ())
    return any(isinstance(meta, Meta) and bool((meta.extra or {}).get("secret")) for meta in metas)


def parse_zone(text: str) -> tzinfo:
    """A zone from `+07:00` or a name of the time zone database; ValueError otherwise."""
    if (match := _OFFSET.match(text)) is not None:
        minutes = int(match[2]) * 60 + int(match[3])
        if minutes >= 24 * 60 or int(match[3]) > 59:
            raise ValueError(f"no such offset: {text}")
        return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes), text)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone: {text!r}") from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _rules(config: Config) -> Iterator[Fault]:
    """What must hold between values."""
    media = config.media
    if media.port_high <= media.port_low:
        yield Fault(
            ("media", "port_high"),
            "port_high must be above port_low",
            f"port_low is {media.port_low}",
        )
    if media.bind == config.sip.bind and media.port_low <= config.sip.port <= media.port_high:
        yield Fault(
            ("sip", "port"), "the SIP port lies inside the RTP port range", "move one of them"
        )
    if config.sip.bind in {"0.0.0.0", "::"} and not config.sip.advertised:  # noqa: S104
        yield Fault(
            ("sip", "bind"),
            f"binding to {config.sip.bind} leaves no address to show to peers",
            "set [sip] advertised to the address that the carriers reach",
        )
    if config.admin.enabled and not _is_loopback(config.admin.bind):
        yield Fault(
            ("admin", "bind"),
            "plain HTTP is served on loopback only",
            "use 127.0.0.1 and put a TLS proxy in front",
        )
    if len(os.fsencode(config.control.socket)) > UNIX_PATH_BYTES_MAX:
        yield Fault(
            ("control", "socket"),
            f"the path is longer than {UNIX_PATH_BYTES_MAX} bytes",
            "use a shorter folder",
        )
    try:
        parse_zone(config.dialing.zone)
    except ValueError as error:
        yield Fault(
            ("dialing", "zone"),
            str(error),
            'an offset such as "+07:00", or a name such as "Asia/Ho_Chi_Minh"',
        )
    if not config.numbering.plan.is_file():
        yield Fault(("numbering", "plan"), f"there is no file {config.numbering.plan}")
    yield from _trunk_rules(config.trunk)


def _trunk_rules(trunks: Iterable[Trunk]) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for index, trunk in enumerate(trunks):
        at = ("trunk", index)
        if trunk.name in seen:
            first = seen[trunk.name] + 1
            yield Fault(
                (*at, "name"),
                f"two trunks are named {trunk.name!r}",
                f"the other is [[trunk]] number {first}",
            )
        seen.setdefault(trunk.name, index)
        if trunk.loopback and not _is_loopback(trunk.host):
            yield Fault(
                (*at, "host"),
                f"a loopback trunk must have a loopback address, not {trunk.host}",
                "use 127.0.0.1, or remove loopback = true",
            )
        if trunk.password and trunk.password_file is not None:
            yield Fault(
                (*at, "password_file"),
                "password and password_file are both set",
                "remove one of them",
            )
        if (trunk.password or trunk.password_file is not None) and not trunk.username:
            yield Fault((*at, "password"), "a password without a username", "set username")
        if len(set(trunk.codecs)) != len(trunk.codecs):
            yield Fault((*at, "codecs"), "a codec stands twice")
        if trunk.password_file is not None:
            yield from _password_file_rules(trunk.password_file, (*at, "password_file"))


def _password_file_rules(path: Path, at: tuple[str | int, ...]) -> Iterator[Fault]:
    try:
        mode = path.stat().st_mode
        _first_line(path)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        yield Fault(at, f"cannot read {path}: {getattr(error, 'strerror', None) or error}")
        return
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        yield Fault(at, f"everybody on this machine can read {path}", f"chmod 600 {path}")


def _first_line(path: Path) -> str:
    with path.open("rb") as file:
        line = file.read(SECRET_BYTES_MAX).decode().split("\n", 1)[0].rstrip("\r")
    if not line:
        raise ValueError("its first line is empty")
    return line


def _secret_rules(raw: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """A password written into a file that everybody can read is refused."""
    trunks = raw.get("trunk")
    if not isinstance(trunks, list):
        return
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not mode & stat.S_IROTH:
        return
    for index, trunk in enumerate(trunks):
        password = trunk.get("password") if isinstance(trunk, dict) else None
        if isinstance(password, str) and password and not re.fullmatch(r"\$\{env:\w+\}", password):
            yield Fault(
                ("trunk", index, "password"),
                "a password in a file that everybody on this machine can read",
                f"chmod 600 {path}, or use password_file or ${{env:NAME}}",
                key=True,
            )
