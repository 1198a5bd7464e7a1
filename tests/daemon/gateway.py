"""A gateway with a mind of its own: counts its calls a second, knows its ports, writes a ledger.

Plain text over one UDP socket in a thread; it answers what it takes with 180 and 200, and says why
it refuses. What it saw is judged by the tests, so nothing of the stack under test is used.
"""

from __future__ import annotations

import hashlib
import re
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Self


def md5(text: str) -> str:
    """As digest wants it, in hexadecimal."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


@dataclass
class Seen:
    """One call as the gateway saw it."""

    call_id: str
    user: str
    headers: str
    code: int = 0
    ended: bool = False


@dataclass
class Registered:
    """One REGISTER as the gateway saw and answered it."""

    user: str
    expires_s: int
    code: int


class Gateway:
    """Bound to a free port of the loopback; `calls` in the order they came."""

    def __init__(
        self, calls_per_s: int = 0, port_of=None, port: int = 0, knows: str = "", talks=None
    ) -> None:
        """`calls_per_s` 0: any; `port_of(user, headers)` names a port that carries one call.

        It says silence in calls of which `talks(user)` holds, nothing at all in others.
        `knows` is the password that a REGISTER must prove to know (RFC 2617, MD5 without qop).
        """
        self._rate = calls_per_s
        self._port_of = port_of
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", port))
        self._socket.settimeout(0.1)
        self._rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._rtp.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.calls: dict[str, Seen] = {}
        self.other: list[str] = []  # methods that are no call's
        self.registrations: list[Registered] = []
        self.mute = False  # it hears and says nothing
        self._password = knows
        self.clashes: list[str] = []  # ports that were asked for while busy
        self._recent: deque[float] = deque()
        self._closing = threading.Event()
        self._talks = talks
        self._listeners: dict[str, tuple[str, int]] = {}  # Call-ID -> where it wants RTP
        self._thread = threading.Thread(target=self._run)
        self._voice = threading.Thread(target=self._talk)
        self._thread.start()
        self._voice.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        self._voice.join()
        self._socket.close()
        self._rtp.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def heard(self) -> bytes:
        """The payloads that came, in the order of their sequence numbers: of one call, once."""
        self._rtp.setblocking(False)
        packets = {}
        while True:
            try:
                data = self._rtp.recv(2048)
            except BlockingIOError:
                return b"".join(packets[seq] for seq in sorted(packets))
            packets[int.from_bytes(data[2:4], "big")] = data[12:]

    def codes(self) -> list[int]:
        return [call.code for call in self.calls.values()]

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                data, source = self._socket.recvfrom(65_536)
            except TimeoutError:
                continue
            if not self.mute:
                self._take(data.decode(), source)

    def _talk(self) -> None:
        number = 0
        while not self._closing.wait(0.02):
            head = struct.pack("!BBHII", 0x80, 8, number & 0xFFFF, 160 * number, 77)
            for where in list(self._listeners.values()):
                self._rtp.sendto(head + b"\xd5" * 160, where)
            number += 1

    def _take(self, text: str, source) -> None:
        method = text.split(" ", 1)[0]
        call_id = re.search(r"\r\nCall-ID: (\S+)", text)[1]
        if method == "INVITE":
            self._invite(text, call_id, source)
        elif method in ("BYE", "CANCEL"):
            self._listeners.pop(call_id, None)
            if call_id in self.calls:
                self.calls[call_id].ended = True
            self._reply(text, 200, "OK", source)
        elif method == "REGISTER":
            self._register(text, source)
        elif method not in ("ACK", "SIP/2.0"):
            self.other.append(method)
            self._reply(text, 200, "OK", source)

    def _invite(self, text: str, call_id: str, source) -> None:
        seen = self.calls.get(call_id)
        if seen is None:
            user = re.match(r"INVITE sip:([^@]*)@", text)[1]
            seen = self.calls[call_id] = Seen(call_id, user, text.split("\r\n\r\n", maxsplit=1)[0])
            seen.code, phrase = self._judge(seen)
        else:
            phrase = "Again"
        if seen.code == 200:
            self._reply(text, 180, "Ringing", source)
            body = SDP.format(port=self._rtp.getsockname()[1])
            if self._talks is not None and self._talks(seen.user):
                port = int(re.search(r"\r\nm=audio (\d+)", text)[1])
                self._listeners[call_id] = ("127.0.0.1", port)
            self._reply(text, 200, "OK", source, body)
        else:
            self._reply(text, seen.code, phrase, source)

    def _register(self, text: str, source) -> None:
        user = re.search(r"\r\nTo: <sip:([^@]*)@", text)[1]
        said = dict(re.findall(r'(\w+)="([^"]*)"', text))
        one = md5(f"{user}:gw:{self._password}")
        two = md5(f"REGISTER:{said.get('uri')}")
        right = said.get("response") == md5(f"{one}:n:{two}")
        code = 200 if right else 401
        expires_s = int(re.search(r"\r\nExpires: (\d+)", text)[1])
        if right or "response" in said:
            self.registrations.append(Registered(user, expires_s, code))
        extra = "" if right else 'WWW-Authenticate: Digest realm="gw", nonce="n"'
        self._reply(text, code, "OK" if right else "Unauthorized", source, extra=extra)

    def _judge(self, seen: Seen) -> tuple[int, str]:
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if self._rate and len(self._recent) >= self._rate:
            return 503, "CPS limit exceeded"
        self._recent.append(now)
        if self._port_of is not None:
            port = self._port_of(seen.user, seen.headers)
            for other in self.calls.values():
                busy = other is not seen and other.code == 200 and not other.ended
                if busy and self._port_of(other.user, other.headers) == port:
                    self.clashes.append(port)
                    return 503, "No Channel Available"
        return 200, "OK"

    def _reply(
        self, text: str, code: int, phrase: str, source, body: str = "", extra: str = ""
    ) -> None:
        lines = [f"SIP/2.0 {code} {phrase}"]
        for name in ("Via", "From", "To", "Call-ID", "CSeq"):
            for value in re.findall(rf"\r\n{name}: ([^\r]*)", text):
                tag = ";tag=gw" if name == "To" and ";tag=" not in value else ""
                lines.append(f"{name}: {value}{tag}")
        lines.append(f"Contact: <sip:gw@127.0.0.1:{self.port}>")
        if extra:
            lines.append(extra)
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        self._socket.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), source)
