"""Where a stack's requests go: names looked up, bad addresses tried last, all of them watched.

    targets = Targets(stack, DnsResolver(), rng)
    targets.find(Wanted("gw.example.com", 0, "udp"), 0, lambda addresses: ...)

`find` calls back at once when the name is known, later when it must be asked for; with nothing when
the name leads nowhere. The addresses are in the order in which to try them, as `Invite.targets`.
A stack without `Targets` knows numeric addresses only, and a name in a Contact or a Route means
the address that the peer spoke from.

With it, a name in a dialog stands as the address itself (`local.Reach.named`) until a request
leaves: it waits here for the answer, `HELD_TIME` at most, and takes the peer's address without one.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import random
import time
from collections.abc import Callable

from fastpath.sipscan import ScanError, scan
from sip import limits
from sip.errors import SipError
from sip.events import Address, Ask, Told
from sip.transport.io_dns import DnsError, DnsResolver
from sip.transport.io_stack import Messages, SipStack
from sip.transport.io_stream import StreamTransport
from sip.transport.local import bracketed
from sip.transport.locate import Located, Locator, Query, Wanted
from sip.transport.penalty import PenaltyBox
from sip.transport.ping import NO_SIGN, Ping, Pinger, Probe, Turned

log = logging.getLogger(__name__)

PENALTY_S = 60
PING_WAIT_S = 4  # for the answer to one OPTIONS

Then = Callable[[tuple[Address, ...]], None]


class Targets:
    """See the module's text. Made for a stack, it registers itself there and closes with it.

    `on_turned` hears of every address that was found up or down; it may be set at any time. Names
    are looked up for the trunks' side: telephones are called where they registered from.
    """

    def __init__(
        self,
        stack: SipStack,
        resolver: DnsResolver,
        rng: random.Random,
        *,
        penalty_s: int = PENALTY_S,
    ) -> None:
        self._stack = stack
        self._resolver = resolver
        self._reach = stack.endpoint.layer.reach
        self._reach.resolves = True
        self._rng = rng
        kinds = {(one.transport, one.v6) for one in self._reach.locals if one.side == "trunk"}
        self._locator = Locator(kinds, rng)
        self.box = PenaltyBox(penalty_s)
        self.pinger = Pinger(rng)
        self.on_turned: Callable[[Turned], None] = _nobody
        self._waiting: dict[int, tuple[int, Then, bool]] = {}
        self._numbers = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: dict[Address, tuple[list[bytes], asyncio.TimerHandle]] = {}
        self._ready: Messages | None = None  # what may leave in this turn
        self._actual: dict[Address, Address] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._pumping = False
        self._unanswered: dict[str, None] = {}  # names that no server could say anything of
        self._count = {"names_asked": 0, "names_failed": 0, "names_late": 0}
        stack.targets = self

    def close(self) -> None:
        """Forget all questions; nobody is called back any more."""
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        for _, timer in self._held.values():
            timer.cancel()
        self._held.clear()
        if self._timer is not None:
            self._timer.cancel()

    def statistics(self) -> dict[str, int]:
        """Counters, and how many addresses are in the penalty box and watched."""
        return {**self._count, "penalties": len(self.box), "pinged": len(self.pinger)}

    # looking up

    def find(self, wanted: Wanted, near: int, then: Then, *, firm: bool = True) -> None:
        """Look up where something leads by our transports on the side of flow `near`.

        `firm` as in `StreamTransport.expect`: whether we chose the name ourselves.
        """
        self._numbers += 1
        self._waiting[self._numbers] = near, then, firm
        self._locator.locate(wanted, self._numbers, time.monotonic_ns())
        self._pump()

    def renew(self) -> None:
        """Whoever set up a name anew is not to wait until its old records have run out."""
        self._locator.renew()

    def unanswered(self, host: str) -> bool:
        """Whether no name server could say where a host is, as it was last asked."""
        return any(name.endswith(host) for name in self._unanswered)

    def _pump(self) -> None:
        """Carry out what the machines want."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while True:
                located, pings = self._locator.drain(), self.pinger.drain()
                if not located and not pings:
                    break
                for effect in located:
                    if isinstance(effect, Located):
                        self._found(effect)
                    else:
                        self._ask(effect)
                for ping in pings:
                    if isinstance(ping, Turned):
                        self._turned(ping)
                    else:
                        self._probe(ping)
        finally:
            self._pumping = False
        self._arm()

    def _ask(self, query: Query) -> None:
        self._count["names_asked"] += 1
        task = self._stack.loop.create_task(self._asked(query))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _asked(self, query: Query) -> None:
        try:
            records, ttl_s = await self._resolver.ask(query)
        except DnsError as error:
            self._count["names_failed"] += 1
            log.warning("%s", error)
            if len(self._unanswered) < limits.NAMED_MAX:
                self._unanswered[query.name] = None
            self._locator.fail(query, time.monotonic_ns())
        else:
            self._unanswered.pop(query.name, None)
            self._locator.answer(query, records, ttl_s, time.monotonic_ns())
        self._pump()
        self._stack.flush()

    def _found(self, located: Located) -> None:
        waiting = self._waiting.pop(located.number, None)
        if waiting is None:
            return
        near, then, firm = waiting
        addresses: list[Address] = []
        for target in located.targets:
            flow = self._reach.flow(target.transport, v6=":" in target.host, near=near)
            if flow is None:
                continue
            addresses.append((target.host, target.port, flow))
            if target.transport == "tls":
                transport = self._stack.transports.get(flow)
                if isinstance(transport, StreamTransport):
                    transport.expect(target.host, target.port, target.name, firm=firm)
        try:
            then(self.box.order(addresses, time.monotonic_ns()))
        except Exception:
            log.exception("an answer from the name service was not dealt with")

    # names inside dialogs

    def direct(self, messages: Messages) -> Messages:
        """Messages to names: those whose address is known now; the others leave later."""
        self._ready = []
        for data, target in messages:
            if target not in self._reach.named:
                self._ready.append((data, target))
            elif target not in self._held:
                self._look(target, data)
            elif sum(len(held) for held, _ in self._held.values()) < limits.HELD_MAX:
                self._held[target][0].append(data)
            else:
                self._ready.append((data, self._reach.named[target]))
        ready, self._ready = self._ready, None
        return ready

    def _look(self, target: Address, data: bytes) -> None:
        wait_s = limits.HELD_TIME / limits.SECOND
        timer = self._stack.loop.call_later(wait_s, self._late, target)
        self._held[target] = [data], timer
        host, port, flow = target
        kind = self._reach.locals[flow].transport
        release = functools.partial(self._release, target)
        self.find(Wanted(host, port, kind), flow, release, firm=False)

    def _late(self, target: Address) -> None:
        self._count["names_late"] += 1
        self._release(target, ())

    def _release(self, target: Address, found: tuple[Address, ...]) -> None:
        """Send what waited."""
        held, timer = self._held.pop(target, ([], None))
        if timer is None:
            return
        timer.cancel()
        actual = self._choose(target, found)
        messages = [(data, actual) for data in held]
        if self._ready is None:
            self._stack.deliver(messages)
        else:
            self._ready += messages

    def _choose(self, target: Address, found: tuple[Address, ...]) -> Address:
        """The same as before while it is good; without an answer, the peer's own address."""
        before = self._actual.get(target)
        if before in found and not self.box.boxed(before, time.monotonic_ns()):
            return before
        actual = found[0] if found else self._reach.named.get(target, target)
        if len(self._actual) >= limits.NAMED_MAX:
            self._actual.clear()
        self._actual[target] = actual
        return actual

    # who is there and who is not

    def failed(self, address: Address, retry_after_s: int = 0) -> None:
        """A request found nobody there, or nobody willing: tried last for a while, and watched."""
        now_ns = time.monotonic_ns()
        actual = self._actual.get(address, address)
        self.box.failed(actual, now_ns, retry_after_s)
        self.pinger.suspect(actual, Ping(f"sip:{bracketed(actual[0])}:{actual[1]}"), now_ns)
        self._arm()

    def gone(self, address: Address) -> list[Address]:
        """The network says that nobody listens at an address: the names that stand for it."""
        self.failed(address)
        return [name for name, actual in self._actual.items() if actual == address]

    def heard(self, messages: Messages) -> None:
        """What came: a 503 that says for how long, or an answer of one who had failed.

        Only what answers a request of ours: else anybody could have a carrier avoided, or strangers
        asked by OPTIONS, with one forged datagram.
        """
        for data, source in messages:
            code = data[8:11] if data.startswith(b"SIP/2.0 ") else b""
            if code != b"503" and (not code or code == b"408" or source not in self.box):
                continue
            try:
                message = scan(data)
            except ScanError:
                continue
            if not self._stack.endpoint.layer.asked(message):
                continue
            if code != b"503":
                self.box.worked(source)
            elif message.retry_after > 0:
                self.failed(source, message.retry_after)

    def silent(self) -> None:
        """Take up whom transactions gave up on."""
        those = self._reach.silent
        for address in set(those):
            self.failed(address)
        those.clear()

    def watch(self, address: Address, ping: Ping) -> bool:
        """Ping an address from now on; False when there are too many."""
        done = self.pinger.watch(address, ping, time.monotonic_ns())
        self._arm()
        return done

    def unwatch(self, address: Address) -> None:
        """Ping it no more."""
        self.pinger.unwatch(address)
        self._arm()

    def _turned(self, turned: Turned) -> None:
        if turned.up:
            self.box.worked(turned.address)
        log.info("%s port %d is %s", *turned.address[:2], "up" if turned.up else "down")
        try:
            self.on_turned(turned)
        except Exception:
            log.exception("a turn of %s was not dealt with", turned.address[0])

    def _probe(self, probe: Probe) -> None:
        """Send an OPTIONS; the endpoint tells how it ended."""
        identity = self._reach.locals[probe.address[2]]
        ours = probe.from_uri or f"sip:ping@{bracketed(identity.host)}"
        now_ns = time.monotonic_ns()
        ask = Ask(
            number=probe.number,
            method="OPTIONS",
            targets=(probe.address,),
            request_uri=probe.uri,
            from_uri=ours,
            to_uri=probe.uri,
            call_id=f"ping{self._rng.getrandbits(64):016x}@{identity.host}",
            headers=(("Accept", "application/sdp"),),
            contact_user="",
            wait_s=PING_WAIT_S,
        )
        try:
            self._stack.endpoint.accounts.ask(ask, now_ns, _Answer(self))
        except SipError as error:
            log.warning("ping of %s: %s", probe.uri, error)
            self.pinger.answered(probe.number, 0, now_ns)

    def told(self, told: Told, now_ns: int) -> None:
        """How a ping ended."""
        self.pinger.answered(told.number, told.code, now_ns)
        if told.code not in NO_SIGN:
            self.box.worked(told.target)
        self._pump()

    # time

    def _arm(self) -> None:
        dues = [self._locator.deadline_ns(), self.pinger.deadline_ns()]
        due_ns = min((d for d in dues if d is not None), default=None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due_ns is not None and not self._stack.closed:
            delay_s = max((due_ns - time.monotonic_ns()) / 1e9, 0.001)
            self._timer = self._stack.loop.call_later(delay_s, self._due)

    def _due(self) -> None:
        self._timer = None
        now_ns = time.monotonic_ns()
        self._locator.tick(now_ns)
        self.pinger.tick(now_ns)
        self._pump()
        self._stack.flush()


class _Answer:
    """Hears the end of one ping."""

    __slots__ = ("_targets",)

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def on_told(self, told: Told, now_ns: int) -> None:
        """The one answer."""
        self._targets.told(told, now_ns)


def _nobody(_turned: Turned) -> None:
    """Nobody wants to know."""
