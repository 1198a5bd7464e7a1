"""TCP and TLS transports of the stack (RFC 3261 section 18), one listening socket each.

All their sockets stand in one epoll of ours, which stands in the event loop: nothing here waits, a
socket in error never reaches libuv, and a wake-up costs the same for one connection and for many.

Rules: answers leave on the connection that the request came by, and when it has gone, on a new one
to the address in the Via (18.2.2). Requests use a connection to the same address when there is one.
A connection that breaks before the peer said anything to a request is opened anew once and the
request repeated on it, which its transaction at the peer absorbs when it had been heard; after that
the address is unreachable.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import logging
import select
import socket
import time
from collections import Counter
from collections.abc import Iterator

from fastpath.sipscan import ScanError, scan
from sip import limits
from sip.events import Address
from sip.messages.framing import Fault
from sip.transport.io_connection import LINGERING, OPEN, BrokenError, Connection, options
from sip.transport.io_stack import Messages, SipStack
from sip.transport.io_tls import TlsContexts, TlsFilter, TlsOptions
from sip.transport.local import PORTS

log = logging.getLogger(__name__)

BACKLOG = 256  # connections that the kernel holds for us
ACCEPTS_MAX = 64  # of one wake-up
EVENTS_MAX = 256  # sockets served in one wake-up
SWEEP_S = 0.5  # how often times are looked at
KEEPALIVE_NS = 110 * limits.SECOND  # RFC 5626 section 4.4.1: 95 to 120 s where nothing is agreed
NAMES_MAX = 4_096  # addresses whose name is remembered; forgetting one means checking the address
IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h: the port is chosen at connect, so it can be shared

COUNTERS = (
    "connections_accepted", "connections_opened", "connections_refused", "connections_broken",
    "stream_received", "stream_sent", "stream_faults", "stream_lost",
)  # fmt: skip


def _listen(host: str, port: int) -> socket.socket:
    v6 = ":" in host
    sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if v6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


class StreamTransport:
    """One listening socket and the connections of its transport, both ways.

    For the `Local` with the index `flow`; TLS when there are options for it.
    """

    def __init__(
        self, stack: SipStack, flow: int, host: str, port: int, tls: TlsOptions | None = None
    ) -> None:
        """OSError when the address cannot be had or (ssl.SSLError) a certificate cannot be used."""
        self._tls = TlsContexts(tls) if tls else None
        self._sock = _listen(host, port)
        name = self._sock.getsockname()
        self.local: Address = (name[0], name[1], flow)
        self._host = "" if ipaddress.ip_address(host).is_unspecified else host
        self._family = self._sock.family
        self._flow = flow
        self._stack = stack
        self._connections: dict[tuple[str, int], Connection] = {}
        self._files: dict[int, Connection] = {}
        self._sources: Counter[str] = Counter()  # accepted connections
        self._names: dict[tuple[str, int], str] = {}
        self._told: dict[tuple[str, int], str] = {}  # the last failure that was logged
        self._count = dict.fromkeys(COUNTERS, 0)
        self._deaf = False  # out of file descriptors: accepting waits for the next sweep
        self._sweep_timer = stack.loop.call_later(SWEEP_S, self._sweep)
        self._epoll = select.epoll()
        self._epoll.register(self._sock.fileno(), select.EPOLLIN)
        stack.attach(flow, self)
        stack.loop.add_reader(self._epoll.fileno(), self._ready)

    def close(self) -> None:
        """Close every connection."""
        if self._epoll.closed:
            return
        self._stack.loop.remove_reader(self._epoll.fileno())
        self._sweep_timer.cancel()
        for connection in self._files.values():
            connection.close()
        self._files.clear()
        self._connections.clear()
        self._epoll.close()
        self._sock.close()

    def statistics(self) -> dict[str, int]:
        """Counters, and how many connections there are."""
        return {**self._count, "connections": len(self._files)}

    def near(self, peer: Address) -> int:
        """The port of the connection to a peer, that of the listening socket when there is none."""
        found = self._connections.get(peer[:2])
        with contextlib.suppress(OSError):
            if found is not None:
                return int(found.sock.getsockname()[1])
        return int(self.local[1])

    def expect(self, host: str, port: int, name: str, *, firm: bool = True) -> None:
        """Who must answer at an address: a certificate for `name` (RFC 5922 section 4).

        Not `firm`: the name is a peer's, of whom a connection that is up has proved enough.
        """
        key = (host, port)
        if not firm and key in self._connections:
            return
        if len(self._names) >= NAMES_MAX and key not in self._names:
            self._names.clear()
        self._names[key] = name
        found = self._connections.get(key)
        if found is not None and not found.covers(name):
            del self._connections[key]  # it lives on for its dialogs' answers, for nothing new

    def keep(self, target: Address) -> None:
        """Send a keep-alive on the connection to an address, if there is one."""
        found = self._connections.get(target[:2])
        if found is not None:
            with self._guarded(found):
                found.ping(time.monotonic_ns())

    # sending

    def send(self, messages: Messages) -> None:
        """Write them, each on its connection; open those that are missing."""
        if self._epoll.closed:
            return
        parts: dict[tuple[str, int], list[bytes]] = {}
        for data, target in messages:
            parts.setdefault(target[:2], []).append(data)
        now_ns = time.monotonic_ns()
        for key, part in parts.items():
            found = self._connections.get(key)
            if found is not None:
                self._write(found, part, now_ns)
                continue
            asked = [data for data in part if not data.startswith(b"SIP/2.0 ")]
            if asked:
                self._open(key, asked, now_ns)
            for data in part:
                if data.startswith(b"SIP/2.0 "):
                    self._answer(key, data, now_ns)

    def _write(self, connection: Connection, part: list[bytes], now_ns: int) -> None:
        self._count["stream_sent"] += len(part)
        with self._guarded(connection):
            connection.write(part, now_ns)
            self._watch(connection)

    def _answer(self, key: tuple[str, int], data: bytes, now_ns: int) -> None:
        """18.2.2: the connection of the request has gone."""
        try:
            port = scan(data).sent_by[1]
        except ScanError:
            port = key[1]
        there = (key[0], port if port > 0 else PORTS["tls" if self._tls else "tcp"])
        found = self._connections.get(there)
        if found is None:
            self._open(there, [data], now_ns)
        else:
            self._write(found, [data], now_ns)

    def _open(
        self, key: tuple[str, int], part: list[bytes], now_ns: int, *, again: bool = False
    ) -> None:
        """Begin to connect; what is to be said waits."""
        sock = None
        try:
            ipaddress.ip_address(key[0])  # a name would make connect() ask a name server, and wait
            if len(self._files) >= limits.CONNECTIONS_MAX:
                raise OSError(errno.EMFILE, "too many connections")
            tls = TlsFilter(self._tls, self._names.get(key, key[0])) if self._tls else None
            sock = socket.socket(self._family, socket.SOCK_STREAM)
            options(sock)
            if self._host:
                sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                sock.bind((self._host, 0))
            with contextlib.suppress(BlockingIOError):
                sock.connect(key)
        except (OSError, ValueError) as error:
            if sock is not None:
                sock.close()
            self._count["stream_lost"] += len(part)
            reason = getattr(error, "strerror", None) or str(error)
            self._tell(key, reason)
            self._stack.unreachable((*key, self._flow), reason)
            return
        self._count["connections_opened"] += 1
        connection = Connection(sock, (*key, self._flow), tls, now_ns, ours=True)
        connection.again = again
        self._add(connection)
        self._write(connection, part, now_ns)

    # what happens on sockets

    def _add(self, connection: Connection) -> None:
        self._connections[connection.peer[:2]] = connection
        self._files[connection.sock.fileno()] = connection
        mask = select.EPOLLIN | (select.EPOLLOUT if connection.blocked else 0)
        self._epoll.register(connection.sock.fileno(), mask)

    def _watch(self, connection: Connection) -> None:
        """Ask to be told of room when something waits for it."""
        number = connection.sock.fileno()
        if number >= 0:
            mask = select.EPOLLIN | (select.EPOLLOUT if connection.blocked else 0)
            self._epoll.modify(number, mask)

    def _ready(self) -> None:
        now_ns = time.monotonic_ns()
        for number, mask in self._epoll.poll(0, EVENTS_MAX):
            if number == self._sock.fileno():
                self._accept(now_ns)
                continue
            connection = self._files.get(number)
            if connection is None:
                continue  # closed in this very turn
            with self._guarded(connection):
                self._serve(connection, mask, now_ns)
        self._stack.flush()

    def _serve(self, connection: Connection, mask: int, now_ns: int) -> None:
        was_blocked = connection.blocked
        if mask & (select.EPOLLOUT | select.EPOLLERR) and was_blocked:
            connection.writable(now_ns)
        if mask & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            messages = connection.readable(now_ns)
            if messages:
                self._count["stream_received"] += len(messages)
                peer = connection.peer
                self._stack.receive([(data, peer) for data in messages], now_ns)
        fault = connection.fault
        if fault is not None:
            self._refuse(connection, fault, now_ns)
        if connection.blocked != was_blocked:
            self._watch(connection)

    def _refuse(self, connection: Connection, fault: Fault, now_ns: int) -> None:
        """A stream that cannot be read on: an answer where one is possible, then the end."""
        self._count["stream_faults"] += 1
        self._stack.refuse(fault.head, connection.peer, fault.status, fault.phrase)
        self._stack.flush()
        connection.linger(now_ns)
        self._forget(connection)

    def _accept(self, now_ns: int) -> None:
        for _ in range(ACCEPTS_MAX):
            try:
                sock, name = self._sock.accept()
            except OSError as error:
                if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
                    self._deaf = True
                    self._epoll.modify(self._sock.fileno(), 0)
                return
            host = name[0]
            full = len(self._files) >= limits.CONNECTIONS_MAX
            many = self._sources.get(host, 0) >= limits.CONNECTIONS_PER_SOURCE_MAX
            admits = self._stack.admits
            if full or many or (admits is not None and not admits((host, name[1], self._flow))):
                self._count["connections_refused"] += 1
                sock.close()
                continue
            self._welcome(sock, (host, name[1], self._flow), now_ns)

    def _welcome(self, sock: socket.socket, peer: Address, now_ns: int) -> None:
        try:
            options(sock)
            tls = TlsFilter(self._tls, None) if self._tls else None
        except OSError:
            sock.close()
            return
        self._count["connections_accepted"] += 1
        self._sources[peer[0]] += 1
        self._add(Connection(sock, peer, tls, now_ns, ours=False))

    # the end

    @contextlib.contextmanager
    def _guarded(self, connection: Connection) -> Iterator[None]:
        """What breaks a connection ends here."""
        try:
            yield
        except BrokenError as reason:
            self._end(connection, str(reason))

    def _forget(self, connection: Connection) -> None:
        """Nothing new is sent on it."""
        key = connection.peer[:2]
        if self._connections.get(key) is connection:
            del self._connections[key]

    def _end(self, connection: Connection, reason: str) -> None:
        number = connection.sock.fileno()
        if number < 0:
            return
        self._forget(connection)
        self._files.pop(number, None)
        with contextlib.suppress(OSError):
            self._epoll.unregister(number)
        if not connection.ours:
            self._sources[connection.peer[0]] -= 1
            if not self._sources[connection.peer[0]]:
                del self._sources[connection.peer[0]]
        was = connection.state
        connection.close()
        if was == LINGERING or reason == "idle":
            return
        self._count["connections_broken"] += 1
        now_ns = time.monotonic_ns()
        asked = bool(connection.asked_ns) and now_ns - connection.asked_ns < limits.TIMEOUT
        fresh = connection.ours and was == OPEN and not connection.again
        if asked and fresh and connection.unheard:
            self._open(connection.peer[:2], connection.unheard, now_ns, again=True)
            return
        if connection.ours:
            self._tell(connection.peer[:2], reason)
        if asked:
            self._stack.unreachable(connection.peer, reason)

    def _tell(self, key: tuple[str, int], reason: str) -> None:
        """Log why an address cannot be had, once until the reason changes."""
        if self._told.get(key) != reason:
            if len(self._told) >= NAMES_MAX:
                self._told.clear()
            self._told[key] = reason
            log.warning("connection to %s port %d: %s", key[0], key[1], reason)

    def _sweep(self) -> None:
        """Look at the clocks of all connections."""
        now_ns = time.monotonic_ns()
        for connection in list(self._files.values()):
            with self._guarded(connection):
                connection.check(now_ns)
                if connection.ours and now_ns - connection.used_ns >= KEEPALIVE_NS:
                    connection.ping(now_ns)
        if self._deaf:
            self._deaf = False
            self._epoll.modify(self._sock.fileno(), select.EPOLLIN)
        self._stack.flush()
        self._sweep_timer = self._stack.loop.call_later(SWEEP_S, self._sweep)
