"""Whether trunks are there: they have an address, their account is registered, they answer OPTIONS.

A trunk without an address is out. One with `ping_s` is out while none of its addresses answers
OPTIONS (`sip.transport.ping` says what an answer is), and comes back with the first one. Of the
others only good news is told: an address that failed and answers again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from dialerd.config import Trunk
from dialerd.core.events import LineHealth
from dialerd.lines.sip_trunk import SipTrunk, in_user
from dialerd.shell.sip_stack import Stack
from dialerd.shell.trunk_targets import TrunkTargets
from sip.errors import SipError
from sip.events import Account, Address, Registration, SipEvent
from sip.transport.local import bracketed
from sip.transport.ping import Ping, Turned

log = logging.getLogger("dialerd.trunks")

RETRY_S: Final = 10  # between questions to an address that is down
FIRST_S: Final = 5  # until the first one
LEAVE_S: Final = 2.0  # for registrars to hear that we leave


class TrunkHealth:
    """Watches trunks on behalf of the dialer: `configure`, `hear` every SIP event, `close`."""

    def __init__(
        self,
        stack: Stack,
        places: TrunkTargets,
        feed: Callable[[LineHealth], None],
        shown: str,
    ) -> None:
        """`shown` is our own address, for From. Hears `places` from now on."""
        self._endpoint = stack.endpoint
        self._targets = stack.targets
        self._flush = stack.flush
        self._places = places
        self._feed = feed
        self._shown = bracketed(shown)
        self._trunks: dict[str, tuple[Trunk, SipTrunk]] = {}
        self._why: dict[str, str] = {}  # why a trunk is out, as the dialer was told
        self._users: dict[Address, set[str]] = {}  # trunks by address
        self._pinged: set[Address] = set()
        self._codes: dict[Address, int] = {}  # what their last ping got, of those that are down
        self._accounts: dict[str, Account] = {}  # as they were registered
        self._leaving: set[str] = set()
        self._left = asyncio.Event()
        self._targets.on_turned = self._on_turned

    def configure(self, trunks: Iterable[tuple[Trunk, SipTrunk]]) -> None:
        """The present set: accounts are registered, changed or given up, questions begin or end."""
        now_ns = time.monotonic_ns()
        before, self._trunks = self._trunks, {trunk.name: (trunk, to) for trunk, to in trunks}
        for name, (trunk, _) in before.items():
            if trunk.register and not self._registers(name):
                self._accounts.pop(name, None)
                self._endpoint.unregister(name, now_ns)
            if name not in self._trunks:
                self._why.pop(name, None)
        self._ping()
        for name in self._trunks:
            self._register(name, now_ns)
            self._tell(name)
        self._flush()

    def moved(self, *names: str) -> None:
        """Trunks have other addresses than before, or none."""
        self._ping()
        for name in names:
            if name in self._trunks:
                self._register(name, time.monotonic_ns())
                self._tell(name)
        self._flush()

    async def close(self) -> None:
        """No further questions; the accounts are given up, for which registrars get `LEAVE_S`."""
        names = [name for name in self._trunks if self._endpoint.registration(name) is not None]
        self._trunks.clear()
        self._ping()
        self._leaving = set(names)
        self._left.clear()
        for name in names:
            self._endpoint.unregister(name, time.monotonic_ns())
        self._flush()
        if self._leaving:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._left.wait(), LEAVE_S)
        for name in sorted(self._leaving):
            log.warning("trunk %s: the registrar does not answer, the account stays", name)

    def hear(self, event: SipEvent) -> None:
        """An event of the endpoint: those of accounts are ours."""
        if not isinstance(event, Registration):
            return
        if event.state == "off" and self._endpoint.registration(event.account) is None:
            self._leaving.discard(event.account)
            if not self._leaving:
                self._left.set()
        if self._registers(event.account):
            self._on_registration(event)

    def _registers(self, name: str) -> bool:
        return name in self._trunks and self._trunks[name][0].register

    def _tell(self, name: str) -> None:
        """Whether the trunk is in or out, when that is news."""
        why = self._places.fault(name)
        trunk = self._trunks[name][0]
        known = self._places.known(name)
        if known and trunk.ping_s and all(a in self._codes for a in known):
            code = self._codes[known[0]]
            why = f"OPTIONS: {code}" if code else "OPTIONS: no reply"
        if why == self._why.get(name, ""):
            return
        self._why[name] = why
        if why:
            log.warning("trunk %s is out: %s", name, why)
        else:
            log.info("trunk %s is there", name)
        self._feed(LineHealth(name, alive=not why, why=why))

    # -- registration ----------------------------------------------------------------------------

    def _register(self, name: str, now_ns: int) -> None:
        """Register where the trunk is, unless it is registered just so."""
        trunk, to = self._trunks[name]
        known = self._places.known(name)
        if not trunk.register or not known:
            return
        domain = trunk.registrar or trunk.domain or trunk.host
        user = in_user(trunk.username.partition("@")[0])
        account = Account(
            name=trunk.name,
            aor=f"sip:{user}@{bracketed(domain)}",
            registrar=f"sip:{bracketed(domain)}",
            targets=known,
            credentials=to.credentials,
            expires_s=trunk.register_s,
            contact_user=user,
            learn=True,
        )
        # The order of its addresses is drawn anew at each look: that is no change.
        lasting = msgspec.structs.replace(account, targets=tuple(sorted(known)))
        if self._accounts.get(name) == lasting:
            return
        self._accounts[name] = lasting
        try:
            self._endpoint.register(account, now_ns)
        except SipError as error:
            log.error("trunk %s cannot register: %s", trunk.name, error)
            self._feed(LineHealth(trunk.name, registered=False, why=str(error)))

    def _on_registration(self, event: Registration) -> None:
        name = event.account
        if event.state == "registered":
            log.info("trunk %s is registered for %d s", name, event.expires_s)
            self._places.lead(name, event.service_route)
            self._feed(LineHealth(name, registered=True))
        elif event.state == "trying":
            self._feed(LineHealth(name, registered=False, why="trying"))
        elif event.state in {"waiting", "refused"}:
            said = f"{event.code} {event.reason}" if event.code else event.reason or "no answer"
            log.warning("trunk %s is not registered: %s", name, said)
            self._feed(LineHealth(name, registered=False, why=said))

    # -- OPTIONS ---------------------------------------------------------------------------------

    def _ping(self) -> None:
        """Ask every address of the trunks that want it, once for all of them."""
        wanted: dict[Address, Ping] = {}
        users: dict[Address, set[str]] = {}
        for name, (trunk, to) in self._trunks.items():
            for address in self._places.known(name):
                users.setdefault(address, set()).add(name)
                if trunk.ping_s:
                    ping = self._how(trunk, to, address)
                    if address not in wanted or ping.every_s < wanted[address].every_s:
                        wanted[address] = ping
        for address in self._pinged - wanted.keys():
            self._targets.unwatch(address)
        self._codes = {a: code for a, code in self._codes.items() if a in users}
        self._users, self._pinged = users, set(wanted)
        for address, ping in wanted.items():
            if not self._targets.watch(address, ping):
                log.warning("%s is not asked by OPTIONS: too many addresses are", address[0])

    def _how(self, trunk: Trunk, to: SipTrunk, address: Address) -> Ping:
        host, port, _ = address
        return Ping(
            uri=f"sip:{to.domain}" if to.domain else f"sip:{bracketed(host)}:{port}",
            every_s=trunk.ping_s,
            retry_s=min(trunk.ping_s, RETRY_S),
            from_uri=f"sip:{in_user(to.account) or 'dialerd'}@{to.from_domain or self._shown}",
            first_s=min(trunk.ping_s, FIRST_S),
        )

    def _on_turned(self, turned: Turned) -> None:
        if turned.up:
            self._codes.pop(turned.address, None)
        else:
            self._codes[turned.address] = turned.code
        for name in sorted(self._users.get(turned.address, ())):
            was = self._why.get(name, "")
            self._tell(name)
            if turned.up and not was:  # its breaker may rest for silence
                self._feed(LineHealth(name, alive=True))
