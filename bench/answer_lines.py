"""What a telephone line makes of a clip: codec, level, noise, clipping, loss, silence around it.

A case is a clip under one condition, as int16 samples at 8 kHz with the truth beside them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.answer_audio import RATE, Audio, Clip
from fastpath.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode

Samples = NDArray[np.int16]

CODECS: Final = ("ulaw", "alaw", "gsm")
NOISES: Final = {  # of the two splits; the first is none
    "train": ("", "white", "pink", "hum", "babble"),
    "held out": ("", "white", "pink", "brown", "street", "babble"),
}
TAIL_S: Final = 6.0


class Condition(NamedTuple):
    """One line."""

    codec: str = "ulaw"
    level_db: float = 0.0  # against -26 dB of full scale
    noise: str = ""
    snr_db: float = 40.0  # to the active speech; without noise there is none at all
    clipped: bool = False
    loss: float = 0.0  # part of the 20 ms packets
    lead_s: float = 0.4


class Case(NamedTuple):
    """A clip behind a line."""

    clip: Clip
    condition: Condition
    samples: Samples
    first_s: float  # where its sound begins
    last_s: float  # and ends


def shaped(rng: np.random.Generator, count: int, slope: float) -> Audio:
    """Noise whose power falls with the frequency to the power of `slope`."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 50)
    return np.fft.irfft(spectrum * hertz ** (-slope / 2), count)


def noise(kind: str, count: int, rng: np.random.Generator, voices: tuple[Clip, ...]) -> Audio:
    """So many samples of a noise, of power 1."""
    at = np.arange(count) / RATE
    if kind == "white":
        made = rng.standard_normal(count)
    elif kind == "pink":
        made = shaped(rng, count, 1)
    elif kind == "brown":
        made = shaped(rng, count, 2)
    elif kind == "hum":
        made = sum((np.sin(2 * np.pi * 50 * k * at) / k for k in range(1, 9)), np.zeros(count))
        made = made + 0.1 * rng.standard_normal(count)
    elif kind == "street":  # cars come and go
        swell = 1 + 0.6 * np.sin(2 * np.pi * (0.15 + 0.1 * rng.random()) * at + rng.random() * 6)
        made = shaped(rng, count, 1.5) * swell + 0.3 * rng.standard_normal(count)
    elif kind == "babble":  # eight people at once
        made = np.zeros(count)
        for _ in range(8):
            whose = voices[int(rng.integers(len(voices)))].samples
            made += np.roll(np.resize(whose, count), int(rng.integers(count)))
    else:
        raise ValueError(kind)
    return made / np.sqrt(np.mean(made**2) + 1e-20)


def behind(
    clip: Clip, condition: Condition, rng: np.random.Generator, voices: tuple[Clip, ...] = ()
) -> Case:
    """The clip as it arrives."""
    lead = round(condition.lead_s * RATE)
    audio = np.hstack([np.zeros(lead), clip.samples, np.zeros(round(TAIL_S * RATE))])
    if condition.noise:
        power = 10 ** ((-26 - condition.snr_db) / 20)
        audio = audio + power * noise(condition.noise, len(audio), rng, voices)
    audio *= 10 ** (condition.level_db / 20)
    if condition.clipped:
        audio = np.clip(audio * 8, -0.5, 0.5)
    coded = through(condition.codec, np.clip(np.rint(audio * 32768), -32768, 32767))
    if condition.loss:
        coded = lost(coded, condition.loss, rng)
    end = lead + len(clip.samples)
    return Case(clip, condition, coded, lead / RATE, end / RATE)


def through(codec: str, samples: Audio) -> Samples:
    """Coded and decoded."""
    linear = samples.astype(np.int16)
    if codec == "ulaw":
        return np.asarray(ulaw_decode(ulaw_encode(linear)))
    if codec == "alaw":
        return np.asarray(alaw_decode(alaw_encode(linear)))
    return gsm(linear)


def lost(samples: Samples, part: float, rng: np.random.Generator) -> Samples:
    """Without some packets: the first 20 ms of a gap repeat what was, fading; then silence."""
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160).copy()
    gone = rng.random(len(frames)) < part
    for at in np.flatnonzero(gone):
        if at:
            frames[at] = frames[at - 1] // 2 if not gone[at - 1] else 0
    return frames.reshape(-1)


@lru_cache(maxsize=1)
def libgsm() -> ctypes.CDLL:
    """Jutta Degener's GSM 06.10 full rate."""
    library = ctypes.CDLL("libgsm.so.1")
    library.gsm_create.restype = ctypes.c_void_p
    for name in ("gsm_encode", "gsm_decode"):
        getattr(library, name).argtypes = [ctypes.c_void_p] * 3
    library.gsm_destroy.argtypes = [ctypes.c_void_p]
    return library


def gsm(samples: Samples) -> Samples:
    """Through GSM full rate."""
    library, into = libgsm(), np.zeros(len(samples) // 160 * 160, np.int16)
    samples = np.ascontiguousarray(samples)
    coder, decoder = library.gsm_create(), library.gsm_create()
    frame = ctypes.create_string_buffer(33)
    for at in range(0, len(into), 160):
        library.gsm_encode(coder, samples.ctypes.data + 2 * at, frame)
        library.gsm_decode(decoder, frame, into.ctypes.data + 2 * at)
    library.gsm_destroy(coder)
    library.gsm_destroy(decoder)
    return into


def some_condition(split: str, rng: np.random.Generator) -> Condition:
    """A line as they come: any codec, 0 to 20 dB too quiet, clean or 10 to 30 dB over noise."""
    return Condition(
        codec=CODECS[int(rng.integers(len(CODECS)))],
        level_db=-float(rng.uniform(0, 20)),
        noise=NOISES[split][int(rng.integers(len(NOISES[split])))],
        snr_db=float(rng.uniform(10, 30)),
        clipped=bool(rng.random() < 0.05),
        loss=float(rng.choice([0, 0, 0, 0.01, 0.03])),
        lead_s=float(rng.choice([0.0, 0.1, 0.4, 0.8, 1.5], p=[0.1, 0.1, 0.4, 0.25, 0.15])),
    )


def cases(clips: Iterable[Clip], split: str, seed: int) -> Iterator[Case]:
    """Each clip behind some line of its own."""
    clips = tuple(clips)
    voices = tuple(clip for clip in clips if clip.recorded and clip.kind == "office")
    for number, clip in enumerate(clips):
        rng = np.random.default_rng((seed, number))
        yield behind(clip, some_condition(split, rng), rng, voices)


__all__ = ["Case", "Condition", "behind", "cases", "some_condition"]
