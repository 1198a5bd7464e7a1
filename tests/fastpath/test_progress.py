"""One side of a call in one pass says what its detectors say of the same audio, each by itself."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
import pytest

from bench.answer_audio import recorded
from bench.tone_audio import PLAN, made
from bench.tone_audio import Line as Clean
from dialerd.detect.model import load_model
from dialerd.detect.tone_events import tone_events
from dialerd.detect.tone_plan import load_book
from fastpath.amd import AnswerDetector
from fastpath.amd_classic import ClassicDetector
from fastpath.dtmf import DtmfDetector
from fastpath.prints_bank import PrintBank
from fastpath.prints_code import fingerprint
from fastpath.progress import QUIET_MS_MAX, Attention, CallProgress, Heard
from tests.fastpath.dtmf_tape import Samples, line, press, silence

SECOND = 8_000


@lru_cache(maxsize=1)
def voices() -> tuple[Samples, ...]:
    """Words, greetings and machines with silence around them, as a line brings them."""
    clips = itertools.islice(recorded("held out"), 0, 600, 15)
    calm = np.random.default_rng(1)
    return tuple(
        line(
            np.concatenate([np.zeros(3000), clip.samples * 32767, np.zeros(12_000)])
            + calm.normal(0, 8, len(clip.samples) + 15_000)
        )
        for clip in clips
    )


def chunks(samples: Samples, rng: np.random.Generator) -> list[Samples]:
    cuts = np.cumsum(rng.choice([1, 80, 159, 160, 161, 240, 700], len(samples)))
    return [one for one in np.split(samples, cuts[cuts < len(samples)]) if len(one)]


def heard(progress: CallProgress, parts: list[Samples]) -> list[Heard]:
    return [one for part in parts for one in progress.hear(part)]


@pytest.mark.parametrize("cut", [0, 1])
def test_the_verdict_is_the_detectors_however_the_audio_is_cut(cut: int) -> None:
    attention, rng = Attention(load_model()), np.random.default_rng(7)
    answers = set()
    for samples in voices():
        progress, alone = CallProgress(attention), AnswerDetector(load_model())
        whole = samples[: len(samples) // 160 * 160]
        events = heard(progress, chunks(whole, rng) if cut else [whole])
        right = alone.hear(whole)
        if right is None:
            right, events = alone.end(), events + progress.end()
        (told,) = [one for one in events if one.kind == "answer"]
        assert (told.value, told.until_ms, told.why) == (right.answer, right.at_ms, right.reason)
        assert told.confidence == pytest.approx(right.confidence, abs=1e-6)
        assert progress.verdict() == (*right[:3], told.confidence, right.reason)
        answers.add(right.answer)
    assert answers >= {"human", "machine"}


def test_the_classic_rule_with_its_parameters() -> None:
    for parameters in ({}, {"greeting": 700, "maximum_number_of_words": 1}):
        attention = Attention(parameters)
        for samples in voices()[::4]:
            progress, alone = CallProgress(attention), ClassicDetector(**parameters)
            events = heard(progress, [samples])
            right = alone.hear(samples)
            if right is None:
                right, events = alone.end(), events + progress.end()
            told = next(one for one in events if one.kind == "answer")
            assert (told.value, told.why) == (right.answer, right.reason)


def test_what_the_classic_rule_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="there are initial_silence"):
        Attention({"loudness": 3})
    for name, value in (("greeting", -1), ("greeting", 600_001)):
        with pytest.raises(ValueError, match="0 to 600000"):
            Attention({name: value})
    for value in (-1, QUIET_MS_MAX + 1):
        with pytest.raises(ValueError, match="quiet_ms"):
            Attention(quiet_ms=value)


def test_keys_are_heard_beside_the_verdict() -> None:
    rng = np.random.default_rng(3)
    for samples in voices()[:6]:
        parts = [samples, line(np.concatenate([press("4", 80), silence(90), press("#", 80)]))]
        parts.append(line(silence(80)))
        whole = np.concatenate(parts)
        detector = DtmfDetector()
        alone = [
            (key, at // 8, end // 8)
            for (key, at), end in zip(detector.hear(whole), detector.ends, strict=True)
        ]
        events = heard(CallProgress(Attention(load_model())), chunks(whole, rng))
        keys = [(one.value, one.at_ms, one.until_ms) for one in events if one.kind == "dtmf"]
        assert keys == alone
        assert [key for key, *_ in alone] == ["4", "#"]


@pytest.mark.parametrize("how", ["lost", "unsent", "over"])
def test_a_key_is_up_when_nothing_more_comes_of_it(how: str) -> None:
    progress = CallProgress(Attention(), answered=False)
    assert progress.hear(line(np.concatenate([silence(50), press("7", 200)]))) == []
    events = {
        "lost": lambda: progress.gap(SECOND),
        "unsent": lambda: progress.silence(SECOND),
        "over": progress.end,
    }[how]()
    (key,) = events
    assert (key.kind, key.value) == ("dtmf", "7")
    assert abs(key.at_ms - 50) <= 5
    assert abs(key.until_ms - 250) <= 5
    assert progress.end() == []


def test_early_media_has_no_verdict_and_the_answer_begins_anew() -> None:
    samples = next(one for one in voices() if len(one) > 5 * SECOND)
    progress = CallProgress(Attention(load_model()), answered=False, keys=False)
    before = line(np.random.default_rng(5).normal(0, 3000, 4 * SECOND))  # loud, and not of the call
    assert progress.hear(before) == []
    assert not progress.verdict()
    progress.answered()
    (told,) = [one for one in progress.hear(samples) if one.kind == "answer"]
    right = AnswerDetector(load_model()).hear(samples)
    assert right is not None
    assert (told.value, told.until_ms) == (right.answer, right.at_ms + 4_000)


def test_nobody_says_a_word() -> None:
    progress = CallProgress(Attention(load_model()), keys=False)
    events = progress.silence(20 * SECOND)
    assert [(one.value, one.until_ms, one.why) for one in events] == [("unknown", 8_000, "silence")]
    assert progress.done, "and nothing more is asked"


@pytest.mark.parametrize("rule", [None, {}])
def test_a_machines_silence_is_told_once_behind_its_verdict(rule: dict[str, int] | None) -> None:
    model = load_model() if rule is None else rule
    attention, told = Attention(model, quiet_ms=1_500), 0
    for samples in voices():
        progress = CallProgress(attention, keys=False)
        events = heard(progress, [samples, *[np.zeros(SECOND, np.int16)] * 8])
        quiet = [one for one in events if one.kind == "silence"]
        if events[0].value == "human":
            assert not quiet
            continue
        assert len(quiet) <= 1
        for one in quiet:
            told += 1
            assert one.until_ms - one.at_ms >= 1_500
            assert one.until_ms >= events[0].until_ms
            assert progress.done
    assert told >= 5


def test_lost_frames_are_gaps() -> None:
    """The verdict is that of a detector that is told of them."""
    rng = np.random.default_rng(11)
    for samples in voices()[::3]:
        progress, alone = CallProgress(Attention(load_model())), AnswerDetector(load_model())
        right, events = None, []
        for at in range(0, len(samples) - 159, 160):
            if rng.random() < 0.1:
                events += progress.gap(160)
                right = right or alone.gap(1)
            else:
                events += progress.hear(samples[at : at + 160])
                right = right or alone.hear(samples[at : at + 160])
        if right is None:
            right, events = alone.end(), events + progress.end()
        assert [(one.value, one.until_ms) for one in events] == [(right.answer, right.at_ms)]


@pytest.mark.parametrize("seed", range(3))
def test_anything_may_come(seed: int) -> None:
    """Noise, clicks, gaps and silences in any order: at most one verdict, and then none."""
    rng = np.random.default_rng(seed)
    progress = CallProgress(Attention(load_model(), quiet_ms=500))
    events: list[Heard] = []
    for _ in range(400):
        what, size = rng.integers(4), int(rng.integers(0, 900))
        if what == 0:
            events += progress.gap(size)
        elif what == 1:
            events += progress.silence(size)
        else:
            loud = float(rng.choice([1, 300, 40_000]))
            noise = np.clip(rng.normal(0, loud, size), -32768, 32767)
            events += progress.hear(noise.astype(np.int16))
    events += progress.end()
    assert sum(one.kind == "answer" for one in events) == 1
    assert progress.end() == []
    for samples in (-1, -160):
        with pytest.raises(ValueError, match="samples"):
            progress.gap(samples)


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("name", list(PLAN))
def test_tones_are_those_of_their_detector(name: str, answered: bool) -> None:
    """However the audio is cut, before the answer and after it."""
    samples = made(PLAN[name][2], Clean(), np.random.default_rng(3))
    book, rng = load_book(), np.random.default_rng(5)
    progress = CallProgress(Attention(book=book), answered=answered, keys=False)
    whole = samples[: len(samples) // 160 * 160]
    events = heard(progress, chunks(whole, rng)) + progress.end()
    alone = [one for one in tone_events(whole, book) if one.type not in ("speech", "silence")]
    assert len(events) == len(alone) >= 1
    for one, other in zip(events, alone, strict=True):
        assert abs(one.at_ms - other.at_s * 1000) <= 1
        assert abs(one.until_ms - other.until_s * 1000) <= 1
    said = [one.value for one in alone if one.type != "beep"]
    assert [one.value for one in events if one.kind != "beep"] == said


def test_tones_after_the_answer_have_a_limit() -> None:
    busy = made(PLAN["busy 425"][2], Clean(), np.random.default_rng(3))
    progress = CallProgress(Attention(book=load_book(), tones_ms=500), keys=False)
    assert not progress.done
    progress.silence(SECOND)
    assert progress.done
    assert heard(progress, [busy]) == []


def test_an_announcement_is_told_before_the_answer_only() -> None:
    """The bank's own recording, as a line brings it."""
    clip = next(one for one in recorded("held out") if len(one.samples) > 6 * SECOND)
    row = np.rint(clip.samples * 32767).astype(np.int16)
    codes, _, _ = fingerprint(row)
    bank = PrintBank([(codes, bytes(len(codes) // 2), 0)])
    attention = Attention(bank=bank, labels=("switched_off:x:y",))
    sent = line(np.concatenate([np.zeros(SECOND), clip.samples * 20_000]))
    progress = CallProgress(attention, answered=False, keys=False)
    (told,) = heard(progress, [sent])
    assert (told.kind, told.value) == ("announcement", "switched_off:x:y")
    assert told.confidence > 0.5
    assert told.until_ms <= 6_000
    progress.answered()
    assert progress.done
    assert heard(progress, [sent]) == []
    with pytest.raises(ValueError, match="0 labels for 1"):
        Attention(bank=bank)


@pytest.mark.parametrize(("bursts", "kind"), [(1, "beep"), (2, "fax")])
def test_one_burst_of_1100_hertz_is_a_beep_and_two_are_a_fax(bursts: int, kind: str) -> None:
    """Answering machines beep there, too: T.30 repeats it behind 3 s of silence."""
    at = 2 * np.pi * 1_100 * np.arange(SECOND // 2) / SECOND
    burst = np.concatenate([4_000 * np.sin(at), np.zeros(3 * SECOND)])
    row = np.concatenate([np.zeros(SECOND), *[burst] * bursts, np.zeros(SECOND)]).astype(np.int16)
    progress = CallProgress(Attention(book=load_book("all")))
    assert [one.kind for one in progress.hear(row) + progress.end()] == [kind]


@lru_cache(maxsize=1)
def talks_on() -> Samples:
    """A word, a pause that is long enough for a person, and much more of the same voice."""
    words = [one for one in recorded("held out") if one.kind == "word" and len(one.samples) > 4_000]
    said = [np.zeros(1_600), words[0].samples, np.zeros(5_000)]
    for word in words[1:10]:
        said += [word.samples, np.zeros(2_000)]
    return line(np.concatenate([*said, np.zeros(24_000)]) * 32_767)


def test_a_second_verdict_takes_the_first_back() -> None:
    """The greeting's end is looked for then, as behind any machine."""
    progress = CallProgress(Attention(load_model(), revise_ms=7_000, quiet_ms=1_000), keys=False)
    events = progress.hear(talks_on())
    told = [(one.kind, one.value, one.why) for one in events]
    assert told == [("answer", "human", "model"), ("answer", "machine", "revised"),
                    ("silence", "", "")]  # fmt: skip
    first, second, quiet = events
    assert first.until_ms < second.until_ms < quiet.until_ms
    assert progress.first_verdict() == (
        "human", first.until_ms, first.at_ms, first.confidence, "model",
    )  # fmt: skip
    found = progress.verdict()
    assert found is not None
    assert (found.answer, found.at_ms, found.reason) == ("machine", second.until_ms, "revised")
    assert progress.done


@pytest.mark.parametrize("how", ["not asked", "too late", "settled", "classic"])
def test_there_is_no_second_verdict(how: str) -> None:
    revise_ms = {"not asked": 0, "too late": 2_000}.get(how, 7_000)
    model = {"after_greeting_silence": 400} if how == "classic" else load_model()
    progress = CallProgress(Attention(model, revise_ms=revise_ms), keys=False)
    events: list[Heard] = []
    for part in np.split(talks_on(), range(160, len(talks_on()), 160)):
        events += progress.hear(part)
        if events and how == "settled":
            progress.settle()
    assert [one.value for one in events] == ["human"]
    assert progress.first_verdict() is None
    assert progress.done
    with pytest.raises(ValueError, match="revise_ms"):
        Attention(load_model(), revise_ms=60_001)
