"""Telephone numbers as URIs: RFC 3966, and the same inside of SIP URIs (RFC 3261 section 19.1.6).

A `Tel` is in canonical form: no visual separators, what is compared without case in lower case,
parameters in RFC 3966's order. So `==` is that RFC's comparison (section 5), and `str` writes
what everybody writes alike.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import quote, unquote_to_bytes

import msgspec

from fastpath.sipscan import ScanError, parse_uri
from sip.errors import SipError
from sip.messages.headers import text
from sip.messages.uri import bracketed

Form = Literal["sip", "phone", "tel", "local"]
"""How a number is said: a SIP URI's user, that with user=phone, a tel URI, a local tel URI."""

_SEPARATORS = str.maketrans("", "", "-.()")
_GLOBAL = re.compile(r"\+[0-9]{1,32}")
_LOCAL = re.compile(r"[0-9A-F*#]{1,32}")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9\-.]{0,252}[a-z0-9])?\.?")
_EXTENSION = re.compile(r"[0-9]{1,32}")
_PARAM = re.compile(r"[A-Za-z0-9\-]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9\-._]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_VALUE_SAFE = "[]/:&+$-_.!~*'()"  # RFC 3966: paramchar without %
PARAMS_MAX = 16


class Tel(msgspec.Struct, frozen=True):
    """A telephone number. Made by `parse` and `of_number`, which check it.

    Attributes:
        number: "+" and digits when it is global; else digits, A-F, "*" and "#".
        context: where a local number is valid: a domain name, or "+" and digits. Empty when global.
        extension, subaddress: RFC 3966's `ext` and `isub`.
        params: the others, sorted; None for one without a value.
    """

    number: str
    context: str = ""
    extension: str = ""
    subaddress: str = ""
    params: tuple[tuple[str, str | None], ...] = ()

    @property
    def is_global(self) -> bool:
        """Whether it is complete: E.164 with its plus sign."""
        return self.number.startswith("+")

    def subscriber(self) -> str:
        """The tel URI without its scheme."""
        pairs: list[tuple[str, str | None]] = []
        if self.subaddress:
            pairs.append(("isub", self.subaddress))
        if self.extension:
            pairs.append(("ext", self.extension))
        if self.context:
            pairs.append(("phone-context", self.context))
        pairs += self.params
        tail = "".join(
            f";{n}" if v is None else f";{n}={quote(v, safe=_VALUE_SAFE)}" for n, v in pairs
        )
        return self.number.replace("#", "%23") + tail

    def __str__(self) -> str:
        return f"tel:{self.subscriber()}"

    def sip(self, host: str, port: int = 0) -> str:
        """The SIP URI that means the same at `host`, with user=phone."""
        return f"sip:{_escaped(self.subscriber())}@{_at(host, port)};user=phone"


def _escaped(subscriber: str) -> str:
    """As a SIP user part, in which a few characters of a parameter's are not allowed."""
    return quote(subscriber, safe="-_.!~*'()&=+$,;?/%")


def _at(host: str, port: int) -> str:
    host = bracketed(host.strip("[]"))
    if not _HOST.fullmatch(host) or not 0 <= port < 65536:
        raise SipError(f"not a host and port: {host!r}, {port}")
    return f"{host}:{port}" if port else host


def _digits(written: str, what: str) -> str:
    """A number without its separators, global or local."""
    plain = written.translate(_SEPARATORS).upper()
    if not (_GLOBAL.fullmatch(plain) or _LOCAL.fullmatch(plain)):
        raise SipError(f"not a telephone number in {what!r}")
    return plain


def _context(value: str, what: str) -> str:
    if value.startswith("+"):
        plain = value.translate(_SEPARATORS)
        if _GLOBAL.fullmatch(plain):
            return plain
    elif _DOMAIN.fullmatch(value.lower()):
        return value.lower()
    raise SipError(f"not a phone-context in {what!r}")


def _subscriber(written: str, what: str) -> Tel:
    """The part of a tel URI behind its scheme, or the user of a SIP URI with user=phone."""
    head, *tail = written.split(";")
    number = _digits(unquote_to_bytes(head).decode("latin-1"), what)
    found: dict[str, str | None] = {}
    if len(tail) > PARAMS_MAX:
        raise SipError(f"too many parameters in {what!r}")
    for part in tail:
        name, equals, value = part.partition("=")
        name = name.lower()
        if not _PARAM.fullmatch(name) or name in found or (equals and not value):
            raise SipError(f"a broken parameter in {what!r}")
        plain = unquote_to_bytes(value).decode("utf-8", "replace").lower()
        found[name] = text(plain, "a parameter") if equals else None
    context, ext = found.pop("phone-context", None), found.pop("ext", "")
    if (context is None) == (not number.startswith("+")):
        raise SipError(f"a local number needs its phone-context, a global one has none: {what!r}")
    extension = (ext or "").translate(_SEPARATORS)
    if ext != "" and not _EXTENSION.fullmatch(extension):
        raise SipError(f"not an extension in {what!r}")
    subaddress = found.pop("isub", None) or ""
    others = tuple(sorted(found.items(), key=lambda pair: pair[0]))
    return Tel(number, _context(context, what) if context else "", extension, subaddress, others)


def parse(uri: str) -> Tel:
    """Read a tel URI, or a SIP URI with user=phone; SipError for anything else.

    A SIP URI's host takes a missing phone-context's place, as gateways mean it.
    """
    try:
        scheme, user, host, _, params = parse_uri(text(uri, "URI").encode())
    except ScanError:
        raise SipError(f"not a URI: {uri!r}") from None
    if scheme == "tel":
        return _subscriber(uri.partition(":")[2], uri)
    if scheme not in {"sip", "sips"} or b"user=phone" not in params.lower().split(b";"):
        raise SipError(f"not a telephone number: {uri!r}")
    said = user.decode("latin-1")
    if not said.startswith("+") and ";phone-context=" not in said.lower():
        said += ";phone-context=" + host.decode("latin-1").strip("[]").lower()
    return _subscriber(said, uri)


def number_of(uri: str) -> str:
    """The number that a URI shows, without separators; empty when its user is no number.

    Any SIP URI whose user could be dialed counts, with and without user=phone.
    """
    try:
        scheme, user, _, _, _ = parse_uri(uri.encode())
        written = uri.partition(":")[2] if scheme == "tel" else user.decode("latin-1")
        plain = unquote_to_bytes(written).decode("utf-8", "replace").partition(";")[0]
        return _digits(plain, uri)
    except (ScanError, SipError, UnicodeEncodeError):
        return ""


def of_number(number: str, form: Form, host: str = "", *, context: str = "", port: int = 0) -> str:
    """A URI for a number in one of the four forms; SipError when it cannot be said in that form.

    Args:
        number: with or without separators; global with "+".
        form: see `Form`.
        host: of the SIP URI.
        context: of a local number ("+84" or a domain), which "tel" and "local" need.
        port: of the SIP URI, 0 for none.
    """
    plain = _digits(number, number)
    if form == "sip":
        return f"sip:{Tel(plain).subscriber()}@{_at(host, port)}"
    is_global = plain.startswith("+")
    if form == "tel" and not is_global:
        raise SipError(f"a tel URI's number begins with +: {number!r}")
    if form == "local" and (is_global or not context):
        raise SipError(f"a local number has no + but a context: {number!r}")
    tel = Tel(plain, _context(context, number) if context and not is_global else "")
    return tel.sip(host, port) if form == "phone" else str(tel)
