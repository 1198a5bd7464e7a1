"""A leg that calls us: from the INVITE to the end (RFC 3261 sections 9.2, 13.3, 15).

A 2xx is repeated until its ACK comes, and our BYE waits for that ACK (section 15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastpath.sipscan import Message
from sip.calls import journal, session_timer
from sip.calls.dialog import Dialog
from sip.calls.leg import ALLOW_LINE, Leg
from sip.calls.reliable import REQUIRE, Reliable
from sip.errors import SipError
from sip.events import Address, Established
from sip.events import Incoming as IncomingEvent
from sip.limits import NEVER, RINGING_MAX, TRYING_WAIT
from sip.messages.message import sdp_of
from sip.messages.options import REL100, SUPPORTED_LINE, supports, tags
from sip.transactions.server_invite import Answer, ServerInvite

if TYPE_CHECKING:
    from sip.endpoint import Endpoint

STATES = ("ringing", "held", "answered", "leaving", "up", "closing", "ended")
RINGING, HELD, ANSWERED, LEAVING, UP, CLOSING, ENDED = range(7)

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
    "accept, PRACK awaited",
    "PRACK",
    "no PRACK",
)
(
    ACCEPT, REJECT, CANCEL, ACK, NO_ACK, RELEASE, BYE, CLOSED, EXPIRE, HOLD, PRACK, NO_PRACK,
) = range(12)  # fmt: skip

TELL = 1
HANG_UP = 2
END = 4
REFUSE = 8  # a final answer to the INVITE
OK = 16  # the 200

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (RINGING, ACCEPT): (ANSWERED, OK),
    (RINGING, HOLD): (HELD, 0),
    (RINGING, REJECT): (ENDED, REFUSE | END),
    (RINGING, RELEASE): (ENDED, REFUSE | END),
    (RINGING, CANCEL): (ENDED, REFUSE | END),
    (RINGING, BYE): (ENDED, REFUSE | END),
    (RINGING, EXPIRE): (ENDED, REFUSE | END),
    (RINGING, NO_PRACK): (ENDED, REFUSE | END),
    (HELD, PRACK): (ANSWERED, OK),
    (HELD, REJECT): (ENDED, REFUSE | END),
    (HELD, RELEASE): (ENDED, REFUSE | END),
    (HELD, CANCEL): (ENDED, REFUSE | END),
    (HELD, BYE): (ENDED, REFUSE | END),
    (HELD, EXPIRE): (ENDED, REFUSE | END),
    (HELD, NO_PRACK): (ENDED, REFUSE | END),
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
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(7))
BEFORE = frozenset({RINGING, HELD})  # without a final answer


class Incoming(Leg):
    """See the module's text."""

    __slots__ = ("give_up_ns", "lines", "offered", "rel100", "replaced", "tx", "wish")

    def __init__(
        self,
        endpoint: Endpoint,
        number: int,
        message: Message,
        tx: ServerInvite,
        tag: bytes,
        source: Address,
        replaced: Leg | None = None,
    ) -> None:
        super().__init__(endpoint, number, message.call_id, tag)
        self.replaced = replaced  # the leg whose place this one takes (RFC 3891)
        self.dialog = Dialog.of_invite(message, tx.to, source, endpoint.layer.reach)
        self.tx = tx
        self.give_up_ns = NEVER
        self.state = RINGING
        self.offered = bool(sdp_of(message))
        # RFC 3262 section 3: whether provisional responses must be reliable
        self.rel100 = message.demands and REL100 in tags(message, "Require")
        self.wish: Message | None = None  # the INVITE, while its wishes are not granted
        # 12.1.1: the route set goes back in every response that makes a dialog
        routes = b"".join(b"Record-Route: %b\r\n" % r for r in message.record_routes)
        contact = endpoint.layer.identities[source[2]].contact
        self.lines = routes + contact + ALLOW_LINE + SUPPORTED_LINE

    def begin(self, message: Message, source: Address, now_ns: int, user: str = "") -> None:
        """Tell it; `user` is the telephone's that calls. A 100 follows if nothing else does."""
        self.tx.user = self
        self.wish = message
        self.give_up_ns = now_ns + RINGING_MAX
        self.layer.timers.arm(self, now_ns + TRYING_WAIT)
        self.layer.out.append(
            IncomingEvent(
                self.number,
                message.uri_user.decode("utf-8", "replace"),
                message.from_user.decode("utf-8", "replace"),
                message.call_id.decode("latin-1"),
                sdp_of(message),
                source,
                message,
                user,
                None if self.replaced is None else self.replaced.number,
            )
        )

    def established(self) -> bool:
        """Acknowledged, and nobody hung up."""
        return self.state == UP

    def confirmed(self) -> bool:
        """Answered; the ACK may still be on its way."""
        return self.state in {ANSWERED, UP}

    def dialog_with(self, tag: bytes) -> Dialog | None:
        """The one dialog, early or not."""
        dialog = self.dialog
        return dialog if dialog is not None and dialog.remote_tag == tag else None

    def negotiable(self) -> Dialog | None:
        """The dialog, when no offer and no INVITE is open in it."""
        early = self.state == RINGING and self.reliable is not None and self.reliable.settled
        free = self.state == UP and self.answer is None and self.offer_cseq < 0
        return self.dialog if early or free else None

    def offer_refusal(self, dialog: Dialog) -> int:  # noqa: ARG002
        """The INVITE's offer is open until a reliable response has answered it."""
        if self.reliable is not None and self.reliable.settled:
            return 0
        if self.state in {ANSWERED, LEAVING}:
            return 0 if self.offered else 491
        return 500 if self.offered else 491

    def _step(self, event: int) -> int:
        self.state, actions = ROWS[self.state][event]
        if self.state not in BEFORE and self.tx.user is not None:
            self.tx.user = None  # the transaction outlives the leg
            self.layer.timers.arm(self, NEVER)
        return actions

    def _do(self, actions: int, now_ns: int) -> None:
        if actions & OK:
            self._ok(now_ns)
        if actions & REFUSE:
            self._rest()
            extra = self.why() + (REQUIRE if self.code == 421 else b"")
            self.layer.respond(self.tx, self.code, now_ns, extra, b"", self.phrase)
        if actions & HANG_UP:
            self.hang_up(now_ns)
        if actions & END:
            self.end()

    def _rest(self) -> None:
        """The INVITE gets its final answer."""
        if self.reliable is not None:
            self.reliable.rest()

    # from the user

    def ring(self, now_ns: int, code: int, sdp: bytes, *, reliable: bool | None) -> None:
        """A provisional response; nothing once it is answered.

        `reliable` None: only when the caller requires it.
        """
        if not 100 < code < 200:
            raise SipError(f"not a provisional status: {code}")
        if self.state != RINGING:
            return
        if not self.rel100 and reliable and self.wish is not None:
            reliable = supports(self.wish, REL100)
        if self.rel100 or reliable:
            if self.reliable is None:
                self.reliable = Reliable(self)
            self.reliable.ring(code, sdp, now_ns)
        else:
            self.layer.respond(self.tx, code, now_ns, self.lines, sdp)

    def accept(self, sdp: bytes, now_ns: int) -> None:
        """200 with our description; nothing once it is answered or gone.

        What reliable responses have settled is not described again.
        """
        if self.state != RINGING:
            return
        reliable = self.reliable
        if reliable is None or not (reliable.settled or reliable.holds):
            self.describe(sdp, offer=not self.offered)
        held = reliable is not None and reliable.holds
        self._do(self._step(HOLD if held else ACCEPT), now_ns)

    def line(self) -> bytes:
        """Of the dialog that our 200 makes (`journal`)."""
        if self.dialog is None:
            return b""
        return journal.confirmed(self.dialog, b"", 0, self.layer.reach)

    def _ok(self, now_ns: int) -> None:
        self.code, self.phrase = 200, "OK"
        settled = self.reliable is not None and self.reliable.settled
        lines = self.lines
        if self.wish is not None:
            lines += session_timer.grant(self, self.wish, now_ns)
            self.wish = None
        self._rest()
        self.layer.respond(self.tx, 200, now_ns, lines, b"" if settled else self.sdp)
        cseq = self.tx.merge[2]
        self.answer = Answer(self.layer, self, cseq, self.tx.response, self.tx.target, now_ns)
        if self.replaced is not None and not self.replaced.over:
            self.replaced.release(now_ns, 0)
        self.replaced = None

    def on_prack(self, now_ns: int) -> None:
        """A PRACK came: a 200 that was held back may go."""
        self._do(self._step(PRACK), now_ns)

    def on_no_prack(self, now_ns: int) -> None:
        """RFC 3262 section 3: nobody acknowledged a reliable response."""
        self.by = "timeout"
        self.code, self.phrase = 504, ""
        self._do(self._step(NO_PRACK), now_ns)

    def reject(self, code: int, now_ns: int, q850: int, phrase: str) -> None:
        """A refusal; nothing once it is answered or gone."""
        if not 300 <= code < 700:
            raise SipError(f"not a refusal: {code}")
        self._finish(REJECT, code, phrase, q850, now_ns)

    def _finish(self, event: int, code: int, phrase: str, q850: int, now_ns: int) -> None:
        """End a leg that still rings."""
        if self.state in BEFORE:
            if self.by == "them":
                self.by = "us"
            self.code, self.phrase, self.q850 = code, phrase, q850
            self._do(self._step(event), now_ns)

    def release(self, now_ns: int, q850: int) -> None:
        """Hang up, or refuse what still rings."""
        if self.state in BEFORE:
            self._finish(RELEASE, 480, "", q850, now_ns)
            return
        actions = self._step(RELEASE)
        if self.state in {LEAVING, CLOSING} and self.by == "them":
            self.by, self.q850 = "us", q850
        self._do(actions, now_ns)

    def tick(self, now_ns: int) -> None:
        """It has been silent for too long, or rang for too long."""
        if self.state not in BEFORE:
            return
        if now_ns >= self.give_up_ns:
            self.by, self.code = "timeout", 480
            self._do(self._step(EXPIRE), now_ns)
            return
        if not self.tx.response:
            self.layer.respond(self.tx, 100, now_ns)
        self.layer.timers.arm(self, self.give_up_ns)

    # from the peer

    def on_cancel(self, q850: int, now_ns: int) -> None:
        """The caller gave up (9.2)."""
        if self.state in BEFORE:
            self.code, self.phrase, self.q850 = 487, "", 0
            actions = self._step(CANCEL)
            self._do(actions & ~END, now_ns)
            self.q850 = q850
            self._do(actions & END, now_ns)

    def on_ack(self, message: Message, now_ns: int) -> None:
        """The ACK of the first 2xx sets the call up."""
        if self.state not in {ANSWERED, LEAVING}:
            Leg.on_ack(self, message, now_ns)
            return
        if not self.acknowledged(message):
            return
        actions = self._step(ACK)
        if actions & TELL:
            self.answered = True
            self.layer.out.append(Established(self.number, sdp_of(message)))
        self._do(actions, now_ns)
        if self.modifier is not None:
            self.modifier.free(now_ns)

    def on_no_ack(self, answer: Answer, now_ns: int) -> None:  # noqa: ARG002
        """13.3.1.4: nobody acknowledged the 2xx: hang up."""
        self.answer = None
        if self.by != "us":
            self.by = "timeout"
        self._do(self._step(NO_ACK), now_ns)

    def on_bye(self, q850: int, now_ns: int) -> None:
        """The caller hung up; before the answer this ends the INVITE too (15.1.2)."""
        if self.state in BEFORE:
            self.code = 487
        elif self.state == ANSWERED:
            self.answered = True  # who hangs up has heard our 200; its ACK was lost
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
