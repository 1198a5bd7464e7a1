"""A leg that we call: from INVITE to the end (RFC 3261 sections 9.1, 13.2, 15).

Each 2xx of a new To tag makes a dialog (13.2.2.4): the first is the call, any other is acknowledged
and hung up, and so is one that comes after we gave up. CANCEL waits for a provisional response
(9.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastpath.sipscan import Message
from sip.auth import DigestClient
from sip.causes import reason_line
from sip.client_invite import PROCEEDING, ClientInvite
from sip.dialog import Dialog
from sip.errors import SipError
from sip.events import Accepted, Address, Failover, Invite, Provisional, Trying
from sip.headers import call_id, extra, quoted, text
from sip.leg import Leg
from sip.limits import FORKS_MAX, TARGETS_MAX
from sip.message import request
from sip.uri import parse

if TYPE_CHECKING:
    from sip.endpoint import Endpoint

STATES = ("calling", "early", "abandoned", "cancelling", "up", "closing", "ended")
CALLING, EARLY, ABANDONED, CANCELLING, UP, CLOSING, ENDED = range(7)

EVENTS = (
    "1xx",
    "2xx of a new tag",
    "3xx-6xx",
    "challenge",
    "target failed",
    "no reply",
    "release",
    "BYE",
    "BYE answered",
)
PROGRESS, ANSWER, REFUSE, CHALLENGE, MOVE, SILENCE, RELEASE, BYE, CLOSED = range(9)

TELL = 1
OPEN = 2  # acknowledge, it is the call
AGAIN = 4  # the INVITE, with credentials or to the next target
CANCEL = 8
HANG_UP = 16
END = 32
REJECT = 64  # acknowledge and hang up a dialog that nobody wants
FORGET = 128  # the INVITE transaction has no more use

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (CALLING, PROGRESS): (EARLY, TELL),
    (CALLING, ANSWER): (UP, OPEN),
    (CALLING, REFUSE): (ENDED, END),
    (CALLING, CHALLENGE): (CALLING, AGAIN),
    (CALLING, MOVE): (CALLING, AGAIN),
    (CALLING, SILENCE): (ENDED, END),
    (CALLING, RELEASE): (ABANDONED, 0),
    (CALLING, BYE): (ENDED, END),
    (EARLY, PROGRESS): (EARLY, TELL),
    (EARLY, ANSWER): (UP, OPEN),
    (EARLY, REFUSE): (ENDED, END),
    (EARLY, CHALLENGE): (CALLING, AGAIN),
    (EARLY, MOVE): (CALLING, AGAIN),
    (EARLY, SILENCE): (CANCELLING, CANCEL),
    (EARLY, RELEASE): (CANCELLING, CANCEL),
    (EARLY, BYE): (ENDED, CANCEL | END),
    (ABANDONED, PROGRESS): (CANCELLING, CANCEL),
    (ABANDONED, ANSWER): (CLOSING, OPEN | HANG_UP),
    (ABANDONED, REFUSE): (ENDED, END),
    (ABANDONED, SILENCE): (ENDED, END),
    (ABANDONED, BYE): (ENDED, END),
    (CANCELLING, ANSWER): (CLOSING, OPEN | HANG_UP),
    (CANCELLING, REFUSE): (ENDED, END),
    (CANCELLING, SILENCE): (ENDED, FORGET | END),
    (CANCELLING, BYE): (ENDED, END),
    (UP, ANSWER): (UP, REJECT),
    (UP, RELEASE): (CLOSING, HANG_UP),
    (UP, BYE): (ENDED, END),
    (CLOSING, ANSWER): (CLOSING, REJECT),
    (CLOSING, BYE): (ENDED, END),
    (CLOSING, CLOSED): (ENDED, END),
    (ENDED, ANSWER): (ENDED, REJECT),
    (ENDED, SILENCE): (ENDED, FORGET),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(7))


class Outgoing(Leg):
    """See the module's text."""

    __slots__ = (
        "acks",
        "alerted",
        "cseq",
        "early_sdp",
        "early_tag",
        "lines",
        "ours",
        "targets",
        "to",
        "tx",
        "uri",
        "where",
    )

    def __init__(self, endpoint: Endpoint, invite: Invite, tag: bytes) -> None:
        super().__init__(endpoint, invite.leg, call_id(invite.call_id), tag)
        if parse(invite.request_uri).scheme not in {"sip", "sips", "tel"}:
            raise SipError(f"not a SIP URI: {invite.request_uri!r}")
        parse(invite.from_uri)
        parse(invite.to_uri)
        display = quoted(invite.display, "display") + " " if invite.display else ""
        self.ours = f"{display}<{text(invite.from_uri, 'from_uri')}>;tag=".encode() + tag
        self.to = f"<{text(invite.to_uri, 'to_uri')}>".encode()
        self.uri = invite.request_uri.encode()
        self.lines = extra(invite.headers)
        self.sdp = invite.sdp
        if invite.credentials is not None:
            self.digest = DigestClient(invite.credentials)
        if not invite.targets:
            raise SipError("an INVITE without a target")
        self.targets = invite.targets[:TARGETS_MAX]
        self.where = self.targets[0]
        self.alerted = False  # something but 100 came: the call has reached somebody
        self.cseq = 0
        self.state = CALLING
        self.tx: ClientInvite | None = None
        self.acks: dict[bytes, tuple[bytes, Address]] = {}
        self.early_sdp = b""
        self.early_tag = b""

    def call(self, now_ns: int, authorization: bytes = b"") -> None:
        """Send the INVITE, the first or one with credentials (22.2.

        Same Call-ID and tag, next CSeq).
        """
        layer = self.layer
        self.cseq += 1
        branch = layer.branch()
        identity = layer.identities[self.where[2]]
        lines = identity.contact + identity.about + self.lines + authorization
        data = request(
            b"INVITE",
            self.uri,
            identity.via,
            branch,
            self.ours,
            self.to,
            self.call_id,
            self.cseq,
            lines,
            self.sdp,
        )
        self.tx = layer.invite(self, branch, data, self.where, now_ns)

    def established(self) -> bool:
        """Answered, and nobody hung up."""
        return self.state == UP

    def _step(self, event: int) -> int:
        self.state, actions = ROWS[self.state][event]
        return actions

    def _do(self, actions: int, now_ns: int) -> None:
        """The actions that need no message."""
        if actions & CANCEL and self.tx is not None:
            self.layer.cancel(self.tx, reason_line(self.q850), now_ns)
        if actions & HANG_UP:
            self.hang_up(now_ns)
        if actions & FORGET and self.tx is not None:
            self.layer.forget(self.tx)
        if actions & END:
            self.end()

    # from the INVITE transaction

    def on_invite_response(
        self, tx: ClientInvite, message: Message, source: Address, now_ns: int
    ) -> None:
        """Progress, answer, refusal."""
        status = message.status
        if status < 200:
            self._progress(message, status, now_ns)
        elif status < 300:
            self._answer(message, source, now_ns)
        elif tx is self.tx:
            self._refusal(message, status, now_ns)

    def _progress(self, message: Message, status: int, now_ns: int) -> None:
        first = self.state == CALLING
        actions = self._step(PROGRESS)
        self._do(actions, now_ns)
        if not actions & TELL:
            return
        if status == 100:
            if first:
                self.layer.out.append(Trying(self.number))
            return
        self.alerted = True
        body = message.body if message.content_type == b"application/sdp" else b""
        if body:
            self.early_sdp, self.early_tag = body, message.to_tag
        self.layer.out.append(Provisional(self.number, status, body or None))

    def _answer(self, message: Message, source: Address, now_ns: int) -> None:
        tag = message.to_tag
        sent = self.acks.get(tag)
        if sent is not None:
            self.layer.resend(*sent)
            return
        if len(self.acks) >= FORKS_MAX:
            self.layer.count["stray"] += 1
            return
        try:
            dialog = Dialog.of_answer(
                message, self.ours, self.uri, self.cseq, source, self.layer.reach
            )
        except SipError:
            # A route set we cannot travel: acknowledge as far as we can, and hang up.
            self.layer.count["malformed"] += 1
            target = message.contact_uri or self.uri
            cseq, theirs = self.cseq, message.to_value
            dialog = Dialog(
                self.call_id, self.ours, theirs, tag, cseq, target, [], source, self.layer.reach
            )
            if self.state in {CALLING, EARLY}:
                self.by, self.state = "us", ABANDONED
        actions = self._step(ANSWER)
        branch = self.layer.branch()
        ack = dialog.build(self.layer.identities, b"ACK", branch, self.cseq)
        self.acks[tag] = ack, dialog.next_hop
        self.layer.send(ack, dialog.next_hop)
        if actions & REJECT:
            branch = self.layer.branch()
            bye = dialog.build(self.layer.identities, b"BYE", branch, dialog.next_cseq())
            self.layer.request(None, (branch, "BYE"), bye, dialog.next_hop, now_ns)
            return
        self.dialog = dialog
        self.code, self.phrase = message.status, message.phrase.decode("utf-8", "replace")
        if self.state == UP:
            self.answered = True
            body = message.body if message.content_type == b"application/sdp" else b""
            if not body and tag == self.early_tag:
                body = self.early_sdp  # 13.2.1: the answer may have come in a provisional response
            self.layer.out.append(Accepted(self.number, body))
        self._do(actions, now_ns)

    def _refusal(self, message: Message, status: int, now_ns: int) -> None:
        if status in {401, 407} and self.state in {CALLING, EARLY}:
            line = self.authorize(message, "INVITE", self.uri)
            if line and self._step(CHALLENGE) & AGAIN:
                self.call(now_ns, line)
                return
        if status == 503 and self._moved(status, now_ns):
            return
        actions = self._step(REFUSE)
        if actions & END:
            self.code, self.phrase = status, message.phrase.decode("utf-8", "replace")
            self.q850 = message.q850 or self.q850
            self.retry_after_s = max(message.retry_after, 0)
        self._do(actions, now_ns)

    def _moved(self, code: int, now_ns: int) -> bool:
        """Whether the call goes on to the next target: nobody was alerted by this one."""
        if self.alerted or self.state not in {CALLING, EARLY} or len(self.targets) < 2:
            return False
        self.layer.out.append(Failover(self.number, self.where, code))
        self.targets = self.targets[1:]
        self.where = self.targets[0]
        self._step(MOVE)
        self.call(now_ns)
        return True

    def on_invite_failure(self, tx: ClientInvite, phrase: str, now_ns: int) -> None:
        """Timer B, an ICMP error, or it rang for too long."""
        if tx is not self.tx:
            return
        if self.state == EARLY and tx.state == PROCEEDING:
            phrase = "rang too long"
        elif self._moved(0, now_ns):
            return
        if self.by != "us":
            self.by = "timeout"
        self.phrase = self.phrase or phrase
        self._do(self._step(SILENCE), now_ns)

    # from the caller and from the peer inside the dialog

    def release(self, now_ns: int, q850: int) -> None:
        """Hang up, in whatever state it is."""
        actions = self._step(RELEASE)
        if self.state in {ABANDONED, CANCELLING, CLOSING} and self.by == "them":
            self.by, self.q850 = "us", q850
        self._do(actions, now_ns)

    def on_bye(self, q850: int, now_ns: int) -> None:
        """The peer hung up."""
        if self.state == UP:
            self.by, self.q850 = "them", q850
        self._do(self._step(BYE), now_ns)

    def on_bye_done(self) -> None:
        """Our BYE is through."""
        self._do(self._step(CLOSED), 0)
