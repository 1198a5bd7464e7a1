"""WAV files that need no decoder: mono at 8 kHz, G.711 or 16-bit PCM. And how to write one.

The file may come from anywhere: every size in it is checked against what is really there.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

RATE = 8_000
PCM, ALAW, ULAW, EXTENSIBLE = 1, 6, 7, 0xFFFE


class Plain(NamedTuple):
    """Mono audio at 8 kHz; `data` holds whole samples: 16 bits little-endian, or a law's octets."""

    coding: int  # PCM, ALAW or ULAW
    data: bytes

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.data) / (2 if self.coding == PCM else 1) / RATE


def read_plain(data: bytes) -> Plain | None:
    """The audio of a WAV file's bytes; None when it is anything but plain.

    A data chunk that claims more than the file holds is taken as far as it goes: recorders that
    were cut off leave such files.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return None
    coding = None
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt ":
            coding = _coding(body)
        elif name == b"data":
            if coding is None:
                return None
            whole = len(body) // 2 * 2 if coding == PCM else len(body)
            return Plain(coding, body[:whole])
        at += 8 + size + (size & 1)
    return None


def _coding(body: bytes) -> int | None:
    """What a format chunk says, when that is plain."""
    if len(body) < 16:
        return None
    coding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if coding == EXTENSIBLE and len(body) >= 26:
        coding = int.from_bytes(body[24:26], "little")
    if channels != 1 or rate != RATE:
        return None
    known = bits == 16 if coding == PCM else coding in (ALAW, ULAW) and bits == 8
    return int(coding) if known else None


def ulaw_wav(data: bytes) -> bytes:
    """A WAV file of mu-law octets at 8 kHz."""
    body = struct.pack("<HHIIHHH", ULAW, 1, RATE, RATE, 1, 8, 0)
    chunks = struct.pack("<4sI", b"fmt ", len(body)) + body
    chunks += struct.pack("<4sII", b"fact", 4, len(data))
    chunks += struct.pack("<4sI", b"data", len(data)) + data + b"\0" * (len(data) & 1)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WAVE") + chunks


def pcm_wav(data: bytes) -> bytes:
    """A WAV file of 16-bit little-endian samples at 8 kHz."""
    body = struct.pack("<HHIIHH", PCM, 1, RATE, 2 * RATE, 2, 16)
    chunks = struct.pack("<4sI", b"fmt ", len(body)) + body
    chunks += struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WAVE") + chunks
