"""Voice activity: voices are found and noise is not, whatever the line does to both."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.answer_audio import Audio, Clip, levels_db, recorded
from bench.answer_lines import Condition, behind, noise
from fastpath.vad import FRAME, VoiceDetector
from tests.reference import vad as slow


@lru_cache(maxsize=1)
def prompts() -> tuple[Clip, ...]:
    """Forty recorded prompts of 0.5 to 4 s, by voices of four languages."""
    all_of = [c for c in recorded("held out") if 4_000 < len(c.samples) < 32_000]
    return tuple(all_of[:: len(all_of) // 40][:40])


def pcm(audio: Audio) -> np.ndarray:
    return np.clip(np.rint(audio * 32768), -32768, 32767).astype(np.int16)


def frames_of(condition: Condition) -> tuple[float, float]:
    """(part of the voice's frames that were missed, part of the silence behind taken for one)."""
    missed, false = [], []
    for number, clip in enumerate(prompts()):
        case = behind(clip, condition, np.random.default_rng(number), prompts())
        speech = np.array([one.speech for one in VoiceDetector().hear(case.samples)])
        levels = levels_db(clip.samples)
        voice = levels > levels.max() - 20
        lead = round(condition.lead_s * 50)
        missed.append(1 - speech[lead : lead + len(voice)][voice].mean())
        false.append(speech[lead + len(voice) + 10 :].mean())
    return float(np.mean(missed)), float(np.mean(false))


@pytest.mark.parametrize(
    ("condition", "missed_max", "false_max"),
    [
        (Condition(), 0.02, 0.0),
        (Condition(lead_s=0.0), 0.03, 0.0),
        (Condition(level_db=-20), 0.25, 0.0),
        (Condition(codec="gsm", level_db=-10), 0.07, 0.02),
        (Condition(noise="white", snr_db=10), 0.3, 0.005),
        (Condition(noise="white", snr_db=10, level_db=-20), 0.4, 0.005),
        (Condition(noise="pink", snr_db=10), 0.2, 0.005),
        (Condition(noise="street", snr_db=15), 0.17, 0.02),
        (Condition(noise="brown", snr_db=10), 0.2, 0.005),
        (Condition(noise="hum", snr_db=10), 0.15, 0.03),
        (Condition(noise="babble", snr_db=20), 0.05, 0.15),
        (Condition(clipped=True), 0.02, 0.01),
        (Condition(loss=0.03), 0.05, 0.0),
    ],
    ids=str,
)
def test_a_voice_is_found_and_the_line_is_not(
    condition: Condition, missed_max: float, false_max: float
) -> None:
    missed, false = frames_of(condition)
    assert missed <= missed_max
    assert false <= false_max


@pytest.mark.parametrize("level", [-60, -45, -35, -25])
@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
def test_steady_noise_is_none_after_a_third_of_a_second(kind: str, level: int) -> None:
    audio = noise(kind, 4 * 8000, np.random.default_rng(-level), ()) * 10 ** (level / 20)
    heard = VoiceDetector().hear(pcm(audio))
    assert sum(one.speech for one in heard[20:]) <= 9  # of 180
    if any(one.speech for one in heard[:20]):
        assert any(one.undone for one in heard), "what it was taken for has to be undone"


@pytest.mark.parametrize("hertz", [(425,), (440, 480), (950,), (1400,), (2100,), (480, 620)])
@pytest.mark.parametrize("offset", [0, 800, -4_000])
def test_a_tone_is_no_voice(hertz: tuple[int, ...], offset: int) -> None:
    at = np.arange(2 * 8000) / 8000
    audio = sum(np.sin(2 * np.pi * one * at) for one in hertz) * 0.1
    heard = VoiceDetector().hear(pcm(audio + offset / 32_768))
    assert all(one.tonal and not one.speech for one in heard[6:])


def test_the_floor_follows_the_noise_of_a_call() -> None:
    rng = np.random.default_rng(1)
    quiet, loud = noise("white", 24_000, rng, ()) * 1e-3, noise("white", 32_000, rng, ()) * 1e-2
    heard = VoiceDetector().hear(pcm(np.hstack([quiet, loud, quiet])))
    assert heard[140].floor_db == pytest.approx(-60, abs=2)
    assert heard[340].floor_db == pytest.approx(-40, abs=2)
    assert heard[-1].floor_db == pytest.approx(-60, abs=2)
    assert not any(one.speech for one in heard[280:])


def test_frames_that_were_lost_are_not_the_floor() -> None:
    """Every eighth is nothing at all: the noise around it stays what is no voice."""
    rng = np.random.default_rng(4)
    samples = pcm(noise("pink", 48_000, rng, ()) * 0.01)
    whole = VoiceDetector().hear(samples)
    samples.reshape(-1, FRAME)[60::8] = 0
    heard = VoiceDetector().hear(samples)
    for one, other in zip(whole[60:], heard[60:], strict=True):
        assert other.floor_db == pytest.approx(one.floor_db, abs=2.5)
    assert not any(one.speech for one in heard[60:])


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.int16), np.zeros(159, np.int16), np.zeros(8000, np.int16),
        np.full(8000, 32767, np.int16), np.full(8000, -32768, np.int16),
        np.tile(np.array([32767, -32768], np.int16), 8000), np.full(8000, 5000, np.int16),
    ],
    ids=["empty", "short", "silent", "top", "bottom", "square", "direct current"],
)  # fmt: skip
def test_what_is_no_sound_is_no_voice_for_long(samples: np.ndarray) -> None:
    heard = VoiceDetector().hear(samples)
    assert len(heard) == len(samples) // FRAME
    assert not any(one.speech for one in heard[20:])
    assert all(-80 <= one.level_db <= 3 for one in heard)


def test_frames_may_come_in_any_portion() -> None:
    case = behind(prompts()[3], Condition(noise="pink", snr_db=15), np.random.default_rng(2))
    whole = VoiceDetector().hear(case.samples)
    bit = VoiceDetector()
    parts = [bit.hear(case.samples[at : at + FRAME]) for at in range(0, len(case.samples), FRAME)]
    assert [one for part in parts for one in part] == whole


def check_agrees(samples: np.ndarray) -> None:
    twin = slow.Detector()
    fast = VoiceDetector().hear(samples)
    for number, one in enumerate(fast):
        loud, floor, speech, tonal, undone = twin.hear(
            samples[FRAME * number : FRAME * (number + 1)].tolist()
        )
        assert (one.speech, one.tonal, one.undone) == (speech, tonal, undone), number
        assert (one.level_db, one.floor_db) == pytest.approx((loud, floor), abs=1e-4)
        assert bool(one.lag) == speech
        if speech:
            assert one.periodic == pytest.approx(max(twin.alike.values()), abs=1e-5)
            assert one.periodic == pytest.approx(twin.alike[one.lag], abs=1e-5)


@pytest.mark.parametrize("kind", ["", "white", "babble", "hum"])
def test_the_plain_one_hears_the_same(kind: str) -> None:
    for number in (1, 11, 21):
        condition = Condition(noise=kind, snr_db=12, level_db=-6, lead_s=0.3)
        case = behind(prompts()[number], condition, np.random.default_rng(number), prompts())
        check_agrees(case.samples[:24_000])


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["zero", "noise", "tone"]), st.floats(-70, 0), st.integers(1, 30)
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_the_plain_one_hears_the_same_of_anything(parts: list[tuple[str, float, int]]) -> None:
    rng = np.random.default_rng(len(parts))
    made = []
    for kind, level, frames in parts:
        count = frames * FRAME
        size = 10 ** (level / 20)
        tone = np.sin(2 * np.pi * 700 * np.arange(count) / 8000)
        shape = {"zero": 0 * tone, "noise": rng.standard_normal(count), "tone": tone}[kind]
        made.append(size * shape)
    check_agrees(pcm(np.hstack(made)))


@pytest.mark.parametrize("hertz", [80, 125, 210, 330])
@pytest.mark.parametrize("level", [1_500, 12_000])
def test_the_pitch_of_a_buzz_is_found(hertz: int, level: int) -> None:
    """Pulses behind silence; at 2 kHz a lag is right to half a sample."""
    pulses = np.zeros(24_000)
    pulses[8_000 :: round(8_000 / hertz)] = 1.0
    body = np.exp(-np.arange(60) / 12) * np.cos(2 * np.pi * 700 / 8_000 * np.arange(60))
    buzz = np.convolve(pulses, body)[:24_000]
    heard = VoiceDetector().hear(np.rint(level * buzz).astype(np.int16))
    voiced = [one for one in heard if one.speech][2:]
    assert len(voiced) >= 8
    assert min(one.periodic for one in voiced) > 0.8
    period = 2_000 / (8_000 / round(8_000 / hertz))
    right = [one for one in voiced if abs(one.lag / period - round(one.lag / period)) < 0.15]
    assert len(right) >= 0.8 * len(voiced), [one.lag for one in voiced]


def test_noise_that_is_left_out_at_times_is_no_voice() -> None:
    """Digital zeros in it, as of a gateway that suppresses silence: its floor is where it was."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        samples = rng.normal(0, 150, 80_000).astype(np.int16)
        at = 12_000
        while at < 70_000:
            until = at + 160 * int(rng.integers(4, 40))
            samples[at:until] = 0
            at = until + 160 * int(rng.integers(10, 60))
        speech = [one.speech for one in VoiceDetector().hear(samples)]
        assert sum(speech) <= 12, seed
