"""The alphabets of 3GPP TS 23.038: GSM 7-bit with its extension, and UCS2.

Vietnamese letters with tones are in neither GSM table, so such a text is UCS2, 70 characters a
message. Surrogate pairs are read and written (networks pass UTF-16 on), a lone half is replaced.
"""

from __future__ import annotations

from typing import Final, Literal

Alphabet = Literal["gsm7", "8bit", "ucs2"]

BASIC: Final = (  # 23.038 6.2.1; \x1b leads to the extension table
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = {  # 23.038 6.2.1.1
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]",
    0x40: "|", 0x65: "€",
}  # fmt: skip
_ESCAPE: Final = 0x1B
_CODED: Final[tuple[Alphabet, ...]] = ("gsm7", "8bit", "ucs2", "gsm7")  # bits 3 and 2
_UNSEEN: Final = dict.fromkeys(  # controls but for tab and line feed, and changes of direction
    [*range(9), *range(11, 32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A),
     *range(0xD800, 0xE000), 0x2028, 0x2029, 0xFEFF]
)  # fmt: skip
_SEPTETS: Final = {
    **{char: (code,) for code, char in enumerate(BASIC) if code != _ESCAPE},
    **{char: (_ESCAPE, code) for code, char in EXTENSION.items()},
}


def septets(text: str) -> bytes | None:
    """One septet to a byte; None when a character is in neither table."""
    out = bytearray()
    for char in text:
        codes = _SEPTETS.get(char)
        if codes is None:
            return None
        out += bytes(codes)
    return bytes(out)


def from_septets(codes: bytes) -> str:
    """The text; an unknown extension reads as its basic character (23.038 6.2.1.1)."""
    out = []
    escaped = False
    for code in codes:
        if escaped:
            out.append(EXTENSION.get(code) or (" " if code == _ESCAPE else BASIC[code & 0x7F]))
            escaped = False
        elif code == _ESCAPE:
            escaped = True
        else:
            out.append(BASIC[code & 0x7F])
    return "".join(out)


def pack(codes: bytes, fill: int = 0) -> bytes:
    """Septets to octets (23.038 6.1.2.1), after `fill` bits of zero."""
    bits = fill
    held = 0
    out = bytearray()
    for code in codes:
        held |= code << bits
        bits += 7
        while bits >= 8:
            out.append(held & 0xFF)
            held >>= 8
            bits -= 8
    if bits:
        out.append(held & 0xFF)
    return bytes(out)


def unpack(data: bytes, count: int, fill: int = 0) -> bytes:
    """`count` septets, or as many as there are, after `fill` bits."""
    whole = int.from_bytes(data, "little") >> fill
    count = min(count, (len(data) * 8 - fill) // 7)
    return bytes((whole >> (7 * i)) & 0x7F for i in range(max(0, count)))


def pack_ussd(codes: bytes) -> bytes:
    """The same for USSD: seven spare bits at the end are a CR, not `@` (23.038 6.1.2.3.1)."""
    if len(codes) % 8 == 7 or (len(codes) % 8 == 0 and codes[-1:] == b"\r"):
        codes += b"\r"
    return pack(codes)


def unpack_ussd(data: bytes) -> bytes:
    """Septets of a USSD string, without the CR that only fills the last octet."""
    codes = unpack(data, len(data) * 8 // 7)
    return codes[:-1] if len(codes) % 8 == 0 and codes[-1:] == b"\r" else codes


def from_ucs2(data: bytes) -> str:
    """Big-endian; an odd last byte is dropped, half a surrogate pair replaced."""
    return data[: len(data) & ~1].decode("utf-16-be", "replace")


def to_ucs2(text: str) -> bytes:
    """Big-endian, as pairs above U+FFFF; half a pair is replaced."""
    return text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace").encode(
        "utf-16-be"
    )  # fmt: skip


def alphabet(dcs: int) -> Alphabet:
    """Of a data coding scheme of SMS (23.038 4)."""
    group = dcs >> 4
    if group == 0xF:
        return "8bit" if dcs & 4 else "gsm7"
    if group in (0xC, 0xD):
        return "gsm7"
    if group == 0xE:
        return "ucs2"
    if group < 0x8:
        return _CODED[dcs >> 2 & 3]
    return "gsm7"


def ussd_alphabet(dcs: int) -> Alphabet:
    """Of a data coding scheme of USSD, which is that of cell broadcast (23.038 5)."""
    group = dcs >> 4
    if dcs == 0x11:
        return "ucs2"
    if 4 <= group <= 7 or group == 9:
        return _CODED[dcs >> 2 & 3]
    if group == 0xF:
        return "8bit" if dcs & 4 else "gsm7"
    return "gsm7"


def decoded(line: bytes) -> str:
    """A line as a modem wrote it: UTF-8 where it is that, else each byte its character."""
    if line.isascii():
        return line.decode("ascii")
    try:
        return clean(line.decode("utf-8"))
    except UnicodeError:
        return clean(line.decode("latin-1"))


def clean(text: str) -> str:
    """Without what only changes how a terminal shows what comes after it."""
    return text if text.isascii() and text.isprintable() else text.translate(_UNSEEN)
