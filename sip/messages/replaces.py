"""Replaces (RFC 3891): one call takes the place of another, which makes an attended transfer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import msgspec

from fastpath.sipscan import Message
from sip.errors import SipError
from sip.messages.address import param, params_of
from sip.messages.header_map import decoded
from sip.messages.headers import call_id, text, token

if TYPE_CHECKING:
    from sip.calls.leg import Leg


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
    return parse(text(unquote(value, errors="replace"), "Replaces"))


def find(wanted: Replaces, tags: Mapping[bytes, Leg]) -> Leg | None:
    """The leg of ours that is meant; `tags` are the legs by our own tag."""
    leg = tags.get(wanted.to_tag.encode())
    if leg is None or leg.call_id != wanted.call_id.encode():
        return None
    tag = wanted.from_tag.encode()
    known = leg.dialog_with(tag) or (leg.dialog_with(b"") if tag == b"0" else None)
    return leg if known else None  # a tag of zero stands for none (RFC 2543)


def judge(message: Message, tags: Mapping[bytes, Leg]) -> tuple[int, Leg | None]:
    """What section 3 says of an INVITE outside a dialog: a status to refuse it with, or 0.

    With 0 comes the leg that it replaces when it is accepted, None when it does not want to.
    """
    if not message.replaces:
        return 0, None
    values = message.get_all("Replaces")
    if len(values) > 1 or message.get_all("Join"):
        return 400, None
    try:
        wanted = parse(decoded(values[0]))
    except SipError:
        return 400, None
    leg = find(wanted, tags)
    if leg is None:
        return 481, None
    if leg.by != "them":
        return 603, None  # it is being hung up
    if not leg.confirmed():
        return (0, leg) if leg.caller else (481, None)  # only a call of ours may be taken early
    return (486, None) if wanted.early_only else (0, leg)
