"""Reads WAV files: PCM of 8 and 16 bits, mu-law and A-law, mono or stereo, at any rate.

The file may come from anywhere: every size in it is checked against what is really there.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastpath import g711

PCM, ALAW, ULAW, EXTENSIBLE = 1, 6, 7, 0xFFFE
RATE_MIN, RATE_MAX = 4_000, 192_000
CHANNELS_MAX = 2
NAMES = {2: "ADPCM", 3: "float PCM", 17: "ADPCM", 49: "GSM 6.10", 85: "MP3", 255: "AAC"}


class WavError(ValueError):
    """Not a WAV file that we read; the text says why."""


@dataclass(frozen=True, slots=True)
class Wav:
    """What a WAV file holds. `data` is interleaved, whole sample frames only."""

    coding: int  # PCM, ALAW or ULAW
    channels: int
    rate: int  # samples a second
    bits: int
    data: bytes

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.bits // 8

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.data) / self.frame_bytes / self.rate

    def mono(self) -> NDArray[np.int16]:
        """16-bit samples; two channels become their mean."""
        if self.coding == ULAW:
            samples = g711.ulaw_decode(self.data)
        elif self.coding == ALAW:
            samples = g711.alaw_decode(self.data)
        elif self.bits == 8:
            samples = (np.frombuffer(self.data, np.uint8).astype(np.int16) - 128) << 8
        else:
            samples = np.frombuffer(self.data, "<i2").astype(np.int16)
        if self.channels == 1:
            return samples
        pairs = samples.reshape(-1, self.channels).astype(np.int32)
        mean: NDArray[np.int16] = (pairs.sum(axis=1) // self.channels).astype(np.int16)
        return mean


def read_wav(data: bytes) -> Wav:
    """The audio in a WAV file's bytes; WavError when it is none that we read.

    A data chunk that claims more than the file holds is taken as far as it goes: recorders that
    were cut off leave such files.
    """
    if data[:4] in (b"RIFX", b"RF64"):
        raise WavError(f"a {data[:4].decode()} file; plain RIFF WAV is read")
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise WavError("not audio: neither WAV nor named .ulaw or .alaw")
    form: tuple[int, int, int, int] | None = None
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt ":
            form = read_format(body)
        elif name == b"data":
            if form is None:
                raise WavError("a WAV file without a format before its data")
            coding, channels, rate, bits = form
            return Wav(coding, channels, rate, bits, whole(body, channels * bits // 8))
        at += 8 + size + (size & 1)
    raise WavError("a WAV file without audio")


def whole(body: bytes, frame_bytes: int) -> bytes:
    """Without a sample frame that was cut off."""
    return body[: len(body) // frame_bytes * frame_bytes]


def read_format(body: bytes) -> tuple[int, int, int, int]:
    """Coding, channels, rate and bits of a format chunk."""
    if len(body) < 16:
        raise WavError("a WAV file with a broken format")
    coding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if coding == EXTENSIBLE and len(body) >= 26:
        coding = int.from_bytes(body[24:26], "little")
    known = bits in (8, 16) if coding == PCM else coding in (ALAW, ULAW) and bits == 8
    if not known:
        name = NAMES.get(coding, "PCM" if coding == PCM else f"format {coding}")
        raise WavError(
            f"{name} of {bits} bits; PCM of 8 or 16 bits, mu-law and A-law are read"
            " (ffmpeg -i IN -ar 8000 -ac 1 OUT.wav converts)"
        )
    if not 1 <= channels <= CHANNELS_MAX:
        raise WavError(f"{channels} channels; mono and stereo are read")
    if not RATE_MIN <= rate <= RATE_MAX:
        raise WavError(f"{rate} samples a second; {RATE_MIN} to {RATE_MAX} are read")
    return coding, channels, rate, bits
