"""Whole recordings: the verdict of the live detector, and what is heard beside it."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from bench import tone_audio
from bench.answer_audio import Clip, recorded, say, spoken, trimmed
from bench.answer_lines import Condition, behind
from dialerd.detect.audio import Findings, hear
from dialerd.detect.model import load_model
from fastpath.amd import AnswerDetector
from fastpath.dtmf import tone


def pcm(*parts: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(np.hstack(parts) * 32_768), -32_768, 32_767).astype(np.int16)


def clip(kind: str) -> Clip:
    return next(one for one in recorded("held out") if one.kind == kind)


@pytest.mark.parametrize(("kind", "verdict"), [("word", "human"), ("machine", "machine")])
def test_the_verdict_is_that_of_the_live_detector(kind: str, verdict: str) -> None:
    case = behind(clip(kind), Condition(), np.random.default_rng(1))
    found, live = hear(case.samples), AnswerDetector(load_model()).hear(case.samples)
    assert live is not None
    assert (found.verdict, found.verdict_at_s) == (live.answer, live.at_ms / 1000)
    assert found.verdict == verdict
    assert found.reason == "model"
    assert 0.5 < found.confidence <= 1


def test_a_recording_that_ends_with_the_word_is_followed_by_silence() -> None:
    found = hear(pcm(clip("word").samples))
    assert found.verdict == "human"


@pytest.mark.parametrize(
    ("voice", "text", "verdict"),
    [
        ("vi", "a lô", "human"),
        ("vi", "a lô, công ty Minh Anh xin nghe", "human"),
        ("fr", "oui", "human"),
        ("ru", "алло", "human"),
        (
            "vi",
            "cảm ơn quý khách đã gọi đến công ty Minh Anh hiện tại chúng tôi đã hết giờ làm việc",
            "machine",
        ),
    ],
)
def test_languages_that_were_not_trained(voice: str, text: str, verdict: str) -> None:
    made = spoken(trimmed(say(voice, text, 160, 50)))
    assert hear(pcm(np.zeros(4_000), made, np.zeros(16_000))).verdict == verdict


def test_speech_has_its_begin_and_end() -> None:
    voice = clip("office").samples
    events = hear(pcm(np.zeros(8_000), voice, np.zeros(8_000))).events
    assert [one.type for one in events] == ["speech"] * len(events)
    assert events[0].at_s == pytest.approx(1.0, abs=0.06)
    assert events[-1].until_s == pytest.approx(1.0 + len(voice) / 8_000, abs=0.15)


def test_keys_have_their_begin_and_end_and_are_no_speech() -> None:
    parts = [np.zeros(4_000)]
    for key, length in (("5", 800), ("5", 1_600), ("#", 400), ("9", 4_000)):
        parts += [np.frombuffer(tone(key, length), "<i2") / 32_768, np.zeros(800)]
    found = hear(pcm(*parts))
    assert [(one.type, one.value) for one in found.events] == [
        ("dtmf", "5"), ("dtmf", "5"), ("dtmf", "#"), ("dtmf", "9"),
    ]  # fmt: skip
    begins = itertools.accumulate((800, 1_600, 400), lambda at, one: at + one + 800, initial=4_000)
    for event, begin, length in zip(found.events, begins, (800, 1_600, 400, 4_000), strict=True):
        assert event.at_s == pytest.approx(begin / 8_000, abs=0.01)
        assert event.until_s == pytest.approx((begin + length) / 8_000, abs=0.03)


@pytest.mark.parametrize(("keys", "pause"), [("5", 800), ("58*02", 6_400), ("1", 12_000)])
def test_who_presses_keys_and_says_nothing_is_unknown(keys: str, pause: int) -> None:
    pressed = [(np.frombuffer(tone(key, 800), "<i2") / 32_768, np.zeros(pause)) for key in keys]
    found = hear(pcm(np.zeros(4_000), *itertools.chain.from_iterable(pressed)))
    assert [one.value for one in found.events if one.type == "dtmf"] == list(keys)
    assert (found.verdict, found.confidence, found.reason) == ("unknown", 0.0, "tone")


@pytest.mark.parametrize("first", ["key", "word"])
def test_who_says_a_word_beside_a_key_is_a_person(first: str) -> None:
    key, word = np.frombuffer(tone("5", 800), "<i2") / 32_768, clip("word").samples
    both = [key, np.zeros(2_000), word] if first == "key" else [word, np.zeros(800), key]
    found = hear(pcm(np.zeros(4_000), *both, np.zeros(16_000)))
    assert [one.value for one in found.events if one.type == "dtmf"] == ["5"]
    assert (found.verdict, found.reason) == ("human", "model")


def talk_with_keys() -> np.ndarray:
    keys = [np.frombuffer(tone(key, 900), "<i2") / 32_768 for key in "19#"]
    voice = clip("machine").samples
    return pcm(*itertools.chain.from_iterable((voice, key, np.zeros(700)) for key in keys))


@pytest.mark.parametrize("size", [1, 159, 1_001, 100_000])
def test_what_comes_in_pieces_is_heard_as_a_whole_and_not_kept(size: int) -> None:
    whole = talk_with_keys()[: 20_003 if size == 1 else None]
    alive: list[weakref.ref[np.ndarray]] = []

    def pieces() -> Iterator[np.ndarray]:
        for at in range(0, len(whole), size):
            piece = whole[at : at + size].copy()
            alive.append(weakref.ref(piece))
            yield piece
            del piece
            alive[:] = [one for one in alive if one() is not None]
            assert len(alive) <= 1

    for early_media in (False, True):
        heard = hear(pieces(), early_media=early_media)
        assert heard == hear(whole, early_media=early_media)
        assert len(heard.events) > (1 if size == 1 else 4)


def test_pieces_longer_than_what_is_heard_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = talk_with_keys()
    right = hear(whole)
    monkeypatch.setattr("dialerd.detect.audio.PIECE", 1_234)
    assert hear(whole) == right


def test_more_events_than_there_is_room_for_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = talk_with_keys()
    right = hear(whole)
    monkeypatch.setattr("dialerd.detect.audio.EVENTS_MAX", 2)
    found = hear(whole)
    assert len(found.events) == 2
    assert found.events[0] == right.events[0]
    assert found.left_out == len(right.events) - 2
    assert (found.verdict, right.left_out) == (right.verdict, 0)


def test_early_media_has_events_and_no_verdict() -> None:
    case = behind(clip("machine"), Condition(), np.random.default_rng(1))
    found = hear(case.samples, early_media=True)
    assert (found.verdict, found.verdict_at_s, found.reason) == (None, None, "early media")
    assert found.events


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 4_001])
def test_nothing_gives_no_verdict(samples: int) -> None:
    found = hear(np.zeros(samples, np.int16))
    assert found == Findings(
        "unknown", found.verdict_at_s, 0.0,
        "no audio" if samples < 160 else "silence", round(samples / 8_000, 3), [],
    )  # fmt: skip


@pytest.mark.parametrize("name", ["clipped", "biased", "begins in a word"])
def test_damaged_words_are_still_people(name: str) -> None:
    plain = behind(clip("word"), Condition(), np.random.default_rng(1)).samples.astype(int)
    changed = {
        "clipped": plain * 40, "biased": plain + 8_000, "begins in a word": plain[3_800:],
    }[name]  # fmt: skip
    assert hear(np.clip(changed, -32_768, 32_767).astype(np.int16)).verdict == "human"


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("busy 425", "tone", "busy"), ("ring us", "tone", "ringback"),
        ("sit vacant", "sit", "vacant"),
        ("beep 1000", "beep", "beep"), ("fax ced", "fax", "ced"),
    ],
)  # fmt: skip
def test_tones_are_told_and_are_no_voice(name: str, kind: str, value: str) -> None:
    samples = tone_audio.made(tone_audio.PLAN[name][2], tone_audio.Line(), np.random.default_rng(1))
    (one,) = hear(samples, early_media=True).events
    assert (one.type, one.value) == (kind, value)
    assert one.at_s == pytest.approx(0.7, abs=0.02)
    assert one.confidence > 0.8


def test_the_verdict_on_a_recording_is_the_second_where_there_are_two() -> None:
    words = [one for one in recorded("held out") if one.kind == "word" and len(one.samples) > 4_000]
    gap = np.zeros(2_000)
    rest = [part for word in words[1:10] for part in (word.samples, gap)]
    samples = pcm(words[0].samples, np.zeros(5_000), *rest)
    found = hear(samples)
    assert (found.verdict, found.reason) == ("machine", "revised")
    assert found.first_verdict == "human"
    assert found.first_verdict_at_s is not None
    assert found.verdict_at_s is not None
    assert 0.4 < found.first_verdict_at_s < 1.6 < 3.0 <= found.verdict_at_s <= 7.0
    plain = hear(pcm(words[0].samples, np.zeros(5_000)))
    assert (plain.first_verdict, plain.first_verdict_at_s) == (None, None)
    assert plain.verdict_at_s == found.first_verdict_at_s
