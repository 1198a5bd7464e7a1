"""Whether a peer's certificate is the one of the domain that we want to reach (RFC 5922 section 7).

The subject alternative names decide: a URI `sip:domain` or a DNS name; the common name counts only
when there are none of both. RFC 5922 section 7.2 allows no wildcards; carriers use them all the
same, so one as the whole first label of a DNS name is accepted, for exactly one label (RFC 6125).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

NAMES_MAX = 256  # names of one certificate that are looked at

Certificate = Mapping[str, Any]
"""As `ssl.SSLObject.getpeercert` tells it."""


def covers(certificate: Certificate, name: str) -> bool:
    """Whether the certificate speaks for `name`, a host name or an IP address."""
    wanted = name.strip("[]").rstrip(".").lower()
    pairs = list(_pairs(certificate.get("subjectAltName", ())))
    try:
        address = ipaddress.ip_address(wanted)
    except ValueError:
        pass
    else:
        return any(kind == "IP Address" and _same(value, address) for kind, value in pairs)
    uris = [_domain(value) for kind, value in pairs if kind == "URI"]
    names = [value.rstrip(".").lower() for kind, value in pairs if kind == "DNS"]
    if not any(uris) and not names:
        names = [value.lower() for value in _common(certificate)]
        return wanted in names
    return wanted in uris or any(_fits(pattern, wanted) for pattern in names)


def _pairs(names: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    for number, (kind, value) in enumerate(names):
        if number >= NAMES_MAX:
            return
        yield kind, value


def _same(value: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return ipaddress.ip_address(value.strip()) == address
    except ValueError:
        return False


def _domain(uri: str) -> str:
    """The domain of a `sip:` URI without a user (7.1); empty for any other."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "sip" or "@" in rest or not rest:
        return ""
    return rest.split(";")[0].split("?")[0].rstrip(".").lower()


def _fits(pattern: str, wanted: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == wanted
    rest = pattern[1:]
    label, dot, tail = wanted.partition(".")
    return bool(label and dot) and "." + tail == rest and rest.count(".") > 1


def _common(certificate: Certificate) -> Iterable[str]:
    for part in certificate.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                yield value
