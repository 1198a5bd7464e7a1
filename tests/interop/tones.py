"""Tones: made, written as captures that SIPp plays, and found again by their spectrum."""

from __future__ import annotations

import struct
import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastpath.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from tests.reference.rtp import rtp

Samples = NDArray[np.int16]
RATE = 8_000
FRAME = 160


def tone(hertz: int, seconds: float, level: int = 6_000) -> Samples:
    """A sine of `level` at its peak, 8 kHz."""
    at = np.arange(int(seconds * RATE))
    wave_form: Samples = np.rint(level * np.sin(2 * np.pi * hertz * at / RATE)).astype(np.int16)
    return wave_form


def coded(samples: Samples, law: int) -> bytes:
    return alaw_encode(samples) if law == 8 else ulaw_encode(samples)


def decoded(payload: bytes, law: int) -> Samples:
    return alaw_decode(payload) if law == 8 else ulaw_decode(payload)


def bodies(audio: bytes) -> list[bytes]:
    """Audio in packets of 20 ms."""
    return [audio[at : at + FRAME] for at in range(0, len(audio) - FRAME + 1, FRAME)]


def write_capture(path: Path, audio: bytes, law: int) -> list[bytes]:
    """A capture of one RTP stream as SIPp plays it: its payloads."""
    said = bodies(audio)
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
        for n, body in enumerate(said):
            data = rtp(1_000 + n, 8_000 + n * FRAME, 0x51BB, law, body, marker=n == 0)
            udp = struct.pack("!HHHH", 6_000, 6_002, 8 + len(data), 0) + data
            parts = (0x45, 0, 20 + len(udp), n, 0, 64, 17, 0)
            ip = struct.pack("!BBHHHBBH", *parts) + bytes([127, 0, 0, 1] * 2)
            frame = bytes(12) + b"\x08\x00" + ip + udp
            head = struct.pack("<IIII", n * 20 // 1000, n * 20_000 % 10**6, len(frame), len(frame))
            file.write(head + frame)
    return said


def write_wav(path: Path, samples: Samples) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def read_wav(path: Path, side: int = 0) -> Samples:
    """One channel of a file that may still be written to: its header may know nothing yet."""
    data = path.read_bytes()
    channels = struct.unpack_from("<H", data, 22)[0]
    at = data.index(b"data", 12) + 8
    whole = (len(data) - at) // (2 * channels) * 2 * channels
    return np.frombuffer(data[at : at + whole], "<i2").reshape(-1, channels)[:, side]


def loudness(samples: Samples, hertz: int) -> float:
    """The amplitude of one tone in these samples."""
    if len(samples) < RATE // 10:
        return 0.0
    window = np.hanning(len(samples))
    spectrum = np.abs(np.fft.rfft(samples * window)) * 2 / window.sum()
    at = round(hertz * len(samples) / RATE)
    return float(spectrum[max(at - 2, 0) : at + 3].max())


def found(samples: Samples, tones: Iterable[int], least: float = 1_000) -> set[int]:
    """Which of these tones are in the audio, by its spectrum."""
    return {hertz for hertz in tones if loudness(samples, hertz) > least}
