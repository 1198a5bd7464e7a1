"""Trains the model of who answered and writes it: `python -m bench.amd_train`.

It needs what `debian-packages.txt` installs, and a few minutes. The result depends on the audio,
the seeds below and the detectors of voice and features alone: the same again is the same file.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import numpy as np

from bench import answer_audio, answer_lines
from bench.amd_boost import NEVER, Array, Tree, boost
from dialerd.detect.model import DEFAULT, NOTHING
from fastpath.amd import FEATURE_NAMES, features

SEEDS: Final = (1, 2, 3)
VOICES: Final = 3
TREES: Final = 40
HEARD_S: Final = 7
ASKED: Final = (
    "silence", "run", "voiced", "words", "phrases", "first_phrase", "phrase", "longest_phrase",
    "longest_pause", "pauses", "span", "fall", "last_syllable", "tonal",
)  # fmt: skip
"""The features of time. Those of sound (hiss, snr, spread…) tell the training voices, not the
machines, apart: with them the held-out voices did worse."""
WEIGHTS: Final = {
    "word": 1.0, "office": 1.0, "machine": 1.5, "announcement": 3.0, "music": 3.0, "tone": 6.0,
}  # fmt: skip
POLICY: Final = {
    "human_below": -1.5, "human_below_late": -0.5, "machine_above": 3.5,
    "human_after_ms": 700, "machine_after_ms": 1000, "silence_min_ms": 200,
    "word_ms": 1000, "word_by_ms": 1100, "word_wait_ms": 300, "office_wait_ms": 540,
    "analysis_ms": 8000, "initial_silence_ms": 8000,
}  # fmt: skip
HEAD: Final = """\
# Who answered: trees that turn what was heard so far into the log-odds of a machine.
# Written by `python -m bench.amd_train`; see dialerd/detect/model.py for how it is read.

made_by = "python -m bench.amd_train"
bias = {bias:.4f}

[policy]  # what the odds are good for, and when; times of the first voice, spans of what was said
"""


def looks(case: answer_lines.Case) -> tuple[Array, Array]:
    """What is known at each look (rows of features), and the seconds."""
    found = features(case.samples)
    values = np.array([one for _, one in found]).reshape(-1, len(FEATURE_NAMES))
    return values, np.array([frame for frame, _ in found]) * 0.02


def rows(case: answer_lines.Case, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """What of a case is learned: features, label, weight.

    Once a person is silent for long, or a machine has ended, a verdict is out already. Looks into
    a voice are like each other, so a quarter of them stands for all.
    """
    values, at = looks(case)
    human = case.clip.label == "human"
    last = case.last_s + 1.6 if human else min(case.first_s + 5, case.last_s)
    silent = values[:, 0] > 60
    keep = (at <= last) & (silent | (rng.random(len(at)) < 0.25))
    weight = WEIGHTS[case.clip.kind] * (1 if case.clip.recorded else 2)
    weights = np.where(silent, weight, 4 * weight)
    columns = [FEATURE_NAMES.index(name) for name in ASKED]
    return values[keep][:, columns], np.full(keep.sum(), 0.0 if human else 1.0), weights[keep]


def trained(seeds: tuple[int, ...] = SEEDS) -> tuple[float, list[Tree]]:
    """Log-odds before any tree, and the trees."""
    clips = [
        clip._replace(samples=clip.samples[: HEARD_S * answer_audio.RATE])
        for clip in answer_audio.clips("train", VOICES)
    ]
    parts = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        parts += [rows(case, rng) for case in answer_lines.cases(clips, "train", seed)]
    x, y, weight = (np.concatenate([part[k] for part in parts]) for k in range(3))
    return boost(x, y, weight, TREES, rate=0.2, l2=40.0)


def written(bias: float, trees: list[Tree]) -> str:
    """The file."""
    text = HEAD.format(bias=bias)
    text += "".join(f"{name} = {value}\n" for name, value in POLICY.items())
    for tree in trees:
        asked = [
            NOTHING if above >= NEVER else f"{ASKED[feature]} > {round(above, 2):g}"
            for feature, above in zip(tree.feature, tree.above, strict=True)
        ]
        text += "\n[[tree]]\nask = [\n"
        text += "".join(
            "  " + " ".join(f'"{one}",' for one in asked[row : row + 4]) + "\n"
            for row in range(0, len(asked), 4)
        )
        text += "]\nleaf = [" + ", ".join(f"{leaf:.4f}" for leaf in tree.leaf) + "]\n"
    return text


def main() -> int:
    """Train, and write the file named or the one that comes with dialerd."""
    into = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    text = written(*trained())
    into.parent.mkdir(parents=True, exist_ok=True)
    into.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
