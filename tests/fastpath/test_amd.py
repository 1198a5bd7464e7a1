"""Who answered: the features against a plain twin, verdicts over recorded voices, and bad input."""

from __future__ import annotations

import itertools
from collections import Counter
from functools import lru_cache

import numpy as np
import pytest

from bench import answer_noises, answers
from bench.answer_audio import Clip, recorded, trimmed
from bench.answer_lines import Case, Condition, behind, noise
from dialerd.detect.model import load_model
from fastpath.amd import AnswerDetector, Verdict, features
from fastpath.amd_forest import FEATURE_NAMES, LEAVES, NODES, POLICY_NAMES, Model
from fastpath.vad import VoiceDetector
from tests.reference import amd as slow

POLICY = dict.fromkeys(POLICY_NAMES[5:], 1000) | {
    "human_below": -1.0, "human_below_late": 0.0, "machine_above": 1.0, "voice_above": 0.0,
    "voice_again": 0.0,
}  # fmt: skip


@lru_cache(maxsize=1)
def prompts() -> tuple[Clip, ...]:
    return tuple(itertools.islice(recorded("held out"), 0, 500, 9))


def heard(samples: np.ndarray) -> Verdict:
    detector = AnswerDetector(load_model())
    return detector.hear(samples) or detector.end()


@pytest.mark.parametrize("noise", ["", "white", "street", "babble"])
def test_the_features_are_those_of_the_plain_one(noise: str) -> None:
    for number, clip in enumerate(prompts()[::5]):
        condition = Condition(noise=noise, snr_db=14, lead_s=0.2 * (number % 3))
        case = behind(clip, condition, np.random.default_rng(number), prompts())
        fast = features(case.samples)
        twin = slow.looks(VoiceDetector().hear(case.samples))
        assert [at for at, _ in fast] == [at for at, _ in twin], clip.name
        for (at, values), (_, known) in zip(fast, twin, strict=True):
            mine = dict(zip(FEATURE_NAMES, values, strict=True))
            for name, value in known.items():
                assert mine[name] == pytest.approx(value, abs=1e-4), (clip.name, at, name)


def test_trees_are_walked_from_their_root() -> None:
    rng = np.random.default_rng(3)
    trees = [
        (
            [
                (FEATURE_NAMES[int(rng.integers(len(FEATURE_NAMES)))], float(rng.normal()))
                for _ in range(NODES)
            ],
            rng.normal(size=LEAVES).tolist(),
        )
        for _ in range(7)
    ]
    model = Model(trees, 0.25, POLICY)
    for _ in range(200):
        x = rng.normal(size=len(FEATURE_NAMES)).tolist()
        odds = 0.25
        for questions, leaves in trees:
            at = 0
            while at < NODES:
                name, above = questions[at]
                at = 2 * at + 1 + (x[FEATURE_NAMES.index(name)] > above)
            odds += leaves[at - NODES]
        assert model.odds(x) == pytest.approx(odds, abs=1e-12)


@pytest.mark.parametrize(
    ("trees", "policy", "text"),
    [
        ([], POLICY, "0 trees"),
        ([([("silence", 1.0)] * NODES, [0.0] * LEAVES)] * 129, POLICY, "129 trees"),
        ([([("silence", 1.0)] * 3, [0.0] * LEAVES)], POLICY, "15 questions"),
        ([([("what", 1.0)] * NODES, [0.0] * LEAVES)], POLICY, "not in"),
        ([([("span", 1.0)] * NODES, [0.0] * LEAVES)], POLICY | {"word_ms": -1}, "word_ms"),
        ([([("span", 1.0)] * NODES, [0.0] * LEAVES)], POLICY | {"x": 1}, "unknown or missing"),
        ([([("span", 1.0)] * NODES, [0.0] * LEAVES)], POLICY | {"human_below": 2}, "must hold"),
    ],
)
def test_a_model_that_is_none_is_refused(trees: list, policy: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Model(trees, 0.0, policy)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(0, np.int16), "no audio"),
        (np.ones(1, np.int16), "no audio"),
        (np.zeros(16_000, np.int16), "silence"),
        (np.zeros(100_000, np.int16), "silence"),
        (np.full(100_000, 12_000, np.int16), "silence"),
        (np.random.default_rng(1).integers(-60, 60, 80_000).astype(np.int16), "silence"),
        (np.random.default_rng(1).integers(-900, 900, 80_000).astype(np.int16), "no voice"),
        (np.random.default_rng(1).integers(-30_000, 30_000, 40_000).astype(np.int16), "no voice"),
        ((9_800 * np.sin(np.pi / 8_000 * np.arange(80_000))).astype(np.int16), "silence"),
        ((6_000 * np.sin(0.334 * np.arange(80_000))).astype(np.int16), "tone"),
    ],
    ids=[
        "empty",
        "one sample",
        "silent",
        "long silent",
        "direct current",
        "line noise",
        "noise",
        "loud noise that ends early",
        "drift",
        "tone",
    ],
)
def test_nothing_is_said_without_evidence(samples: np.ndarray, reason: str) -> None:
    verdict = heard(samples)
    assert (verdict.answer, verdict.reason, verdict.confidence) == ("unknown", reason, 0.0)
    assert verdict.at_ms <= 8_000


def test_a_verdict_comes_once_and_with_the_deciding_frame() -> None:
    clip = next(clip for clip in prompts() if clip.kind == "word")
    case = behind(clip, Condition(), np.random.default_rng(1))
    detector, found = AnswerDetector(load_model()), None
    for at in range(0, len(case.samples) - 159, 160):
        found = detector.hear(case.samples[at : at + 160])
        if found is not None:
            break
    assert found == heard(case.samples)
    assert found is not None
    assert found.at_ms == at // 8 + 20
    assert detector.hear(case.samples) == found == detector.end()


def test_what_never_arrived_is_silence() -> None:
    clip = next(clip for clip in prompts() if clip.kind == "word")
    word = behind(clip, Condition(), np.random.default_rng(1)).samples[: len(clip.samples) + 3_200]
    detector = AnswerDetector(load_model())
    assert detector.hear(word) is None
    found = detector.gap(100)
    assert found is not None
    assert found.answer == "human"
    assert AnswerDetector(load_model()).gap(1_000) == ("unknown", 8_000, None, 0.0, "silence")
    with pytest.raises(ValueError, match="-1"):
        detector.gap(-1)


def test_lost_packets_inside_a_word_leave_it_a_word() -> None:
    clip = next(clip for clip in prompts() if clip.kind == "word")
    samples = behind(clip, Condition(), np.random.default_rng(1)).samples
    detector = AnswerDetector(load_model())
    for number, at in enumerate(range(0, len(samples) - 159, 160)):
        if number % 10 == 7:
            detector.gap(1)
        else:
            detector.hear(samples[at : at + 160])
    assert detector.end().answer == "human"


def test_a_voice_that_was_cut_off_is_no_verdict() -> None:
    clip = next(clip for clip in prompts() if clip.kind == "machine")
    assert heard((clip.samples[:4_000] * 32_768).astype(np.int16)).answer == "unknown"


def test_clipped_biased_and_quiet_words_are_people() -> None:
    found = Counter()
    for number, clip in enumerate(clip for clip in prompts() if clip.kind == "word"):
        plain = behind(clip, Condition(), np.random.default_rng(number)).samples.astype(int)
        for changed in (plain * 30, plain + 3_000, plain // 10):
            found[heard(np.clip(changed, -32_768, 32_767).astype(np.int16)).answer] += 1
    assert found["human"] >= 0.97 * found.total()
    assert found["machine"] <= 0.01 * found.total()


@lru_cache(maxsize=1)
def held_out() -> list[Case]:
    return answers.held_out(7, every=8, voices=1)


def share(kind: str, answer: str, rule: str = "dialerd") -> float:
    rows = [row for row in answers.judge(rule, held_out()) if row.kind == kind]
    return sum(row.said[answer] for row in rows) / sum(row.cases for row in rows)


def test_held_out_voices_are_told_apart() -> None:
    """A part of `python -m bench.answers`, whose whole figures stand in bench/README.md."""
    assert share("word", "human") >= 0.97
    assert share("word", "machine") <= 0.01
    assert share("office", "human") >= 0.93
    assert share("machine", "machine") >= 0.87
    assert share("word", "human", "Asterisk AMD()") < 0.8  # noise above its threshold


def test_words_are_decided_in_time() -> None:
    rows = [r for r in answers.judge("dialerd", held_out()) if r.kind == "word"]
    recorded = next(row for row in rows if row.who == "recorded")
    assert recorded.after_first[0] <= 0.92
    assert recorded.after_first[1] <= 1.35


@pytest.mark.parametrize("noise", ["brown", "street"])
def test_rumble_and_traffic_do_not_lengthen_a_word(noise: str) -> None:
    """What was said ends where it ends: the verdict is as soon as on a clean line, or nearly."""
    found = []
    for number, clip in enumerate(clip for clip in prompts() if clip.kind == "word"):
        condition = Condition(noise=noise, snr_db=15)
        case = behind(clip, condition, np.random.default_rng(number), prompts())
        verdict = heard(case.samples)
        if verdict.answer == "human":
            found.append(verdict.at_ms / 1000 - case.first_s)
    assert len(found) >= 20
    assert np.percentile(found, 90) <= 1.4


def test_a_word_and_long_silence_is_a_person() -> None:
    """However doubtful the word: who says no more for two seconds waits for us."""
    words = [clip for clip in prompts() if clip.kind == "word"]
    for number, clip in enumerate(words):
        samples = behind(clip, Condition(), np.random.default_rng(number)).samples
        verdict = heard(samples)
        assert verdict.answer == "human", clip.name
        assert verdict.at_ms <= 400 + 20 * (len(clip.samples) // 160) + 2_000, clip.name


def test_trimming_keeps_the_voice() -> None:
    assert len(trimmed(np.hstack([np.zeros(800), np.ones(800), np.zeros(800)]))) == 800


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
def test_noise_alone_is_nobody(kind: str) -> None:
    """What does not move has not spoken; the word behind it is heard."""
    word = next(one for one in prompts() if one.kind == "word" and len(one.samples) > 3_000)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        audio = noise(kind, 80_000, rng, ()) * 10 ** (rng.uniform(-60, -33) / 20)
        samples = np.rint(np.clip(audio, -1, 1) * 32_767).astype(np.int16)
        found = heard(samples)
        assert found.answer == "unknown", (seed, found)
        said = audio[:40_000].copy()
        said[24_000 : 24_000 + len(word.samples)] += word.samples[:16_000]
        found = heard(np.rint(np.clip(said, -1, 1) * 32_767).astype(np.int16))
        assert found.answer == "human", (seed, found)
        assert found.at_ms > 3_000, "not before the word"


def going_on(*parts: float) -> np.ndarray:
    """Words of one voice, with so many seconds of silence behind each."""
    words = [
        clip.samples for clip in prompts() if clip.kind == "word" and len(clip.samples) > 4_000
    ]
    said = [np.zeros(1_600)]
    for number, silence in enumerate(parts):
        said += [words[number % len(words)], np.zeros(round(silence * 8_000))]
    return np.rint(np.hstack(said) * 32_767).astype(np.int16)


def test_a_person_who_talks_on_without_waiting_is_a_machine_after_all() -> None:
    audio = going_on(0.6, *[0.3] * 9)
    detector = AnswerDetector(load_model(), revise_ms=7_000)
    found = detector.hear(audio)
    assert found is not None
    assert (found.answer, found.reason) == ("machine", "revised")
    first = detector.first_verdict()
    assert first == heard(audio)
    assert first is not None
    assert first.answer == "human"
    assert 3_000 <= found.at_ms <= 7_200
    assert found.at_ms > first.at_ms
    assert detector.hear(audio) == found == detector.end(), "there is no third"


def test_a_person_who_waits_for_us_stays_one() -> None:
    audio = going_on(1.6, 1.6, 1.6)
    detector = AnswerDetector(load_model(), revise_ms=7_000)
    found = detector.hear(audio)
    assert found == heard(audio) == detector.end()
    assert found is not None
    assert found.answer == "human"
    assert detector.first_verdict() is None


def test_behind_the_time_that_was_asked_for_nothing_is_heard() -> None:
    audio = going_on(0.6, *[0.3] * 9)
    for asked in (0, 2_000):
        detector = AnswerDetector(load_model(), revise_ms=asked)
        assert detector.hear(audio) == heard(audio)
        assert detector.gap(500) == heard(audio)
    with pytest.raises(ValueError, match="revise_ms"):
        AnswerDetector(load_model(), revise_ms=-1)


def test_who_has_no_voice_is_nobody() -> None:
    """The trees of a voice say no: no person."""
    person = ([("silence", 1e9)] * NODES, [-2.0] * LEAVES)
    policy = POLICY | dict.fromkeys(POLICY_NAMES[5:], 200) | {"analysis_ms": 4_000}
    word = behind(next(one for one in prompts() if one.kind == "word"), Condition(),
                  np.random.default_rng(1)).samples  # fmt: skip
    for odds, answer, reason in ((1.0, "human", "model"), (-1.0, "unknown", "no voice")):
        voice = [([("silence", 1e9)] * NODES, [odds] * LEAVES)]
        model = Model([person], 0.0, policy | {"initial_silence_ms": 3_000}, voice=voice)
        found = AnswerDetector(model)
        verdict = found.hear(word) or found.end()
        assert (verdict.answer, verdict.reason) == (answer, reason)
    with pytest.raises(ValueError, match="129 trees"):
        Model([person], 0.0, policy, voice=[person] * 129)


def test_what_talks_on_without_a_voice_is_no_machine() -> None:
    """It is unknown at once, for one that waits for a voice would hear a person in a pause."""
    machine = ([("silence", 1e9)] * NODES, [2.0] * LEAVES)
    policy = POLICY | dict.fromkeys(POLICY_NAMES[5:], 200) | {"analysis_ms": 4_000}
    said = next(one for one in prompts() if one.kind == "machine")
    samples = behind(said, Condition(), np.random.default_rng(1)).samples
    found = []
    for odds in (1.0, -1.0):
        voice = [([("silence", 1e9)] * NODES, [odds] * LEAVES)]
        model = Model([machine], 0.0, policy | {"initial_silence_ms": 3_000}, voice=voice)
        detector = AnswerDetector(model)
        found.append(detector.hear(samples) or detector.end())
    assert [one.answer for one in found] == ["machine", "unknown"]
    assert [one.reason for one in found] == ["model", "no voice"]
    assert found[0].at_ms == found[1].at_ms


def by_span(
    longer_ms: float, longer: float, shorter: float
) -> tuple[list[tuple[str, float]], list[float]]:
    """A tree that asks one thing: how long it lasts, from the first sound to the last."""
    ask = [("span", longer_ms), *[("silence", 1e9)] * (NODES - 1)]
    return ask, [shorter] * (LEAVES // 2) + [longer] * (LEAVES // 2)


@pytest.mark.parametrize(("again", "reason"), [(0.0, "model"), (1.0, "no voice")])
def test_behind_what_nobody_said_a_voice_has_to_be_more_like_one(again: float, reason: str) -> None:
    """A short sound is none here, and a long one would be, but for the one before it."""
    person = ([("silence", 1e9)] * NODES, [-2.0] * LEAVES)
    policy = POLICY | {"analysis_ms": 6_000, "initial_silence_ms": 6_000, "voice_again": again}
    model = Model([person], 0.0, policy, voice=[by_span(400, 0.5, -0.5)])
    long = next(one.samples for one in prompts() if 5_600 < len(one.samples) < 7_900)
    gap = np.zeros(9_600)
    said = np.hstack([gap, long[:2_000], gap, long, np.zeros(40_000)])
    detector = AnswerDetector(model)
    samples = np.rint(said * 32_767).astype(np.int16)
    assert (detector.hear(samples) or detector.end()).reason == reason


@pytest.mark.parametrize(("later", "answer"), [(1.0, "machine"), (-1.0, "human")])
def test_who_is_no_voice_later_stays_a_person(later: float, answer: str) -> None:
    """Behind a word there is a noise that goes on as machines do."""
    person = ([("silence", 1e9)] * NODES, [-2.0] * LEAVES)
    policy = POLICY | {
        "human_after_ms": 200, "silence_min_ms": 240, "revise_span_ms": 3_000,
    }  # fmt: skip
    model = Model([person], 0.0, policy, voice=[by_span(2_000, later, 1.0)])
    detector = AnswerDetector(model, revise_ms=7_000)
    found = detector.hear(going_on(0.6, *[0.3] * 9))
    assert found is not None
    assert found.answer == answer


def test_what_nobody_says_is_no_person() -> None:
    """A part of `python -m bench.answers`; generators with other seeds than those of training."""
    people = Counter()
    for clip in answer_noises.noises("held out", 5, list(prompts())):
        case = behind(clip, Condition(level_db=-6), np.random.default_rng(3), prompts())
        people[heard(case.samples).answer] += 1
    assert people.total() == 60
    assert people["human"] <= 8, people  # typing and knocks above all
    assert people["machine"] <= 6, people


def test_the_word_behind_a_knock_is_what_is_judged() -> None:
    """Nothing is said of the knock; the verdict comes behind the word."""
    word = next(one for one in prompts() if one.kind == "word" and len(one.samples) > 3_000)
    late = 0
    for seed in range(20):
        audio = answer_noises.clicks(np.random.default_rng((7, seed)))[:16_000] * 0.05
        said = np.hstack([audio, np.zeros(4_000), word.samples, np.zeros(16_000)])
        found = heard(np.rint(np.clip(said, -1, 1) * 32_767).astype(np.int16))
        late += found.answer == "human" and found.at_ms > 2_500
    assert late >= 17
