"""UPDATE of the peer (RFC 3311 section 5.2): a session changed or refreshed, early or up.

Ours are sent by `sip.calls.modify`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastpath.sipscan import Message
from sip.calls import reoffer, session_timer
from sip.calls.dialog import Dialog
from sip.events import Address, Renegotiated
from sip.messages.message import sdp_of

if TYPE_CHECKING:
    from sip.calls.leg import Leg

RETRY_S_MAX = 10  # of the Retry-After of a 500


def serve(leg: Leg, message: Message, key: bytes, source: Address, now_ns: int) -> None:
    """Answered at once: nobody needs to be asked."""
    dialog = leg.dialog_with(message.from_tag)
    if dialog is None:
        leg.refuse(message, key, source, 481, now_ns)
        return
    offered = sdp_of(message)
    code = _refusal(leg, dialog) if offered else 0
    if code:
        retry = b"Retry-After: %d\r\n" % leg.layer.rng.randrange(RETRY_S_MAX + 1)
        leg.refuse(message, key, source, code, now_ns, retry if code == 500 else b"")
        return
    shorter = session_timer.too_short(message, leg.endpoint.min_se_s)
    if shorter:
        leg.refuse(message, key, source, 422, now_ns, shorter)
        return
    ours = b""
    if offered:
        try:
            ours = reoffer.renewed(leg, offered)
        except ValueError:
            leg.refuse(message, key, source, 488, now_ns)
            return
    leg.follow(dialog, message.contact_uri)
    lines = leg.contact_lines(dialog)
    if leg.established():
        lines += session_timer.grant(leg, message, now_ns)
    leg.layer.answer(message, key, source, 200, now_ns, lines, b"", ours)
    if offered:
        leg.described(dialog, offered)
        leg.layer.out.append(Renegotiated(leg.number, offered))


def _refusal(leg: Leg, dialog: Dialog) -> int:
    """Why an offer cannot be taken now, 0 when it can."""
    if (leg.modifier is not None and leg.modifier.offering) or leg.offer_cseq >= 0:
        return 491
    return 0 if leg.established() else leg.offer_refusal(dialog)
