"""Runs one endpoint on its transports: what is read goes in, what comes out leaves.

How to build one:

    endpoint = Endpoint(Local("192.0.2.1", 5060), Local("192.0.2.1", 5060, "tcp"), rng=...)
    stack = SipStack(endpoint, loop, on_event)
    UdpTransport(stack, 0, "192.0.2.1", 5060)  # io_udp.py; OSError: cannot be bound
    StreamTransport(stack, 1, "192.0.2.1", 5060)  # io_stream.py; for TLS: tls=TlsOptions(...)
    stack.flush()                                 # after any call on the endpoint from outside
    stack.close()

The number of a transport is the index of its `Local`: that is the third element of an `Address`.
`io_udp.udp_stack` is the short way to one endpoint on one socket. Host names, the penalty box and
pings come with `io_targets.Targets(stack, ...)`.

Rules: after each wake-up everything readable goes in, then `drain` until nothing comes out; the
messages of a turn leave in one batch for each transport, facts about legs go to `on_event` in
between, whose calls on the endpoint are drained in the same turn. One timer serves all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from fastpath.sipscan import ScanError, scan
from sip.endpoint import Endpoint
from sip.events import Address, Send, SipEvent

if TYPE_CHECKING:
    from sip.transport.io_targets import Targets

log = logging.getLogger(__name__)

LATE_NS = 500_000_000  # a timer so late says that we were stopped, and the sockets are full
HEAR_S = 0.01  # for reading them, again and again
HEARINGS_MAX = 100
TICK_NS = 20_000_000  # deadlines are met up to this much late, so that one wake-up serves many

Messages = list[tuple[bytes, Address]]
Tap = Callable[[bool, bytes, Address, int, int], None]
"""Sees every message: whether it is ours, its bytes, the peer, the time, our port."""


class Transport(Protocol):
    """One way out, registered with `SipStack.attach`. What it reads it gives to `receive`."""

    local: Address
    """Where it is bound."""

    def near(self, peer: Address) -> int:
        """The port of ours that speaks with a peer."""

    def send(self, messages: Messages) -> None:
        """Send them in order, or give them up; never wait, never raise for a peer."""

    def close(self) -> None:
        """Let go of everything; calling it twice does nothing."""

    def statistics(self) -> dict[str, int]:
        """Its counters; those of the same name are added up over all transports."""


class SipStack:
    """See the module's text.

    Attributes:
        tap: sees every message; may be set at any time.
        admits: whether a source may open a connection; None: every one.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        loop: asyncio.AbstractEventLoop,
        on_event: Callable[[SipEvent], None],
    ) -> None:
        self.endpoint = endpoint
        self.loop = loop
        self.on_event = on_event
        self.tap: Tap | None = None
        self.admits: Callable[[Address], bool] | None = None
        self.transports: dict[int, Transport] = {}
        self.targets: Targets | None = None
        self.closed = False
        self._reach = endpoint.layer.reach
        self._flushing = False
        self._count = {"unroutable": 0, "faults": 0}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self._turns = self._turns_before = 0  # in which something was read
        self._hearing = 0

    def attach(self, flow: int, transport: Transport) -> None:
        """From now on `transport` carries what goes to addresses with this third element."""
        if flow in self.transports:
            raise ValueError(f"transport {flow} is attached already")
        self.transports[flow] = transport

    def local(self, flow: int = 0) -> Address:
        """Where the transport of a flow is bound; the port that was got when 0 was asked."""
        return self.transports[flow].local

    def close(self) -> None:
        """Close every transport and the timer. Nothing is sent any more."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.targets is not None:
            self.targets.close()
        for transport in self.transports.values():
            transport.close()

    def statistics(self) -> dict[str, int]:
        """The endpoint's counters and the transports' together."""
        counts = {**self.endpoint.statistics(), **self._count}
        if self.targets is not None:
            counts |= self.targets.statistics()
        for transport in self.transports.values():
            for name, value in transport.statistics().items():
                counts[name] = counts.get(name, 0) + value
        return counts

    # what transports call; `flush` follows when the turn's reading is over

    def receive(self, messages: Messages, now_ns: int) -> None:
        """Take what was read. A fault of ours in one message must not lose those behind it."""
        endpoint = self.endpoint
        self._turns += 1
        if self.tap is not None:
            for data, source in messages:
                self.tap(False, data, source, now_ns, self.transports[source[2]].near(source))
        for data, source in messages:
            try:
                endpoint.receive(data, source, now_ns)
            except Exception:
                self._fault(f"a message from {source[0]} port {source[1]}")
        if self.targets is not None:
            self.targets.heard(messages)

    def refuse(self, head: bytes, source: Address, status: int, phrase: str) -> None:
        """Answer a request of which there is only the head, as far as it can be answered."""
        try:
            message = scan(head)
        except ScanError as error:
            if error.message is None:
                return
            message = error.message
        door = self.endpoint.door
        if door is not None and door.ignores(source):
            return  # strangers on the telephones' side find no server
        if message.is_request and message.answerable and message.method != "ACK":
            self.endpoint.layer.refuse(message, source, status, phrase=phrase)

    def unreachable(self, target: Address, why: str = "") -> None:
        """Nobody listens there: an ICMP error, a connection refused or broken."""
        now_ns = time.monotonic_ns()
        self.endpoint.unreachable(target, now_ns, why)
        if self.targets is not None:
            for name in self.targets.gone(target):
                self.endpoint.unreachable(name, now_ns, why)

    def flush(self) -> None:
        """Send and tell what came out of the endpoint, until nothing does; then set the timer."""
        if self._flushing or self.closed:
            return
        self._flushing = True
        try:
            while effects := self.endpoint.drain():
                messages = [(e.data, e.target) for e in effects if type(e) is Send]
                if messages:
                    self._send(messages)
                for effect in effects:
                    if type(effect) is not Send:
                        self._tell(effect)  # type: ignore[arg-type]
        finally:
            self._flushing = False
        if self.targets is not None and self._reach.silent:
            self.targets.silent()
        self._arm()

    def _send(self, messages: Messages) -> None:
        if self._reach.named and self.targets is not None:
            messages = self.targets.direct(messages)
        self.deliver(messages)

    def deliver(self, messages: Messages) -> None:
        """Hand messages to numeric addresses to their transports."""
        if self.closed:
            return
        if len(self.transports) == 1:
            for transport in self.transports.values():  # the one there is
                self._hand(transport, messages)
            return
        parts: dict[int, Messages] = {}
        for message in messages:
            parts.setdefault(message[1][2], []).append(message)
        for flow, part in parts.items():
            found = self.transports.get(flow)
            if found is None:
                self._count["unroutable"] += len(part)
            else:
                self._hand(found, part)

    def _hand(self, transport: Transport, messages: Messages) -> None:
        if self.tap is None:
            transport.send(messages)
            return
        now_ns = time.monotonic_ns()
        transport.send(messages)
        for data, target in messages:  # behind it: a connection has its port since then
            self.tap(True, data, target, now_ns, transport.near(target))

    def _tell(self, event: SipEvent) -> None:
        """One leg's fault must not swallow what the others are told."""
        try:
            self.on_event(event)
        except Exception:
            self._fault(f"leg {event.leg}: {type(event).__name__}")

    def _fault(self, what: str) -> None:
        """Whatever was raised is told, counted, and over: the next message may be a good one."""
        self._count["faults"] += 1
        log.exception("%s was not dealt with", what)

    def _arm(self) -> None:
        """Have the loop wake us at the endpoint's deadline.

        An earlier wake-up that is set already will do.
        """
        due_ns = self.endpoint.deadline_ns()
        if due_ns is None or (self._timer is not None and self._timer_ns <= due_ns + TICK_NS):
            return
        due_ns += TICK_NS - due_ns % TICK_NS
        if self._timer is not None:
            self._timer.cancel()
        self._timer_ns = due_ns
        delay_s = max((due_ns - time.monotonic_ns()) / 1e9, 0.0)
        self._timer = self.loop.call_later(delay_s, self._due)

    def _late(self) -> bool:
        """Whether what lies in the sockets is to be heard first.

        A process that was stopped for a while finds there what came in time. Nothing is given up
        for lack of it before it is read, in as many turns as it takes, within bounds.
        """
        before, self._turns_before = self._turns_before, self._turns
        if time.monotonic_ns() - self._timer_ns < LATE_NS or self._hearing >= HEARINGS_MAX:
            self._hearing = 0
            return False
        self._hearing += 1
        if self._hearing > 1 and before == self._turns:
            self._hearing = 0
            return False
        return True

    def _due(self) -> None:
        if self._late():
            self._timer = self.loop.call_later(HEAR_S, self._due)
            return
        self._timer = None
        try:
            self.endpoint.tick(time.monotonic_ns())
        except Exception:
            self._fault("something that was due")
        self.flush()
