"""Bursts against their slow twin, and their ends against what was played."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.answer_audio import MUSIC, SOUNDS, read_wav
from bench.tone_audio import PLAN, Line, cadence, made, some_line
from fastpath.tones_burst import bursts
from tests.reference import tones as slow


def same(samples: np.ndarray) -> int:
    """Both hear the same; how many bursts."""
    fast, twin = bursts(samples), slow.bursts(samples)
    assert len(fast) == len(twin)
    for one, (begin, end, hertz) in zip(fast, twin, strict=True):
        assert abs(one.begin - begin) <= 2
        assert abs(one.end - end) <= 2
        assert one.hertz[0] == pytest.approx(hertz, abs=1.0) or len(one.hertz) > 1
    return len(fast)


@given(name=st.sampled_from(list(PLAN)), seed=st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_tones_as_the_twin(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert same(made(PLAN[name][2], some_line(rng), rng)[:48_000]) >= 0


def test_voices_and_music_as_the_twin() -> None:
    voice = read_wav(SOUNDS / "fr_CA_f_June" / "demo-instruct.wav")[: 8_000 * 8]
    music = read_wav(sorted(MUSIC.glob("*.wav"))[2])[: 8_000 * 8]
    for audio in (voice, music):
        assert same(np.rint(audio * 32_768).astype(np.int16)) > 3


@pytest.mark.parametrize("lead", [0.5, 0.503, 0.5085, 0.511, 0.5199])
def test_ends_are_known_better_than_to_a_frame(lead: float) -> None:
    steps = cadence((425.0,), 0.2, 0.31, times=3)
    for snr in (None, 20.0):
        line = Line(lead=lead, snr=snr)
        for n, one in enumerate(bursts(made(steps, line, np.random.default_rng(1)))):
            begin = lead + 0.51 * n
            assert one.begin / 8_000 == pytest.approx(begin, abs=0.004)
            assert one.end / 8_000 == pytest.approx(begin + 0.2, abs=0.004)
            assert (one.silence, one.broken) == (3, False) or snr


def test_one_lost_packet_does_not_split_a_burst() -> None:
    audio = made([((1000.0,), 1.0)], Line(), np.random.default_rng(1))
    for lost in (1, 2):
        cut = audio.copy()
        cut[8_000 : 8_000 + 160 * lost] = 0
        (one,) = bursts(cut)
        assert one.end - one.begin == pytest.approx(8_000, abs=64)
    cut[8_000 : 8_000 + 800] = 0
    assert len(bursts(cut)) == 2
