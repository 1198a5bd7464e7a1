"""How much can be known of a machine that still speaks: the limit of every sooner verdict.

python -m bench.answers --limit      areas under the curve, office against machine, two minutes

Trees are trained for the very moment, with recorded prompts of the split "train" that still speak
then, and asked of the held-out ones. 0.5 is a coin, 1.0 is knowing. "With spectrum" is all that,
and of eight bands from 300 to 3,400 Hz the level, how far it spreads and moves, and how the last
300 ms differ, and the noise before the first sound: numpy's, for no detector computes it.

Both kinds are prompts of the same voices behind the same lines, told apart by how long they last.
So what a line or a recording sounds like, and when it begins, can tell nothing here by the making
of it, whatever it may tell of real calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from bench import answer_audio, answer_lines
from bench.amd_boost import Array, boost, predict
from fastpath.amd import features
from fastpath.amd_forest import FEATURE_NAMES

MOMENTS_S: Final = (1.0, 1.5, 2.0, 2.5)
SEEDS: Final = (1, 2)
LOUDNESS: Final = ("snr", "fall", "spread", "swing", "tonal", "hiss")
PITCH: Final = (
    "periodic", "pitched", "streak", "glide", "rise", "voicing", "tilt", "tilts", "rustle", "falls",
)  # fmt: skip
EDGES_HZ: Final = (300, 450, 600, 800, 1_050, 1_400, 1_850, 2_450, 3_400)
SPECTRUM: Final = 4 * (len(EDGES_HZ) - 1) + 1
VOICE_DB: Final = 20.0  # under its loudest a frame counts as voice
LAST: Final = 15  # frames
SETS: Final = {
    "times": [name for name in FEATURE_NAMES if name not in LOUDNESS + PITCH],
    "with loudness": [name for name in FEATURE_NAMES if name not in PITCH],
    "with pitch": list(FEATURE_NAMES),
    "with spectrum": [*FEATURE_NAMES, *(f"band {number}" for number in range(SPECTRUM))],
}
NAMES: Final = SETS["with spectrum"]


def area(odds: Array, machine: Array) -> float:
    """Under the curve of right against false: how often a machine has the higher odds."""
    order = odds.argsort()
    ranks = np.empty(len(odds))
    ranks[order] = np.arange(1, len(odds) + 1)
    many, few = machine.sum(), (1 - machine).sum()
    return float((ranks[machine == 1].sum() - many * (many + 1) / 2) / (many * few))


def bands(samples: Array) -> Array:
    """The level of each frame of 20 ms in each band, in dB: (frames, bands)."""
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160) * np.hanning(160)
    power = np.abs(np.fft.rfft(frames, 256)) ** 2
    cuts = [round(hertz * 256 / answer_audio.RATE) for hertz in EDGES_HZ]
    parts = [power[:, a:b].sum(axis=1) for a, b in pairwise(cuts)]
    return np.asarray(10 * np.log10(np.stack(parts, axis=1) + 1.0))


def spectrum(samples: Array, first: int) -> Array:
    """What the bands tell of a voice that began with that sample; SPECTRUM values."""
    levels, before = bands(samples[first:]), bands(samples[:first])
    loud = levels.max(axis=1)
    voice = levels[loud > loud.max() - VOICE_DB]
    mean = voice.mean(axis=0)
    moved = np.abs(np.diff(voice, axis=0)).mean(axis=0) if len(voice) > 1 else np.zeros(len(mean))
    quiet = before.max(axis=1).mean() if len(before) else 0.0
    return np.concatenate([
        mean - mean.mean(), voice.std(axis=0), moved, voice[-LAST:].mean(axis=0) - mean,
        [quiet - mean.max()],
    ])  # fmt: skip


def looks_at(cases: Iterable[answer_lines.Case]) -> dict[float, tuple[Array, Array]]:
    """By moment: what is known of those who still speak then, and which are machines."""
    found: dict[float, tuple[list[list[float]], list[float]]] = {}
    for case in cases:
        looks = features(case.samples[: round((case.first_s + 3.0) * answer_audio.RATE)])
        for moment in MOMENTS_S:
            if case.last_s - case.first_s <= moment:
                continue
            due = [x for frame, x in looks if frame * 0.02 <= case.first_s + moment]
            if due:
                values, machines = found.setdefault(moment, ([], []))
                first = round(case.first_s * answer_audio.RATE)
                until = first + round(moment * answer_audio.RATE)
                values.append([*due[-1], *spectrum(case.samples[:until].astype(float), first)])
                machines.append(float(case.clip.kind == "machine"))
    return {at: (np.array(x), np.array(y)) for at, (x, y) in found.items()}


def prompts(split: str, seeds: Iterable[int]) -> Iterable[answer_lines.Case]:
    """Offices and machines of a split's recorded voices."""
    clips = [one for one in answer_audio.recorded(split) if one.kind in ("office", "machine")]
    return chain.from_iterable(answer_lines.cases(clips, split, seed) for seed in seeds)


def columns(names: list[str]) -> NDArray[np.int64]:
    """Where features stand."""
    return np.array([NAMES.index(name) for name in names])


def table(seed: int) -> Table:
    """Areas by moment and by what is asked."""
    learned, asked = looks_at(prompts("train", SEEDS)), looks_at(prompts("held out", [seed]))
    shown = Table(title="Still speaking: office or machine? Areas", title_justify="left")
    for name in ("after", "offices", "machines", *SETS):
        shown.add_column(name)
    for moment in MOMENTS_S:
        (x, y), (test, truth) = learned[moment], asked[moment]
        even = np.where(y == 1, (y == 0).sum() / (y == 1).sum(), 1.0)
        cells = []
        for names in SETS.values():
            of = columns(names)
            bias, trees = boost(x[:, of], y, even, 24, rate=0.1, l2=10.0)
            cells.append(f"{area(predict(test[:, of], bias, trees), truth):.2f}")
        shown.add_row(f"{moment} s", str(int((truth == 0).sum())), str(int(truth.sum())), *cells)
    return shown
