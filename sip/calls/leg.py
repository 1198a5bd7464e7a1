"""What the two kinds of legs share.

Life inside the dialog (RFC 3261 sections 12, 14, 15) and the one `Ended`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from fastpath.sipscan import Message
from fastpath.wheel import Timer
from sip.accounts.auth import DigestClient
from sip.calls import info, refer, referred, reliable, reoffer, update
from sip.calls.dialog import Dialog
from sip.calls.info import Digits
from sip.calls.modify import Modifier
from sip.calls.negotiation import Negotiation
from sip.calls.refer import Referral
from sip.calls.reliable import Reliable
from sip.calls.session_timer import SessionTimer
from sip.calls.within import Within
from sip.events import Address, Ended
from sip.messages.causes import Reason, heard_reasons, reason_line
from sip.messages.message import ALLOW, sdp_of
from sip.messages.options import SUPPORTED_LINE, unsupported
from sip.transactions.server_invite import Answer
from sip.transactions.table import Transactions

if TYPE_CHECKING:
    from sip.endpoint import Endpoint

By = Literal["us", "them", "timeout"]
ALLOW_LINE = f"Allow: {ALLOW}\r\n".encode()
ACCEPT_LINE = b"Accept: application/sdp\r\n"
ABOUT_LINES = ALLOW_LINE + ACCEPT_LINE + SUPPORTED_LINE


class Leg(Timer):
    """One side of one call. Subclasses hold the state table of how it begins."""

    __slots__ = (
        "answer",
        "answered",
        "by",
        "call_id",
        "code",
        "contacts",
        "dialog",
        "digest",
        "digits",
        "endpoint",
        "layer",
        "modifier",
        "negotiation",
        "number",
        "offer_cseq",
        "offers",
        "over",
        "peer_updates",
        "phrase",
        "q850",
        "reasons",
        "referral",
        "reliable",
        "retry_after_s",
        "said",
        "sdp",
        "session",
        "state",
        "tag",
    )

    def __init__(self, endpoint: Endpoint, number: int, call_id: bytes, tag: bytes) -> None:
        self.endpoint = endpoint
        self.layer: Transactions = endpoint.layer
        self.number = number
        self.call_id = call_id
        self.tag = tag
        self.dialog: Dialog | None = None
        self.answer: Answer | None = None  # a 2xx of ours that waits for its ACK
        self.offer_cseq = -1  # of the INVITE whose 2xx carries an offer of ours
        self.digest: DigestClient | None = None
        self.sdp = b""  # what we described last
        self.offers = True  # it was an offer, not an answer
        self.negotiation: Negotiation | None = None  # that goes on from it
        self.reliable: Reliable | None = None  # of an INVITE that came
        self.modifier: Modifier | None = None
        self.session: SessionTimer | None = None
        self.digits: Digits | None = None
        self.referral: Referral | None = None  # a REFER of ours
        self.peer_updates = False  # its Allow names UPDATE; read where somebody wants to know
        self.state = 0
        self.code = 0
        self.phrase = ""
        self.q850 = 0
        self.reasons: tuple[Reason, ...] = ()  # the peer's, with their words
        self.said = b""  # further Reason lines of ours
        self.by: By = "them"
        self.answered = False
        self.over = False
        self.retry_after_s = 0
        self.contacts: tuple[str, ...] = ()

    @property
    def caller(self) -> bool:
        """Whether the Call-ID is ours, which decides who waits longer after a glare (14.1)."""
        return self.number >= 0

    # to be said by the subclasses

    def established(self) -> bool:
        """Whether requests inside the dialog are served."""
        raise NotImplementedError

    def confirmed(self) -> bool:
        """Whether the call has been answered; its ACK may still be awaited."""
        raise NotImplementedError

    def dialog_with(self, tag: bytes) -> Dialog | None:
        """The dialog whose other end has this tag, early ones too."""
        raise NotImplementedError

    def negotiable(self) -> Dialog | None:
        """The dialog where an offer may be made now: no other one is open, ours or theirs."""
        raise NotImplementedError

    def offer_refusal(self, dialog: Dialog) -> int:
        """Why the peer may not offer by UPDATE before the call is up (RFC 3311 section 5.2).

        491 while it owes us an answer, 500 while we owe it one, else 0.
        """
        raise NotImplementedError

    def release(self, now_ns: int, q850: int) -> None:
        """Hang up, in whatever state it is."""
        raise NotImplementedError

    def on_bye(self, q850: int, now_ns: int) -> None:
        """The peer hung up; its BYE has been answered."""
        raise NotImplementedError

    def on_bye_done(self) -> None:
        """Our BYE was answered, or given up."""
        raise NotImplementedError

    def described(self, dialog: Dialog, sdp: bytes) -> None:
        """The peer described itself anew in a dialog, maybe an early one."""

    def follow(self, dialog: Dialog, uri: bytes) -> None:
        """The peer's Contact in a target refresh (12.2.1.2, 12.2.2)."""
        dialog.retarget(uri)

    # the end

    def end(self) -> None:
        """Tell it, and leave the endpoint's tables."""
        self.over = True
        if self.answer is not None:
            self.answer.acked()
            self.answer = None
        if self.session is not None:
            self.session.stop()
        if self.modifier is not None:
            self.modifier.stop()
        if self.referral is not None:
            self.referral.leave()
        self.endpoint.remove(self)
        self.layer.out.append(
            Ended(
                self.number,
                self.code,
                self.phrase,
                self.q850,
                self.by,
                self.answered,
                self.retry_after_s,
                self.contacts,
                self.reasons,
            )
        )

    def hang_up(self, now_ns: int) -> None:
        """Send BYE; `on_bye_done` follows."""
        if self.dialog is not None:
            lines = self.why() if self.by == "us" else b""
            Within(self, self.dialog, "BYE", self, lines).send(now_ns)

    def why(self) -> bytes:
        """Our Reason lines (RFC 3326)."""
        return reason_line(self.q850) + self.said

    def on_done(self, asked: Within, code: int, message: Message | None, now_ns: int) -> None:  # noqa: ARG002
        """Our BYE is through; if nobody answered it, it is over all the same (15.1.1)."""
        self.on_bye_done()

    def lost(self, now_ns: int) -> None:
        """A request of ours found no dialog, or nobody (12.2.1.2): the call is over."""
        if not self.over:
            if self.by == "them":
                self.by = "timeout"
            self.release(now_ns, 0)

    def authorize(self, message: Message, method: str, uri: bytes) -> bytes:
        """The lines that answer a 401 or 407; empty when we cannot, or did so in vain."""
        digest = self.digest
        return b"" if digest is None else digest.answer(message, method, uri, self.layer.token())

    def foresee(self, method: str, uri: bytes) -> bytes:
        """The lines of a new request by which no challenge is needed, when its nonce is known."""
        return b"" if self.digest is None else self.digest.begin(method, uri)

    def describe(self, sdp: bytes, *, offer: bool) -> None:
        """This is our description from now on."""
        self.sdp, self.offers, self.negotiation = sdp, offer, None

    # what is asked of the call

    def modify(self, sdp: bytes, now_ns: int, *, update: bool) -> None:
        """Offer `sdp`."""
        if self.modifier is None:
            self.modifier = Modifier(self)
        self.modifier.ask(sdp, now_ns, update=update)

    def refresh(self, now_ns: int) -> bool:
        """Refresh the session (RFC 4028); False when another request does that already."""
        if self.modifier is None:
            self.modifier = Modifier(self)
        return self.modifier.refresh(now_ns)

    def press(self, digit: str, ms: int, now_ns: int) -> None:
        """Send a key by INFO, once the call is up."""
        if self.established():
            if self.digits is None:
                self.digits = Digits(self)
            self.digits.push(digit, ms, now_ns)

    def contact_lines(self, dialog: Dialog) -> bytes:
        """What requests and responses that refresh the target bear (12.2.1.1)."""
        return self.contact_line(dialog) + ALLOW_LINE + SUPPORTED_LINE

    def contact_line(self, dialog: Dialog) -> bytes:
        """Our Contact on the transport where the dialog's requests leave."""
        return self.layer.identities[dialog.next_hop[2]].contact

    # requests of the peer inside the dialog

    def on_request(
        self, message: Message, method: str, key: bytes, source: Address, now_ns: int
    ) -> None:
        """Serve one; ACK and CANCEL come by other ways."""
        dialog = self.dialog_with(message.from_tag)
        if dialog is None:
            self.layer.refuse(message, source, 481)
            return
        if message.cseq <= dialog.remote_cseq:
            self.layer.refuse(message, source, 500, b"", "CSeq out of order")  # 12.2.2
            return
        dialog.remote_cseq = message.cseq
        serve = METHODS.get(method)
        if serve is None:
            self.refuse(message, key, source, 405, now_ns, ALLOW_LINE)
            return
        unknown = unsupported(message) if method != "BYE" else b""
        if unknown:
            self.refuse(message, key, source, 420, now_ns, unknown)
        else:
            serve(self, message, key, source, now_ns)

    def refuse(
        self,
        message: Message,
        key: bytes,
        source: Address,
        code: int,
        now_ns: int,
        extra: bytes = b"",
    ) -> None:
        """Refuse a request inside the dialog; its repetitions get the same answer."""
        layer = self.layer
        layer.count["refused"] += 1
        if message.method == "INVITE":
            layer.respond(layer.serve_invite(message, key, b"", source), code, now_ns, extra)
        else:
            layer.answer(message, key, source, code, now_ns, extra)

    def acknowledged(self, message: Message) -> bool:
        """Whether an ACK is that of the 2xx of ours that waits for one; if so, it waits no more."""
        answer = self.answer
        if answer is None or message.cseq != answer.cseq or not self.dialog_with(message.from_tag):
            return False
        answer.acked()
        self.answer = None
        return True

    def on_ack(self, message: Message, now_ns: int) -> None:
        """The ACK of a 2xx to a re-INVITE, with the answer when the 2xx made an offer."""
        if not self.acknowledged(message):
            return
        if self.offer_cseq == message.cseq:
            self.offer_cseq = -1
            reoffer.closed(self, sdp_of(message))
        if self.modifier is not None:
            self.modifier.free(now_ns)

    def on_no_ack(self, answer: Answer, now_ns: int) -> None:  # noqa: ARG002
        """13.3.1.4: a re-INVITE's 2xx that nobody acknowledges ends the session."""
        self.answer = None
        self.lost(now_ns)


def _bye(leg: Leg, message: Message, key: bytes, source: Address, now_ns: int) -> None:
    leg.layer.answer(message, key, source, 200, now_ns)
    if message.reasoned:
        leg.reasons = heard_reasons(message)
    leg.on_bye(message.q850, now_ns)


def _options(leg: Leg, message: Message, key: bytes, source: Address, now_ns: int) -> None:
    leg.layer.answer(message, key, source, 200, now_ns, ABOUT_LINES)


METHODS: dict[str, Callable[[Leg, Message, bytes, Address, int], None]] = {
    "BYE": _bye,
    "INVITE": reoffer.serve,
    "INFO": info.serve,
    "OPTIONS": _options,
    "NOTIFY": refer.on_notify,
    "PRACK": reliable.serve,
    "REFER": referred.on_refer,
    "SUBSCRIBE": referred.on_subscribe,
    "UPDATE": update.serve,
}
"""Who serves a request of the peer inside the dialog."""
