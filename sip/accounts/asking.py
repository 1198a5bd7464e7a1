"""Requests of ours outside of any call: REGISTER, OPTIONS, MESSAGE (RFC 3261 sections 8.1, 10, 11).

One `Ask` gets exactly one `Told`. Until then it may have been sent several times: with credentials
after a challenge (22.2), and to the next target after a 503, silence or an unreachable one
(RFC 3263 section 4.3). Every sending is a transaction of its own with the next CSeq (8.1.3.5).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from fastpath.sipscan import Message
from sip.accounts.auth import DigestClient
from sip.errors import SipError
from sip.events import Ask, Told
from sip.limits import ASK_BODY_MAX, SECOND, TARGETS_MAX, TIMEOUT, WANTED_MAX
from sip.messages.headers import call_id, extra, route_lines, text, token
from sip.messages.message import request, seen_at
from sip.messages.uri import parse
from sip.transactions.client_other import ClientOther

if TYPE_CHECKING:
    from sip.transactions.table import Transactions

STATES = ("asking", "done")
ASKING, DONE = range(2)

EVENTS = ("final answer", "challenge", "target failed", "nothing left")
ANSWER, CHALLENGE, MOVE, SILENCE = range(4)

AGAIN = 1  # send it once more
TELL = 2

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (ASKING, ANSWER): (DONE, TELL),
    (ASKING, CHALLENGE): (ASKING, AGAIN),
    (ASKING, MOVE): (ASKING, AGAIN),
    (ASKING, SILENCE): (DONE, TELL),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(2))

# What an answer may say that an asker wants to know, besides status and Reason.
WANTED = (
    "Contact", "Expires", "Min-Expires", "Service-Route", "Path", "Date", "Retry-After", "Allow",
    "Supported", "Accept", "Server", "User-Agent", "Flow-Timer", "P-Associated-URI",
)  # fmt: skip


class Asker(Protocol):
    """Who asked, when it is a part of the stack."""

    def on_told(self, told: Told, now_ns: int) -> None:
        """The one answer."""


class Asking:
    """One `Ask` on its way."""

    __slots__ = (
        "ask",
        "call_id",
        "cseq",
        "digest",
        "done",
        "layer",
        "lines",
        "ours",
        "routes",
        "state",
        "targets",
        "uri",
        "user",
    )

    def __init__(
        self,
        layer: Transactions,
        ask: Ask,
        digest: DigestClient | None,
        user: Asker | None,
        done: Callable[[Asking], None],
    ) -> None:
        """Check it; SipError when a field cannot stand in a message."""
        if ask.method in {"INVITE", "ACK", "CANCEL", "BYE"}:
            raise SipError(f"{ask.method} is not asked outside of a call")
        token(ask.method, "method")
        for uri in (ask.request_uri, ask.from_uri, ask.to_uri):
            parse(text(uri, "URI"))
        for value in (ask.contact, ask.contact_user, ask.contact_params, ask.content_type):
            text(value or "", "Contact or Content-Type")
        if not ask.targets:
            raise SipError("a request without a target")
        if len(ask.body) > ASK_BODY_MAX:
            raise SipError(f"a body of more than {ASK_BODY_MAX} bytes")
        if any(not 0 <= target[2] < len(layer.identities) for target in ask.targets):
            raise SipError("a target by a transport that we do not have")
        if not 0 < ask.cseq < 1 << 31:
            raise SipError(f"not a CSeq: {ask.cseq}")
        self.layer = layer
        self.ask = ask
        self.digest = digest
        self.user = user
        self.done = done
        self.targets = ask.targets[:TARGETS_MAX]
        self.call_id = call_id(ask.call_id)
        self.cseq = ask.cseq - 1
        self.uri = ask.request_uri.encode()
        self.lines = extra(ask.headers)
        self.routes = route_lines(ask.routes)
        self.ours = b"<%b>;tag=%b" % (ask.from_uri.encode(), layer.token())
        self.state = ASKING

    def begin(self, now_ns: int) -> None:
        """Send it to the present target, with credentials when a nonce is known already."""
        digest = self.digest
        lines = digest.begin(self.ask.method, self.uri) if digest else b""
        self._send(lines, now_ns)

    def _send(self, authorization: bytes, now_ns: int) -> None:
        ask, layer = self.ask, self.layer
        self.cseq += 1
        target = self.targets[0]
        identity = layer.identities[target[2]]
        branch = layer.branch()
        contact = b""
        if ask.contact:
            contact = b"Contact: %b\r\n" % ask.contact.encode()
        elif ask.contact_user is not None:
            contact = identity.contact_of(ask.contact_user)[:-2]
            contact += ask.contact_params.encode() + b"\r\n"
        data = request(
            ask.method.encode(),
            self.uri,
            identity.via,
            branch,
            self.ours,
            b"<%b>" % ask.to_uri.encode(),
            self.call_id,
            self.cseq,
            contact + identity.about + self.lines + authorization,
            ask.body,
            ask.content_type.encode(),
            self.routes,
        )
        tx = layer.request(self, (branch, ask.method), data, target, now_ns)
        tx.give_up_ns = now_ns + min(max(ask.wait_s, 1) * SECOND, TIMEOUT)

    def on_other_response(self, tx: ClientOther, message: Message, now_ns: int) -> None:
        """A final answer."""
        status = message.status
        if status in {401, 407} and self.digest is not None:
            token = self.layer.token()
            lines = self.digest.answer(message, self.ask.method, self.uri, token)
            if lines and self._step(CHALLENGE) & AGAIN:
                self._send(lines, now_ns)
                return
        if status == 503 and self._moved(now_ns):
            return
        if self._step(ANSWER) & TELL:
            self._tell(_told(self.ask.number, self.cseq, tx, message), now_ns)

    def on_other_failure(self, tx: ClientOther, now_ns: int) -> None:
        """Silence, or nobody there."""
        if self._moved(now_ns):
            return
        phrase = "no reply" if now_ns >= tx.give_up_ns else "unreachable"
        if self._step(SILENCE) & TELL:
            self._tell(self._none(0, phrase), now_ns)

    def _moved(self, now_ns: int) -> bool:
        """Whether it goes on to the next target."""
        if len(self.targets) < 2 or not self._step(MOVE) & AGAIN:
            return False
        self.targets = self.targets[1:]
        self.begin(now_ns)
        return True

    def _step(self, event: int) -> int:
        self.state, actions = ROWS[self.state][event]
        return actions

    def overloaded(self, now_ns: int) -> None:
        """There is no room for it: that is its answer."""
        self.cseq = self.ask.cseq
        self._tell(self._none(503, "too many requests"), now_ns)

    def _none(self, code: int, phrase: str) -> Told:
        """What is told when nobody answered."""
        return Told(
            number=self.ask.number,
            code=code,
            phrase=phrase,
            cseq=self.cseq,
            target=self.targets[0],
        )

    def _tell(self, told: Told, now_ns: int) -> None:
        self.done(self)
        if self.user is None:
            self.layer.out.append(told)
        else:
            self.user.on_told(told, now_ns)


def _told(number: int, cseq: int, tx: ClientOther, message: Message) -> Told:
    wanted = [
        (name, value.decode("utf-8", "replace"))
        for name in WANTED
        for value in message.get_all(name)
    ]
    return Told(
        number=number,
        code=message.status,
        phrase=message.phrase.decode("utf-8", "replace"),
        cseq=cseq,
        target=tx.target,
        q850=message.q850,
        retry_after_s=max(message.retry_after, 0),
        headers=tuple(wanted[:WANTED_MAX]),
        body=message.body[:ASK_BODY_MAX],
        seen_at=seen_at(message),
    )
