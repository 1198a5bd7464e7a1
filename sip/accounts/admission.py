"""Who is heard at all, decided before a message is read.

On the trunks' side only the networks of the trunks are; anybody else gets no answer, not even a
refusal. On the telephones' side anybody may knock, but each host (an IPv6 /64 is one) has a token
bucket, all strangers together have one, and a host that guesses is silenced, longer each time.

A sender's address can be forged over UDP, so nothing here believes one more than it must:

- trunks are not counted at all, so nobody can use up their tokens or have them silenced;
- strangers share a bucket, and a table entry is made only for a message that passed it: a flood of
  forged addresses can fill the table no faster than that, and takes nothing from those who are
  registered;
- a host is banned only for a wrong answer to a challenge that reached it (`digest_server` seals
  nonces for a host); for messages without one, only its further challenges are held back;
- an address from which a telephone is registered is heard during a ban of its host: one wrong
  telephone behind a NAT does not silence the others.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from functools import lru_cache

from sip.errors import SipError
from sip.events import Address
from sip.limits import (
    GUESSES_MAX,
    PHONE_BURST,
    PHONE_RATE,
    SECOND,
    SILENCE,
    SILENCE_MAX,
    SOURCE_BURST,
    SOURCE_RATE,
    SOURCES_MAX,
    STRANGERS_BURST,
    STRANGERS_RATE,
)

COUNTERS = ("strangers", "throttled", "silenced", "challenges", "guesses", "bans")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_ALL = ""  # the bucket of all strangers


class _Record:
    """What a host has done. `bans` is how often it was silenced."""

    __slots__ = ("bans", "strikes", "until_ns")

    def __init__(self) -> None:
        self.strikes = 0
        self.bans = 0
        self.until_ns = 0

    def strike(self, now_ns: int) -> bool:
        """Count one; whether it begins a silence."""
        self.strikes += 1
        if self.strikes < GUESSES_MAX:
            return False
        self.strikes = 0
        self.until_ns = now_ns + min(SILENCE << min(self.bans, 20), SILENCE_MAX)
        self.bans += 1
        return True


class _Buckets:
    """Token buckets by key, each one number: when it will be full again (the GCRA of ATM)."""

    __slots__ = ("_full_ns",)

    def __init__(self) -> None:
        self._full_ns: dict[str, int] = {}

    def has(self, key: str, rate: int, burst: int, now_ns: int) -> bool:
        """Whether there is a token."""
        ahead_ns = self._full_ns.get(key, 0) - now_ns
        return ahead_ns <= (burst - 1) * (SECOND // rate)

    def take(self, key: str, rate: int, now_ns: int) -> None:
        """Take one that is there."""
        full_ns = self._full_ns
        if key not in full_ns and len(full_ns) >= SOURCES_MAX:
            del full_ns[next(iter(full_ns))]
        full_ns[key] = max(full_ns.get(key, 0), now_ns) + SECOND // rate

    def __len__(self) -> int:
        return len(self._full_ns)


class Admission:
    """See the module's text.

    `trunks` are networks by trunk ("203.0.113.0/28", "198.51.100.7"); without it everybody is heard
    on the trunks' side. SipError when one is no network.
    """

    __slots__ = ("_banned", "_buckets", "_hosts", "_knocked", "_networks", "_phones", "count")

    def __init__(self, trunks: Mapping[str, Sequence[str]] | None = None) -> None:
        self._networks: list[tuple[Network, str]] | None = None
        self._hosts: dict[str, str] = {}  # hosts of trunks, by name
        self._buckets = _Buckets()
        self._knocked: dict[str, _Record] = {}  # challenges that nobody answered
        self._banned: dict[str, _Record] = {}  # answers that were wrong
        self._phones: dict[str | Address, int] = {}  # registrations by host and by address
        self.count = dict.fromkeys(COUNTERS, 0)
        if trunks is not None:
            self.configure(trunks)

    # trunks

    def configure(self, trunks: Mapping[str, Sequence[str]]) -> None:
        """These are the trunks and their networks; all that was allowed before is forgotten.

        SipError when one is no network: then nothing has changed.
        """
        fresh = Admission()
        for name, networks in trunks.items():
            for network in networks:
                fresh.allow(network, name)
        self._networks, self._hosts = fresh._networks or [], fresh._hosts

    def allow(self, network: str, trunk: str) -> None:
        """Hear `network` on the trunks' side; to be called when a trunk's name leads elsewhere."""
        try:
            found = ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise SipError(f"not a network: {network!r}") from None
        if self._networks is None:
            self._networks = []
        if found.num_addresses == 1:
            if len(self._hosts) < SOURCES_MAX:
                self._hosts.setdefault(str(found.network_address), trunk)
        elif (found, trunk) not in self._networks:
            self._networks.append((found, trunk))

    def trunk(self, host: str) -> str | None:
        """The trunk a host belongs to."""
        name = self._hosts.get(host)
        if name is None and self._networks:
            address = _address(host)
            for network, trunk in self._networks:
                if address is not None and address in network:
                    return trunk
        return name

    # before the parser

    def admit(self, source: Address, now_ns: int, *, phones: bool) -> bool:
        """Whether a message from `source` is read; `phones` tells the side that it came to."""
        if not phones:
            if self._networks is None or self.trunk(source[0]) is not None:
                return True
            self.count["strangers"] += 1
            return False
        banned = self._banned.get(key_of(source[0]))
        if banned is not None and now_ns < banned.until_ns and source not in self._phones:
            self.count["silenced"] += 1
            return False
        return self.take(source[0], now_ns)

    def take(self, host: str, now_ns: int) -> bool:
        """Take a token of `host`; False when it has none left."""
        buckets = self._buckets
        key = key_of(host)
        if key in self._phones:
            if buckets.has(key, PHONE_RATE, PHONE_BURST, now_ns):
                buckets.take(key, PHONE_RATE, now_ns)
                return True
        elif buckets.has(key, SOURCE_RATE, SOURCE_BURST, now_ns) and buckets.has(
            _ALL, STRANGERS_RATE, STRANGERS_BURST, now_ns
        ):
            buckets.take(_ALL, STRANGERS_RATE, now_ns)
            buckets.take(key, SOURCE_RATE, now_ns)
            return True
        self.count["throttled"] += 1
        return False

    # credentials

    def challenge(self, host: str, now_ns: int) -> bool:
        """Whether a host that shows no credentials is challenged, or gets no answer."""
        key = key_of(host)
        if key in self._phones:
            return True
        record = self._record(self._knocked, key)
        if now_ns < record.until_ns:
            self.count["silenced"] += 1
            return False
        self.count["challenges"] += 1
        record.strike(now_ns)
        return True

    def guessed(self, host: str, now_ns: int) -> int:
        """A host answered its challenge wrongly; the seconds of silence that begin, 0: not yet."""
        self.count["guesses"] += 1
        record = self._record(self._banned, key_of(host))
        if not record.strike(now_ns):
            return 0
        self.count["bans"] += 1
        return (record.until_ns - now_ns) // SECOND

    def proved(self, host: str) -> None:
        """A host answered its challenge rightly."""
        key = key_of(host)
        self._knocked.pop(key, None)
        record = self._banned.get(key)
        if record is not None:
            record.strikes = 0

    @staticmethod
    def _record(table: dict[str, _Record], key: str) -> _Record:
        record = table.get(key)
        if record is None:
            if len(table) >= SOURCES_MAX:
                del table[next(iter(table))]
            record = table[key] = _Record()
        return record

    # telephones

    def registered(self, source: Address) -> None:
        """A telephone is registered from there."""
        for key in (source, key_of(source[0])):
            self._phones[key] = self._phones.get(key, 0) + 1

    def gone(self, source: Address) -> None:
        """It is not any more."""
        for key in (source, key_of(source[0])):
            left = self._phones.get(key, 0) - 1
            if left > 0:
                self._phones[key] = left
            else:
                self._phones.pop(key, None)

    def known(self, source: Address) -> bool:
        """Whether a telephone is registered from exactly there."""
        return source in self._phones

    def sizes(self) -> dict[str, int]:
        """How many hosts are remembered."""
        return {"sources": len(self._buckets), "suspects": len(self._banned) + len(self._knocked)}


def key_of(host: str) -> str:
    """What a host is counted as: an IPv6 network of 64 bits is one subscriber."""
    return _network(host) if ":" in host else host


@lru_cache(maxsize=4_096)
def _network(host: str) -> str:
    address = _address(host)
    if not isinstance(address, ipaddress.IPv6Address):
        return str(address or host)
    return f"{int(address) >> 64:x}::/64"


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
