"""The tables of `conf/dialerd.toml` as typed structs; those of SIP are in `sip_tables` and `trunk`.

Each key carries its meaning, its limits and the kind of reload it needs in its `Meta`; the shipped
file and `docs/reference/config.md` are written from them.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from dialerd.config.bank_tables import Bank
from dialerd.config.keys import (
    BIND,
    DIGITS,
    DRAIN,
    HOST,
    LIVE,
    PREFIX_HINT,
    RESTART,
    Section,
    doc,
)
from dialerd.config.records_tables import Cdr, Outbox, Retention
from dialerd.config.sip_tables import Phones, Sip, Trace
from dialerd.config.trunk import Trunk

TRUNKS_MAX: Final = 500
BANKS_MAX: Final = 16

_OURS = Path(__file__).parents[1]


class LogLevel(StrEnum):
    """How much is written to the log."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """Who reads the log."""

    TEXT = "text"
    JSON = "json"


class Store(Section):
    """State: lists, leads, campaigns, attempts, tokens."""

    path: Annotated[Path, doc("Data folder; made when missing, one daemon at a time.", RESTART)] = (
        Path("/var/lib/dialerd")
    )
    map_gib: Annotated[
        int,
        doc(
            "Address space reserved for the database, in GiB; costs neither memory nor disk.",
            RESTART,
            ge=1,
            le=4096,
        ),
    ] = 256
    group_ms: Annotated[
        float,
        doc("How long a commit waits for others to share it, in ms.", RESTART, ge=0.0, le=100.0),
    ] = 5.0


class Media(Section):
    """RTP."""

    bind: Annotated[
        str,
        doc(
            "Address of the RTP sockets.",
            RESTART,
            pattern=BIND,
            hint="an IP address of this machine",
        ),
    ] = "127.0.0.1"
    port_low: Annotated[
        int, doc("First UDP port; one even port for each call.", DRAIN, ge=1024, le=65534)
    ] = 20000
    port_high: Annotated[int, doc("Last UDP port.", DRAIN, ge=1025, le=65535)] = 29999
    threads: Annotated[
        int, doc("Media threads; one for each spare core.", RESTART, ge=1, le=64)
    ] = 1
    priority: Annotated[
        int,
        doc(
            "SCHED_FIFO priority of the media threads where allowed; 0: none.", RESTART, ge=0, le=50
        ),
    ] = 10
    prompts: Annotated[
        Path,
        doc(
            "Folder of the prompts that campaigns name.",
            RESTART,
            shown="the samples that come with dialerd",
        ),
    ] = _OURS / "prompts"
    rtcp: Annotated[bool, doc("Exchange RTCP reports; a second socket for each call.", RESTART)] = (
        True
    )
    silence_s_max: Annotated[
        float,
        doc(
            "Hang up an answered call after so long without audio of the far end, s; 0: do not.",
            RESTART, ge=0.0, le=3600.0,
        ),
    ] = 60.0  # fmt: skip
    load_max: Annotated[
        float,
        doc(
            "Part of their time that media threads may spend before new calls are refused; 0: any.",
            RESTART, ge=0.0, le=0.95,
        ),
    ] = 0.7  # fmt: skip


class Encode(StrEnum):
    """What becomes of finished recordings."""

    OFF = "off"
    FLAC = "flac"


class DetectionFiles(Section):
    """What calls are listened to with; which campaigns and trunks listen, they say themselves."""

    models: Annotated[
        Path,
        doc(
            "Folder of the models that campaigns name as `detection.detector`, NAME.toml each.",
            LIVE,
            shown="those that come with dialerd",
        ),
    ] = _OURS.parent / "conf" / "amd"
    announcements: Annotated[
        Path,
        doc(
            "Folder of the carriers' announcements, a folder for each carrier.",
            LIVE,
            shown="those that come with dialerd",
        ),
    ] = _OURS.parent / "conf" / "announcements"


class Recording(Section):
    """Recordings of calls: a folder a day, one stereo file a call (we left, they right)."""

    folder: Annotated[
        str, doc("Their folder; empty: `recordings` in that of [store].", RESTART)
    ] = ""
    free_mb_min: Annotated[
        int,
        doc(
            "Recordings stop while less is free on their disk, in MB; calls go on.",
            RESTART,
            ge=0,
            le=1 << 30,
        ),
    ] = 1024
    encode: Annotated[
        Encode,
        doc("flac: files are made smaller later, without loss, at low priority; off.", RESTART),
    ] = Encode.FLAC
    heard_days: Annotated[
        int,
        doc(
            "How many days' folders of what unanswered calls heard (`collect_early_media` of a "
            "trunk) stay.",
            RESTART,
            ge=1,
            le=3_650,
        ),
    ] = 14
    heard_mb_max: Annotated[
        int, doc("How large they may be together, in MB.", RESTART, ge=1, le=1 << 20)
    ] = 1_024


class Control(Section):
    """The Unix-domain socket of the CLI and the admin process."""

    socket: Annotated[Path, doc("Path of the socket; made with mode 0600.", RESTART)] = Path(
        "/run/dialerd/control.sock"
    )


class Admin(Section):
    """The HTTP API, in a process of its own."""

    enabled: Annotated[bool, doc("Whether the daemon starts the admin process.", RESTART)] = True
    bind: Annotated[
        str,
        doc(
            "Address; another one than loopback needs `certificate` and `key`.",
            RESTART,
            pattern=BIND,
            hint="127.0.0.1 or ::1",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, doc("TCP port.", RESTART, ge=1, le=65535)] = 8460
    certificate: Annotated[
        Path | None,
        doc("HTTPS: the certificate with its chain, PEM; SIGHUP has it read again.", RESTART),
    ] = None
    key: Annotated[
        Path | None, doc("HTTPS: its private key, PEM; not readable by others.", RESTART)
    ] = None
    hosts: Annotated[
        tuple[Annotated[str, Meta(pattern=HOST)], ...],
        doc(
            "Names that the API may be asked by, beside addresses and `localhost`; with none of"
            " them, HTTPS is asked by any name.",
            RESTART,
            max_length=64,
            hint='host names without a port, such as "dialer.example.com"',
        ),
    ] = ()
    proxies: Annotated[
        tuple[Annotated[str, Meta(max_length=64)], ...],
        doc(
            "Networks (CIDR) of the proxies in front, whose X-Forwarded-For and"
            " X-Forwarded-Proto are believed; name the proxy's host in `hosts`.",
            RESTART,
            max_length=64,
        ),
    ] = ()
    session_idle_s: Annotated[
        int, doc("A log-in that is not used for so long ends.", RESTART, ge=60, le=604_800)
    ] = 3_600
    session_s: Annotated[
        int, doc("A log-in ends when it is so old, used or not.", RESTART, ge=60, le=2_592_000)
    ] = 43_200
    webhook_networks: Annotated[
        tuple[Annotated[str, Meta(max_length=64)], ...],
        doc(
            "Networks (CIDR) that webhooks may reach beside the public internet, by http too.",
            RESTART,
            max_length=64,
        ),
    ] = ()


class Dialing(Section):
    """Limits of the whole daemon."""

    calls_per_s_max: Annotated[
        float, doc("New calls a second over all campaigns and trunks.", LIVE, gt=0.0, le=10_000.0)
    ] = 50.0
    calls_max: Annotated[int, doc("Calls in progress over all trunks.", LIVE, ge=1, le=100_000)] = (
        1000
    )
    inbound_status: Annotated[
        int,
        doc(
            "SIP status that calls to us are refused with; they are counted by trunk.",
            LIVE,
            ge=400,
            le=699,
        ),
    ] = 480
    inbound_calls_max: Annotated[
        int,
        doc(
            "Calls of customers who call back, at once; more are answered 503.",
            LIVE,
            ge=1,
            le=100_000,
        ),
    ] = 100
    inbound_calls_per_s_max: Annotated[
        float, doc("The same in a second.", LIVE, gt=0.0, le=10_000.0)
    ] = 20.0
    drain_s_max: Annotated[
        int,
        doc(
            "How long a stop waits for live calls to end, in s; then they are hung up.",
            LIVE,
            ge=0,
            le=3600,
        ),
    ] = 30
    zone: Annotated[
        str,
        doc(
            "Time zone of reports and of what the CLI prints: an offset or a zone name.",
            LIVE,
            hint='such as "+07:00"',
        ),
    ] = "+07:00"
    regimes: Annotated[
        Path,
        doc(
            "Folder of regimes of one's own, a TOML file each; they add to those that are shipped.",
            LIVE,
            shown="conf/regimes that comes with dialerd",
        ),
    ] = _OURS.parent / "conf" / "regimes"


class Numbering(Section):
    """How numbers are read, and where calls may go."""

    plan: Annotated[
        Path, doc("Numbering plan.", LIVE, shown="the Vietnamese plan that comes with dialerd")
    ] = _OURS.parent / "conf" / "numbering" / "vn.toml"
    destinations: Annotated[
        tuple[
            Annotated[
                str,
                Meta(pattern=DIGITS, extra={"hint": PREFIX_HINT}),
            ],
            ...,
        ],
        doc("Prefixes that may be dialed, E.164 without the plus; empty: those of the plan.", LIVE),
    ] = ()


class Log(Section):
    """The log, on standard error or in a file."""

    level: Annotated[LogLevel, doc("debug, info, warning or error.", LIVE)] = LogLevel.INFO
    format: Annotated[
        LogFormat,
        doc("text: a line for people; json: an object a line, with the ids it is about.", RESTART),
    ] = LogFormat.TEXT
    file: Annotated[
        Path | None,
        doc(
            "Write it there; a file that was moved away, by logrotate, is begun anew.",
            RESTART,
            shown="standard error",
        ),
    ] = None


class Config(Section):
    """The whole file."""

    store: Store = Store()
    sip: Sip = Sip()
    phones: Phones = Phones()
    trace: Trace = Trace()
    media: Media = Media()
    detection: DetectionFiles = DetectionFiles()
    recording: Recording = Recording()
    cdr: Cdr = Cdr()
    outbox: Outbox = Outbox()
    retention: Retention = Retention()
    control: Control = Control()
    admin: Admin = Admin()
    dialing: Dialing = Dialing()
    numbering: Numbering = Numbering()
    trunk: Annotated[tuple[Trunk, ...], Meta(max_length=TRUNKS_MAX)] = ()
    bank: Annotated[tuple[Bank, ...], Meta(max_length=BANKS_MAX)] = ()
    log: Log = Log()

    @property
    def simulates(self) -> bool:
        """Whether it has simulated lines."""
        return any(t.loopback for t in self.trunk) or any(b.loopback for b in self.bank)
