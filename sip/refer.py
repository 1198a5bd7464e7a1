"""REFER of ours (RFC 3515): the peer is asked to call somebody, and tells how that went.

The peer's answer opens a subscription, unless it says Refer-Sub: false (RFC 4488); its NOTIFYs
bring the state of the call that it makes, as a message/sipfrag. One REFER of ours per call is on
its way at a time. Each gets one final `ReferProgress`, unless the leg's `Ended` comes first. A
NOTIFY may overtake the answer (RFC 6665 section 4.1.2.4).

Hanging up afterwards is up to the caller: the call is not over for the peer's sake.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fastpath.sipscan import Message, parse_address
from fastpath.wheel import Timer
from sip.address import param, params_of
from sip.errors import SipError
from sip.events import Address, ReferProgress
from sip.header_map import decoded
from sip.headers import text
from sip.limits import NEVER, REFER_S_MAX, SECOND, SIPFRAG_MAX, TIMEOUT
from sip.replaces import Replaces
from sip.uri import parse
from sip.within import Within

if TYPE_CHECKING:
    from sip.leg import Leg

STATES = ("asking", "following", "told", "over")
ASKING, FOLLOWING, TOLD, OVER = range(4)

EVENTS = (
    "2xx",
    "2xx without subscription",
    "refused",
    "progress",
    "final state",
    "subscription ended",
    "time",
    "leg ended",
)
ACCEPT, PLAIN, REFUSE, PROGRESS, FINAL, LAST, TIME, LEAVE = range(8)

TELL = 1
WAIT = 2  # for the first NOTIFY; later ones say how long they last

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (ASKING, ACCEPT): (FOLLOWING, TELL | WAIT),
    (ASKING, PLAIN): (OVER, TELL),
    (ASKING, REFUSE): (OVER, TELL),
    (ASKING, PROGRESS): (FOLLOWING, TELL),
    (ASKING, FINAL): (TOLD, TELL),
    (ASKING, LAST): (OVER, TELL),
    (ASKING, LEAVE): (OVER, 0),
    (FOLLOWING, PROGRESS): (FOLLOWING, TELL),
    (FOLLOWING, FINAL): (TOLD, TELL),
    (FOLLOWING, LAST): (OVER, TELL),
    (FOLLOWING, TIME): (OVER, TELL),
    (FOLLOWING, LEAVE): (OVER, 0),
    (TOLD, LAST): (OVER, 0),
    (TOLD, TIME): (OVER, 0),
    (TOLD, LEAVE): (OVER, 0),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(4))

SIPFRAG = b"message/sipfrag"
SILENT = "the peer stopped telling"
GRACE = 5 * SECOND  # the last NOTIFY of a subscription that runs out may be late by this
_STATUS = re.compile(rb"\s*SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n]*))?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Referral(Timer):
    """One REFER of ours and its subscription."""

    __slots__ = ("cseq", "leg", "state")

    def __init__(self, leg: Leg, cseq: int) -> None:
        self.leg = leg
        self.cseq = cseq  # of its first sending; a challenge makes a second one
        self.state = ASKING

    def _step(self, event: int, code: int, phrase: str, now_ns: int) -> None:
        before = self.state
        self.state, actions = ROWS[before][event]
        timers = self.leg.layer.timers
        if actions & WAIT:
            timers.arm(self, now_ns + TIMEOUT)
        if actions & TELL:
            final = self.state in {TOLD, OVER}
            self.leg.layer.out.append(ReferProgress(self.leg.number, code, final, phrase))
        if self.state == OVER and before != OVER:
            timers.arm(self, NEVER)
            if self.leg.referral is self:
                self.leg.referral = None

    def on_done(self, asked: Within, code: int, message: Message | None, now_ns: int) -> None:  # noqa: ARG002
        """The answer to the REFER."""
        phrase = decoded(message.phrase) if message is not None else "no reply"
        if not 200 <= code < 300:
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
        return ident.isdecimal() and self.cseq <= int(ident[:10]) <= dialog.cseq

    def on_notify(self, message: Message, now_ns: int) -> None:
        """How the peer's call goes."""
        found = _STATUS.match(message.body[:SIPFRAG_MAX])
        code = int(found[1]) if found else 0
        phrase = _CONTROL.sub(" ", decoded(found[2] or b"")) if found else ""
        said, expires_s = subscription_state(message)
        if said == "terminated":
            known = code >= 200
            self._step(LAST, code if known else 0, phrase if known else SILENT, now_ns)
            return
        self._step(FINAL if code >= 200 else PROGRESS, code or 100, phrase, now_ns)
        if self.state != OVER:
            self.leg.layer.timers.arm(self, now_ns + expires_s * SECOND + GRACE)

    def tick(self, now_ns: int) -> None:
        """The peer told nothing more in the time it promised to."""
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
    leg.referral = referral = Referral(leg, dialog.cseq + 1)
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
        referral.on_notify(message, now_ns)
