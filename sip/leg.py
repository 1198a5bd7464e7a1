"""What the two kinds of legs share.

Life inside the dialog (RFC 3261 sections 12, 14, 15) and the one `Ended`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal

from fastpath.sipscan import Message
from fastpath.wheel import Timer
from sip import sdp
from sip.auth import DigestClient
from sip.causes import reason_line
from sip.client_other import ClientOther
from sip.dialog import Dialog
from sip.events import Address, Digit, Ended, Renegotiated
from sip.message import ALLOW
from sip.server_invite import Answer
from sip.transactions import Transactions

if TYPE_CHECKING:
    from sip.endpoint import Endpoint

By = Literal["us", "them", "timeout"]
ALLOW_LINE = f"Allow: {ALLOW}\r\n".encode()
ACCEPT_LINE = b"Accept: application/sdp\r\n"
_SIGNAL = re.compile(rb"^\s*Signal\s*=\s*([0-9A-Da-d*#])\s*$", re.MULTILINE)
_DURATION = re.compile(rb"^\s*Duration\s*=\s*([0-9]{1,5})\s*$", re.MULTILINE)
DIGIT_MS = 160  # when an INFO tells no duration


class Leg(Timer):
    """One side of one call. Subclasses hold the state table of how it begins."""

    __slots__ = (
        "answer",
        "answered",
        "by",
        "call_id",
        "code",
        "dialog",
        "digest",
        "endpoint",
        "layer",
        "number",
        "phrase",
        "q850",
        "retry_after_s",
        "sdp",
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
        self.answer: Answer | None = None
        self.digest: DigestClient | None = None
        self.sdp = b""
        self.state = 0
        self.code = 0
        self.phrase = ""
        self.q850 = 0
        self.by: By = "them"
        self.answered = False
        self.retry_after_s = 0

    # to be said by the subclasses

    def established(self) -> bool:
        """Whether requests inside the dialog are served."""
        raise NotImplementedError

    def on_bye(self, q850: int, now_ns: int) -> None:
        """The peer hung up; its BYE has been answered."""
        raise NotImplementedError

    def on_bye_done(self) -> None:
        """Our BYE was answered, or given up."""
        raise NotImplementedError

    # the end

    def end(self) -> None:
        """Tell it, and leave the endpoint's tables."""
        if self.answer is not None:
            self.answer.acked()
            self.answer = None
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
            )
        )

    def hang_up(self, now_ns: int, authorization: bytes = b"") -> None:
        """Send BYE; `on_bye_done` follows."""
        dialog = self.dialog
        if dialog is None:
            return
        branch = self.layer.branch()
        authorization = authorization or self.foresee("BYE", dialog.target)
        extra = reason_line(self.q850 if self.by == "us" else 0) + authorization
        data = dialog.build(self.layer.identities, b"BYE", branch, dialog.next_cseq(), extra)
        self.layer.request(self, (branch, "BYE"), data, dialog.next_hop, now_ns)

    def on_other_response(self, tx: ClientOther, message: Message, now_ns: int) -> None:  # noqa: ARG002
        """The answer to our BYE; a challenged one goes again."""
        if message.status in {401, 407} and self.dialog is not None:
            line = self.authorize(message, "BYE", self.dialog.target)
            if line:
                self.hang_up(now_ns, line)
                return
        self.on_bye_done()

    def on_other_failure(self, tx: ClientOther, now_ns: int) -> None:  # noqa: ARG002
        """Nobody answered our BYE: it is over all the same (15.1.1)."""
        self.on_bye_done()

    def authorize(self, message: Message, method: str, uri: bytes) -> bytes:
        """The lines that answer a 401 or 407; empty when we cannot, or did so in vain."""
        if self.digest is None:
            return b""
        cnonce = self.layer.token().decode()
        return self.digest.answer(message, method, uri.decode("utf-8", "replace"), cnonce)

    def foresee(self, method: str, uri: bytes) -> bytes:
        """The lines of a new request by which no challenge is needed, when its nonce is known."""
        if self.digest is None:
            return b""
        return self.digest.begin(method, uri.decode("utf-8", "replace"))

    # requests of the peer inside the dialog

    def on_request(
        self, message: Message, method: str, key: bytes, source: Address, now_ns: int
    ) -> None:
        """Serve one; ACK and CANCEL come by other ways."""
        dialog = self.dialog
        if dialog is not None:
            if message.from_tag != dialog.remote_tag:
                self.layer.refuse(message, source, 481)
                return
            if message.cseq <= dialog.remote_cseq:
                self.layer.refuse(message, source, 500, phrase="CSeq out of order")  # 12.2.2
                return
            dialog.remote_cseq = message.cseq
        serve = self.METHODS.get(method)
        if serve is None:
            self.layer.refuse(message, source, 405, ALLOW_LINE)
        else:
            serve(self, message, key, source, now_ns)

    def _bye(self, message: Message, key: bytes, source: Address, now_ns: int) -> None:
        self.layer.answer(message, key, source, 200, now_ns)
        self.on_bye(message.q850, now_ns)

    def _options(self, message: Message, _key: bytes, source: Address, _now_ns: int) -> None:
        self.layer.refuse(message, source, 200, ALLOW_LINE + ACCEPT_LINE)

    def _info(self, message: Message, key: bytes, source: Address, now_ns: int) -> None:
        """Digits the way gateways send them (application/dtmf-relay, application/dtmf).

        The rest is only accepted.
        """
        self.layer.answer(message, key, source, 200, now_ns)
        kind = message.content_type
        if not self.established():
            return
        if kind == b"application/dtmf-relay":
            signal = _SIGNAL.search(message.body.replace(b"\r", b""))
            duration = _DURATION.search(message.body.replace(b"\r", b""))
            if signal:
                ms = int(duration[1]) if duration else DIGIT_MS
                self.layer.out.append(Digit(self.number, signal[1].decode().upper(), ms))
        elif kind == b"application/dtmf":
            text = message.body.strip().upper()
            if len(text) == 1 and text in b"0123456789*#ABCD":
                self.layer.out.append(Digit(self.number, text.decode(), DIGIT_MS))

    def _reinvite(self, message: Message, key: bytes, source: Address, now_ns: int) -> None:
        """14.2: answered with what we already use, whatever it offers."""
        dialog = self.dialog
        if dialog is None or not self.established():
            self.layer.refuse(message, source, 491)
            return
        if self.layer.full():
            self.layer.refuse(message, source, 500, b"Retry-After: 5\r\n")
            return
        offered = message.body if message.content_type == b"application/sdp" else b""
        try:
            ours = self._renewed(offered)
        except ValueError:
            self.layer.refuse(message, source, 488)
            return
        if message.contact_uri and not dialog.route_lines:
            dialog.retarget(message.contact_uri)
        tx = self.layer.serve_invite(message, key, b"", source)
        contact = self.layer.identities[tx.target[2]].contact
        self.layer.respond(tx, 200, now_ns, contact + ALLOW_LINE, ours)
        if self.answer is not None:
            self.answer.acked()
        self.answer = Answer(self.layer, self, message.cseq, tx.response, tx.target, now_ns)
        self.sdp = ours
        if offered:
            self.layer.out.append(Renegotiated(self.number, offered))

    def _renewed(self, offered: bytes) -> bytes:
        """Our description again: as the answer to `offered`, or as the offer when there is none."""
        if not offered:
            return self.sdp
        ours = sdp.parse(self.sdp)
        session, version = sdp.identity(self.sdp)
        return sdp.answer(offered, ours.host, ours.port, session_id=session, version=version + 1)

    METHODS: ClassVar[dict[str, Callable[[Leg, Message, bytes, Address, int], None]]] = {
        "BYE": _bye,
        "INVITE": _reinvite,
        "INFO": _info,
        "OPTIONS": _options,
    }

    def on_ack(self, message: Message, now_ns: int) -> None:  # noqa: ARG002
        """The ACK of a 2xx of ours."""
        if self.answer is not None and message.cseq == self.answer.cseq:
            self.answer.acked()
            self.answer = None

    def on_no_ack(self, answer: Answer, now_ns: int) -> None:  # noqa: ARG002
        """13.3.1.4: a re-INVITE's 2xx that nobody acknowledges ends the session."""
        self.answer = None
        self.by = "timeout"
        self.endpoint.release(self.number, now_ns)
