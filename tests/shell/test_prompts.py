"""Prompt files: every coding we read, the conversion to 8 kHz, and what each bad file is told."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dialerd.shell import prompts
from dialerd.shell.prompts import PromptError, level, load_prompt
from dialerd.shell.resample import resample
from dialerd.shell.wav import ALAW, EXTENSIBLE, PCM, ULAW, WavError, read_wav
from fastpath import g711

Samples = NDArray[np.int16]


def tone(hz: float, rate: int, seconds: float = 0.5, amplitude: float = 8000) -> Samples:
    t = np.arange(round(rate * seconds)) / rate
    return np.rint(amplitude * np.sin(2 * np.pi * hz * t)).astype(np.int16)


def wav(
    data: bytes,
    coding: int = PCM,
    channels: int = 1,
    rate: int = 8000,
    bits: int = 16,
    *,
    before: bytes = b"",
    tail: bytes = b"",
    size: int | None = None,
) -> bytes:
    """A WAV file; `size` is what its data chunk claims, `tail` ends the format."""
    block = channels * bits // 8
    fmt = struct.pack("<HHIIHH", coding, channels, rate, rate * block & 0xFFFFFFFF, block, bits)
    chunks = before + b"fmt " + struct.pack("<I", len(fmt + tail)) + fmt + tail
    chunks += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def power_at(samples: Samples, hz: float, rate: int = 8000) -> float:
    """Power of one frequency relative to a full-scale tone, in dB."""
    x = samples.astype(np.float64) * np.hanning(len(samples)) * 2
    t = np.arange(len(x)) / rate
    amplitude = 2 * abs((x * np.exp(-2j * np.pi * hz * t)).mean())
    return float(20 * np.log10(amplitude / 32768 + 1e-12))


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_pcm_of_any_rate_keeps_its_tone_level_and_place(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(wav(tone(1000, rate).tobytes(), rate=rate))
    prompt = load_prompt(path)
    heard = g711.ulaw_decode(prompt.pcmu)
    assert prompt.seconds == pytest.approx(0.5, abs=1 / 8000)
    assert len(prompt.pcmu) == len(prompt.pcma) == round(prompt.seconds * 8000)
    expected = tone(1000, 8000)[: len(heard)].astype(np.float64)
    middle = slice(400, -400)  # away from the ends, where the filter sees silence
    error = heard[: len(expected)].astype(np.float64)[middle] - expected[middle]
    assert np.sqrt((error**2).mean()) < 250, "36 dB below the tone is what mu-law leaves"


def test_what_a_telephone_cannot_carry_does_not_fold_into_what_it_can() -> None:
    for hz, folded in ((4500, 3500), (7000, 1000), (9000, 1000), (15000, 1000)):
        out = resample(tone(hz, 44100, amplitude=30000), 44100, 8000)
        assert power_at(out, folded) < -75, hz
    assert power_at(resample(tone(3400, 44100, amplitude=16384), 44100, 8000), 3400) > -6.2


@settings(deadline=None)
@given(st.integers(0, 3000), st.sampled_from([4000, 7999, 8001, 11025, 22050, 44100, 192000]))
def test_resampling_gives_the_right_length_and_keeps_silence_and_level(n: int, rate: int) -> None:
    flat = np.full(n, 1000, np.int16)
    out = resample(flat, rate, 8000)
    assert len(out) == -(-n * 8000 // rate)
    assert not resample(np.zeros(n, np.int16), rate, 8000).any()
    edge = 40 * 8000 // min(rate, 8000)
    assert np.all(np.abs(out[edge:-edge].astype(int) - 1000) <= 1)


def test_full_scale_is_clipped_and_not_wrapped() -> None:
    square = np.where(np.arange(4410) // 50 % 2, 32767, -32768).astype(np.int16)
    out = resample(square, 44100, 8000)
    assert out.max() == 32767
    assert out.min() == -32768
    assert np.all(np.abs(np.diff(out.astype(int))) <= 65535)


@pytest.mark.parametrize("channels", [1, 2])
def test_every_coding_says_the_same(tmp_path: Path, channels: int) -> None:
    mono = tone(440, 8000)
    samples = np.repeat(mono, channels)
    eight = ((samples.astype(np.int32) >> 8) + 128).astype(np.uint8)
    tail = struct.pack("<HHIH", 22, 16, 0, PCM) + bytes(14)
    for name, data in {
        "s16": wav(samples.tobytes(), channels=channels),
        "u8": wav(eight.tobytes(), bits=8, channels=channels),
        "ulaw": wav(g711.ulaw_encode(samples), ULAW, channels, bits=8),
        "alaw": wav(g711.alaw_encode(samples), ALAW, channels, bits=8),
        "extensible": wav(samples.tobytes(), EXTENSIBLE, channels, tail=tail),
        "listed": wav(samples.tobytes(), channels=channels, before=b"LIST\x03\0\0\0abc\0"),
        "unfinished": wav(samples.tobytes(), channels=channels, size=0xFFFFFFFF),
        "cut": wav(samples.tobytes() + b"\x01"[: channels // 2], channels=channels, size=1 << 20),
    }.items():
        path = tmp_path / f"{name}.wav"
        path.write_bytes(data)
        heard = g711.ulaw_decode(load_prompt(path).pcmu)
        error = np.abs(heard.astype(int) - mono)
        assert len(heard) == len(mono), name
        assert error.max() <= (1024 if name == "u8" else 512), name


def test_g711_at_8_khz_is_taken_as_it_is(tmp_path: Path) -> None:
    codes = bytes(range(256))
    for name, data in {"x.ulaw": codes, "x.ul": codes, "x.wav": wav(codes, ULAW, bits=8)}.items():
        (tmp_path / name).write_bytes(data)
        prompt = load_prompt(tmp_path / name)
        assert (prompt.pcmu, prompt.pcma) == (codes, g711.ulaw_to_alaw(codes))
    for name, data in {"x.alaw": codes, "x.AL": codes, "y.wav": wav(codes, ALAW, bits=8)}.items():
        (tmp_path / name).write_bytes(data)
        prompt = load_prompt(str(tmp_path / name))
        assert (prompt.pcma, prompt.pcmu) == (codes, g711.alaw_to_ulaw(codes))


def test_two_channels_become_their_mean() -> None:
    left, right = tone(440, 8000), tone(440, 8000) // 2
    both = np.stack([left, right], axis=1)
    mean = read_wav(wav(both.tobytes(), channels=2)).mono()
    assert np.array_equal(mean, ((left.astype(int) + right) // 2).astype(np.int16))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no audio|not audio"),
        (b"ID3\x03" + bytes(200), "not audio"),
        (b"RIFF\x04\0\0\0AVI ", "not audio"),
        (b"RIFX" + bytes(60), "RIFX"),
        (wav(b""), "no audio in it"),
        (wav(bytes(8), coding=3, bits=32), "float PCM of 32 bits"),
        (wav(bytes(6), bits=24), "PCM of 24 bits"),
        (wav(bytes(8), coding=85, bits=0), "MP3"),
        (wav(bytes(8), coding=0x1234), "format 4660"),
        (wav(bytes(12), channels=6), "6 channels"),
        (wav(bytes(12), channels=0), "0 channels"),
        (wav(bytes(8), rate=0), "0 samples a second"),
        (wav(bytes(8), rate=4_000_000_000), "4000000000 samples"),
        (b"RIFF\0\0\0\0WAVEdata\x04\0\0\0abcd", "before its data"),
        (b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0abcd", "broken format"),
        (b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff" + wav(b"")[20:36], "without audio"),
    ],
)
def test_what_is_no_prompt_is_named_with_the_reason(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "odd.wav"
    path.write_bytes(data)
    with pytest.raises(PromptError, match=says) as raised:
        load_prompt(path)
    assert str(path) in str(raised.value)


def test_missing_long_and_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="no such file"):
        load_prompt(tmp_path / "none.wav")
    with pytest.raises(PromptError, match="not a file"):
        load_prompt(tmp_path)
    with pytest.raises(PromptError, match="cannot read it"):
        load_prompt(Path("/proc/self/mem").parent / "clear_refs")
    long = tmp_path / "long.ulaw"
    long.write_bytes(bytes(8000 * 601))
    with pytest.raises(PromptError, match="601 s long; at most 600"):
        load_prompt(long)
    with huge(tmp_path / "huge.wav") as path, pytest.raises(PromptError, match="MiB; at most"):
        load_prompt(path)


class huge:  # noqa: N801  (reads as a verb's object)
    """A file of a terabyte that takes no room."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Path:
        with self.path.open("wb") as file:
            file.truncate(1 << 40)
        return self.path

    def __exit__(self, *_: object) -> None:
        self.path.unlink()


@given(st.binary(max_size=200), st.integers(0, 60))
def test_no_bytes_at_all_can_hurt(data: bytes, keep: int) -> None:
    for text in (data, wav(bytes(40))[:keep] + data):
        with contextlib.suppress(WavError):
            found = read_wav(text)
            assert len(found.data) % found.frame_bytes == 0
            assert found.mono().dtype == np.int16


def test_levelling_brings_speech_to_one_level_and_cuts_silence() -> None:
    quiet = np.concatenate(
        [np.zeros(8000, np.int16), tone(300, 8000, 1.0, 500), np.zeros(8000, np.int16)]
    )
    out = level(quiet)
    assert 8000 < len(out) <= 8000 + 12 * 160
    assert power_at(out[1600:8000], 300) == pytest.approx(prompts.LEVEL_DBFS + 3, abs=0.5)
    assert (
        np.abs(level(np.concatenate([tone(300, 8000, 1.0, 50), quiet[:100]])).astype(int)).max()
        <= 29_200
    )
    assert not level(np.zeros(800, np.int16)).any()
    assert not len(level(np.zeros(0, np.int16)))


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("name", ["welcome", "thanks", "goodbye"])
def test_the_sample_prompts_are_short_and_loud_enough(language: str, name: str) -> None:
    prompt = load_prompt(prompts.SAMPLES / language / f"{name}.wav")
    samples = g711.ulaw_decode(prompt.pcmu).astype(np.float64)
    assert 2 <= prompt.seconds <= 4
    assert -24 < 20 * np.log10(np.sqrt((samples**2).mean()) / 32768) < -18
    assert np.abs(samples).max() < 30_000


def test_the_sample_prompts_together_are_small_and_are_packaged() -> None:
    files = sorted(prompts.SAMPLES.glob("*/*.wav"))
    assert len(files) == 6
    assert sum(f.stat().st_size for f in files) < 400_000
    pyproject = (prompts.SAMPLES.parents[1] / "pyproject.toml").read_text()
    assert "prompts/*/*.wav" in pyproject


def test_converting_writes_a_wav_that_loads_as_itself(tmp_path: Path) -> None:
    source, target = tmp_path / "a.wav", tmp_path / "b.wav"
    source.write_bytes(wav(tone(500, 22050, 1.0).tobytes(), rate=22050))
    prompts.convert(source, target)
    found = read_wav(target.read_bytes())
    assert (found.coding, found.rate, found.channels, found.bits) == (ULAW, 8000, 1, 8)
    assert load_prompt(target).pcmu == found.data
    assert len(target.read_bytes()) == 8 + int.from_bytes(target.read_bytes()[4:8], "little")
