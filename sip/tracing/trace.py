"""What was said on the wire, kept for a while: every message of a call, found again by the call.

Rules: calls are ordered by their last message; the one silent for longest leaves first, when there
are too many bytes, too many calls, or it is too old. A call keeps its beginning and its end: what
is cut of a long one is the middle. A stranger's call that we never answered counts among the
strangers only, so that a flood from one cannot push out the calls of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from sip.events import Address
from sip.limits import (
    SECOND,
    TRACE_CALL_BYTES_MAX,
    TRACE_CALL_FIRST,
    TRACE_CALL_MESSAGES_MAX,
    TRACE_KEY_MAX,
    TRACE_MESSAGE_COST,
    TRACE_STRANGERS_MAX,
)
from sip.transport.local import Local

_CALL_ID = re.compile(rb"\n(?:call-id|i)[ \t]*:[ \t]*(?:\r?\n[ \t]+)?([^\r\n \t]+)", re.IGNORECASE)
_SECRET_LINE = re.compile(
    rb"^((?:proxy-)?authorization)[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*",
    re.IGNORECASE | re.MULTILINE,
)
_SECRET_KEY = re.compile(rb"(?<=inline:)[A-Za-z0-9+/=]+")
_NUMBER = re.compile(r"[+0-9(). -]{3,32}")
_URI = re.compile(rb"\A[A-Z]+ (?:sips?|tel):([^@;> ]*)", re.IGNORECASE)
_FROM, _TO = (
    re.compile(
        rb"^(?:%b)[ \t]*:[^\n]*?(?:sips?|tel):([^@;>\r\n]*)" % name, re.IGNORECASE | re.MULTILINE
    )
    for name in (b"from|f", b"to|t")
)
DIGITS_MIN = 6  # fewer digits are no telephone number


class Traced(msgspec.Struct, frozen=True, gc=False):
    """One message as it passed the socket.

    Attributes:
        now_ns: monotonic time, which a stepped wall clock does not disorder.
        sent: by us; else it came.
        host, port: the peer.
        flow: the index of the `Local` of ours.
        near: our port; 0 is that of the `Local`.
    """

    now_ns: int
    sent: bool
    host: str
    port: int
    flow: int
    data: bytes
    near: int = 0


class CallTrace:
    """The messages of one Call-ID, oldest first; `dropped` were cut out behind the first ones."""

    __slots__ = ("bytes", "call_id", "dropped", "messages", "ours")

    def __init__(self, call_id: bytes) -> None:
        self.call_id = call_id
        self.messages: list[Traced] = []
        self.bytes = 0
        self.dropped = 0
        self.ours = False  # we have sent something in it

    def add(self, message: Traced) -> int:
        """Keep one; returns by how many bytes the whole grew."""
        before = self.bytes
        self.messages.append(message)
        self.bytes += len(message.data) + TRACE_MESSAGE_COST
        while len(self.messages) > TRACE_CALL_MESSAGES_MAX or (
            self.bytes > TRACE_CALL_BYTES_MAX and len(self.messages) > 1
        ):
            at = min(TRACE_CALL_FIRST, len(self.messages) - 2)
            self.bytes -= len(self.messages.pop(at).data) + TRACE_MESSAGE_COST
            self.dropped += 1
        return self.bytes - before


def call_id_of(data: bytes) -> bytes:
    """The Call-ID of a message, empty when it has none. It is not read as SIP: it may be broken."""
    at = data.find(b"\nCall-ID: ")  # as nearly everybody writes it
    end = data.find(b"\r\n\r\n")
    if 0 <= at < end:
        return data[at + 10 : min(data.find(b"\r", at), at + 10 + TRACE_KEY_MAX)].rstrip()
    if end < 0:
        end = data.find(b"\n\n")  # lines that end by LF alone
    found = _CALL_ID.search(data, 0, end + 2 if end >= 0 else len(data))
    return found[1][:TRACE_KEY_MAX] if found else b""


def masked(data: bytes) -> bytes:
    """A message without what lets others in: digest answers, and SRTP keys (RFC 4568)."""
    head, end, body = data.partition(b"\r\n\r\n")
    head = _SECRET_LINE.sub(rb"\1: ***", head)
    if b"inline:" in body:
        body = _SECRET_KEY.sub(lambda key: b"*" * len(key[0]), body)  # Content-Length still holds
    return head + end + body


class Tracer:
    """See the module's text.

    `tap` hears each message as it is kept.
    """

    __slots__ = (
        "_bytes_max",
        "_calls",
        "_calls_max",
        "_keep_ns",
        "_strangers",
        "bytes",
        "evicted",
        "locals",
        "tap",
    )

    def __init__(
        self,
        those: Sequence[Local],
        *,
        bytes_max: int,
        calls_max: int,
        keep_s: int,
    ) -> None:
        """`those` are the endpoint's transports, by flow."""
        self.locals = tuple(those)
        self._bytes_max = bytes_max
        self._calls_max = calls_max
        self._keep_ns = keep_s * SECOND
        self.tap: Callable[[bytes, Traced], None] | None = None
        self._calls: dict[bytes, CallTrace] = {}  # by last message, oldest first; so the next
        self._strangers: dict[bytes, CallTrace] = {}
        self.bytes = 0
        self.evicted = 0

    # what passes

    def keep(
        self,
        sent: bool,  # noqa: FBT001
        data: bytes,
        address: Address,
        now_ns: int,
        near: int = 0,
    ) -> None:
        """Keep one message: a `Tap` of `sip.transport.io_stack`."""
        key = call_id_of(data)
        if not key:
            return  # keep-alives and junk belong to no call
        host, port, flow = address
        message = Traced(now_ns, sent, host, port, flow, data, near)
        calls = self._calls
        call = calls.pop(key, None)
        if call is None:
            call = self._strangers.pop(key, None) or CallTrace(key)
            call.ours = call.ours or sent
            if not call.ours:
                calls = self._strangers
        calls[key] = call
        self.bytes += call.add(message)
        if self.tap is not None:
            self.tap(key, message)
        if (
            self.bytes > self._bytes_max
            or len(self._calls) > self._calls_max
            or len(self._strangers) > TRACE_STRANGERS_MAX
        ):
            self._make_room()
        self.forget(now_ns)

    def _make_room(self) -> None:
        """Strangers leave first, then the call that was silent for longest; the last one stays."""
        while len(self._strangers) > TRACE_STRANGERS_MAX:
            self._evict(self._strangers)
        while len(self._calls) > self._calls_max:
            self._evict(self._calls)
        while self.bytes > self._bytes_max and len(self._strangers) + len(self._calls) > 1:
            self._evict(self._strangers or self._calls)

    def _evict(self, calls: dict[bytes, CallTrace]) -> None:
        self.bytes -= calls.pop(next(iter(calls))).bytes
        self.evicted += 1

    def forget(self, now_ns: int) -> None:
        """Let go of the calls that have been silent for too long."""
        horizon_ns = now_ns - self._keep_ns
        for calls in (self._calls, self._strangers):
            while calls:
                oldest = next(iter(calls.values()))
                if oldest.messages[-1].now_ns > horizon_ns:
                    break
                self._evict(calls)

    # looking it up

    def recent(self) -> list[CallTrace]:
        """Every call, newest first."""
        found = [*self._strangers.values(), *self._calls.values()]
        found.sort(key=lambda call: call.messages[-1].now_ns, reverse=True)
        return found

    def starting(self, prefix: bytes) -> list[CallTrace]:
        """The calls whose Call-ID begins like this, newest first."""
        return [call for call in self.recent() if call.call_id.startswith(prefix)]

    def __len__(self) -> int:
        """Calls kept."""
        return len(self._calls) + len(self._strangers)

    def statistics(self) -> dict[str, int]:
        """Sizes now, and how many calls had to leave."""
        return {"calls": len(self), "bytes": self.bytes, "evicted": self.evicted}

    def find(self, what: str) -> list[CallTrace]:
        """The calls that a text may mean, newest first.

        The whole or the beginning of a Call-ID, a telephone number in any form, or the user of
        From, To or Request-URI.
        """
        exact = what.encode("utf-8", "replace")
        for calls in (self._calls, self._strangers):
            if exact in calls:
                return [calls[exact]]
        if not exact:
            return []
        wanted = _wanted(what)
        return [
            call
            for call in self.recent()
            if call.call_id.startswith(exact) or wanted(call.messages[0].data)
        ]


def _wanted(what: str) -> Callable[[bytes], bool]:
    """Whether a message is to or from somebody."""
    digits = "".join(c for c in what if c.isdecimal()) if _NUMBER.fullmatch(what) else ""
    digits = digits.lstrip("0")  # of the trunk or the international prefix
    if len(digits) < DIGITS_MIN:
        user = what.encode("utf-8", "replace")
        return lambda data: user in data and user in users(data)
    tail = digits.encode()[-DIGITS_MIN:]

    def is_number(data: bytes) -> bool:
        return tail in data and any(_same_number(digits, user) for user in users(data))

    return is_number


def users(data: bytes) -> tuple[bytes, bytes, bytes]:
    """The users of From, To and Request-URI as they are written, empty where there is none."""
    end = data.find(b"\r\n\r\n")
    head = data if end < 0 else data[:end]
    found = [pattern.search(head) for pattern in (_FROM, _TO, _URI)]
    caller, called, uri = (match[1] if match else b"" for match in found)
    return caller, called, uri


def _same_number(digits: str, user: bytes) -> bool:
    """0912345678, 84912345678 and +84-912-345-678 are one number: one ends with the other."""
    other = "".join(c for c in user.decode("latin-1") if c.isdigit()).lstrip("0")
    return len(other) >= DIGITS_MIN and (other.endswith(digits) or digits.endswith(other))
