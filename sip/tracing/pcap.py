"""Traced messages as a capture file that Wireshark and tcpdump read.

Each message is an IP packet as it could have been on the wire, checksums included. What went over
TCP is one stream for each direction, without the handshake. What went over TLS is written as it was
before encryption, and on port 5060 where it used 5061: readers take 5061 for TLS.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Iterator

import msgspec

_FILE = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 101)
"""Little-endian, nanoseconds, raw IP (LINKTYPE_RAW)."""

UDP = 17
TCP = 6
UDP_PAYLOAD_MAX = 65_507  # what one datagram over IPv4 can hold
SEGMENT_MAX = 60_000
_PSH_ACK = 0x18
_TTL = 64

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class Packet(msgspec.Struct, frozen=True):
    """One message between two numeric addresses; `transport` is udp, tcp or tls."""

    wall_ns: int
    transport: str
    source: tuple[str, int]
    target: tuple[str, int]
    data: bytes


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\x00"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _numeric(host: str, peer: str) -> Ip:
    """An address for a packet; a name becomes the unspecified address of the peer's family."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return ipaddress.IPv6Address(0) if ":" in peer else ipaddress.IPv4Address(0)


def addresses(packet: Packet) -> tuple[Ip, Ip]:
    """Source and target in one family: a mixed pair is written as IPv6, mapped (RFC 4291)."""
    source = _numeric(packet.source[0], packet.target[0])
    target = _numeric(packet.target[0], packet.source[0])
    if source.version == target.version:
        return source, target
    return _mapped(source), _mapped(target)


def _mapped(host: Ip) -> Ip:
    if isinstance(host, ipaddress.IPv6Address):
        return host
    return ipaddress.IPv6Address(b"\x00" * 10 + b"\xff\xff" + host.packed)


def _pseudo(source: Ip, target: Ip, protocol: int, length: int) -> bytes:
    """What the checksums of UDP and TCP cover of the IP header (RFC 768, 8200 section 8.1)."""
    if source.version == 4:
        return source.packed + target.packed + struct.pack("!BBH", 0, protocol, length)
    return source.packed + target.packed + struct.pack("!IxxxB", length, protocol)


def _ip(source: Ip, target: Ip, protocol: int, payload: bytes, number: int) -> bytes:
    if source.version == 6:
        head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, _TTL)
        return head + source.packed + target.packed + payload
    size = 20 + len(payload)
    parts = (0x45, 0, size, number & 0xFFFF, 0, _TTL, protocol)
    head = struct.pack("!BBHHHBB", *parts) + b"\x00\x00" + source.packed + target.packed
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def _udp(source: Ip, target: Ip, ports: tuple[int, int], data: bytes) -> bytes:
    size = 8 + len(data)
    head = struct.pack("!HHH", *ports, size)
    total = checksum(_pseudo(source, target, UDP, size) + head + b"\x00\x00" + data)
    return head + struct.pack("!H", total or 0xFFFF) + data  # RFC 768: 0 would mean none


def _tcp(source: Ip, target: Ip, ports: tuple[int, int], at: tuple[int, int], data: bytes) -> bytes:
    head = struct.pack("!HHIIBBH", *ports, *at, 5 << 4, _PSH_ACK, 65_535)
    pseudo = _pseudo(source, target, TCP, 20 + len(data))
    total = checksum(pseudo + head + b"\x00\x00\x00\x00" + data)
    return head + struct.pack("!HH", total, 0) + data


class Writer:
    """Packets to bytes; it remembers where each TCP stream is."""

    def __init__(self) -> None:
        self._sequence: dict[tuple[tuple[str, int], tuple[str, int]], int] = {}
        self._number = 0

    def frames(self, packet: Packet) -> Iterator[bytes]:
        """The IP packets of one message."""
        source, target = addresses(packet)
        ports = (packet.source[1], packet.target[1])
        if packet.transport == "udp":
            data = packet.data[:UDP_PAYLOAD_MAX]
            self._number += 1
            yield _ip(source, target, UDP, _udp(source, target, ports, data), self._number)
            return
        if packet.transport == "tls":
            ports = tuple(5060 if port == 5061 else port for port in ports)  # type: ignore[assignment]
        forth = (packet.source, packet.target)
        back = (packet.target, packet.source)
        for at in range(0, len(packet.data), SEGMENT_MAX):
            data = packet.data[at : at + SEGMENT_MAX]
            here = self._sequence.get(forth, 1), self._sequence.get(back, 1)
            self._number += 1
            yield _ip(source, target, TCP, _tcp(source, target, ports, here, data), self._number)
            self._sequence[forth] = (here[0] + len(data)) & 0xFFFFFFFF

    def record(self, packet: Packet) -> bytes:
        """The records of one message in a file."""
        seconds, ns = divmod(packet.wall_ns, 1_000_000_000)
        return b"".join(
            struct.pack("<IIII", seconds & 0xFFFFFFFF, ns, len(frame), len(frame)) + frame
            for frame in self.frames(packet)
        )


def capture(packets: Iterable[Packet]) -> bytes:
    """A whole capture file."""
    writer = Writer()
    return _FILE + b"".join(map(writer.record, packets))
