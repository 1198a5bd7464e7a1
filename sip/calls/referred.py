"""REFER of the peer (RFC 3515): it asks us to call somebody, and wants to hear how that goes.

Our user answers within `REFER_ANSWER`, else it is refused with 603. A REFER that is taken is
answered 202 and opens a subscription, whose NOTIFYs leave one after the other: while one is on its
way only the newest state waits. It outlives the call, which the peer mostly hangs up at once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from fastpath.sipscan import Message
from fastpath.wheel import Timer
from sip.calls.dialog import Dialog
from sip.calls.refer import SIPFRAG, event_of
from sip.calls.within import Within
from sip.errors import SipError
from sip.events import Address, ReferAsked
from sip.limits import NEVER, REFER_ANSWER, REFER_S_MAX, REFERS_MAX, SECOND
from sip.messages import address
from sip.messages.causes import phrase as usual_phrase
from sip.messages.header_map import decoded
from sip.messages.headers import text
from sip.messages.replaces import Replaces, from_uri_header
from sip.messages.uri import parse
from sip.transactions.server_other import ServerOther

if TYPE_CHECKING:
    from sip.calls.leg import Leg

_METHOD = re.compile(r";method=[^;]*", re.IGNORECASE)  # it has no place in a Request-URI

STATES = ("asked", "quiet", "telling", "closing", "over")
ASKED, QUIET, TELLING, CLOSING, OVER = range(5)

EVENTS = (
    "accept",
    "accept without subscription",
    "refuse",
    "state",
    "final state",
    "NOTIFY through",
    "NOTIFY refused",
    "time",
)
ACCEPT, PLAIN, REFUSE, STATE, FINAL, THROUGH, REFUSED, TIME = range(8)

ANSWER = 1
SEND = 2  # a NOTIFY
KEEP = 4  # this state until the NOTIFY is through
NEXT = 8  # what was kept

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (ASKED, ACCEPT): (TELLING, ANSWER | SEND),
    (ASKED, PLAIN): (OVER, ANSWER),
    (ASKED, REFUSE): (OVER, ANSWER),
    (ASKED, TIME): (OVER, ANSWER),
    (QUIET, STATE): (TELLING, SEND),
    (QUIET, FINAL): (CLOSING, SEND),
    (QUIET, TIME): (CLOSING, SEND),
    (TELLING, STATE): (TELLING, KEEP),
    (TELLING, FINAL): (TELLING, KEEP),
    (TELLING, TIME): (TELLING, KEEP),
    (TELLING, THROUGH): (QUIET, NEXT),
    (TELLING, REFUSED): (OVER, 0),
    (CLOSING, THROUGH): (OVER, 0),
    (CLOSING, REFUSED): (OVER, 0),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(5))


class Referred(Timer):
    """One REFER of the peer, and the subscription that it opened."""

    __slots__ = (
        "dialog",
        "end_ns",
        "ident",
        "kept",
        "leg",
        "message",
        "plain",
        "said",
        "source",
        "state",
        "table",
        "tx",
    )

    def __init__(
        self,
        leg: Leg,
        dialog: Dialog,
        message: Message,
        tx: ServerOther,
        source: Address,
        table: Referrals,
    ) -> None:
        self.leg = leg
        self.dialog = dialog
        self.message: Message | None = message
        self.tx = tx
        self.source = source
        self.table = table
        self.plain = False  # the peer wants no subscription (RFC 4488)
        self.ident = message.cseq
        self.end_ns = 0
        self.said: tuple[int, str] = (100, "")  # the last state and its phrase
        self.kept: tuple[int, int, str] | None = None  # event, state, phrase
        self.state = ASKED

    def _step(self, event: int, code: int, phrase: str, now_ns: int) -> None:
        before = self.state
        self.state, actions = ROWS[before][event]
        if actions & ANSWER:
            self._answer(202 if event in {ACCEPT, PLAIN} else code, now_ns)
        if actions & KEEP and (self.kept is None or self.kept[0] == STATE):
            self.kept = event, code, phrase  # the first final state stays
        if actions & SEND:
            self._notify(code, phrase, now_ns, timeout=event == TIME)
        if self.state == OVER and before != OVER:
            self.leg.layer.timers.arm(self, NEVER)
            self.table.over(self)
        if actions & NEXT and self.kept is not None:
            kept, self.kept = self.kept, None
            self._step(*kept, now_ns)

    def _answer(self, code: int, now_ns: int) -> None:
        message, layer = self.message, self.leg.layer
        if message is None:
            return
        self.message = None
        extra = b""
        if code < 300:
            extra = self.leg.contact_line(self.dialog)
            if self.plain:
                extra += b"Refer-Sub: false\r\n"
            self.end_ns = now_ns + REFER_S_MAX * SECOND
            layer.timers.arm(self, self.end_ns)
        layer.settle(self.tx, message, self.source, code, now_ns, extra)

    def _notify(self, code: int, phrase: str, now_ns: int, *, timeout: bool) -> None:
        if timeout:
            code, phrase = self.said
        self.said = code, phrase
        left_s = max((self.end_ns - now_ns) // SECOND, 0)
        said = b"active;expires=%d" % left_s
        if self.state == CLOSING:
            said = b"terminated;reason=" + (b"timeout" if timeout else b"noresource")
        lines = self.leg.contact_line(self.dialog)
        lines += b"Event: refer;id=%d\r\nSubscription-State: %b\r\n" % (self.ident, said)
        body = f"SIP/2.0 {code} {phrase or usual_phrase(code)}\r\n".encode()
        kind = SIPFRAG + b";version=2.0"
        Within(self.leg, self.dialog, "NOTIFY", self, lines, body, kind, fatal=False).send(now_ns)

    def on_done(self, asked: Within, code: int, message: Message | None, now_ns: int) -> None:  # noqa: ARG002
        """The answer to a NOTIFY: any refusal ends the subscription (RFC 6665 section 4.2.2)."""
        self._step(THROUGH if 200 <= code < 300 else REFUSED, 0, "", now_ns)

    # from our user

    def answer(self, code: int, now_ns: int) -> None:
        """Take it (any 2xx is 202) or refuse it."""
        if not 200 <= code < 700:
            raise SipError(f"not an answer: {code}")
        if code >= 300:
            self._step(REFUSE, code, "", now_ns)
        else:
            self._step(PLAIN if self.plain else ACCEPT, 100, "", now_ns)

    def tell(self, code: int, now_ns: int, *, final: bool, phrase: str) -> None:
        """How the call goes that it asked for."""
        if not 100 <= code < 700:
            raise SipError(f"not a status: {code}")
        self._step(FINAL if final else STATE, code, text(phrase, "phrase"), now_ns)

    # from the peer and the clock

    def subscribe(self, granted_s: int, now_ns: int) -> None:
        """The peer prolongs the subscription, or ends it with 0."""
        self.end_ns = now_ns + granted_s * SECOND
        code, phrase = self.said
        if granted_s:
            self.leg.layer.timers.arm(self, self.end_ns)
            self._step(STATE, code, phrase, now_ns)
        else:
            self._step(TIME, code, phrase, now_ns)

    def tick(self, now_ns: int) -> None:
        """Our user did not answer, or the subscription has run out."""
        self._step(TIME, 603, "", now_ns)


class Referrals:
    """What peers have asked of us: one REFER of a leg at a time, REFERS_MAX in all."""

    __slots__ = ("_of",)

    def __init__(self) -> None:
        self._of: dict[int, Referred] = {}

    def get(self, leg: int) -> Referred | None:
        """That of a leg, which may have ended in the meantime."""
        return self._of.get(leg)

    def full(self) -> bool:
        """Whether a further one is refused."""
        return len(self._of) >= REFERS_MAX

    def begin(self, asked: Referred) -> None:
        """One more."""
        self._of[asked.leg.number] = asked

    def over(self, asked: Referred) -> None:
        """One less."""
        if self._of.get(asked.leg.number) is asked:
            del self._of[asked.leg.number]

    def __len__(self) -> int:
        return len(self._of)


def _wanted(message: Message) -> tuple[int, str, Replaces | None]:
    """(status, URI to call, call to replace): a refusal's status, or 0 (RFC 3515 section 2.4.2)."""
    values = [part for v in message.get_all("Refer-To") for part in address.split(decoded(v))]
    if len(values) != 1:
        return 400, "", None
    try:
        whole = address.parse(values[0]).uri
        uri, _, headers = whole.partition("?")
        parts = parse(uri)
        found = [v for n, _, v in (h.partition("=") for h in headers.split("&")) if _is(n)]
        replaces = from_uri_header(found[0]) if found else None
    except SipError:
        return 400, "", None
    if parts.scheme not in {"sip", "sips", "tel"}:
        return 416, "", None
    if len(found) > 1:
        return 400, "", None
    if (address.param(address.params_of(parts.params), "method") or "INVITE").upper() != "INVITE":
        return 603, "", None
    return 0, _METHOD.sub("", uri), replaces


def _is(name: str) -> bool:
    return unquote(name).lower() == "replaces"


def _referred_by(message: Message) -> str:
    try:
        return address.parse(decoded(b"".join(message.get_all("Referred-By")))).uri
    except SipError:
        return ""


def on_refer(leg: Leg, message: Message, key: bytes, source: Address, now_ns: int) -> None:
    """A REFER of the peer in the call."""
    layer, dialog, referrals = leg.layer, leg.dialog, leg.endpoint.referrals
    code, uri, replaces = _wanted(message)
    if code:
        layer.answer(message, key, source, code, now_ns)
    elif dialog is None or not leg.established() or referrals.get(leg.number) is not None:
        layer.answer(message, key, source, 491, now_ns)  # not up, or one REFER is being served
    elif referrals.full():
        layer.answer(message, key, source, 503, now_ns)
    else:
        tx = layer.hold(message, key, source)
        asked = Referred(leg, dialog, message, tx, source, referrals)
        wants = b"".join(message.get_all("Refer-Sub")).partition(b";")[0]
        asked.plain = wants.strip().lower() == b"false"
        referrals.begin(asked)
        layer.timers.arm(asked, now_ns + REFER_ANSWER)
        value = "" if replaces is None else str(replaces)
        replaced = None if replaces is None else leg.endpoint.named(replaces)
        layer.out.append(ReferAsked(leg.number, uri, _referred_by(message), value, replaced))


def on_subscribe(leg: Leg, message: Message, key: bytes, source: Address, now_ns: int) -> None:
    """A SUBSCRIBE of the peer in the call: it prolongs or ends what its REFER opened."""
    layer = leg.layer
    package, ident = event_of(message)
    asked = leg.endpoint.referrals.get(leg.number)
    if package != "refer":
        layer.answer(message, key, source, 489, now_ns, b"Allow-Events: refer\r\n")
    elif (
        asked is None or asked.state not in {QUIET, TELLING} or ident not in {"", str(asked.ident)}
    ):
        layer.answer(message, key, source, 481, now_ns)
    else:
        wanted_s = message.expires if message.expires >= 0 else REFER_S_MAX
        granted_s = min(wanted_s, REFER_S_MAX)
        contact = leg.contact_line(asked.dialog)
        layer.answer(message, key, source, 200, now_ns, contact + b"Expires: %d\r\n" % granted_s)
        asked.subscribe(granted_s, now_ns)
