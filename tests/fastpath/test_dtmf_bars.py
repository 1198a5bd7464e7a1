"""The bars of `python -m bench.dtmf` at a size for every day: faults of keys, recorded voices."""

from __future__ import annotations

import numpy as np
import pytest

from bench.answer_lines import through
from bench.dtmf import CODECS, score
from bench.dtmf_tapes import FAULTS, INSTALLED, Fault, decoded, files, levelled, ours
from fastpath.dtmf import DtmfDetector
from tests.fastpath.dtmf_tape import line, press, silence, sine

EACH = 60  # of the recordings of a tape


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_faults(fault: Fault) -> None:
    found = score(fault, 2)
    if not fault.right:
        assert found.ours == 0
    elif "at once" in fault.name or fault.codec == "gsm":  # beyond what a standard asks
        assert found.ours >= 0.8 * found.pressed
        assert found.ours >= 0.98 * found.spandsp
    else:
        assert found.ours == found.pressed


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
