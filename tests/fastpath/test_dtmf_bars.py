"""The bars of `python -m bench.dtmf` at a size for every day: faults of keys, recorded voices."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest

from bench.answer_lines import through
from bench.dtmf import CODECS, score
from bench.dtmf_tapes import (
    ASKED,
    FAULTS,
    INSTALLED,
    Fault,
    at_once,
    both,
    decoded,
    files,
    levelled,
    ours,
)
from fastpath.dtmf import DtmfDetector
from fastpath.dtmf_pair import pair
from tests.fastpath.dtmf_tape import line, press, silence, sine

EACH = 60  # of the recordings of a tape


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_faults(fault: Fault) -> None:
    found = score(fault, 2)
    if not fault.right:
        assert found.ours == 0
    elif fault.codec == "gsm":  # no standard asks a vocoder for keys
        assert found.ours >= 0.98 * found.pressed
    else:
        assert found.ours == found.pressed


@pytest.mark.parametrize(("first", "second"), [*combinations_with_replacement(ASKED, 2)])
def test_faults_two_at_a_time(first: str, second: str) -> None:
    found = score(both(first, second), 1)
    assert found.ours == found.pressed


def test_all_faults_at_once() -> None:
    """A weak column, off, with its row leaking into it: a block of it may be 5 dB too soft."""
    found = score(at_once(), 6)
    assert found.ours == found.pressed == 768


def test_a_pair_is_measured_where_it_is() -> None:
    """Frequencies to a thousandth, powers to a hundredth, whatever phases and offsets."""
    rng = np.random.default_rng(4)
    for _ in range(40):
        row, column = 697 + 81 * int(rng.integers(4)), 1209 + 141 * int(rng.integers(4))
        offs, phases = rng.uniform(-0.02, 0.02, 2), rng.uniform(0, 6.3, 2)
        low, high = rng.uniform(500, 6_000, 2)
        n = np.arange(204)
        audio = (
            low * np.sin(2 * np.pi * row * (1 + offs[0]) * n / 8_000 + phases[0])
            + high * np.sin(2 * np.pi * column * (1 + offs[1]) * n / 8_000 + phases[1]) + 900
        )  # fmt: skip
        samples = np.rint(audio).astype(np.int16)
        about = offs + rng.uniform(-0.004, 0.004, 2)
        found = pair(samples[102:].copy(), samples[:102].copy(), row, column, *about.tolist())
        assert np.abs(np.array(found.off) - offs).max() < 0.001
        assert np.allclose(found.power, [[low**2] * 2, [high**2] * 2], rtol=0.03)
        assert 0.995 < found.pure < 1.001
    with pytest.raises(ValueError, match="102"):
        pair(samples, samples[:102].copy(), 697, 1209)
    silent = np.zeros(102, np.int16)
    assert pair(silent, silent, 697, 1209).pure == 0


@pytest.mark.parametrize("tape", INSTALLED)
def test_recorded_voices_and_music_press_no_key(tape: str) -> None:
    paths = files(tape)
    audio = np.hstack(
        [levelled(decoded(path))[: 8_000 * 20] for path in paths[:: max(1, len(paths) // EACH)]]
    )
    assert len(audio) > 8_000 * 30
    audio = np.hstack([audio, np.zeros(-len(audio) % 160)])
    for codec in CODECS:
        heard = through(codec, np.clip(audio, -32_768, 32_767))
        for shift in (
            0,
            34,
            68,
        ):  # a voice looks like a key at one place of a block, not at another
            assert ours(heard[shift:]) == "", (tape, codec, shift)


@pytest.mark.parametrize("loud", [0.3, 1.0])
def test_a_vowel_that_comes_near_to_a_key(loud: float) -> None:
    """It passed for one before tones had to be steady and nearly all there is."""
    owl = next(one for one in files("words (ktuberling)") if one.match("ca/xmas_owl.ogg"))
    audio = levelled(decoded(owl)) * loud
    for shift in range(0, 102, 6):
        assert ours(line(audio[shift:])) == ""


def test_an_octave_between_two_keys_frequencies_is_none() -> None:
    """683 and 1366 Hz: 2 % below a row, 2.2 % above a column, and a steady tone."""
    for ms in (50, 100, 400):
        octave = sine(683, ms, -10) + sine(1366, ms, -12)
        assert ours(line(np.hstack([silence(40), octave, silence(80)]))) == ""


@pytest.mark.parametrize("ms", [45, 60, 100, 500])
def test_where_a_key_ended(ms: int) -> None:
    """Within 5 ms, and one end for each key, also for one that follows at once."""
    audio = np.hstack([silence(33), press("5", ms), silence(70), press("6", ms), press("9", ms),
                       silence(90)])  # fmt: skip
    detector = DtmfDetector()
    found = detector.hear(line(audio))
    assert [key for key, _ in found] == ["5", "6", "9"]
    right = [33 + ms, 103 + 2 * ms, 103 + 3 * ms]
    assert len(detector.ends) == 3
    for end, due in zip(detector.ends, right, strict=True):
        assert end / 8 == pytest.approx(due, abs=13 if due == right[1] else 5)


def test_a_key_ends_with_the_audio_that_was_lost() -> None:
    detector = DtmfDetector()
    [(_, begin)] = detector.hear(line(press("5", 100)))
    assert detector.ends == []
    detector.gap(481)
    assert detector.ends == [800]
    assert begin < 40
