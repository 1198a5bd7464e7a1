"""Contact and Path values: lists of addresses with parameters (RFC 3261 sections 20.10, 19.1.4)."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from sip.errors import SipError
from sip.limits import CONTACTS_MAX, EXPIRES_S_MAX
from sip.messages import address
from sip.messages.uri import Uri, parse

# 19.1.4: what makes two URIs differ even when only one of them has it
_TELLING = ("user", "ttl", "method", "maddr", "transport")


class Contact(msgspec.Struct, frozen=True):
    """One address of a Contact header; parameter names are in lower case."""

    uri: str
    params: dict[str, str]

    @property
    def expires_s(self) -> int:
        """The `expires` parameter; -1 when there is none, 3600 when it is no number (20.19)."""
        return seconds(self.params["expires"]) if "expires" in self.params else -1

    @property
    def q(self) -> int:
        """Preference in thousandths, 1000 when it is not said."""
        found = re.fullmatch(r"([01])(?:\.([0-9]{0,3}))?", self.params.get("q", "1"))
        if found is None:
            return 1_000
        return min(int(found[1]) * 1_000 + int((found[2] or "").ljust(3, "0")), 1_000)


def seconds(text: str) -> int:
    """A delta-seconds; 3600 when it is none (20.19)."""
    text = text.strip()
    if not re.fullmatch(r"[0-9]{1,20}", text):
        return 3_600
    return min(int(text), EXPIRES_S_MAX)


def elements(value: str) -> list[str]:
    """The elements of a list header, split at commas that stand outside of quotes and brackets."""
    return [element for element in address.split(value) if element]


def contacts(values: list[str]) -> list[Contact]:
    """The contacts of these header values, `*` excepted; SipError when one is none."""
    found: list[Contact] = []
    for value in values:
        for element in elements(value):
            if len(found) >= CONTACTS_MAX:
                raise SipError(f"more than {CONTACTS_MAX} contacts")
            found.append(contact(element))
    return found


def contact(element: str) -> Contact:
    """One element of a Contact header; SipError when it is no address."""
    one = address.parse(element)
    params: dict[str, str] = {}
    for name, value in one.params:
        params.setdefault(name, value or "")
    return Contact(one.uri, params)


def same_uri(one: str, other: str) -> bool:
    """Whether two URIs are equal (19.1.4); False for what is no SIP URI unless it is the same."""
    if one == other:
        return True
    try:
        a, b = parse(one), parse(other)
    except SipError:
        return False
    if a.scheme not in {"sip", "sips"} or _key(a) != _key(b):
        return False
    ours, theirs = _params(a), _params(b)
    if any(ours.get(name) != theirs.get(name) for name in _TELLING):
        return False
    return all(theirs.get(name, text) == text for name, text in ours.items())


def _key(uri: Uri) -> tuple[str, str, str, int]:
    return uri.scheme, unquote(uri.user, "latin-1"), uri.host.lower(), uri.port


def _params(uri: Uri) -> dict[str, str]:
    pairs = (part.partition("=") for part in uri.params.lower().split(";") if part)
    return {unquote(name): unquote(text) for name, _, text in pairs}
