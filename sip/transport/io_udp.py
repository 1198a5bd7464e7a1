"""A UDP socket of the stack, IPv4 or IPv6.

Drained in batches on `add_reader`, no protocol objects. ICMP errors come from the error queue and
name the address that they are about.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import time
from collections.abc import Callable

from fastpath.udp import BATCH_MAX, Batch
from sip.endpoint import Endpoint
from sip.events import Address, SipEvent
from sip.transport.io_stack import Messages, SipStack

SOCKET_BYTES = 8 << 20  # kernel buffers asked for each way; the kernel may grant less
BUFFERS = ((33, socket.SO_RCVBUF), (32, socket.SO_SNDBUF))  # SO_RCVBUFFORCE, SO_SNDBUFFORCE
BATCHES_MAX = 16  # receive calls of one wake-up: the loop must stay fair to others
BACKLOG_MAX = (
    65_536  # datagrams that wait for a full socket; older ones are dropped, SIP sends them again
)
IP_RECVERR = 11  # linux/in.h: ICMP errors go to the error queue with the address they are about
IPV6_RECVERR = 25  # linux/in6.h


def open_socket(host: str, port: int) -> socket.socket:
    """A bound, non-blocking UDP socket, IPv6 when the host has colons.

    OSError when the address cannot be had.
    """
    v6 = ":" in host
    kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, kind)
    try:
        for forced, asked in BUFFERS:
            try:  # past net.core.rmem_max, which only an administrator's process may
                sock.setsockopt(socket.SOL_SOCKET, forced, SOCKET_BYTES)
            except PermissionError:
                sock.setsockopt(socket.SOL_SOCKET, asked, SOCKET_BYTES)
        if v6:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


class UdpTransport:
    """One socket of the stack, for the `Local` with the index `flow`."""

    def __init__(self, stack: SipStack, flow: int, host: str, port: int) -> None:
        """Bind at once; OSError when the address cannot be had."""
        self.dropped = 0
        self.sock = open_socket(host, port)
        name = self.sock.getsockname()
        self.local: Address = (name[0], name[1], flow)
        self._stack = stack
        self._batch = Batch(self.sock.fileno(), flow, ":" in host)
        self._backlog: Messages = []
        self._writing = False
        # libuv (uvloop) stops watching a descriptor that has an error pending, and any ICMP message
        # is one. An epoll around the socket is never in error, only readable.
        self._watch = select.epoll()
        self._watch.register(self.sock.fileno(), select.EPOLLIN)
        stack.attach(flow, self)
        stack.loop.add_reader(self._watch.fileno(), self._ready)

    def close(self) -> None:
        """Let go of the socket. Nothing is sent any more."""
        if self.sock.fileno() < 0:
            return
        self._stack.loop.remove_reader(self._watch.fileno())
        self._watch.close()
        self.sock.close()

    def statistics(self) -> dict[str, int]:
        """The socket's counters."""
        b = self._batch
        return {
            "datagrams_received": b.received,
            "datagrams_sent": b.sent,
            "datagrams_truncated": b.truncated,
            "datagrams_failed": b.failed,
            "datagrams_dropped": self.dropped,
            "receive_calls": b.receive_calls,
            "send_calls": b.send_calls,
            "send_blocked": b.blocked,
        }

    def _ready(self) -> None:
        """Something to read, room to write, or an error."""
        if self._writing:
            self._write_backlog()
        now_ns = time.monotonic_ns()
        wanted = False
        for turn in range(BATCHES_MAX):
            datagrams = self._batch.receive()
            if not datagrams:
                # Nothing to read: an error may wait that an earlier call has told already.
                wanted = turn == 0
                break
            self._stack.receive(datagrams, now_ns)
            if len(datagrams) < BATCH_MAX:
                break
        self._errors(wanted=wanted)
        self._stack.flush()

    def _errors(self, *, wanted: bool = False) -> None:
        """ICMP: who is not there.

        A datagram may wait behind the error, so this never replaces reading.
        """
        if wanted or self._batch.troubled:
            for target, code in dict(self._batch.errors()).items():
                self._stack.unreachable(target, f"{os.strerror(code)} (ICMP)")

    def near(self, peer: Address) -> int:  # noqa: ARG002 - it has one socket
        """See `Transport`."""
        return self.local[1]

    def send(self, messages: Messages) -> None:
        """Send now, or when the socket has room again."""
        if self.sock.fileno() < 0:
            return
        if self._backlog:
            self._backlog.extend(messages)
            over = len(self._backlog) - BACKLOG_MAX
            if over > 0:
                del self._backlog[:over]
                self.dropped += over
            return
        sent = self._batch.send(messages)
        if sent < len(messages):
            self._backlog = messages[sent:]
            self._writing = True
            self._watch.modify(self.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)
        self._errors()

    def _write_backlog(self) -> None:
        sent = self._batch.send(self._backlog)
        del self._backlog[:sent]
        if not self._backlog:
            self._writing = False
            self._watch.modify(self.sock.fileno(), select.EPOLLIN)


def udp_stack(
    endpoint: Endpoint,
    host: str,
    port: int,
    loop: asyncio.AbstractEventLoop,
    on_event: Callable[[SipEvent], None],
) -> SipStack:
    """An endpoint on one socket; OSError when the address cannot be had."""
    stack = SipStack(endpoint, loop, on_event)
    UdpTransport(stack, 0, host, port)
    return stack
