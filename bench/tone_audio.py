"""Tones of calls as they arrive: made by a plan, off by a little in everything, behind a line.

Levels are dBm0 of the whole tone (0 dBm0: 3.14 dB under the largest sine of G.711).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from bench.answer_audio import RATE, Audio
from bench.answer_lines import CODECS, Samples, lost, through

FULL_DBM0: Final = 3.14
Step = tuple[tuple[float, ...], float]  # frequencies (none: silence), seconds

ONE_SIT: Final = 0.004
SITS: Final = {  # low or high tone, short or long: Bellcore
    "intercept": ((913.8, 0.274), (1370.6, 0.274)),
    "vacant": ((985.2, 0.380), (1370.6, 0.274)),
    "reorder": ((913.8, 0.274), (1428.5, 0.380)),
    "no circuit": ((985.2, 0.380), (1428.5, 0.380)),
    "reorder carrier": ((985.2, 0.274), (1370.6, 0.380)),
    "no circuit carrier": ((913.8, 0.380), (1370.6, 0.380)),
    "ineffective": ((913.8, 0.380), (1428.5, 0.274)),
}


def cadence(hertz: tuple[float, ...], *on_off: float, times: int = 3) -> list[Step]:
    """A rhythm, in seconds."""
    steps: list[Step] = []
    for _ in range(times):
        steps += [(hertz if n % 2 == 0 else (), one) for n, one in enumerate(on_off)]
    return steps


def sit(name: str) -> list[Step]:
    """Special information tones."""
    if name == "itu":
        return [((hz,), 0.33) for hz in (950.0, 1400.0, 1800.0)]
    return [*(((hz,), s) for hz, s in SITS[name]), ((1776.7,), 0.380)]


PLAN: Final[dict[str, tuple[str, str, list[Step]]]] = {  # name: type, value, steps
    "ring 425 1/4": ("tone", "ringback", cadence((425,), 1, 4, times=2)),
    "ring us": ("tone", "ringback", cadence((440, 480), 2, 4, times=2)),
    "ring uk": ("tone", "ringback", cadence((400, 450), 0.4, 0.2, 0.4, 2, times=3)),
    "ring cn 450": ("tone", "ringback", cadence((450,), 1, 4, times=2)),
    "ring jp 400*16": ("tone", "ringback", cadence((384, 400, 416), 1, 2, times=3)),
    "busy 425": ("tone", "busy", cadence((425,), 0.5, 0.5, times=4)),
    "busy us": ("tone", "busy", cadence((480, 620), 0.5, 0.5, times=4)),
    "busy uk": ("tone", "busy", cadence((400,), 0.375, 0.375, times=5)),
    "busy cn 450": ("tone", "busy", cadence((450,), 0.35, 0.35, times=5)),
    "congestion 425": ("tone", "congestion", cadence((425,), 0.25, 0.25, times=6)),
    "congestion us": ("tone", "congestion", cadence((480, 620), 0.25, 0.25, times=6)),
    "congestion 425 .2": ("tone", "congestion", cadence((425,), 0.2, 0.2, times=8)),
    "dial us": ("tone", "dial", [((350, 440), 3.0)]),
    "dial 425": ("tone", "dial", [((425,), 3.0)]),
    **{f"sit {name}": ("sit", name, sit(name)) for name in ("itu", *SITS)},
    "fax cng": ("fax", "cng", cadence((1100,), 0.5, 3, times=2)),
    "fax ced": ("fax", "ced", [((2100,), 3.0)]),
    "modem bell": ("fax", "bell", [((2225,), 3.0)]),
    **{f"beep {hz}": ("beep", "", [((float(hz),), 0.4)])
       for hz in (440, 660, 800, 850, 1000, 1200, 1400, 2000, 2600)},
}  # fmt: skip


class Line(NamedTuple):
    """What is done to a tone."""

    level: float = -20.0
    twist: float = 0.0  # dB of the lower tone over the upper
    off: float = 0.0  # part by which every frequency is off
    pace: float = 1.0  # of every time
    codec: str = "ulaw"
    snr: float | None = None
    loss: float = 0.0
    dc: int = 0
    lead: float = 0.7


def some_line(rng: np.random.Generator) -> Line:
    """Any."""
    return Line(
        level=-float(rng.uniform(10, 38)),
        twist=float(rng.uniform(-6, 6)),
        off=float(rng.uniform(-0.015, 0.015)),
        pace=float(rng.uniform(0.9, 1.1)),
        codec=CODECS[int(rng.integers(3))],
        snr=None if rng.random() < 0.4 else float(rng.uniform(8, 30)),
        loss=float(rng.choice([0, 0, 0.01, 0.02, 0.03])),
        dc=int(rng.choice([0, 0, -400, 800])),
        lead=float(rng.uniform(0.3, 1.2)),
    )


def made(steps: list[Step], line: Line, rng: np.random.Generator, tail: float = 1.5) -> Samples:
    """The tone as it arrives."""
    count = sum(round(seconds * line.pace * RATE) for _, seconds in steps)
    audio = np.zeros(round((line.lead + tail) * RATE) + count)
    at = round(line.lead * RATE)
    power = 0.5 * 32768**2 * 10 ** ((line.level - FULL_DBM0) / 10)
    for hertz, seconds in steps:
        size = round(seconds * line.pace * RATE)
        audio[at : at + size] += np.sqrt(2 * power) * mixed(hertz, size, line, rng)
        at += size
    if line.snr is not None:
        audio += rng.normal(0, np.sqrt(power * 10 ** (-line.snr / 10)), len(audio))
    audio = np.clip(np.rint(audio + line.dc), -32768, 32767)
    heard = through(line.codec, audio)
    return lost(heard, line.loss, rng) if line.loss else heard


def mixed(hertz: tuple[float, ...], size: int, line: Line, rng: np.random.Generator) -> Audio:
    """A sum of tones of power 1/2."""
    if not hertz:
        return np.zeros(size)
    at = np.arange(size) / RATE
    gain = [10 ** (line.twist / 20 * (0.5 - n)) if len(hertz) > 1 else 1.0
            for n in range(len(hertz))]  # fmt: skip
    gain = [one / np.sqrt(sum(g * g for g in gain)) for one in gain]
    return sum(
        (g * np.sin(2 * np.pi * hz * (1 + line.off) * at + (hz > 0) * rng.uniform(0, 6.3))
         for g, hz in zip(gain, hertz, strict=True)),
        np.zeros(size),
    )  # fmt: skip
