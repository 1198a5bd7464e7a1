"""Where the requests of each trunk go at this moment: DNS, weights, the penalty box, routes.

A trunk with a name is looked up for every call, mostly from what is known already (weights of SRV
records are drawn anew each time); while a name server has to be asked, calls go where they went
before. All trunks are looked up together. One whose name leads nowhere has no address: it is asked
for again every `RETRY_S`, the others every `REFRESH_S`, and who uses them is told of each change.

The route that a registrar gave us (Service-Route, RFC 3608) is travelled by the calls of that
account. They are sent to its first element; where `domain` is set, `host` is an outbound proxy, and
they are sent there with the same route.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from dialerd.config import Trunk, TrunkTransport
from dialerd.lines.sip_line import Way
from dialerd.shell.addresses import is_numeric
from fastpath.sipscan import parse_address
from sip.accounts.admission import Admission
from sip.errors import SipError
from sip.events import Address
from sip.messages.headers import route_lines
from sip.messages.uri import parse
from sip.transport.io_targets import Targets
from sip.transport.local import Local
from sip.transport.locate import Wanted
from sip.transport.locate import wanted_of as wanted_of_uri

log = logging.getLogger("dialerd.trunks")

RETRY_S: Final = 5
REFRESH_S: Final = 60


class _Place:
    """What is known of one trunk."""

    __slots__ = ("ahead", "ahead_wanted", "fault", "known", "routes", "trunk", "wanted")

    def __init__(self, trunk: Trunk) -> None:
        self.trunk = trunk
        self.wanted = wanted_of(trunk)
        self.known: tuple[Address, ...] = ()
        self.fault = f"looking up {trunk.host}"  # while there is no address
        self.routes: tuple[str, ...] = ()
        self.ahead_wanted: Wanted | None = None  # where the first route leads
        self.ahead: tuple[Address, ...] = ()


class TrunkTargets:
    """See the module's text.

    `changed` hears the name of a trunk whose addresses are others than before, or that has none; it
    may be set at any time.
    """

    def __init__(
        self,
        targets: Targets,
        admission: Admission,
        locals_: Sequence[Local],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """`admission` is told of every address, so that its answers are heard."""
        self._targets = targets
        self._admission = admission
        self._locals = locals_
        self._near = next((n for n, one in enumerate(locals_) if one.side == "trunk"), 0)
        self._loop = loop
        self._places: dict[str, _Place] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._round = 0
        self._quiet = False
        self.changed: Callable[[str], None] = _nobody

    def configure(self, trunks: Iterable[Trunk]) -> None:
        """These are the trunks: look all of them up anew; others are heard no more.

        Before it returns `changed` hears nothing.
        """
        self._quiet = True
        self._targets.renew()
        before, self._places = self._places, {}
        for trunk in trunks:
            place = before.get(trunk.name)
            if place is None or place.wanted != wanted_of(trunk):
                place = _Place(trunk)
            place.trunk = trunk
            self._places[trunk.name] = place
            self._lead(place, place.routes if trunk.register else ())
        networks = {name: place.trunk.sources for name, place in self._places.items()}
        self._admission.configure(networks)
        for name, place in self._places.items():
            self._hear(name, place.known + place.ahead)
            self._find(name, place)
        self._quiet = False
        if self._timer is None:
            self._timer = self._loop.call_later(RETRY_S, self._again)

    def close(self) -> None:
        """Look nothing up any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._places.clear()

    def way(self, name: str, usual: tuple[Address, ...]) -> Way:
        """Where a call of a trunk goes, best first, and by which route.

        `usual` for a trunk that is not configured.
        """
        place = self._places.get(name)
        if place is None:
            return usual, ()
        self._find(name, place)
        known = place.ahead or place.known
        return self._targets.box.order(known, time.monotonic_ns()), place.routes

    def known(self, name: str) -> tuple[Address, ...]:
        """Where a trunk is; empty: `fault` says why it is nowhere."""
        place = self._places.get(name)
        return place.known if place is not None else ()

    def fault(self, name: str) -> str:
        """Why a trunk has no address; empty when it has one."""
        place = self._places.get(name)
        return place.fault if place is not None and not place.known else ""

    def lead(self, name: str, routes: tuple[str, ...]) -> None:
        """The calls of a trunk travel this route from now on, if it is one."""
        place = self._places.get(name)
        if place is None or place.routes == routes:
            return
        try:
            self._lead(place, routes)
        except SipError as error:
            log.warning("trunk %s: its Service-Route is not travelled: %s", name, error)
            self._lead(place, ())
        else:
            self._find(name, place)

    def _lead(self, place: _Place, routes: tuple[str, ...]) -> None:
        """SipError when it is no route of loose routers (RFC 3608 section 5)."""
        wanted = None
        route_lines(routes)
        for route in routes:
            uri = parse_address(route.encode())[0]
            if not parse(uri).loose:
                raise SipError(f"not a loose router: {route}")
            wanted = wanted or wanted_of_uri(uri)
        said = place.wanted.transport
        if wanted is not None and said and not wanted.transport:
            wanted = Wanted(wanted.host, wanted.port, said, wanted.secure)
        if place.trunk.domain or wanted != place.ahead_wanted:
            place.ahead = ()
        place.routes = routes
        place.ahead_wanted = None if place.trunk.domain else wanted

    def _find(self, name: str, place: _Place) -> None:
        """Ask; the answer comes at once when it is known already."""
        learn = functools.partial(self._learn, name, place)
        self._targets.find(place.wanted, self._near, learn)
        if place.ahead_wanted is not None:
            learn = functools.partial(self._learn_ahead, name, place, place.ahead_wanted)
            self._targets.find(place.ahead_wanted, self._near, learn)

    def _again(self) -> None:
        """Those without an address every time, the others now and then."""
        self._timer = self._loop.call_later(RETRY_S, self._again)
        self._round = (self._round + 1) % (REFRESH_S // RETRY_S)
        for name, place in list(self._places.items()):
            if not place.known or not self._round:
                self._find(name, place)

    def _learn(self, name: str, place: _Place, addresses: tuple[Address, ...]) -> None:
        if self._places.get(name) is not place:
            return
        before, fault = set(place.known), place.fault
        if addresses:
            place.known = addresses
            self._hear(name, addresses)
        elif not place.known:
            place.fault = self._why_nowhere(place)
            if place.fault != fault:
                log.warning("trunk %s: %s", name, place.fault)
        if not self._quiet and (set(place.known) != before or place.fault != fault):
            self.changed(name)

    def _learn_ahead(
        self, name: str, place: _Place, wanted: Wanted, addresses: tuple[Address, ...]
    ) -> None:
        if self._places.get(name) is place and place.ahead_wanted == wanted and addresses:
            place.ahead = addresses
            self._hear(name, addresses)

    def _hear(self, name: str, addresses: tuple[Address, ...]) -> None:
        for host, _, _ in addresses:
            self._admission.allow(host, name)

    def _why_nowhere(self, place: _Place) -> str:
        host, kind = place.wanted.host, place.wanted.transport
        if is_numeric(host):
            family = "IPv6" if ":" in host else "IPv4"
            return f"no socket of ours speaks {kind or 'udp'} over {family}"
        by = f" by {kind}" if kind else ""
        silent = ": no name server answers" if self._targets.unanswered(host) else ""
        return f"cannot resolve {host}{by}{silent}"


def wanted_of(trunk: Trunk) -> Wanted:
    """What is looked for behind a trunk's `host`."""
    said = "" if trunk.transport is TrunkTransport.AUTO else trunk.transport.value
    return Wanted(trunk.host.strip("[]").lower(), trunk.port, said)


def _nobody(_name: str) -> None:
    """Nobody wants to know."""
