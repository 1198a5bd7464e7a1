"""Who answered: a frame's cost, and how often and how soon each rule is right.

`python -m bench.answers` prints the confusion matrices of the same audio.
"""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np
import pytest

from bench import answers
from bench.amd_rules import RULES
from bench.answer_lines import Case
from dialerd.detect.model import load_model
from fastpath.amd import AnswerDetector
from fastpath.amd_classic import ClassicDetector
from fastpath.dtmf import DtmfDetector
from fastpath.vad import VoiceDetector

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
QUICK = os.environ.get("BENCH_QUICK", "0") == "1"
FRAMES = 2_000 if SMOKE else 50_000
COST = "who answered: a frame of 20 ms heard"
RIGHT = "who answered: held-out voices and noises"


@lru_cache(maxsize=1)
def cases() -> list[Case]:
    if SMOKE or QUICK:
        return answers.held_out(answers.SEED, every=60, voices=1)
    return answers.held_out(answers.SEED)


@lru_cache(maxsize=1)
def talk() -> np.ndarray:
    """Greetings that keep the detector busy: each is heard by one of its own."""
    return np.hstack([case.samples[:24_000] for case in cases() if case.clip.kind == "machine"])


def detectors(name: str) -> int:
    """Frames heard until the verdict of each, or to the end of 3 s."""
    heard = 0
    audio = talk()
    model = load_model()
    while heard < FRAMES:
        for at in range(0, len(audio), 24_000):
            part = audio[at : at + 24_000]
            if name == "rule":
                found = ClassicDetector().hear(part)
            else:
                found = AnswerDetector(model).hear(part)
            heard += found.at_ms // 20 if found else 150
            if name == "all":
                DtmfDetector().hear(part[: 8 * found.at_ms] if found else part)
    return heard


@pytest.mark.benchmark(group=COST)
@pytest.mark.parametrize(
    ("name", "peer"), [("all", None), ("model", "without keys"), ("rule", "classic rule")]
)
def test_cost(benchmark, name, peer):
    frames = detectors(name)
    benchmark.extra_info |= {"peer": peer, "unit": "frame", "units": frames}
    if name == "all":
        benchmark.extra_info["note"] = "voice, features, trees and keys"
    assert benchmark.pedantic(detectors, args=(name,), rounds=1 if SMOKE else 5) == frames


def summary(rule: str) -> str:
    """Right, and median / 95th percentile after the first sound, by kind."""
    texts = []
    for row in answers.judge(rule, cases()):
        if row.who == "recorded" and row.kind in ("word", "office", "machine", "announcement"):
            median, late, _ = row.after_first
            texts.append(f"{row.kind} {row.right:.1%} of {row.cases}, {median:.2f}/{late:.2f} s")
    return "; ".join(texts)


@pytest.mark.long
@pytest.mark.benchmark(group=RIGHT)
@pytest.mark.parametrize("rule", list(RULES))
def test_right(benchmark, rule):
    frames = sum(len(case.samples) // 160 for case in cases())
    note = benchmark.pedantic(summary, args=(rule,), rounds=1)
    benchmark.extra_info |= {
        "peer": None if rule == "dialerd" else rule, "unit": "frame", "units": frames, "note": note,
    }  # fmt: skip
    assert "word" in note


def test_voices_alone(benchmark):
    benchmark.group = COST
    audio = talk()[: 160 * FRAMES]
    benchmark.extra_info |= {"peer": "voice alone", "unit": "frame", "units": len(audio) // 160}
    assert len(benchmark(VoiceDetector().hear, audio)) == len(audio) // 160
