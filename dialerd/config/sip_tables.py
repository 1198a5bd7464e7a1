"""The tables of the SIP stack: its sockets, name servers, telephones and traces."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from dialerd.config.keys import (
    BIND,
    HOST_OR_NONE,
    LINE,
    LIVE,
    NAME,
    RESTART,
    SERVER,
    Section,
    doc,
    host_and_port,
)

LISTENS_MAX: Final = 32
PHONES_MAX: Final = 10_000


class Transport(StrEnum):
    """How SIP messages travel."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Side(StrEnum):
    """Who is on the other end of a socket."""

    TRUNK = "trunk"
    PHONE = "phone"


_ADVERTISED = "Address shown to peers in Via, Contact and SDP; empty: `bind`. Set it behind NAT."


class Listen(Section):
    """A further SIP socket: TCP, TLS, IPv6, or the side of the telephones."""

    transport: Annotated[Transport, doc("udp, tcp or tls.", RESTART)] = Transport.UDP
    bind: Annotated[
        str,
        doc(
            "Address the socket is bound to, IPv4 or IPv6.",
            RESTART,
            pattern=BIND,
            hint="an IP address of this machine",
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        doc("Port; 0: 5060, for tls 5061.", RESTART, ge=0, le=65535),
    ] = 0
    advertised: Annotated[
        str,
        doc(
            _ADVERTISED,
            RESTART,
            pattern=HOST_OR_NONE,
            hint="an IP address or host name that the peers can reach",
        ),
    ] = ""
    side: Annotated[
        Side,
        doc(
            "Who is there: trunk (an unknown source gets no answer) or phone (it is challenged).",
            RESTART,
        ),
    ] = Side.TRUNK
    certificate: Annotated[
        Path | None, doc("TLS: our certificate with its chain, PEM.", RESTART)
    ] = None
    key: Annotated[
        Path | None,
        doc("TLS: its private key, PEM; not readable by others.", RESTART),
    ] = None
    ca: Annotated[
        Path | None,
        doc(
            "TLS: authorities that a peer's certificate must come from, PEM.",
            RESTART,
            shown="those of the system",
        ),
    ] = None

    @property
    def port_now(self) -> int:
        """Its port as a number."""
        return self.port or (5061 if self.transport is Transport.TLS else 5060)


class Dns(Section):
    """How names of carriers are looked up (RFC 3263: NAPTR, SRV, A, AAAA)."""

    servers: Annotated[
        tuple[Annotated[str, Meta(pattern=SERVER, extra={"hint": "an IP address"})], ...],
        doc(
            "Addresses of name servers, each with its port where that is not 53; empty: those of "
            "/etc/resolv.conf.",
            RESTART,
            max_length=8,
        ),
    ] = ()
    timeout_ms: Annotated[
        int, doc("How long one question to one server may take, in ms.", RESTART, ge=100, le=10_000)
    ] = 2000
    penalty_s: Annotated[
        int,
        doc(
            "How long an address that failed is used last, in s.",
            RESTART,
            ge=0,
            le=3600,
        ),
    ] = 60

    @property
    def places(self) -> tuple[tuple[str, int], ...]:
        """The servers as addresses and ports; ValueError."""
        return tuple(host_and_port(server, 53) for server in self.servers)


class Sip(Section):
    """The first SIP socket, over UDP to the carriers, and what holds for all."""

    bind: Annotated[
        str,
        doc(
            "Address the socket is bound to.",
            RESTART,
            pattern=BIND,
            hint="an IP address of this machine",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, doc("UDP port.", RESTART, ge=1, le=65535)] = 5060
    advertised: Annotated[
        str,
        doc(
            _ADVERTISED,
            RESTART,
            pattern=HOST_OR_NONE,
            hint="an IP address or host name that the carriers can reach",
        ),
    ] = ""
    user_agent: Annotated[
        str,
        doc(
            "Value of the User-Agent header.",
            RESTART,
            pattern=LINE,
            hint="at most 128 printable characters",
        ),
    ] = "dialerd"
    dns: Dns = Dns()
    listen: Annotated[tuple[Listen, ...], Meta(max_length=LISTENS_MAX)] = ()


class Phone(Section):
    """An account that a telephone registers with; one secret of the four."""

    name: Annotated[
        str,
        doc(
            "User name, the user part of its address.",
            LIVE,
            pattern=NAME,
            hint="letters, digits, dot, dash, underscore",
        ),
    ]
    password: Annotated[
        str, doc('Password; better "${env:NAME}".', LIVE, secret=True, max_length=256)
    ] = ""
    password_file: Annotated[
        Path | None, doc("File whose first line is the password; not readable by others.", LIVE)
    ] = None
    ha1: Annotated[
        str,
        doc(
            "MD5 of name:realm:password, in hexadecimal.",
            LIVE,
            secret=True,
            pattern=r"^([0-9a-fA-F]{32})?$(?!\n)",
            hint="32 hexadecimal digits",
        ),
    ] = ""
    ha1_sha256: Annotated[
        str,
        doc(
            "The same by SHA-256.",
            LIVE,
            secret=True,
            pattern=r"^([0-9a-fA-F]{64})?$(?!\n)",
            hint="64 hexadecimal digits",
        ),
    ] = ""


class Phones(Section):
    """Telephones that register with dialerd; they need a `[[sip.listen]]` with side = "phone"."""

    realm: Annotated[
        str,
        doc("Name of the protection space.", LIVE, pattern=LINE, min_length=1, hint="no quotes"),
    ] = "dialerd"
    users: Annotated[
        Path | None,
        doc("File of accounts, a line name:realm:HA1 each, as htdigest writes it.", LIVE),
    ] = None
    contacts_max: Annotated[
        int, doc("Devices that one account may register at once.", LIVE, ge=1, le=100)
    ] = 5
    expires_min_s: Annotated[
        int, doc("Shortest registration accepted, in s.", LIVE, ge=1, le=3600)
    ] = 60
    expires_max_s: Annotated[
        int, doc("Longest registration granted, in s.", LIVE, ge=60, le=86_400)
    ] = 3600
    user: Annotated[tuple[Phone, ...], Meta(max_length=PHONES_MAX)] = ()


class Trace(Section):
    """SIP messages kept for `dialerd trace`, and sent to a Homer collector."""

    enabled: Annotated[bool, doc("Whether messages are kept.", RESTART)] = True
    memory_mib: Annotated[
        int, doc("Memory for them, in MiB; the oldest calls go first.", RESTART, ge=1, le=4096)
    ] = 64
    calls_max: Annotated[int, doc("Calls kept at most.", RESTART, ge=1, le=1_000_000)] = 20_000
    keep_s: Annotated[
        int,
        doc("How long a call is kept after its last message, in s.", RESTART, ge=10, le=86_400),
    ] = 3600
    hep_host: Annotated[
        str,
        doc(
            "HEP3 collector (Homer); empty: none.",
            RESTART,
            pattern=HOST_OR_NONE,
            hint="an IP address or a host name",
        ),
    ] = ""
    hep_port: Annotated[int, doc("UDP port of the collector.", RESTART, ge=1, le=65535)] = 9060
    hep_id: Annotated[
        int, doc("Our number there (capture agent).", RESTART, ge=0, le=0xFFFF_FFFF)
    ] = 2001
    hep_key: Annotated[
        str,
        doc('Its password; better "${env:NAME}".', RESTART, secret=True, max_length=128),
    ] = ""
