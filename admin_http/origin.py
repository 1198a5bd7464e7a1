"""Where a request comes from and for whom: its Host, and what a proxy in front says of its client.

A page of another site can make a browser ask us under a name that its owner lets point here (DNS
rebinding): then the browser takes us for that site. So over plain HTTP a Host is an address,
`localhost`, or one of `[admin] hosts`; over HTTPS the certificate says what we are called, and
`hosts` bounds it where it is set. Who sends no Host is no browser.

X-Forwarded-For and X-Forwarded-Proto are read from `[admin] proxies` alone: anybody can send them.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple

from aiohttp import HttpVersion11, web

from admin_http.problems import ProblemError

FORWARDED_MAX: Final = 32  # addresses of an X-Forwarded-For that are looked at, from its end


class Origin(NamedTuple):
    """Who asks, and whether nobody on the way could read or write it."""

    address: str
    secure: bool


ORIGIN: Final = web.RequestKey("origin", Origin)


def origin(request: web.Request) -> Origin:
    """Of a request that `Edge.admit` has seen; of another, what its connection says."""
    return request.get(ORIGIN) or Origin(request.remote or "", request.secure)


class Edge:
    """What may be asked for, and whose word is taken for whom it is."""

    def __init__(self, hosts: Sequence[str], proxies: Sequence[str]) -> None:
        """`hosts` are names, `proxies` networks (CIDR); ValueError."""
        self._hosts = {host.lower() for host in hosts}
        self._proxies = tuple(ip_network(one, strict=False) for one in proxies)

    def admit(self, request: web.Request) -> None:
        """Note its origin.

        Raises:
            ProblemError: 400 no Host, or none that can be read, 421 we are not called that.
        """
        found = request[ORIGIN] = self._origin(request)
        hosts = request.headers.getall("Host", [])
        if not hosts and request.version < HttpVersion11:
            return
        if len(hosts) != 1:
            raise ProblemError(400, "send one Host header")
        name = _name(hosts[0])
        if name in self._hosts or name == "localhost" or _is_address(name):
            return
        if self._hosts or not found.secure:
            what = f"{name[:80]!r} is no name of this daemon: [admin] hosts says what it is called"
            raise ProblemError(421, what)

    def _origin(self, request: web.Request) -> Origin:
        address, secure = request.remote or "", request.secure
        if not self._proxies or not self._is_proxy(address):
            return Origin(address, secure)
        told = ",".join(request.headers.getall("X-Forwarded-For", []))
        for part in reversed(told.split(",")[-FORWARDED_MAX:]):
            named = _told(part.strip())
            if not _is_address(named):
                break  # whoever wrote that is no proxy of ours: the last that is known counts
            address = named
            if not self._is_proxy(address):
                break
        scheme = ",".join(request.headers.getall("X-Forwarded-Proto", []))
        secure = secure or scheme.rpartition(",")[2].strip().lower() == "https"
        return Origin(address, secure)

    def _is_proxy(self, text: str) -> bool:
        if not _is_address(text):
            return False
        address = ip_address(text)
        return any(address in network for network in self._proxies)


def _told(text: str) -> str:
    """An address as a proxy wrote it, without the port that some add: `1.2.3.4:5`, `[::1]:5`."""
    if text.startswith("["):
        address, end, port = text[1:].partition("]")
        port = port.removeprefix(":") if end else "?"
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    else:
        return text
    return address if not port or (port.isascii() and port.isdigit()) else text


def _name(host: str) -> str:
    """A Host without its port, in small letters; ProblemError 400."""
    if host.startswith("["):
        name, bracket, rest = host[1:].partition("]")
        fits = bool(bracket) and ":" in name and _is_address(name)
    else:
        name, colon, port = host.partition(":")
        rest = colon + port
        fits = bool(name) and name.isascii() and not set(name) & set(" \t/\\@?#[]%<>\"'")
    port = rest.removeprefix(":")
    if (
        not fits
        or (rest and (not rest.startswith(":") or not port.isascii()))
        or (port and not port.isdigit())
    ):
        raise ProblemError(400, "the Host header cannot be read")
    return name.lower().removesuffix(".")


def _is_address(text: str) -> bool:
    """Whether it is one as machines on a network have it: any text may stand behind a `%`."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text
