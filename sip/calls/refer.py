"""REFER of ours (RFC 3515): the peer is asked to call somebody, and tells how that went.

The peer's answer opens a subscription, unless it says Refer-Sub: false (RFC 4488); its NOTIFYs
bring the state of the call that it makes, as a message/sipfrag. One REFER of ours per call is on
its way at a time. Each gets one final `ReferProgress`, unless the leg's `Ended` comes first. A
NOTIFY may overtake the answer (RFC 6665 section 4.1.2.4). A subscription that would run out is
renewed by SUBSCRIBE (section 4.1.2.2); a peer that does not know that has told us until when it
tells.

Hanging up afterwards is up to the caller: the call is not over for the peer's sake.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fastpath.sipscan import Message, parse_address
from fastpath.wheel import Timer
from sip.calls.within import Within
from sip.errors import SipError
from sip.events import Address, ReferProgress
from sip.limits import NEVER, REFER_S_MAX, SECOND, SIPFRAG_MAX, TIMEOUT
from sip.messages.address import param, params_of
from sip.messages.header_map import decoded
from sip.messages.headers import text
from sip.messages.replaces import Replaces
from sip.messages.uri import parse

if TYPE_CHECKING:
    from sip.calls.leg import Leg

STATES = ("asking", "taken", "following", "renewing", "lapsing", "told", "over")
ASKING, TAKEN, FOLLOWING, RENEWING, LAPSING, TOLD, OVER = range(7)

EVENTS = (
    "2xx",
    "2xx without subscription",
    "refused",
    "progress",
    "final state",
    "subscription ended",
    "time",
    "renewed",
    "not renewed",
    "leg ended",
)
ACCEPT, PLAIN, REFUSE, PROGRESS, FINAL, LAST, TIME, RENEWED, KEPT, LEAVE = range(10)

TELL = 1
WAIT = 2  # for the first NOTIFY; later ones say how long they last
RENEW = 4
LAPSE = 8  # wait for the subscription's end

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (ASKING, ACCEPT): (TAKEN, TELL | WAIT),
    (ASKING, PLAIN): (OVER, TELL),
    (ASKING, REFUSE): (OVER, TELL),
    (ASKING, PROGRESS): (FOLLOWING, TELL),
    (ASKING, FINAL): (TOLD, TELL | LAPSE),
    (ASKING, LAST): (OVER, TELL),
    (ASKING, LEAVE): (OVER, 0),
    (TAKEN, PROGRESS): (FOLLOWING, TELL),
    (TAKEN, FINAL): (TOLD, TELL | LAPSE),
    (TAKEN, LAST): (OVER, TELL),
    (TAKEN, TIME): (OVER, TELL),
    (TAKEN, LEAVE): (OVER, 0),
    (FOLLOWING, PROGRESS): (FOLLOWING, TELL),
    (FOLLOWING, FINAL): (TOLD, TELL | LAPSE),
    (FOLLOWING, LAST): (OVER, TELL),
    (FOLLOWING, TIME): (RENEWING, RENEW | LAPSE),
    (FOLLOWING, LEAVE): (OVER, 0),
    (RENEWING, PROGRESS): (FOLLOWING, TELL),
    (RENEWING, FINAL): (TOLD, TELL | LAPSE),
    (RENEWING, LAST): (OVER, TELL),
    (RENEWING, TIME): (OVER, TELL),
    (RENEWING, RENEWED): (FOLLOWING, 0),
    (RENEWING, KEPT): (LAPSING, LAPSE),
    (RENEWING, LEAVE): (OVER, 0),
    (LAPSING, PROGRESS): (LAPSING, TELL | LAPSE),
    (LAPSING, FINAL): (TOLD, TELL | LAPSE),
    (LAPSING, LAST): (OVER, TELL),
    (LAPSING, TIME): (OVER, TELL),
    (LAPSING, LEAVE): (OVER, 0),
    (TOLD, LAST): (OVER, 0),
    (TOLD, TIME): (OVER, 0),
    (TOLD, LEAVE): (OVER, 0),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(7))

SIPFRAG = b"message/sipfrag"
SILENT = "the peer stopped telling"
RENEW_S = 180
GRACE = 5 * SECOND  # the last NOTIFY of a subscription that runs out may be late by this
_STATUS = re.compile(rb"\s*SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n]*))?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Referral(Timer):
    """One REFER of ours and its subscription."""

    __slots__ = ("cseq", "end_ns", "ident", "last_ns", "leg", "state")

    def __init__(self, leg: Leg, cseq: int, now_ns: int) -> None:
        self.leg = leg
        self.cseq = cseq  # of its first sending; a challenge makes a second one
        self.ident = ""  # as the peer's NOTIFYs say it
        self.end_ns = NEVER  # of the subscription, as it stands
        self.last_ns = now_ns + REFER_S_MAX * SECOND  # it is not renewed beyond this
        self.state = ASKING

    def _step(self, event: int, code: int, phrase: str, now_ns: int) -> None:
        before = self.state
        self.state, actions = ROWS[before][event]
        timers = self.leg.layer.timers
        if actions & WAIT:
            timers.arm(self, now_ns + TIMEOUT)
        if actions & LAPSE:
            timers.arm(self, self.end_ns + GRACE)
        if actions & RENEW:
            self._renew(now_ns)
        if actions & TELL:
            final = self.state in {TOLD, OVER}
            self.leg.layer.out.append(ReferProgress(self.leg.number, code, final, phrase))
        if self.state == OVER and before != OVER:
            timers.arm(self, NEVER)
            if self.leg.referral is self:
                self.leg.referral = None

    def _lasts(self, seconds: int, now_ns: int) -> None:
        """The subscription stands for so long; renewed when three quarters of it are over."""
        self.end_ns = now_ns + seconds * SECOND
        if self.state == FOLLOWING:
            self.leg.layer.timers.arm(self, now_ns + seconds * SECOND * 3 // 4)

    def _renew(self, now_ns: int) -> None:
        dialog = self.leg.dialog
        if dialog is None or now_ns >= self.last_ns:
            self._step(KEPT, 0, "", now_ns)
            return
        ident = b";id=" + self.ident.encode() if self.ident else b""
        lines = self.leg.contact_line(dialog)
        lines += b"Event: refer%b\r\nExpires: %d\r\n" % (ident, RENEW_S)
        Within(self.leg, dialog, "SUBSCRIBE", self, lines, fatal=False).send(now_ns)

    def on_done(self, asked: Within, code: int, message: Message | None, now_ns: int) -> None:
        """The answer to the REFER, or to a SUBSCRIBE that renews what it opened."""
        phrase = decoded(message.phrase) if message is not None else "no reply"
        taken = 200 <= code < 300
        if asked.method == "SUBSCRIBE":
            self._step(RENEWED if taken else LAST if code == 481 else KEPT, 0, SILENT, now_ns)
            if taken and message is not None and self.state == FOLLOWING:
                self._lasts(message.expires if 0 < message.expires < RENEW_S else RENEW_S, now_ns)
            return
        if not taken:
            self._step(REFUSE, code, phrase, now_ns)
            return
        told = b"".join(message.get_all("Refer-Sub")) if message is not None else b""
        plain = told.partition(b";")[0].strip().lower() == b"false"
        self._step(PLAIN if plain else ACCEPT, code, phrase, now_ns)

    def owns(self, ident: str) -> bool:
        """Whether a NOTIFY with this `id` is about this REFER (RFC 3515 section 2.4.6)."""
        dialog = self.leg.dialog
        if not ident or dialog is None:
            return True
        numeric = ident.isascii() and ident.isdecimal() and len(ident) <= 10
        return numeric and self.cseq <= int(ident) <= dialog.cseq

    def on_notify(self, message: Message, ident: str, now_ns: int) -> None:
        """How the peer's call goes."""
        self.ident = ident
        found = _STATUS.match(message.body[:SIPFRAG_MAX])
        code = int(found[1]) if found else 0
        phrase = _CONTROL.sub(" ", decoded(found[2] or b"")) if found else ""
        said, expires_s = subscription_state(message)
        if said == "terminated":
            known = code >= 200
            self._step(LAST, code if known else 0, phrase if known else SILENT, now_ns)
            return
        self.end_ns = now_ns + expires_s * SECOND
        self._step(FINAL if code >= 200 else PROGRESS, code or 100, phrase, now_ns)
        self._lasts(expires_s, now_ns)

    def tick(self, now_ns: int) -> None:
        """The peer told nothing more for as long as it promised to, or nearly."""
        self._step(TIME, 0, SILENT, now_ns)

    def leave(self) -> None:
        """The leg ends."""
        self._step(LEAVE, 0, "", 0)


def event_of(message: Message) -> tuple[str, str]:
    """The package and the id of an Event header (RFC 6665 section 8.2.1), in lower case."""
    package, semicolon, tail = decoded(b"".join(message.get_all("Event"))).partition(";")
    return package.strip().lower(), param(params_of(semicolon + tail), "id") or ""


def subscription_state(message: Message) -> tuple[str, int]:
    """(state, seconds left) of a NOTIFY; the most we allow where it names no time."""
    value = decoded(b"".join(message.get_all("Subscription-State")))
    state, semicolon, tail = value.partition(";")
    left = param(params_of(semicolon + tail), "expires") or ""
    seconds = int(left) if left.isascii() and left.isdecimal() and len(left) < 10 else REFER_S_MAX
    return state.strip().lower(), min(seconds, REFER_S_MAX)


def replaces_of(leg: Leg | None) -> tuple[Replaces, str] | None:
    """What a Replaces says of a leg of ours that is up, and where its other end is."""
    dialog = leg.dialog if leg is not None and leg.established() else None
    if leg is None or dialog is None:
        return None
    call_id, theirs, ours = (
        part.decode("latin-1") for part in (leg.call_id, dialog.remote_tag, leg.tag)
    )
    return Replaces(call_id, theirs, ours), dialog.target.decode("latin-1")


def refer_to_value(refer_to: str, other: tuple[Replaces, str] | None) -> str:
    """The Refer-To URI; SipError when it cannot be one."""
    uri = text(refer_to, "refer_to") or (other[1].partition("?")[0] if other else "")
    if parse(uri).scheme not in {"sip", "sips", "tel"}:
        raise SipError(f"not a URI to call: {uri!r}")
    if other is None:
        return uri
    if parse(uri).scheme == "tel":
        raise SipError("a tel URI cannot say which call to replace")
    return f"{uri}{'&' if '?' in uri else '?'}Replaces={other[0].escaped()}"


def begin(
    leg: Leg, refer_to: str, now_ns: int, other: Leg | None, *, attended: bool, subscribe: bool
) -> None:
    """Send a REFER, `attended` with Replaces for the `other` leg: see `Endpoint.refer`."""
    replaced = replaces_of(other)
    if not refer_to and not attended:
        raise SipError("nobody to refer to")
    value = refer_to_value(refer_to, replaced) if refer_to or replaced else ""
    dialog = leg.dialog if leg.established() else None
    why = ""
    if attended and replaced is None:
        why = "the other call is not up"
    elif leg.referral is not None and leg.referral.state != TOLD:
        why = "another REFER is on its way"
    if why or dialog is None:
        why = why or "the call is not up"
        leg.layer.out.append(ReferProgress(leg.number, 491, final=True, phrase=why))
        return
    if leg.referral is not None:
        leg.referral.leave()
    ours = parse_address(dialog.ours)[0]
    lines = leg.contact_line(dialog)
    lines += b"Refer-To: <%b>\r\nReferred-By: <%b>\r\n" % (value.encode(), ours)
    if not subscribe:
        lines += b"Refer-Sub: false\r\nSupported: norefersub\r\n"
    leg.referral = referral = Referral(leg, dialog.cseq + 1, now_ns)
    Within(leg, dialog, "REFER", referral, lines, fatal=False).send(now_ns)


def on_notify(leg: Leg, message: Message, key: bytes, source: Address, now_ns: int) -> None:
    """A NOTIFY of the peer: it is about a REFER of ours, or about nothing (RFC 6665)."""
    layer = leg.layer
    package, ident = event_of(message)
    referral = leg.referral
    if package != "refer":
        layer.answer(message, key, source, 489, now_ns, b"Allow-Events: refer\r\n")
    elif referral is None or not referral.owns(ident):
        layer.answer(message, key, source, 481, now_ns)
    elif message.body and message.content_type != SIPFRAG:
        layer.answer(message, key, source, 415, now_ns, b"Accept: %b\r\n" % SIPFRAG)
    else:
        layer.answer(message, key, source, 200, now_ns)
        referral.on_notify(message, ident, now_ns)
