"""What a line does to a call while it is heard: it begins in mid-word, has gaps, lies in packets.

The live side and the recording are the same detectors; these are the ways in which a stream is not
a whole file.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from bench.answer_audio import recorded
from bench.tone_audio import PLAN, made
from bench.tone_audio import Line as Clean
from dialerd.detect.model import load_model
from dialerd.detect.tone_plan import load_book
from fastpath.progress import Attention, CallProgress, Heard
from tests.fastpath.dtmf_tape import Samples, line, press, silence

FRAME = 160


@lru_cache(maxsize=1)
def asked() -> Attention:
    return Attention(load_model(), book=load_book())


@lru_cache(maxsize=2)
def clips(kind: str) -> tuple[Samples, ...]:
    """Twelve recordings as a line brings them, silence behind them."""
    calm = np.random.default_rng(1)
    least, most = {"word": (0.35, 0.9), "machine": (4, 9)}[kind]
    found = [
        one.samples * 32_767
        for one in recorded("held out")
        if one.kind == kind and least < len(one.samples) / 8_000 < most
    ]
    found = found[:: len(found) // 12][:12]
    return tuple(
        line(np.concatenate([one, np.zeros(16_000)]) + calm.normal(0, 6, len(one) + 16_000))
        for one in found
    )


def whole(samples: Samples) -> Samples:
    return samples[: len(samples) // FRAME * FRAME]


def verdict(progress: CallProgress) -> tuple[str, str]:
    progress.end()
    found = progress.verdict()
    assert found is not None
    return found.answer, found.reason


@pytest.mark.parametrize("cut_ms", [100, 180])
def test_a_word_that_was_begun_before_the_stream_is_no_machine(cut_ms: int) -> None:
    """The first packets of an answer are those that get lost: half a word is still a person."""
    answers = []
    for word in clips("word"):
        progress = CallProgress(asked())
        progress.hear(whole(word[8 * cut_ms :]))
        answers.append(verdict(progress)[0])
    assert "machine" not in answers
    assert answers.count("human") >= 9, answers


def test_a_greeting_that_was_begun_before_the_stream_is_a_machine() -> None:
    answers = []
    for greeting in clips("machine"):
        progress = CallProgress(asked())
        progress.hear(whole(greeting[6_000:]))
        answers.append(verdict(progress)[0])
    assert answers.count("machine") >= 7, answers


@pytest.mark.parametrize("lost", [0.03, 0.1])
def test_lost_frames_make_no_machine_of_a_word(lost: float) -> None:
    rng, answers = np.random.default_rng(3), []
    for word in clips("word"):
        progress = CallProgress(asked())
        for frame in whole(word).reshape(-1, FRAME):
            if rng.random() < lost:
                progress.gap(FRAME)
            else:
                progress.hear(frame)
        answers.append(verdict(progress)[0])
    assert "machine" not in answers
    assert answers.count("human") >= 9, answers


def concealed(samples: Samples, rng: np.random.Generator, lost: float) -> Samples:
    """As a jitter buffer makes up what is missing: the frame before, softer each time."""
    frames = whole(samples).reshape(-1, FRAME).copy()
    for at in range(1, len(frames)):
        if rng.random() < lost:
            frames[at] = frames[at - 1] * 0.7
    return frames.reshape(-1)


def test_concealed_frames_make_no_machine_of_a_word_and_no_keys_of_a_voice() -> None:
    rng, answers = np.random.default_rng(4), []
    for word in (*clips("word"), *clips("machine")):
        progress = CallProgress(asked())
        told = progress.hear(concealed(word, rng, 0.1))
        assert not [one for one in told if one.kind in ("dtmf", "sit", "beep", "tone", "fax")]
        answers.append(verdict(progress)[0])
    assert "machine" not in answers[:12]
    assert answers[:12].count("human") >= 9, answers
    assert answers[12:].count("machine") >= 7, answers


@pytest.mark.parametrize("name", ["busy 425", "ring us", "fax ced", "beep 1000"])
@pytest.mark.parametrize("cover", [True, False])
def test_tones_survive_one_frame_in_fifty_lost(name: str, *, cover: bool) -> None:
    rng = np.random.default_rng(6)
    audio = made(PLAN[name][2], Clean(), rng)
    progress = CallProgress(Attention(book=load_book()), answered=False)
    told: list[Heard] = []
    if cover:
        told += progress.hear(concealed(audio, rng, 0.02))
    else:
        for frame in whole(audio).reshape(-1, FRAME):
            told += progress.gap(FRAME) if rng.random() < 0.02 else progress.hear(frame)
    told += progress.end()
    kinds = {one.kind for one in told if one.kind not in ("speech", "music", "silence", "dtmf")}
    assert kinds == {"ringback" if name == "ring us" else name.split(maxsplit=1)[0]}


def test_a_key_over_a_gap_is_one_key() -> None:
    """A packet of it is lost, or made up: it is the same key still, and told once."""
    audio = line(np.concatenate([silence(60), press("7", 160), silence(100)]))
    frames = whole(audio).reshape(-1, FRAME)
    for way in ("gap", "concealed"):
        progress = CallProgress(Attention())
        told: list[Heard] = []
        for at, frame in enumerate(frames):
            if at != 7:
                told += progress.hear(frame)
            elif way == "gap":
                told += progress.gap(FRAME)
            else:
                told += progress.hear((frames[at - 1] * 0.7).astype(np.int16))
        told += progress.end()
        assert [one.value for one in told if one.kind == "dtmf"] == ["7"], way


def test_nothing_but_gaps_is_no_evidence() -> None:
    """A call of which no packet comes: nobody is a person for that, nor a machine."""
    progress = CallProgress(asked())
    progress.gap(8_000 * 3)
    assert verdict(progress)[0] == "unknown"
