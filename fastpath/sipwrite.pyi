"""SIP requests and responses as bytes, and text checked for them.

Nothing here looks into the parts: they were scanned, or have been through the three checks, which
let no CR, LF or NUL pass.
"""

def request(
    method: bytes,
    uri: bytes,
    via: bytes,
    branch: bytes,
    sender: bytes,
    to: bytes,
    call_id: bytes,
    cseq: int,
    extra: bytes,
    body: bytes = b"",
    kind: bytes = b"application/sdp",
    routes: bytes = b"",
) -> bytes:
    """One request. `sender` and `to` are whole header values, `extra` and `routes` whole lines.

    `via` is a Via line up to its branch. Routes stand above From, where an INVITE's CANCEL and ACK
    take them over (RFC 3261 sections 9.1, 17.1.1.3).
    """

def response(
    code: int,
    phrase: bytes,
    head: bytes,
    to: bytes,
    extra: bytes = b"",
    body: bytes = b"",
    kind: bytes = b"application/sdp",
) -> bytes:
    """One response. `head` is `Message.reply_head`'s, `to` the whole To value."""

def line_text(value: str, most: int) -> bytes | None:
    """As UTF-8 when it may stand in a line and has at most `most` characters."""

def call_id_text(value: str, most: int) -> bytes | None:
    """The same for a Call-ID (RFC 3261 section 25.1: callid)."""

def uri_text(value: str, most: int) -> bytes | None:
    """The same for a whole sip, sips or tel URI."""
