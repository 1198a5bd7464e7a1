"""Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13).

The tag of a document is a digest of its bytes, so that it needs no memory and changes with whatever
a reader would see change. Who updates a document names the tag of the one that was read.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from admin_http.problems import ProblemError

_LIST: Final = re.compile(r'\s*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')
TAGS_MAX: Final = 32  # looked at in one header


def tag(body: bytes) -> str:
    """The strong entity tag of a document."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def named(header: str, current: str) -> bool:
    """Whether a header names a tag, or any by `*`."""
    if header.strip() == "*":
        return True
    found = (match.group(1) for match in _LIST.finditer(header[:8_192]))
    return any(one == current for _, one in zip(range(TAGS_MAX), found, strict=False))


def must_match(header: str | None, current: str) -> None:
    """What an update of a document must say.

    Raises:
        ProblemError: 428 without If-Match, 412 when the document is another one by now.
    """
    if header is None:
        raise ProblemError(428, "send the ETag that you read as If-Match")
    if header.lstrip().startswith("W/") or not named(header, current):
        told = {"ETag": current}
        raise ProblemError(412, "it has changed since you read it: read it again", headers=told)
