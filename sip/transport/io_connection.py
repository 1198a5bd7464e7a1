"""One connection, TCP or TLS: its socket, its framing, what waits to be written, its clocks.

It never waits. `BrokenError` says that nothing more can be had of it, whatever the peer did, and
its owner (`sip.transport.io_stream`) lets go of it then.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl

from sip import limits
from sip.events import Address
from sip.messages.framing import Fault, Framer
from sip.transport.io_tls import TlsFilter

# Connecting, TLS handshake, in use, our last words are on their way, gone.
CONNECTING, SHAKING, OPEN, LINGERING, CLOSED = range(5)

READ_BYTES = 65_536
PING, PONG = b"\r\n\r\n", b"\r\n"  # RFC 5626 section 4.4.1
_KEEP_IDLE_S, _KEEP_STEP_S, _KEEP_TRIES = 60, 15, 4


class BrokenError(Exception):
    """The connection is over. The text says why."""


def options(sock: socket.socket) -> None:
    """A peer that vanished without a word is found out by the kernel."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEP_IDLE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEP_STEP_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEP_TRIES)
    stall_ms = limits.STALL_TIME // limits.MS
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, stall_ms)


class Connection:
    """See the module's text.

    Attributes:
        ours: we opened it.
        again: it replaces one that broke under `unheard`.
        spoken: the peer has sent a whole message on it.
        unheard: requests that want an answer, written since the peer last spoke.
        asked_ns: when the last request was written.
    """

    __slots__ = (
        "_out", "_partial_ns", "_ping_ns", "_ponged", "_progress_ns", "_tls", "_until_ns",
        "_waiting", "_waiting_bytes", "again", "asked_ns", "framer", "ours", "peer", "sock",
        "spoken", "state", "unheard", "used_ns",
    )  # fmt: skip

    def __init__(
        self, sock: socket.socket, peer: Address, tls: TlsFilter | None, now_ns: int, *, ours: bool
    ) -> None:
        self.sock = sock
        self.peer = peer
        self.ours = ours
        self.again = False
        self.spoken = False
        self.framer = Framer()
        self.unheard: list[bytes] = []
        self.asked_ns = 0
        self.used_ns = now_ns
        self._tls = tls
        self._out = bytearray()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._partial_ns = self._ping_ns = self._progress_ns = 0
        self._ponged = False
        self._until_ns = now_ns + (limits.CONNECT_TIME if ours or tls else limits.FIRST_TIME)
        self.state = CONNECTING if ours else SHAKING if tls else OPEN

    @property
    def blocked(self) -> bool:
        """Whether room to write is waited for."""
        return bool(self._out) or self.state == CONNECTING

    @property
    def ready(self) -> bool:
        """Whether it can be written to at once."""
        return self.state == OPEN

    def covers(self, name: str) -> bool:
        """Whether the peer has proved (or will have to) that it is `name`."""
        return self._tls is None or not self._tls.open or self._tls.covers(name)

    # writing

    def write(self, messages: list[bytes], now_ns: int) -> None:
        """Send, now or when it can be; BrokenError when the peer takes nothing any more."""
        for data in messages:
            if not data.startswith((b"SIP/2.0 ", b"ACK ")):
                self.asked_ns = now_ns
                if len(self.unheard) < limits.UNHEARD_MAX:
                    self.unheard.append(data)
        if self.state == OPEN:
            self.used_ns = now_ns
            self._put(b"".join(messages), now_ns)
        elif self.state in {CONNECTING, SHAKING}:
            self._waiting += messages
            self._waiting_bytes += sum(map(len, messages))
            if self._waiting_bytes > limits.STREAM_QUEUE_MAX:
                raise BrokenError("too much waits for the connection")

    def _put(self, data: bytes, now_ns: int) -> None:
        if self._tls is not None:
            try:
                self._tls.send(data)
            except ssl.SSLError as error:
                raise BrokenError(f"TLS: {error}") from None
            data = self._tls.take()
        self._push(data, now_ns)

    def _push(self, data: bytes, now_ns: int) -> None:
        """Give the kernel what it takes, keep the rest."""
        if not self._out:
            sent = self._give(data)
            if sent == len(data):
                return
            data = data[sent:]
            self._progress_ns = now_ns
        self._out += data
        if len(self._out) > limits.STREAM_QUEUE_MAX:
            raise BrokenError("the peer reads too slowly")

    def _give(self, data: bytes | bytearray) -> int:
        try:
            return self.sock.send(data) if data else 0
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise BrokenError(error.strerror or "cannot be written") from None

    def writable(self, now_ns: int) -> None:
        """The kernel has room, or a connection attempt has ended."""
        if self.state == CONNECTING:
            self._connected(now_ns)
        sent = self._give(self._out)
        if sent:
            self._progress_ns = now_ns
            del self._out[:sent]
        if self.state == LINGERING and not self._out:
            self._shut()

    def _connected(self, now_ns: int) -> None:
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise BrokenError(os.strerror(code))
        if self._tls is None:
            self._opened(now_ns)
            return
        self.state = SHAKING
        self._until_ns = now_ns + limits.CONNECT_TIME
        self._push(self._tls.take(), now_ns)

    def _opened(self, now_ns: int) -> None:
        self.state = OPEN
        self._until_ns = 0 if self.ours else now_ns + limits.FIRST_TIME
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        self.used_ns = now_ns
        if waiting:
            self._put(b"".join(waiting), now_ns)

    # reading

    def readable(self, now_ns: int) -> list[bytes]:
        """Whole messages that came; BrokenError at the end of the stream."""
        try:
            data = self.sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError as error:
            raise BrokenError(error.strerror or "cannot be read") from None
        if not data:
            raise BrokenError("closed by the peer")
        if self.state == LINGERING:
            return []
        if self._tls is not None:
            data = self._decrypt(self._tls, data, now_ns)
            if not data:
                return []
        return self._take(data, now_ns)

    def _decrypt(self, tls: TlsFilter, data: bytes, now_ns: int) -> bytes:
        try:
            data = tls.feed(data)
        except ssl.SSLError as error:
            with contextlib.suppress(BrokenError):
                self._push(tls.take(), now_ns)  # the alert says why
            raise BrokenError(f"TLS: {error}") from None
        self._push(tls.take(), now_ns)
        if tls.open and self.state == SHAKING:
            self._opened(now_ns)
        if tls.ended and not data:
            raise BrokenError("closed by the peer")
        return data

    def _take(self, data: bytes, now_ns: int) -> list[bytes]:
        framer = self.framer
        pongs = framer.pongs
        messages = framer.feed(data)
        if messages:
            self.spoken, self._until_ns = True, 0
            self.unheard.clear()
        if framer.pongs > pongs:
            self._ponged, self._ping_ns = True, 0
        if messages or framer.pings or framer.pongs > pongs:
            self.used_ns = now_ns
        if framer.pings:
            framer.pings = 0  # one answer for all of them: a flood is not worth more
            if self.state == OPEN:
                self._put(PONG, now_ns)
        if not framer.partial:
            self._partial_ns = 0
        elif messages or not self._partial_ns:
            self._partial_ns = now_ns
        return messages

    @property
    def fault(self) -> Fault | None:
        """Why it cannot be read on."""
        return self.framer.fault if self.state == OPEN else None

    # time and the end

    def ping(self, now_ns: int) -> None:
        """Ask for a sign of life (RFC 5626 section 4.4.1), at most one at a time."""
        if self.state == OPEN and not self._ping_ns:
            self._ping_ns = self.used_ns = now_ns
            self.framer.awaited = 1
            self._put(PING, now_ns)

    def check(self, now_ns: int) -> None:
        """BrokenError when a time is up."""
        if self._until_ns and now_ns >= self._until_ns:
            raise BrokenError("no connection in time" if self.state < OPEN else "silent")
        if self._out and now_ns - self._progress_ns >= limits.STALL_TIME:
            raise BrokenError("the peer takes nothing")
        if self.state != OPEN:
            return
        if self._partial_ns and now_ns - self._partial_ns >= limits.PARTIAL_TIME:
            raise BrokenError("a message without an end")
        if self._ping_ns and now_ns - self._ping_ns >= limits.PONG_TIME:
            if self._ponged:
                raise BrokenError("no answer to a keep-alive")
            self._ping_ns = self.framer.awaited = 0  # one that does not know them: never mind
        if now_ns - self.used_ns >= limits.IDLE_TIME:
            raise BrokenError("idle")

    def linger(self, now_ns: int) -> None:
        """Send what is left, then nothing more; the peer has a moment to read it."""
        self.state = LINGERING
        self._until_ns = now_ns + limits.LINGER_TIME
        if self._tls is not None:
            self._tls.end()
            self._push(self._tls.take(), now_ns)
        if not self._out:
            self._shut()

    def _shut(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let go of the socket."""
        if self.state == CLOSED:
            return
        if self.state == OPEN and self._tls is not None:
            self._tls.end()
            with contextlib.suppress(BrokenError):
                self._push(self._tls.take(), 0)
        self.state = CLOSED
        self.sock.close()
