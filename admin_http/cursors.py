"""Opaque cursors: where a page of a list ended, in a form that only we can read.

A cursor holds the name of its list, so that one of another list is refused and not misunderstood.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from admin_http.problems import Fault, ProblemError

CURSOR_CHARS_MAX: Final = 512

Position = tuple[int | str, ...]


class _Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    of: str
    at: tuple[int | str, ...]


def encode(of: str, at: Position) -> str:
    """The cursor of a place in a list."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(_Cursor(of, at))).rstrip(b"=").decode()


def decode(of: str, cursor: str) -> Position:
    """The place that a cursor of this list stands for, empty: its head; ProblemError 404."""
    if not cursor:
        return ()
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found = msgspec.msgpack.decode(raw, type=_Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        found = _Cursor("", ())
    if found.of != of or not found.at:
        fault = Fault(detail="no cursor of this list", parameter="after")
        raise ProblemError(404, "after: give the `next` of a page of this list", errors=(fault,))
    return found.at


def text(at: Position) -> str:
    """A place that is one text, empty: the head; ProblemError 404."""
    match at:
        case ():
            return ""
        case (str(found),):
            return found
        case _:
            raise ProblemError(404, "after: no cursor of this list")


def pair(at: Position) -> tuple[int, int]:
    """A place that is a person of a campaign, (0, 0): the head; ProblemError 404."""
    match at:
        case ():
            return 0, 0
        case (int(campaign), int(lead)) if 0 <= campaign < 1 << 32 and 0 <= lead < 1 << 32:
            return campaign, lead
        case _:
            raise ProblemError(404, "after: no cursor of this list")


def number(at: Position) -> int:
    """A place that is one number, 0: the head; ProblemError 404."""
    match at:
        case ():
            return 0
        case (int(found),) if 0 <= found < 1 << 63:
            return found
        case _:
            raise ProblemError(404, "after: no cursor of this list")
