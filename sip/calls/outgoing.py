"""A leg that we call: from INVITE to the end (RFC 3261 sections 9.1, 13.2, 15).

Each 2xx of a new To tag makes a dialog (13.2.2.4): the first is the call, any other is acknowledged
and hung up, and so is one that comes after we gave up or went on to another target. CANCEL waits
for a provisional response (9.1), the ACK for our answer to an offer or for the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastpath.sipscan import Message
from sip.calls import journal, session_timer
from sip.calls.dialog import Dialog
from sip.calls.inviting import Inviting
from sip.calls.within import Within
from sip.events import Accepted, Address, Failover, Invite, Offered, Provisional, Trying
from sip.limits import ANSWER_WAIT, FORKS_MAX, NEVER
from sip.messages.causes import heard_reasons
from sip.messages.message import sdp_of
from sip.transactions.client_invite import PROCEEDING, ClientInvite

if TYPE_CHECKING:
    from sip.endpoint import Endpoint

STATES = ("calling", "early", "abandoned", "cancelling", "unacknowledged", "up", "closing", "ended")
CALLING, EARLY, ABANDONED, CANCELLING, OFFERED, UP, CLOSING, ENDED = range(8)

EVENTS = (
    "1xx",
    "2xx of a new tag",
    "2xx that waits",
    "its ACK may go",
    "it waited too long",
    "3xx-6xx",
    "sent again",
    "target failed",
    "no reply",
    "release",
    "BYE",
    "BYE answered",
)
(
    PROGRESS, ANSWER, OFFER, ACKNOWLEDGE, EXPIRE, REFUSE, CHALLENGE, MOVE, SILENCE, RELEASE, BYE,
    CLOSED,
) = range(12)  # fmt: skip

TELL = 1
OPEN = 2  # acknowledge, it is the call
AGAIN = 4  # the INVITE, changed or to the next target
CANCEL = 8
HANG_UP = 16
END = 32
REJECT = 64  # acknowledge and hang up a dialog that nobody wants
FORGET = 128  # the INVITE transaction has no more use

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (CALLING, PROGRESS): (EARLY, TELL),
    (CALLING, ANSWER): (UP, OPEN),
    (CALLING, OFFER): (OFFERED, TELL),
    (CALLING, REFUSE): (ENDED, END),
    (CALLING, CHALLENGE): (CALLING, AGAIN),
    (CALLING, MOVE): (CALLING, AGAIN),
    (CALLING, SILENCE): (ENDED, END),
    (CALLING, RELEASE): (ABANDONED, 0),
    (CALLING, BYE): (ENDED, END),
    (EARLY, PROGRESS): (EARLY, TELL),
    (EARLY, ANSWER): (UP, OPEN),
    (EARLY, OFFER): (OFFERED, TELL),
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
    (OFFERED, ANSWER): (OFFERED, REJECT),
    (OFFERED, ACKNOWLEDGE): (UP, OPEN),
    (OFFERED, EXPIRE): (CLOSING, OPEN | HANG_UP),
    (OFFERED, RELEASE): (CLOSING, OPEN | HANG_UP),
    (OFFERED, BYE): (ENDED, OPEN | END),
    (UP, ANSWER): (UP, REJECT),
    (UP, RELEASE): (CLOSING, HANG_UP),
    (UP, BYE): (ENDED, END),
    (CLOSING, ANSWER): (CLOSING, REJECT),
    (CLOSING, BYE): (ENDED, END),
    (CLOSING, CLOSED): (ENDED, END),
    (ENDED, ANSWER): (ENDED, REJECT),
    (ENDED, SILENCE): (ENDED, FORGET),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(8))


class Outgoing(Inviting):
    """See the module's text."""

    __slots__ = ("acks", "alerted")

    def __init__(self, endpoint: Endpoint, invite: Invite, tag: bytes) -> None:
        super().__init__(endpoint, invite, tag)
        self.alerted = False  # something but 100 came: the call has reached somebody
        self.state = CALLING
        self.acks: dict[bytes, tuple[bytes, Address]] = {}

    def go_on(self, now_ns: int, *, kept: bool) -> None:
        """What `Keep` told has been kept, or cannot be: then the call is given up."""
        held = self.held
        if not kept:
            self.release(now_ns, 0)
        elif held is not None:
            self.leave(held[0], held[1], now_ns)
        elif self.state == OFFERED and self.plan.journaled:
            self._close_offer(ACKNOWLEDGE, b"", now_ns)

    def established(self) -> bool:
        """Answered, and nobody hung up."""
        return self.state == UP

    def confirmed(self) -> bool:
        """Answered; our ACK may still wait for our answer."""
        return self.state in {OFFERED, UP}

    def dialog_with(self, tag: bytes) -> Dialog | None:
        """The call's dialog, or an early one."""
        dialog = self.dialog
        if dialog is None:
            return self.branches.dialogs.get(tag)
        return dialog if dialog.remote_tag == tag else None

    def negotiable(self) -> Dialog | None:
        """The call, or the early dialog whose reliable responses settled something."""
        if self.state == EARLY:
            return self.branches.negotiable()
        free = self.state == UP and self.answer is None and self.offer_cseq < 0
        return self.dialog if free else None

    def _step(self, event: int) -> int:
        self.state, actions = ROWS[self.state][event]
        return actions

    def _do(self, actions: int, now_ns: int) -> None:
        """The actions that need no message."""
        if actions & CANCEL and self.tx is not None:
            self.layer.cancel(self.tx, self.why(), now_ns)
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
            if tx is self.tx and self.state != ENDED:
                self._progress(tx, message, status, source, now_ns)
            else:  # late, and not wanted any more: another target is called, or none
                self.layer.cancel(tx, b"", now_ns)
        elif status < 300:
            self._answer(tx, message, source, now_ns)
        elif tx is self.tx:
            self._refusal(message, status, now_ns)

    def _progress(
        self, tx: ClientInvite, message: Message, status: int, source: Address, now_ns: int
    ) -> None:
        first = self.state == CALLING
        actions = self._step(PROGRESS)
        self._do(actions, now_ns)
        if not actions & TELL:
            return
        layer, plan = self.layer, self.plan
        if first and plan.journaled:
            line = journal.invited(tx.request, plan.where, layer.reach, heard=True)
            layer.out.append(journal.Keep(self.number, line, waits=False))
        if status == 100:
            if first:
                layer.out.append(Trying(self.number))
            return
        self.alerted = True
        if not self.branches.progress(message, source, now_ns):
            return
        body = sdp_of(message)
        layer.out.append(Provisional(self.number, status, body or None))

    def _answer(self, tx: ClientInvite, message: Message, source: Address, now_ns: int) -> None:
        tag = message.to_tag
        sent = self.acks.get(tag)
        if sent is not None:
            if sent[0]:  # else it still waits for our answer
                self.layer.resend(sent[0], sent[1])
            return
        if len(self.acks) >= FORKS_MAX:
            self.layer.count["stray"] += 1
            return
        late = tx is not self.tx  # from a target that we gave up: another one is called
        dialog, lost = self.branches.confirm(message, source)
        unusable = bool(lost) and self.state in {CALLING, EARLY}
        if unusable:
            self.by, self.state = "us", ABANDONED  # acknowledged as far as we can, and hung up
        body = self.branches.described(message)
        if not late and self._waits(body, tag):
            layer = self.layer
            self._step(OFFER)
            self._take(dialog, message, now_ns)
            self.acks[tag] = b"", dialog.next_hop
            self.branches.sdp = body
            layer.timers.arm(self, now_ns + ANSWER_WAIT)
            if self.plan.journaled:
                layer.out.append(journal.Keep(self.number, self._line(dialog, tx)))
            else:
                layer.out.append(Offered(self.number, body))
            return
        actions = REJECT if late else self._step(ANSWER)
        self._acknowledge(dialog, message.cseq, b"")
        if actions & REJECT:
            Within(self, dialog, "BYE", None, fatal=False).send(now_ns)
            return
        self._take(dialog, message, now_ns)
        if unusable:
            self.code, self.phrase = 0, lost
        if self.state == UP:
            self.answered = True
            self.layer.out.append(Accepted(self.number, body))
        self.branches.rest(tag)
        self._do(actions, now_ns)

    def _waits(self, body: bytes, tag: bytes) -> bool:
        """Whether the ACK of a 2xx waits: for our answer to its offer (13.2.1), or the journal."""
        if self.state not in {CALLING, EARLY}:
            return False
        owes = self.delayed and bool(body) and not self.branches.settled(tag)
        return owes or self.plan.journaled

    def _take(self, dialog: Dialog, message: Message, now_ns: int) -> None:
        """This 2xx is the call."""
        self.dialog = dialog
        self.code, self.phrase = message.status, message.phrase.decode("utf-8", "replace")
        if message.timed and self.state in {UP, OFFERED}:
            session_timer.granted(self, message, now_ns)

    def _acknowledge(self, dialog: Dialog, cseq: int, answer: bytes) -> None:
        """13.2.2.4: the ACK of a 2xx, a request of its own with the INVITE's number."""
        layer = self.layer
        said = self.plan.said
        ack = dialog.build(layer.identities, b"ACK", layer.branch(), cseq, said, answer)
        self.acks[dialog.remote_tag] = ack, dialog.next_hop
        layer.send(ack, dialog.next_hop)

    def acknowledge(self, answer: bytes, now_ns: int) -> None:
        """Our answer to the offer of a 2xx or of a reliable provisional response."""
        if self.state == OFFERED:
            self._close_offer(ACKNOWLEDGE, answer, now_ns)
        elif self.branches.owed and self.state == EARLY:
            self.describe(answer, offer=False)
            self.branches.owed.pop(0).acknowledge(answer, now_ns)

    def _line(self, dialog: Dialog, tx: ClientInvite) -> bytes:
        """What ends this call: with the number of its INVITE, that of the ACK (13.2.2.4)."""
        return journal.confirmed(dialog, tx.branch, self.cseq, self.layer.reach)

    def follow(self, dialog: Dialog, uri: bytes) -> None:
        """See `Leg`. A later process is told where the BYE goes now.

        Nobody waits for that: until it is on disk a BYE would go to the target of before, which the
        peer has only just left, and an answer held back for a commit would be asked for again.
        """
        before = dialog.remote_target()
        dialog.retarget(uri)
        journaled = self.plan.journaled and self.state == UP and dialog is self.dialog
        if journaled and self.tx is not None and dialog.remote_target() != before:
            line = self._line(dialog, self.tx)
            self.layer.out.append(journal.Keep(self.number, line, waits=False))

    def _close_offer(self, event: int, answer: bytes, now_ns: int) -> None:
        """The 2xx that brought an offer is acknowledged after all, with our answer or without."""
        actions = self._step(event)
        self.layer.timers.arm(self, NEVER)
        dialog = self.dialog
        if actions & OPEN and dialog is not None:
            self._acknowledge(dialog, self.cseq, answer)
        if self.state == UP:
            self.answered = True
            if self.delayed:
                self.describe(answer, offer=False)
            self.layer.out.append(Accepted(self.number, self.branches.sdp))
            if dialog is not None and not self.delayed:
                self.branches.rest(dialog.remote_tag)
        elif event == BYE:  # told as if our ACK had gone before it
            self.answered = True
            if not self.delayed:
                self.layer.out.append(Accepted(self.number, self.branches.sdp))
        self._do(actions, now_ns)

    def tick(self, now_ns: int) -> None:
        """Our side did not answer the offer of the 2xx."""
        if self.state == OFFERED:
            self.by = "timeout"
            self._close_offer(EXPIRE, b"", now_ns)

    def _refusal(self, message: Message, status: int, now_ns: int) -> None:
        if self.state in {CALLING, EARLY} and self.plan.amend(self, message):
            self._step(CHALLENGE)
            self.again(now_ns)
            return
        if status == 503 and self._moved(status, now_ns):
            return
        actions = self._step(REFUSE)
        if actions & END and not (self.by == "us" and self.phrase):  # else it ended for our reason
            self.code, self.phrase = status, message.phrase.decode("utf-8", "replace")
            self.q850 = message.q850 or self.q850
            self.reasons = heard_reasons(message)
            self.retry_after_s = max(message.retry_after, 0)
        self._do(actions, now_ns)

    def _moved(self, code: int, now_ns: int) -> bool:
        """Whether the call goes on to the next target: nobody was alerted by this one."""
        before = self.plan.where
        if self.alerted or self.state not in {CALLING, EARLY} or not self.plan.move():
            return False
        self.layer.out.append(Failover(self.number, before, code))
        self._step(MOVE)
        self.again(now_ns)
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
        if self.state == OFFERED:
            if self.by == "them":
                self.by, self.q850 = "us", q850
            self._close_offer(RELEASE, b"", now_ns)
            return
        actions = self._step(RELEASE)
        if self.held is not None:
            self.held, self.phrase = None, self.phrase or "given up before it left"
            self.by, actions = "us", self._step(SILENCE)
        if self.state in {ABANDONED, CANCELLING, CLOSING} and self.by == "them":
            self.by, self.q850 = "us", q850
        self._do(actions, now_ns)

    def on_prack_refused(self, dialog: Dialog, code: int, now_ns: int) -> None:
        """RFC 3262 does not say what then: the early dialog is lost, another one may go on."""
        if self.state == EARLY and list(self.branches.dialogs.values()) == [dialog]:
            self.by = "us"
            self.phrase = f"our PRACK was refused with {code}" if code else "no reply to our PRACK"
            self._do(self._step(RELEASE), now_ns)

    def on_bye(self, q850: int, now_ns: int) -> None:
        """The peer hung up."""
        if self.state in {OFFERED, UP}:
            self.by, self.q850 = "them", q850
        elif self.state in {CALLING, EARLY}:
            self.phrase, self.q850 = "hung up before it answered (BYE)", q850
        if self.state == OFFERED:
            self._close_offer(BYE, b"", now_ns)
        else:
            self._do(self._step(BYE), now_ns)

    def on_bye_done(self) -> None:
        """Our BYE is through."""
        self._do(self._step(CLOSED), 0)
