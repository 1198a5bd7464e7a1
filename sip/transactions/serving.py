"""The server half of the transaction layer (RFC 3261 section 17.2), and what both halves share."""

from __future__ import annotations

import hashlib
import random

from fastpath.sipscan import Message
from fastpath.wheel import Wheel
from sip.events import Address, AnyOutput, Send
from sip.limits import SERVER_TRANSACTIONS_MAX, T1, T2, TIMEOUT, TIMER_I
from sip.messages.message import reply_target, response
from sip.transactions import server_invite as si
from sip.transactions import server_other as so
from sip.transactions.server_invite import ServerInvite
from sip.transactions.server_other import ServerOther
from sip.transport.local import Identity, Reach

TOKEN_DIGITS = 16
POOL_DIGITS = 128 * TOKEN_DIGITS
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


class Serving:
    """Outputs, timers and counters of the layer; the requests that came and our answers to them."""

    __slots__ = (
        "_digits",
        "_secret",
        "_spent",
        "count",
        "identities",
        "merges",
        "out",
        "reach",
        "rng",
        "server_invites",
        "server_others",
        "timers",
    )

    def __init__(self, identities: tuple[Identity, ...], rng: random.Random) -> None:
        self.identities = identities
        self.reach = Reach(identity.local for identity in identities)
        self.rng = rng
        self.timers = Wheel()
        self.out: list[AnyOutput] = []
        self.count = dict.fromkeys(COUNTERS, 0)
        self.server_invites: dict[bytes, ServerInvite] = {}
        self.server_others: dict[tuple[bytes, str], ServerOther] = {}
        self.merges: dict[tuple[bytes, bytes, int], bytes] = {}
        self._digits = b""
        self._spent = POOL_DIGITS
        self._secret = rng.getrandbits(128).to_bytes(16, "big")

    def reply_target(self, message: Message, source: Address) -> Address:
        """Where the responses to a request from `source` go."""
        return reply_target(message, source, self.identities[source[2]].reliable)

    def linger(self, target: Address, ns: int) -> int:
        """How long what is over still absorbs repetitions: not at all over a reliable transport."""
        return 0 if self.identities[target[2]].reliable else ns

    def first(self, target: Address) -> int:
        """The first retransmission interval; over a reliable transport there is none (17.1.1.2)."""
        return TIMEOUT if self.identities[target[2]].reliable else T1

    # what leaves

    def token(self) -> bytes:
        """64 random bits as hexadecimal digits, for tags and branches."""
        at = self._spent
        if at >= POOL_DIGITS:
            # The system's randomness is a call into the kernel: one for many tokens.
            drawn = self.rng.getrandbits(4 * POOL_DIGITS)
            self._digits = drawn.to_bytes(POOL_DIGITS // 2, "big").hex().encode()
            at = 0
        self._spent = at + TOKEN_DIGITS
        return self._digits[at : at + TOKEN_DIGITS]

    def branch(self) -> bytes:
        """A new branch parameter (8.1.1.7)."""
        return b"z9hG4bK" + self.token()

    def send(self, data: bytes, target: Address) -> None:
        """A first transmission."""
        self.count["sent"] += 1
        self.out.append(Send(data, target))

    def resend(self, data: bytes, target: Address) -> None:
        """A repetition."""
        self.count["resent"] += 1
        self.out.append(Send(data, target))

    # servers

    def full(self) -> bool:
        """Whether no further request can be given a transaction."""
        return len(self.server_invites) + len(self.server_others) >= SERVER_TRANSACTIONS_MAX

    def repeated(self, method: str, key: bytes, now_ns: int) -> bool:
        """Whether a request belongs to a transaction that lives (17.2.3).

        Then it has been dealt with.
        """
        if method in {"INVITE", "ACK"}:
            tx = self.server_invites.get(key)
            if tx is None:
                return False
            if method == "INVITE":
                if tx.step(si.REPEATED) & si.RESEND:
                    if tx.response:
                        self.resend(tx.response, tx.target)
                    else:
                        self.respond(tx, 100, now_ns)
                return True
            if tx.state == si.ACCEPTED:
                return (
                    False  # an ACK of a 2xx on the INVITE's branch (RFC 2543, aiosip): the dialog's
                )
            if tx.step(si.ACKED) & si.START_I:
                self.timers.arm(tx, now_ns + self.linger(tx.target, TIMER_I))
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
        target = self.reply_target(message, source)
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
        if code >= 200:
            tx.head = b""
        if actions & si.START_G:
            tx.interval_ns = T1
            tx.give_up_ns = now_ns + TIMEOUT
            self.timers.arm(tx, now_ns + self.first(tx.target))
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

    def answer(
        self,
        message: Message,
        key: bytes,
        source: Address,
        code: int,
        now_ns: int,
        extra: bytes = b"",
        to: bytes = b"",
        sdp: bytes = b"",
    ) -> None:
        """Answer a request other than INVITE, and keep the answer for its repetitions."""
        tx = ServerOther(self, (key, message.method), self.reply_target(message, source))
        self.server_others[tx.key] = tx
        tx.response = self._reply(message, source, code, extra, "", to, sdp)
        self._answered(tx, now_ns)

    def hold(self, message: Message, key: bytes, source: Address) -> ServerOther:
        """Keep a request that is answered later, by `settle`: nobody hears its repetitions."""
        tx = ServerOther(self, (key, message.method), self.reply_target(message, source))
        self.server_others[tx.key] = tx
        return tx

    def settle(
        self,
        tx: ServerOther,
        message: Message,
        source: Address,
        code: int,
        now_ns: int,
        extra: bytes = b"",
    ) -> None:
        """Answer what was held."""
        tx.response = self._reply(message, source, code, extra)
        self._answered(tx, now_ns)

    def _answered(self, tx: ServerOther, now_ns: int) -> None:
        if tx.step(so.FINAL) & so.START_J:
            self.timers.arm(tx, now_ns + self.linger(tx.target, TIMEOUT))
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
        self.send(
            self._reply(message, source, code, extra, phrase), self.reply_target(message, source)
        )

    def _reply(
        self,
        message: Message,
        source: Address,
        code: int,
        extra: bytes = b"",
        phrase: str = "",
        to: bytes = b"",
        sdp: bytes = b"",
    ) -> bytes:
        given = bool(to)
        to = to or message.to_value
        if not given and not message.to_tag:
            what = message.call_id + b"|" + message.branch
            tag = hashlib.blake2b(what, digest_size=8, key=self._secret).hexdigest()
            to = b"%b;tag=%b" % (to, tag.encode())
        head = message.reply_head(source[0].encode(), source[1])
        return response(code, head, to, extra, sdp, phrase)
