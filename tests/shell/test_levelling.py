"""Levelling: the level it makes is measured, its peaks are looked for, its offset is gone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.shell.levelling import (
    LEVEL_DBOV,
    LIMITED_DB_MAX,
    PEAK,
    levelled,
    limited,
    trimmed,
)
from dialerd.shell.speech_level import speech_level
from tests.shell.audio_files import power_at, speechlike, tone

PEAK_16 = round(PEAK * 32768)


def measured(samples) -> float:
    return speech_level(samples / 32768, 8000).active_dbov


@pytest.mark.parametrize("level", [-19.0, -20.0, -23.0, -26.0])
@pytest.mark.parametrize("loudness", [-25, -10, 0])
def test_speech_of_any_loudness_is_brought_to_the_level(level: float, loudness: int) -> None:
    spoken = speechlike(4.0) / 32768 * 10 ** (loudness / 20)
    made = levelled(spoken, level)
    assert made is not None
    assert measured(made.samples) == pytest.approx(level, abs=0.3)
    assert made.after.active_dbov == pytest.approx(level, abs=0.3)
    assert np.abs(made.samples.astype(int)).max() <= PEAK_16


def test_an_offset_is_taken_away() -> None:
    made = levelled(speechlike(4.0) / 32768 * 0.3 + 0.2)
    assert made is not None
    assert made.dc == pytest.approx(0.2, abs=0.001)
    assert abs(made.samples.mean()) < 2
    assert measured(made.samples) == pytest.approx(LEVEL_DBOV, abs=0.3)


def test_high_peaks_are_pressed_a_little_and_then_the_level_gives_way() -> None:
    spoken = speechlike(4.0) / 32768 * 0.1
    spoken[16_000] = 0.9  # a knock on the table
    made = levelled(spoken)
    assert made is not None
    assert made.limited_db == pytest.approx(LIMITED_DB_MAX, abs=0.1)
    assert np.abs(made.samples.astype(int)).max() <= PEAK_16
    assert made.after.active_dbov < LEVEL_DBOV - 3


@settings(deadline=None)
@given(
    st.lists(st.floats(-3, 3), min_size=1, max_size=400),
    st.lists(st.tuples(st.integers(0, 399), st.floats(-3, 3)), max_size=5),
)
def test_no_peak_passes_the_limiter(quiet: list[float], knocks: list[tuple[int, float]]) -> None:
    x = np.array(quiet) * 0.2
    for at, height in knocks:
        x[at % len(x)] = height
    y = limited(x)
    assert np.abs(y).max() <= PEAK + 1e-12
    assert np.all(np.sign(y) == np.sign(x))
    near = np.convolve(np.pad(np.abs(x) > PEAK, 80), np.ones(161), "valid")
    calm = near == 0
    assert np.array_equal(y[calm], x[calm]), "what is far from a peak is as it was"


def test_a_limited_tone_stays_a_tone() -> None:
    hot = tone(700, seconds=1.0, amplitude=32_000) / 32768 * 1.5
    y = limited(hot)[800:-800] * 32768
    assert power_at(y, 700) > -1.5
    assert all(power_at(y, hz) < -55 for hz in (1400, 2100, 2800, 3500))


def test_silence_is_no_prompt() -> None:
    for x in (np.zeros(0, np.float32), np.zeros(8000), np.full(8000, 0.25)):
        assert levelled(x) is None


def test_trimming_keeps_a_little_silence() -> None:
    spoken = np.concatenate(
        [np.zeros(8000, np.int16), tone(300, seconds=1.0), np.zeros(8000, np.int16)]
    )
    out = trimmed(spoken, 0.1)
    assert 8000 + 1400 <= len(out) <= 8000 + 1800
    assert not out[:700].any()
    assert len(trimmed(spoken, 0.0)) < 8000 + 200
    assert not len(trimmed(np.zeros(0, np.int16)))
    assert len(trimmed(np.zeros(800, np.int16))) == 800
