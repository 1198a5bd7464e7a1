"""The transaction layer (RFC 3261 section 17): matches what comes to what was sent, repeats, gives up.

It owns the four tables, the timers and the outputs. Users above it (the legs) hear of responses and of failures;
they never see a repetition, except of a 2xx to an INVITE, which is theirs to acknowledge (13.2.2.4).
"""

from __future__ import annotations

import hashlib
import random
from typing import Protocol

from fastpath.sipscan import Message
from sip import client_invite as ci
from sip import client_other as co
from sip import server_invite as si
from sip import server_other as so
from sip.client_invite import ClientInvite
from sip.client_other import ClientOther
from sip.events import Address, AnyOutput, Send
from sip.limits import (
    NEVER,
    RINGING_MAX,
    SERVER_TRANSACTIONS_MAX,
    T1,
    T2,
    TIMEOUT,
    TIMER_D,
    TIMER_I,
    TIMER_K,
)
from sip.message import Identity, acknowledge, cancel, reply_target, response
from sip.server_invite import ServerInvite
from sip.server_other import ServerOther
from sip.timers import Timers

COUNTERS = (
    "received",
    "keepalives",
    "malformed",
    "stray",
    "sent",
    "resent",
    "timeouts",
    "unreachable",
    "refused",
    "overload",
)


class InviteUser(Protocol):
    """Who sent an INVITE."""

    def on_invite_response(
        self, tx: ClientInvite, message: Message, source: Address, now_ns: int
    ) -> None:
        """A response, each 2xx again when it is repeated."""

    def on_invite_failure(self, tx: ClientInvite, phrase: str, now_ns: int) -> None:
        """No answer came. The transaction is over, except in proceeding: there it only rang too long."""


class OtherUser(Protocol):
    """Who sent another request."""

    def on_other_response(self, tx: ClientOther, message: Message, now_ns: int) -> None:
        """The final response."""

    def on_other_failure(self, tx: ClientOther, now_ns: int) -> None:
        """None came."""


class Transactions:
    """See the module's text."""

    __slots__ = (
        "_secret",
        "client_invites",
        "client_others",
        "count",
        "identity",
        "merges",
        "out",
        "rng",
        "server_invites",
        "server_others",
        "timers",
    )

    def __init__(self, identity: Identity, rng: random.Random) -> None:
        self.identity = identity
        self.rng = rng
        self.timers = Timers()
        self.out: list[AnyOutput] = []
        self.count = dict.fromkeys(COUNTERS, 0)
        self.client_invites: dict[bytes, ClientInvite] = {}
        self.client_others: dict[tuple[bytes, str], ClientOther] = {}
        self.server_invites: dict[bytes, ServerInvite] = {}
        self.server_others: dict[tuple[bytes, str], ServerOther] = {}
        self.merges: dict[tuple[bytes, bytes, int], bytes] = {}
        self._secret = rng.getrandbits(128).to_bytes(16, "big")

    # what leaves

    def token(self) -> bytes:
        """64 random bits, for tags and branches."""
        return b"%016x" % self.rng.getrandbits(64)

    def branch(self) -> bytes:
        """A new branch parameter (8.1.1.7)."""
        return b"z9hG4bK%016x" % self.rng.getrandbits(64)

    def send(self, data: bytes, target: Address) -> None:
        """A first transmission."""
        self.count["sent"] += 1
        self.out.append(Send(data, target))

    def resend(self, data: bytes, target: Address) -> None:
        """A repetition."""
        self.count["resent"] += 1
        self.out.append(Send(data, target))

    # clients

    def invite(
        self, user: InviteUser, branch: bytes, request: bytes, target: Address, now_ns: int
    ) -> ClientInvite:
        """Send an INVITE (17.1.1.2)."""
        tx = ClientInvite(self, user, branch, request, target)
        self.client_invites[branch] = tx
        tx.interval_ns = T1
        tx.give_up_ns = now_ns + TIMEOUT
        self.timers.arm(tx, now_ns + T1)
        self.send(request, target)
        return tx

    def cancel(self, tx: ClientInvite, extra: bytes, now_ns: int) -> None:
        """CANCEL an INVITE that has had a provisional response; then the INVITE's end comes within 64*T1 (9.1)."""
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
        self.timers.arm(tx, now_ns + T1)
        self.send(request, target)
        return tx

    def forget(self, tx: ClientInvite) -> None:
        """Its user gave up on it."""
        tx.state = ci.TERMINATED
        self.client_invites.pop(tx.branch, None)

    def receive_response(self, message: Message, source: Address, now_ns: int) -> None:
        """Match a response to what it answers (17.1.3); one that answers nothing is dropped (18.1.2)."""
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
            self.timers.arm(tx, now_ns + TIMER_D)
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
        if actions & ci.FAIL:
            self.count["timeouts"] += 1
            tx.user.on_invite_failure(tx, "no reply", now_ns)

    def _other_response(self, tx: ClientOther, message: Message, now_ns: int) -> None:
        actions = tx.step(co.PROVISIONAL if message.status < 200 else co.FINAL)
        if actions & co.START_K:
            tx.request = b""
            self.timers.arm(tx, now_ns + TIMER_K)
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
            if tx.user is not None:
                tx.user.on_other_failure(tx, now_ns)

    def unreachable(self, target: Address, now_ns: int) -> None:
        """The network says that nobody listens there: requests that heard nothing from it fail now (18.4)."""
        invites = [
            tx
            for tx in self.client_invites.values()
            if tx.target == target and tx.state == ci.CALLING
        ]
        others = [
            tx
            for tx in self.client_others.values()
            if tx.target == target and tx.state == co.TRYING
        ]
        for tx in invites:
            if tx.step(ci.UNREACHABLE) & ci.FAIL:
                self.forget(tx)
                self.timers.arm(tx, NEVER)
                self.count["unreachable"] += 1
                tx.user.on_invite_failure(tx, "unreachable", now_ns)
        for other in others:
            if other.step(co.UNREACHABLE) & co.FAIL:
                self.client_others.pop(other.key, None)
                self.timers.arm(other, NEVER)
                self.count["unreachable"] += 1
                if other.user is not None:
                    other.user.on_other_failure(other, now_ns)

    # servers

    def full(self) -> bool:
        """Whether a request can still be given a transaction."""
        return len(self.server_invites) + len(self.server_others) >= SERVER_TRANSACTIONS_MAX

    def repeated(self, method: str, key: bytes, now_ns: int) -> bool:
        """Whether a request belongs to a transaction that lives (17.2.3); then it has been dealt with."""
        if method in {"INVITE", "ACK"}:
            tx = self.server_invites.get(key)
            if tx is None:
                return False
            if method == "INVITE":
                if tx.step(si.REPEATED) & si.RESEND and tx.response:
                    self.resend(tx.response, tx.target)
                return True
            if tx.state == si.ACCEPTED:
                return (
                    False  # an ACK of a 2xx on the INVITE's branch (RFC 2543, aiosip): the dialog's
                )
            if tx.step(si.ACKED) & si.START_I:
                self.timers.arm(tx, now_ns + TIMER_I)
            return True
        other = self.server_others.get((key, method))
        if other is None:
            return False
        if other.step(so.REPEATED) & so.RESEND:
            self.resend(other.response, other.target)
        return True

    def serve_invite(
        self, message: Message, key: bytes, tag: bytes, source: Address
    ) -> ServerInvite:
        """A transaction for a new INVITE; `tag` is ours, empty inside a dialog."""
        target = reply_target(message, source)
        tx = ServerInvite(self, key, (message.call_id, message.from_tag, message.cseq))
        tx.head = message.reply_head(source[0].encode(), source[1])
        tx.to = message.to_value + (b";tag=" + tag if tag else b"")
        tx.target = target
        self.server_invites[key] = tx
        self.merges[tx.merge] = key
        return tx

    def respond(
        self,
        tx: ServerInvite,
        code: int,
        now_ns: int,
        extra: bytes = b"",
        sdp: bytes = b"",
        phrase: str = "",
    ) -> None:
        """Answer an INVITE."""
        event = si.PROVISIONAL if code < 200 else si.ACCEPT if code < 300 else si.REFUSE
        actions = tx.step(event)
        if not actions & si.SEND:
            return
        tx.response = response(code, tx.head, tx.to, extra, sdp, phrase)
        self.send(tx.response, tx.target)
        if actions & si.START_G:
            tx.interval_ns = T1
            tx.give_up_ns = now_ns + TIMEOUT
            self.timers.arm(tx, now_ns + T1)
        elif actions & si.START_L:
            self.timers.arm(tx, now_ns + TIMEOUT)

    def served_tick(self, tx: ServerInvite, now_ns: int) -> None:
        """A timer of an INVITE server transaction."""
        actions = tx.step(tx.timer(now_ns))
        if actions & si.RESEND:
            tx.interval_ns = min(2 * tx.interval_ns, T2)
            self.timers.arm(tx, min(now_ns + tx.interval_ns, tx.give_up_ns))
            self.resend(tx.response, tx.target)
        if actions & si.FAIL:
            self.count["timeouts"] += 1
        if tx.state == si.TERMINATED:
            self.server_invites.pop(tx.key, None)
            self.merges.pop(tx.merge, None)

    def answer(  # noqa: PLR0913, PLR0917
        self,
        message: Message,
        key: bytes,
        source: Address,
        code: int,
        now_ns: int,
        extra: bytes = b"",
        to: bytes = b"",
    ) -> None:
        """Answer a request other than INVITE, and keep the answer for its repetitions."""
        tx = ServerOther(self, (key, message.method), reply_target(message, source))
        tx.response = self._reply(message, source, code, extra, "", to)
        if tx.step(so.FINAL) & so.START_J:
            self.server_others[tx.key] = tx
            self.timers.arm(tx, now_ns + TIMEOUT)
        self.send(tx.response, tx.target)

    def served_other_tick(self, tx: ServerOther) -> None:
        """Timer J."""
        tx.step(so.TIMER_J)
        self.server_others.pop(tx.key, None)

    def refuse(
        self, message: Message, source: Address, code: int, extra: bytes = b"", phrase: str = ""
    ) -> None:
        """Answer without keeping anything; a repetition gets the same answer (8.2.7)."""
        self.count["refused"] += 1
        self.send(self._reply(message, source, code, extra, phrase), reply_target(message, source))

    def _reply(  # noqa: PLR0913, PLR0917
        self,
        message: Message,
        source: Address,
        code: int,
        extra: bytes = b"",
        phrase: str = "",
        to: bytes = b"",
    ) -> bytes:
        given = bool(to)
        to = to or message.to_value
        if not given and not message.to_tag:
            what = message.call_id + b"|" + message.branch
            tag = hashlib.blake2b(what, digest_size=8, key=self._secret).hexdigest()
            to = b"%b;tag=%b" % (to, tag.encode())
        head = message.reply_head(source[0].encode(), source[1])
        return response(code, head, to, extra, b"", phrase)

    def sizes(self) -> dict[str, int]:
        """How many of each live now."""
        return {
            "client_invites": len(self.client_invites),
            "client_others": len(self.client_others),
            "server_invites": len(self.server_invites),
            "server_others": len(self.server_others),
            "timers": len(self.timers),
        }
