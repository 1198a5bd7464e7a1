"""The user agent as one sans-IO machine: calls go in, datagrams and facts about legs come out.

Rules: `receive` never raises for what a peer sends; each leg gets exactly one `Ended`, its last
event; outputs are drained after every input. A leg is found by its number, and for the peer's
requests by our tag and the Call-ID.
"""

from __future__ import annotations

import random

from fastpath.sipscan import Message, ScanError, scan
from sip.accounts import Accounts
from sip.admission import Admission
from sip.door import Door
from sip.errors import SipError
from sip.events import Account, Address, AnyOutput, Ask, Ended, Invite, Registration
from sip.headers import text
from sip.incoming import Incoming
from sip.leg import ACCEPT_LINE, ALLOW_LINE, Leg
from sip.limits import LEGS_MAX, REFUSED_RETRY_S, SDP_MAX, SESSION_MIN_S
from sip.local import Identity, Local
from sip.options import SUPPORTED_LINE, unsupported
from sip.outgoing import Outgoing
from sip.registrar import Phones, Registrar
from sip.server_invite import PROCEEDING
from sip.session_timer import too_short
from sip.transactions import Transactions

INSIDE = frozenset({"BYE", "INFO", "PRACK", "UPDATE"})  # methods that only a dialog can have
_RETRY = b"Retry-After: %d\r\n" % REFUSED_RETRY_S


class Endpoint:
    """A SIP user agent. `those` are its transports; an `Address` names one by its index.

    `rng` should be a `random.SystemRandom` outside tests. With `phones` it is the registrar of its
    transports on the telephones' side; `admission` says who is heard.
    """

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
        """For calls to us, how long a session may stand unrefreshed (RFC 4028).

        `session_s` 0 leaves that to the caller; `min_se_s` is the shortest that we agree to.
        """
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
        self._incoming = 0

    # calls of ours

    def invite(self, request: Invite, now_ns: int) -> None:
        """Begin a call.

        SipError when a field of it cannot stand in a message, or the leg exists already.
        """
        if request.leg < 0 or request.leg in self._legs:
            raise SipError(f"leg {request.leg} is in use or negative")
        leg = Outgoing(self, request, self.layer.token())
        if len(self._legs) >= self._legs_max:
            self.layer.count["overload"] += 1
            self.layer.out.append(Ended(request.leg, 503, "too many legs", 0, "us", False))
            return
        self._legs[leg.number] = leg
        self._tags[leg.tag] = leg
        leg.call(now_ns)

    def release(self, leg: int, now_ns: int, *, q850: int = 0) -> None:
        """Hang up in any state: CANCEL, BYE or a refusal.

        Nothing happens when the leg is gone or going.
        """
        found = self._legs.get(leg)
        if found is not None:
            found.release(now_ns, _cause(q850))

    # requests outside of calls

    def ask(self, ask: Ask, now_ns: int) -> None:
        """Ask a server something; exactly one `Told` answers.

        SipError when a field of it cannot stand in a message, or the number is in use.
        """
        self.accounts.ask(ask, now_ns)

    def register(self, account: Account, now_ns: int) -> None:
        """Register an account and keep it registered; `Registration` tells each change of state.

        One that is registered already goes on with the new particulars. SipError when a field of it
        cannot stand in a message, or there are too many.
        """
        self.accounts.register(account, now_ns)

    def unregister(self, name: str, now_ns: int) -> None:
        """Take an account's registration back; "off" is its last state. Nothing when it is gone."""
        self.accounts.unregister(name, now_ns)

    def registration(self, name: str) -> Registration | None:
        """An account's present state, None when there is no such account."""
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

    def accept(self, leg: int, sdp: bytes, now_ns: int) -> None:
        """Answer with 200."""
        found = self._legs.get(leg)
        if isinstance(found, Incoming):
            found.accept(sdp, now_ns)

    def reject(self, leg: int, code: int, now_ns: int, *, q850: int = 0, phrase: str = "") -> None:
        """Refuse with a 3xx-6xx, a Q.850 cause and a phrase of one's own."""
        found = self._legs.get(leg)
        if isinstance(found, Incoming):
            found.reject(code, now_ns, _cause(q850), text(phrase, "phrase"))

    # calls of either kind

    def acknowledge(self, leg: int, sdp: bytes, now_ns: int) -> None:
        """Answer the offer that `Offered` told, in the ACK or in a PRACK."""
        found = self._legs.get(leg)
        if isinstance(found, Outgoing):
            found.acknowledge(sdp, now_ns)

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
            **self.layer.sizes(),
        }

    @property
    def tags(self) -> int:
        """How many dialogs and half-dialogs can be addressed: the number of legs."""
        return len(self._tags)

    def unreachable(self, target: Address, now_ns: int) -> None:
        """The network reported (ICMP) that nothing listens at `target`."""
        self.layer.unreachable(target, now_ns)

    def remove(self, leg: Leg) -> None:
        """A leg has ended."""
        self._legs.pop(leg.number, None)
        self._tags.pop(leg.tag, None)

    # what the network brings

    def receive(self, data: bytes, source: Address, now_ns: int) -> None:
        """Take one datagram."""
        layer = self.layer
        layer.count["received"] += 1
        if self.door is not None and not self.door.admits(source, now_ns):
            return
        try:
            message = scan(data)
        except ScanError as error:
            self._unreadable(data, error, source)
            return
        if not message.is_request:
            if message.problem[0]:
                layer.count["malformed"] += 1
            else:
                layer.receive_response(message, source, now_ns)
            return
        method = message.method
        if message.problem[0]:
            layer.count["malformed"] += 1
            if message.answerable and method != "ACK" and not self._ignores(source):
                layer.refuse(message, source, 400, phrase=message.problem[1])
            return
        key = message.transaction_key
        if method == "CANCEL":
            self._cancel(message, key, source, now_ns)
        elif not layer.repeated(method, key, now_ns):
            if message.to_tag:
                self._inside(message, method, key, source, now_ns)
            elif method != "ACK":
                self._outside(message, method, key, source, now_ns)

    def _unreadable(self, data: bytes, error: ScanError, source: Address) -> None:
        """Answer a broken request as far as it can be answered; never a response, never an ACK."""
        if not data.strip(b"\r\n\x00"):
            self.layer.count["keepalives"] += 1  # RFC 5626 4.4.1 and what gateways make of it
            return
        self.layer.count["malformed"] += 1
        message = error.message
        if message is None or not message.answerable or self._ignores(source):
            return
        if message.method != "ACK":
            phrase = "" if error.status == 505 else str(error)
            self.layer.refuse(message, source, error.status, phrase=phrase)

    def _cancel(self, message: Message, key: bytes, source: Address, now_ns: int) -> None:
        """9.2: answered by itself, then the INVITE ends if it still rings."""
        if self.layer.repeated("CANCEL", key, now_ns):
            return
        tx = self.layer.server_invites.get(key)
        if tx is None:
            if not self._ignores(source):
                self.layer.refuse(message, source, 481)
            return
        if tx.merge != (message.call_id, message.from_tag, message.cseq):
            if not self._ignores(source):
                self.layer.refuse(message, source, 481)  # a guessed branch is not enough
            return
        self.layer.answer(message, key, source, 200, now_ns, to=tx.to)
        if tx.state == PROCEEDING and tx.user is not None:
            tx.user.on_cancel(message.q850, now_ns)

    def _inside(
        self, message: Message, method: str, key: bytes, source: Address, now_ns: int
    ) -> None:
        """A request with a To tag: it is a dialog's or nobody's (12.2.2)."""
        leg = self._tags.get(message.to_tag)
        if leg is not None and leg.call_id == message.call_id:
            if method == "ACK":
                leg.on_ack(message, now_ns)
            elif self.layer.full():
                self.layer.refuse(message, source, 503, _RETRY)
            else:
                leg.on_request(message, method, key, source, now_ns)
        elif method != "ACK" and not self._ignores(source):
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
        refusal = self._objection(message, method)
        if refusal is not None:
            code, extra = refusal
            self.layer.refuse(message, source, code, extra)
        elif method == "OPTIONS":
            self.layer.refuse(
                message, source, 200, ALLOW_LINE + ACCEPT_LINE + SUPPORTED_LINE
            )  # 11.2
        elif self.layer.full() or len(self._legs) >= self._legs_max:
            self.layer.count["overload"] += 1
            self.layer.refuse(message, source, 503, _RETRY)
        else:
            self._ring_in(message, key, source, now_ns, user)

    def _objection(self, message: Message, method: str) -> tuple[int, bytes] | None:
        """8.2.1 to 8.2.3, in their order: why a request outside a dialog is refused."""
        if method not in {"INVITE", "OPTIONS"}:
            return (481, b"") if method in INSIDE else (405, ALLOW_LINE)
        if message.uri_scheme not in {"sip", "sips", "tel"}:
            return 416, b""
        merge = (message.call_id, message.from_tag, message.cseq)
        if method == "INVITE" and merge in self.layer.merges:
            return 482, b""
        unknown = unsupported(message)
        if unknown:
            return 420, unknown
        if method == "INVITE" and message.timed:
            longer = too_short(message, self.min_se_s)
            if longer:
                return 422, longer
        return _body_objection(message) if method == "INVITE" else None

    def _ring_in(
        self, message: Message, key: bytes, source: Address, now_ns: int, user: str
    ) -> None:
        tag = self.layer.token()
        tx = self.layer.serve_invite(message, key, tag, source)
        try:
            leg = Incoming(self, -(self._incoming + 1), message, tx, tag, source)
        except SipError:
            self.layer.respond(tx, 400, now_ns)
            return
        self._incoming += 1
        self._legs[leg.number] = leg
        self._tags[tag] = leg
        leg.begin(message, source, now_ns, user)


def _body_objection(message: Message) -> tuple[int, bytes] | None:
    """What we cannot read (415), or the caller could not (406)."""
    if message.contacts == 0 and message.branch.startswith(b"z9hG4bK"):
        return 400, b""  # 8.1.1.8; RFC 2543 asked for none
    if message.body and message.content_type != b"application/sdp":
        return 415, ACCEPT_LINE
    if not message.demands:
        return None
    if any(v.lower() != b"identity" for v in message.get_all("Content-Encoding")):
        return 415, b"Accept-Encoding: identity\r\n"
    accepted = b",".join(message.get_all("Accept")).lower()
    kinds = {kind.partition(b";")[0].strip() for kind in accepted.split(b",")} - {b""}
    if kinds and not kinds & {b"application/sdp", b"application/*", b"*/*"}:
        return 406, ACCEPT_LINE
    return None


def _cause(q850: int) -> int:
    if not 0 <= q850 <= 127:
        raise SipError(f"not a Q.850 cause: {q850}")
    return q850
