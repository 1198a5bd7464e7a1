"""SRTP and SRTCP in plain Python: RFC 3711, 4568, 6188, 7714, with AES and GHASH written out.

Slow on purpose and built in another way than `fastpath.srtp_*`: the whole history of indices is
kept instead of a window, and nothing is shared with OpenSSL.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import cache

SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (16, 14, 10),
    "AES_CM_128_HMAC_SHA1_32": (16, 14, 4),
    "AEAD_AES_128_GCM": (16, 12, 16),
    "AEAD_AES_256_GCM": (32, 12, 16),
}
WINDOW = 64
RTCP_TAG = 10  # octets, whatever a suite's RTP tag has (RFC 4568 6.2)

# AES (FIPS 197)


def _times(a: int, b: int) -> int:
    out = 0
    while b:
        if b & 1:
            out ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return out


@cache
def _sbox() -> bytes:
    out = []
    for value in range(256):
        inverse = next((i for i in range(256) if _times(value, i) == 1), 0)
        bits = inverse
        for shift in range(1, 5):
            bits ^= ((inverse << shift) | (inverse >> (8 - shift))) & 0xFF
        out.append(bits ^ 0x63)
    return bytes(out)


@cache
def _doubled() -> tuple[bytes, bytes]:
    return bytes(_times(i, 2) for i in range(256)), bytes(_times(i, 3) for i in range(256))


@cache
def _schedule(key: bytes) -> list[bytes]:
    box = _sbox()
    words = [key[i : i + 4] for i in range(0, len(key), 4)]
    size, constant = len(words), 1
    while len(words) < 4 * (size + 7):
        word = words[-1]
        if len(words) % size == 0:
            word = bytes(box[b] for b in word[1:] + word[:1])
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = _times(constant, 2)
        elif size > 6 and len(words) % size == 4:
            word = bytes(box[b] for b in word)
        words.append(bytes(a ^ b for a, b in zip(words[-size], word, strict=True)))
    return [b"".join(words[i : i + 4]) for i in range(0, len(words), 4)]


def aes(key: bytes, block: bytes) -> bytes:
    """One block of AES-128 or AES-256."""
    box, (two, three) = _sbox(), _doubled()
    rounds = _schedule(key)
    state = bytes(a ^ b for a, b in zip(block, rounds[0], strict=True))
    for number, round_key in enumerate(rounds[1:], 1):
        rows = bytes(box[state[(i + 4 * (i % 4)) % 16]] for i in range(16))
        if number < len(rounds) - 1:
            mixed = bytearray()
            for i in range(0, 16, 4):
                a, b, c, d = rows[i : i + 4]
                mixed += bytes(
                    (
                        two[a] ^ three[b] ^ c ^ d,
                        a ^ two[b] ^ three[c] ^ d,
                        a ^ b ^ two[c] ^ three[d],
                        three[a] ^ b ^ c ^ two[d],
                    )
                )
            rows = bytes(mixed)
        state = bytes(a ^ b for a, b in zip(rows, round_key, strict=True))
    return state


def counter_mode(key: bytes, start: int, text: bytes, bits: int) -> bytes:
    """AES in counter mode from a 128-bit start; only its last `bits` count."""
    out = bytearray()
    mask = (1 << bits) - 1
    for at in range(0, len(text), 16):
        counter = (start & ~mask) | ((start + at // 16) & mask)
        stream = aes(key, counter.to_bytes(16, "big"))
        out += bytes(a ^ b for a, b in zip(text[at : at + 16], stream, strict=False))
    return bytes(out)


# GCM (NIST SP 800-38D)


def _ghash(h: int, data: bytes) -> int:
    total = 0
    for at in range(0, len(data), 16):
        total ^= int.from_bytes(data[at : at + 16], "big")
        product, v = 0, h
        for bit in range(127, -1, -1):
            if (total >> bit) & 1:
                product ^= v
            v = (v >> 1) ^ (0xE1 << 120 if v & 1 else 0)
        total = product
    return total


def gcm(key: bytes, iv: bytes, text: bytes, aad: bytes, *, opens: bool) -> tuple[bytes, bytes]:
    """The other text, and the tag."""
    start = int.from_bytes(iv + b"\0\0\0\1", "big")
    other = counter_mode(key, start + 1, text, 32)
    cipher = text if opens else other
    padded = b"".join(part + bytes(-len(part) % 16) for part in (aad, cipher))
    lengths = (8 * len(aad)).to_bytes(8, "big") + (8 * len(cipher)).to_bytes(8, "big")
    h = int.from_bytes(aes(key, bytes(16)), "big")
    tag = _ghash(h, padded + lengths).to_bytes(16, "big")
    return other, counter_mode(key, start, tag, 32)


# RFC 3711


def derive(master: bytes, salt: bytes, label: int, size: int) -> bytes:
    """Section 4.3.3; a salt of 12 octets is filled up behind (RFC 7714 section 11)."""
    x = int.from_bytes(salt.ljust(14, b"\0"), "big") ^ (label << 48)
    return counter_mode(master, x << 16, bytes(size), 16)


class Keys:
    """Session keys of one direction."""

    def __init__(self, suite: str, key: bytes, mki_bytes: int = 0) -> None:
        size, salt_size, self.tag = SUITES[suite]
        self.gcm = "GCM" in suite
        self.mki_bytes = mki_bytes
        self.rtcp_tag = 16 if self.gcm else 10
        master, salt = key[:size], key[size:]
        self.rtp, self.rtcp = (
            (
                derive(master, salt, first, size),
                derive(master, salt, first + 1, 20),
                derive(master, salt, first + 2, salt_size),
            )
            for first in (0, 3)
        )


def _payload_at(packet: bytes) -> int | None:
    if len(packet) < 12 or len(packet) > 1500 or packet[0] >> 6 != 2:
        return None
    at = 12 + 4 * (packet[0] & 15)
    if packet[0] & 16:
        if len(packet) < at + 4:
            return None
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    return at if at <= len(packet) else None


def is_rtcp(packet: bytes) -> bool:
    return len(packet) >= 8 and packet[0] >> 6 == 2 and 192 <= packet[1] <= 223


def _iv(keys: Keys, salt: bytes, ssrc: int, index: int) -> bytes:
    mixed = int.from_bytes(salt, "big") ^ (ssrc << 48) ^ index
    return mixed.to_bytes(len(salt), "big")


def _mac(key: bytes, data: bytes, size: int) -> bytes:
    return hmac.new(key, data, hashlib.sha1).digest()[:size]


def protect(keys: Keys, packet: bytes, roc: int) -> bytes:
    """Section 3.3, RFC 7714 section 8."""
    at = _payload_at(packet)
    assert at is not None
    key, mac_key, salt = keys.rtp
    ssrc = int.from_bytes(packet[8:12], "big")
    index = roc << 16 | int.from_bytes(packet[2:4], "big")
    header, payload = packet[:at], packet[at:]
    iv = _iv(keys, salt, ssrc, index)
    if keys.gcm:
        text, tag = gcm(key, iv, payload, header, opens=False)
        return header + text + tag
    text = counter_mode(key, int.from_bytes(iv, "big") << 16, payload, 16)
    return header + text + _mac(mac_key, header + text + roc.to_bytes(4, "big"), keys.tag)


def unprotect(keys: Keys, packet: bytes, roc: int) -> bytes | None:
    """None when it is not authentic with this rollover counter."""
    at = _payload_at(packet)
    end = len(packet) - keys.tag - keys.mki_bytes
    if at is None or end < at:
        return None
    key, mac_key, salt = keys.rtp
    ssrc = int.from_bytes(packet[8:12], "big")
    index = roc << 16 | int.from_bytes(packet[2:4], "big")
    iv = _iv(keys, salt, ssrc, index)
    if keys.gcm:
        text, tag = gcm(key, iv, packet[at:end], packet[:at], opens=True)
        return packet[:at] + text if tag == packet[end : end + 16] else None
    wanted = _mac(mac_key, packet[:end] + roc.to_bytes(4, "big"), keys.tag)
    if wanted != packet[end + keys.mki_bytes :]:
        return None
    start = int.from_bytes(iv, "big") << 16
    return packet[:at] + counter_mode(key, start, packet[at:end], 16)


def protect_rtcp(keys: Keys, packet: bytes, index: int) -> bytes:
    """Section 3.4, RFC 7714 section 9."""
    key, mac_key, salt = keys.rtcp
    ssrc = int.from_bytes(packet[4:8], "big")
    word = (1 << 31 | index).to_bytes(4, "big")
    iv = _iv(keys, salt, ssrc, index)
    if keys.gcm:
        text, tag = gcm(key, iv, packet[8:], packet[:8] + word, opens=False)
        return packet[:8] + text + tag + word
    text = counter_mode(key, int.from_bytes(iv, "big") << 16, packet[8:], 16)
    return packet[:8] + text + word + _mac(mac_key, packet[:8] + text + word, RTCP_TAG)


def rtcp_index(keys: Keys, packet: bytes) -> int | None:
    """The index that stands in a packet; None when it is too short or was never encrypted."""
    end = len(packet) - keys.mki_bytes - (0 if keys.gcm else RTCP_TAG)
    if end - 4 - (16 if keys.gcm else 0) < 8 or len(packet) > 1500:
        return None
    word = int.from_bytes(packet[end - 4 : end], "big")
    return word & 0x7FFFFFFF if word >> 31 else None


def unprotect_rtcp(keys: Keys, packet: bytes, index: int) -> bytes | None:
    """None when it is not authentic."""
    end = len(packet) - keys.mki_bytes - (0 if keys.gcm else RTCP_TAG)
    key, mac_key, salt = keys.rtcp
    iv = _iv(keys, salt, int.from_bytes(packet[4:8], "big"), index)
    header, text, word = packet[:8], packet[8 : end - 4], packet[end - 4 : end]
    if keys.gcm:
        plain, tag = gcm(key, iv, text[:-16], header + word, opens=True)
        return header + plain if tag == text[-16:] else None
    if _mac(mac_key, packet[:end], RTCP_TAG) != packet[-RTCP_TAG:]:
        return None
    return header + counter_mode(key, int.from_bytes(iv, "big") << 16, text, 16)


class Opener:
    """What `fastpath.srtp_open.SrtpOpener` must do, for one SSRC and without a change of keys."""

    def __init__(self, suite: str, key: bytes, mki_bytes: int = 0) -> None:
        self.keys = Keys(suite, key, mki_bytes)
        self.accepted: set[int] = set()
        self.rtcp_accepted: set[int] = set()
        self.failed = 0
        self.replayed = 0

    def open(self, packet: bytes) -> bytes | None:
        if is_rtcp(packet):
            return self._open_rtcp(packet)
        end = len(packet) - self.keys.tag - self.keys.mki_bytes
        if (_payload_at(packet) or len(packet)) > end:
            self.failed += 1
            return None
        seq = int.from_bytes(packet[2:4], "big")
        index = seq
        if self.accepted:
            newest = max(self.accepted)
            roc = newest >> 16
            near = [c << 16 | seq for c in (roc - 1, roc, roc + 1)]
            index = min(near, key=lambda i: (abs(i - newest), abs((i >> 16) - roc)))
            if index < 0 or index in self.accepted or newest - index >= WINDOW:
                self.replayed += 1
                return None
        plain = unprotect(self.keys, packet, index >> 16)
        if plain is None:
            self.failed += 1
            return None
        self.accepted.add(index)
        return plain

    def _open_rtcp(self, packet: bytes) -> bytes | None:
        index = rtcp_index(self.keys, packet)
        if index is None:
            self.failed += 1
            return None
        if index in self.rtcp_accepted or max(self.rtcp_accepted, default=0) - index >= WINDOW:
            self.replayed += 1
            return None
        plain = unprotect_rtcp(self.keys, packet, index)
        if plain is None:
            self.failed += 1
            return None
        self.rtcp_accepted.add(index)
        return plain
