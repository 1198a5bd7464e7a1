"""What one bound transport of ours shows to its peers: Via, Contact, and how it behaves.

An endpoint has several: UDP, TCP and TLS, IPv4 and IPv6, the side of the carriers and that of the
telephones. An `Address` names the one that leads there by its index, so an answer leaves where its
request came in, and a dialog stays on the transport that it began on.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import msgspec

from sip.errors import SipError
from sip.events import Address
from sip.limits import NAMED_MAX, SILENT_MAX
from sip.messages.message import ALLOW
from sip.messages.uri import Uri, is_loopback, parse
from sip.messages.uri import bracketed as bracketed  # noqa: PLC0414 - a host is written here too

Transport = Literal["udp", "tcp", "tls"]
BROADCAST = ipaddress.IPv4Address("255.255.255.255")
PORTS: dict[str, int] = {"udp": 5060, "tcp": 5060, "tls": 5061}  # RFC 3261 section 19.1.2


class Local(msgspec.Struct, frozen=True):
    """One bound transport as its peers see it (behind NAT: the advertised address).

    Attributes:
        host: an IP address (IPv6 without brackets) or a host name.
        v6: whether it speaks IPv6; False when `host` is a name, unless it is said.
        side: "trunk" for carriers and gateways, "phone" for registered telephones.
    """

    host: str
    port: int
    transport: Transport = "udp"
    side: Literal["trunk", "phone"] = "trunk"
    v6: bool = False

    def __post_init__(self) -> None:
        """A host with colons is IPv6."""
        if ":" in self.host and not self.v6:
            msgspec.structs.force_setattr(self, "v6", True)


class Identity:
    """The lines of one `Local`."""

    __slots__ = ("about", "contact", "host", "local", "params", "reliable", "via")

    def __init__(self, local: Local, user_agent: str) -> None:
        host = bracketed(local.host)
        if local.transport not in PORTS or parse(f"sip:{host}:{local.port}").user:
            raise SipError(f"not a transport, a host and a port: {local}")
        self.local = local
        self.host = host.encode()
        self.reliable = local.transport != "udp"
        self.params = b"" if local.transport == "udp" else b";transport=" + local.transport.encode()
        token = local.transport.upper().encode()
        self.via = b"Via: SIP/2.0/%b %b:%d;rport;branch=" % (token, self.host, local.port)
        self.contact = self.contact_of("")
        agent = b"User-Agent: %b\r\n" % user_agent.encode() if user_agent else b""
        self.about = b"Allow: %b\r\n%b" % (ALLOW.encode(), agent)

    def contact_of(self, user: str) -> bytes:
        """A Contact line; `user` has been checked by whoever gives it."""
        at = f"{user}@".encode() if user else b""
        return b"Contact: <sip:%b%b:%d%b>\r\n" % (at, self.host, self.local.port, self.params)


class Reach:
    """Where a URI leads from here, without asking any name server.

    Attributes:
        resolves: the driver looks names up (`io_targets`): then a name stands as an address
            itself, with port 0 where the URI says none.
        named: those addresses, each with the one to use when nobody knows the name.
        silent: addresses that transactions gave up on; the driver takes them out.
    """

    __slots__ = ("_by_kind", "locals", "named", "resolves", "silent")

    def __init__(self, those: Iterable[Local]) -> None:
        self.locals = tuple(those)
        self.resolves = False
        self.named: dict[Address, Address] = {}
        self.silent: list[Address] = []
        self._by_kind: dict[tuple[str, bool, str], int] = {}
        for index, local in enumerate(self.locals):
            self._by_kind.setdefault((local.transport, local.v6, local.side), index)

    def flow(self, transport: str, *, v6: bool, near: int = 0) -> int | None:
        """The transport of ours for a kind of target.

        The one with the index `near` when it fits, else one of the same side.
        """
        here = self.locals[near]
        if here.transport == transport and here.v6 == v6:
            return near
        return self._by_kind.get((transport, v6, here.side))

    def address(self, uri: bytes, fallback: Address) -> Address:
        """Where a request to `uri` goes (RFC 3261 section 8.1.2).

        `fallback` when nothing of ours speaks its transport, when its host is a name that cannot be
        looked up, when it is a loopback address that somebody elsewhere names (it would lead to
        ourselves), and for telephones always: what theirs call themselves behind a NAT leads
        nowhere, and nobody stands between them and us.
        """
        here = self.locals[fallback[2]]
        if here.side == "phone":
            return fallback
        try:
            host, port, transport, version = _place(uri)
        except SipError:
            return fallback
        near = fallback[2]
        flow = self.flow(transport, v6=here.v6 if version == 0 else version == 6, near=near)
        if flow is None:
            return fallback
        if version:
            if is_loopback(host) and not is_loopback(self.named.get(fallback, fallback)[0]):
                return fallback
            return host, port or PORTS.get(transport, 5060), flow
        return self._name((host, port, flow), fallback) if self.resolves else fallback

    def _name(self, address: Address, fallback: Address) -> Address:
        if fallback in self.named:  # a name after a name: what is known to work stays
            fallback = self.named[fallback]
        self.named.pop(address, None)
        if len(self.named) >= NAMED_MAX:
            del self.named[next(iter(self.named))]
        self.named[address] = fallback
        return address

    def gave_up(self, address: Address) -> None:
        """Nobody there answered a request in time."""
        if len(self.silent) < SILENT_MAX:
            self.silent.append(address)


def of_one_host(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether it may be sent to; a Contact or a name server can name a whole network."""
    return not (address.is_multicast or address.is_unspecified or address == BROADCAST)


def transport_of(uri: Uri) -> str:
    """The transport that a URI asks for, "udp" when it asks for none (RFC 3263 section 4.1)."""
    for part in uri.params.lower().split(";"):
        if part.startswith("transport="):
            named = part.removeprefix("transport=")
            return "tls" if named == "tcp" and uri.scheme == "sips" else named
    return "tls" if uri.scheme == "sips" else "udp"


@lru_cache(maxsize=4_096)  # a gateway's Contact is the same every time
def _place(uri: bytes) -> tuple[str, int, str, int]:
    """(host, port or 0, transport, version of IP or 0 for a name) of a URI."""
    parts = parse(uri)
    transport, port, host = transport_of(parts), max(parts.port, 0), maddr_of(parts) or parts.host
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host.lower(), port, transport, 0
    if not of_one_host(address):
        raise SipError(f"not an address of one host: {address}")
    return str(address), port, transport, address.version


def maddr_of(uri: Uri) -> str:
    """Where a URI is sent instead of to its host (RFC 3261 section 19.1.1), mostly empty."""
    for part in uri.params.split(";"):
        if part[:6].lower() == "maddr=":
            return part[6:]
    return ""
