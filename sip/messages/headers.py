"""What may go into a header line of ours. CR, LF and NUL never do, in any field."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastpath.sipscan import ScanError, parse_address
from fastpath.sipwrite import call_id_text, line_text
from sip.errors import SipError
from sip.limits import EXTRA_HEADERS_MAX, FIELD_MAX, REFUSED_RETRY_S, ROUTES_MAX

RETRY_LINE = b"Retry-After: %d\r\n" % REFUSED_RETRY_S  # of our 503

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAME = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_OURS = re.compile(
    r"via|v|from|f|to|t|call-id|i|cseq|contact|m|max-forwards|content-length|l|content-type|c|"
    r"content-encoding|e|route|record-route|authorization|proxy-authorization|allow|user-agent|"
    r"require|proxy-require",
    re.IGNORECASE,
)


def line(value: str, what: str) -> bytes:
    """`value` as UTF-8 when it can stand in a line; SipError names the field otherwise."""
    return line_text(value, FIELD_MAX) or text(value, what).encode()


def text(value: str, what: str, most: int = FIELD_MAX) -> str:
    """`value` itself when it can stand in a line; SipError names the field otherwise."""
    if len(value) > most:
        raise SipError(f"{what} is longer than {most} characters")
    if _CONTROL.search(value):
        raise SipError(f"{what} holds a control character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise SipError(f"{what} is not Unicode text") from None
    return value


def quoted(value: str, what: str) -> str:
    """A quoted-string."""
    return '"' + text(value, what).replace("\\", "\\\\").replace('"', '\\"') + '"'


def token(value: str, what: str) -> str:
    """A token (25.1), such as a method's name."""
    if len(value) > FIELD_MAX or not _NAME.fullmatch(value):
        raise SipError(f"not a {what}: {value!r}")
    return value


def route_lines(routes: Sequence[str]) -> bytes:
    """The Route lines of a request, from values like `<sip:proxy;lr>` (20.34)."""
    if not routes:
        return b""
    if len(routes) > ROUTES_MAX:
        raise SipError(f"more than {ROUTES_MAX} routes")
    for route in routes:
        try:
            parse_address(text(route, "route").encode())
        except ScanError:
            raise SipError(f"not a route: {route!r}") from None
    return "".join(f"Route: {route}\r\n" for route in routes).encode()


def call_id(value: str) -> bytes:
    """A checked Call-ID (25.1: callid)."""
    checked = call_id_text(value, FIELD_MAX)
    if checked is None:
        raise SipError(f"not a Call-ID: {value!r}")
    return checked


def extra(pairs: Sequence[tuple[str, str]]) -> bytes:
    """Additional header lines of a request, each with its CRLF."""
    if not pairs:
        return b""
    if len(pairs) > EXTRA_HEADERS_MAX:
        raise SipError(f"more than {EXTRA_HEADERS_MAX} additional headers")
    lines = []
    for name, value in pairs:
        if len(name) > FIELD_MAX or not _NAME.fullmatch(name):
            raise SipError(f"not a header name: {name!r}")
        if _OURS.fullmatch(name):
            raise SipError(f"the stack itself writes the header {name}")
        lines.append(f"{name}: {text(value, name)}\r\n")
    return "".join(lines).encode()
