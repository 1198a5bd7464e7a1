"""The endpoint on a UDP socket of ours.

Drained in batches on `add_reader`, one timer, no protocol objects.

After each wake-up: everything readable goes in, then `drain` until nothing comes out; datagrams
leave in one batch, facts about legs go to `on_event` in between, whose calls on the endpoint are
drained in the same turn.
"""

from __future__ import annotations

import asyncio
import logging
import select
import socket
import time
from collections.abc import Callable

from fastpath.udp import BATCH_MAX, Batch
from sip.endpoint import Endpoint
from sip.events import Address, Send, SipEvent

log = logging.getLogger(__name__)

SOCKET_BYTES = 8 << 20  # kernel buffers asked for each way; the kernel may grant less
BATCHES_MAX = 16  # receive calls of one wake-up: the loop must stay fair to others
TICK_NS = 20_000_000  # deadlines are met up to this much late, so that one wake-up serves many
BACKLOG_MAX = (
    65_536  # datagrams that wait for a full socket; older ones are dropped, SIP sends them again
)
IP_RECVERR = 11  # linux/in.h: ICMP errors go to the error queue with the address they are about


def open_socket(host: str, port: int) -> socket.socket:
    """A bound, non-blocking UDP socket; OSError when the address cannot be had."""
    sock = socket.socket(
        socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    )
    try:
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, SOCKET_BYTES)
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


class UdpTransport:
    """Runs one endpoint on one socket.

    `flush` is to be called after any call on the endpoint from outside.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        host: str,
        port: int,
        loop: asyncio.AbstractEventLoop,
        on_event: Callable[[SipEvent], None],
    ) -> None:
        """Bind at once; OSError when the address cannot be had."""
        self.endpoint = endpoint
        self.on_event = on_event
        self.dropped = 0
        self.sock = open_socket(host, port)
        name = self.sock.getsockname()
        self.local: Address = (name[0], name[1], 0)
        self._loop = loop
        self._batch = Batch(self.sock.fileno())
        self._backlog: list[tuple[bytes, Address]] = []
        self._writing = False
        self._flushing = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        # libuv (uvloop) stops watching a descriptor that has an error pending, and any ICMP message
        # is one. An epoll around the socket is never in error, only readable.
        self._watch = select.epoll()
        self._watch.register(self.sock.fileno(), select.EPOLLIN)
        loop.add_reader(self._watch.fileno(), self._ready)

    def close(self) -> None:
        """Let go of the socket and the timer. Nothing is sent any more."""
        if self.sock.fileno() < 0:
            return
        self._loop.remove_reader(self._watch.fileno())
        if self._timer is not None:
            self._timer.cancel()
        self._watch.close()
        self.sock.close()

    def statistics(self) -> dict[str, int]:
        """The socket's counters beside the endpoint's."""
        b = self._batch
        return {
            **self.endpoint.statistics(),
            "datagrams_received": b.received,
            "datagrams_sent": b.sent,
            "datagrams_truncated": b.truncated,
            "datagrams_failed": b.failed,
            "datagrams_dropped": self.dropped,
            "receive_calls": b.receive_calls,
            "send_calls": b.send_calls,
            "send_blocked": b.blocked,
        }

    def flush(self) -> None:
        """Send and tell what came out of the endpoint, until nothing does; then set the timer."""
        if self._flushing or self.sock.fileno() < 0:
            return
        self._flushing = True
        try:
            while effects := self.endpoint.drain():
                datagrams = [(e.data, e.target) for e in effects if type(e) is Send]
                if datagrams:
                    self._send(datagrams)
                for effect in effects:
                    if type(effect) is not Send:
                        self._tell(effect)  # type: ignore[arg-type]
                self._errors()
        finally:
            self._flushing = False
        self._arm()

    def _tell(self, event: SipEvent) -> None:
        """One leg's fault must not swallow what the others are told."""
        try:
            self.on_event(event)
        except Exception:
            log.exception("leg %d: %s was not dealt with", event.leg, type(event).__name__)

    def _ready(self) -> None:
        """Something to read, room to write, or an error."""
        if self._writing:
            self._write_backlog()
        now_ns = time.monotonic_ns()
        endpoint = self.endpoint
        wanted = False
        for turn in range(BATCHES_MAX):
            datagrams = self._batch.receive()
            if not datagrams:
                # Nothing to read: an error may wait that an earlier call has told already.
                wanted = turn == 0
                break
            for data, source in datagrams:
                endpoint.receive(data, source, now_ns)
            if len(datagrams) < BATCH_MAX:
                break
        self._errors(wanted=wanted)
        self.flush()

    def _errors(self, *, wanted: bool = False) -> None:
        """ICMP: who is not there.

        A datagram may wait behind the error, so this never replaces reading.
        """
        if wanted or self._batch.troubled:
            now_ns = time.monotonic_ns()
            for target in {target for target, _ in self._batch.errors()}:
                self.endpoint.unreachable(target, now_ns)

    def _send(self, datagrams: list[tuple[bytes, Address]]) -> None:
        if self._backlog:
            self._backlog.extend(datagrams)
            over = len(self._backlog) - BACKLOG_MAX
            if over > 0:
                del self._backlog[:over]
                self.dropped += over
            return
        sent = self._batch.send(datagrams)
        if sent < len(datagrams):
            self._backlog = datagrams[sent:]
            self._writing = True
            self._watch.modify(self.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _write_backlog(self) -> None:
        sent = self._batch.send(self._backlog)
        del self._backlog[:sent]
        if not self._backlog:
            self._writing = False
            self._watch.modify(self.sock.fileno(), select.EPOLLIN)

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
        self._timer = self._loop.call_later(delay_s, self._due)

    def _due(self) -> None:
        self._timer = None
        self.endpoint.tick(time.monotonic_ns())
        self.flush()
