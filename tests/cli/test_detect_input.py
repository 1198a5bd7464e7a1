"""`dialerd detect` on every kind of file: what is audio is heard, what is none is said to be none.

The voice is a recorded word, which is a person's; damage to the file must not make it another's.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soxr

from bench.answer_audio import SOUNDS, read_wav
from dialerd.cli.main import FAILED, OK, USAGE, run
from dialerd.core.prompts_view import PromptError
from dialerd.shell import hearing, wav_any
from tests.shell.audio_files import ALAW, EXTENSIBLE, PCM, ULAW, ffmpeg, wav

HELLO = SOUNDS / "fr_CA_f_June" / "hello.wav"
FLOAT = 3
GUID = bytes.fromhex("0000000010008000 00aa00389b71".replace(" ", ""))
VOICE = np.hstack([np.zeros(3_200), read_wav(HELLO), np.zeros(12_000)])  # full scale 1.0


def at_rate(rate: int) -> np.ndarray:
    return soxr.resample(VOICE, 8_000, rate)


def pcm(audio: np.ndarray, bits: int = 16) -> bytes:
    """Floats as integers of so many bits; (samples, channels) or (samples,)."""
    audio = np.clip(audio, -1, 1 - 2.0**-15)
    if bits == 8:
        return np.rint(audio * 127 + 128).astype("u1").tobytes()
    if bits == 24:
        wide = np.rint(audio * (1 << 23)).astype("<i4").reshape(-1, 1).view("u1")
        return wide.reshape(-1, 4)[:, :3].tobytes()
    return np.rint(audio * (1 << (bits - 1))).astype(f"<i{bits // 8}").tobytes()


def stereo(left: np.ndarray, right: np.ndarray) -> bytes:
    return pcm(np.stack([left, right], axis=1))


def extensible(coding: int, bits: int) -> bytes:
    """What follows the 16 octets of such a format."""
    return struct.pack("<HHIH", 22, bits, 4, coding) + GUID


def noise(scale: float) -> np.ndarray:
    return np.random.default_rng(1).normal(0, scale, len(VOICE))


RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000)
VOICES: dict[str, Callable[[], bytes]] = {
    **{f"{rate} Hz": lambda rate=rate: wav(pcm(at_rate(rate)), rate=rate) for rate in RATES},
    **{f"{bits} bits": lambda bits=bits: wav(pcm(VOICE, bits), bits=bits) for bits in (8, 24, 32)},
    "float": lambda: wav(VOICE.astype("<f4").tobytes(), FLOAT, bits=32),
    "double": lambda: wav(VOICE.astype("<f8").tobytes(), FLOAT, bits=64),
    "float with nonsense": lambda: wav(
        np.hstack([VOICE, [np.nan, np.inf, -np.inf]]).astype("<f4").tobytes(), FLOAT, bits=32
    ),
    "extensible": lambda: wav(pcm(VOICE), EXTENSIBLE, tail=extensible(PCM, 16)),
    "stereo": lambda: wav(stereo(VOICE, VOICE), channels=2),
    "stereo, left": lambda: wav(stereo(VOICE, 0 * VOICE), channels=2),
    "stereo, right over noise": lambda: wav(stereo(noise(2e-4), VOICE), channels=2),
    "stereo, reversed": lambda: wav(stereo(VOICE, -VOICE), channels=2),
    "stereo at 44100 Hz": lambda: wav(
        stereo(at_rate(44_100), at_rate(44_100)), rate=44_100, channels=2
    ),
    "clipped": lambda: wav(pcm(VOICE * 12)),
    "a constant": lambda: wav(pcm(VOICE / 2 + 0.45)),
    "a constant at 16000 Hz": lambda: wav(pcm(at_rate(16_000) / 2 - 0.4), rate=16_000),
    "a constant that moves": lambda: wav(
        pcm(VOICE / 2 + 0.3 * np.sin(np.arange(len(VOICE)) / 8_000 * 2 * np.pi * 0.7))
    ),
    "a constant that begins": lambda: wav(pcm(VOICE / 2 + 0.3 * (np.arange(len(VOICE)) > 2_000))),
    "silence, then it": lambda: wav(bytes(2 * 16_000) + pcm(VOICE)),
    "quiet": lambda: wav(pcm(VOICE * 0.08)),
    "over noise": lambda: wav(pcm(VOICE + noise(0.008))),
    "data that claims more": lambda: wav(pcm(VOICE), size=1 << 30),
    "data that claims all": lambda: wav(pcm(VOICE), size=0xFFFFFFFF),
    "data that claims nothing": lambda: wav(pcm(VOICE), size=0),
    "half a sample at the end": lambda: wav(pcm(VOICE) + b"\1"),
    "a header of another size": lambda: b"RIFF\4\0\0\0" + wav(pcm(VOICE))[8:],
    "an odd chunk before": lambda: wav(pcm(VOICE), before=b"LIST\5\0\0\0INFOx\0"),
    "many chunks before": lambda: wav(pcm(VOICE), before=b"junk\4\0\0\0abcd" * 500),
    "a wrong octet rate": lambda: wav(pcm(VOICE))[:28] + bytes(4) + wav(pcm(VOICE))[32:],
}


@pytest.fixture
def detect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[dict]]:
    """Files as `dialerd detect --json` finds them, by the exit code that is right."""

    def heard(*arguments: str | Path, code: int = OK) -> list[dict]:
        assert run(["detect", "--json", *map(str, arguments)]) == code
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return heard


def test_a_voice_is_a_persons_in_any_wav_file(detect: Callable, tmp_path: Path) -> None:
    paths = []
    for number, (_, make) in enumerate(VOICES.items()):
        paths.append(tmp_path / f"{number}.wav")
        paths[-1].write_bytes(make())
    found = dict(zip(VOICES, detect(*paths), strict=True))
    assert {name: one["verdict"] for name, one in found.items()} == dict.fromkeys(VOICES, "human")
    plain = found["8000 Hz"]
    for rate in RATES:
        one = found[f"{rate} Hz"]
        assert one["seconds"] == pytest.approx(plain["seconds"], abs=0.01)
        assert one["verdict_at_s"] == pytest.approx(plain["verdict_at_s"], abs=0.1), rate


CODED: dict[str, tuple[str, ...]] = {
    "a.mp3": ("-ar", "44100"), "low.mp3": ("-ar", "8000", "-b:a", "16k"), "a.ogg": (),
    "a.opus": ("-b:a", "24k"), "a.flac": ("-ar", "48000", "-ac", "2"), "a.m4a": (), "a.gsm": (),
    "gsm.wav": ("-c:a", "gsm_ms", "-ar", "8000"), "adpcm.wav": ("-c:a", "adpcm_ms"),
    "ulaw.wav": ("-c:a", "pcm_mulaw"), "alaw.wav": ("-c:a", "pcm_alaw"),
    "a.ulaw": ("-f", "mulaw", "-ar", "8000"), "a.alaw": ("-f", "alaw", "-ar", "8000"),
    "a.sln": ("-f", "s16le", "-ar", "8000"), "a.g722": ("-ar", "16000"), "a.aiff": (), "a.au": (),
    "w64.w64": (), "rf64.wav": ("-rf64", "always"),
}  # fmt: skip


def test_a_voice_is_a_persons_in_any_format(detect: Callable, tmp_path: Path) -> None:
    source = tmp_path / "source.wav"
    source.write_bytes(wav(pcm(VOICE)))
    paths = [ffmpeg(source, tmp_path / name, *options) for name, options in CODED.items()]
    found = detect(*paths)
    assert [one["verdict"] for one in found] == ["human"] * len(CODED)
    for one in found:
        assert one["seconds"] == pytest.approx(len(VOICE) / 8_000, abs=0.15), one["file"]


def sine(seconds: float, hertz: float) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * 8_000)) / 8_000)


NOTHING: dict[str, tuple[Callable[[], bytes], str]] = {  # a file, why there is no verdict
    "no sample": (lambda: wav(b""), "no audio"),
    "one sample": (lambda: wav(b"\0\x40"), "no audio"),
    "159 samples": (lambda: wav(pcm(VOICE[5_000:5_159])), "no audio"),
    "half a sample": (lambda: wav(b"\1"), "no audio"),
    "digital silence": (lambda: wav(bytes(2 * 24_000)), "silence"),
    "short digital silence": (lambda: wav(bytes(2 * 4_000)), "silence"),
    "the lowest bit": (
        lambda: wav(np.random.default_rng(2).integers(-1, 2, 24_000).astype("<i2").tobytes()),
        "silence",
    ),
    "steady noise": (lambda: wav(pcm(noise(0.05)[:24_000])), "no voice"),
    "a constant": (lambda: wav(struct.pack("<h", 20_000) * 24_000), "silence"),
    "the greatest constant": (lambda: wav(b"\0\x80" * 24_000), "silence"),
    "a constant that moves": (lambda: wav(pcm(sine(5, 0.1))), "silence"),
    "half a word": (lambda: wav(pcm(VOICE[4_800:6_000]))[: 44 + 2 * 480], "ended"),
}


def test_no_verdict_from_no_evidence(detect: Callable, tmp_path: Path) -> None:
    paths = []
    for number, (make, _) in enumerate(NOTHING.values()):
        paths.append(tmp_path / f"{number}.wav")
        paths[-1].write_bytes(make())
    found = dict(zip(NOTHING, detect(*paths), strict=True))
    for name, one in found.items():
        assert (name, one["verdict"], one["confidence"]) == (name, "unknown", 0.0)
        assert one["reason"] == NOTHING[name][1], name
        assert isinstance(one["verdict_at_s"], float)


BROKEN: dict[str, Callable[[], bytes]] = {
    "no octet": lambda: b"",
    "a text": lambda: b"Dear customer,\n" * 300,
    "zeros": lambda: bytes(5_000),
    "chance": lambda: np.random.default_rng(3).bytes(20_000),
    "RIFF and no more": lambda: b"RIFF",
    "a header without chunks": lambda: b"RIFF\0\0\0\0WAVE",
    "a format of enormous size": lambda: b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff" + bytes(9),
    "no format": lambda: b"RIFF\0\1\0\0WAVEdata\0\1\0\0" + bytes(256),
    "no channels": lambda: wav(bytes(320), channels=0),
    "no rate": lambda: wav(bytes(3_200), rate=0),
    "an endless rate": lambda: wav(bytes(3_200), rate=0xFFFFFFFF),
    "a playlist": lambda: b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n",
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(500),
}


def test_what_is_no_audio_has_an_error_and_no_verdict(detect: Callable, tmp_path: Path) -> None:
    paths = []
    for number, make in enumerate(BROKEN.values()):
        paths.append(tmp_path / f"{number}.wav")
        paths[-1].write_bytes(make())
    found = dict(zip(BROKEN, detect(*paths, code=FAILED), strict=True))
    for name, one in found.items():
        assert one["error"].startswith(one["file"]), name
        assert (one["verdict"], one["reason"], one["events"]) == ("unknown", "unreadable", []), name
    assert all(one["verdict"] is None for one in detect("--early-media", *paths, code=FAILED))


def test_what_is_no_file_is_not_waited_for(detect: Callable, tmp_path: Path) -> None:
    fifo, loop, secret = tmp_path / "fifo", tmp_path / "loop", tmp_path / "x\udcff\n.wav"
    os.mkfifo(fifo)
    (tmp_path / "empty").mkdir()
    loop.symlink_to(loop)
    secret.write_bytes(wav(pcm(VOICE)))
    paths = [
        fifo,
        loop,
        tmp_path / "empty",
        "/dev/zero",
        "/dev/null",
        HELLO / "more.wav",
        "n" * 5_000,
        secret,
    ]
    found = detect(*paths, code=FAILED)
    assert ["error" in one for one in found] == [True] * 7 + [False]
    assert found[-1]["verdict"] == "human"
    assert "\N{REPLACEMENT CHARACTER}\n" in found[-1]["file"]


def test_an_unreadable_file_has_an_error(
    detect: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who runs the tests may be root, whom nothing is refused: the kernel's answer is put in."""
    opened = os.open

    def refuse(path: object, *more: int) -> int:
        if str(path).endswith("locked.wav"):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    (tmp_path / "locked.wav").write_bytes(wav(pcm(VOICE)))
    found = detect(tmp_path / "locked.wav", HELLO, code=FAILED)
    assert "Permission denied" in found[0]["error"]
    assert found[1]["verdict"] == "human"


def sparse(path: Path, samples: int) -> Path:
    """A WAV file of so many samples that takes no room."""
    path.write_bytes(wav(b"", size=0xFFFFFFFF))
    os.truncate(path, path.stat().st_size + 2 * samples)
    return path


def test_what_lasts_for_days_is_refused_unread(detect: Callable, tmp_path: Path) -> None:
    week = sparse(tmp_path / "week.wav", 7 * 86_400 * 8_000 // 10)
    larger = sparse(tmp_path / "larger.wav", 10 << 30)
    found = detect(week, larger, code=FAILED)
    assert "longer than 6 hours" in found[0]["error"]
    assert "MiB are read" in found[1]["error"]


def test_no_more_than_a_piece_of_a_file_is_held(tmp_path: Path) -> None:
    day = sparse(tmp_path / "hours.wav", 5 * 3600 * 8_000)
    heard = 0
    for piece in hearing.listen(day):
        assert len(piece) <= wav_any.PIECE_FRAMES
        heard += len(piece)
    assert heard == 5 * 3600 * 8_000


@pytest.mark.parametrize(("channel", "verdict"), [(1, "unknown"), (2, "human")])
def test_one_channel_may_be_chosen(
    detect: Callable, tmp_path: Path, channel: int, verdict: str
) -> None:
    (tmp_path / "s.wav").write_bytes(wav(stereo(noise(0.02), VOICE), channels=2))
    [found] = detect("--channel", str(channel), tmp_path / "s.wav")
    assert found["verdict"] == verdict


def test_a_channel_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "s.wav").write_bytes(wav(stereo(VOICE, VOICE), channels=2))
    with pytest.raises(PromptError, match="no channel 3, but 2"):
        list(hearing.listen(tmp_path / "s.wav", 3))
    flac = ffmpeg(tmp_path / "s.wav", tmp_path / "s.flac")
    with pytest.raises(PromptError, match="no channel 3, but 2"):
        list(hearing.listen(flac, 3))
    for name in ("empty.flac", "mono.ulaw"):
        (tmp_path / name).write_bytes(b"fLaC" if name == "empty.flac" else bytes(1_600))
        with pytest.raises(PromptError):
            list(hearing.listen(tmp_path / name, 2))


@pytest.mark.parametrize("kind", ["flac", "ogg", "mp3", "m4a", "aiff"])
@pytest.mark.parametrize(("channel", "verdict"), [(1, "unknown"), (2, "human")])
def test_one_channel_of_any_format(
    detect: Callable, tmp_path: Path, kind: str, channel: int, verdict: str
) -> None:
    (tmp_path / "s.wav").write_bytes(wav(stereo(noise(0.02), VOICE), channels=2))
    file = ffmpeg(tmp_path / "s.wav", tmp_path / f"s.{kind}")
    [found] = detect("--channel", str(channel), file)
    assert found["verdict"] == verdict


def test_a_folder_is_all_its_files_in_their_order(detect: Callable, tmp_path: Path) -> None:
    voice = wav(pcm(VOICE))
    for name in ("b.wav", "a/z.wav", "a/b/c.wav", "a.wav", ".hidden/d.wav", "e.wav.png", ".f"):
        (tmp_path / "all" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "all" / name).write_bytes(voice)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/g.wav").write_bytes(voice)
    (tmp_path / "all/link").symlink_to(tmp_path / "elsewhere")
    found = detect(tmp_path / "all", tmp_path / "elsewhere/g.wav")
    names = [str(Path(one["file"]).relative_to(tmp_path)) for one in found]
    assert names == [
        "all/a.wav", "all/b.wav", "all/a/z.wav", "all/a/b/c.wav", "elsewhere/g.wav",
    ]  # fmt: skip
    assert {one["verdict"] for one in found} == {"human"}


@pytest.mark.parametrize("coding", [PCM, ALAW, ULAW])
@pytest.mark.parametrize("flips", range(3))
def test_headers_of_any_content_raise_nothing(tmp_path: Path, coding: int, flips: int) -> None:
    """Octets of a header changed by chance: it is another file then, or the decoder's to judge."""
    data = bytearray(wav(pcm(VOICE[:4_000]), coding, bits=16 if coding == PCM else 8))
    rng = np.random.default_rng(flips)
    for number in range(40):
        bad = bytearray(data)
        for at in rng.integers(0, 44, flips + 1):
            bad[at] = int(rng.integers(256))
        (tmp_path / f"{number}.wav").write_bytes(bad)
    for number in range(40):
        with open(tmp_path / f"{number}.wav", "rb") as file:
            layout = wav_any.find(file)
            if layout is not None:
                assert sum(map(len, wav_any.pieces(file, layout))) >= 0


@pytest.mark.parametrize("more", [["--classic"], ["--model", "m.toml"]])
def test_early_media_has_no_verdict_to_choose_a_rule_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    assert run(["detect", "--early-media", *more, str(tmp_path / "a.wav")]) == USAGE
    assert "no verdict" in capsys.readouterr().err
