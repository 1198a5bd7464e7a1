"""Short sounds that are nobody's."""

from __future__ import annotations

import numpy as np
import pytest

from dialerd.detect.model import load_model
from fastpath.amd import AnswerDetector


def thump(ms: int, hertz: float) -> np.ndarray:
    at = np.arange(8 * ms)
    return 12_000 * np.sin(2 * np.pi * hertz / 8_000 * at) * np.hanning(8 * ms)


def buzz(ms: int, hertz: float) -> np.ndarray:
    return 16_000 * (np.arange(8 * ms) * hertz / 8_000 % 1 - 0.5)


@pytest.mark.parametrize(
    "sound",
    [thump(80, 60), thump(100, 60), thump(100, 120), thump(120, 90),
     thump(150, 120), buzz(200, 120), buzz(400, 100), buzz(600, 120), buzz(600, 150)],
)  # fmt: skip
def test_a_single_thump_or_buzz_is_nobody(sound: np.ndarray) -> None:
    audio = np.hstack([np.zeros(4_000), sound, np.zeros(68_000)]).astype(np.int16)
    verdict = AnswerDetector(load_model()).hear(audio)
    assert verdict is not None
    assert (verdict.answer, verdict.reason) == ("unknown", "no voice")


def test_what_was_lost_is_no_sound() -> None:
    """Two loud frames are a click, whatever was lost behind them."""
    click = np.random.default_rng(1).integers(-20_000, 20_000, 320).astype(np.int16)
    detector = AnswerDetector(load_model())
    detector.hear(click)
    assert detector.gap(450) == ("unknown", 8_000, None, 0.0, "silence")
