"""Tones measured from recordings are the tones that were recorded."""

from __future__ import annotations

import numpy as np
import pytest

from bench.tone_audio import Line, cadence, made
from dialerd.detect.tone_events import tone_events
from dialerd.detect.tone_learn import LearnError, learn, lines, same_tone
from dialerd.detect.tone_plan import TonePlan, book_of

LINES = [Line(), Line(level=-30, snr=18, codec="alaw", loss=0.01), Line(codec="gsm", level=-15)]


@pytest.mark.parametrize("line", LINES, ids=["clean", "noisy", "gsm"])
@pytest.mark.parametrize(
    ("hertz", "steps", "times"),
    [
        ((425.0,), (0.5, 0.5), 5), ((480.0, 620.0), (0.25, 0.25), 8),
        ((440.0, 480.0), (2.0, 4.0), 3),
        ((400.0, 450.0), (0.4, 0.2, 0.4, 2.0), 3), ((450.0,), (0.35, 0.35), 6),
        ((390.0,), (0.3, 0.7), 5), ((350.0, 440.0), (), 1),
    ],
)  # fmt: skip
def test_what_was_played_is_learned(
    hertz: tuple[float, ...], steps: tuple[float, ...], times: int, line: Line
) -> None:
    played = cadence(hertz, *steps, times=times) if steps else [(hertz, 4.0)]
    audio = made(played, line, np.random.default_rng(4))
    found = learn([audio], "busy")
    assert found.tone.hertz == pytest.approx(hertz, abs=1.5)
    assert found.tone.cadence_s == pytest.approx(steps, abs=0.03)
    # and what was learned hears it
    told = tone_events(audio, book_of(TonePlan(tone=(found.tone,))))
    assert "busy" in {one.value for one in told}


def test_several_recordings_and_speech_between() -> None:
    rng = np.random.default_rng(5)
    first = made(cadence((425.0,), 0.5, 0.5, times=4), Line(level=-12), rng)
    other = made([((1000.0,), 0.4), *cadence((425.0,), 0.5, 0.5, times=6)], Line(off=0.004), rng)
    found = learn([first, other], "other", "odd")
    assert found.bursts == 9  # the first behind 1,000 Hz begins in no silence
    assert found.hertz_off < 2
    assert lines(found).endswith(
        'kind = "other"\nname = "odd"\nhertz = [426]\ncadence_s = [0.5, 0.5]\n'
    )


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "no tone"), ([((425.0,), 0.5)], "bursts do not repeat"),
        ([((425.0,), 0.5), ((), 0.5), ((425.0,), 0.2), ((), 1.5), ((425.0,), 0.9)], "three"),
        (cadence((425.0,), 0.5, 0.5, times=2), "2 bursts do not repeat"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned(steps: list, said: str) -> None:
    with pytest.raises(LearnError, match=said):
        learn([made(steps, Line(), np.random.default_rng(6))], "busy")


def test_recordings_of_two_tones_are_told_apart() -> None:
    rng = np.random.default_rng(3)
    busy = made(cadence((425.0,), 0.5, 0.5, times=6), Line(), rng)
    same = made(cadence((425.0,), 0.5, 0.5, times=4), Line(level=-30), rng)
    other = made(cadence((520.0,), 0.3, 0.7, times=3), Line(), rng)
    same_tone({"busy.wav": busy, "same.wav": same})
    with pytest.raises(LearnError, match=r"odd\.wav holds another tone"):
        same_tone({"busy.wav": busy, "odd.wav": other})
