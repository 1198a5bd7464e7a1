"""Traces of calls for people and for Homer: looks up what is kept, masks it, sends it on."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Sequence
from datetime import datetime

import msgspec

from dialerd.core.campaign_spec import at_time
from dialerd.core.control import NotFound
from dialerd.core.ids import attempt_of, call_id_for
from dialerd.core.tracing import (
    GetTrace,
    ListTraces,
    Trace,
    TracedCall,
    TracedMessage,
    TraceList,
)
from dialerd.shell.clock import Clock
from sip.tracing.hep import encapsulate
from sip.tracing.ladder import printable, title
from sip.tracing.pcap import Packet
from sip.tracing.trace import CallTrace, Traced, Tracer, masked, users
from sip.transport.local import Local

log = logging.getLogger("dialerd.trace")

REPLY_BYTES_MAX = 3 << 20  # of the messages of one answer; the newest legs come first
QUEUE_MAX = 8_192  # messages that wait for the collector; newer ones are not exported
SEND_AFTER_S = 0.05  # so that one wake-up exports many
SEND_MAX = 256  # of one wake-up


class TraceSettings(msgspec.Struct, frozen=True):
    """How much is kept and where it is exported to; `homer` is host and port."""

    bytes_max: int = 64 << 20
    calls_max: int = 20_000
    keep_s: int = 3_600
    homer: tuple[str, int] | None = None
    homer_agent: int = 1
    homer_key: str = ""
    node: str = "dialerd"


def make_tracer(settings: TraceSettings, those: Sequence[Local]) -> Tracer:
    """A tracer of the transports `those`."""
    return Tracer(
        those,
        bytes_max=settings.bytes_max,
        calls_max=settings.calls_max,
        keep_s=settings.keep_s,
    )


class Traces:
    """Answers questions about what a tracer keeps."""

    def __init__(self, tracer: Tracer, clock: Clock) -> None:
        """Unix times are those of `clock` as it goes now."""
        self._tracer = tracer
        self._clock = clock

    def listed(self, request: ListTraces) -> TraceList:
        """The newest calls that are meant."""
        found = self._find(request.call) if request.call else self._tracer.recent()
        page = found[: request.limit]
        return TraceList(items=tuple(map(self._about, page)), left=len(found) - len(page))

    def get(self, request: GetTrace) -> Trace:
        """The newest call that is meant, with the other legs of its attempt; NotFound."""
        found = self._find(request.call)
        if not found:
            raise NotFound(f"no message of a call {printable(request.call)!r} is kept")
        attempt = _attempt(found[0])
        chosen = [found[0]]
        if attempt is not None:
            chosen = self._tracer.starting(_prefix(attempt))
        size = 0
        legs: list[CallTrace] = []
        for call in chosen:
            size += call.bytes
            if not legs or size <= REPLY_BYTES_MAX:
                legs.append(call)
        legs.reverse()
        others = {_attempt(call) or call.call_id for call in found}
        messages = [self._message(c, m, secrets=request.secrets) for c in legs for m in c.messages]
        messages.sort(key=lambda message: message.now_ns)
        return Trace(
            calls=tuple(map(self._about, legs)), messages=tuple(messages), others=len(others) - 1
        )

    def _find(self, what: str) -> list[CallTrace]:
        """As the tracer does, and by the number of an attempt."""
        found = self._tracer.find(what)
        if what.isdecimal() and int(what) < 1 << 64:
            found += [c for c in self._tracer.starting(_prefix(int(what))) if c not in found]
        return found

    def _message(self, call: CallTrace, message: Traced, *, secrets: bool) -> TracedMessage:
        local = self._tracer.locals[message.flow]
        return TracedMessage(
            call_id=call.call_id.decode("utf-8", "replace"),
            wall_ns=message.now_ns + self._clock.offset_ns,
            now_ns=message.now_ns,
            sent=message.sent,
            transport=local.transport,
            ours=(local.host, message.near or local.port),
            peer=(message.host, message.port),
            data=message.data if secrets else masked(message.data),
        )

    def _about(self, call: CallTrace) -> TracedCall:
        first, last = call.messages[0], call.messages[-1]
        caller, called, _ = (printable(u.decode("utf-8", "replace")) for u in users(first.data))
        return TracedCall(
            call_id=printable(call.call_id.decode("utf-8", "replace")),
            first_at=self._at(first),
            last_at=self._at(last),
            caller=caller,
            called=called,
            messages=len(call.messages),
            dropped=call.dropped,
            last=title(last.data),
        )

    def _at(self, message: Traced) -> datetime:
        return at_time((message.now_ns + self._clock.offset_ns) // 1_000_000)


def _attempt(call: CallTrace) -> int | None:
    return attempt_of(call.call_id.decode("latin-1"))


def _prefix(attempt: int) -> bytes:
    """How the Call-IDs of an attempt begin."""
    return call_id_for(attempt, 0).encode().partition(b".")[0] + b"."


class Homer:
    """Sends what a tracer keeps to a Homer collector, by HEP3 over UDP, secrets masked.

    The call never waits for it: what does not fit into the queue is not exported, and counted.
    """

    def __init__(
        self,
        address: tuple[str, int],
        settings: TraceSettings,
        tracer: Tracer,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Export to `address`; OSError when its name has no address."""
        found = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
        self._sock = socket.socket(found[0], socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._sock.connect(found[4])
        except OSError:
            self._sock.close()
            raise
        self._settings = settings
        self._tracer = tracer
        self._clock = clock
        self._loop = loop
        self._queue: deque[tuple[bytes, Traced]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.exported = 0
        self.lost = 0
        tracer.tap = self._hear

    def close(self) -> None:
        """Send what waits, as far as it goes at once, and let go."""
        self._tracer.tap = None
        if self._timer is not None:
            self._timer.cancel()
        while self._queue and self._send():
            pass
        self._sock.close()

    def statistics(self) -> dict[str, int]:
        """Messages exported, lost and waiting."""
        return {
            "homer_exported": self.exported,
            "homer_lost": self.lost,
            "homer_waiting": len(self._queue),
        }

    def _hear(self, call_id: bytes, message: Traced) -> None:
        if len(self._queue) >= QUEUE_MAX:
            self.lost += 1
            return
        self._queue.append((call_id, message))
        if self._timer is None:
            self._timer = self._loop.call_later(SEND_AFTER_S, self._turn)

    def _turn(self) -> None:
        self._timer = None
        self._send()
        if self._queue:
            self._timer = self._loop.call_later(SEND_AFTER_S, self._turn)

    def _send(self) -> bool:
        """A turn's worth; False when the socket takes no more now."""
        for _ in range(min(SEND_MAX, len(self._queue))):
            call_id, message = self._queue[0]
            try:
                if datagram := self._datagram(call_id, message):
                    self._sock.send(datagram)
                    self.exported += 1
                else:
                    self.lost += 1
            except BlockingIOError:
                return False
            except OSError:  # nobody listens (ICMP), or too large: lost, like on any network
                self.lost += 1
            self._queue.popleft()
        return True

    def _datagram(self, call_id: bytes, message: Traced) -> bytes:
        local = self._tracer.locals[message.flow]
        ours, peer = (local.host, message.near or local.port), (message.host, message.port)
        source, target = (ours, peer) if message.sent else (peer, ours)
        wall_ns = message.now_ns + self._clock.offset_ns
        packet = Packet(wall_ns, local.transport, source, target, masked(message.data))
        settings = self._settings
        return encapsulate(
            packet,
            call_id,
            agent=settings.homer_agent,
            key=settings.homer_key,
            node=settings.node,
        )
