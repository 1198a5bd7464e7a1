"""We change a session (RFC 3261 section 14.1, RFC 3311): our re-INVITE or UPDATE, and glare.

One request of ours that changes or refreshes the session is on its way at a time, and none while an
INVITE of the peer is open. What the peer refuses leaves the session as it is (14.1). UPDATE is the
way before the call is answered, and for refreshes (RFC 4028) when the peer knows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fastpath.sipscan import Message
from fastpath.wheel import Timer
from sip.calls import session_timer
from sip.calls.dialog import Dialog
from sip.calls.within import Within
from sip.events import Address, Modified, ModifyFailed, Renegotiated
from sip.limits import FORKS_MAX, GLARES_MAX, MS, NEVER, SECOND, SESSION_RETRIES_MAX
from sip.messages.message import sdp_of
from sip.transactions.client_invite import PROCEEDING, ClientInvite

if TYPE_CHECKING:
    from sip.calls.leg import Leg

STATES = ("idle", "asking", "waiting", "over")
IDLE, ASKING, WAITING, OVER = range(4)

EVENTS = (
    "ask",
    "not now",
    "2xx",
    "491",
    "to be sent again",
    "refused",
    "lost",
    "time",
    "leg ended",
)
ASK, BUSY, TAKEN, GLARE, AGAIN, REFUSED, LOST, TIME, END = range(9)

SEND = 1
TELL = 2  # the outcome
NEXT = 4  # what has been asked in the meantime
WAIT = 8

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (IDLE, ASK): (ASKING, SEND),
    (IDLE, BUSY): (WAITING, 0),
    (ASKING, TAKEN): (IDLE, TELL | NEXT),
    (ASKING, GLARE): (WAITING, WAIT),
    (ASKING, AGAIN): (ASKING, SEND),
    (ASKING, REFUSED): (IDLE, TELL | NEXT),
    (ASKING, LOST): (OVER, TELL),
    (WAITING, TIME): (ASKING, SEND),
    (WAITING, REFUSED): (IDLE, TELL | NEXT),
    (IDLE, END): (OVER, 0),
    (ASKING, END): (OVER, 0),
    (WAITING, END): (OVER, 0),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(4))

BACK_OFF_MS = 10  # 14.1: the unit of the random wait after a glare


class Wish(msgspec.Struct, frozen=True):
    """What is to be asked: an offer, or (without `sdp`) that the session goes on as it is."""

    sdp: bytes
    update: bool


class Modifier(Timer):
    """The requests of one leg that change or refresh its session."""

    __slots__ = (
        "acks",
        "asked",
        "by_update",
        "dialog",
        "glares",
        "layer",
        "leg",
        "next",
        "raised",
        "said",
        "state",
        "tx",
        "wish",
    )

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        self.layer = leg.layer
        self.state = IDLE
        self.wish: Wish | None = None
        self.next: Wish | None = None
        self.by_update = False
        self.dialog: Dialog | None = None
        self.tx: ClientInvite | None = None
        self.asked: Within | None = None
        self.glares = 0
        self.raised = 0
        self.said = b""  # credentials of the last re-INVITE: its ACK says them again (13.2.2.4)
        self.acks: dict[bytes, tuple[bytes, Address]] = {}

    def _step(self, event: int) -> int:
        self.state, actions = ROWS[self.state][event]
        return actions

    # what is asked

    def ask(self, offer: bytes, now_ns: int, *, update: bool) -> None:
        """Offer; a later offer takes the place of one that waits for its turn."""
        wish = Wish(offer, update)
        if self.state == IDLE:
            self._begin(wish, now_ns)
            return
        if self.next is not None and self.next.sdp:
            self.layer.out.append(ModifyFailed(self.leg.number, 0))
        self.next = wish

    def refresh(self, now_ns: int) -> bool:
        """Refresh the session; False when something is under way that does it, or will."""
        if self.state != IDLE:
            return False
        self._begin(Wish(b"", self.leg.peer_updates), now_ns)
        return True

    def _begin(self, wish: Wish, now_ns: int) -> None:
        self.wish, self.by_update = wish, wish.update
        self.glares = self.raised = 0
        if self.leg.negotiable() is None:
            self._step(BUSY)
            if not self.leg.confirmed():
                self._finish(REFUSED, 0, None, now_ns)  # nothing to wait for
        elif self._step(ASK) & SEND:
            self._send(now_ns)

    def free(self, now_ns: int) -> None:
        """An INVITE of the peer is through: what waits for that may go."""
        if self.state == WAITING and self.due_ns == NEVER:
            self.tick(now_ns)

    def tick(self, now_ns: int) -> None:
        """The back-off after a glare is over."""
        ready = self.state == WAITING and self.leg.negotiable() is not None
        if ready and self._step(TIME) & SEND:
            self._send(now_ns)

    @property
    def offering(self) -> bool:
        """Whether an offer of ours, or an INVITE, has no answer yet."""
        wish = self.wish
        return self.state == ASKING and wish is not None and (bool(wish.sdp) or not self.by_update)

    @property
    def inviting(self) -> bool:
        """Whether a re-INVITE of ours has no final answer yet."""
        return self.state == ASKING and not self.by_update

    def stop(self) -> None:
        """The leg is over; what is on its way is only acknowledged."""
        self._step(END)
        self.layer.timers.arm(self, NEVER)

    # what is sent

    def _send(self, now_ns: int, credentials: bytes | None = None) -> None:
        leg, wish = self.leg, self.wish
        dialog = self.dialog = leg.negotiable()
        if dialog is None or wish is None:
            self._finish(REFUSED, 0, None, now_ns)
            return
        if not leg.established():
            self.by_update = True
        lines = leg.contact_lines(dialog)
        if leg.session is not None:
            lines += leg.session.lines()
        if self.by_update:
            self.asked = Within(leg, dialog, "UPDATE", self, lines, wish.sdp)
            self.asked.send(now_ns)
            return
        if credentials is None:
            credentials = leg.foresee("INVITE", dialog.target)
        self.said = credentials
        branch = self.layer.branch()
        data = dialog.build(
            self.layer.identities,
            b"INVITE",
            branch,
            dialog.next_cseq(),
            lines + credentials,
            wish.sdp or leg.sdp,
        )
        self.tx = self.layer.invite(self, branch, data, dialog.next_hop, now_ns)

    # what comes back

    def on_invite_response(
        self,
        tx: ClientInvite,
        message: Message,
        source: Address,  # noqa: ARG002
        now_ns: int,
    ) -> None:
        """The answer to a re-INVITE."""
        status = message.status
        if status < 200 or self.dialog is None:
            return
        if status < 300 and not self._acknowledge(tx, message):
            return
        if tx is not self.tx or self.state != ASKING:
            return
        if status in {401, 407}:
            line = self.leg.authorize(message, "INVITE", self.dialog.target)
            if line and self._step(AGAIN) & SEND:
                self._send(now_ns, line)
                return
        self._judge(status, message, now_ns)

    def _acknowledge(self, tx: ClientInvite, message: Message) -> bool:
        """ACK a 2xx, again when it is repeated; whether it is the first."""
        known = self.acks.get(tx.branch)
        if known is not None:
            self.layer.resend(*known)
            return False
        dialog = self.dialog
        if dialog is None or message.to_tag != dialog.remote_tag:
            self.layer.count["stray"] += 1
            return False
        self.leg.follow(dialog, message.contact_uri)
        layer = self.layer
        ack = dialog.build(layer.identities, b"ACK", layer.branch(), message.cseq, self.said)
        if len(self.acks) >= FORKS_MAX:
            del self.acks[next(iter(self.acks))]
        self.acks[tx.branch] = ack, dialog.next_hop
        self.layer.send(ack, dialog.next_hop)
        return True

    def on_invite_failure(self, tx: ClientInvite, phrase: str, now_ns: int) -> None:  # noqa: ARG002
        """Nobody answered a re-INVITE, or it is only being worked on for too long."""
        if tx.state == PROCEEDING and not tx.cancelled:
            self.layer.cancel(tx, b"", now_ns)
            return
        if tx.state == PROCEEDING:
            self.layer.forget(tx)
        if tx is self.tx and self.state == ASKING:
            self._judge(0, None, now_ns)
            self.leg.lost(now_ns)

    def on_done(self, asked: Within, code: int, message: Message | None, now_ns: int) -> None:
        """The end of an UPDATE."""
        if asked is not self.asked or self.state != ASKING:
            return
        if message is not None and 200 <= code < 300:
            self.leg.follow(asked.dialog, message.contact_uri)
        self._judge(code, message, now_ns)

    def _judge(self, code: int, message: Message | None, now_ns: int) -> None:
        """What a final response means for the wish."""
        if message is None or code in {408, 481}:
            self._finish(LOST, code, None, now_ns)
            if code and not self.by_update:
                self.leg.lost(now_ns)  # for an UPDATE its `Within` does this
        elif code < 300:
            self._finish(TAKEN, code, message, now_ns)
        elif code == 491 or (code == 500 and 0 <= message.retry_after <= 10):
            self._glare(code, message, now_ns)
        elif code == 422 and self._longer(message):
            if self._step(AGAIN) & SEND:
                self._send(now_ns)
        elif code in {405, 501} and self.by_update and self.leg.established():
            self.leg.peer_updates = self.by_update = False
            if self._step(AGAIN) & SEND:
                self._send(now_ns)
        else:
            self._finish(REFUSED, code, message, now_ns)

    def _glare(self, code: int, message: Message, now_ns: int) -> None:
        """14.1: both sides asked at once; who owns the Call-ID waits longer.

        A 500 with Retry-After is the same collision, seen by a peer who asked first (14.2).
        """
        self.glares += 1
        if self.glares > GLARES_MAX:
            self._finish(REFUSED, code, message, now_ns)
            return
        if code == 500:
            wait_ns = max(1, message.retry_after) * SECOND
        else:
            first, end = (210, 401) if self.leg.caller else (0, 201)
            units = self.layer.rng.randrange(first, end)
            wait_ns = units * BACK_OFF_MS * MS
        if self._step(GLARE) & WAIT:
            self.layer.timers.arm(self, now_ns + wait_ns)

    def _longer(self, message: Message) -> bool:
        """RFC 4028 section 7.3: ask for the session length that the 422 names."""
        session, floor_s = self.leg.session, session_timer.min_se(message)
        if session is None or self.raised >= SESSION_RETRIES_MAX or floor_s <= session.interval_s:
            return False
        self.raised += 1
        session.interval_s = session.min_s = floor_s
        return True

    def _finish(self, event: int, code: int, message: Message | None, now_ns: int) -> None:
        """Tell how it went, and go on with what was asked in the meantime."""
        wish, leg = self.wish, self.leg
        actions = self._step(event)
        if not actions & TELL or wish is None:
            return
        self.wish = None
        if event == TAKEN and message is not None:
            self._take(wish, message, now_ns)
        elif wish.sdp:
            self.layer.out.append(ModifyFailed(leg.number, code))
        elif leg.session is not None:
            leg.peer_updates = False  # what allows UPDATE and refuses one gets a re-INVITE
            leg.session.again(now_ns)
        if actions & NEXT and self.next is not None:
            following, self.next = self.next, None
            self._begin(following, now_ns)

    def _take(self, wish: Wish, message: Message, now_ns: int) -> None:
        leg = self.leg
        if wish.sdp:
            leg.describe(wish.sdp, offer=True)
        session_timer.granted(leg, message, now_ns)
        body = sdp_of(message)
        if self.dialog is not None and body:
            leg.described(self.dialog, body)
        if wish.sdp:
            self.layer.out.append(Modified(leg.number, body))
        elif body:
            self.layer.out.append(Renegotiated(leg.number, body))
