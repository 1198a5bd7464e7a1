"""SIP URIs (RFC 3261 section 19.1) as far as an endpoint needs them.

To check one, to find where it leads.
"""

from __future__ import annotations

import re

import msgspec

from fastpath.sipscan import ScanError, parse_uri
from sip.errors import SipError

SIP_PORT = 5060
_LOOPBACK = re.compile(r"127\.|::1\Z|::ffff:(?:127\.|7f[0-9a-f]{2}:)")  # IPv4 in IPv6 as well


def is_loopback(host: str) -> bool:
    """Whether a numeric host, as `ipaddress` writes it, is this machine itself (RFC 6890)."""
    return _LOOPBACK.match(host) is not None


def bracketed(host: str) -> str:
    """A host as it stands in a URI or a Via."""
    return f"[{host}]" if ":" in host else host


class Uri(msgspec.Struct, frozen=True):
    """The parts of a URI, as text. `scheme` is empty for schemes that are not ours.

    `port` -1 when none is given.
    """

    scheme: str
    user: str
    host: str
    port: int
    params: str

    @property
    def loose(self) -> bool:
        """Whether it has the `lr` parameter (16.12)."""
        names = (part.partition("=")[0].lower() for part in self.params.split(";"))
        return "lr" in names


def parse(text: str | bytes) -> Uri:
    """Take a URI apart; SipError when it is none."""
    try:
        raw = text.encode() if isinstance(text, str) else text
        scheme, user, host, port, params = parse_uri(raw)
    except (ScanError, UnicodeEncodeError):
        raise SipError(f"not a URI: {text!r}") from None
    return Uri(
        scheme, user.decode("latin-1"), host.decode("latin-1"), port, params.decode("latin-1")
    )
