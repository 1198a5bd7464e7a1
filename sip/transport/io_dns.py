"""Asks name servers for the locator, and the machine's own list of hosts before them.

Nothing here blocks: questions are dnspython's, over the running loop, each with its time limit.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from sip.limits import SEARCH_TIME, SECOND
from sip.transport.local import of_one_host
from sip.transport.locate import Naptr, Query, Record, Srv

HOSTS = Path("/etc/hosts")
HOSTS_BYTES_MAX = 1 << 20
HOSTS_TTL_S = 5
EDNS_BYTES = 1_232  # what passes everywhere unfragmented (DNS flag day 2020)


class DnsError(OSError):
    """No server answered, or not usably."""


class DnsResolver:
    """Answers one `Query` at a time; call it for as many as you like at once."""

    def __init__(
        self,
        servers: Sequence[str | tuple[str, int]] = (),
        *,
        timeout_ms: int = 2_000,
        port: int = 53,
        hosts: Path = HOSTS,
    ) -> None:
        """`servers` are addresses, or those with a port; none: those of /etc/resolv.conf."""
        try:
            resolver = dns.asyncresolver.Resolver(configure=not servers)
        except dns.resolver.NoResolverConfiguration:  # then the list of hosts is all there is
            resolver = dns.asyncresolver.Resolver(configure=False)
        if servers:
            places = [(one, port) if isinstance(one, str) else one for one in servers]
            resolver.nameservers = [dns.nameserver.Do53Nameserver(*one) for one in places]
        resolver.port = port
        resolver.timeout = timeout_ms / 1000
        resolver.lifetime = min(2 * resolver.timeout, SEARCH_TIME / SECOND)
        resolver.search = []
        resolver.use_edns(0, 0, EDNS_BYTES)
        self._resolver = resolver
        self._hosts = hosts
        self._stamp = (0, 0)
        self._table: dict[str, list[str]] = {}

    async def ask(self, query: Query) -> tuple[tuple[Record, ...], int]:
        """The records and for how many seconds they hold; DnsError when nobody can say."""
        if query.kind in {"A", "AAAA"}:
            own = self._own(query)
            if own is not None:
                return own, HOSTS_TTL_S
        try:
            name = dns.name.from_text(query.name)
            kind = dns.rdatatype.from_text(query.kind)
            answer = await self._resolver.resolve(name, kind, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN as error:
            return (), _negative_ttl(error)
        except (dns.exception.DNSException, OSError, ValueError) as error:
            if isinstance(error, (dns.name.LabelTooLong, dns.name.NameTooLong)):
                return (), 0
            raise DnsError(f"{query.name} {query.kind}: {error}") from error
        ttl_s = int(answer.chaining_result.minimum_ttl)
        if answer.rrset is None:
            return (), ttl_s
        records = tuple(_record(data, query.kind) for data in answer.rrset)
        if query.kind in {"A", "AAAA"}:
            records = tuple(r for r in records if of_one_host(ipaddress.ip_address(str(r))))
        return records, ttl_s

    def _own(self, query: Query) -> tuple[str, ...] | None:
        """The list of hosts has the last word on a name that it knows."""
        try:
            found = self._hosts.stat()
            if (found.st_mtime_ns, found.st_size) != self._stamp:
                self._stamp = found.st_mtime_ns, found.st_size
                with self._hosts.open("rb") as file:
                    self._table = read_hosts(file.read(HOSTS_BYTES_MAX).decode("utf-8", "replace"))
        except OSError:
            return None
        addresses = self._table.get(query.name.rstrip(".").lower())
        if addresses is None:
            return None
        wanted = 6 if query.kind == "AAAA" else 4
        return tuple(a for a in addresses if ipaddress.ip_address(a).version == wanted)


def read_hosts(text: str) -> dict[str, list[str]]:
    """Names to addresses, as hosts(5) describes the file; what is no address is passed over."""
    table: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            address = str(ipaddress.ip_address(words[0]))
        except ValueError:
            continue
        for name in words[1:]:
            table.setdefault(name.rstrip(".").lower(), []).append(address)
    return table


def _record(data: object, kind: str) -> Record:
    if kind == "NAPTR":
        return Naptr(
            int(data.order),  # type: ignore[attr-defined]
            int(data.preference),  # type: ignore[attr-defined]
            _text(data.flags),  # type: ignore[attr-defined]
            _text(data.service),  # type: ignore[attr-defined]
            str(data.replacement),  # type: ignore[attr-defined]
        )
    if kind == "SRV":
        return Srv(
            int(data.priority),  # type: ignore[attr-defined]
            int(data.weight),  # type: ignore[attr-defined]
            int(data.port),  # type: ignore[attr-defined]
            str(data.target),  # type: ignore[attr-defined]
        )
    return str(data)


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _negative_ttl(error: dns.resolver.NXDOMAIN) -> int:
    """RFC 2308 section 5: the zone's own word, 0 when it says nothing."""
    for response in error.responses().values():  # type: ignore[no-untyped-call]
        try:
            return int(response.resolve_chaining().minimum_ttl)
        except dns.exception.DNSException:
            continue
    return 0
