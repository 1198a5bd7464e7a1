"""The transaction layer (RFC 3261 section 17).

Matches what comes to what was sent, repeats, gives up.

It owns the four tables, the timers and the outputs. Users above it (the legs) hear of responses and
of failures; they never see a repetition, except of a 2xx to an INVITE, which is theirs to
acknowledge (13.2.2.4).
"""

from __future__ import annotations

import random
from typing import Protocol

from fastpath.sipscan import Message
from sip.events import Address
from sip.limits import NEVER, RINGING_MAX, T1, T2, TIMEOUT, TIMER_D, TIMER_K
from sip.messages.message import acknowledge, cancel
from sip.transactions import client_invite as ci
from sip.transactions import client_other as co
from sip.transactions.client_invite import ClientInvite
from sip.transactions.client_other import ClientOther
from sip.transactions.serving import Serving
from sip.transport.local import Identity


class InviteUser(Protocol):
    """Who sent an INVITE."""

    def on_invite_response(
        self, tx: ClientInvite, message: Message, source: Address, now_ns: int
    ) -> None:
        """A response, each 2xx again when it is repeated."""

    def on_invite_failure(self, tx: ClientInvite, phrase: str, now_ns: int) -> None:
        """No answer came. The transaction is over, except in proceeding.

        There it only rang too long.
        """


class OtherUser(Protocol):
    """Who sent another request."""

    def on_other_response(self, tx: ClientOther, message: Message, now_ns: int) -> None:
        """The final response."""

    def on_other_failure(self, tx: ClientOther, now_ns: int) -> None:
        """None came."""


class Transactions(Serving):
    """See the module's text."""

    __slots__ = ("client_invites", "client_others")

    def __init__(self, identities: tuple[Identity, ...], rng: random.Random) -> None:
        super().__init__(identities, rng)
        self.client_invites: dict[bytes, ClientInvite] = {}
        self.client_others: dict[tuple[bytes, str], ClientOther] = {}

    def invite(
        self, user: InviteUser, branch: bytes, request: bytes, target: Address, now_ns: int
    ) -> ClientInvite:
        """Send an INVITE (17.1.1.2)."""
        tx = ClientInvite(self, user, branch, request, target)
        self.client_invites[branch] = tx
        tx.interval_ns = T1
        tx.give_up_ns = now_ns + TIMEOUT
        self.timers.arm(tx, now_ns + self.first(target))
        self.send(request, target)
        return tx

    def cancel(self, tx: ClientInvite, extra: bytes, now_ns: int) -> None:
        """CANCEL an INVITE that has had a provisional response.

        Then the INVITE's end comes within 64*T1 (9.1).
        """
        if tx.cancelled:
            return
        tx.cancelled = True
        self.request(None, (tx.branch, "CANCEL"), cancel(tx.request, extra), tx.target, now_ns)
        tx.give_up_ns = now_ns + TIMEOUT
        self.timers.arm(tx, tx.give_up_ns)

    def request(
        self,
        user: OtherUser | None,
        key: tuple[bytes, str],
        request: bytes,
        target: Address,
        now_ns: int,
    ) -> ClientOther:
        """Send another request; `key` is its branch and method (17.1.2.2)."""
        tx = ClientOther(self, user, key, request, target)
        self.client_others[key] = tx
        tx.interval_ns = T1
        tx.give_up_ns = now_ns + TIMEOUT
        self.timers.arm(tx, now_ns + self.first(target))
        self.send(request, target)
        return tx

    def forget(self, tx: ClientInvite) -> None:
        """Its user gave up on it."""
        tx.state = ci.TERMINATED
        self.client_invites.pop(tx.branch, None)

    def asked(self, message: Message) -> bool:
        """Whether a response answers a request of ours that is not forgotten yet (17.1.3).

        Nobody else can know its branch: 64 random bits.
        """
        branch = message.branch
        return branch in self.client_invites or (branch, message.method) in self.client_others

    def receive_response(self, message: Message, source: Address, now_ns: int) -> None:
        """Match a response to what it answers (17.1.3).

        One that answers nothing is dropped (18.1.2).
        """
        method = message.method
        if message.vias != 1:
            self.count["stray"] += 1  # 8.1.3.3: it was not meant for us
        elif method == "INVITE":
            tx = self.client_invites.get(message.branch)
            if tx is None:
                self.count["stray"] += 1
            else:
                self._invite_response(tx, message, source, now_ns)
        else:
            other = self.client_others.get((message.branch, method))
            if other is None:
                self.count["stray"] += 1
            else:
                self._other_response(other, message, now_ns)

    def _invite_response(
        self, tx: ClientInvite, message: Message, source: Address, now_ns: int
    ) -> None:
        status = message.status
        actions = tx.step(
            ci.PROVISIONAL if status < 200 else ci.ACCEPT if status < 300 else ci.REFUSE
        )
        if actions & ci.ACK:
            if not tx.ack:
                tx.ack = acknowledge(tx.request, message.to_value)
                tx.request = b""
            self.send(tx.ack, tx.target)
        if actions & ci.START_B:
            tx.give_up_ns = now_ns + RINGING_MAX
            self.timers.arm(tx, tx.give_up_ns)
        elif actions & ci.START_D:
            self.timers.arm(tx, now_ns + self.linger(tx.target, TIMER_D))
        elif actions & ci.START_M:
            tx.request = b""
            self.timers.arm(tx, now_ns + TIMEOUT)
        if actions & ci.TELL:
            tx.user.on_invite_response(tx, message, source, now_ns)

    def invite_tick(self, tx: ClientInvite, now_ns: int) -> None:
        """A timer of an INVITE client transaction."""
        actions = tx.step(tx.timer(now_ns))
        if actions & ci.RESEND:
            tx.interval_ns *= 2
            self.timers.arm(tx, min(now_ns + tx.interval_ns, tx.give_up_ns))
            self.resend(tx.request, tx.target)
        if tx.state == ci.TERMINATED:
            self.client_invites.pop(tx.branch, None)
        elif actions & ci.START_M:
            self.timers.arm(tx, now_ns + TIMEOUT)
        if actions & ci.FAIL:
            self.count["timeouts"] += 1
            if tx.state == ci.TERMINATED:
                self.reach.gave_up(tx.target)
            tx.user.on_invite_failure(tx, "no reply", now_ns)

    def _other_response(self, tx: ClientOther, message: Message, now_ns: int) -> None:
        actions = tx.step(co.PROVISIONAL if message.status < 200 else co.FINAL)
        if actions & co.START_K:
            tx.request = b""
            self.timers.arm(tx, now_ns + self.linger(tx.target, TIMER_K))
        if actions & co.TELL and tx.user is not None:
            tx.user.on_other_response(tx, message, now_ns)

    def other_tick(self, tx: ClientOther, now_ns: int) -> None:
        """A timer of a non-INVITE client transaction."""
        actions = tx.step(tx.timer(now_ns))
        if actions & co.RESEND:
            # 17.1.2.2: doubling up to T2, at T2 at once when a provisional came
            tx.interval_ns = T2 if tx.state == co.PROCEEDING else min(2 * tx.interval_ns, T2)
            self.timers.arm(tx, min(now_ns + tx.interval_ns, tx.give_up_ns))
            self.resend(tx.request, tx.target)
        if tx.state == co.TERMINATED:
            self.client_others.pop(tx.key, None)
        if actions & co.FAIL:
            self.count["timeouts"] += 1
            self.reach.gave_up(tx.target)
            if tx.user is not None:
                tx.user.on_other_failure(tx, now_ns)

    def unreachable(self, target: Address, now_ns: int, why: str = "unreachable") -> None:
        """The network says that nobody listens there.

        Requests that heard nothing from it fail now (18.4).
        """
        invites = [
            tx
            for tx in self.client_invites.values()
            if tx.target == target and tx.state == ci.CALLING
        ]
        others = [
            other
            for other in self.client_others.values()
            if other.target == target and other.state == co.TRYING
        ]
        for tx in invites:
            if tx.step(ci.UNREACHABLE) & ci.FAIL:
                self.forget(tx)
                self.timers.arm(tx, NEVER)
                self.count["unreachable"] += 1
                tx.user.on_invite_failure(tx, why, now_ns)
        for other in others:
            if other.step(co.UNREACHABLE) & co.FAIL:
                self.client_others.pop(other.key, None)
                self.timers.arm(other, NEVER)
                self.count["unreachable"] += 1
                if other.user is not None:
                    other.user.on_other_failure(other, now_ns)

    def sizes(self) -> dict[str, int]:
        """How many of each live now."""
        return {
            "client_invites": len(self.client_invites),
            "client_others": len(self.client_others),
            "server_invites": len(self.server_invites),
            "server_others": len(self.server_others),
            "timers": len(self.timers),
        }
