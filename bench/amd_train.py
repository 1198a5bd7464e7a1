"""Trains the model of who answered and writes it: `python -m bench.amd_train`.

It needs what `debian-packages.txt` and `bench/debian-packages.txt` install, and a few minutes. The
result depends on the audio, the seeds below and the detectors of voice and features alone: the same
again is the same file. The file says what the detectors made of a known sound (`made_for`), so a
test sees when they were changed without training anew.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench import answer_audio, answer_lines, answer_more
from bench.amd_boost import NEVER, Array, Tree, boost
from dialerd.detect.model import DEFAULT, NOTHING
from fastpath.amd import features
from fastpath.amd_forest import FEATURE_NAMES

SEEDS: Final = (1, 2, 3)
VOICES: Final = 3
TREES: Final = 48
RATE: Final = 0.18
HEARD_S: Final = 7
ASKED: Final = FEATURE_NAMES
WEIGHTS: Final = {
    "word": 1.0, "office": 1.0, "machine": 3.0, "announcement": 4.0, "music": 6.0, "tone": 6.0,
}  # fmt: skip
VOLUNTEER: Final = 0.5  # the weight of their recordings: there are many, and few are long
LEARNED_S: Final = {"machine": 3.3, "announcement": 3.3, "music": 4.0, "tone": 4.0}
"""What is learned of these; the verdict is out then."""
AFTER_S: Final = 1.0  # silence behind a person that is learned
POLICY: Final = {
    "human_below": -1.25, "human_below_late": 1.25, "machine_above": 4.0,
    "human_after_ms": 660, "machine_after_ms": 1000, "silence_min_ms": 240,
    "word_ms": 1000, "word_by_ms": 1240, "word_wait_ms": 320, "office_min_ms": 560,
    "office_wait_ms": 580, "analysis_ms": 8000, "initial_silence_ms": 8000,
    "revise_span_ms": 3000, "revise_pause_ms": 800, "revise_voice_ms": 1700,
    "revise_late_pause_ms": 1300, "revise_late_voice_ms": 2600,
}  # fmt: skip
HEAD: Final = """\
# Who answered: trees that turn what was heard so far into the log-odds of a machine.
# Written by `python -m bench.amd_train`; see dialerd/detect/model.py for how it is read.

made_by = "python -m bench.amd_train"
made_for = "{made_for}"
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

    Once a person is silent for long, or a machine has spoken for long, a verdict is out already.
    Looks into a voice are like each other, so a quarter of them stands for all.
    """
    values, at = looks(case)
    kind, human = case.clip.kind, case.clip.label == "human"
    last = case.last_s + AFTER_S if human else case.first_s + LEARNED_S[kind]
    if kind in ("machine", "announcement"):
        last = min(last, case.last_s)
    silent = values[:, 0] > 60
    keep = (at <= last) & (silent | (rng.random(len(at)) < 0.25))
    weight = WEIGHTS[kind] * (1 if case.clip.recorded else 2)
    weight *= VOLUNTEER if answer_more.volunteer(case.clip) else 1
    weights = np.where(silent, weight, 4 * weight)
    return values[keep], np.full(keep.sum(), 0.0 if human else 1.0), weights[keep]


def learned() -> list[answer_audio.Clip]:
    """All that is trained with, cut to what is heard of it."""
    clips = (
        *answer_audio.clips("train", VOICES),
        *answer_more.more("train"),
        *answer_more.more_music(),
    )
    return [one._replace(samples=one.samples[: HEARD_S * answer_audio.RATE]) for one in clips]


def known_sound() -> NDArray[np.int16]:
    """Eight seconds of bursts of noise and of a buzz, the same each time."""
    at = np.arange(8 * answer_audio.RATE)
    noise = (at * 1_103_515_245 + at**2 * 12_345) % 65_536 - 32_768
    buzz = (at * 131 % 8_000) * 8 - 32_000
    loud = (at // 1_700) % 4 * ((at // 5_300) % 3)
    return ((noise // 4 + buzz // 2) * loud // 40 + noise // 900).astype(np.int16)


def made_for() -> str:
    """What the detectors make of the known sound, in short."""
    rows = [[at, *(round(value, 1) + 0.0 for value in x)] for at, x in features(known_sound())]
    return f"{len(rows)} looks, {zlib.crc32(repr(rows).encode()):08x}"


def trained(seeds: tuple[int, ...] = SEEDS) -> tuple[float, list[Tree]]:
    """Log-odds before any tree, and the trees."""
    clips = learned()
    parts = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        parts += [rows(case, rng) for case in answer_lines.cases(clips, "train", seed)]
    x, y, weight = (np.concatenate([part[k] for part in parts]) for k in range(3))
    return boost(x, y, weight, TREES, rate=RATE, l2=40.0)


def written(bias: float, trees: list[Tree]) -> str:
    """The file."""
    text = HEAD.format(bias=bias, made_for=made_for())
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
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("into", nargs="?", type=Path, default=DEFAULT, help="the file to write")
    into = parser.parse_args().into
    text = written(*trained())
    into.parent.mkdir(parents=True, exist_ok=True)
    into.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
