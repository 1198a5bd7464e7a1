"""HEP version 3: one traced message for a Homer collector (Homer Encapsulation Protocol, rev 12).

"HEP3", total length (2 bytes), chunks: vendor (2), type (2), length with these 6 bytes (2), value
"""

from __future__ import annotations

import struct

from sip.tracing.pcap import TCP, UDP, Packet, addresses

DATAGRAM_MAX = 65_507
_FAMILY = {4: 2, 6: 10}  # AF_INET and AF_INET6 as the protocol numbers them
_SIP = 1
# chunk types of the generic vendor
(
    FAMILY, PROTOCOL, SOURCE_4, TARGET_4, SOURCE_6, TARGET_6, SOURCE_PORT, TARGET_PORT,
    SECONDS, MICROSECONDS, KIND, AGENT,
) = range(1, 13)  # fmt: skip
KEY = 14
PAYLOAD = 15
CORRELATION = 17
NODE = 19


def _chunk(kind: int, value: bytes) -> bytes:
    return struct.pack("!HHH", 0, kind, 6 + len(value)) + value


def encapsulate(
    packet: Packet, call_id: bytes, *, agent: int, key: str = "", node: str = ""
) -> bytes:
    """One HEP datagram; empty when the message is too large for one.

    `agent` is the capture agent's number (32 bits), `key` the collector's password.
    """
    source, target = addresses(packet)
    four = source.version == 4
    seconds, ns = divmod(packet.wall_ns, 1_000_000_000)
    protocol = UDP if packet.transport == "udp" else TCP
    parts = [
        _chunk(FAMILY, bytes([_FAMILY[source.version]])),
        _chunk(PROTOCOL, bytes([protocol])),
        _chunk(SOURCE_4 if four else SOURCE_6, source.packed),
        _chunk(TARGET_4 if four else TARGET_6, target.packed),
        _chunk(SOURCE_PORT, struct.pack("!H", packet.source[1])),
        _chunk(TARGET_PORT, struct.pack("!H", packet.target[1])),
        _chunk(SECONDS, struct.pack("!I", seconds & 0xFFFFFFFF)),
        _chunk(MICROSECONDS, struct.pack("!I", ns // 1000)),
        _chunk(KIND, bytes([_SIP])),
        _chunk(AGENT, struct.pack("!I", agent)),
    ]
    if key:
        parts.append(_chunk(KEY, key.encode()))
    if call_id:
        parts.append(_chunk(CORRELATION, call_id))
    if node:
        parts.append(_chunk(NODE, node.encode()))
    size = 6 + sum(map(len, parts)) + 6 + len(packet.data)
    if size > DATAGRAM_MAX:
        return b""
    parts.append(_chunk(PAYLOAD, packet.data))
    return b"HEP3" + struct.pack("!H", size) + b"".join(parts)
