"""Why a request outside of any dialog is refused (RFC 3261 sections 8.2.1 to 8.2.3)."""

from __future__ import annotations

from collections.abc import Container

from fastpath.sipscan import Message, ScanError
from sip.calls.leg import ACCEPT_LINE, ALLOW_LINE
from sip.calls.session_timer import too_short
from sip.messages.message import sdp_of
from sip.messages.multipart import optional
from sip.messages.options import unsupported
from sip.transactions.table import Transactions

# Methods that only a dialog can have, and what their requests outside of one get: a NOTIFY has no
# subscription of ours (RFC 6665 4.1.3), and nobody may make us call without a call (RFC 3515 5.2).
INSIDE: dict[str, tuple[int, bytes]] = {
    "BYE": (481, b""),
    "INFO": (481, b""),
    "NOTIFY": (481, b""),
    "PRACK": (481, b""),
    "REFER": (403, b""),
    "SUBSCRIBE": (489, b"Allow-Events: refer\r\n"),
    "UPDATE": (481, b""),
}


def unreadable(layer: Transactions, data: bytes, error: ScanError) -> Message | None:
    """Count what is no message; what was read of a request that can be answered, never an ACK."""
    if not data.strip(b"\r\n\x00"):
        layer.count["keepalives"] += 1  # RFC 5626 4.4.1 and what gateways make of it
        return None
    layer.count["malformed"] += 1
    message = error.message
    if message is None or message.status or message.method == "ACK":
        return None
    return message if message.answerable else None


def objection(
    message: Message,
    method: str,
    merges: Container[tuple[bytes, bytes, int]],
    min_se_s: int,
) -> tuple[int, bytes] | None:
    """The refusal and its header lines, in the order of the RFC; None when there is none.

    `merges` are the INVITEs that are being served (8.2.2.2).
    """
    if method not in {"INVITE", "OPTIONS"}:
        return INSIDE.get(method, (405, ALLOW_LINE))
    if message.uri_scheme not in {"sip", "sips", "tel"}:
        return 416, b""
    if method == "INVITE" and (message.call_id, message.from_tag, message.cseq) in merges:
        return 482, b""
    unknown = unsupported(message)
    if unknown:
        return 420, unknown
    if method == "INVITE" and message.timed:
        longer = too_short(message, min_se_s)
        if longer:
            return 422, longer
    return _body_objection(message) if method == "INVITE" else None


def _body_objection(message: Message) -> tuple[int, bytes] | None:
    """What we cannot read (415), or the caller could not (406)."""
    if message.contacts == 0 and message.branch.startswith(b"z9hG4bK"):
        return 400, b""  # 8.1.1.8; RFC 2543 asked for none
    if message.body and not sdp_of(message) and not optional(message):
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
