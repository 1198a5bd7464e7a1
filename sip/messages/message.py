"""Messages written: requests and responses as bytes.

What goes in is checked before (`sip.messages.headers`) or was scanned.
"""

from __future__ import annotations

import re

from fastpath import sipwrite
from fastpath.sipscan import Message
from fastpath.sipwrite import response as write_response
from sip.events import Address
from sip.messages.causes import PHRASES
from sip.messages.causes import phrase as usual_phrase
from sip.messages.multipart import part

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, PRACK, UPDATE, REFER, NOTIFY"
SDP_KIND = b"application/sdp"
request = sipwrite.request
_EMPTY = b"Content-Length: 0\r\n\r\n"
_WORDS = {code: text.encode() for code, text in PHRASES.items()}
_RECEIVED = re.compile(rb";\s*received\s*=\s*([^\s;,]{1,64})", re.IGNORECASE)
_RPORT = re.compile(rb";\s*rport\s*=\s*([0-9]{1,5})", re.IGNORECASE)


def response(
    code: int, head: bytes, to: bytes, extra: bytes = b"", sdp: bytes = b"", phrase: str = ""
) -> bytes:
    """One response. `head` is `Message.reply_head`'s, `to` the whole To value."""
    words = phrase.encode() if phrase else _WORDS.get(code) or usual_phrase(code).encode()
    return write_response(code, words, head, to, extra, sdp)


def reply_target(message: Message, source: Address, reliable: bool) -> Address:  # noqa: FBT001
    """Where responses to a request go: RFC 3581 section 4, else 18.2.2 by the source address.

    Over TCP and TLS that is the connection it came on.
    """
    if reliable or message.rport or message.vias == 0:
        return source
    port = message.sent_by[1]
    return source[0], port if port > 0 else 5060, source[2]


def seen_at(response: Message) -> tuple[str, int] | None:
    """From which address the peer saw our request come (RFC 3581 section 4); None: it says none."""
    via = (response.get_all("Via") or [b""])[0].partition(b",")[0]
    host, port = _RECEIVED.search(via), _RPORT.search(via)
    if host is None and port is None:
        return None
    sent_host, sent_port = response.sent_by
    name = (host[1] if host else sent_host).decode("latin-1").strip("[]")
    return name, int(port[1]) if port else max(sent_port, 0) or 5060


def _cut(invite: bytes) -> tuple[int, int, int]:
    """Where To, Call-ID and CSeq's number begin in an INVITE of ours: `request` fixes the order."""
    to = invite.index(b"\r\nTo: ") + 2
    call_id = invite.index(b"\r\nCall-ID: ", to) + 2
    return to, call_id, invite.index(b"\r\nCSeq: ", call_id) + 8


def head(invite: bytes) -> bytes:
    """An INVITE of ours up to its CSeq: all that `acknowledge` and `cancel` need of it."""
    _, _, cseq = _cut(invite)
    return invite[: invite.index(b"\r\n", cseq) + 2]


def acknowledge(invite: bytes, to: bytes) -> bytes:
    """The ACK of a refused INVITE: same branch, To as in the response (17.1.1.3)."""
    at, call_id, cseq = _cut(invite)
    number = invite[cseq : invite.index(b" ", cseq)]
    return b"ACK%bTo: %b\r\n%b%b ACK\r\n%b" % (
        invite[6:at],
        to,
        invite[call_id:cseq],
        number,
        _EMPTY,
    )


def cancel(invite: bytes, extra: bytes) -> bytes:
    """The CANCEL of an INVITE: all but the method the same (9.1)."""
    _, _, cseq = _cut(invite)
    number = invite[cseq : invite.index(b" ", cseq)]
    return b"CANCEL%b%b CANCEL\r\n%b%b" % (invite[6:cseq], number, extra, _EMPTY)


def sdp_of(message: Message) -> bytes:
    """The session description in a message, maybe one of several parts; empty without one."""
    kind = message.content_type
    if kind == SDP_KIND:
        return message.body
    return part(message, SDP_KIND) if kind.startswith(b"multipart/") else b""
