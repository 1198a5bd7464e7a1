"""`dialerd tones` as its users run it."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.tone_audio import Line, cadence, made
from dialerd.detect.tone_plan import load_book
from tests.cli.conftest import Done

Command = Callable[..., Done]


@pytest.fixture
def busy(tmp_path: Path) -> str:
    path = tmp_path / "busy.wav"
    audio = made(cadence((425.0,), 0.4, 0.4, times=6), Line(), np.random.default_rng(1))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(audio.astype("<i2").tobytes())
    return str(path)


def test_list(command: Command) -> None:
    done = command("tones", "list")
    assert done.code == 0
    assert "vn" in done.out
    assert "assumed" in done.out
    done = command("tones", "list", "us")
    assert "440 + 480" in done.out
    assert "never stops" in done.out
    assert json.loads(command("tones", "list", "us", "--json").out)["us"]["tone"][0]["hertz"]
    done = command("tones", "list", "nowhere")
    assert done.code == 2
    assert "known: " in done.err


def test_learn_writes_a_plan_that_is_right(command: Command, busy: str, tmp_path: Path) -> None:
    plan = tmp_path / "mine.toml"
    done = command("tones", "learn", busy, "--as", "busy", "--into", str(plan))
    assert done.code == 0
    assert "hertz = [425]\ncadence_s = [0.4, 0.4]\n" in done.out
    assert command("tones", "learn", busy, "--as", "congestion", "--into", str(plan)).code == 0
    done = command("tones", "check", str(plan))
    assert done.out == f"{plan}: 2 tones, right\n"
    assert len(load_book(str(plan))) == 2
    done = command("tones", "learn", busy, "--as", "busy", "--into", str(plan))
    assert done.code == 3
    assert "the same as tone number 1" in done.err
    assert len(plan.read_text().split("[[tone]]")) == 3, "it is left as it was"


def test_faults(command: Command, tmp_path: Path, busy: str) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[[tone]]\nkind = "busy"\nhertz = [12]\n')
    done = command("tones", "check", str(wrong))
    assert done.code == 3
    assert f"{wrong}:3:" in done.err
    assert command("tones", "learn", busy, "--as", "other").code == 2
    assert command("tones", "learn", str(tmp_path / "gone.wav"), "--as", "busy").code == 1
    silent = tmp_path / "silent.wav"
    with wave.open(str(silent), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(bytes(32_000))
    done = command("tones", "learn", str(silent), "--as", "busy")
    assert done.code == 1
    assert "no tone was heard" in done.err
