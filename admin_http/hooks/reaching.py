"""Where webhooks may go: addresses of the public internet, and networks that are allowed by name.

Judged is the address that a socket is about to connect to, behind every look-up: a name that
resolves to another address the next time, or an address in disguise, gains nothing. An IPv6 address
that stands for an IPv4 one (mapped, 6to4, NAT64, Teredo) is judged as both.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractCookieJar
from aiohttp.cookiejar import DummyCookieJar

Address = IPv4Address | IPv6Address
CONNECT_S: Final = 5.0
TOTAL_S: Final = 10.0
# Their last 32 bits stand for an IPv4 address: NAT64 (RFC 6052, 8215), translated (RFC 2765).
TAILS: Final = (
    IPv6Network("64:ff9b::/96"),
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("::ffff:0:0:0/96"),
)
ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)  # bits 32 to 63 of such an address (RFC 5214)


class ForbiddenError(OSError):
    """An address that webhooks may not reach."""


def meant(address: Address) -> Iterator[Address]:
    """An address, and the IPv4 ones that it stands for."""
    yield address
    if not isinstance(address, IPv6Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    whole = int(address)
    tailed = any(address in network for network in TAILS) or not whole >> 32
    if tailed or (whole >> 32) & 0xFFFF_FFFF in ISATAP:
        yield IPv4Address(whole & 0xFFFF_FFFF)


class Reach:
    """Which addresses may be connected to."""

    def __init__(self, networks: Sequence[str]) -> None:
        """`networks` (CIDR) are allowed beside the public internet; ValueError."""
        self._networks = tuple(ip_network(one, strict=False) for one in networks)

    @property
    def plain(self) -> bool:
        """Whether there are places to which plain HTTP may go."""
        return bool(self._networks)

    def check(self, text: str, *, plain: bool) -> None:
        """ForbiddenError for an address; over plain HTTP the allowed networks alone will do."""
        address = ip_address(text.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped  # the kernel connects to that one
        if any(address in network for network in self._networks):
            return
        if plain:
            raise ForbiddenError(f"{address} is not in webhook_networks: use https")
        for one in meant(address):
            site = isinstance(one, IPv6Address) and one.is_site_local
            if not one.is_global or one.is_multicast or site:
                meaning = "" if one == address else f", which stands for {one},"
                raise ForbiddenError(
                    f"{address}{meaning} is no address of the internet, and not in webhook_networks"
                )

    def session(self, connections: int, *, plain: bool) -> ClientSession:
        """Requests that go nowhere else; no cookies, no proxies, no decoding.

        One that finds all `connections` in use waits, and its `TOTAL_S` goes on meanwhile.
        """

        def checked(info: tuple[Any, ...]) -> socket.socket:
            self.check(info[4][0], plain=plain)
            return socket.socket(info[0], info[1], info[2])

        jar: AbstractCookieJar = DummyCookieJar()
        return ClientSession(
            connector=TCPConnector(limit=connections, use_dns_cache=False, socket_factory=checked),
            timeout=ClientTimeout(total=TOTAL_S, sock_connect=CONNECT_S),
            cookie_jar=jar,
            auto_decompress=False,
            trust_env=False,
        )
