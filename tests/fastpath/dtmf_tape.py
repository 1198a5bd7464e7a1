"""Audio for tests of keys: tones as ITU-T Q.23 has them, and everything that may be wrong in them.

The order of the procedure is that of Mitel's CM7291 test tape, side one; all of it is computed.
"""

from __future__ import annotations

import os
import subprocess

import numpy as np
from numpy.typing import NDArray

from fastpath import g711
from fastpath.dtmf import DtmfDetector

Audio = NDArray[np.float64]
Samples = NDArray[np.int16]
KEYS = "123A456B789C*0#D"
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
FREQUENCIES = {key: (ROWS[i // 4], COLUMNS[i % 4]) for i, key in enumerate(KEYS)}


def amplitude(dbm0: float) -> float:
    """Of a sine: the largest that mu-law can say is +3.17 dBm0 (G.711)."""
    return float(32124 * 10 ** ((dbm0 - 3.17) / 20))


def silence(ms: float) -> Audio:
    return np.zeros(int(ms * 8))


def sine(hertz: float, ms: float, dbm0: float, phase: float = 0.0) -> Audio:
    return amplitude(dbm0) * np.sin(2 * np.pi * hertz * np.arange(int(ms * 8)) / 8000 + phase)


def press(
    key: str,
    ms: float = 50,
    *,
    low: float = -10,
    high: float = -10,
    low_off: float = 0,
    high_off: float = 0,
    phases: tuple[float, float] = (0.0, 0.0),
) -> Audio:
    """A key's tones: levels in dBm0, frequencies off by a part of themselves."""
    row, column = FREQUENCIES[key]
    return sine(row * (1 + low_off), ms, low, phases[0]) + sine(
        column * (1 + high_off), ms, high, phases[1]
    )


def line(audio: Audio, law: str = "ulaw") -> Samples:
    """As it comes out of a telephone line."""
    samples = np.clip(np.rint(audio), -32768, 32767).astype(np.int16)
    if law == "ulaw":
        return g711.ulaw_decode(g711.ulaw_encode(samples))
    return g711.alaw_decode(g711.alaw_encode(samples))


def heard(samples: Samples) -> str:
    return "".join(key for key, _ in DtmfDetector().hear(samples))


def speech(voice: str, text: str) -> Samples:
    """What a synthetic voice says, at 8 kHz in telephone quality."""
    plain = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    said = subprocess.run(  # under AddressSanitizer it would never end, and it is not ours
        ["espeak-ng", "-v", voice, "--stdout", text], check=True, capture_output=True, env=plain
    )
    out = subprocess.run(
        ["sox", "-q", "--ignore-length", "-t", "wav", "-", "-t", "raw", "-r", "8000", "-c", "1",
         "-e", "signed", "-b", "16", "-", "highpass", "200", "norm", "-3"],
        input=said.stdout, check=True, capture_output=True, env=plain,
    )  # fmt: skip
    return line(np.frombuffer(out.stdout, np.int16).astype(np.float64), "alaw")
