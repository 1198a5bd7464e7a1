"""Tones of calls: a frame's cost beside spandsp's, and how many tones are found and false.

`python -m bench.tones` prints the whole matrix.
"""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np
import pytest

from bench import tones
from bench.answer_audio import SOUNDS, read_wav
from bench.tone_audio import PLAN, Line, made
from bench.tone_peers import spandsp
from dialerd.detect.tone_plan import load_book
from fastpath.dtmf import DtmfDetector
from fastpath.tones_detector import ToneDetector
from fastpath.vad import VoiceDetector

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
QUICK = os.environ.get("BENCH_QUICK", "0") == "1"
COST = "tones of calls: a frame of 20 ms heard"
RIGHT = "tones of calls: found behind bad lines, false in speech and music"


@lru_cache(maxsize=1)
def talk() -> np.ndarray:
    """Recorded prompts of a language, one behind the other."""
    paths = sorted((SOUNDS / "it_IT_m_Carlo").rglob("*.wav"))[: 20 if SMOKE else 300]
    return np.rint(np.hstack([read_wav(path) for path in paths]) * 32768).astype(np.int16)


@lru_cache(maxsize=1)
def ringing() -> np.ndarray:
    """Ringback, a second in five."""
    return np.tile(
        made(PLAN["ring 425 1/4"][2], Line(), np.random.default_rng(1)), 2 if SMOKE else 9
    )


def detectors(name: str, audio: np.ndarray) -> int:
    if name == "spandsp":
        spandsp(audio, "eu")
    else:
        ToneDetector(load_book()).hear(audio)
    if name == "voice, keys and tones":
        VoiceDetector().hear(audio)
        DtmfDetector().hear(audio)
    return len(audio) // 160


@pytest.mark.benchmark(group=COST)
@pytest.mark.parametrize(
    ("name", "sound", "peer"),
    [
        ("all plans, in speech", talk, None), ("all plans, in ringback", ringing, "in ringback"),
        ("voice, keys and tones", talk, "with voice and keys"),
        ("spandsp", talk, "spandsp super_tone, one plan"),
    ],
)  # fmt: skip
def test_cost(benchmark, name, sound, peer):
    audio = sound()
    frames = len(audio) // 160
    benchmark.extra_info |= {"peer": peer, "unit": "frame", "units": frames}
    assert benchmark.pedantic(detectors, args=(name, audio), rounds=1 if SMOKE else 5) == frames


def summary(times: int, every: int) -> str:
    texts = [f"{row.kind} {row.found / row.cases:.1%}" for row in tones.rows(times, tones.SEED)]
    heard = tones.quiet(every)
    hours = sum(one.hours for one in heard)
    false = sum(sum(one.false.values()) for one in heard)
    return f"{'; '.join(texts)}; {false} false in {hours:.1f} h"


@pytest.mark.long
@pytest.mark.benchmark(group=RIGHT)
def test_found(benchmark):
    times, every = (1, 40) if SMOKE or QUICK else (tones.TIMES, 1)
    note = benchmark.pedantic(summary, args=(times, every), rounds=1)
    benchmark.extra_info |= {"peer": None, "unit": "tone", "units": times * len(PLAN), "note": note}
    assert " 0 false in" in note
