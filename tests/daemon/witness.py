"""A carrier that says what a test wants and writes down every message in its order.

Plain text over UDP, TCP or TLS, in a thread; nothing of the stack under test is used. Calls whose
number ends with an odd digit are answered by the mode "mixed", the others ring.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Self

from tests.daemon.gateway import SDP, md5

SILENT, RINGS, ANSWERS, MIXED = "silent", "rings", "answers", "mixed"


@dataclass
class Heard:
    """One request."""

    at: float
    method: str
    call_id: str
    text: str
    back: object = None  # where its answers go

    def value(self, name: str) -> str:
        return re.search(rf"\r\n{name}: ([^\r]*)", self.text)[1]


@dataclass
class Call:
    """One Call-ID: its INVITE, and the methods heard in their order, repetitions left out."""

    invite: Heard
    methods: list[str] = field(default_factory=list)
    answered: bool = False


class Witness:
    """Bound to a port of the loopback until it is closed."""

    def __init__(self, mode: str, transport: str = "udp", tls=None, password: str = "") -> None:
        """`tls`: certificate and key files; with a password INVITE and BYE are challenged."""
        self.mode = mode
        self.deaf = False  # it reads nothing of what comes
        self.late = False  # a CANCEL comes too late: it is answered, and so is the call
        self.heard: list[Heard] = []
        self.calls: dict[str, Call] = {}
        self.refused: list[str] = []  # methods that came without proof
        self._password = password
        self._transport = transport
        self._context = None
        if tls is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*tls)
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind(("127.0.0.1", 0))
        self._rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._rtp.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._buffers: dict[socket.socket, bytes] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._select = selectors.DefaultSelector()
        if transport != "udp":
            self._socket.listen(64)
        self._select.register(self._socket, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._closing.set()
        self._thread.join()
        for one in (self._socket, self._rtp, *self._buffers):
            one.close()
        self._select.close()

    def ended(self) -> dict[str, list[str]]:
        """Call-ID: what was heard of it after its INVITE and the ACK of its answer."""
        return {call_id: call.methods for call_id, call in self.calls.items()}

    def answer_all(self) -> None:
        """Answer every call now, for the first time or again (UDP)."""
        with self._lock:
            for call in self.calls.values():
                self._accept(call)

    def move_all(self, method: str, user: str) -> None:
        """Name another Contact in every call that is up, by re-INVITE or UPDATE (UDP)."""
        body = SDP.format(port=self._rtp.getsockname()[1]) if method == "INVITE" else ""
        with self._lock:
            for number, call in enumerate(self.calls.values()):
                one = call.invite
                lines = [
                    f"{method} sip:us@127.0.0.1 SIP/2.0",
                    f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK-{user}-{number}",
                    f"From: {one.value('To')};tag=gw",
                    f"To: {one.value('From')}",
                    f"Call-ID: {one.call_id}",
                    f"CSeq: 1 {method}",
                    "Max-Forwards: 70",
                    f"Contact: <sip:{user}@127.0.0.1:{self.port}>",
                    *(["Content-Type: application/sdp"] if body else []),
                    f"Content-Length: {len(body)}",
                ]
                self._socket.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), one.back)

    # -- what comes --------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing.is_set():
            for key, _ in self._select.select(0.05):
                with self._lock:
                    self._read(key.fileobj)

    def _read(self, one) -> None:
        if self._transport == "udp":
            data, source = one.recvfrom(65_536)
            self._take(data.decode(), source)
        elif one is self._socket:
            self._connected(one.accept()[0])
        else:
            try:
                data = one.recv(65_536)
            except (ssl.SSLWantReadError, OSError):
                data = b""
            if not data:
                self._select.unregister(one)
                del self._buffers[one]
                one.close()
                return
            self._buffers[one] += data
            while (text := self._cut(one)) is not None:
                self._take(text, one)
            if self._context is not None and one.pending():
                self._read(one)

    def _connected(self, one) -> None:
        if self._context is not None:
            try:
                one = self._context.wrap_socket(one, server_side=True)
            except OSError:
                return
        self._buffers[one] = b""
        self._select.register(one, selectors.EVENT_READ)

    def _cut(self, one) -> str | None:
        """The next whole message of a connection."""
        data = self._buffers[one].lstrip(b"\r\n")
        head, blank, rest = data.partition(b"\r\n\r\n")
        if not blank:
            return None
        length = int(re.search(rb"Content-Length: (\d+)", head)[1])
        if len(rest) < length:
            return None
        self._buffers[one] = rest[length:]
        return (head + blank + rest[:length]).decode()

    def _take(self, text: str, back) -> None:
        method = text.split(" ", 1)[0]
        if method in {"SIP/2.0", "OPTIONS"} or self.deaf:
            return
        call_id = re.search(r"\r\nCall-ID: (\S+)", text)[1]
        one = Heard(time.time(), method, call_id, text, back)
        self.heard.append(one)
        if method in {"INVITE", "BYE"} and not self._proved(one):
            self.refused.append(method)
            self._say(
                one, 407, "Prove it", extra='Proxy-Authenticate: Digest realm="gw", nonce="n"'
            )
            return
        if method == "INVITE":
            self._invite(one)
            return
        call = self.calls.get(call_id)
        if call is None:
            if method != "ACK":
                self._say(one, 481, "Unknown")
            return
        if method not in call.methods:
            call.methods.append(method)
        if method == "CANCEL":
            self._cancel(one, call)
        elif method != "ACK":
            self._say(one, 200, "OK")

    def _proved(self, one: Heard) -> bool:
        if not self._password:
            return True
        said = dict(re.findall(r'(\w+)="([^"]*)"', one.text))
        first = md5(f"{said.get('username')}:gw:{self._password}")
        second = md5(f"{one.method}:{said.get('uri')}")
        return said.get("response") == md5(f"{first}:n:{second}")

    def _invite(self, one: Heard) -> None:
        if one.call_id in self.calls:
            return
        odd = int(re.match(r"INVITE sip:([^@]*)@", one.text)[1][-1]) % 2 == 1
        answers = self.mode == ANSWERS or (self.mode == MIXED and odd)
        # Who looks sees at once what becomes of it.
        call = self.calls[one.call_id] = Call(one, answered=answers)
        if self.mode == SILENT:
            return
        self._say(one, 180, "Ringing")
        if answers:
            self._accept(call)

    def _accept(self, call: Call) -> None:
        call.answered = True
        body = SDP.format(port=self._rtp.getsockname()[1])
        self._say(call.invite, 200, "OK", body)

    def _cancel(self, one: Heard, call: Call) -> None:
        self._say(one, 200, "OK")
        if call.answered:
            return
        call.invite.back = one.back  # over TCP and TLS the connection of the INVITE is gone
        if self.late:
            self._accept(call)
        else:
            self._say(call.invite, 487, "Request Terminated")

    def _say(self, one: Heard, code: int, phrase: str, body: str = "", extra: str = "") -> None:
        lines = [f"SIP/2.0 {code} {phrase}"]
        for name in ("Via", "From", "To", "Call-ID", "CSeq"):
            for value in re.findall(rf"\r\n{name}: ([^\r]*)", one.text):
                tag = ";tag=gw" if name == "To" and ";tag=" not in value else ""
                lines.append(f"{name}: {value}{tag}")
        kind = "" if self._transport == "udp" else f";transport={self._transport}"
        lines.append(f"Contact: <sip:gw@127.0.0.1:{self.port}{kind}>")
        if extra:
            lines.append(extra)
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        data = ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
        if self._transport == "udp":
            self._socket.sendto(data, one.back)
            return
        with contextlib.suppress(OSError):  # its process is gone
            one.back.sendall(data)
