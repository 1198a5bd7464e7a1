"""`dialerd detect --explain`: a picture of what was heard; and the command's other options."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from bench.answer_audio import SOUNDS
from dialerd.cli.main import FAILED, OK, USAGE, run
from dialerd.detect.audio import Event, Findings, hear
from dialerd.detect.explain import COLOURS, _until, draw
from tests.shell.audio_files import wav, write_wav

HELLO = SOUNDS / "fr_CA_f_June" / "hello.wav"
GREETING = SOUNDS / "fr_CA_f_June" / "vm-intro.wav"


def pixels(path: Path) -> np.ndarray:
    """A PNG of 8 bits as (height, width, channels), read by its own rules (ISO 15948)."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, bits, kind = struct.unpack(">IIBB", data[16:26])
    channels = {2: 3, 6: 4}[kind]
    assert bits == 8
    packed, at = b"", 8
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        packed += data[at + 8 : at + 8 + size] if name == b"IDAT" else b""
        at += 12 + size
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, -1)
    assert rows.shape[1] == 1 + width * channels
    return rows


def test_a_picture_is_drawn_beside_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "hello.wav"
    shutil.copy(HELLO, here)
    assert run(["detect", "--json", "--explain", str(here)]) == OK
    found = json.loads(capsys.readouterr().out)
    assert found["picture"] == f"{here}.png"
    assert len(pixels(tmp_path / "hello.wav.png")) > 400
    assert sorted(one.name for one in tmp_path.iterdir()) == ["hello.wav", "hello.wav.png"]


@pytest.mark.parametrize("first", [True, False])
def test_pictures_go_where_they_are_asked_for(tmp_path: Path, *, first: bool) -> None:
    place, files = f"{tmp_path}/new/", [str(HELLO), str(GREETING)]
    words = ["--explain", place, *files] if first else [*files, "--explain", place]
    assert run(["detect", *words]) == OK
    assert {one.name for one in (tmp_path / "new").iterdir()} == {
        "hello.wav.png", "vm-intro.wav.png",
    }  # fmt: skip
    assert run(["detect", "--explain", str(tmp_path / "one.png"), str(HELLO)]) == OK
    assert pixels(tmp_path / "one.png").size
    assert run(["detect", "--explain", str(tmp_path / "one.png"), *files]) == USAGE


def test_a_place_that_cannot_be_written_is_an_error_of_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert run(["detect", "--json", f"--explain={tmp_path}/file/", str(HELLO)]) == FAILED
    assert str(tmp_path) in json.loads(capsys.readouterr().out)["error"]


def test_everything_that_can_be_heard_can_be_drawn(tmp_path: Path) -> None:
    events = [
        Event(kind, f"$x_{number} <&>", number / 10, number / 10 + 1, 0.1 * number)  # type: ignore[arg-type]
        for number, kind in enumerate(COLOURS)
    ]
    found = Findings("machine", 1.2, 0.5, "model", 3.0, events)
    rng = np.random.default_rng(1)
    for samples in (0, 1, 100, 300, 24_000):
        sound = rng.integers(-9_000, 9_000, samples).astype(np.int16)
        with open(tmp_path / f"{samples}.png", "wb") as file:
            draw("a$b_{\n\x1b[0m.wav", sound, found, file)
        assert pixels(tmp_path / f"{samples}.png").size


def test_an_hour_is_drawn_by_its_begin(tmp_path: Path) -> None:
    samples = np.zeros(3_600 * 8_000, np.int16)
    with open(tmp_path / "hour.png", "wb") as file:
        draw("hour", samples, Findings(None, None, 0.0, "early media", 3_600.0, []), file)
    rows = pixels(tmp_path / "hour.png")
    assert rows.shape[0] < 2_000
    assert rows.shape[1] < 4 * 4_000


def test_nothing_of_the_library_is_loaded_without_a_picture() -> None:
    """Nor what prompts and SIP need: a start costs what hearing needs."""
    code = (
        "import sys; from dialerd.cli.main import run; run(['detect', sys.argv[1]]);"
        "print([n for n in ('matplotlib', 'av', 'soxr', 'asyncio', 'sip') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(HELLO)], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


# ---- lists of files, and the classic rule


def test_files_may_come_from_a_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = tmp_path / "list.txt"
    named.write_text(f"{HELLO}\n\n{GREETING}\r\n{tmp_path}/gone.wav\n")
    assert run(["detect", "--json", "--files-from", str(named), str(GREETING)]) == FAILED
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["verdict"] for one in lines] == ["machine", "human", "machine", "unknown"]
    (tmp_path / "none.txt").write_text("")
    assert run(["detect", "--files-from", str(tmp_path / "none.txt")]) == USAGE
    assert "no FILE" in capsys.readouterr().err


def test_standard_input_may_name_thousands(tmp_path: Path) -> None:
    said = np.hstack([np.zeros(800), np.random.default_rng(1).normal(0, 900, 800)])
    path = write_wav(tmp_path / "short.wav", said.astype(np.int16))
    done = subprocess.run(
        [sys.executable, "-m", "dialerd", "detect", "--json", "--files-from", "-"],
        input=f"{path}\n" * 3_000, check=True, capture_output=True, text=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) == 3_000
    assert len(set(lines)) == 1
    assert done.stderr == ""


def test_the_classic_rule_decides_by_its_parameters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voice = np.random.default_rng(1).normal(0, 3_000, 9_600).astype(np.int16)
    (tmp_path / "a.wav").write_bytes(wav(bytes(3_200) + voice.tobytes() + bytes(24_000)))

    def verdict(*options: str) -> dict:
        assert run(["detect", "--json", "--classic", *options, str(tmp_path / "a.wav")]) == OK
        return json.loads(capsys.readouterr().out)

    plain = verdict()
    assert (plain["verdict"], plain["reason"]) == ("human", "silence after greeting")
    assert plain["verdict_at_s"] == pytest.approx(0.2 + 1.2 + 0.8, abs=0.03)
    sooner = verdict("--after-greeting-silence", "400")
    assert sooner["verdict_at_s"] == pytest.approx(0.2 + 1.2 + 0.4, abs=0.03)
    assert verdict("--greeting", "1000")["verdict"] == "machine"
    deaf = verdict("--silence-threshold", "9000", "--initial-silence", "600")
    assert (deaf["verdict"], deaf["reason"]) == ("machine", "initial silence")
    assert {one["type"] for one in plain["events"]} <= {"speech"}


@pytest.mark.parametrize(
    "words",
    [["--greeting", "900"], ["--classic", "--greeting", "-1"], ["--classic", "--model", "m.toml"],
     ["--channel", "0"], ["--classic", "--greeting", "x"]],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(words: list[str]) -> None:
    assert run(["detect", *words, str(HELLO)]) == USAGE


def test_what_is_said_in_early_media_needs_no_verdict_to_be_drawn(tmp_path: Path) -> None:
    found = hear(np.zeros(8_000, np.int16), early_media=True)
    with open(tmp_path / "e.png", "wb") as file:
        draw("e", np.zeros(8_000, np.int16), found, file)
    assert pixels(tmp_path / "e.png").size


@pytest.mark.parametrize(("at_s", "until_s"), [(1.02, 1.12), (0.5, 0.9), (None, 0.9)])
def test_a_verdict_behind_the_end_is_on_the_axis(at_s: float | None, until_s: float) -> None:
    found = Findings(None if at_s is None else "human", at_s, 0.9, "model", 0.9, [])
    assert _until(found, 0.9) == pytest.approx(until_s)
