"""Tones of a call's progress: found behind bad lines, and nothing found where none is."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from bench import tone_audio
from bench.answer_audio import MUSIC, RECORDED, SOUNDS, read_wav
from bench.tone_audio import PLAN, Line, cadence, made, sit, some_line
from dialerd.detect.tone_events import ToneSpan, tone_events
from dialerd.detect.tone_plan import load_book
from fastpath.dtmf import tone
from fastpath.tones_detector import ToneDetector

TONAL = ("tone", "sit", "beep", "fax")


def heard(samples: np.ndarray, plans: str = "all") -> list[ToneSpan]:
    """What is told of it, but for music, speech and silence."""
    return [one for one in tone_events(samples, load_book(plans)) if one.type in TONAL]


def steps_of(name: str, line: Line | None = None, seed: int = 1) -> np.ndarray:
    return made(PLAN[name][2], line or Line(), np.random.default_rng(seed))


@pytest.mark.parametrize("name", list(PLAN))
def test_each_tone_on_a_clean_line(name: str) -> None:
    kind, value, steps = PLAN[name]
    (one,) = heard(steps_of(name))
    assert one.type == kind
    if value:
        assert one.value == value
    else:
        assert abs(int(one.value) - float(name.split()[1])) <= 1
    seconds = [s for hertz, s in steps]
    last = sum(seconds) - (0 if steps[-1][0] else seconds[-1])
    assert abs(one.at_s - 0.7) < 0.03
    if kind != "beep" or last < 3:
        assert abs(one.until_s - 0.7 - last) < 0.03


@pytest.mark.parametrize("name", [name for name in PLAN if name not in ("beep 2000", "beep 2600")])
def test_each_tone_on_bad_lines(name: str) -> None:
    """Level, twist, frequency, rhythm, codec, noise, loss and offset are anything a line has."""
    kind, value, _ = PLAN[name]
    right = 0
    for seed in range(4):
        line = some_line(np.random.default_rng((7, seed)))._replace(
            codec=("ulaw", "alaw")[seed % 2]
        )
        found = heard(steps_of(name, line, seed))
        wanted = [one for one in found if one.type == kind and kind in ("beep", "sit")]
        right += bool(wanted or [one for one in found if one.value == value])
        assert not [one for one in found if one.type != kind], (line, found)
    assert right >= 3


@pytest.mark.parametrize("codec", ["ulaw", "gsm"])
@pytest.mark.parametrize("level", [-10, -24, -38])
def test_levels(codec: str, level: int) -> None:
    line = Line(level=level, codec=codec)
    assert [one.value for one in heard(steps_of("busy 425", line))] == ["busy"]
    assert [one.type for one in heard(steps_of("beep 1000", line))] == ["beep"]


def test_what_is_told_and_when() -> None:
    """Busy after its second burst, ringback in its first pause; both end in silence."""
    for name, by_s in (("busy 425", 1.5), ("ring us", 2.0), ("congestion us", 0.75)):
        detector = ToneDetector(load_book("us eu"))
        audio = steps_of(name)
        told = [
            (one, at / 50)
            for at in range(len(audio) // 160)
            for one in detector.hear(audio[160 * at : 160 * at + 160])
        ]
        first, at_s = told[0]
        assert first.phase == "begins"
        assert 0.7 + by_s <= at_s < 0.7 + by_s + 0.3
        (last,) = [one for one in detector.end() or [told[-1][0]] if one.phase == "ends"]
        assert last.number == first.number
        assert last.confidence >= first.confidence


@pytest.mark.parametrize(
    ("hertz", "on_s", "value"),
    [(450, 0.7, "congestion"), (425, 0.75, "busy"), (400, 0.75, "busy"), (425, 0.5, "busy")],
)
def test_no_single_burst_is_busy(hertz: float, on_s: float, value: str) -> None:
    """Recorded people have vowels that last as long, and machines beeps."""
    burst: list[tuple[tuple[float, ...], float]] = [((hertz,), on_s), ((), on_s)]
    rng = np.random.default_rng(3)
    alone, three = made([*burst, ((), 1.5)], Line(), rng), made(burst * 3, Line(), rng)
    assert [one.type for one in heard(alone)] == ["beep"]
    assert [one.value for one in heard(three)] == [value]


def test_what_goes_on_behind_a_beep_is_no_second_one() -> None:
    """Above 1,900 Hz both may be one, torn by GSM full rate, of which the first part was told."""
    steps: list[tuple[tuple[float, ...], float]] = [((2000.0,), 0.33), ((), 0.1), ((2000.0,), 0.28)]
    found = heard(made([*steps, ((), 1.0)], Line(), np.random.default_rng(3)))
    assert [(one.type, round(one.at_s, 1)) for one in found] == [("beep", 0.7)]


def test_a_beep_is_told_when_it_has_ended_or_lasts() -> None:
    detector = ToneDetector(load_book("us"))
    audio = made([((1000.0,), 0.4), ((), 0.5), ((1400.0,), 9.0)], Line(), np.random.default_rng(2))
    told = []
    for at in range(len(audio) // 160):
        told += [(at * 0.02, one) for one in detector.hear(audio[160 * at : 160 * at + 160])]
    assert [one.phase for _, one in told] == ["ends", "ends"]
    assert 1.1 < told[0][0] < 1.25
    assert told[1][0] < 0.7 + 0.9 + 3.2, "a beep that lasts is told before it ends"
    assert detector.end() == []


@pytest.mark.parametrize("name", [*tone_audio.SITS, "itu"])
def test_special_information(name: str) -> None:
    right = 0
    for seed, off in enumerate((-0.015, -0.007, 0.0, 0.007, 0.015)):
        (one,) = heard(made(sit(name), Line(off=off, level=-24), np.random.default_rng(seed)))
        right += one.value == name
    assert right == 5


def test_special_information_of_an_exchange_has_no_meaning() -> None:
    """E.180 lets each tone be 50 Hz and 10 % of its length off: that covers Bellcore's pitches."""
    rng = np.random.default_rng(21)
    for _ in range(60):
        steps: list[tuple[tuple[float, ...], float]] = []
        for hertz in (950, 1400, 1800):
            steps.append(
                ((hertz + float(rng.uniform(-50, 50)),), 0.33 * float(rng.uniform(0.9, 1.1)))
            )
            steps.append(((), float(rng.choice([0, 0.03]))))
        line = Line(
            codec=str(rng.choice(["ulaw", "alaw", "gsm"])), level=float(rng.uniform(-30, -10))
        )
        found = heard(made(steps, line, rng))
        assert [(one.type, one.value) for one in found] == [("sit", "itu")], steps


NOISY = ["ring 425 1/4", "ring us", "busy 425", "busy us", "congestion 425", "congestion us",
         "sit vacant", "beep 440", "beep 1000", "beep 1400", "fax cng", "fax ced"]  # fmt: skip


@pytest.mark.parametrize("name", NOISY)
def test_eight_decibels_over_noise(name: str) -> None:
    """White noise of 4 kHz; through GSM 10 dB."""
    kind, value, _ = PLAN[name]
    for seed in range(6):
        codec = ("ulaw", "alaw", "gsm")[seed % 3]
        line = Line(level=-12 - 3 * seed, codec=codec, snr=10 if codec == "gsm" else 8)
        found = [one for one in heard(steps_of(name, line, seed)) if one.type == kind]
        assert len(found) == 1, (line, found)
        assert not value or kind == "sit" or found[0].value == value


@pytest.mark.parametrize("snr", [10, 15, 20])
def test_answer_tones_through_gsm_in_noise(snr: int) -> None:
    """GSM full rate tears them into pieces that waver by 12 dB."""
    for seed in range(8):
        line = Line(level=-10 - 2 * seed, codec="gsm", snr=snr, off=0.001 * (seed - 4))
        assert [one.value for one in heard(steps_of("fax ced", line, seed))] == ["ced"], line


@pytest.mark.parametrize("codec", ["ulaw", "gsm"])
@pytest.mark.parametrize(
    ("hertz", "cadence_s", "kind"),
    [
        ((425,), (0.4, 0.2, 0.4, 2.0), "ringback"),
        ((401, 425, 449), (0.4, 0.2, 0.4, 2.0), "ringback"),  # 425 Hz modulated by 24 Hz
        ((440, 480), (0.4, 0.2, 0.4, 3.0), "ringback"),
        ((400,), (0.75, 0.75), "busy"),
    ],
)
def test_tones_of_asia(
    hertz: tuple[float, ...], cadence_s: tuple[float, ...], kind: str, codec: str
) -> None:
    steps = cadence(hertz, *cadence_s, times=3)
    found = heard(made(steps, Line(codec=codec), np.random.default_rng(1)))
    assert [one.value for one in found] == [kind]


@pytest.mark.parametrize("hertz", [1800, 2000, 2400, 2600, 2800])
def test_high_beeps_that_gsm_tore(hertz: int) -> None:
    """Over noise no frame of one is like the next; what is left is the place of the line."""
    told = [
        heard(made([((float(hertz),), 0.4)], line, np.random.default_rng(seed)))
        for seed in range(10)
        for line in (Line(level=-14 - seed, codec="gsm", snr=15 + seed, off=0.001 * (seed - 5)),)
    ]
    assert [one.type for found in told for one in found] == ["beep"] * sum(map(bool, told))
    assert sum(map(bool, told)) >= 8
    for (one,) in filter(None, told):
        assert abs(int(one.value) - hertz) < 50
        assert 0.25 < one.until_s - one.at_s < 0.5


def test_no_hiss_is_a_torn_beep() -> None:
    """Noise of 300 Hz around 2,600 Hz, as long as a beep, between silences."""
    rng = np.random.default_rng(4)
    for codec in ("ulaw", "gsm"):
        hiss = np.convolve(rng.normal(0, 1, 4_000), np.hanning(40), "same")
        hiss *= np.cos(2 * np.pi * 2_600 * np.arange(4_000) / 8_000) * 8_000 / hiss.std() / 2
        assert heard(tone_audio.through(codec, np.pad(hiss, 8_000))) == []


@pytest.mark.parametrize("codec", ["alaw", "gsm"])
def test_a_beep_that_is_as_a_fax_begins_is_told_at_once_behind_a_voice(codec: str) -> None:
    """1,100 Hz for half a second: behind silence nobody knows before the next one is due."""
    voice = np.rint(read_wav(SOUNDS / "it_IT_f_Menardi" / "vm-goodbye.wav") * 16_000)
    voice = np.pad(voice, (0, 2_400 + -len(voice) % 160))
    cng = made(PLAN["fax cng"][2], Line(lead=0.0, codec=codec), np.random.default_rng(1))
    for before, wanted in (
        (voice, [("beep", 0.7), ("fax", 4.2)]),
        (np.zeros(9_600), [("fax", 4.2)]),
    ):
        detector, told = ToneDetector(load_book()), []
        for at, frame in enumerate(np.hstack([before, cng]).astype(np.int16).reshape(-1, 160)):
            told += [
                (one.kind, at / 50 - len(before) / 8_000)
                for one in detector.hear(frame)
                if one.kind == "beep" or (one.kind, one.phase) == ("fax", "begins")
            ]
        assert [kind for kind, _ in told] == [kind for kind, _ in wanted]
        assert all(at_s < most for (_, at_s), (_, most) in zip(told, wanted, strict=True)), told


def test_an_offset_before_a_tone_is_no_sound() -> None:
    """GSM full rate turns one into steps of some 5 Hz, louder than a soft tone behind them."""
    for name in ("fax cng", "beep 850"):
        kind, _, steps = PLAN[name]
        line = Line(level=-37, codec="gsm", dc=800, lead=0.62)
        found = [heard(made(steps, line, np.random.default_rng(seed))) for seed in range(6)]
        assert [[one.type for one in told] for told in found] == [[kind]] * 6, name


@pytest.mark.parametrize(
    "name", [name for name in PLAN if PLAN[name][0] == "tone" or name == "fax cng"]
)
@pytest.mark.parametrize("cut", [0, 700, 2_000])
def test_a_tone_that_was_there_before_the_audio_is_no_beep_besides(name: str, cut: int) -> None:
    kind, value, _ = PLAN[name]
    (one,) = heard(steps_of(name, Line(lead=0.0))[cut:])
    assert (one.type, one.value) == (kind, value)


def test_no_beep_in_keys_rings_and_special_information() -> None:
    keys = np.frombuffer(b"".join(tone(key, 3200) + bytes(1600) for key in "159D*0#"), "<i2")
    assert heard(keys) == []
    for name in PLAN:
        if not name.startswith("beep"):
            found = heard(steps_of(name), PLAN_BOOK.get(name, "all"))
            assert not [one for one in found if one.type == "beep"], name


PLAN_BOOK = {"busy us": "us", "ring us": "us", "ring uk": "uk", "busy 425": "vn", "busy uk": "uk"}


def test_short_beeps_are_none() -> None:
    for ms in (60, 120, 200, 240):
        steps = cadence((1000.0,), ms / 1000, 1.0, times=2)
        assert heard(made(steps, Line(), np.random.default_rng(3))) == [], ms
    glide = np.sin(2 * np.pi * np.cumsum(np.linspace(600, 900, 4_000)) / 8_000) * 6_000
    whistle = np.hstack([np.zeros(4_000), glide, np.zeros(4_000)]).astype(np.int16)
    assert heard(whistle) == []


@lru_cache(maxsize=1)
def talk() -> list[np.ndarray]:
    """Every sixtieth of the recorded prompts of all voices, and pieces of music."""
    found = []
    for voice in sum(RECORDED.values(), ()):
        paths = [one for one in sorted((SOUNDS / voice).rglob("*.wav")) if "beep" not in one.name]
        found += [read_wav(path) for path in paths[::60] if path.stat().st_size > 8_000]
    found += [read_wav(path)[: 8_000 * 40] for path in sorted(MUSIC.glob("*.wav"))]
    return [np.rint(one * 32_768).astype(np.int16) for one in found]


def test_nothing_in_speech_and_music() -> None:
    assert sum(len(one) for one in talk()) > 300 * 8_000
    assert [found for one in talk() if (found := heard(one))] == []


@pytest.mark.parametrize("lost", [3, 4])
@pytest.mark.parametrize("name", ["dial 425", "busy us", "ring cn 450", "sit vacant", "beep 1000"])
def test_some_frames_lost_together_do_not_hide_a_tone(name: str, lost: int) -> None:
    kind, value, steps = PLAN[name]
    samples = made(steps, Line(lead=0.41), np.random.default_rng(1))
    detector, told = ToneDetector(load_book()), []
    for at, frame in enumerate(samples[: len(samples) // 160 * 160].reshape(-1, 160)):
        told += detector.gap() if at % 50 in range(27, 27 + lost) else detector.hear(frame)
    told += detector.end()
    names = {one.value for one in told if one.kind not in ("silence", "music")}
    assert names == {value or name.split()[1]}, kind


def test_gaps_do_not_hide_a_tone_nor_make_one() -> None:
    audio = steps_of("busy 425")
    detector = ToneDetector(load_book("vn"))
    told = []
    for at in range(len(audio) // 160):
        frame = audio[160 * at : 160 * at + 160]
        told += detector.gap() if at % 17 == 5 else detector.hear(frame)
    assert {one.value for one in [*told, *detector.end()]} == {"busy"}
    silent = ToneDetector(load_book("vn"))
    assert [one for one in [*silent.gap(5_000), *silent.end()] if one.kind != "silence"] == []
    with pytest.raises(ValueError, match="gap"):
        silent.gap(-1)


def test_bad_input() -> None:
    rng = np.random.default_rng(9)
    for audio in (
        np.zeros(0), np.zeros(1), np.zeros(80_000), np.full(80_000, 32767), np.full(80_000, -32768),
        rng.integers(-32768, 32768, 80_000), np.tile([32767, -32768], 40_000),
    ):  # fmt: skip
        assert [one for one in heard(audio.astype(np.int16)) if one.type != "beep"] == []


def kinds(audio: np.ndarray) -> list[str]:
    """What it sounds like, one after the other."""
    told = tone_events(audio.astype(np.int16), load_book())
    return [one.type for one in told if one.type not in TONAL]


@pytest.mark.parametrize("codec", ["alaw", "gsm"])
def test_music_voices_and_silence(codec: str) -> None:
    def line(audio: np.ndarray) -> np.ndarray:
        return tone_audio.through(codec, np.rint(audio * 16_000))

    right = [kinds(line(read_wav(path)[8_000 * 20 : 8_000 * 32])) for path in MUSIC.glob("*.wav")]
    assert right.count(["music"]) >= len(right) - 1
    for voice in ("en_US_f_Allison", "ru_RU_f_IvrvoiceRU"):
        said = line(read_wav(SOUNDS / voice / "demo-instruct.wav")[: 8_000 * 12])
        assert kinds(said) == ["speech"]
    assert kinds(np.zeros(8_000 * 9)) == ["silence"]
    assert kinds(np.zeros(8_000)) == []


def test_rings_are_neither_music_nor_speech() -> None:
    for name in PLAN:
        assert {*kinds(steps_of(name))} <= {"silence"}, name
    # not even those of a plan that is not known; the first burst may pass for a beep
    unknown = made(cadence((610.0,), 0.6, 0.6, times=9), Line(), np.random.default_rng(1))
    assert {*kinds(unknown)} <= {"silence"}
    assert [one.type for one in heard(unknown)] == ["beep"]


def test_ringing_then_music_then_a_voice() -> None:
    """An early-media call: each is told, with about the right time."""
    ring = steps_of("ring 425 1/4")
    tune = np.rint(read_wav(next(iter(sorted(MUSIC.glob("*.wav")))))[80_000:240_000] * 16_000)
    voice = np.rint(read_wav(SOUNDS / "en_US_f_Allison" / "demo-instruct.wav")[:120_000] * 16_000)
    told = tone_events(np.hstack([ring, tune, voice]).astype(np.int16), load_book("vn"))
    names = [one.value or one.type for one in told]
    assert [one for one in names if one != "silence"] == ["ringback", "music", "speech"]
    (music,) = [one for one in told if one.type == "music"]
    begin = len(ring) / 8_000
    assert abs(music.at_s - begin) < 4
    assert abs(music.until_s - begin - 20) < 4


def test_answer_tones_of_modems() -> None:
    """V.8: 2,100 Hz whose phase turns every 450 ms; a fax does not turn it."""
    at = np.arange(3 * 8_000)
    for turns in (1, -1):
        wave = 6_000 * np.sin(2 * np.pi * 2_100 * at / 8_000) * turns ** (at // 3_600)
        samples = np.hstack([np.zeros(4_000), wave, np.zeros(4_000)]).astype(np.int16)
        (one,) = heard(samples)
        assert (one.type, one.value) == ("fax", "ced" if turns == 1 else "ansam")
