"""Replaces (RFC 3891): one call takes the place of another, which makes an attended transfer."""

from __future__ import annotations

from urllib.parse import quote, unquote

import msgspec

from sip.address import param, params_of
from sip.errors import SipError
from sip.headers import call_id, token


class Replaces(msgspec.Struct, frozen=True):
    """Which dialog is to be replaced, as its called party knows it.

    Attributes:
        to_tag: the tag of whoever is asked, its own.
        from_tag: the tag of the other side.
        early_only: not once it has been answered.
    """

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    def __str__(self) -> str:
        """The header's value; SipError when it cannot be said."""
        call_id(self.call_id)
        tags = f"to-tag={token(self.to_tag, 'tag')};from-tag={token(self.from_tag, 'tag')}"
        return f"{self.call_id};{tags}{';early-only' if self.early_only else ''}"

    def escaped(self) -> str:
        """As it stands in the headers of a Refer-To URI (RFC 3261 section 19.1.2)."""
        return quote(str(self), safe="")


def parse(value: str) -> Replaces:
    """Read a Replaces value; SipError when it is none."""
    name, semicolon, tail = value.partition(";")
    params = params_of(semicolon + tail)
    names = [key for key, _ in params]
    if names.count("to-tag") != 1 or names.count("from-tag") != 1:
        raise SipError("a Replaces without its two tags")
    found = Replaces(
        name.strip(" \t"),
        param(params, "to-tag") or "",
        param(params, "from-tag") or "",
        "early-only" in names,
    )
    str(found)
    return found


def from_uri_header(value: str) -> Replaces:
    """The same out of a Refer-To URI."""
    return parse(unquote(value, errors="replace"))
