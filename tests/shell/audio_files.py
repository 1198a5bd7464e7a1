"""Audio files for tests: tones with known places, coded by programs that are not ours."""

from __future__ import annotations

import struct
import subprocess
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
PCM, ALAW, ULAW, EXTENSIBLE = 1, 6, 7, 0xFFFE


def tone(hz: float, rate: int = 8000, seconds: float = 0.5, amplitude: float = 8000) -> Samples:
    t = np.arange(round(rate * seconds)) / rate
    return np.rint(amplitude * np.sin(2 * np.pi * hz * t)).astype(np.int16)


def speechlike(seconds: float = 2.0, rate: int = 8000, seed: int = 1) -> Samples:
    """Noise of the telephone's band in syllables: nothing in it repeats, so that it aligns once."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate)
    spectrum = np.fft.rfft(rng.normal(size=n))
    hz = np.fft.rfftfreq(n, 1 / rate)
    spectrum[(hz < 300) | (hz > 3000)] = 0
    noise = np.fft.irfft(spectrum, n)
    syllables = 0.1 + np.abs(np.sin(2 * np.pi * 2.3 * np.arange(n) / rate))
    shaped = noise / np.abs(noise).max() * syllables
    return np.rint(shaped / np.abs(shaped).max() * 16_000).astype(np.int16)


def wav(
    data: bytes,
    coding: int = PCM,
    channels: int = 1,
    rate: int = 8000,
    bits: int = 16,
    *,
    before: bytes = b"",
    tail: bytes = b"",
    size: int | None = None,
) -> bytes:
    """A WAV file; `size` is what its data chunk claims, `tail` ends the format."""
    block = channels * bits // 8
    fmt = struct.pack("<HHIIHH", coding, channels, rate, rate * block & 0xFFFFFFFF, block, bits)
    chunks = before + b"fmt " + struct.pack("<I", len(fmt + tail)) + fmt + tail
    chunks += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def write_wav(path: Path, samples: Samples, rate: int = 8000, channels: int = 1) -> Path:
    """16-bit PCM; `samples` (n,) or (n, channels)."""
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def ffmpeg(source: Path, target: Path, *options: str) -> Path:
    """`source` in the format that the name of `target` and `options` say."""
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(source), *options, str(target)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=200)
    return target


def power_at(samples: NDArray[np.generic], hz: float, rate: int = 8000) -> float:
    """Power of one frequency relative to a full-scale tone of 16 bits, in dB."""
    x = samples.astype(np.float64) * np.hanning(len(samples)) * 2
    t = np.arange(len(x)) / rate
    amplitude = 2 * abs((x * np.exp(-2j * np.pi * hz * t)).mean())
    return float(20 * np.log10(amplitude / 32768 + 1e-12))


def aligned_correlation(a: NDArray[np.generic], b: NDArray[np.generic]) -> tuple[float, int]:
    """The normalised correlation of `a` with where in `b` it lies best, and that place."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    n = 1 << (len(x) + len(y)).bit_length()
    products = np.fft.irfft(np.fft.rfft(y, n) * np.conj(np.fft.rfft(x, n)), n)
    at = int(np.argmax(products[: max(1, len(y) - len(x) + 1)]))
    part = y[at : at + len(x)]
    x = x[: len(part)]
    return float((x * part).sum() / np.sqrt((x**2).sum() * (part**2).sum())), at
