"""Whose certificate it is (RFC 5922 section 7)."""

from __future__ import annotations

import pytest

from sip.transport.certificate import NAMES_MAX, covers


def certificate(*names: tuple[str, str], common: str = "") -> dict[str, object]:
    found: dict[str, object] = {"subject": ((("commonName", common),),) if common else ()}
    if names:
        found["subjectAltName"] = names
    return found


DNS, URI, IP = "DNS", "URI", "IP Address"


@pytest.mark.parametrize(
    ("names", "wanted", "ours"),
    [
        ([(DNS, "gw.example.com")], "gw.example.com", True),
        ([(DNS, "GW.Example.com.")], "gw.example.COM.", True),
        ([(DNS, "gw.example.com")], "example.com", False),
        ([(URI, "sip:example.com")], "example.com", True),
        ([(URI, "sip:example.com;transport=tls")], "example.com", True),
        ([(URI, "sip:alice@example.com")], "example.com", False),  # 7.1: a user's, no domain's
        ([(URI, "https://example.com")], "https", False),
        ([(URI, "sips:example.com")], "example.com", False),  # 7.1: sip only
        ([(DNS, "other.net"), (URI, "sip:example.com")], "example.com", True),
        ([(DNS, "*.example.com")], "gw.example.com", True),
        ([(DNS, "*.example.com")], "example.com", False),
        ([(DNS, "*.example.com")], "a.b.example.com", False),
        ([(DNS, "*.com")], "example.com", False),
        ([(DNS, "g*.example.com")], "gw.example.com", False),
        ([(DNS, "*")], "localhost", False),
        ([(IP, "192.0.2.1")], "192.0.2.1", True),
        ([(IP, "2001:DB8:0:0:0:0:0:1")], "[2001:db8::1]", True),
        ([(IP, "192.0.2.1")], "192.0.2.2", False),
        ([(DNS, "192.0.2.1")], "192.0.2.1", False),
        ([(IP, "not an address")], "192.0.2.1", False),
        ([(DNS, f"h{n}.example") for n in range(NAMES_MAX + 5)], f"h{NAMES_MAX}.example", False),
    ],
)
def test_names(names: list[tuple[str, str]], wanted: str, ours: bool) -> None:
    assert covers(certificate(*names), wanted) == ours


def test_the_common_name_counts_only_alone() -> None:
    assert covers(certificate(common="gw.example.com"), "gw.example.com")
    assert not covers(certificate(common="*.example.com"), "gw.example.com")
    assert not covers(certificate((DNS, "x.net"), common="gw.example.com"), "gw.example.com")
    assert covers(certificate((IP, "192.0.2.9"), common="gw.example.com"), "gw.example.com")
    assert not covers(certificate(common="192.0.2.1"), "192.0.2.1")


def test_an_empty_certificate_is_nobodys() -> None:
    assert not covers({}, "example.com")
