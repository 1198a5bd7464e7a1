"""SDES: SRTP keys in a=crypto lines (RFC 4568), with the suites of RFC 4568 and RFC 7714.

A line that we cannot follow to the letter is as if it were not there (section 6.1): an unknown
suite, a key of the wrong length, a session parameter that changes what is protected.
"""

from __future__ import annotations

import base64
import binascii
import random
import re

import msgspec

# suite -> octets of master key and master salt
SUITES: dict[str, tuple[int, int]] = {
    "AES_CM_128_HMAC_SHA1_80": (16, 14),
    "AES_CM_128_HMAC_SHA1_32": (16, 14),
    "AEAD_AES_128_GCM": (16, 12),
    "AEAD_AES_256_GCM": (32, 12),
}
TAG_MAX = 999_999_999  # RFC 4568 section 9.2: 1*9DIGIT
MKI_MAX = 128  # octets
LIFETIME_BITS_MAX = 48

_LINE = re.compile(r"([0-9]{1,9})\s+([A-Za-z0-9_]{1,64})\s+(\S{1,512})((?:\s+\S{1,64}){0,8})")
_KEY = re.compile(
    r"inline:([A-Za-z0-9+/]{1,200}={0,2})(?:\|(2\^[0-9]{1,2}|[0-9]{1,15}))?"
    r"(?:\|([0-9]{1,20}):([0-9]{1,3}))?",
    re.IGNORECASE,
)
# What may be said without changing a packet: a hint at the replay window (6.3.7), and whatever its
# sender allows to be ignored (6.3.8: a leading minus).
_HARMLESS = re.compile(r"WSH=[0-9]{1,9}|-\S*")


class Crypto(msgspec.Struct, frozen=True):
    """One a=crypto line: how its describer protects what it sends.

    Attributes:
        tag: number of the line, by which an answer names it.
        suite: one of `SUITES`.
        key: master key and master salt, in this order.
        mki, mki_bytes: the key's number in each packet, and how many octets it takes (0: none).
        lifetime: packets it may protect, 0 when not said.
    """

    tag: int
    suite: str
    key: bytes
    mki: int = 0
    mki_bytes: int = 0
    lifetime: int = 0

    def __repr__(self) -> str:
        """Without the key: this object ends up in logs."""
        return f"Crypto({self.tag}, {self.suite!r}, ...)"

    def line(self) -> str:
        """The value of its a= line; ValueError when it cannot be one."""
        lengths = SUITES.get(self.suite)
        if lengths is None or len(self.key) != sum(lengths) or not 0 <= self.tag <= TAG_MAX:
            raise ValueError("not keys of a suite we know")
        value = f"{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"
        if self.lifetime:
            value += f"|{self.lifetime}"
        if self.mki_bytes:
            value += f"|{self.mki}:{self.mki_bytes}"
        return value


def read(value: str) -> Crypto | None:
    """The value of an a=crypto line; None when it is to be ignored."""
    found = _LINE.fullmatch(value.strip())
    if found is None:
        return None
    tag, suite, inline, parameters = found.groups()
    lengths = SUITES.get(suite.upper())
    key = _KEY.fullmatch(inline)  # several keys at once (";") would need their MKIs: not ours
    if lengths is None or key is None:
        return None
    if not all(_HARMLESS.fullmatch(p) for p in parameters.split()):
        return None
    text, lifetime, mki, mki_bytes = key.groups()
    try:
        secret = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except binascii.Error:
        return None
    if len(secret) != sum(lengths):
        return None
    octets = int(mki_bytes or 0)
    if mki_bytes and (not 0 < octets <= MKI_MAX or int(mki) >= 1 << (8 * octets)):
        return None
    packets = _lifetime(lifetime)
    if packets is None:
        return None
    return Crypto(int(tag), suite.upper(), secret, int(mki or 0), octets, packets)


def _lifetime(text: str | None) -> int | None:
    """How many packets; 0 when not said, None when no key may live so long (RFC 3711 9.2)."""
    if text is None:
        return 0
    packets = 1 << int(text[2:]) if text.startswith("2^") else int(text)
    return packets if 0 < packets <= 1 << LIFETIME_BITS_MAX else None


def fresh(tag: int, suite: str, rng: random.Random) -> Crypto:
    """New keys. `rng` must be the system's randomness: these are secrets."""
    return Crypto(tag, suite, rng.randbytes(sum(SUITES[suite])))
