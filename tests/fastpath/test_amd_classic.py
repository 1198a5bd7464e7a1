"""The classic rule: each of its parameters, by bursts of a loud and a quiet signal."""

from __future__ import annotations

import numpy as np
import pytest

from bench.amd_rules import asterisk, freeswitch, vicidial
from fastpath.amd_classic import DEFAULTS, ClassicDetector


def bursts(*milliseconds: int) -> np.ndarray:
    """Silence and voice in turns, silence first."""
    rng = np.random.default_rng(1)
    parts = [
        np.zeros(8 * ms) if number % 2 == 0 else rng.choice([-2_000, 2_000], 8 * ms)
        for number, ms in enumerate(milliseconds)
    ]
    return np.hstack(parts).astype(np.int16)


@pytest.mark.parametrize(
    ("audio", "answer", "reason", "at_ms"),
    [
        ((3_000,), "machine", "initial silence", 2_500),
        ((300, 400, 2_000), "human", "silence after greeting", 1_500),
        ((300, 2_000), "machine", "long greeting", 1_800),
        ((300, 200, 100, 200, 100, 200), "machine", "words", 1_000),
        ((300, 400, 60, 40, 60, 400, 60, 40, 2_000), "human", "silence after greeting", 2_160),
        ((300, 100, 700, 100, 700, 60, 4_000), "human", "silence after greeting", 2_760),
    ],
)
def test_its_cases(audio: tuple[int, ...], answer: str, reason: str, at_ms: int) -> None:
    found = asterisk(bursts(*audio))
    assert (found.answer, found.reason, found.at_ms) == (answer, reason, at_ms)


def test_too_long_and_too_short() -> None:
    audio = bursts(*([60, 60] * 60))
    detector = ClassicDetector(initial_silence=9_000)
    assert detector.hear(audio) == detector.end()
    assert detector.end()[:2] == ("unknown", 5_000)
    assert ClassicDetector().end().reason == "no audio"


def test_parameters_are_the_usual_ones_and_checked() -> None:
    assert ClassicDetector(silence_threshold=3_000, initial_silence=100).hear(
        bursts(0, 400)
    )[:2] == ("machine", 100)  # fmt: skip
    with pytest.raises(ValueError, match="no parameter 'greetings'"):
        ClassicDetector(greetings=3)
    with pytest.raises(ValueError, match="greeting: -1"):
        ClassicDetector(greeting=-1)
    assert DEFAULTS["after_greeting_silence"] == 800


def test_steady_noise_above_its_threshold_makes_everybody_a_machine() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 400, 48_000)
    noise[4_000:8_000] += bursts(0, 500)
    for rule in (asterisk, freeswitch, vicidial):
        assert rule(noise.astype(np.int16)).answer == "machine"


def test_the_others_differ_where_they_are_said_to() -> None:
    two = bursts(300, 200, 100, 200, 2_000)
    assert asterisk(two).answer == "human"
    assert freeswitch(bursts(300, 200, 100, 200, 100, 200, 2_000)).reason == "words"
    broken = bursts(300, 900, 60, 900, 2_000)
    assert asterisk(broken).reason == "long greeting"
    assert freeswitch(broken).answer == "human"
    assert vicidial(bursts(300, 1_800, 3_000)).answer == "human"
