"""Option tags (RFC 3261 section 19.2): what a peer supports or requires, and what we do."""

from __future__ import annotations

from fastpath.sipscan import Message

REL100 = b"100rel"  # RFC 3262
TIMER = b"timer"  # RFC 4028
REPLACES = b"replaces"  # RFC 3891
NOREFERSUB = b"norefersub"  # RFC 4488
KNOWN = frozenset({REL100, TIMER, REPLACES, NOREFERSUB})
SUPPORTED_LINE = b"Supported: 100rel, timer, replaces, norefersub\r\n"


def tags(message: Message, header: str) -> list[bytes]:
    """The tokens of all lines of a header that lists some, in lower case."""
    values = b",".join(message.get_all(header)).lower().split(b",")
    return [tag for value in values if (tag := value.strip())]


def supports(message: Message, tag: bytes) -> bool:
    """Whether the sender names `tag` as supported, or requires it, which says as much."""
    return tag in tags(message, "Supported") or (
        message.demands and tag in tags(message, "Require")
    )


def unsupported(message: Message) -> bytes:
    """The Unsupported line of a 420: what the request requires and we do not know (8.2.2.3)."""
    if not message.demands:
        return b""
    unknown = [tag for tag in tags(message, "Require") if tag not in KNOWN]
    return b"Unsupported: %b\r\n" % b", ".join(unknown) if unknown else b""


def allows(message: Message, method: bytes) -> bool:
    """Whether the sender's Allow header names `method` (upper case, as methods are)."""
    values = b",".join(message.get_all("Allow")).split(b",")
    return any(value.strip() == method for value in values)
