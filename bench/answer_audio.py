"""Labelled audio of answers: recorded voices, a synthesiser, music and tones; train or held out.

Recorded speech is Debian's `asterisk-core-sounds-*` (CC BY-SA 3.0), music `asterisk-moh-opsound`:
read where they are installed, never copied. Voices, languages and texts of the two sets differ.
What a prompt stands for goes by how long its voice lasts: under 1 s one word, under 3 s the
greeting of an office, 3 s and more a machine. Prompts with long pauses inside are machines' too.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray

from bench.answer_texts import HELD_OUT, TRAIN, Speech

RATE: Final = 8_000
SOUNDS: Final = Path("/usr/share/asterisk/sounds")
MUSIC: Final = Path("/usr/share/asterisk/moh")
RECORDED: Final = {
    "train": ("en_US_f_Allison", "es_MX_f_Allison"),
    "held out": ("fr_CA_f_June", "it_IT_m_Carlo", "it_IT_f_Menardi", "ru_RU_f_IvrvoiceRU"),
}
VARIANTS: Final = {  # of the synthesiser: voices
    "train": ("", "+m1", "+m3", "+m7", "+f1", "+f3", "+klatt2"),
    "held out": ("+m2", "+m4", "+m5", "+f2", "+f4", "+f5", "+klatt4"),
}
WORD_S, MACHINE_S = (0.2, 1.0), 3.0
ANNOUNCEMENT_S_MIN: Final = 2.5  # shorter prompts are parts of one
PAUSE_S_MAX: Final = 0.7  # a longer one inside a prompt: no single greeting of a person
QUIET_DB: Final = 35.0  # under its loudest 20 ms a clip counts as silent
ANNOUNCEMENTS: Final = (
    "ss-noservice", "all-circuits-busy-now", "cannot-complete-as-dialed", "check-number-dial-again",
    "number-not-answering", "feature-not-avail-line", "tt-allbusy", "pbx-invalid",
    "simul-call-limit-reached",
)  # fmt: skip
NO_SPEECH: Final = ("tone", "beep", "monkeys", "silence", "dictate", "weasels")

Audio = NDArray[np.float64]


class Clip(NamedTuple):
    """Something heard after the answer, without a line; samples of full scale 1.0."""

    name: str
    kind: str  # word, office, asks again, machine, announcement, music, tone, noise
    voice: str
    recorded: bool  # a person's voice
    samples: Audio

    @property
    def label(self) -> str:
        """What is right to say of it."""
        return "human" if self.kind in ("word", "office", "asks again") else "machine"


def levels_db(samples: Audio, frame: int = 160) -> Audio:
    """The level of each 20 ms, in dB of full scale."""
    whole = samples[: len(samples) // frame * frame].reshape(-1, frame)
    return 10 * np.log10((whole**2).mean(axis=1) + 1e-12)


def trimmed(samples: Audio) -> Audio:
    """Without the silence before and behind, which a line's condition adds."""
    levels = levels_db(samples, 80)
    if not len(levels):
        return samples[:0]
    loud = np.flatnonzero(levels > levels.max() - QUIET_DB)
    return samples[loud[0] * 80 : (loud[-1] + 1) * 80]


def longest_pause_s(samples: Audio) -> float:
    """The longest silence inside."""
    levels = levels_db(samples, 80)
    loud = np.flatnonzero(levels > levels.max() - QUIET_DB)
    return float(np.diff(loud).max() - 1) / 100 if len(loud) > 1 else 0.0


def spoken(samples: Audio) -> Audio:
    """At the level of telephone speech: active parts at -26 dB of full scale."""
    levels = levels_db(samples)
    active = levels[levels > levels.max() - 25]
    return samples * 10 ** ((-26 - 10 * np.log10(np.mean(10 ** (active / 10)))) / 20)


def read_wav(path: Path) -> Audio:
    """A mono recording at 8 kHz."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 1), path
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float) / 32768


def kind_of(name: str, samples: Audio) -> str | None:
    """What a recorded prompt stands for; None: for nothing."""
    seconds = len(samples) / RATE
    if seconds < WORD_S[0] or any(word in name for word in NO_SPEECH):
        return None
    if any(name.endswith(one) for one in ANNOUNCEMENTS):
        return "announcement" if seconds >= ANNOUNCEMENT_S_MIN else None
    if seconds >= MACHINE_S:
        return "machine"
    if longest_pause_s(samples) > PAUSE_S_MAX:
        return None
    return "word" if seconds <= WORD_S[1] else "office"


def recorded(split: str) -> Iterator[Clip]:
    """Every prompt of a split's voices."""
    for voice in RECORDED[split]:
        folder = SOUNDS / voice
        assert folder.is_dir(), f"{folder}: install the packages of debian-packages.txt"
        for path in sorted(folder.rglob("*.wav")):
            samples = read_wav(path)
            if not len(samples) or np.abs(samples).max() < 0.01:
                continue
            samples = trimmed(samples)
            name = path.relative_to(folder).with_suffix("").as_posix()
            kind = kind_of(name, samples)
            if kind is not None:
                if kind == "announcement":
                    samples = np.hstack([samples, np.zeros(RATE), samples])
                yield Clip(f"{voice}/{name}", kind, voice, True, spoken(samples))
        yield from composed(voice)


def composed(voice: str) -> Iterator[Clip]:
    """Voice mail as Asterisk's Comedian Mail says it: a number, digit by digit, and the beep."""
    folder = SOUNDS / voice

    def part(name: str) -> Audio:
        return read_wav(folder / f"{name}.wav")

    for seed in range(12):
        digits = np.random.default_rng(seed).integers(0, 10, 4 + seed % 6)
        said = [part(f"digits/{digit}") for digit in digits]
        parts = [part("vm-theperson"), *said, part("vm-isunavail"), part("vm-intro"), part("beep")]
        yield Clip(f"{voice}/voicemail-{seed}", "machine", voice, True, spoken(np.hstack(parts)))


def say(voice: str, text: str, rate: int, pitch: int) -> Audio:
    """What the synthesiser says, at 8 kHz."""
    done = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", str(rate), "-p", str(pitch), "--stdout", text],
        check=True, capture_output=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    raw = np.frombuffer(done.stdout[44:], "<i2").astype(float) / 32768
    return np.asarray(soxr.resample(raw, 22_050, RATE), float)


def texts(split: str) -> Iterator[tuple[str, str, str]]:
    """(language, kind, text) of a split."""
    table: dict[str, Speech] = TRAIN if split == "train" else HELD_OUT
    for language, speech in table.items():
        for kind in Speech._fields:
            for text in getattr(speech, kind):
                yield language, kind, text


def synthetic(split: str, voices: int) -> list[Clip]:
    """Every text of a split by so many voices each. A text's kind is what it says, not how long."""

    def one(job: tuple[int, str, str, str]) -> Clip:
        number, language, kind, text = job
        seed = int.from_bytes(hashlib.sha256(f"{number} {text}".encode()).digest()[:4])
        rng = np.random.default_rng(seed)
        variant = VARIANTS[split][int(rng.integers(len(VARIANTS[split])))]
        rate, pitch = int(rng.integers(140, 200)), int(rng.integers(30, 70))
        made = trimmed(say(language + variant, text, rate, pitch))
        name = f"{language}{variant}-{rate}/{text[:24]}"
        return Clip(name, kind, language + variant, False, spoken(made))

    jobs = [(n, *job) for job in texts(split) for n in range(voices)]
    with ThreadPoolExecutor(2) as pool:
        return [clip for clip in pool.map(one, jobs) if fits(clip)]


def fits(clip: Clip) -> bool:
    """Whether a synthetic clip is as long as its kind says."""
    seconds = len(clip.samples) / RATE
    if clip.kind == "office":
        return 0.8 <= seconds < MACHINE_S
    return seconds >= MACHINE_S if clip.kind == "machine" else True


def music(split: str) -> Iterator[Clip]:
    """Pieces of ten seconds, of other recordings in each split."""
    files = sorted(MUSIC.glob("*.wav"))
    assert files, f"{MUSIC}: install asterisk-moh-opsound-wav"
    for path in files[::2] if split == "train" else files[1::2]:
        samples = read_wav(path)
        for at in range(0, min(len(samples) - 10 * RATE, 150 * RATE), 15 * RATE):
            part = samples[at : at + 10 * RATE]
            if np.abs(part[:RATE]).max() > 0.02:
                yield Clip(f"{path.stem}@{at // RATE}", "music", path.stem, True, spoken(part))


def sines(seconds: float, *hertz: float) -> Audio:
    """A sum of sines of equal level."""
    at = np.arange(round(seconds * RATE)) / RATE
    return sum((np.sin(2 * np.pi * one * at) for one in hertz), np.zeros(len(at))) / len(hertz)


def tones(split: str) -> Iterator[Clip]:
    """Ringback, busy, congestion, SIT, fax and beeps; other plans in each split."""
    gap = np.zeros
    plans: dict[str, Audio] = {}
    if split == "train":
        ring = np.hstack([sines(2.0, 440, 480), gap(4 * RATE)])
        plans["us ringback"] = np.tile(ring, 2)
        plans["us busy"] = np.tile(np.hstack([sines(0.5, 480, 620), gap(RATE // 2)]), 8)
        sit = [sines(0.38, 985.2), sines(0.38, 1428.5), sines(0.38, 1776.7)]
        plans["sit"] = np.hstack(sit)
        plans["fax ced"] = sines(3.0, 2100)
        plans["beep 1000"] = sines(0.5, 1000)
    else:
        plans["425 ringback"] = np.tile(np.hstack([sines(1.0, 425), gap(4 * RATE)]), 2)
        plans["425 busy"] = np.tile(np.hstack([sines(0.35, 425), gap(2800)]), 10)
        plans["425 congestion"] = np.tile(np.hstack([sines(0.2, 425), gap(2400)]), 12)
        plans["sit itu"] = np.hstack([sines(0.33, hz) for hz in (950, 1400, 1800)])
        plans["fax cng"] = np.tile(np.hstack([sines(0.5, 1100), gap(3 * RATE)]), 3)
        plans["beep 440"] = sines(0.6, 440)
    for name, samples in plans.items():
        yield Clip(name, "tone", name, False, samples * 0.1)


@lru_cache(maxsize=4)
def clips(split: str, voices: int = 2) -> tuple[Clip, ...]:
    """All of a split: "train" or "held out"."""
    return (*recorded(split), *synthetic(split, voices), *music(split), *tones(split))
