"""The network's tone, held against a slow decoder written from the G.711 tables."""

from __future__ import annotations

import numpy as np
import pytest

from dialerd.sim.tones import RATE, SIT_HZ, special_information_tone, to_pcma, to_pcmu

EVERY = np.arange(-32_768, 32_768, 7, dtype=np.int16)


def from_pcmu(code: int) -> int:
    code = ~code & 0xFF
    size = (((code & 0x0F) << 3) + 132 << ((code >> 4) & 7)) - 132
    return -size if code & 0x80 else size


def from_pcma(code: int) -> int:
    code ^= 0x55
    exponent, size = (code >> 4) & 7, (code & 0x0F) << 4
    size = size + 8 if exponent == 0 else (size + 0x108) << (exponent - 1)
    return size if code & 0x80 else -size


@pytest.mark.parametrize(("encode", "decode"), [(to_pcmu, from_pcmu), (to_pcma, from_pcma)])
def test_each_sample_is_coded_to_the_nearest_step_or_its_neighbour(encode, decode):
    for sample, code in zip(EVERY.tolist(), encode(EVERY), strict=True):
        assert abs(decode(code) - sample) <= max(16, abs(sample) / 16) + 8, sample


@pytest.mark.parametrize(
    ("encode", "codes"),
    [
        (to_pcmu, {0: 0xFF, -1: 0x7F, 32_767: 0x80, -32_768: 0x00}),
        (to_pcma, {0: 0xD5, -1: 0x55, 32_767: 0xAA, -32_768: 0x2A}),
    ],
)
def test_the_corners_of_g711(encode, codes):
    samples = np.array(list(codes), dtype=np.int16)
    assert list(encode(samples)) == list(codes.values())


def test_the_tone_has_its_three_frequencies_and_whole_frames():
    tone = special_information_tone()
    assert len(tone) % 160 == 0
    third = round(0.33 * RATE)
    for n, hz in enumerate(SIT_HZ):
        part = tone[n * third : (n + 1) * third].astype(float)
        peak = np.argmax(np.abs(np.fft.rfft(part))) * RATE / third
        assert abs(peak - hz) < 5
    assert not tone[3 * third :].any()
