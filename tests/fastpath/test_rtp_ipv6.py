"""The media engine over IPv6: the same rules, addresses of 128 bits."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastpath.rtp import MediaEngine
from fastpath.rtp_receive import RtpReceiver
from tests.ports import media_ports
from tests.reference import rtcp
from tests.reference.rtp import rtp
from tests.waiting import until

LOW, HIGH = media_ports()
HERE = "::1"
MS = 1_000_000
SPOKEN = b"\x12" * 160


def bound(host: str = HERE) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(100)
    return sock


@pytest.fixture
def six() -> Iterator[socket.socket]:
    """The far end of a stream."""
    with bound() as sock:
        yield sock


def test_audio_goes_both_ways_and_only_the_peer_is_heard(
    engine: MediaEngine, six: socket.socket
) -> None:
    stream = engine.open(HERE, LOW, HIGH)
    host, port = six.getsockname()[:2]
    engine.connect(stream, host, port, 0, 101)
    packet, source = six.recvfrom(2048)
    assert source[:2] == (HERE, engine.port(stream))
    assert (len(packet), packet[1] & 0x7F) == (172, 0)
    at = (HERE, engine.port(stream))
    with bound() as stranger:
        for n in range(10):
            six.sendto(rtp(n, 160 * n, 7, 0, SPOKEN), at)
            stranger.sendto(rtp(n, 160 * n, 9, 0, SPOKEN), at)
        until(lambda: engine.stats(stream).received + engine.stats(stream).foreign >= 20)
    stats = engine.close(stream)
    assert (stats.received, stats.foreign) == (10, 10)
    assert stats.peer == (host, port)
    assert stats.locked
    assert stats.send_errors == 0


def test_reports_are_exchanged_beside_the_audio(engine: MediaEngine, six: socket.socket) -> None:
    stream = engine.open(HERE, LOW, HIGH)
    host, port = six.getsockname()[:2]
    with bound() as reports:
        engine.connect(stream, host, port, 0)
        assert engine.report(stream, host, reports.getsockname()[1])
        six.recv(2048)
        engine.close(stream)
        data, source = reports.recvfrom(2048)
        assert rtcp.read(data).kinds[-1] == rtcp.BYE
        assert source[0] == HERE
        assert source[1] % 2 == 1


def test_a_peer_on_hold_is_sent_nothing(engine: MediaEngine, six: socket.socket) -> None:
    stream = engine.open(HERE, LOW, HIGH)
    host, port = six.getsockname()[:2]
    engine.connect(stream, "::", port, 0)
    before = engine.counters()["ticks"]
    until(lambda: engine.counters()["ticks"] > before + 60)
    assert engine.stats(stream).sent == 0
    engine.connect(stream, host, port, 0)
    assert len(six.recv(2048)) == 172


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("::1", "127.0.0.1"), ("127.0.0.1", "::1"), ("::1", "ff02::1"), ("::1", "fe80::1%lo"),
        ("127.0.0.1", "224.0.0.1"), ("127.0.0.1", "255.255.255.255"), ("::1", "1.2.3"),
        ("::1", "x" * 5_000), ("::1", "1::2::3"), ("::1", "::1\0"),
    ],
)  # fmt: skip
def test_what_cannot_be_reached_is_refused(engine: MediaEngine, ours: str, theirs: str) -> None:
    stream = engine.open(ours, LOW, HIGH)
    with pytest.raises(ValueError, match=r"not an|other family"):
        engine.connect(stream, theirs, 4000, 0)
    assert engine.close(stream).sent == 0


@given(st.ip_addresses(v=6) | st.ip_addresses(v=4), st.ip_addresses(v=6), st.integers(1, 65535))
def test_addresses_are_read_compared_and_written(one: object, other: object, port: int) -> None:
    """What the latch hears is told again as the standard library writes it."""
    receiver = RtpReceiver()
    receiver.connect(str(one), port)
    if getattr(one, "ipv4_mapped", None) or int(one) == 0:  # type: ignore[call-overload]
        return  # an IPv4 address in disguise, or none
    assert receiver.peer == (str(one), port)
    receiver.packet(rtp(0, 0, 1), (str(one), port), 20 * MS)
    if one != other:
        assert receiver.packet(rtp(1, 160, 2), (str(other), port), 40 * MS) == "foreign"
    assert receiver.peer == (str(one), port)
