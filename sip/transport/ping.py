"""OPTIONS pings: which addresses are alive (RFC 3261 section 11).

Any final answer is a sign of life, but 408 and 503, which say that somebody behind it is not there
or that it wants no more. Silence and an ICMP error are none. An address changes its state after so
many signs in a row (`Ping.down_after`, `up_after`); until the first change nobody knows.

Pings of one address are `every_s` apart, give or take a tenth, so that many do not keep step. While
it is down, or suspected because a call failed there, they come every `retry_s`.
"""

from __future__ import annotations

import random

import msgspec

from sip.events import Address
from sip.limits import PINGED_MAX, SECOND

STATES = ("unknown", "up", "down")
UNKNOWN, UP, DOWN = range(3)

EVENTS = ("enough answers", "enough silence")
ALIVE, DEAD = range(2)

TABLE: dict[tuple[int, int], int] = {
    (UNKNOWN, ALIVE): UP,
    (UNKNOWN, DEAD): DOWN,
    (UP, DEAD): DOWN,
    (DOWN, ALIVE): UP,
}
NO_SIGN = frozenset({0, 408, 503})  # final answers of a ping that are none; 0: nobody answered
JITTER = 10  # a tenth either way


class Ping(msgspec.Struct, frozen=True):
    """How one address is pinged.

    Attributes:
        uri: whom the OPTIONS is addressed to.
        from_uri: who asks; empty: the address that we ask from.
        first_s: the first one comes within so long, 0: within one interval.
    """

    uri: str
    every_s: int = 30
    retry_s: int = 10
    down_after: int = 2
    up_after: int = 1
    from_uri: str = ""
    first_s: int = 0


class Probe(msgspec.Struct, frozen=True):
    """Asks for one OPTIONS to `address`; `answered` with its number says how it ended."""

    number: int
    address: Address
    uri: str
    from_uri: str = ""


class Turned(msgspec.Struct, frozen=True):
    """An address went up or down; `code` is what the last ping got, 0: no answer.

    One that was suspected and answers is told as up, though nobody had called it down.
    """

    address: Address
    up: bool
    code: int = 0


class _Pinged(msgspec.Struct):
    ping: Ping
    due_ns: int
    state: int = UNKNOWN
    row: int = 0  # signs of one kind in a row
    alive: bool = False  # which kind
    suspected: bool = False
    passing: bool = False  # only until it answers: nobody asked for it to be watched
    number: int = 0  # the probe that is out, 0 for none


class Pinger:
    """See the module's text."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._pinged: dict[Address, _Pinged] = {}
        self._probes: dict[int, Address] = {}
        self._numbers = 0
        self._out: list[Probe | Turned] = []

    def __len__(self) -> int:
        return len(self._pinged)

    def watch(self, address: Address, ping: Ping, now_ns: int) -> bool:
        """Ping an address from now on; False when full."""
        found = self._pinged.get(address)
        if found is not None:
            found.ping, found.passing = ping, False
            return True
        if len(self._pinged) >= PINGED_MAX:
            return False
        first_ns = self._rng.randrange((ping.first_s or max(ping.every_s, 1)) * SECOND)
        self._pinged[address] = _Pinged(ping, now_ns + first_ns)
        return True

    def unwatch(self, address: Address) -> None:
        """Stop."""
        found = self._pinged.pop(address, None)
        if found is not None:
            self._probes.pop(found.number, None)

    def up(self, address: Address) -> bool | None:
        """Whether it is alive; None when nobody knows."""
        found = self._pinged.get(address)
        return None if found is None or found.state == UNKNOWN else found.state == UP

    def suspect(self, address: Address, ping: Ping, now_ns: int) -> None:
        """A request failed there: ask soon, and again and again until it answers."""
        found = self._pinged.get(address)
        if found is None:
            if len(self._pinged) >= PINGED_MAX:
                return
            found = self._pinged[address] = _Pinged(ping, now_ns, passing=True)
            found.due_ns = now_ns + self._spread(ping.retry_s)
        found.suspected = True
        found.due_ns = min(found.due_ns, now_ns + self._spread(found.ping.retry_s))

    def tick(self, now_ns: int) -> None:
        """Ask those whose time has come."""
        for address, found in self._pinged.items():
            if now_ns >= found.due_ns and not found.number:
                self._numbers += 1
                found.number = self._numbers
                self._probes[found.number] = address
                ping = found.ping
                self._out.append(Probe(found.number, address, ping.uri, ping.from_uri))

    def deadline_ns(self) -> int | None:
        """When `tick` is needed next."""
        return min((p.due_ns for p in self._pinged.values() if not p.number), default=None)

    def answered(self, number: int, code: int, now_ns: int) -> None:
        """A probe ended; `code` is the final status, 0 when none came."""
        address = self._probes.pop(number, None)
        found = self._pinged.get(address) if address is not None else None
        if address is None or found is None:
            return
        alive = code not in NO_SIGN
        found.row = found.row + 1 if alive == found.alive else 1
        found.alive = alive
        found.number = 0
        relieved = alive and found.suspected and found.state == UP
        if alive:
            found.suspected = False
        enough = found.row >= (found.ping.up_after if alive else found.ping.down_after)
        state = TABLE.get((found.state, ALIVE if alive else DEAD))
        if enough and state is not None:
            found.state = state
            self._out.append(Turned(address, state == UP, code))
        elif relieved:
            self._out.append(Turned(address, up=True, code=code))
        calm = alive and found.state != DOWN and not found.suspected
        found.due_ns = now_ns + self._spread(found.ping.every_s if calm else found.ping.retry_s)
        if found.passing and alive and enough:
            del self._pinged[address]

    def drain(self) -> list[Probe | Turned]:
        """What is to be asked, and what has been found out."""
        out, self._out = self._out, []
        return out

    def _spread(self, seconds: int) -> int:
        span_ns = max(seconds, 1) * SECOND
        return span_ns - span_ns // JITTER + self._rng.randrange(2 * span_ns // JITTER)
