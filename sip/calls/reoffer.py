"""The peer changes the session (RFC 3261 section 14.2): its re-INVITE, our answers to its offers.

Whatever it offers is answered with what we already use, without asking anybody; what cannot be
agreed on is refused with 488, and the session goes on as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastpath.sipscan import Message
from sip.calls import session_timer
from sip.calls.negotiation import Negotiation
from sip.events import Address, Renegotiated
from sip.messages.message import sdp_of
from sip.messages.multipart import optional
from sip.sdp.model import Direction
from sip.transactions.server_invite import Answer

if TYPE_CHECKING:
    from sip.calls.leg import Leg


def serve(leg: Leg, message: Message, key: bytes, source: Address, now_ns: int) -> None:
    """A re-INVITE."""
    dialog = leg.dialog
    offered = sdp_of(message)
    collides = leg.modifier is not None and leg.modifier.offering
    # With an open offer of ours it owes us an answer, in an ACK.
    if dialog is None or not leg.established() or collides or leg.offer_cseq >= 0:
        leg.refuse(message, key, source, 491, now_ns)
        return
    if message.body and not offered and not optional(message):
        leg.refuse(message, key, source, 415, now_ns, b"Accept: application/sdp\r\n")
        return
    longer = session_timer.too_short(message, leg.endpoint.min_se_s)
    if longer:
        leg.refuse(message, key, source, 422, now_ns, longer)
        return
    try:
        ours = renewed(leg, offered) if offered else _negotiation(leg).offer()
    except ValueError:
        leg.refuse(message, key, source, 488, now_ns)
        return
    leg.follow(dialog, message.contact_uri)
    tx = leg.layer.serve_invite(message, key, b"", source)
    lines = leg.contact_lines(dialog) + session_timer.grant(leg, message, now_ns)
    leg.layer.respond(tx, 200, now_ns, lines, ours)
    if leg.answer is not None:
        leg.answer.acked()
    leg.answer = Answer(leg.layer, leg, message.cseq, tx.response, tx.target, now_ns)
    leg.sdp = ours
    if offered:
        leg.layer.out.append(Renegotiated(leg.number, offered))
    else:
        leg.offer_cseq = message.cseq


def _negotiation(leg: Leg) -> Negotiation:
    """The machine that goes on from our last description; made when it is first needed."""
    if leg.negotiation is None:
        # What was offered in our name says how we want it; an answer only what the peer allowed.
        wish: Direction | None = None if leg.offers else "sendrecv"
        leg.negotiation = Negotiation.of(leg.sdp, leg.layer.rng, wish=wish)
    return leg.negotiation


def renewed(leg: Leg, offered: bytes) -> bytes:
    """Our answer to `offered`; ValueError when nothing of it fits."""
    leg.sdp = _negotiation(leg).offered(offered)
    return leg.sdp


def closed(leg: Leg, answer: bytes) -> None:
    """The peer's answer to the offer that our 2xx made came in the ACK, or none did."""
    open_one = leg.negotiation
    if open_one is not None and open_one.pending:
        try:
            if not answer:
                raise ValueError("the ACK has no answer")
            open_one.answered(answer)
        except ValueError:
            leg.layer.count["malformed"] += 1
            open_one.refused()
    if answer:
        leg.layer.out.append(Renegotiated(leg.number, answer))
