"""Where a name leads (RFC 3263 over RFC 2782 and RFC 3403): from a domain to addresses in order.

Rules. A numeric host is its own answer. A port means A and AAAA. A transport without a port means
SRV of that transport. Neither means NAPTR, which names SRVs; without NAPTR, SRV of every transport
we have; without SRV, A and AAAA with the usual port. SRVs go by priority, those of one priority by
weighted chance, drawn anew for every request; an SRV to "." is a refusal and ends the search.

The machine asks (`Query`) and is told (`answer`, `fail`); what it learned it keeps as long as the
records allow, and when servers do not answer, longer (RFC 8767): a name service that is down must
not stop calls to carriers that are up.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterable
from typing import Literal

import msgspec

from sip import limits
from sip.errors import SipError
from sip.limits import NEVER, SECOND
from sip.messages.uri import parse
from sip.transport.local import PORTS, maddr_of

Kind = Literal["NAPTR", "SRV", "A", "AAAA"]


class Wanted(msgspec.Struct, frozen=True):
    """What is looked for. `port` 0 and `transport` "": not said."""

    host: str
    port: int = 0
    transport: str = ""
    secure: bool = False


class Query(msgspec.Struct, frozen=True):
    """Asks a name server."""

    name: str
    kind: Kind


class Naptr(msgspec.Struct, frozen=True):
    """RFC 3403 section 4.1, as far as SIP uses it."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


class Srv(msgspec.Struct, frozen=True):
    """RFC 2782."""

    priority: int
    weight: int
    port: int
    target: str


Record = Naptr | Srv | str
"""An address is a string."""


class Target(msgspec.Struct, frozen=True):
    """One address to try. `name` is whose certificate it must show."""

    host: str
    port: int
    transport: str
    name: str


class Located(msgspec.Struct, frozen=True):
    """The end of a search. No targets: the name leads nowhere, or nobody could say."""

    number: int
    targets: tuple[Target, ...]


class _Known(msgspec.Struct):
    records: tuple[Record, ...]
    until_ns: int
    stale_ns: int


# Targets of one weight; those of one priority; all, by priority.
_Choice = tuple[int, tuple[Target, ...]]
_Plan = tuple[tuple[_Choice, ...], ...]


class _Search(msgspec.Struct):
    wanted: Wanted
    numbers: list[int]
    give_up_ns: int
    missing: set[Query]


SERVICES = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}  # RFC 3263 section 4.1
PREFIXES = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}
_ALL = ("udp", "tcp", "tls")  # our order where nobody says one


def wanted_of(uri: str | bytes) -> Wanted:
    """What a SIP URI asks for; SipError when it is none."""
    found = parse(uri)
    if found.scheme not in {"sip", "sips"}:
        raise SipError(f"leads nowhere: {uri!r}")
    secure = found.scheme == "sips"
    transport, host = "", maddr_of(found) or found.host
    for part in found.params.split(";"):
        name, _, value = part.partition("=")
        if name.lower() == "transport":
            transport = value.lower()
    if secure and transport in {"", "tcp"}:
        transport = "tls" if transport else ""
    return Wanted(host.strip("[]").lower(), max(found.port, 0), transport, secure)


class Locator:
    """See the module's text.

    `kinds` are our transports, each with whether it is IPv6.
    """

    def __init__(self, kinds: Iterable[tuple[str, bool]], rng: random.Random) -> None:
        self._kinds = frozenset(kinds)
        self._transports = tuple(t for t in _ALL if {(t, False), (t, True)} & self._kinds)
        self._rng = rng
        self._known: dict[Query, _Known] = {}
        self._plans: dict[Wanted, tuple[_Plan, int]] = {}
        self._searches: dict[Wanted, _Search] = {}
        self._asked: set[Query] = set()
        self._queued: dict[Query, None] = {}  # to be asked when others have been answered
        self._out: list[Query | Located] = []

    def locate(self, wanted: Wanted, number: int, now_ns: int) -> None:
        """Begin a search; `Located` with its number comes out, at once when all is known."""
        missing: set[Query] = set()
        plan = self._plan(wanted, now_ns, missing)
        if plan is not None:
            self._out.append(Located(number, self._draw(plan)))
            return
        search = self._searches.get(wanted)
        if search is not None and len(search.numbers) < limits.SEARCHES_MAX:
            search.numbers.append(number)
        elif search is None and len(self._searches) < limits.SEARCHES_MAX:
            give_up_ns = now_ns + limits.SEARCH_TIME
            self._searches[wanted] = _Search(wanted, [number], give_up_ns, missing)
        else:
            self._out.append(Located(number, ()))

    def answer(self, query: Query, records: tuple[Record, ...], ttl_s: int, now_ns: int) -> None:
        """A server answered; no records: there are none."""
        self._answered(query)
        most = limits.TTL_MAX_S if records else limits.TTL_NONE_MAX_S
        until_ns = now_ns + min(max(ttl_s, limits.TTL_MIN_S), most) * SECOND
        self._keep(query, _Known(records[: limits.RECORDS_MAX], until_ns, until_ns), now_ns)

    def fail(self, query: Query, now_ns: int) -> None:
        """No server answered: what was known before is good for a while longer."""
        self._answered(query)
        until_ns = now_ns + limits.TTL_MIN_S * SECOND
        known = self._known.get(query)
        if known is None or now_ns >= known.stale_ns + limits.TTL_STALE_S * SECOND:
            known = _Known((), until_ns, until_ns - limits.TTL_STALE_S * SECOND)
        known.until_ns = until_ns
        self._keep(query, known, now_ns)

    def _keep(self, query: Query, known: _Known, now_ns: int) -> None:
        self._known.pop(query, None)
        if len(self._known) >= limits.NAMES_KNOWN_MAX:
            del self._known[next(iter(self._known))]
        self._known[query] = known
        for search in [s for s in self._searches.values() if query in s.missing]:
            search.missing.clear()
            plan = self._plan(search.wanted, now_ns, search.missing)
            if plan is not None:
                self._finish(search, plan)

    def _ask(self, query: Query) -> None:
        if query in self._asked:
            return
        if len(self._asked) < limits.QUERIES_MAX:
            self._asked.add(query)
            self._out.append(query)
        elif len(self._queued) < limits.SEARCHES_MAX:
            self._queued[query] = None

    def _answered(self, query: Query) -> None:
        self._asked.discard(query)
        if self._queued:
            first = next(iter(self._queued))
            del self._queued[first]
            self._ask(first)

    def _finish(self, search: _Search, plan: _Plan) -> None:
        del self._searches[search.wanted]
        self._out += [Located(number, self._draw(plan)) for number in search.numbers]

    def renew(self) -> None:
        """Ask anew for everything, also for what is not there (RFC 2308).

        What was known before still serves while no server answers.
        """
        self._plans.clear()
        for known in self._known.values():
            known.until_ns = 0

    def tick(self, now_ns: int) -> None:
        """Searches that took too long end with nothing."""
        for search in [s for s in self._searches.values() if now_ns >= s.give_up_ns]:
            self._finish(search, ())

    def deadline_ns(self) -> int | None:
        """When `tick` is needed next."""
        due_ns = min((s.give_up_ns for s in self._searches.values()), default=NEVER)
        return None if due_ns == NEVER else due_ns

    def drain(self) -> list[Query | Located]:
        """What is to be asked, and what has been found."""
        out, self._out = self._out, []
        return out

    # from what is known to targets

    def _plan(self, wanted: Wanted, now_ns: int, missing: set[Query]) -> _Plan | None:
        """All targets of a name by priority; None while a server has to be asked.

        What has to be known for that goes into `missing`.
        """
        cached = self._plans.get(wanted)
        if cached is not None and now_ns < cached[1]:
            return cached[0]
        reading = _Reading(self._known, now_ns)
        plan = self._read(wanted, reading)
        if reading.missing:
            missing.update(reading.missing)
            for query in reading.missing:
                self._ask(query)
            return None
        if len(self._plans) >= limits.NAMES_KNOWN_MAX:
            self._plans.clear()
        self._plans[wanted] = plan, reading.until_ns
        return plan

    def _read(self, wanted: Wanted, reading: _Reading) -> _Plan:
        host, transport = wanted.host, wanted.transport
        usual = transport or ("tls" if wanted.secure else "udp")
        if wanted.secure and usual == "tcp":
            usual = transport = "tls"
        numeric = _numeric(host)
        if numeric:
            port = wanted.port or PORTS.get(usual, 5060)
            return (((0, (Target(numeric, port, usual, host),)),),)
        if wanted.port:
            return self._hosts([Srv(0, 0, wanted.port, host)], usual, host, reading)
        if transport:
            services = [(PREFIXES.get(transport, "") + host, transport)]
        else:
            services = self._services(wanted, reading)
        plan: _Plan = ()
        seen = False
        for name, kind in services:
            if kind not in self._transports:
                continue
            records = [r for r in reading.get(name, "SRV") if isinstance(r, Srv)]
            seen = seen or bool(records)
            plan += self._hosts(records, kind, host, reading)
        if not seen and not reading.missing:
            plan = self._hosts([Srv(0, 0, PORTS.get(usual, 5060), host)], usual, host, reading)
        return plan

    def _services(self, wanted: Wanted, reading: _Reading) -> list[tuple[str, str]]:
        """4.1: the SRV names and their transports, by NAPTR or by what we have."""
        found: list[tuple[int, int, str, str]] = []
        for record in reading.get(wanted.host, "NAPTR"):
            if not isinstance(record, Naptr) or record.flags.lower() != "s":
                continue
            transport = SERVICES.get(record.service.upper())
            if transport is None or transport not in self._transports:
                continue
            if wanted.secure and transport != "tls":
                continue
            name = record.replacement.rstrip(".").lower()
            found.append((record.order, record.preference, name, transport))
        if found:
            return [(name, transport) for _, _, name, transport in sorted(found)]
        those = ("tls",) if wanted.secure else self._transports
        return [(PREFIXES[t] + wanted.host, t) for t in those]

    def _hosts(self, records: list[Srv], transport: str, name: str, reading: _Reading) -> _Plan:
        """The addresses behind SRVs, by priority."""
        levels: dict[int, list[_Choice]] = {}
        for record in sorted(records, key=lambda r: r.priority):
            host = record.target.rstrip(".").lower()
            if not host or not 0 < record.port < 65_536:
                continue  # "." says that the service is not there (RFC 2782)
            targets = tuple(
                Target(address, record.port, transport, name)
                for address in self._addresses(host, transport, reading)
            )
            if targets:
                levels.setdefault(record.priority, []).append((record.weight, targets))
        return tuple(tuple(level) for level in levels.values())

    def _addresses(self, host: str, transport: str, reading: _Reading) -> list[str]:
        """IPv6 first, where we speak it (RFC 6724)."""
        numeric = _numeric(host)
        if numeric:
            return [numeric]
        found: list[str] = []
        for kind, v6 in (("AAAA", True), ("A", False)):
            if (transport, v6) in self._kinds:
                found += [
                    address
                    for record in reading.get(host, kind)
                    if isinstance(record, str) and (address := _numeric(record))
                ]
        return found

    def _draw(self, plan: _Plan) -> tuple[Target, ...]:
        """One order of the targets (RFC 2782, "Usage rules")."""
        targets: list[Target] = []
        for level in plan:
            left = sorted(level, key=lambda choice: choice[0])  # weight 0 first: a small chance
            while left:
                at = self._rng.randint(0, sum(weight for weight, _ in left)) if left[1:] else 0
                for n, (weight, those) in enumerate(left):
                    at -= weight
                    if at <= 0:
                        targets += self._turns(those)
                        del left[n]
                        break
        return tuple(dict.fromkeys(targets))[: limits.TARGETS_MAX]

    def _turns(self, those: tuple[Target, ...]) -> list[Target]:
        """The addresses of one name in any order, each family by itself."""
        mixed = self._rng.sample(those, len(those)) if those[1:] else list(those)
        mixed.sort(key=lambda target: ":" not in target.host)
        return mixed


class _Reading:
    """What is known at one moment, what is missing, and how long the result holds."""

    __slots__ = ("_known", "_now_ns", "missing", "until_ns")

    def __init__(self, known: dict[Query, _Known], now_ns: int) -> None:
        self._known = known
        self._now_ns = now_ns
        self.missing: list[Query] = []
        self.until_ns = now_ns + limits.TTL_MAX_S * SECOND

    def get(self, name: str, kind: str) -> tuple[Record, ...]:
        query = Query(name, kind)  # type: ignore[arg-type]
        known = self._known.get(query)
        if known is None or self._now_ns >= known.until_ns:
            self.missing.append(query)
            return ()
        self.until_ns = min(self.until_ns, known.until_ns)
        return known.records


def _numeric(host: str) -> str:
    """An address in its usual form, "" for a name."""
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return ""
