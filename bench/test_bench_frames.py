"""One frame of 20 ms in memory: keys heard in it, and its place in a recording.

Beside a plain C program (`rtp_twin tones`, `rtp_twin record`). Ours also asks whether a tone is in
tune and how long it lasted; and lays out packets in whatever order they came.
"""

from __future__ import annotations

import json
import os
import subprocess

import numpy as np
import pytest

from bench import rtp_calls
from fastpath.dtmf import DtmfDetector
from fastpath.g711 import ulaw_decode
from fastpath.rtp import RECORD_DTYPE
from fastpath.rtp_tape import Tape

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
FRAMES = 1_200 if SMOKE else 60_000
ROUNDS = 1 if SMOKE else 15
PART = 12  # frames handed on at once, as the thread that writes does it
AUDIO = bytes(i * 7 & 255 for i in range(160 * 600))
TONES = "keys heard in the audio, a frame of 20 ms"
RECORD = "a frame of a recording, decoded and laid out as stereo"
TWIN = "C twin"


def hear() -> int:
    """Decode and hear."""
    detector, heard = DtmfDetector(), 0
    for _ in range(FRAMES * 160 // len(AUDIO)):
        heard += len(detector.hear(ulaw_decode(AUDIO)))
    return heard


def entries() -> list[bytes]:
    """What the engine hands out of both sides, a part at a time."""
    found = []
    for part in range(50):
        made = np.zeros(2 * PART, RECORD_DTYPE)
        made["position"] = 160 * (np.arange(2 * PART) // 2 + part * PART)
        made["side"] = np.arange(2 * PART) % 2
        made["size"] = 160
        made["payload"] = np.frombuffer(AUDIO, np.uint8)[: 2 * PART * 160].reshape(-1, 160)
        found.append(made.tobytes())
    return found


def lay(parts: list[bytes]) -> int:
    """Samples of each side that came out."""
    laid = 0
    for _ in range(FRAMES // (PART * len(parts))):
        tape = Tape(0)
        for part in parts:
            tape.take(part)
        laid += tape.samples
    return laid


def twin_ns(what: str) -> float:
    """The C program's CPU for a frame."""
    done = subprocess.run(
        [rtp_calls.twin(), what, str(FRAMES)], check=True, capture_output=True, text=True
    )
    return float(json.loads(done.stdout)["ns"])


@pytest.mark.benchmark(group=TONES)
def test_tones(benchmark):
    benchmark.extra_info |= {"unit": "frame", "units": FRAMES}
    assert benchmark.pedantic(hear, rounds=ROUNDS) == 0


@pytest.mark.benchmark(group=RECORD)
def test_record(benchmark):
    benchmark.extra_info |= {"unit": "frame", "units": 2 * FRAMES}
    assert benchmark.pedantic(lay, args=(entries(),), rounds=ROUNDS) == FRAMES * 160


@pytest.mark.parametrize(("what", "group"), [("tones", TONES), ("record", RECORD)])
def test_twin(benchmark, what, group):
    benchmark.group = group
    ns = benchmark.pedantic(lambda: min(twin_ns(what) for _ in range(ROUNDS)), rounds=1)
    benchmark.extra_info |= {"peer": TWIN, "unit": "frame", "cpu_us": ns / 1000}
    assert ns > 0
