"""Where a voice begins: `python -m bench.amd_choose` chooses `voice_above` of the model.

Nothing that is held out is heard here. The voices are those that were trained with, behind other
lines; the sounds that nobody says are made from other seeds. Children's letters, single sounds that
nobody answers with, are left out. The threshold is the highest at which no more than LOST_MAX of
the people are lost by it, a few minutes' work; the held-out figures are then those of
`python -m bench.answers`.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench import amd_train, answer_lines, answer_noises
from bench.answer_lines import Case
from bench.answers import NOISES, PEOPLE
from dialerd.detect.model import DEFAULT, load_model
from fastpath.amd import AnswerDetector
from fastpath.amd_forest import Model

SEED: Final = 9  # of the lines; others than amd_train.SEEDS
TRIED: Final = (-9.0, -6.0, -5.0, -4.5, -4.0, -3.5, -3.0, -2.5, -2.0, -1.5, -1.0)
LETTERS: Final = "letters"  # a collection of `bench.answer_more`
LOST_MAX: Final = 0.003  # of the people: what the bar of words leaves


def development() -> list[Case]:
    """The audio that thresholds are chosen by."""
    clips = [one for one in amd_train.learned() if one.voice.split()[0] != LETTERS]
    heard = list(answer_lines.cases(clips, "train", SEED))
    return heard + answer_noises.cases("train", NOISES, "development")


def model_with(voice_above: float) -> Model:
    """The model that comes with dialerd, but for this."""
    line = f"voice_above = {voice_above}"
    text, many = re.subn(r"(?m)^voice_above = .*$", line, DEFAULT.read_text())
    assert many == 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.toml"
        path.write_text(text)
        return load_model(path)


def said(model: Model, cases: Sequence[Case]) -> dict[str, Counter[str]]:
    """First verdicts by kind; words and offices are both "people"."""
    found: dict[str, Counter[str]] = {}
    for case in cases:
        kind = "people" if case.clip.kind in PEOPLE else case.clip.kind
        detector = AnswerDetector(model)
        verdict = detector.hear(case.samples) or detector.end()
        found.setdefault(kind, Counter())[str(verdict.answer)] += 1
    return found


def chosen(people: dict[float, int], count: int) -> float:
    """The highest threshold that loses few people against the lowest; `people`: told as such."""
    most = people[min(people)]
    return max(one for one, found in people.items() if most - found <= LOST_MAX * count)


def main() -> int:
    """Print the table and the choice."""
    cases = development()
    kinds = ("people", "machine", "announcement", "music", "noise")
    shown = Table(title="human / machine / unknown of the development audio (first verdicts)")
    for name in ("voice_above", *kinds):
        shown.add_column(name)
    people: dict[float, int] = {}
    count = 0
    for one in TRIED:
        found = said(model_with(one), cases)
        people[one], count = found["people"]["human"], found["people"].total()
        cells = (
            " / ".join(str(found[kind][who]) for who in ("human", "machine", "unknown"))
            for kind in kinds
        )
        shown.add_row(f"{one:g}", *cells)
    Console(width=120).print(shown)
    Console().print(f"chosen: {chosen(people, count):g} (of {count} people)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
