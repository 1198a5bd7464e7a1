"""`dialerd detect` as its users run it."""

from __future__ import annotations

import json
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from bench.answer_audio import SOUNDS
from dialerd.cli.main import CONFIG, FAILED, OK, run

HELLO = SOUNDS / "fr_CA_f_June" / "hello.wav"
GREETING = SOUNDS / "fr_CA_f_June" / "vm-intro.wav"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_many_files_get_a_line_each_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(HELLO), str(GREETING)] * 12
    assert run(["detect", "--json", *paths]) == OK
    found = lines(capsys)
    assert [one["file"] for one in found] == paths
    assert [one["verdict"] for one in found] == ["human", "machine"] * 12
    assert set(found[0]) == {
        "file", "verdict", "verdict_at_s", "confidence", "reason", "seconds", "events",
    }  # fmt: skip
    assert set(found[0]["events"][0]) == {"type", "value", "at_s", "until_s", "confidence"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["-ar", "44100", "-ac", "2", "out.flac"], ["-ar", "48000", "out.mp3"],
        ["-ar", "16000", "out.wav"], ["-c:a", "pcm_mulaw", "out.wav"],
        ["-c:a", "pcm_alaw", "out.wav"], ["-ar", "8000", "-c:a", "gsm", "-f", "gsm", "out.gsm"],
        ["-c:a", "pcm_u8", "out.wav"],
    ],
    ids=["stereo flac", "mp3", "16 kHz", "u-law", "a-law", "gsm", "8 bits"],
)  # fmt: skip
def test_any_format_is_heard(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / arguments[-1]
    command = ["ffmpeg", "-v", "error", "-i", str(HELLO), *arguments[:-1], str(made)]
    subprocess.run(command, check=True)
    assert run(["detect", "--json", str(made)]) == OK
    assert lines(capsys)[0]["verdict"] == "human"


def test_what_cannot_be_read_is_said_and_the_others_are_heard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, empty = tmp_path / "broken.wav", tmp_path / "empty.wav"
    broken.write_bytes(b"RIFF\xff\xff\xff\xffWAVEfmt " + bytes(40))
    empty.write_bytes(b"")
    with wave.open(str(tmp_path / "one.wav"), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(np.ones(1, "<i2").tobytes())
    (tmp_path / "none").mkdir()
    paths = [str(broken), str(empty), "gone.wav", str(tmp_path / "none"), str(tmp_path / "one.wav")]
    assert run(["detect", "--json", *paths, str(HELLO)]) == FAILED
    found = lines(capsys)
    assert ["error" in one for one in found] == [True, True, True, True, False, False]
    assert (found[4]["verdict"], found[4]["reason"]) == ("unknown", "no audio")
    assert "no such file" in found[2]["error"]


def test_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["detect", str(HELLO), "gone.wav"]) == FAILED
    text = capsys.readouterr().out
    assert f"{HELLO}  human at " in text
    assert "speech voice" in text
    assert "error: gone.wav: no such file" in text


def test_early_media_has_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["detect", "--json", "--early-media", str(GREETING)]) == OK
    found = lines(capsys)[0]
    assert found["verdict"] is None
    assert found["events"]


def test_another_model_is_read_and_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model.toml"
    model.write_text("bias = 1\n")
    assert run(["detect", "--model", str(model), str(HELLO)]) == CONFIG
    assert "model.toml" in capsys.readouterr().err
