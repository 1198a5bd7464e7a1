"""Keys in the audio: Q.24's limits by the procedure of the CM7291 tape, and no key where none is.

Chance is seeded; it moves tones against blocks, and phases.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath.dtmf import DIGITS, DtmfDetector, tone
from tests.fastpath.dtmf_tape import (
    KEYS,
    Audio,
    Samples,
    amplitude,
    heard,
    line,
    press,
    silence,
    sine,
    speech,
)
from tests.reference.dtmf import Detector

LAWS = ["ulaw", "alaw"]


class Chance:
    """Where a tone begins, and with which phases."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def lead(self) -> Audio:
        return silence(20 + self.rng.uniform(0, 12.75))

    def phases(self) -> tuple[float, float]:
        low, high = self.rng.uniform(0, 2 * np.pi, 2)
        return float(low), float(high)


def accepted(seed: int, times: int, *, law: str = "ulaw", noise: float = 0, **how: float) -> int:
    """How many of `times` presses of each key are heard as exactly that key."""
    chance, count = Chance(seed), 0
    for key in KEYS * times:
        tones = press(key, **how, phases=chance.phases())  # type: ignore[arg-type]
        audio = np.concatenate([chance.lead(), tones, silence(60)])
        if noise:
            audio = audio + chance.rng.normal(0, noise, len(audio))
        count += heard(line(audio, law)) == key
    return count


# ---- the procedure of the tape


@pytest.mark.parametrize("law", LAWS)
def test_every_key_ten_times(law: str) -> None:
    assert accepted(1, 10, law=law, ms=50) == 160
    assert accepted(2, 10, law=law, ms=50, low=-25, high=-25) == 160


@pytest.mark.parametrize("side", ["low_off", "high_off"])
@pytest.mark.parametrize("key", "159D")
def test_bandwidth(key: str, side: str) -> None:
    """Q.24: 1.5 % off is heard and 3.5 % is not, whichever of the two frequencies it is."""
    chance = Chance(3)
    for per_mille in [*range(-15, 16), *range(-60, -34), *range(35, 61)]:
        tones = press(key, 50, **{side: per_mille / 1000}, phases=chance.phases())  # type: ignore[arg-type]
        found = heard(line(np.concatenate([chance.lead(), tones, silence(60)])))
        assert found == (key if abs(per_mille) <= 15 else ""), per_mille


@pytest.mark.parametrize("sign", [1, -1])
def test_both_frequencies_off(sign: int) -> None:
    assert accepted(4, 5, low_off=0.015 * sign, high_off=0.015 * sign) == 80
    assert accepted(4, 5, low_off=0.015 * sign, high_off=-0.015 * sign) == 80
    for low, high in ((-4, -10), (-10, -4), (-7, -7)):
        off = 0.035 * sign
        assert accepted(5, 5, low_off=off, low=low, high=high) == 0
        assert accepted(5, 5, high_off=off, low=low, high=high) == 0
        assert accepted(5, 5, low_off=off, high_off=off, low=low, high=high) == 0


@pytest.mark.parametrize("law", LAWS)
def test_twist(law: str) -> None:
    """The row over the column by 8 dB, the column over the row by 6 dB."""
    for over in (1, 3, 5, 7, 8):
        assert accepted(6, 3, law=law, low=-10, high=-10 - over) == 48, over
    for over in (1, 3, 4, 5, 6):
        assert accepted(7, 3, law=law, low=-10 - over, high=-10) == 48, over
    assert accepted(8, 3, law=law, low=-3, high=-18) == 0
    assert accepted(8, 3, law=law, low=-15, high=-3) == 0


@pytest.mark.parametrize("law", LAWS)
def test_dynamic_range(law: str) -> None:
    """From full scale 38 dB down; nothing below -50 dBm0."""
    for level in range(-38, 1, 2):
        assert accepted(9, 1, law=law, low=level - 3, high=level - 3) == 16, level
    assert accepted(10, 3, law=law, low=-50, high=-50) == 0


def test_guard_time() -> None:
    """Q.24: 40 ms is heard and 23 ms is not."""
    for ms in (40, 41, 45, 60, 100, 1000):
        assert accepted(11, 3, ms=ms) == 48, ms
    for ms in (5, 10, 15, 20, 23, 24):
        assert accepted(12, 3, ms=ms) == 0, ms


def test_pauses_and_interruptions() -> None:
    chance = Chance(13)
    for key in KEYS * 3:
        for ms in (30, 40, 70):
            twice = [chance.lead(), press(key), silence(ms), press(key), silence(60)]
            assert heard(line(np.concatenate(twice))) == key * 2, ms
        for ms in (2, 5, 10):
            tones = press(key, 120, phases=chance.phases())
            at = int(chance.rng.uniform(40, 70) * 8)
            tones[at : at + ms * 8] = 0
            assert heard(line(np.concatenate([chance.lead(), tones, silence(60)]))) == key, ms


@pytest.mark.parametrize(("ratio", "least"), [(20, 160), (15, 160), (12, 160), (10, 160), (8, 75)])
def test_signal_to_noise(ratio: int, least: int) -> None:
    """Noise under the tones and around them, in dB below each of them."""
    noise = amplitude(-10) * 10 ** (-ratio / 20)
    assert accepted(14, 10, noise=noise) >= least


def test_keys_in_a_row_without_any_pause() -> None:
    chance = Chance(15)
    tones = np.concatenate([press(key, 60, phases=chance.phases()) for key in KEYS])
    assert heard(line(np.concatenate([tones, silence(60)]))) == KEYS


def test_a_cheap_converter_adds_a_constant() -> None:
    audio = np.concatenate([silence(33), press("8", low=-25, high=-25), silence(60)]) + 1500
    assert heard(line(audio)) == "8"


# ---- no key where none is

TEXTS = {
    "vi": (
        "Kính chào quý khách. Đây là cuộc gọi tự động từ ngân hàng. Quý khách vui lòng bấm phím một"
        " để nghe số dư, phím hai để gặp nhân viên, phím ba để nghe lại. Xin cảm ơn và hẹn gặp lại."
        " Số máy quý khách vừa gọi hiện không liên lạc được, xin vui lòng gọi lại sau ít phút."
    ),
    "en": (
        "Good afternoon. This is an automatic call about your order number nine four seven one"
        " three. Please press one to confirm, two to change the day, or stay on the line for an"
        " agent. You owe eighteen euros and seventy cents; we will call you again next Wednesday."
    ),
}


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("variant", ["+m1", "+m3", "+f2", "+f4", "+croak"])
def test_speech_is_no_key(language: str, variant: str) -> None:
    said = speech(language + variant, TEXTS[language])
    assert len(said) > 10 * 8000
    assert heard(said) == ""


def cadence(parts: Audio, on_ms: int, off_ms: int) -> Audio:
    return np.concatenate([parts[: on_ms * 8], silence(off_ms)] * 3)


@pytest.mark.parametrize(
    "hertz",
    [(425,), (440, 480), (480, 620), (350, 440), (400, 450), (950,), (1400,), (1800,), (1100,),
     (2100,), (697,), (1336,), (697, 770), (1209, 1336), (2225,), (852, 1633 * 1.05)],
)  # fmt: skip
def test_tones_of_the_network_are_no_keys(hertz: tuple[float, ...]) -> None:
    """Ringback, busy, dial tone, announcements, fax, and half a key."""
    tones = np.sum([sine(h, 1000, -10) for h in hertz], axis=0)
    for on, off in ((1000, 0), (500, 500), (250, 250)):
        assert heard(line(cadence(tones, on, off))) == ""


def test_music_is_no_key() -> None:
    """Chords of harmonics with vibrato, and noise; 20 s, seeded."""
    rng = np.random.default_rng(16)
    t = np.arange(2000) / 8000
    audio: list[Audio] = []
    for _ in range(80):
        chord = np.zeros(2000)
        for note in rng.integers(45, 84, 4):
            hertz = 440 * 2 ** ((int(note) - 69) / 12)
            for harmonic in range(1, 6):
                wobble = 0.5 * np.sin(2 * np.pi * 5.5 * t)
                chord += np.sin(2 * np.pi * hertz * harmonic * t + wobble) / harmonic
        audio.append(chord * 2500 * np.exp(-t * 3))
    assert heard(line(np.concatenate(audio))) == ""
    assert heard(line(rng.normal(0, 4000, 80_000))) == ""


@pytest.mark.parametrize("value", [0, 32767, -32768])
def test_constants_and_extremes(value: int) -> None:
    assert heard(np.full(4000, value, np.int16)) == ""
    square = np.where(np.arange(8000) // 5 % 2, 32767, -32768).astype(np.int16)
    assert heard(square) == ""


# ---- how it is fed


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.integers(0, 1 << 30))
def test_packets_of_any_length_make_no_difference(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    audio = [silence(rng.uniform(20, 50))]
    for key in rng.choice(list(KEYS), 4):
        audio += [press(str(key), rng.uniform(15, 90)), silence(rng.uniform(5, 60))]
    samples = line(np.concatenate(audio))
    whole, pieces = DtmfDetector(), DtmfDetector()
    found: list[tuple[str, int]] = []
    at = 0
    while at < len(samples):
        for size in sizes:
            found += pieces.hear(samples[at : at + size])
            at += size
    assert found == whole.hear(samples)


def noisy(rng: np.random.Generator) -> Samples:
    """Anything between clean keys and noise."""
    audio: list[Audio] = []
    for key in rng.choice(list(KEYS), 3):
        low, high = rng.uniform(-30, -3, 2) if rng.random() < 0.3 else [rng.uniform(-30, -6)] * 2
        off = rng.uniform(-0.03, 0.03, 2)
        phases = (float(rng.uniform(0, 6)), float(rng.uniform(0, 6)))
        audio += [
            silence(rng.uniform(0, 50)),
            press(str(key), rng.uniform(15, 80), low=low, high=high, low_off=off[0],
                  high_off=off[1], phases=phases),
        ]  # fmt: skip
    whole = np.concatenate([*audio, silence(50)])
    return line(whole + rng.normal(0, rng.choice([0, 10, 300, 2000]), len(whole)))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1 << 30))
def test_detector_and_twin_agree(seed: int) -> None:
    """The twin computes in double precision; where they differ, a limit was met to a hair."""
    rng = np.random.default_rng(seed)
    ours, twin = DtmfDetector(), Detector()
    for _ in range(2):
        samples = noisy(rng)
        found, due = ours.hear(samples), twin.hear(samples.tolist())
        assert [key for key, _ in found] == [key for key, _ in due]
        # the detector keeps a block that cannot be a key's in eight bits
        assert all(abs(a - b) <= 3 for (_, a), (_, b) in zip(found, due, strict=True))
        lost = int(rng.choice([0, 160, 480, 481, 5000]))
        ours.gap(lost)
        twin.gap(lost)


def test_a_lost_packet_does_not_cut_a_key_in_two() -> None:
    samples = line(np.concatenate([silence(25), press("7", 150), silence(60)]))
    for lost in range(25 * 8, 140 * 8, 160):
        detector = DtmfDetector()
        found = detector.hear(samples[:lost])
        detector.gap(160)
        found += detector.hear(samples[lost + 160 :])
        assert [key for key, _ in found] == ["7"], lost


def test_after_a_long_gap_the_same_key_is_another_one() -> None:
    samples = line(press("7", 100))
    detector = DtmfDetector()
    found = detector.hear(samples)
    detector.gap(481)
    found += detector.hear(samples)
    assert [key for key, _ in found] == ["7", "7"]
    with pytest.raises(ValueError, match="gap"):
        detector.gap(-1)


def test_where_a_key_began() -> None:
    """Within 4 ms, whatever part of a block it began in."""
    for lead in range(400, 520, 7):
        audio = np.concatenate([np.zeros(lead), press("6", 80), silence(50)])
        [(_, position)] = DtmfDetector().hear(line(audio))
        assert abs(position - lead) <= 32


# ---- made


@pytest.mark.parametrize("law", LAWS)
def test_what_is_made_is_heard(law: str) -> None:
    tones = b"".join(tone(key, 50 * 8) + bytes(2 * 40 * 8) for key in DIGITS)
    assert heard(line(np.frombuffer(tones, np.int16).astype(np.float64), law)) == DIGITS


def test_a_tone_goes_on_from_frame_to_frame() -> None:
    whole = tone("9", 8000)
    assert b"".join(tone("9", 160, at) for at in range(0, 8000, 160)) == whole
    assert tone("9", 160, 8000 * 12345) == whole[:320]
    spectrum = np.abs(np.fft.rfft(np.frombuffer(whole, np.int16).astype(np.float64)))
    assert sorted(np.argsort(spectrum)[-2:].tolist()) == [852, 1477]
    rest = np.delete(spectrum, [852, 1477])
    assert rest.max() < spectrum[852] / 1000
    level = spectrum[[852, 1477]] / 4000
    assert np.allclose(20 * np.log10(level / amplitude(0)), [-10, -8], atol=0.05)


@pytest.mark.parametrize("bad", ["", "E", "11", "٣"])
def test_what_is_no_key_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="not a digit"):
        tone(bad, 160)
    with pytest.raises(ValueError, match="samples"):
        tone("1", -1)
