"""Bodies of several parts (RFC 2046 section 5.1, RFC 5621): the one of a kind among them.

Networks that carry ISUP put the session description beside it in multipart/mixed.
"""

from __future__ import annotations

import re

from fastpath.sipscan import Message
from sip.limits import PARTS_MAX

_BOUNDARY = re.compile(
    rb';\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;",]{1,70})(?=[\s;]|$))', re.IGNORECASE
)
_OPTIONAL = re.compile(rb";\s*handling\s*=\s*optional\s*(?:;|$)", re.IGNORECASE)
_KIND = re.compile(rb"^content-type[ \t]*:[ \t]*([^\s;]+)", re.IGNORECASE | re.MULTILINE)


def optional(message: Message) -> bool:
    """Whether the sender lets a body be ignored that we cannot read (RFC 3261 8.2.3, 20.11)."""
    return any(_OPTIONAL.search(value) for value in message.get_all("Content-Disposition"))


def part(message: Message, kind: bytes) -> bytes:
    """The first part whose type is `kind` (in lower case); empty when there is none."""
    values = message.get_all("Content-Type")
    found = _BOUNDARY.search(values[0]) if len(values) == 1 else None
    if found is None:
        return b""
    delimiter = b"\r\n--" + (found[1] or found[2])
    # Before the first delimiter stands a preamble, after the closing one an epilogue.
    for piece in (b"\r\n" + message.body).split(delimiter, PARTS_MAX + 1)[1 : PARTS_MAX + 1]:
        if piece.startswith(b"--"):
            break
        head, _, content = piece.partition(b"\r\n\r\n")
        named = _KIND.search(head)
        if named is not None and named[1].lower() == kind:
            return content
    return b""
