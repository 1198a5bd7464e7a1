"""RTCP as RFC 3550 section 6 tells it, in plain Python: what a report says, read field by field."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

SR, RR, SDES, BYE, APP = 200, 201, 202, 203, 204
NTP_EPOCH = 2_208_988_800


@dataclass
class Block:
    """A report block (6.4.1)."""

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    lsr: int
    dlsr: int


@dataclass
class Compound:
    """What one datagram says."""

    ssrc: int = 0
    ntp: int | None = None  # 64 bits, of a sender report
    timestamp: int = 0
    packets: int = 0
    octets: int = 0
    blocks: list[Block] = field(default_factory=list)
    cname: bytes = b""
    bye: list[int] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)


def packet(kind: int, count: int, body: bytes, *, padding: int = 0) -> bytes:
    """One packet of a compound; `padding` octets are added."""
    body += bytes(padding - 1) + bytes([padding]) if padding else b""
    assert len(body) % 4 == 0
    return struct.pack("!BBH", 0x80 | bool(padding) << 5 | count, kind, len(body) // 4) + body


def block(ssrc: int, fraction: int = 0, lost: int = 0, **rest: int) -> bytes:
    words = [rest.get(name, 0) for name in ("highest", "jitter", "lsr", "dlsr")]
    return struct.pack("!IIIIII", ssrc, fraction << 24 | lost & 0xFFFFFF, *words)


def sender_report(ssrc: int, ntp: int, *blocks: bytes, timestamp: int = 0) -> bytes:
    body = struct.pack("!IQIII", ssrc, ntp, timestamp, 7, 7 * 160) + b"".join(blocks)
    return packet(SR, len(blocks), body)


def receiver_report(ssrc: int, *blocks: bytes) -> bytes:
    return packet(RR, len(blocks), struct.pack("!I", ssrc) + b"".join(blocks))


def bye(*sources: int) -> bytes:
    return packet(BYE, len(sources), struct.pack(f"!{len(sources)}I", *sources))


def ntp_of(wall_ns: int) -> int:
    """64 bits of NTP time."""
    seconds, part = divmod(wall_ns, 1_000_000_000)
    return (seconds + NTP_EPOCH) << 32 | (part << 32) // 1_000_000_000


def sound(data: bytes) -> bool:
    """RFC 3550 A.2, strictly: nothing may be left over, and padding only where it may be."""
    if not 8 <= len(data) <= 1500 or data[1] not in {SR, RR}:
        return False
    while data:
        if len(data) < 4:
            return False
        first, kind, words = struct.unpack_from("!BBH", data)
        size = 4 * (words + 1)
        if first >> 6 != 2 or size > len(data):
            return False
        room = size
        if first & 0x20:
            room -= data[size - 1]
            if size != len(data) or not data[size - 1] or data[size - 1] % 4 or room < 4:
                return False
        count = first & 0x1F
        least = {SR: 28 + 24 * count, RR: 8 + 24 * count, BYE: 4 + 4 * count}.get(kind, 4)
        if room < least:
            return False
        data = data[size:]
    return True


def read(data: bytes) -> Compound:
    """A sound datagram."""
    assert sound(data), data.hex()
    found = Compound()
    while data:
        first, kind, words = struct.unpack_from("!BBH", data)
        body, data = data[4 : 4 * (words + 1)], data[4 * (words + 1) :]
        count = first & 0x1F
        found.kinds.append(kind)
        if kind == SR:
            found.ssrc, found.ntp, found.timestamp, found.packets, found.octets = struct.unpack(
                "!IQIII", body[:24]
            )
            body = body[24:]
        elif kind == RR:
            (found.ssrc,) = struct.unpack_from("!I", body)
            body = body[4:]
        elif kind == SDES:
            if struct.unpack_from("!IB", body) == (found.ssrc, 1):
                found.cname = body[6 : 6 + body[5]]
        elif kind == BYE:
            found.bye += struct.unpack(f"!{count}I", body[: 4 * count])
        if kind in {SR, RR}:
            for i in range(count):
                ssrc, word, *rest = struct.unpack_from("!IIIIII", body, 24 * i)
                lost = (word & 0xFFFFFF) - ((word & 0x800000) << 1)
                found.blocks.append(Block(ssrc, word >> 24, lost, *rest))
    return found
