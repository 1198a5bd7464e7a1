"""Trains the model of who answered and writes it: `python -m bench.amd_train`.

It needs what `debian-packages.txt` and `bench/debian-packages.txt` install, and a few minutes. The
result depends on the audio (so on the versions of those packages, of the synthesiser, of ffmpeg),
the seeds below and the detectors of voice and features: the same again is the same file, whatever
the processor (`bench.amd_boost`). `bench.amd_choose` says what `voice_above` is to be. The file
says what the detectors made of a known sound (`made_for`), so a test sees when they were changed
without training anew.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench import answer_audio, answer_lines, answer_more, answer_noises
from bench.amd_boost import NEVER, Array, Tree, boost
from dialerd.detect.model import DEFAULT, NOTHING
from fastpath.amd import features
from fastpath.amd_forest import FEATURE_NAMES

SEEDS: Final = (1, 2, 3)
VOICES: Final = 3
TREES: Final = 48
RATE: Final = 0.18
HEARD_S: Final = 7
ASKED: Final = FEATURE_NAMES[:20]  # pitch tells people from machines no better than times alone
VOICE_TREES: Final = 96
VOICE_RATE: Final = 0.25
VOICE_ASKED: Final = (
    "snr", "fall", "spread", "swing", "tonal", "hiss", "pace", "periodic", "pitched", "streak",
    "glide", "rise", "voiced", "run", "syllables", "words", "span", "voicing", "tilt", "tilts",
    "rustle", "falls",
)  # fmt: skip
VOICE_LOOKS: Final = {"word": 4, "office": 4, "machine": 2, "announcement": 2}  # of a case; else
NO_VOICE_LOOKS: Final = 14
OWN_S: Final = (0.15, 0.3)
"""Its last sound ended so long behind its begin, and at most so long behind its end."""
NOISES: Final = 200  # of each kind
WEIGHTS: Final = {
    "word": 1.0, "office": 1.0, "machine": 3.0, "announcement": 4.0, "music": 6.0, "tone": 6.0,
}  # fmt: skip
VOLUNTEER: Final = 0.5  # the weight of their recordings: there are many, and few are long
LEARNED_S: Final = {"machine": 3.3, "announcement": 3.3, "music": 4.0, "tone": 4.0}
"""What is learned of these; the verdict is out then."""
AFTER_S: Final = 1.0  # silence behind a person that is learned
POLICY: Final = {
    "human_below": -1.25, "human_below_late": 1.25, "machine_above": 4.0, "voice_above": -3.5,
    "voice_again": 3.0, "human_after_ms": 660, "machine_after_ms": 1000, "silence_min_ms": 240,
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


def looks(case: answer_lines.Case, *, forget: bool = False) -> tuple[Array, Array]:
    """What is known at each look (rows of features), and the seconds.

    `forget`: as of sounds that are known to be no voice: each is forgotten once it is over.
    """
    found = features(case.samples, forget=forget)
    values = np.array([one for _, one in found]).reshape(-1, len(FEATURE_NAMES))
    return values, np.array([frame for frame, _ in found]) * 0.02


def voice_rows(case: answer_lines.Case, rng: np.random.Generator) -> Array:
    """Some looks behind what was heard, from which the trees learn what a voice is.

    Of a voice those whose last sound was its own: others babble before it and behind it.
    """
    voice = case.clip.kind in VOICE_LOOKS
    values, at = looks(case, forget=not voice)
    keep = (values[:, 0] >= 200) & (values[:, 0] <= 1_000)
    if voice:
        ended = at - values[:, 0] / 1_000
        keep &= (ended > case.first_s + OWN_S[0]) & (ended < case.last_s + OWN_S[1])
    behind = np.flatnonzero(keep)
    most = VOICE_LOOKS.get(case.clip.kind, NO_VOICE_LOOKS)
    return values[rng.choice(behind, min(most, len(behind)), replace=False)]


def rows(
    case: answer_lines.Case, values: Array, at: Array, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """What of a case is learned: features, label, weight.

    Once a person is silent for long, or a machine has spoken for long, a verdict is out already.
    Looks into a voice are like each other, so a quarter of them stands for all.
    """
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


Forest = tuple[float, list[Tree]]


def trained(seeds: tuple[int, ...] = SEEDS) -> tuple[Forest, Forest]:
    """Log-odds before any tree, and the trees: of a machine, and of a voice."""
    clips = learned()
    parts = []
    spoken: list[Array] = []
    others: list[Array] = []
    for seed in seeds:
        rng, voice_rng = np.random.default_rng(seed), np.random.default_rng((seed, 1))
        for case in answer_lines.cases(clips, "train", seed):
            values, at = looks(case)
            parts.append(rows(case, values, at, rng))
            into = spoken if case.clip.kind in VOICE_LOOKS else others
            into.append(voice_rows(case, voice_rng))
    x, y, weight = (np.concatenate([part[k] for part in parts]) for k in range(3))
    rng = np.random.default_rng(1)
    others += [voice_rows(case, rng) for case in answer_noises.cases("train", NOISES)]
    asked = [FEATURE_NAMES.index(name) for name in VOICE_ASKED]
    yes, no = np.concatenate(spoken)[:, asked], np.concatenate(others)[:, asked]
    voice_y = np.repeat([1.0, 0.0], [len(yes), len(no)])
    even = np.repeat([1.0, len(yes) / len(no)], [len(yes), len(no)])
    return (
        boost(x[:, : len(ASKED)], y, weight, TREES, rate=RATE, l2=40.0),
        boost(np.concatenate([yes, no]), voice_y, even, VOICE_TREES, rate=VOICE_RATE, l2=20.0),
    )


def tree_text(table: str, tree: Tree, names: tuple[str, ...], digits: int) -> str:
    """One tree."""
    asked = [
        NOTHING if above >= NEVER else f"{names[feature]} > {round(above, digits):g}"
        for feature, above in zip(tree.feature, tree.above, strict=True)
    ]
    text = f"\n[[{table}]]\nask = [\n"
    text += "".join(
        "  " + " ".join(f'"{one}",' for one in asked[row : row + 4]) + "\n"
        for row in range(0, len(asked), 4)
    )
    return text + "]\nleaf = [" + ", ".join(f"{leaf:.4f}" for leaf in tree.leaf) + "]\n"


def written(machine: Forest, voice: Forest) -> str:
    """The file."""
    text = HEAD.format(bias=machine[0], made_for=made_for())
    text += "".join(f"{name} = {value}\n" for name, value in POLICY.items())
    text += "".join(tree_text("tree", tree, ASKED, 2) for tree in machine[1])
    text += f"\n[voice]  # log-odds that it was a voice at all\nbias = {voice[0]:.4f}\n"
    return text + "".join(tree_text("voice.tree", tree, VOICE_ASKED, 4) for tree in voice[1])


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
