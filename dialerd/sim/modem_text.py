"""How text travels between a modem and its program, and through the network.

Written for the simulated modems alone, so that the daemon's own coding is checked by another hand:
3GPP TS 23.038, 6.1.2 (packing), 6.2.1 (alphabet) and TS 27.007, 5.5 (the character sets of +CSCS).
"""

from __future__ import annotations

import binascii

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E,
    "|": 0x40, "€": 0x65,
}  # fmt: skip
_BACK = {code: letter for letter, code in EXTENSION.items()}
ESCAPE = 0x1B


def to_septets(text: str) -> bytes | None:
    """A byte for each septet; None when the text does not fit into the alphabet."""
    out = bytearray()
    for letter in text:
        if letter in EXTENSION:
            out += bytes((ESCAPE, EXTENSION[letter]))
            continue
        code = BASIC.find(letter)
        if code < 0 or code == ESCAPE:
            return None
        out.append(code)
    return bytes(out)


def from_septets(septets: bytes) -> str:
    """The text of bytes that are septets."""
    out, escaped = [], False
    for code in septets:
        if escaped:
            out.append(_BACK.get(code & 0x7F, " "))
            escaped = False
        elif code == ESCAPE:
            escaped = True
        else:
            out.append(BASIC[code & 0x7F])
    return "".join(out)


def pack(septets: bytes, offset_bits: int = 0) -> bytes:
    """Septets one after another, least significant bit first, after so many empty bits."""
    value, bits = 0, offset_bits
    for septet in septets:
        value |= (septet & 0x7F) << bits
        bits += 7
    return value.to_bytes((bits + 7) // 8, "little")


def unpack(packed: bytes, count: int, offset_bits: int = 0) -> bytes:
    """So many septets out of octets."""
    value = int.from_bytes(packed, "little") >> offset_bits
    return bytes((value >> 7 * i) & 0x7F for i in range(count))


def ussd_pack(septets: bytes) -> bytes:
    """As USSD packs: seven bits left over are filled with a CR, lest they read as `@`."""
    if len(septets) % 8 == 7:
        septets += b"\r"
    return pack(septets)


def ussd_unpack(packed: bytes) -> bytes:
    """The septets of a USSD string, its filling removed."""
    septets = unpack(packed, len(packed) * 8 // 7)
    if len(packed) % 7 == 0 and septets[-1:] in (b"\r", b"\x00"):
        septets = septets[:-1]
    return septets


def from_hex(text: str) -> bytes:
    """Octets of hexadecimal digits; ValueError."""
    try:
        return binascii.unhexlify(text.strip().encode("ascii", "replace"))
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def to_hex(octets: bytes) -> str:
    """Upper case, as modems write it."""
    return octets.hex().upper()


CHARSETS = ("GSM", "IRA", "UCS2", "HEX", "8859-1", "PCCP437", "UTF-8")


def decode(raw: str, charset: str) -> str:
    """What a program wrote between quotes, under +CSCS; ValueError."""
    if charset == "UCS2":
        return from_hex(raw).decode("utf-16-be", "strict")
    if charset == "HEX":
        return from_septets(from_hex(raw))
    if charset == "UTF-8":
        return raw.encode("latin-1").decode("utf-8", "replace")
    return raw


def encode(text: str, charset: str) -> str:
    """What a modem writes between quotes, under +CSCS; what does not fit becomes `?`."""
    if charset == "UCS2":
        return to_hex(text.encode("utf-16-be", "replace"))
    if charset == "HEX":
        return to_hex(to_septets(plain(text)) or b"")
    if charset == "UTF-8":
        return text.encode("utf-8").decode("latin-1")
    return plain(text)


def plain(text: str) -> str:
    """With everything outside of ASCII (or `"`) turned into `?`: a modem's line is ASCII."""
    return "".join(
        letter if letter in "\r\n" or (" " <= letter <= "~" and letter != '"') else "?"
        for letter in text
    )
