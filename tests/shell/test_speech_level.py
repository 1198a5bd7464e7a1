"""ITU-T P.56: against the standard's own sample-by-sample form, and signals of known level."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.shell.speech_level import (
    HANGOVER_S,
    QUIETEST_DBOV,
    SMOOTHING_S,
    THRESHOLDS,
    envelope,
    sliding_max,
    speech_level,
)
from tests.shell.audio_files import speechlike

RATE = 8000


def counts_as_written(x, rate):
    """P.56 method B, clause 7: one sample at a time."""
    g = exp(-1 / (rate * SMOOTHING_S))
    hangover = round(HANGOVER_S * rate)
    active, since = [0] * len(THRESHOLDS), [hangover] * len(THRESHOLDS)
    p = q = 0.0
    for sample in x:
        p = g * p + (1 - g) * abs(sample)
        q = g * q + (1 - g) * p
        for j, threshold in enumerate(THRESHOLDS):
            if q >= threshold:
                active[j] += 1
                since[j] = 0
            elif since[j] < hangover:
                active[j] += 1
                since[j] += 1
    return active


@pytest.mark.parametrize("seed", range(5))
def test_activity_is_counted_as_the_standard_writes_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bursts = np.repeat(10 ** rng.uniform(-5, -0.3, 40), rng.integers(1, 900, 40))
    x = rng.normal(size=len(bursts)) * bursts
    held = sliding_max(envelope(x, RATE), round(HANGOVER_S * RATE) + 1)
    assert [int((held >= t).sum()) for t in THRESHOLDS] == counts_as_written(x, RATE)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=300), st.integers(1, 50))
def test_the_sliding_maximum_is_one(values: list[float], width: int) -> None:
    found = sliding_max(np.array(values), width)
    expected = [max(values[max(0, i - width + 1) : i + 1]) for i in range(len(values))]
    assert found.tolist() == expected


def test_a_steady_tone_has_its_own_level() -> None:
    x = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(20 * RATE) / RATE)
    found = speech_level(x, RATE)
    assert found.active_dbov == pytest.approx(-23.01, abs=0.02)
    assert found.long_dbov == pytest.approx(-23.01, abs=0.01)
    assert found.active == pytest.approx(1.0, abs=0.01)
    assert found.peak_dbov == pytest.approx(-20.0, abs=0.01)


def test_pauses_lower_the_long_level_and_not_the_active_one() -> None:
    spoken = speechlike(10.0).astype(np.float64) / 32768
    whole = speech_level(spoken, RATE)
    paused = speech_level(np.concatenate([spoken, np.zeros(30 * RATE)]), RATE)
    assert paused.active_dbov == pytest.approx(whole.active_dbov, abs=0.2)
    assert paused.long_dbov == pytest.approx(whole.long_dbov - 6.02, abs=0.05)
    assert paused.active == pytest.approx(whole.active / 4, abs=0.02)


@settings(deadline=None, max_examples=30)
@given(st.floats(-40, 0), st.integers(0, 5))
def test_a_gain_raises_the_level_by_itself(gain_db: float, seed: int) -> None:
    spoken = speechlike(3.0, seed=seed).astype(np.float64) / 32768
    before = speech_level(spoken, RATE)
    after = speech_level(spoken * 10 ** (gain_db / 20), RATE)
    assert after.active_dbov - before.active_dbov == pytest.approx(gain_db, abs=0.15)
    assert after.active == pytest.approx(before.active, abs=0.03)


def test_silence_has_no_level() -> None:
    for x in (np.zeros(0), np.zeros(8000), np.full(8000, 1e-7)):
        found = speech_level(x, RATE)
        assert (found.active_dbov, found.active) == (QUIETEST_DBOV, 0.0)
