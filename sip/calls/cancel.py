"""CANCEL of the peer (RFC 3261 section 9.2)."""

from __future__ import annotations

from fastpath.sipscan import Message
from sip.calls.incoming import Incoming
from sip.events import Address
from sip.messages.causes import heard_reasons
from sip.transactions.server_invite import PROCEEDING
from sip.transactions.table import Transactions


def serve(layer: Transactions, message: Message, key: bytes, source: Address, now_ns: int) -> bool:
    """Answered by itself, then the INVITE ends if it still rings.

    False when it cancels nothing of ours: a guessed branch is not enough.
    """
    if layer.repeated("CANCEL", key, now_ns):
        return True
    tx = layer.server_invites.get(key)
    if tx is None or tx.merge != (message.call_id, message.from_tag, message.cseq):
        return False
    layer.answer(message, key, source, 200, now_ns, to=tx.to)
    if tx.state == PROCEEDING and tx.user is not None:
        if isinstance(tx.user, Incoming):
            tx.user.reasons = heard_reasons(message)
        tx.user.on_cancel(message.q850, now_ns)
    return True
