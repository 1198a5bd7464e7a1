"""Addresses of header fields (RFC 3261 section 20.10) and lists of them, as text.

The grammar is judged by the scanner; here what it passed is taken apart, and put together again.
Lists are split before anybody judged them, so every pattern here reads each character once: one
that tried again from each place would let a single datagram stop everything for seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from fastpath.sipscan import ScanError, parse_address, parse_uri
from sip.errors import SipError
from sip.messages.headers import quoted, text

Params = tuple[tuple[str, str | None], ...]
"""Parameters in their order; names in lower case, values unquoted, None where there is none."""

_STRING = r'"(?:[^"\\]|\\.)*"'
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"?|<[^>]*>?|,|[^",<]+', re.DOTALL)  # unclosed: the rest
_PARAM = re.compile(rf";\s*([^\s;=]+)(?:\s*=\s*({_STRING}|\[[^\]]{{0,64}}\]|[^\s;,]+))?", re.DOTALL)
_NAMED = re.compile(rf"(\s*{_STRING}\s*|[^<]*)<([^>]*)>", re.DOTALL)
_BARE = re.compile(r"\s*([^\s;,]+)")
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")


def split(value: str) -> list[str]:
    """The parts of a header value between its commas: not those in quotes or angle brackets."""
    parts = [""]
    for piece in _PIECE.findall(value):
        if piece == ",":
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts]


def unquoted(value: str) -> str:
    """What a quoted-string says; a token says itself."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        return _PAIR.sub(r"\1", value[1:-1])
    return value


def params_of(tail: str) -> Params:
    """The parameters of `;name=value;name`."""
    return tuple(
        (name.lower(), unquoted(value) if value else None) for name, value in _PARAM.findall(tail)
    )


def params_text(params: Iterable[tuple[str, str | None]]) -> str:
    """Parameters as they stand in a header; SipError when one cannot."""
    out = []
    for name, value in params:
        if not _TOKEN.fullmatch(text(name, "a parameter's name")):
            raise SipError(f"not a parameter's name: {name!r}")
        if value is None:
            out.append(f";{name}")
        elif _TOKEN.fullmatch(value):
            out.append(f";{name}={text(value, name)}")
        else:
            out.append(f";{name}={quoted(value, name)}")
    return "".join(out)


def param(params: Params, name: str) -> str | None:
    """The value of the first parameter of this name: "" when it has none, None without it."""
    for key, value in params:
        if key == name:
            return value or ""
    return None


class NameAddr(msgspec.Struct, frozen=True):
    """`"Display" <uri>;name=value` of From, To, Contact, Route, Refer-To and their like.

    `str` writes it, and raises SipError for what cannot stand in a header.
    """

    uri: str
    display: str = ""
    params: Params = ()

    @property
    def tag(self) -> str:
        """The dialog's tag, empty when there is none."""
        return param(self.params, "tag") or ""

    @property
    def user(self) -> str:
        """The user part of a SIP URI, escaped as it came."""
        return parse_uri(self.uri.encode())[1].decode("latin-1")

    def __str__(self) -> str:
        try:
            parse_uri(text(self.uri, "URI").encode())
        except ScanError:
            raise SipError(f"not a URI: {self.uri!r}") from None
        display = quoted(self.display, "display") + " " if self.display else ""
        return f"{display}<{self.uri}>{params_text(self.params)}"


def parse(value: str) -> NameAddr:
    """One address; SipError when it is none, or more than one."""
    try:
        parse_address(value.encode())
    except (ScanError, UnicodeEncodeError):
        raise SipError(f"not an address: {value!r}") from None
    named = _NAMED.match(value)
    if named is not None:
        return NameAddr(named[2], unquoted(named[1].strip()), params_of(value[named.end() :]))
    bare = _BARE.match(value)
    if bare is None:
        raise SipError(f"not an address: {value!r}")
    return NameAddr(bare[1], "", params_of(value[bare.end() :]))


def parse_list(value: str) -> list[NameAddr]:
    """Every address of a header value; SipError when one is broken."""
    return [parse(part) for part in split(value)]
