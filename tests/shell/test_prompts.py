"""Prompts as they are kept: to the bit where they are G.711, imported, found again, removed."""

from __future__ import annotations

import asyncio
import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.prompts_view import PromptError
from dialerd.core.spoken import Lang, vocabulary
from dialerd.shell.prompt_import import convert, import_file, name_of
from dialerd.shell.prompt_table import Prompts, Shelves
from dialerd.shell.prompts import SAMPLES, Prompt, load_prompt
from dialerd.shell.speech_level import speech_level
from dialerd.shell.wav import read_plain, ulaw_wav
from dialerd.store.prompt_library import Library
from fastpath import g711
from fastpath.rtp import MediaEngine
from tests.shell.audio_files import ALAW, EXTENSIBLE, PCM, ULAW, speechlike, tone, wav, write_wav

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


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


def test_plain_wav_is_read_in_all_its_shapes(tmp_path: Path) -> None:
    samples = tone(440)
    tail = struct.pack("<HHIH", 22, 16, 0, PCM) + bytes(14)
    for data in (
        wav(samples.tobytes()),
        wav(samples.tobytes(), EXTENSIBLE, tail=tail),
        wav(samples.tobytes(), before=b"LIST\x03\0\0\0abc\0"),
        wav(samples.tobytes(), size=0xFFFFFFFF),
        wav(samples.tobytes() + b"\x01", size=1 << 20),
    ):
        (tmp_path / "a.wav").write_bytes(data)
        prompt = load_prompt(tmp_path / "a.wav")
        assert prompt.pcmu == g711.ulaw_encode(samples)
        assert prompt.pcma == g711.alaw_encode(samples)
        assert prompt.seconds == 0.5


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_other_audio_keeps_its_tone_level_and_place(tmp_path: Path, rate: int) -> None:
    both = np.repeat(tone(1000, rate), 2)
    prompt = load_prompt(write_wav(tmp_path / "a.wav", both, rate, channels=2))
    heard = g711.ulaw_decode(prompt.pcmu)[400:-400].astype(float)
    error = heard - tone(1000)[400 : 400 + len(heard)]
    assert prompt.seconds == pytest.approx(0.5, abs=1 / 8000)
    assert np.sqrt((error**2).mean()) < 250, "36 dB below the tone is what mu-law leaves"


@given(st.binary(max_size=200), st.integers(0, 60))
def test_no_bytes_at_all_can_hurt(data: bytes, keep: int) -> None:
    for text in (data, wav(bytes(40))[:keep] + data, b"RIFF\0\0\0\0WAVE" + data):
        found = read_plain(text)
        assert found is None or found.coding != PCM or len(found.data) % 2 == 0


def test_what_is_not_plain_is_left_to_the_decoder() -> None:
    data = bytes(640)
    for odd in (
        wav(data, channels=2), wav(data, rate=16_000), wav(data, bits=24), wav(data, ULAW, bits=16),
        wav(data, 85), b"RIFX" + wav(data)[4:], b"RIFF\0\0\0\0WAVEdata\x04\0\0\0abcd",
        b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0abcd", b"",
    ):  # fmt: skip
        assert read_plain(odd) is None


def test_empty_and_long_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "none.ulaw").write_bytes(b"")
    with pytest.raises(PromptError, match="no audio in it"):
        load_prompt(tmp_path / "none.ulaw")
    (tmp_path / "long.ulaw").write_bytes(bytes(8000 * 601))
    with pytest.raises(PromptError, match="601 s long; at most 600"):
        load_prompt(tmp_path / "long.ulaw")


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("name", ["welcome", "thanks", "goodbye"])
def test_the_sample_prompts_are_short_and_loud_enough(language: str, name: str) -> None:
    prompt = load_prompt(SAMPLES / language / f"{name}.wav")
    samples = g711.ulaw_decode(prompt.pcmu).astype(np.float64) / 32768
    assert 2 <= prompt.seconds <= 4
    assert -23.5 < speech_level(samples, 8000).active_dbov < -18
    assert np.abs(samples).max() < 0.95


@pytest.mark.parametrize("lang", Lang)
def test_every_word_that_is_said_ships_short_and_at_one_level(lang: Lang) -> None:
    levels = {}
    for name in vocabulary(lang):
        prompt = load_prompt(SAMPLES / f"{name}.wav")
        samples = g711.ulaw_decode(prompt.pcmu).astype(np.float64) / 32768
        assert 0.15 <= prompt.seconds <= 0.9, name
        if not name.endswith("/pause"):
            said_on = np.tile(samples, 24_000 // len(samples) + 1)
            levels[name] = speech_level(said_on, 8000).active_dbov
    assert {n: x for n, x in levels.items() if not -23 < x < -19} == {}


def test_the_samples_together_are_small_and_are_packaged() -> None:
    files = sorted(SAMPLES.rglob("*.wav"))
    assert sum(f.stat().st_size for f in files) < 800_000
    pyproject = (SAMPLES.parents[1] / "pyproject.toml").read_text()
    assert '"prompts/*/*.wav", "prompts/*/words/*.wav"' in pyproject


def test_the_music_loops_without_a_seam() -> None:
    music = load_prompt(SAMPLES / "music" / "hold.wav")
    samples = g711.ulaw_decode(music.pcmu).astype(int)
    assert music.seconds == 16.0
    assert len(music.pcmu) % 160 == 0, "a loop begins in the frame after its last"
    assert abs(samples[0] - samples[-1]) < 4 * np.abs(np.diff(samples)).mean()
    assert np.abs(samples).max() < 20_000


def brought(tmp_path: Path, samples: np.ndarray, name: str = "vi/a") -> tuple[Library, Prompt]:
    source = write_wav(tmp_path / "source.wav", samples)
    library = Library(tmp_path / "prompts")
    entry, prompt = import_file(source, name, "vi", NOW)
    library.add(entry, prompt)
    return library, prompt


def test_an_import_is_levelled_kept_and_found_again(tmp_path: Path) -> None:
    library, prompt = brought(tmp_path, (speechlike(3.0) * 0.1).astype(np.int16))
    heard = speech_level(g711.ulaw_decode(prompt.pcmu) / 32768, 8000)
    assert heard.active_dbov == pytest.approx(-20.0, abs=0.3)
    assert "vi/a" in library
    assert library.names() == ["vi/a"]
    assert library.get("vi/a") == prompt
    entry = library.entry("vi/a")
    assert (entry.seconds, entry.codec, entry.rate, entry.lang) == (3.0, "pcm_s16le", 8000, "vi")
    assert entry.level_dbov == pytest.approx(-20.0, abs=0.3)
    assert entry.warnings == ()
    library.remove("vi/a")
    assert "vi/a" not in library
    assert not (tmp_path / "prompts" / "vi").exists()
    with pytest.raises(PromptError, match="no imported prompt vi/a"):
        library.remove("vi/a")


def test_what_is_wrong_with_a_recording_is_told(tmp_path: Path) -> None:
    loud = np.clip(speechlike(3.0).astype(int) * 8, -32768, 32767).astype(np.int16)
    faint = (speechlike(3.0) * 0.004).astype(np.int16)
    bent = (speechlike(3.0) * 0.2).astype(np.int16) + 3000

    def told(samples: np.ndarray) -> str:
        path = write_wav(tmp_path / "a.wav", samples)
        return " ".join(import_file(path, "a", "", NOW)[0].warnings)

    assert "clipped" in told(loud)
    assert "very quiet" in told(faint)
    assert "offset of 9.2%" in told(bent)
    with pytest.raises(PromptError, match=r"3\.0 s of silence: is it the right file"):
        told(np.zeros(24_000, np.int16))
    with pytest.raises(PromptError, match="a level of -5 dBov"):
        import_file(tmp_path / "a.wav", "a", "", NOW, level_dbov=-5)


def test_a_name_is_kept_until_it_is_replaced(tmp_path: Path) -> None:
    library, prompt = brought(tmp_path, speechlike(1.0))
    entry, other = import_file(
        write_wav(tmp_path / "b.wav", speechlike(1.5)), "vi/a", "vi", NOW, level_dbov=-26
    )
    with pytest.raises(PromptError, match="--replace"):
        library.add(entry, other)
    assert library.get("vi/a") == prompt
    library.add(entry, other, replace=True)
    assert library.get("vi/a") == other
    assert [p.name for p in (tmp_path / "prompts" / "vi").iterdir()] == ["a.prompt"]


@pytest.mark.parametrize("damage", ["cut", "bit", "magic", "header", "empty"])
def test_a_damaged_prompt_is_not_played(tmp_path: Path, damage: str) -> None:
    library, _ = brought(tmp_path, speechlike(1.0))
    path = library.path("vi/a")
    data = bytearray(path.read_bytes())
    if damage == "bit":
        data[-9] ^= 1
    elif damage == "header":
        data[17:21] = b"\xff" * 4
    else:
        data = {"cut": data[:-1], "magic": b"x" + data[1:], "empty": b""}[damage]
    path.write_bytes(data)
    with pytest.raises(PromptError, match="damaged: import the prompt again"):
        library.get("vi/a")
    assert len(list(library.entries())) == (1 if damage == "bit" else 0)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    library, _ = brought(tmp_path, speechlike(1.0))
    entry = library.entry("vi/a")
    blocked = Library(tmp_path / "source.wav")  # a file where a folder should be
    with pytest.raises(PromptError, match="cannot write it"):
        blocked.add(entry, library.get("vi/a"))


@pytest.mark.parametrize("name", ["", "../x", "/etc/x", "a//b", ".x", "a b", "a\n", "é", "a" * 129])
def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(PromptError, match="cannot be the name"):
        Library(tmp_path).path(name)
    assert name not in Library(tmp_path)


def test_a_file_suggests_a_name() -> None:
    for file, lang, name in (
        ("Chào mừng Quý khách.mp3", "vi", "vi/chao-mung-quy-khach"),
        ("Đồng hồ.wav", "", "dong-ho"),
        ("a_b.c.ogg", "en", "en/a_b.c"),
        ("???.wav", "", "prompt"),
    ):
        assert name_of(Path(file), lang) == name


def test_converting_writes_a_wav_that_loads_as_itself(tmp_path: Path) -> None:
    spoken = np.concatenate([np.zeros(22_050, np.int16), speechlike(2.0, 22_050)])
    target = tmp_path / "b.wav"
    convert(write_wav(tmp_path / "a.wav", spoken, 22_050), target)
    found = load_prompt(target)
    assert found.seconds == pytest.approx(2.1, abs=0.05), "silence is cut to a tenth of a second"
    assert target.read_bytes() == ulaw_wav(found.pcmu)
    assert len(target.read_bytes()) == 8 + int.from_bytes(target.read_bytes()[4:8], "little")


def test_imported_prompts_come_before_files_and_files_before_samples(tmp_path: Path) -> None:
    library, prompt = brought(tmp_path, speechlike(1.0), "vi/welcome")
    folder = tmp_path / "files"
    (folder / "vi").mkdir(parents=True)
    (folder / "vi" / "welcome.ulaw").write_bytes(b"a" * 800)
    assert Shelves((folder,), library).read("vi/welcome") == prompt
    assert Shelves((folder,)).read("vi/welcome").pcmu == b"a" * 800
    assert Shelves(()).read("vi/welcome").seconds > 2
    assert {"vi/welcome", "en/thanks"} <= set(Shelves((folder,), library).names())


def test_an_unknown_prompt_is_answered_with_the_nearest() -> None:
    with pytest.raises(PromptError, match=r"did you mean vi/welcome"):
        Shelves(()).find("vi/welcom")
    with pytest.raises(PromptError, match="dialerd prompt add"):
        Shelves(()).find("qqqqqqqq")
    for name in ("/etc/passwd", "../x", "vi/../../x", ""):
        with pytest.raises(PromptError):
            Shelves(()).find(name)


def test_a_replaced_prompt_is_the_new_one_and_a_removed_one_is_none(tmp_path: Path) -> None:
    library, _ = brought(tmp_path, speechlike(1.0))
    engine = MediaEngine(priority=0, streams_max=4)
    prompts = Prompts(engine, (), library)
    asyncio.run(prompts.prepare("vi/a"))
    first = prompts.load("vi/a")
    assert asyncio.run(prompts.renew("vi/a")) == 1.0
    second = prompts.load("vi/a")
    assert first != second
    assert engine.counters()["prompts"] == 1
    asyncio.run(prompts.remove("vi/a"))
    assert "vi/a" not in library
    with pytest.raises(PromptError, match="no imported prompt vi/a"):
        asyncio.run(prompts.remove("vi/a"))
    with pytest.raises(PromptError, match="no imported prompt"):
        asyncio.run(Prompts(engine, ()).remove("vi/a"))
    with pytest.raises(PromptError, match="neither imported"):
        asyncio.run(prompts.renew("vi/a"))
    with pytest.raises(PromptError, match="neither imported"):
        prompts.load("vi/a")
    assert engine.counters()["prompts"] == 0
