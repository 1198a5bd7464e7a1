"""WAV files of any rate, width and number of channels, and files without a header, piece by piece.

What is not coded further than by G.711 needs no codec library, and so no process of its own. The
file may come from anywhere: every size in it is checked against what is really there, and no more
than a piece of it is held.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import IO, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialerd.shell.pcm import Floats, floats, mono, samples_of
from dialerd.shell.wav import ALAW, EXTENSIBLE, PCM, RATE, ULAW
from fastpath.g711 import alaw_decode, ulaw_decode

FLOAT: Final = 3
PIECE_FRAMES: Final = 1 << 17
CHUNKS_MAX: Final = 1_000  # before the audio
RATES: Final = range(4_000, 768_001)
CHANNELS_MAX: Final = 32
WIDTHS: Final = {PCM: (8, 16, 24, 32), FLOAT: (32, 64), ALAW: (8,), ULAW: (8,)}
RAW: Final = {".ulaw": ULAW, ".ul": ULAW, ".mulaw": ULAW, ".alaw": ALAW, ".al": ALAW, ".sln": PCM}
"""Files without a header: what their names say is in them."""

Samples = NDArray[np.int16]


class Layout(NamedTuple):
    """Where a file's audio lies and how."""

    coding: int
    channels: int
    rate: int
    bits: int
    begin: int  # octet
    size: int  # octets that are really there

    @property
    def block(self) -> int:
        """Octets of one sample of all channels."""
        return self.channels * self.bits // 8

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.size // self.block / self.rate


def find(file: IO[bytes], suffix: str = "") -> Layout | None:
    """Where the audio is; None when a decoder has to look for it."""
    total = os.fstat(file.fileno()).st_size
    raw = RAW.get(suffix.lower())
    if raw is not None:
        return Layout(raw, 1, RATE, 16 if raw == PCM else 8, 0, total)
    file.seek(0)
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    coded: tuple[int, int, int, int] | None = None
    at = 12
    for _ in range(CHUNKS_MAX):
        file.seek(at)
        name_size = file.read(8)
        if len(name_size) < 8:
            return None
        name, size = name_size[:4], int.from_bytes(name_size[4:], "little")
        if name == b"fmt ":
            coded = _coded(file.read(min(size, 40)))
        elif name == b"data":
            if coded is None:
                return None
            # recorders that were cut off, or that write to a pipe, claim any size, or none
            there = total - at - 8
            return Layout(*coded, at + 8, there if size in (0, 0xFFFFFFFF) else min(size, there))
        at += 8 + size + (size & 1)
    return None


def _coded(body: bytes) -> tuple[int, int, int, int] | None:
    """Coding, channels, rate and bits of a format chunk; None when they are not ours to read."""
    if len(body) < 16:
        return None
    coding, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", body)
    if coding == EXTENSIBLE and len(body) >= 26:
        coding = int.from_bytes(body[24:26], "little")
    if bits not in WIDTHS.get(coding, ()) or not 1 <= channels <= CHANNELS_MAX:
        return None
    if rate not in RATES or block != channels * bits // 8:
        return None
    return int(coding), channels, rate, bits


def pieces(file: IO[bytes], layout: Layout, channel: int | None = None) -> Iterator[Samples]:
    """The audio as mono at 8 kHz; of one channel when its number (from 1 on) is given."""
    stream = None
    if layout.rate != RATE:
        import soxr

        stream = soxr.ResampleStream(layout.rate, RATE, 1, dtype="float32", quality="HQ")
    plain = layout.coding != FLOAT and layout.bits <= 16 and layout.channels == 1
    file.seek(layout.begin)
    left = layout.size // layout.block * layout.block
    while left > 0:
        data = file.read(min(left, PIECE_FRAMES * layout.block))
        left -= len(data)
        data = data[: len(data) // layout.block * layout.block]
        if not data:
            break
        samples = _linear(data, layout)
        if plain and stream is None and samples.dtype == np.int16:
            yield samples
            continue
        one = _one(floats(samples).reshape(-1, layout.channels).T, channel)
        yield samples_of(one if stream is None else stream.resample_chunk(one))
    if stream is not None:
        yield samples_of(stream.resample_chunk(np.zeros(0, np.float32), last=True))


def _one(channels: Floats, number: int | None) -> Floats:
    return mono(channels) if number is None else channels[min(number, len(channels)) - 1]


def _linear(data: bytes, layout: Layout) -> NDArray[Any]:
    """Octets as numbers."""
    if layout.coding in (ALAW, ULAW):
        return np.asarray(alaw_decode(data) if layout.coding == ALAW else ulaw_decode(data))
    if layout.coding == FLOAT:
        return np.frombuffer(data, f"<f{layout.bits // 8}")
    if layout.bits == 8:
        return np.frombuffer(data, np.uint8)
    if layout.bits == 24:  # the upper three octets of 32 bits
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        return wide.reshape(-1).view("<i4")
    return np.frombuffer(data, f"<i{layout.bits // 8}")
