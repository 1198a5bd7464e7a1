"""Whether trunks are there: accounts kept registered, and OPTIONS asked from time to time.

A trunk is taken out after `MISSES` questions in a row without any answer, and comes back with the
first one. Any answer is one (RFC 3261 section 11.2): who refuses OPTIONS is alive.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from typing import Final

from dialerd.config import Trunk
from dialerd.core.events import LineHealth
from dialerd.lines.sip_trunk import SipTrunk, in_user
from sip.endpoint import Endpoint
from sip.errors import SipError
from sip.events import Account, Ask, Registration, SipEvent, Told
from sip.transport.local import bracketed

log = logging.getLogger("dialerd.trunks")

MISSES: Final = 2
PING_WAIT_S: Final = 5
NUMBER_BASE: Final = 1 << 40  # of our questions, apart from those of anybody else


class TrunkHealth:
    """Watches trunks on behalf of the dialer: `configure`, `hear` every SIP event, `close`."""

    def __init__(
        self,
        endpoint: Endpoint,
        flush: Callable[[], None],
        feed: Callable[[LineHealth], None],
        loop: asyncio.AbstractEventLoop,
        rng: random.Random,
        shown: str,
    ) -> None:
        """`shown` is our own address, for From."""
        self._endpoint = endpoint
        self._flush = flush
        self._feed = feed
        self._loop = loop
        self._rng = rng
        self._shown = bracketed(shown)
        self._trunks: dict[str, tuple[Trunk, SipTrunk]] = {}
        self._asked: dict[int, str] = {}  # question -> trunk
        self._misses: dict[str, int] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._number = NUMBER_BASE

    def configure(self, trunks: Iterable[tuple[Trunk, SipTrunk]]) -> None:
        """The present set: accounts are registered, changed or given up, questions begin or end."""
        now_ns = time.monotonic_ns()
        before, self._trunks = self._trunks, {trunk.name: (trunk, to) for trunk, to in trunks}
        for name, (trunk, _) in before.items():
            if trunk.register and not self._registers(name):
                self._endpoint.unregister(name, now_ns)
            if name not in self._trunks or not self._trunks[name][0].ping_s:
                self._misses.pop(name, None)
                timer = self._timers.pop(name, None)
                if timer is not None:
                    timer.cancel()
                    self._feed(LineHealth(name, alive=True))
        for name, (trunk, to) in self._trunks.items():
            if trunk.register:
                self._register(trunk, to, now_ns)
            if trunk.ping_s and name not in self._timers:
                first_s = self._rng.random() * min(trunk.ping_s, 5)
                self._timers[name] = self._loop.call_later(first_s, self._ping, name)
        self._flush()

    def close(self) -> None:
        """No further questions; the accounts are given up as far as one datagram does it."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for name in self._trunks:
            if self._registers(name):
                self._endpoint.unregister(name, time.monotonic_ns())
        self._trunks.clear()
        self._flush()

    def hear(self, event: SipEvent) -> None:
        """An event of the endpoint: those of accounts and questions are ours."""
        if isinstance(event, Registration):
            self._on_registration(event)
        elif isinstance(event, Told):
            name = self._asked.pop(event.number, None)
            if name is not None:
                self._on_told(name, event)

    def _registers(self, name: str) -> bool:
        return name in self._trunks and self._trunks[name][0].register

    # -- registration ----------------------------------------------------------------------------

    def _register(self, trunk: Trunk, to: SipTrunk, now_ns: int) -> None:
        domain = trunk.registrar or trunk.domain or trunk.host
        user = in_user(trunk.username.partition("@")[0])
        account = Account(
            name=trunk.name,
            aor=f"sip:{user}@{bracketed(domain)}",
            registrar=f"sip:{bracketed(domain)}",
            targets=to.targets,
            credentials=to.credentials,
            expires_s=trunk.register_s,
            contact_user=user,
            learn=True,
        )
        try:
            self._endpoint.register(account, now_ns)
        except SipError as error:
            log.error("trunk %s cannot register: %s", trunk.name, error)
            self._feed(LineHealth(trunk.name, registered=False, why=str(error)))

    def _on_registration(self, event: Registration) -> None:
        if event.account not in self._trunks:
            return
        if event.state == "registered":
            log.info("trunk %s is registered for %d s", event.account, event.expires_s)
            self._feed(LineHealth(event.account, registered=True))
        elif event.state in {"waiting", "refused"}:
            said = f"{event.code} {event.reason}" if event.code else event.reason or "no answer"
            log.warning("trunk %s is not registered: %s", event.account, said)
            self._feed(LineHealth(event.account, registered=False, why=said))

    # -- OPTIONS ---------------------------------------------------------------------------------

    def _ping(self, name: str) -> None:
        trunk, to = self._trunks[name]
        gap_s = trunk.ping_s * (0.9 + 0.2 * self._rng.random())  # not all trunks at one moment
        self._timers[name] = self._loop.call_later(gap_s, self._ping, name)
        if name in self._asked.values():
            return  # the last question is still open
        self._number += 1
        uri = f"sip:{to.domain or bracketed(to.host)}"
        if not to.domain:
            uri += f":{to.port}"
        ask = Ask(
            self._number,
            "OPTIONS",
            to.targets,
            uri,
            f"sip:{in_user(to.account) or 'dialerd'}@{to.from_domain or self._shown}",
            uri,
            f"{self._rng.getrandbits(64):016x}@{self._shown.strip('[]')}",
            credentials=to.credentials,
            wait_s=PING_WAIT_S,
        )
        self._asked[self._number] = name
        try:
            self._endpoint.ask(ask, time.monotonic_ns())
        except SipError as error:
            del self._asked[self._number]
            log.error("trunk %s cannot be asked: %s", name, error)
        self._flush()

    def _on_told(self, name: str, event: Told) -> None:
        if name not in self._timers:
            return
        if event.code:
            was, self._misses[name] = self._misses.get(name, 0), 0
            if was >= MISSES:
                log.info("trunk %s answers again", name)
            if was:
                self._feed(LineHealth(name, alive=True))
            return
        misses = self._misses[name] = self._misses.get(name, 0) + 1
        if misses == MISSES:
            log.warning("trunk %s does not answer OPTIONS: %s", name, event.phrase)
            self._feed(LineHealth(name, alive=False, why=f"OPTIONS: {event.phrase}"))
