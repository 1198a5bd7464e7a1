"""The captures that SIPp ships, replayed at the media engine: exactly their digits and packets."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest

from fastpath.rtp import DigitHeard, MediaEngine
from tests.ports import media_ports
from tests.waiting import until

pytestmark = pytest.mark.interop
PCAPS = Path("/usr/share/sip-tester")
NAMES = {**{str(d): str(d) for d in range(10)}, "star": "*", "pound": "#"}
ETHERNET, COOKED, RAW_IP = 1, 113, 101
LINK_BYTES = {ETHERNET: 14, COOKED: 16, RAW_IP: 0}


def payloads(name: str) -> list[bytes]:
    """The UDP payloads of a capture file."""
    path = PCAPS / name
    assert path.is_file(), f"{path} is missing: apt-get install sip-tester"
    data = path.read_bytes()
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    link = LINK_BYTES[struct.unpack_from(order + "I", data, 20)[0]]
    out, at = [], 24
    while at < len(data):
        size = struct.unpack_from(order + "I", data, at + 8)[0]
        packet = data[at + 16 + link : at + 16 + size]
        at += 16 + size
        if packet[9] == socket.IPPROTO_UDP:
            udp = packet[4 * (packet[0] & 15) :]
            out.append(udp[8 : int.from_bytes(udp[4:6], "big")])
    return out


def event_type_of(packets: list[bytes]) -> int:
    kinds = {p[1] & 0x7F for p in packets}
    assert len(kinds) == 1
    return kinds.pop()


def replay(engine: MediaEngine, stream: int, peer: socket.socket, packets: list[bytes]) -> None:
    """Send packets as fast as the engine takes them."""
    before = engine.stats(stream).received
    for i, packet in enumerate(packets, 1):
        peer.sendto(packet, ("127.0.0.1", engine.port(stream)))
        if i % 16 == 0 or i == len(packets):
            until(lambda: engine.stats(stream).received == before + i)  # noqa: B023


@pytest.mark.parametrize(("name", "digit"), NAMES.items())
def test_each_capture_is_its_digit(engine: MediaEngine, name: str, digit: str) -> None:
    packets = payloads(f"dtmf_2833_{name}.pcap")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        stream = engine.open("127.0.0.1", *media_ports())
        engine.connect(stream, *peer.getsockname(), 0, event_type_of(packets))
        replay(engine, stream, peer, packets)
        until(lambda: engine.stats(stream).digits_heard)
    heard = [e.digit for e in engine.events() if isinstance(e, DigitHeard)]
    assert heard == [digit]
    stats = engine.close(stream)
    assert (stats.received, stats.malformed, stats.lost) == (len(packets), 0, 0)


def test_a_number_pressed_into_speech_is_heard(engine: MediaEngine) -> None:
    """Audio between the digits, from another source on the same port, as SIPp sends it."""
    audio = payloads("g711a.pcap")
    number = "0912345678*#"
    names = {digit: name for name, digit in NAMES.items()}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        stream = engine.open("127.0.0.1", *media_ports())
        kind = event_type_of(payloads("dtmf_2833_0.pcap"))
        engine.connect(stream, *peer.getsockname(), 8, kind)
        for i, digit in enumerate(number):
            replay(engine, stream, peer, audio[i * 20 : i * 20 + 20])
            replay(engine, stream, peer, payloads(f"dtmf_2833_{names[digit]}.pcap"))
            until(lambda: engine.stats(stream).digits_heard == i + 1)  # noqa: B023
    events = [e for e in engine.events() if isinstance(e, DigitHeard)]
    assert "".join(e.digit for e in events) == number


def test_captured_speech_is_counted_to_the_packet(engine: MediaEngine) -> None:
    packets = payloads("g711a.pcap")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        stream = engine.open("127.0.0.1", *media_ports())
        engine.connect(stream, *peer.getsockname(), 8, 101)
        replay(engine, stream, peer, packets)
    stats = engine.close(stream)
    seqs = [int.from_bytes(p[2:4], "big") for p in packets]
    assert seqs == [(seqs[0] + i) & 0xFFFF for i in range(len(seqs))]
    assert (stats.received, stats.lost, stats.reordered, stats.malformed) == (len(packets), 0, 0, 0)
