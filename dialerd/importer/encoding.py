"""Which encoding a file is in, from its first bytes and from whether it is UTF-8 throughout.

Spreadsheets save Vietnamese as UTF-8 (with or without BOM), "Unicode text" (UTF-16), or in the
system's Windows-1258, whose tone marks are characters of their own and are composed here (NFC).
"""

from __future__ import annotations

import codecs
import unicodedata

UTF8 = "utf-8"
CP1258 = "cp1258"

# What people hand in by mistake, and what to do about it.
_NOT_TEXT = (
    (b"PK\x03\x04", "an Excel or zip file; save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file; save the sheet as CSV"),
    (b"\x1f\x8b", "compressed by gzip; unpack it first"),
    (b"%PDF", "a PDF"),
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class NotTextError(ValueError):
    """The file is no text; the words say what it looks like."""


def from_head(head: bytes) -> str | None:
    """The encoding that the first bytes give away; None: UTF-8 or Windows-1258.

    Raises:
        NotTextError: it is no text file.
    """
    for magic, what in _NOT_TEXT:
        if head.startswith(magic):
            raise NotTextError(f"this is {what}")
    if head.startswith((codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE)):
        return "utf-32"
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    if b"\0" not in head:
        return None
    # ASCII in UTF-16 has every other byte zero; digits, delimiters and line ends are ASCII.
    even, odd = head[0::2].count(0), head[1::2].count(0)
    pairs = len(head) // 2
    if odd > pairs // 4 and even <= odd // 16:
        return "utf-16-le"
    if even > pairs // 4 and odd <= even // 16:
        return "utf-16-be"
    raise NotTextError("this is no text: it has NUL bytes")


class Utf8Check:
    """Whether chunks of bytes, fed one after the other, are UTF-8."""

    def __init__(self) -> None:
        """Start at the beginning of a file."""
        self._decoder = codecs.getincrementaldecoder(UTF8)("strict")

    def feed(self, chunk: bytes) -> str | None:
        """None while it is UTF-8; else the encoding to use for the whole file."""
        before, _ = self._decoder.getstate()
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError:
            return _broken(before + chunk)
        return None


def _broken(chunk: bytes) -> str:
    """A few damaged characters in much UTF-8 are not another encoding."""
    text = chunk.decode(UTF8, "replace")
    damaged = text.count("\N{REPLACEMENT CHARACTER}")
    beyond = sum(1 for c in text if c > "\x7f") - damaged
    return UTF8 if beyond > 20 * damaged else CP1258


def composed(text: str) -> str:
    """With tone marks composed into their letters (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
