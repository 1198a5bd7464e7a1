"""What the limit of sooner verdicts is measured with."""

from __future__ import annotations

import numpy as np
import pytest

from bench import answer_limit


def test_the_area_is_how_often_a_machine_has_the_higher_odds() -> None:
    odds = np.array([0.1, 0.4, 0.2, 0.9])
    assert answer_limit.area(odds, np.array([0.0, 0.0, 1.0, 1.0])) == 0.75
    assert answer_limit.area(odds, np.array([1.0, 0.0, 0.0, 1.0])) == 0.5


@pytest.mark.parametrize(("hertz", "band"), [(350, 0), (700, 2), (3_000, 7)])
def test_a_spectrum_tells_where_a_voice_is_loud_whatever_its_level(hertz: int, band: int) -> None:
    first = 1_600
    tone = 3_000 * np.sin(2 * np.pi * hertz * np.arange(8_000) / 8_000)
    noise = np.random.default_rng(1).normal(0, 30, 8_000)
    samples = noise + np.where(np.arange(8_000) < first, 0, tone)
    found = answer_limit.spectrum(samples, first)
    assert len(found) == answer_limit.SPECTRUM
    assert found[:8].argmax() == band
    assert found[-1] < -30, "it is quiet before it"
    assert found == pytest.approx(answer_limit.spectrum(4 * samples, first), abs=0.1)
    assert answer_limit.spectrum(samples[first:], 0)[:8].argmax() == band
