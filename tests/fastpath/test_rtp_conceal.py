"""Concealment against its twin, and what a listener hears of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fastpath.rtp_conceal import RtpConceal
from tests.reference.rtp_conceal import Conceal

RATE = 8_000


def samples(data: bytes) -> NDArray[np.int16]:
    return np.frombuffer(data, np.int16)


def tone(hertz: float, count: int, at: int = 0, peak: float = 8_000) -> NDArray[np.int16]:
    return (peak * np.sin(2 * np.pi * hertz * (np.arange(count) + at) / RATE)).astype(np.int16)


def voice(pitch: float, count: int) -> NDArray[np.int16]:
    """A voiced sound: harmonics that get weaker, slowly changing."""
    at = np.arange(count)
    sound = sum(np.sin(2 * np.pi * pitch * n * at / RATE) / n for n in range(1, 9))
    return (5_000 * sound * (1 + 0.2 * np.sin(at / 900))).astype(np.int16)


def say(conceal: RtpConceal, audio: NDArray[np.int16]) -> NDArray[np.int16]:
    parts = [conceal.heard(audio[i : i + 160]) for i in range(0, len(audio), 160)]
    return samples(b"".join(parts))


steps = st.one_of(
    st.tuples(st.just("heard"), st.integers(1, 160)),
    st.tuples(st.just("lost"), st.integers(1, 160)),
    st.tuples(st.just("silent"), st.integers(1, 160)),
    st.tuples(st.just("cut"), st.just(0)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=30), st.integers(0, 2**32 - 1), st.booleans())
def test_concealment_and_twin_say_the_same(script, seed: int, spoken: bool) -> None:
    noise = np.random.default_rng(seed)
    ours, twin = RtpConceal(), Conceal()
    for name, count in script:
        if name == "cut":
            ours.cut()
            twin.cut()
        elif name == "heard":
            audio = noise.integers(-32_768, 32_767, count, dtype=np.int16, endpoint=True)
            audio = voice(60 + seed % 200, count) if spoken else audio
            assert samples(ours.heard(audio)).tolist() == twin.heard(audio.tolist())
        else:
            assert samples(getattr(ours, name)(count)).tolist() == getattr(twin, name)(count)


def test_audio_that_is_there_is_not_touched() -> None:
    audio = voice(110, 1_600)
    assert (say(RtpConceal(), audio) == audio).all()


@pytest.mark.parametrize("pitch", [70, 100, 125, 160, 200])
def test_a_gap_in_a_voice_goes_on_with_its_pitch(pitch: int) -> None:
    conceal, audio = RtpConceal(), voice(pitch, 1_760)
    say(conceal, audio[:1_600])
    made, true = samples(conceal.lost(160)).astype(float), audio[1_600:].astype(float)
    assert np.corrcoef(made, true)[0, 1] > 0.9, "phase and shape go on"


def test_no_gap_begins_or_ends_with_a_click() -> None:
    """No step is larger than twice the largest one of the sound itself."""
    for pitch in range(68, 200, 11):
        conceal, audio = RtpConceal(), tone(pitch, 3_200)
        before = say(conceal, audio[:1_600])
        made = samples(conceal.lost(160))
        after = say(conceal, audio[1_760:])
        heard = np.concatenate([before, made, after]).astype(int)
        largest = np.abs(np.diff(audio.astype(int))).max()
        assert np.abs(np.diff(heard)).max() <= 2 * largest + 64, pitch


def test_it_gets_softer_by_a_fifth_every_10_ms_and_then_is_silent() -> None:
    conceal = RtpConceal()
    say(conceal, tone(100, 1_600))
    made = np.concatenate([samples(conceal.lost(80)) for _ in range(8)]).astype(float)
    power = [np.sqrt(np.mean(made[i : i + 80] ** 2)) / 5_657 for i in range(0, 640, 80)]
    expected = [1, 0.9, 0.7, 0.5, 0.3, 0.115, 0, 0]
    assert np.allclose(power, expected, atol=0.06), power


def test_a_long_gap_is_silence_and_the_voice_comes_back_softly() -> None:
    conceal = RtpConceal()
    say(conceal, voice(100, 800))
    for _ in range(10):
        last = samples(conceal.lost(160))
    assert not last.any()
    back = say(conceal, np.full(320, 8_000, np.int16))
    assert abs(int(back[0])) < 400
    assert (np.diff(back[:81].astype(int)) >= 0).all()
    assert (back[81:] == 8_000).all()


def test_only_a_frame_at_a_time() -> None:
    for count in (0, 161, -1):
        with pytest.raises(ValueError, match="between 1 and 160"):
            RtpConceal().lost(count)
    with pytest.raises(ValueError, match="between 1 and 160"):
        RtpConceal().heard(np.zeros(0, np.int16))
