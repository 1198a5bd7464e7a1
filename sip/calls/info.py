"""INFO (RFC 6086): keys told outside of the media, the way gateways do it.

application/dtmf-relay and application/dtmf are older than the RFC's packages and stand in no
registry. One INFO of ours is on its way at a time: they must arrive in order.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fastpath.sipscan import Message
from sip.calls.within import Within
from sip.errors import SipError
from sip.events import Address, Digit
from sip.limits import DIGITS_MAX

if TYPE_CHECKING:
    from sip.calls.leg import Leg

RELAY = b"application/dtmf-relay"
PLAIN = b"application/dtmf"
PACKAGES = frozenset({b"dtmf", b"infodtmf"})  # drafts that never became RFCs, and are in use
KEYS = frozenset("0123456789*#ABCD")
DIGIT_MS = 160  # when an INFO tells no duration
DIGIT_MS_MAX = 10_000
# [ \t], not \s: that takes line ends as well, and tries a body of them anew from each
_SIGNAL = re.compile(
    rb"^[ \t]*Signal[ \t]*=[ \t]*([0-9A-Da-d*#])[ \t]*$", re.MULTILINE | re.IGNORECASE
)
_DURATION = re.compile(
    rb"^[ \t]*Duration[ \t]*=[ \t]*([0-9]{1,5})[ \t]*$", re.MULTILINE | re.IGNORECASE
)


def serve(leg: Leg, message: Message, key: bytes, source: Address, now_ns: int) -> None:
    """An INFO of the peer: a key, or something that is only accepted."""
    package = b"".join(message.get_all("Info-Package")).partition(b";")[0].strip().lower()
    if package and package not in PACKAGES:
        # RFC 6086 section 4.2.2: the answer says what we would take, which is nothing
        leg.refuse(message, key, source, 469, now_ns, b"Recv-Info: nil\r\n")
        return
    leg.layer.answer(message, key, source, 200, now_ns)
    found = _key(message)
    if found is not None and leg.established():
        leg.layer.out.append(Digit(leg.number, *found))


def _key(message: Message) -> tuple[str, int] | None:
    """(key, ms) of an INFO that tells one."""
    kind = message.content_type
    if kind == RELAY:
        body = message.body.replace(b"\r", b"")
        signal, duration = _SIGNAL.search(body), _DURATION.search(body)
        if signal:
            return signal[1].decode().upper(), int(duration[1]) if duration else DIGIT_MS
    elif kind == PLAIN:
        text = message.body.strip().upper().decode("latin-1")
        if text in KEYS:
            return text, DIGIT_MS
    return None


class Digits:
    """The keys of a leg that are to leave by INFO."""

    __slots__ = ("kind", "leg", "queue")

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        self.kind = RELAY
        self.queue: list[tuple[str, int]] = []  # the first one is on its way

    def push(self, digit: str, ms: int, now_ns: int) -> None:
        """Send a key; SipError when there is none like it."""
        if digit.upper() not in KEYS or not 0 < ms <= DIGIT_MS_MAX:
            raise SipError(f"not a key of up to {DIGIT_MS_MAX} ms: {digit!r}, {ms}")
        if len(self.queue) >= DIGITS_MAX:
            self.leg.layer.count["overload"] += 1
            return
        self.queue.append((digit.upper(), ms))
        if len(self.queue) == 1:
            self._send(now_ns)

    def _send(self, now_ns: int) -> None:
        dialog = self.leg.dialog
        if dialog is None or not self.leg.established():
            self.queue.clear()
            return
        digit, ms = self.queue[0]
        body = f"Signal={digit}\r\nDuration={ms}\r\n" if self.kind == RELAY else digit
        Within(self.leg, dialog, "INFO", self, b"", body.encode(), self.kind).send(now_ns)

    def on_done(self, asked: Within, code: int, message: Message | None, now_ns: int) -> None:  # noqa: ARG002
        """The next one; a peer that cannot read the one form gets the other."""
        if code == 415 and self.kind == RELAY:
            self.kind = PLAIN
        else:
            self.queue.pop(0)
        if self.queue:
            self._send(now_ns)
