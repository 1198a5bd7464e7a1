"""Announcements by their fingerprints: the prints, the matcher against its twin, and its rules."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.answer_audio import recorded, say, spoken, trimmed
from bench.answer_lines import Samples, noise, through
from fastpath.prints import PrintMatcher
from fastpath.prints_bank import PRINTS_MAX, REFS_MAX, SHARED, SILENT, PrintBank, common
from fastpath.prints_code import BITS, HOP, KEPT, WINDOW, bands, fingerprint
from tests.reference import prints as twin

TEXTS = (
    "thuê bao quý khách vừa gọi hiện đang tắt máy, xin quý khách vui lòng gọi lại sau",
    "số máy quý khách vừa gọi không đúng, xin quý khách vui lòng kiểm tra lại số máy",
    "the number you have dialed is not in service, please check the number and dial again",
)


def pcm(samples: NDArray[np.float64]) -> Samples:
    return np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype(np.int16)


@lru_cache
def announcements() -> tuple[Samples, ...]:
    return tuple(pcm(spoken(trimmed(say("vi+f2", text, 150, 50)))) for text in TEXTS)


def entry(samples: Samples, kind: int) -> tuple[bytes, bytes, int]:
    codes, _, powers = fingerprint(samples)
    power = np.frombuffer(powers, np.float32)
    return codes, (power < power.max() * 1e-3).astype(np.uint8).tobytes(), kind


def bank() -> PrintBank:
    return PrintBank([entry(one, number) for number, one in enumerate(announcements())])


def line(samples: Samples, codec: str = "ulaw", snr_db: float | None = None) -> Samples:
    wave = samples / 32_768
    if snr_db is not None:
        hiss = noise("white", len(wave), np.random.default_rng(1), ())
        wave = wave + 10 ** ((-26 - snr_db) / 20) * hiss
    return through(codec, np.clip(np.rint(wave * 32_768), -32_768, 32_767))


# --- the prints ---


def test_bands_are_those_of_the_twin() -> None:
    samples = announcements()[0]
    for at in range(0, len(samples) - WINDOW, 1_000):
        mine = np.array(bands(samples[at : at + WINDOW]))
        theirs = twin.bands(samples[at : at + WINDOW])
        assert np.abs(mine - theirs).max() < 1e-4 * theirs.max()


def test_bits_are_the_signs_of_the_changes_and_the_largest_are_kept() -> None:
    samples = line(announcements()[1])
    codes, masks, powers = fingerprint(samples)
    count = (len(samples) - WINDOW) // HOP - 1
    assert (len(codes), len(masks), len(powers)) == (2 * count, 2 * count, 4 * count)
    for number in range(0, count, 7):
        change = twin.changes(samples, number * HOP)
        sure = np.abs(change) > 1e-4 * np.abs(change).max()
        code, mask = (np.frombuffer(row, np.uint16)[number] for row in (codes, masks))
        assert [bool(code >> bit & 1) for bit in range(BITS) if sure[bit]] == list(change[sure] > 0)
        kept = [bit for bit in range(BITS) if mask >> bit & 1]
        assert len(kept) == KEPT
        left = [bit for bit in range(BITS) if bit not in kept]
        assert np.abs(change)[kept].min() >= 0.999 * np.abs(change)[left].max()


def test_a_tone_of_full_scale_has_a_power_of_a_half() -> None:
    tone = pcm(np.sin(2 * np.pi * 1000 * np.arange(4_000) / 8_000))
    assert np.frombuffer(fingerprint(tone)[2], np.float32) == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("count", [0, 1, 1_279, 1_280])
def test_what_is_too_short_has_no_prints(count: int) -> None:
    assert len(fingerprint(np.zeros(count, np.int16))[0]) == (2 if count == 1_280 else 0)


def test_bands_want_a_whole_window() -> None:
    with pytest.raises(ValueError, match="1023 samples"):
        bands(np.zeros(1_023, np.int16))


# --- the matcher and its twin ---


def heard(samples: Samples) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """The prints of a call: every second one of a recording."""
    codes, masks, _ = fingerprint(samples)
    rows = (np.frombuffer(row, np.uint16)[::2].copy() for row in (codes, masks))
    return next(rows), next(rows)


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_the_twin_says_the_same(data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    recordings = []
    for number, size in enumerate(rng.integers(40, 420, int(rng.integers(1, 6)))):
        codes = rng.integers(0, 65_536, size, np.uint16)
        if recordings and rng.random() < 0.5:  # with a phrase of the one before
            part = min(size, len(recordings[-1][1]), int(rng.integers(20, 300)))
            codes[-part:] = np.frombuffer(recordings[-1][0], np.uint16)[-part:]
        flags = rng.choice([0, SILENT, SHARED], size, p=[0.7, 0.1, 0.2]).astype(np.uint8)
        recordings.append((codes.tobytes(), flags.tobytes(), int(number // rng.integers(1, 3))))
    fast, slow = PrintMatcher(PrintBank(recordings)), twin.Matcher(recordings)

    for _ in range(data.draw(st.integers(1, 4))):
        codes = np.frombuffer(recordings[int(rng.integers(len(recordings)))][0], np.uint16)
        codes = codes[int(rng.integers(0, 60)) :: 2].copy()
        wrong = rng.random((len(codes), 16)) < rng.choice([0.0, 0.1, 0.2, 0.28, 0.5])
        codes ^= (wrong * (1 << np.arange(16))).sum(axis=1).astype(np.uint16)
        masks = np.array(
            [sum(1 << b for b in rng.permutation(16)[:KEPT]) for _ in codes], np.uint16
        )
        masks[rng.random(len(masks)) < 0.1] = 0
        mine, theirs = fast.take(codes, masks), slow.take(codes, masks)
        assert [one[:2] + one[3:] for one in mine] == [one[:2] + one[3:] for one in theirs]
        assert [one.ber for one in mine] == pytest.approx([one.ber for one in theirs])


def test_the_twin_says_the_same_of_speech() -> None:
    entries = [entry(one, number) for number, one in enumerate(announcements())]
    fast, slow = PrintMatcher(PrintBank(entries)), twin.Matcher(entries)
    for one in announcements():
        codes, masks = heard(line(one[3_000:], "gsm", 20))
        mine, theirs = fast.take(codes, masks), slow.take(codes, masks)
        assert [a[:2] + a[3:] for a in mine] == [b[:2] + b[3:] for b in theirs]
        assert any(a.sure for a in mine)


# --- the rules ---


@pytest.mark.parametrize(("codec", "snr_db"), [("ulaw", None), ("alaw", 25), ("gsm", 15)])
@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_two_seconds_make_a_candidate_and_four_make_it_sure(
    number: int, codec: str, snr_db: float | None
) -> None:
    found = PrintMatcher(bank()).hear(line(announcements()[number], codec, snr_db)[:32_000])
    candidates = [one for one in found if not one.sure]
    assert candidates[-1].ref == number
    assert all(one.at_ms < 2_600 for one in candidates)
    (sure,) = (one for one in found if one.sure)
    assert sure.ref == number
    assert 3_600 <= sure.at_ms <= 4_000
    assert sure.position_ms == pytest.approx(sure.at_ms, abs=40)
    assert sure.from_ms <= 60
    assert sure.ber < 0.25


def test_a_call_may_begin_in_the_middle_at_any_level() -> None:
    part = line(pcm(announcements()[0][6_001:] / 32_768 * 0.1))
    found = PrintMatcher(bank()).hear(part)
    sure = [one for one in found if one.sure]
    assert [one.ref for one in sure] == [0]
    assert sure[0].position_ms - sure[0].at_ms == pytest.approx(750, abs=40)


def test_silence_and_gaps_before_and_in_it_do_no_harm() -> None:
    matcher = PrintMatcher(bank())
    assert matcher.hear(np.zeros(12_345, np.int16)) == []
    one = line(announcements()[1])
    found = matcher.hear(one[:12_000])
    matcher.gap(160)
    found += matcher.hear(one[12_160:24_000])
    matcher.gap(320)
    found += matcher.hear(one[24_320:])
    assert [match.ref for match in found if match.sure] == [1]
    with pytest.raises(ValueError, match="gap"):
        matcher.gap(-1)


def test_a_short_recording_is_sure_when_it_is_played_again() -> None:
    short = announcements()[0][:22_000]
    matcher = PrintMatcher(PrintBank([entry(short, 0), entry(announcements()[2], 1)]))
    first = matcher.hear(line(np.hstack([short, np.zeros(9_000, np.int16)])))
    assert [(one.ref, one.sure) for one in first] == [(0, False)]
    again = matcher.hear(line(short))
    assert [(one.ref, one.sure) for one in again] == [(0, True)]


def test_once_sure_is_said_once() -> None:
    matcher = PrintMatcher(bank())
    one = line(np.hstack([announcements()[1], np.zeros(8_000, np.int16)]))
    found = [match for _ in range(4) for match in matcher.hear(one)]
    assert [match.ref for match in found if match.sure] == [1]


def test_what_two_kinds_share_is_no_evidence() -> None:
    whole = announcements()[0]
    one, other = entry(whole, 0), entry(np.hstack([whole, announcements()[2]]), 1)
    matcher = PrintMatcher(PrintBank([one, other]))
    assert not any(match.sure for match in matcher.hear(line(whole)))
    assert [m.ref for m in matcher.hear(line(announcements()[2])) if m.sure] == [1]
    flags = np.frombuffer(one[1], np.uint8) | SHARED
    masked = PrintBank([(one[0], flags.tobytes(), 0)])
    assert {match.sure for match in PrintMatcher(masked).hear(line(whole))} == {False}


def test_a_phrase_in_common_is_not_the_announcement() -> None:
    first, second = announcements()[0], announcements()[2]
    matcher = PrintMatcher(PrintBank([entry(first, 0)]))
    stitched = np.hstack([first[:20_000], second])
    assert not any(match.sure for match in matcher.hear(line(stitched)))


def test_other_speech_tones_and_silence_are_nothing() -> None:
    voices = [clip.samples for clip in recorded("held out") if clip.kind == "machine"][::40]
    speech = pcm(np.hstack([voice[:32_000] for voice in voices])[: 8_000 * 120])
    at = np.arange(8_000 * 10) / 8_000
    ringback = pcm(0.1 * np.sin(2 * np.pi * 425 * at) * (at % 5 < 1))
    for samples in (
        speech,
        ringback,
        np.zeros(80_000, np.int16),
        np.full(80_000, 32_767, np.int16),
    ):
        assert PrintMatcher(bank()).hear(line(samples)) == []


def test_pieces_of_any_size_give_the_same() -> None:
    one = line(announcements()[2])
    whole = PrintMatcher(bank()).hear(one[: len(one) // 160 * 160])
    matcher, found, at = PrintMatcher(bank()), [], 0
    while at < len(one) // 160 * 160:
        found += matcher.hear(one[at : at + 160])
        at += 160
    assert found == whole
    sizes = PrintMatcher(bank())
    loose = [m for at in range(0, len(one), 77) for m in sizes.hear(one[at : at + 77])]
    assert [m.ref for m in loose] == [m.ref for m in whole]


def test_limits_and_wrong_recordings_are_refused() -> None:
    with pytest.raises(ValueError, match="recordings; at most"):
        PrintBank([(b"\0\0", b"\0", 0)] * (REFS_MAX + 1))
    with pytest.raises(ValueError, match="prints; at most"):
        PrintBank([(bytes(2 * PRINTS_MAX), bytes(PRINTS_MAX), 0), (b"\0\0", b"\0", 0)])
    for codes, flags in ((b"", b""), (b"\0\0\0", b"\0"), (b"\0\0", b"\0\0")):
        with pytest.raises(ValueError, match="recording 0"):
            PrintBank([(codes, flags, 0)])
    with pytest.raises(ValueError, match="masks"):
        PrintMatcher(bank()).take(np.zeros(2, np.uint16), np.zeros(1, np.uint16))


def test_an_empty_bank_hears_nothing() -> None:
    empty = PrintBank([])
    assert (len(empty), empty.prints) == (0, 0)
    matcher = PrintMatcher(empty)
    assert matcher.bank is empty
    assert matcher.hear(line(announcements()[0])) == []
    assert matcher.take(np.zeros(2, np.uint16), np.zeros(2, np.uint16)) == []


def test_a_bank_of_one_print_is_bound_to_match_nothing() -> None:
    matcher = PrintMatcher(PrintBank([(b"\x12\x34", b"\0", 0)]))
    assert matcher.hear(line(announcements()[0])) == []


# --- phrases in common ---


def rows(samples: Samples) -> tuple[bytes, bytes]:
    codes, masks, _ = fingerprint(samples)
    return codes, masks


def test_a_phrase_in_common_is_found_in_both_wherever_it_is() -> None:
    phrase = line(announcements()[0])
    voices = [pcm(clip.samples) for clip in recorded("held out") if clip.kind == "machine"]
    one, other = line(voices[0]), line(voices[-1])
    first = np.hstack([one[:10_000], phrase[:28_000], one[10_000:]])
    second = np.hstack([phrase[:28_000], other])
    in_first, in_second = (np.frombuffer(m, bool) for m in common(rows(first), rows(second)))
    found = np.flatnonzero(in_first)
    assert found[0] * HOP == pytest.approx(10_000, abs=2_000)
    assert found[-1] * HOP == pytest.approx(38_000, abs=2_000)
    assert in_first.sum() == pytest.approx(28_000 / HOP, rel=0.1)
    assert in_second.sum() == pytest.approx(28_000 / HOP, rel=0.1)
    assert np.flatnonzero(in_second)[-1] < 30_000 // HOP


def test_words_in_common_are_none() -> None:
    phrase = line(announcements()[0])[:16_000]
    first, second = (np.hstack([line(one), phrase]) for one in announcements()[1:])
    assert not any(common(rows(first), rows(second))[0])


def test_other_words_and_other_voices_have_nothing_in_common() -> None:
    voices = [pcm(clip.samples) for clip in recorded("held out") if clip.kind == "machine"][:3]
    for one in announcements():
        for other in voices:
            assert not any(common(rows(one), rows(other))[0])


def test_what_has_no_length_has_nothing_in_common() -> None:
    one = rows(announcements()[0])
    assert common((b"", b""), one) == (b"", bytes(len(one[0]) // 2))
    short = (one[0][:40], one[1][:40])
    assert common(short, short) == (bytes(20), bytes(20))
    with pytest.raises(ValueError, match="masks"):
        common((b"\0\0", b""), one)
