"""The user agent as one sans-IO machine: calls go in, datagrams and facts about legs come out.

Rules: `receive` never raises for what a peer sends; each leg gets exactly one `Ended`, its last
event; outputs are drained after every input. A leg is found by its number, and for the peer's
requests by our tag and the Call-ID.
"""

from __future__ import annotations

import random

from fastpath.sipscan import Message, ScanError, scan
from sip.accounts.admission import Admission
from sip.accounts.door import Door
from sip.accounts.kept import Accounts
from sip.accounts.registrar import Phones, Registrar
from sip.calls import cancel, refer
from sip.calls.incoming import Incoming
from sip.calls.journal import Keep
from sip.calls.leg import ABOUT_LINES, Leg
from sip.calls.objections import objection, unreadable
from sip.calls.outgoing import Outgoing
from sip.calls.referred import Referrals
from sip.errors import SipError
from sip.events import Account, Address, AnyOutput, Ask, Ended, Invite, Registration
from sip.limits import LEGS_MAX, SDP_MAX, SESSION_MIN_S
from sip.messages.causes import Reason, checked_q850, reason_lines
from sip.messages.headers import RETRY_LINE, text
from sip.messages.replaces import Replaces, find, judge
from sip.transactions.table import Transactions
from sip.transport.local import Identity, Local


class Endpoint:
    """A SIP user agent. `those` are its transports; an `Address` names one by its index.

    `rng` should be a `random.SystemRandom` outside tests. With `phones` it is the registrar of its
    transports on the telephones' side; `admission` says who is heard.
    """

    __slots__ = ("_incoming", "_legs", "_legs_max", "_tags", "accounts", "door", "layer",
                 "min_se_s", "referrals", "session_s")  # fmt: skip

    def __init__(
        self,
        *those: Local,
        rng: random.Random,
        user_agent: str = "dialerd",
        legs_max: int = LEGS_MAX,
        session_s: int = 0,
        min_se_s: int = SESSION_MIN_S,
        phones: Phones | None = None,
        admission: Admission | None = None,
    ) -> None:
        """`session_s`, `min_se_s`: RFC 4028 for calls to us; 0 leaves the wish to the caller."""
        text(user_agent, "user_agent")
        self.layer = Transactions(tuple(Identity(local, user_agent) for local in those), rng)
        self._legs_max = legs_max
        self.session_s = session_s
        self.min_se_s = min_se_s
        self._legs: dict[int, Outgoing | Incoming] = {}
        self._tags: dict[bytes, Outgoing | Incoming] = {}
        self.accounts = Accounts(self.layer)
        guarded = phones is not None or admission is not None
        self.door = Door(self.layer, phones, admission) if guarded else None
        self.referrals = Referrals()
        self._incoming = 0

    # calls of ours

    def invite(self, request: Invite, now_ns: int) -> Keep | None:
        """Begin a call; of one that is journaled, what is to be kept before `go_on`.

        SipError when a field of it cannot stand in a message, or the leg exists already.
        """
        if request.leg < 0 or request.leg in self._legs:
            raise SipError(f"leg {request.leg} is in use or negative")
        leg = Outgoing(self, request, self.layer.token())
        if len(self._legs) >= self._legs_max:
            self.layer.count["overload"] += 1
            self.layer.out.append(Ended(request.leg, 503, "too many legs", 0, "us", False))
            return None
        self._legs[leg.number] = leg
        self._tags[leg.tag] = leg
        return leg.call(now_ns)

    def go_on(self, leg: int, now_ns: int, *, kept: bool = True) -> None:
        """What a `Keep` that waits has told is kept; or it cannot be: then the leg is given up."""
        found = self._legs.get(leg)
        if isinstance(found, Outgoing):
            found.go_on(now_ns, kept=kept)

    def release(
        self, leg: int, now_ns: int, *, q850: int = 0, reasons: tuple[Reason, ...] = ()
    ) -> None:
        """Hang up in any state, with Reason headers (RFC 3326); nothing when it is gone already."""
        said = reason_lines(reasons) if reasons else b""
        found = self._legs.get(leg)
        if found is not None:
            found.said = found.said or said
            found.release(now_ns, checked_q850(q850) if q850 else 0)

    # requests outside of calls

    def ask(self, ask: Ask, now_ns: int) -> None:
        """Ask a server something; one `Told` answers. SipError: a bad field, a number in use."""
        self.accounts.ask(ask, now_ns)

    def register(self, account: Account, now_ns: int) -> None:
        """Register an account and keep it registered; `Registration` tells each change of state.

        One that is registered goes on with the new particulars. SipError: a bad field, too many.
        """
        self.accounts.register(account, now_ns)

    def unregister(self, name: str, now_ns: int) -> None:
        """Take an account's registration back; "off" is its last state. Nothing when it is gone."""
        self.accounts.unregister(name, now_ns)

    def registration(self, name: str) -> Registration | None:
        """An account's present state, None when there is none."""
        return self.accounts.shown(name)

    # telephones

    @property
    def registrar(self) -> Registrar | None:
        """Where the telephones are: `lookup`, `snapshot`, `restore`. None without `phones`."""
        return self.door.registrar if self.door is not None else None

    # calls to us

    def ring(
        self,
        leg: int,
        now_ns: int,
        code: int = 180,
        sdp: bytes | None = None,
        *,
        reliable: bool | None = None,
    ) -> None:
        """Answer provisionally, with early media when there is `sdp`.

        `reliable` has it acknowledged (RFC 3262) if the caller can; None: if the caller insists.
        """
        found = self._legs.get(leg)
        if isinstance(found, Incoming):
            found.ring(now_ns, code, sdp or b"", reliable=reliable)

    def line_of(self, leg: int) -> bytes:
        """A `Keep.line`, to be on disk before `accept`; empty when nobody calls on that leg."""
        found = self._legs.get(leg)
        return found.line() if isinstance(found, Incoming) else b""

    def accept(self, leg: int, sdp: bytes, now_ns: int) -> None:
        """Answer with 200."""
        found = self._legs.get(leg)
        if isinstance(found, Incoming):
            found.accept(sdp, now_ns)

    def reject(
        self,
        leg: int,
        code: int,
        now_ns: int,
        *,
        q850: int = 0,
        phrase: str = "",
        reasons: tuple[Reason, ...] = (),
    ) -> None:
        """Refuse with a 3xx-6xx, a Q.850 cause, further reasons and a phrase of one's own."""
        said = reason_lines(reasons)
        found = self._legs.get(leg)
        if isinstance(found, Incoming):
            found.said = found.said or said
            found.reject(code, now_ns, checked_q850(q850), text(phrase, "phrase"))

    # calls of either kind

    def acknowledge(self, leg: int, sdp: bytes, now_ns: int) -> None:
        """Answer the offer that `Offered` told, in the ACK or in a PRACK."""
        found = self._legs.get(leg)
        if isinstance(found, Outgoing):
            found.acknowledge(sdp, now_ns)

    def description(self, leg: int) -> bytes:
        """What we said last of our media, offer or answer; empty when there is none."""
        return self._legs[leg].sdp if leg in self._legs else b""

    def modify(self, leg: int, sdp: bytes, now_ns: int, *, update: bool = False) -> None:
        """Offer a new description (hold, another address); `Modified` or `ModifyFailed` tells.

        By re-INVITE, or with `update` by UPDATE, which is the only way before the call is answered.
        A collision with the peer's offer is retried by itself (14.1).
        """
        if not 0 < len(sdp) <= SDP_MAX:
            raise SipError("an offer must be given, and not too large")
        found = self._legs.get(leg)
        if found is not None:
            found.modify(sdp, now_ns, update=update)

    def digit(self, leg: int, digit: str, ms: int, now_ns: int) -> None:
        """Press a key by INFO; keys leave one after the other, in their order."""
        found = self._legs.get(leg)
        if found is not None:
            found.press(digit, ms, now_ns)

    # transfer

    def refer(
        self,
        leg: int,
        refer_to: str,
        now_ns: int,
        *,
        replaces: int | None = None,
        subscribe: bool = True,
    ) -> None:
        """Ask the peer to call the URI `refer_to` (RFC 3515); `ReferProgress` tells how it goes.

        With `replaces`, another leg of ours that is up, its call there takes that leg's place: an
        attended transfer; `refer_to` may then be empty, for the other leg's own address. Without
        `subscribe` the peer need not tell more than whether it will (RFC 4488). SipError when
        `refer_to` cannot be called. Nothing happens when the leg is gone.
        """
        found = self._legs.get(leg)
        if found is not None:
            other = None if replaces is None else self._legs.get(replaces)
            attended = replaces is not None
            refer.begin(found, refer_to, now_ns, other, attended=attended, subscribe=subscribe)

    def refer_answer(self, leg: int, code: int, now_ns: int) -> None:
        """Answer `ReferAsked`: any 2xx takes it, which is then told by `refer_notify`."""
        asked = self.referrals.get(leg)
        if asked is not None:
            asked.answer(code, now_ns)

    def refer_notify(
        self, leg: int, code: int, now_ns: int, *, final: bool | None = None, phrase: str = ""
    ) -> None:
        """Tell the peer how the call goes that it asked for; it may have hung up meanwhile.

        `final` ends it, by default with any final status. A subscription that is never ended ends
        by itself after six minutes.
        """
        asked = self.referrals.get(leg)
        if asked is not None:
            ends = code >= 200 if final is None else final
            asked.tell(code, now_ns, final=ends, phrase=phrase)

    def named(self, wanted: Replaces) -> int | None:
        """The leg of ours that a Replaces names."""
        found = find(wanted, self._tags)
        return None if found is None else found.number

    # the machine's own side

    def tick(self, now_ns: int) -> None:
        """Do what is due."""
        self.layer.timers.tick(now_ns)

    def deadline_ns(self) -> int | None:
        """When `tick` is needed next, at the latest."""
        return self.layer.timers.deadline_ns()

    def drain(self) -> list[AnyOutput]:
        """What has come out since the last time, in order."""
        out = self.layer.out
        self.layer.out = []
        return out

    def statistics(self) -> dict[str, int]:
        """Counters since the start and present sizes."""
        return {
            **self.layer.count,
            "legs": len(self._legs),
            **self.accounts.sizes(),
            **(self.door.sizes() if self.door is not None else {}),
            "referrals": len(self.referrals),
            **self.layer.sizes(),
        }

    @property
    def tags(self) -> int:
        """How many dialogs and half-dialogs can be addressed: the number of legs."""
        return len(self._tags)

    def unreachable(self, target: Address, now_ns: int, why: str = "") -> None:
        """The network reported that nothing listens at `target`; `why` is told with it."""
        self.layer.unreachable(target, now_ns, f"unreachable: {why}" if why else "unreachable")

    def remove(self, leg: Leg) -> None:
        """A leg has ended."""
        self._legs.pop(leg.number, None)
        self._tags.pop(leg.tag, None)

    # what the network brings

    def receive(self, data: bytes, source: Address, now_ns: int) -> None:
        """Take one datagram."""
        layer = self.layer
        layer.count["received"] += 1
        if self.door is not None and not self.door.admits(data, source, now_ns, self._tags):
            return
        try:
            message = scan(data)
        except ScanError as error:
            broken = unreadable(layer, data, error)
            if broken is not None and not self._ignores(source):
                phrase = "" if error.status == 505 else str(error)
                layer.refuse(broken, source, error.status, b"", phrase)
            return
        if not message.is_request:
            if message.fault:
                layer.count["malformed"] += 1
            else:
                layer.receive_response(message, source, now_ns)
        else:
            self._request(message, message.method, source, now_ns)

    def _request(self, message: Message, method: str, source: Address, now_ns: int) -> None:
        layer = self.layer
        if message.fault:
            layer.count["malformed"] += 1
            if message.answerable and method != "ACK" and not self._ignores(source):
                layer.refuse(message, source, 400, b"", message.problem[1])
            return
        key = message.transaction_key
        if method == "CANCEL":
            if not cancel.serve(layer, message, key, source, now_ns):
                self._nobodys(message, source)
        elif not layer.repeated(method, key, now_ns):
            if message.to_tag:
                self._inside(message, method, key, source, now_ns)
            elif method != "ACK":
                self._outside(message, method, key, source, now_ns)

    def _inside(
        self, message: Message, method: str, key: bytes, source: Address, now_ns: int
    ) -> None:
        """A request with a To tag: it is a dialog's or nobody's (12.2.2)."""
        leg = self._tags.get(message.to_tag)
        if leg is not None and leg.call_id == message.call_id:
            if method == "ACK":
                leg.on_ack(message, now_ns)
            elif self.layer.full():
                self.layer.refuse(message, source, 503, RETRY_LINE)
            else:
                leg.on_request(message, method, key, source, now_ns)
        elif method != "ACK":
            self._nobodys(message, source)

    def _nobodys(self, message: Message, source: Address) -> None:
        if not self._ignores(source):
            self.layer.refuse(message, source, 481)

    def _ignores(self, source: Address, message: Message | None = None) -> bool:
        return self.door is not None and self.door.ignores(source, message)

    def _outside(
        self, message: Message, method: str, key: bytes, source: Address, now_ns: int
    ) -> None:
        """A request that opens something."""
        user = ""
        if self.door is not None and self.door.guards(source):
            if self.door.ignores(source, message):
                return
            user = self.door.enter(message, key, source, now_ns)
            if not user:
                return
        refusal = objection(message, method, self.layer.merges, self.min_se_s)
        if refusal is not None:
            code, extra = refusal
            self.layer.refuse(message, source, code, extra)
        elif method == "OPTIONS":
            self.layer.refuse(message, source, 200, ABOUT_LINES)  # 11.2
        elif self.layer.full() or len(self._legs) >= self._legs_max:
            self.layer.count["overload"] += 1
            self.layer.refuse(message, source, 503, RETRY_LINE)
        else:
            self._ring_in(message, key, source, now_ns, user)

    def _ring_in(
        self, message: Message, key: bytes, source: Address, now_ns: int, user: str
    ) -> None:
        code, replaced = judge(message, self._tags)
        if code:
            self.layer.refuse(message, source, code)
            return
        tag = self.layer.token()
        tx = self.layer.serve_invite(message, key, tag, source)
        try:
            leg = Incoming(self, -(self._incoming + 1), message, tx, tag, source, replaced)
        except SipError:
            self.layer.respond(tx, 400, now_ns)
            return
        self._incoming += 1
        self._legs[leg.number] = leg
        self._tags[tag] = leg
        leg.begin(message, source, now_ns, user)
