"""A peer elsewhere that names our own loopback address: nothing may be sent there."""

from __future__ import annotations

import random

import pytest

from sip import sdp
from sip.calls.negotiation import Capabilities, Negotiation
from sip.messages.uri import is_loopback

FAR = sdp.offer("192.0.2.1", 30_000, session_id=1)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.8.7", "::1", "0:0::0:1", "::ffff:127.0.0.1", "::ffff:7f01:0203"]
)
def test_it_is_learned_from_its_packets(host: str) -> None:
    theirs = sdp.offer(host, 40_000, session_id=2)
    settled = sdp.settle(FAR, theirs)
    assert (settled.host, settled.port, settled.direction) == ("", 40_000, "sendrecv")
    assert sdp.settle(
        sdp.offer("127.0.0.1", 30_000, session_id=1), theirs
    ).host  # all on one machine
    called = Negotiation(Capabilities("192.0.2.1", 30_000), 1, random.Random(1))
    called.offered(theirs)
    assert called.result is not None
    assert called.result.host == ""


@pytest.mark.parametrize(
    "host", ["192.0.2.2", "12.7.0.1", "::ffff:7f0:1", "::12", "2001:db8::1", "gw"]
)
def test_any_other_host_is_believed(host: str) -> None:
    theirs = sdp.offer("192.0.2.2", 40_000, session_id=2).replace(
        b"c=IN IP4 192.0.2.2", f"c=IN IP{6 if ':' in host else 4} {host}".encode()
    )
    assert sdp.settle(FAR, theirs).host == host


def test_reports_go_beside_the_audio_then() -> None:
    theirs = sdp.offer("192.0.2.2", 40_000, session_id=2) + b"a=rtcp:53 IN IP4 127.0.0.1\r\n"
    settled = sdp.settle(FAR, theirs)
    assert settled.rtcp == ("192.0.2.2", 40_001)


@pytest.mark.parametrize("host", ["", "127", "1270.0.0.1", "1::1", "localhost"])
def test_what_is_no_loopback_address(host: str) -> None:
    assert not is_loopback(host)
