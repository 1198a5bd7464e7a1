"""A leg that calls us: from the INVITE to the end (RFC 3261 sections 9.2, 13.3, 15).

A 2xx is repeated until its ACK comes, and our BYE waits for that ACK (section 15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastpath.sipscan import Message
from sip.causes import reason_line
from sip.dialog import Dialog
from sip.errors import SipError
from sip.events import Address, Established
from sip.events import Incoming as IncomingEvent
from sip.leg import ALLOW_LINE, Leg
from sip.limits import NEVER, RINGING_MAX
from sip.server_invite import Answer, ServerInvite

if TYPE_CHECKING:
    from sip.endpoint import Endpoint

STATES = ("ringing", "answered", "leaving", "up", "closing", "ended")
RINGING, ANSWERED, LEAVING, UP, CLOSING, ENDED = range(6)

EVENTS = (
    "accept",
    "reject",
    "CANCEL",
    "ACK",
    "no ACK",
    "release",
    "BYE",
    "BYE answered",
    "rang too long",
)
ACCEPT, REJECT, CANCEL, ACK, NO_ACK, RELEASE, BYE, CLOSED, EXPIRE = range(9)

TELL = 1
HANG_UP = 2
END = 4
REFUSE = 8  # a final answer to the INVITE

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (RINGING, ACCEPT): (ANSWERED, 0),
    (RINGING, REJECT): (ENDED, REFUSE | END),
    (RINGING, RELEASE): (ENDED, REFUSE | END),
    (RINGING, CANCEL): (ENDED, REFUSE | END),
    (RINGING, BYE): (ENDED, REFUSE | END),
    (RINGING, EXPIRE): (ENDED, REFUSE | END),
    (ANSWERED, ACK): (UP, TELL),
    (ANSWERED, RELEASE): (LEAVING, 0),
    (ANSWERED, BYE): (ENDED, END),
    (ANSWERED, NO_ACK): (CLOSING, HANG_UP),
    (LEAVING, ACK): (CLOSING, HANG_UP),
    (LEAVING, NO_ACK): (CLOSING, HANG_UP),
    (LEAVING, BYE): (ENDED, END),
    (UP, RELEASE): (CLOSING, HANG_UP),
    (UP, BYE): (ENDED, END),
    (UP, NO_ACK): (CLOSING, HANG_UP),
    (CLOSING, BYE): (ENDED, END),
    (CLOSING, CLOSED): (ENDED, END),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(6))


class Incoming(Leg):
    """See the module's text."""

    __slots__ = ("lines", "tx")

    def __init__(
        self,
        endpoint: Endpoint,
        number: int,
        message: Message,
        tx: ServerInvite,
        tag: bytes,
        source: Address,
    ) -> None:
        super().__init__(endpoint, number, message.call_id, tag)
        self.dialog = Dialog.of_invite(message, tx.to, source, endpoint.layer.reach)
        self.tx = tx
        self.state = RINGING
        # 12.1.1: the route set goes back in every response that makes a dialog
        routes = b"".join(b"Record-Route: %b\r\n" % r for r in message.record_routes)
        self.lines = routes + endpoint.layer.identities[source[2]].contact + ALLOW_LINE

    def begin(self, message: Message, source: Address, now_ns: int) -> None:
        """Say 100, and tell the user."""
        self.tx.user = self
        self.layer.respond(self.tx, 100, now_ns)
        self.layer.timers.arm(self, now_ns + RINGING_MAX)
        body = message.body if message.content_type == b"application/sdp" else b""
        self.layer.out.append(
            IncomingEvent(
                self.number,
                message.uri_user.decode("utf-8", "replace"),
                message.from_user.decode("utf-8", "replace"),
                message.call_id.decode("latin-1"),
                body,
                source,
                message,
            )
        )

    def established(self) -> bool:
        """Acknowledged, and nobody hung up."""
        return self.state == UP

    def _step(self, event: int) -> int:
        self.state, actions = ROWS[self.state][event]
        if self.state != RINGING and self.due_ns != NEVER:
            self.layer.timers.arm(self, NEVER)
        return actions

    def _do(self, actions: int, now_ns: int) -> None:
        if actions & REFUSE:
            self.layer.respond(self.tx, self.code, now_ns, reason_line(self.q850), b"", self.phrase)
        if actions & HANG_UP:
            self.hang_up(now_ns)
        if actions & END:
            self.end()

    # from the user

    def ring(self, now_ns: int, code: int, sdp: bytes | None) -> None:
        """A provisional response; nothing once it is answered."""
        if not 100 < code < 200:
            raise SipError(f"not a provisional status: {code}")
        if self.state == RINGING:
            self.layer.respond(self.tx, code, now_ns, self.lines, sdp or b"")

    def accept(self, sdp: bytes, now_ns: int) -> None:
        """200 with our description; nothing once it is answered or gone."""
        if self.state != RINGING:
            return
        self._step(ACCEPT)
        self.code, self.phrase = 200, "OK"
        self.sdp = sdp
        self.layer.respond(self.tx, 200, now_ns, self.lines, sdp)
        dialog = self.dialog
        cseq = dialog.remote_cseq if dialog else 0
        self.answer = Answer(self.layer, self, cseq, self.tx.response, self.tx.target, now_ns)

    def reject(self, code: int, now_ns: int, q850: int, phrase: str) -> None:
        """A refusal; nothing once it is answered or gone."""
        if not 300 <= code < 700:
            raise SipError(f"not a refusal: {code}")
        self._finish(REJECT, code, phrase, q850, now_ns)

    def _finish(self, event: int, code: int, phrase: str, q850: int, now_ns: int) -> None:
        """End a leg that still rings."""
        if self.state == RINGING:
            self.by = "us"
            self.code, self.phrase, self.q850 = code, phrase, q850
            self._do(self._step(event), now_ns)

    def release(self, now_ns: int, q850: int) -> None:
        """Hang up, or refuse what still rings."""
        if self.state == RINGING:
            self._finish(RELEASE, 480, "", q850, now_ns)
            return
        actions = self._step(RELEASE)
        if self.state in {LEAVING, CLOSING} and self.by == "them":
            self.by, self.q850 = "us", q850
        self._do(actions, now_ns)

    def tick(self, now_ns: int) -> None:
        """It rang for too long."""
        if self.state == RINGING:
            self.by, self.code = "timeout", 480
            self._do(self._step(EXPIRE), now_ns)

    # from the peer

    def on_cancel(self, q850: int, now_ns: int) -> None:
        """The caller gave up (9.2)."""
        if self.state == RINGING:
            self.code, self.phrase, self.q850 = 487, "", 0
            actions = self._step(CANCEL)
            self._do(actions & ~END, now_ns)
            self.q850 = q850
            self._do(actions & END, now_ns)

    def on_ack(self, message: Message, now_ns: int) -> None:
        """The ACK of the first 2xx sets the call up."""
        super().on_ack(message, now_ns)
        if self.state not in {ANSWERED, LEAVING} or self.answer is not None:
            return
        actions = self._step(ACK)
        if actions & TELL:
            self.answered = True
            body = message.body if message.content_type == b"application/sdp" else b""
            self.layer.out.append(Established(self.number, body))
        self._do(actions, now_ns)

    def on_no_ack(self, answer: Answer, now_ns: int) -> None:  # noqa: ARG002
        """13.3.1.4: nobody acknowledged the 2xx: hang up."""
        self.answer = None
        if self.by != "us":
            self.by = "timeout"
        self._do(self._step(NO_ACK), now_ns)

    def on_bye(self, q850: int, now_ns: int) -> None:
        """The caller hung up; before the answer this ends the INVITE too (15.1.2)."""
        if self.state == RINGING:
            self.code = 487
        if self.state != CLOSING:
            self.by = "them"
        actions = self._step(BYE)
        self._do(actions & ~END, now_ns)
        if self.by == "them":
            self.q850 = q850
        self._do(actions & END, now_ns)

    def on_bye_done(self) -> None:
        """Our BYE is through."""
        self._do(self._step(CLOSED), 0)
