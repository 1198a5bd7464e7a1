"""Every format that recordings come in, coded by ffmpeg; and files that mean harm."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dialerd.core.prompts_view import PromptError
from dialerd.shell import decoding
from dialerd.shell.audio_child import clipped, floats, mpeg_frame_size
from dialerd.shell.decoding import decode
from tests.shell.audio_files import (
    aligned_correlation,
    ffmpeg,
    power_at,
    speechlike,
    tone,
    wav,
    write_wav,
)

SPOKEN = speechlike(2.0, 48_000)
AT_8K = speechlike(2.0, 8_000)
ATTACHED = ("-f", "lavfi", "-i", "color=red:size=32x32:rate=5:duration=2", "-map", "0", "-map", "1")

# name of the file -> (what ffmpeg is asked for, the least correlation with what was said)
FORMATS: dict[str, tuple[tuple[str, ...], float]] = {
    "s16.wav": ((), 0.9999),
    "s24.wav": (("-c:a", "pcm_s24le"), 0.9999),
    "u8.wav": (("-c:a", "pcm_u8"), 0.995),
    "f32.wav": (("-c:a", "pcm_f32le"), 0.9999),
    "ulaw.wav": (("-c:a", "pcm_mulaw"), 0.999),
    "adpcm.wav": (("-c:a", "adpcm_ima_wav"), 0.99),
    "stereo.wav": (("-ac", "2"), 0.9999),
    "surround.wav": (("-ac", "6"), 0.99),
    "a.aiff": ((), 0.9999),
    "a.au": ((), 0.9999),
    "a.caf": (("-c:a", "alac"), 0.9999),
    "a.flac": ((), 0.9999),
    "a.mp3": (("-b:a", "128k"), 0.99),
    "low.mp3": (("-ar", "22050", "-b:a", "32k"), 0.98),
    "a.m4a": (("-b:a", "128k"), 0.99),
    "a.aac": (("-b:a", "128k"), 0.88),  # it begins between two of our samples, as the next two do
    "a.3gp": (("-c:a", "aac", "-ar", "16000", "-b:a", "48k"), 0.97),
    "vorbis.ogg": (("-q:a", "6"), 0.98),
    "a.opus": (("-b:a", "64k"), 0.98),
    "a.webm": (("-c:a", "libopus", "-b:a", "64k"), 0.98),
    "a.wma": (("-b:a", "128k"), 0.88),
    "a.ac3": (("-b:a", "192k"), 0.88),
    "a.g722": (("-ar", "16000"), 0.98),
    "a.ulaw": (("-f", "mulaw", "-ar", "8000"), 0.998),
    "a.sln": (("-f", "s16le", "-ar", "8000"), 0.999),
    "wide.wav": (("-ar", "192000"), 0.9999),
    "odd.wav": (("-ar", "11025"), 0.999),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("audio") / "source.wav", SPOKEN, 48_000)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_what_was_said(name: str, source: Path, tmp_path: Path) -> None:
    options, least = FORMATS[name]
    found = decode(ffmpeg(source, tmp_path / name, "-bitexact", *options))
    correlation, at = aligned_correlation(reference()[800:-800], found.samples)
    assert correlation > least, name
    assert abs(at - 800) <= 8 * 50, "no more than 50 ms from where it was said"
    assert found.seconds == pytest.approx(2.0, abs=0.1)
    assert not found.damaged
    assert found.samples.dtype == np.float32


def reference() -> np.ndarray:
    """What was said, at 8 kHz: every sixth of the samples, since nothing lies above 3 kHz."""
    return SPOKEN[::6].astype(np.float64)


def test_amr_is_read(tmp_path: Path) -> None:
    """ffmpeg of Debian codes no AMR; the library that decodes it codes it too."""
    import av

    path = tmp_path / "a.amr"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libopencore_amrnb", rate=8000, layout="mono")
        stream.bit_rate = 12_200
        for i in range(0, len(AT_8K), 160):
            frame = av.AudioFrame.from_ndarray(AT_8K[None, i : i + 160], "s16", "mono")
            frame.sample_rate = 8000
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    found = decode(path)
    assert found.codec.startswith("amr")
    assert aligned_correlation(AT_8K[800:-800], found.samples)[0] > 0.8, "a codec for speech"


@pytest.mark.parametrize("rate", [11025, 16000, 44100, 48000])
def test_what_a_telephone_cannot_carry_does_not_fold_into_what_it_can(
    rate: int, tmp_path: Path
) -> None:
    for hz, folded in ((4500, 3500), (5000, 3000), (7000, 1000), (15000, 1000)):
        if hz < rate / 2:
            heard = decode(write_wav(tmp_path / "t.wav", tone(hz, rate, 0.5, 30_000), rate)).samples
            assert power_at(heard * 32768, folded) < -75, hz
    heard = decode(write_wav(tmp_path / "t.wav", tone(3400, rate, 0.5, 16_384), rate)).samples
    assert power_at(heard * 32768, 3400) > -6.2


def test_two_channels_become_their_mean(tmp_path: Path) -> None:
    both = np.stack([tone(440), tone(1000, amplitude=4000)], axis=1)
    heard = decode(write_wav(tmp_path / "s.wav", both, channels=2)).samples * 32768
    assert power_at(heard, 440) == pytest.approx(power_at(tone(440), 440) - 6.02, abs=0.05)
    assert power_at(heard, 1000) == pytest.approx(power_at(tone(440), 440) - 12.04, abs=0.05)


def test_a_cover_picture_and_a_film_are_left_alone(source: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    command = ["ffmpeg", "-v", "error", "-i", str(source), *ATTACHED, "-c:v", "mpeg4", str(film)]
    subprocess.run(command, check=True, timeout=200)
    assert aligned_correlation(reference()[800:-800], decode(film).samples)[0] > 0.95


def test_clipping_is_counted_and_loudness_is_not() -> None:
    loud = tone(700, 48_000, 0.5, 32_767)[None] / np.float32(32768)
    assert clipped(loud.astype(np.float32)) == 0
    cut = np.clip(loud * 2, -0.999, 0.999).astype(np.float32)
    share = clipped(cut) / cut.size
    assert share == pytest.approx(2 / 3, abs=0.02), "a sine at twice full scale: 2/3 of it"
    assert clipped((loud * 1.5).astype(np.float32)) > 0, "a float file beyond full scale"
    assert clipped(np.zeros((2, 0), np.float32)) == 0


def test_float_files_may_say_nonsense() -> None:
    odd = np.array([[np.nan, np.inf, -np.inf, 1e30, 0.5]], np.float64)
    assert floats(odd).tolist() == [[0.0, 4.0, -4.0, 4.0, 0.5]]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("empty.wav", b"", "not audio"),
        ("text.mp3", b"Dear customer, \n" * 100, "not audio|no audio"),
        ("zeros.wav", bytes(5000), "not audio|no audio"),
        ("header.wav", wav(b""), "no audio"),
        ("rate.wav", wav(bytes(80), rate=1), "1 samples a second"),
        ("channels.wav", wav(bytes(640 * 20), channels=64), "64 channels"),
        ("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/passwd\n", "not audio"),
        ("list.mp3", b"ffconcat version 1.0\nfile '/etc/passwd'\n", "not audio"),
        ("sdp.wav", b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 26999 RTP/AVP 0\n", "not audio"),
    ],
)
def test_what_is_no_audio_is_refused_with_the_reason(
    name: str, data: bytes, says: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(PromptError, match=says) as raised:
        decode(tmp_path / name)
    assert str(tmp_path / name) in str(raised.value)


def test_a_recording_that_was_cut_off_is_taken_as_far_as_it_goes(
    source: Path, tmp_path: Path
) -> None:
    whole = source.read_bytes()
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole[: len(whole) // 2])
    found = decode(cut)
    assert found.seconds == pytest.approx(1.0, abs=0.01)
    assert found.damaged
    mp3 = ffmpeg(source, tmp_path / "a.mp3").read_bytes()
    middle = len(mp3) // 2
    (tmp_path / "torn.mp3").write_bytes(mp3[:middle] + bytes(2000) + mp3[middle + 2000 :])
    assert 1.5 < decode(tmp_path / "torn.mp3").seconds < 2.2


CUT: dict[str, tuple[str, ...]] = {
    "a.mp3": (),
    "variable.mp3": ("-q:a", "4"),
    "untagged.mp3": ("-write_xing", "0"),
    "untagged-low.mp3": ("-write_xing", "0", "-ar", "22050", "-b:a", "32k"),
    "lowest.mp3": ("-write_xing", "0", "-ar", "11025", "-b:a", "16k"),
    "named.mp3": ("-metadata", "title=Chào mừng", "-write_id3v1", "1"),
    "a.mp2": (),
    "a.wav": (),
    "a.aiff": (),
    "a.au": (),
    "a.w64": (),
    "a.flac": (),
    "a.webm": ("-c:a", "libopus"),
}


@pytest.mark.parametrize("name", CUT)
def test_a_file_that_was_cut_off_is_said_to_miss_parts(
    name: str, source: Path, tmp_path: Path
) -> None:
    path = ffmpeg(source, tmp_path / name, *CUT[name])
    assert not decode(path).damaged
    data = path.read_bytes()
    for kept in (0.35, 0.6, 0.85):
        path.write_bytes(data[: round(len(data) * kept)])
        found = decode(path)
        assert found.damaged, kept
        assert found.seconds == pytest.approx(2.0 * kept, abs=0.35), kept


@pytest.mark.parametrize("claimed", [16_002, 20_000, 1 << 20, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_header_that_claims_more_than_there_is(claimed: int, tmp_path: Path) -> None:
    path = tmp_path / "claims.wav"
    said = AT_8K[:8000].tobytes()
    path.write_bytes(wav(said))
    assert not decode(path).damaged
    path.write_bytes(wav(said, size=claimed))
    found = decode(path)
    assert found.damaged
    assert found.samples.tobytes() == (AT_8K[:8000] / np.float32(32768)).tobytes()


@pytest.mark.parametrize(
    ("head", "size"),
    [
        ("fffb90c4", 417), ("fffb92c4", 418), ("fff340c4", 104), ("ffe328c4", 144),
        ("fffde2c4", 1254), ("fff710c4", 0), ("fffb00c4", 0), ("fffbf0c4", 0), ("fffb9cc4", 0),
        ("ffeb90c4", 0), ("", 0), ("fffb", 0), ("49443304", 0),
    ],
)  # fmt: skip
def test_a_frame_of_mpeg_says_its_size(head: str, size: int) -> None:
    assert mpeg_frame_size(bytes.fromhex(head)) == size


def test_ten_minutes_are_the_most(tmp_path: Path) -> None:
    quiet = ffmpeg(
        write_wav(tmp_path / "s.wav", np.zeros((8000 * 601, 1), np.int16)), tmp_path / "l.flac"
    )
    with pytest.raises(PromptError, match="longer than 600 s"):
        decode(quiet)


def test_a_bomb_of_silence_ends_at_the_limit(tmp_path: Path) -> None:
    """An hour of silence in less than two megabytes."""
    bomb = tmp_path / "hour.flac"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t",
               "3600", "-frame_size", "16384", str(bomb)]  # fmt: skip
    subprocess.run(command, check=True, timeout=200)
    assert bomb.stat().st_size < 2 << 20
    with pytest.raises(PromptError, match="longer than"):
        decode(bomb)


def test_a_decoder_that_hangs_or_crashes_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_wav(tmp_path / "a.wav", tone(440))
    child = tmp_path / "child"
    monkeypatch.setattr(sys, "executable", str(child))

    def plays(script: str) -> str:
        child.write_text(f"#!/bin/sh\n{script}\n")
        child.chmod(0o755)
        with pytest.raises(PromptError) as raised:
            decode(path)
        return str(raised.value)

    assert "SIGSEGV" in plays("kill -SEGV $$")
    assert "status 3" in plays("exit 3")
    assert "takes longer" in plays("kill -XCPU $$")
    assert "status 0" in plays(r"printf 'H\000\000\000\002a'")
    monkeypatch.setattr(decoding, "ENDING_S", 0.05)
    assert "no decoder says" in plays(r"printf 'H\377\377\377\377'; exec sleep 60")
    monkeypatch.setattr(decoding, "DECODE_S_MAX", 0.2)
    assert "takes longer" in plays("exec sleep 60")


def test_too_much_from_the_decoder_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_wav(tmp_path / "a.wav", tone(440))
    monkeypatch.setattr(decoding, "SECONDS_MAX", 0.01)
    record = b"A" + struct.pack(">I", 4000) + bytes(4000)
    (tmp_path / "told").write_bytes(record * 3)
    child = tmp_path / "child"
    child.write_text(f"#!/bin/sh\nexec cat {tmp_path}/told\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    with pytest.raises(PromptError):
        decode(path)


def test_only_files_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "fifo.wav")
    for path, says in (
        (tmp_path / "none.wav", "no such file"),
        (tmp_path, "not a file|Is a directory"),
        (tmp_path / "fifo.wav", "not a file"),
        (Path("/dev/zero"), "not a file"),
    ):
        with pytest.raises(PromptError, match=says):
            decode(path)
    huge = tmp_path / "huge.wav"
    with huge.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(PromptError, match="MiB; at most 512"):
        decode(huge)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[float, float]] = []
    decode(write_wav(tmp_path / "a.wav", tone(440, 44_100, 3.0), 44_100), lambda *a: told.append(a))
    assert len(told) > 2
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (pytest.approx(3.0, abs=0.01), pytest.approx(3.0, abs=0.01))
