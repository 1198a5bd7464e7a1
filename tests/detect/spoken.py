"""Announcements that the synthesiser speaks, and what calls to them sound like."""

from __future__ import annotations

import wave
from functools import lru_cache
from pathlib import Path

import numpy as np

from bench.answer_audio import say, spoken, trimmed
from bench.answer_lines import Samples, noise, through
from dialerd.detect.bank_file import Kind

TEXTS = {
    Kind.SWITCHED_OFF: "thuê bao quý khách vừa gọi hiện đang tắt máy, xin quý khách vui lòng gọi "
    "lại sau",
    Kind.INVALID: "số máy quý khách vừa gọi không đúng, xin quý khách vui lòng kiểm tra lại",
    Kind.BUSY: "all circuits are busy now, please hang up and try your call again later",
}


def pcm(samples: np.ndarray) -> Samples:
    return np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype(np.int16)


@lru_cache
def announcement(kind: Kind, voice: str = "vi+f2") -> Samples:
    """What a carrier says."""
    return pcm(spoken(trimmed(say(voice, TEXTS[kind], 150, 50))))


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * 8_000), np.int16)


def ringback(seconds: float) -> Samples:
    """425 Hz, a second of it, and a pause."""
    at = np.arange(8_000) / 8_000
    return np.hstack([pcm(0.1 * np.sin(2 * np.pi * 425 * at)), silence(seconds - 1)])


def call(*parts: Samples, codec: str = "ulaw", snr_db: float = 30.0, seed: int = 1) -> Samples:
    """What is heard of them on a line."""
    whole = np.hstack(parts) / 32_768
    hiss = noise("white", len(whole), np.random.default_rng(seed), ())
    return through(codec, pcm(whole + 10 ** ((-26 - snr_db) / 20) * hiss).astype(float))


def keep(path: Path, samples: Samples) -> Path:
    """A WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(samples.astype("<i2").tobytes())
    return path
