"""Messages out of a byte stream (RFC 3261 section 18.3).

Heads end with an empty line, bodies are as long as Content-Length says. Between messages stand
keep-alives (RFC 5626 section 4.4.1): CRLFCRLF asks, CRLF answers. A fault ends the stream, since
nobody knows where the next message would begin; what came before it counts.
"""

from __future__ import annotations

import re

import msgspec

from sip.limits import STREAM_BODY_MAX, STREAM_HEAD_MAX

_LENGTH = re.compile(
    rb"\r\n(?:content-length|l)[ \t]*:(?:[ \t]|\r\n[ \t])*([^\r\n]*)", re.IGNORECASE
)
_END = b"\r\n\r\n"


class Fault(msgspec.Struct, frozen=True):
    """Why the stream cannot be read on.

    `head` is what there is of the message's head, to answer with `status`.
    """

    status: int
    phrase: str
    head: bytes


class Framer:
    """One direction of one connection.

    Attributes:
        fault: set once; nothing is read after it.
        pings: keep-alives that have not been answered yet; whoever answers them counts down.
        pongs: answers to ours that came.
        awaited: keep-alives of ours without an answer, counted up by whoever sends them.
    """

    __slots__ = ("_breaks", "_buffer", "_searched", "_size", "awaited", "fault", "pings", "pongs")

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.pings = 0
        self.pongs = 0
        self.awaited = 0
        self._buffer = bytearray()
        self._searched = 0  # no end of a head begins before this
        self._size = 0  # bytes of the message that begins the buffer, 0 while unknown
        self._breaks = 0  # CRLFs of a keep-alive that has only begun

    @property
    def partial(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that these bytes complete, in order."""
        messages: list[bytes] = []
        if self.fault is not None:
            return messages
        self._buffer += data
        while self._buffer and self.fault is None:
            if not self._size and not self._begin():
                break
            if len(self._buffer) < self._size:
                break
            messages.append(bytes(self._buffer[: self._size]))
            del self._buffer[: self._size]
            self._size = self._searched = 0
        if self.fault is not None:
            self._buffer.clear()
        return messages

    def _begin(self) -> bool:
        """Whether the head of the next message is complete; its size is known then."""
        buffer = self._buffer
        if not self._searched and not self._skip():
            return False
        at = buffer.find(_END, max(self._searched - 3, 0))
        if at < 0 and len(buffer) <= STREAM_HEAD_MAX:
            self._searched = len(buffer)
            return False
        if at < 0 or at > STREAM_HEAD_MAX:
            cut = buffer.rfind(b"\r\n", 0, STREAM_HEAD_MAX)
            self._stop(513, "Head Too Large", bytes(buffer[: max(cut, 0)]) + _END)
            return False
        head = bytes(buffer[: at + 4])
        length = self._length(head)
        if length < 0:
            return False
        self._size = at + 4 + length
        return True

    def _skip(self) -> bool:
        """Take keep-alives off the front; whether a message begins there."""
        buffer = self._buffer
        at = 0
        while buffer.startswith(b"\r\n", at):
            at += 2
            if self.awaited:
                self.awaited -= 1
                self.pongs += 1
                continue
            self._breaks += 1
            if self._breaks == 2:
                self._breaks = 0
                self.pings += 1
        del buffer[:at]
        if not buffer or buffer == b"\r":
            return False
        self._breaks = 0
        if not 0x20 < buffer[0] < 0x7F:
            self._stop(400, "Not SIP", b"")
            return False
        return True

    def _length(self, head: bytes) -> int:
        """What Content-Length says; -1 after a fault."""
        values = {value.strip() for value in _LENGTH.findall(head)}
        if not values:
            self._stop(400, "Missing Content-Length", head)
        elif len(values) > 1:
            self._stop(400, "Several Content-Lengths", head)
        else:
            value = values.pop()
            if not value.isdigit():
                self._stop(400, "Bad Content-Length", head)
            elif len(value) > 9 or int(value) > STREAM_BODY_MAX:
                self._stop(513, "Body Too Large", head)
            else:
                return int(value)
        return -1

    def _stop(self, status: int, phrase: str, head: bytes) -> None:
        self.fault = Fault(status, phrase, head)
