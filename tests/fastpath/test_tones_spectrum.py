"""Lines of a spectrum against numpy's transform."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath.tones_spectrum import peaks
from tests.reference import tones as slow


@given(
    size=st.sampled_from([512, 1024]),
    hertz=st.lists(st.floats(120, 3700), min_size=0, max_size=3),
    noise=st.floats(0, 2000),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=80, deadline=None)
def test_as_the_twin(size: int, hertz: list[float], noise: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    audio = rng.normal(0, noise, size) + 300
    for one in hertz:
        wave = np.sin(2 * np.pi * one * np.arange(size) / 8000 + rng.uniform(0, 6))
        audio = audio + rng.uniform(500, 9000) * wave
    samples = np.clip(np.rint(audio), -32768, 32767).astype(np.int16)
    fast, twin = peaks(samples), slow.peaks(samples)
    assert fast.pure == pytest.approx(twin.pure, abs=0.02)
    assert fast.hertz[:1] == pytest.approx(twin.hertz[:1], abs=0.5)
    if len(fast.hertz) == len(twin.hertz):
        assert fast.share == pytest.approx(twin.share, abs=0.02)


@pytest.mark.parametrize("hertz", [300.0, 425.0, 950.0, 1776.7, 3390.0])
def test_one_tone_to_a_hertz(hertz: float) -> None:
    at = np.arange(1024)
    for off in np.linspace(-4, 4, 17):
        wave = 5000 * np.sin(2 * np.pi * (hertz + off) * at / 8000 + off)
        found = peaks(wave.astype(np.int16))
        assert found.hertz == pytest.approx((hertz + off,), abs=0.3)
        assert found.pure > 0.99


@pytest.mark.parametrize("pair", [(440, 480), (400, 450), (350, 440), (480, 620), (375, 400)])
def test_pairs_are_told_apart(pair: tuple[float, float]) -> None:
    at = np.arange(1024)
    for turn in range(12):
        one, two = (np.sin(2 * np.pi * hz * at / 8000 + turn * n / 2) for n, hz in enumerate(pair))
        found = peaks((4000 * one + 2500 * two).astype(np.int16))
        assert sorted(found.hertz) == pytest.approx(pair, abs=2.5)


def test_silence_has_no_lines_and_other_lengths_are_refused() -> None:
    assert peaks(np.zeros(512, np.int16)) == ((), (), 0.0)
    assert peaks(np.full(1024, -900, np.int16)).hertz == ()
    with pytest.raises(ValueError, match="512 or 1024"):
        peaks(np.zeros(600, np.int16))
