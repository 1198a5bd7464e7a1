"""Our ITU-T P.56 against the standard's own form, written a second time: tests/reference."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dialerd.shell.speech_level import QUIETEST_DBOV, speech_level
from tests.reference.speech_level import active_speech_level
from tests.shell.audio_files import speechlike

AGREE_DB = 0.1


def noise(seconds: float, rate: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, 0.05, round(seconds * rate))


def sine(seconds: float, rate: int, hz: float = 440) -> NDArray[np.float64]:
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def bursts(rate: int, seed: int, floor: float) -> NDArray[np.float64]:
    """Sentences of a person and pauses between them, over a noise of the room."""
    rng = np.random.default_rng(seed)
    parts: list[NDArray[np.float64]] = []
    for _ in range(4):
        spoken = speechlike(rng.uniform(0.3, 1.0), rate, seed) / 32768 * rng.uniform(0.1, 1.0)
        parts += [spoken, np.zeros(round(rng.uniform(0.05, 0.9) * rate))]
    whole = np.concatenate(parts)
    return whole + rng.normal(0, floor, len(whole))


SIGNALS = {
    "noise": noise(2.0, 8000, 1),
    "quiet noise": noise(2.0, 8000, 2) / 50,
    "tone": sine(2.0, 8000),
    "low tone": sine(2.0, 8000, 60) / 20,
    "tone and a pause": np.concatenate([sine(1.0, 8000), np.zeros(12_000)]),
    "noise between pauses": np.concatenate([np.zeros(4000), noise(0.5, 8000, 3), np.zeros(9000)]),
    "full scale": np.sign(sine(1.0, 8000)),
    "a click": np.concatenate([np.zeros(4000), np.ones(40), np.zeros(8000)]),
    "speech": speechlike(3.0) / 32768,
    **{f"bursts {seed}": bursts(8000, seed, 0.0) for seed in range(6)},
    **{f"bursts in noise {seed}": bursts(8000, seed, 0.002) for seed in range(6, 12)},
}


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("gain_db", [0.0, -13.7])
def test_the_level_is_that_of_the_standard(name: str, gain_db: float) -> None:
    x = SIGNALS[name] * 10 ** (gain_db / 20)
    reference = active_speech_level(x.tolist(), 8000)
    assert reference is not None
    found = speech_level(x, 8000)
    assert found.active_dbov == pytest.approx(reference[0], abs=AGREE_DB)
    assert found.active == pytest.approx(min(1.0, reference[1]), abs=0.02)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_at_other_rates(rate: int) -> None:
    x = bursts(rate, 3, 0.001)
    reference = active_speech_level(x.tolist(), rate)
    assert reference is not None
    assert speech_level(x, rate).active_dbov == pytest.approx(reference[0], abs=AGREE_DB)


def test_silence_has_none_in_either() -> None:
    assert active_speech_level([0.0] * 8000, 8000) is None
    assert speech_level(np.zeros(8000), 8000).active_dbov == QUIETEST_DBOV
