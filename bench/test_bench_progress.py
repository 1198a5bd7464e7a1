"""Voice, who answered, keys and tones in the one pass that hears a call: what a frame costs.

Who answered is asked anew every second, so that it is never known and nothing is left out.
"""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np
import pytest

from bench.answer_audio import MUSIC, read_wav, recorded
from bench.answer_lines import noise
from dialerd.detect.model import load_model
from dialerd.detect.tone_plan import load_book
from fastpath.progress import Attention, CallProgress

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
SECONDS = 4 if SMOKE else 100
RATE = 8_000


@lru_cache(maxsize=1)
def sounds() -> dict[str, np.ndarray]:
    """A piece of each, as long as the others."""
    clips = list(recorded("train"))
    calm = np.random.default_rng(1)
    size = SECONDS * RATE
    voices = np.concatenate([one.samples for one in clips if one.kind == "machine"])
    music = np.concatenate([read_wav(path) for path in sorted(MUSIC.glob("*.wav"))])
    made = {
        "speech": np.resize(voices, size),
        "silence": np.zeros(size),
        "music": np.resize(music, size),
        "noise": noise("pink", size, calm, ()) * 0.01,
    }
    return {
        name: np.clip(np.rint(one * 32_767), -32_768, 32_767).astype(np.int16)
        for name, one in made.items()
    }


def heard(attention: Attention, samples: np.ndarray) -> int:
    progress = CallProgress(attention)
    for at in range(0, len(samples), RATE):
        progress.answered()
        progress.hear(samples[at : at + RATE])
    return len(samples) // 160


@pytest.mark.benchmark(group="a call heard: voice, who answered, keys and tones, a frame of 20 ms")
@pytest.mark.parametrize(
    ("sound", "peer"),
    [("speech", None), ("silence", "silence"), ("music", "music"), ("noise", "noise")],
)
def test_cost(benchmark, sound, peer):
    attention, samples = Attention(load_model(), book=load_book()), sounds()[sound]
    frames = len(samples) // 160
    benchmark.extra_info |= {"peer": peer, "unit": "frame", "units": frames}
    rounds = 1 if SMOKE else 5
    assert benchmark.pedantic(heard, args=(attention, samples), rounds=rounds) == frames
