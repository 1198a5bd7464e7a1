"""Who answered, right and when: every rule over the held-out audio.

python -m bench.answers [SEED]      confusion matrices and decision times, about three minutes

"Recorded" are people's voices, "synthetic" a synthesiser's. Times: seconds after the first sound.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from bench import amd_rules, answer_audio, answer_lines
from bench.answer_lines import Case
from fastpath.amd import Verdict

KINDS: Final = ("word", "office", "machine", "announcement", "music", "tone")
HEARD_S: Final = 8
SEED: Final = 11


class Row(NamedTuple):
    """One rule over the cases of one kind. Times in seconds; of the right verdicts only."""

    rule: str
    kind: str
    recorded: bool
    cases: int
    said: Counter[str]
    right: float
    after_first: tuple[float, float, float]  # median, 95th percentile, most
    after_end: tuple[float, float, float]


def held_out(seed: int, *, every: int = 1, voices: int = 2) -> list[Case]:
    """The held-out clips, each behind a line of its own; every n-th of the recorded ones."""
    clips = answer_audio.clips("held out", voices)
    some = [clip for number, clip in enumerate(clips) if not clip.recorded or number % every == 0]
    cut = [one._replace(samples=one.samples[: HEARD_S * answer_audio.RATE]) for one in some]
    return list(answer_lines.cases(cut, "held out", seed))


def spread(values: list[float]) -> tuple[float, float, float]:
    """Median, 95th percentile and the most."""
    if not values:
        return (float("nan"),) * 3
    median, late = np.percentile(values, [50, 95])
    return float(median), float(late), max(values)


def judge(rule: str, cases: Iterable[Case]) -> list[Row]:
    """One rule over all cases, by kind and by who speaks."""
    heard: dict[tuple[str, bool], list[tuple[Case, Verdict]]] = {}
    for case in cases:
        found = amd_rules.RULES[rule](case.samples)
        heard.setdefault((case.clip.kind, case.clip.recorded), []).append((case, found))
    rows = []
    for kind in KINDS:
        for recorded in (True, False):
            pairs = heard.get((kind, recorded), [])
            if not pairs:
                continue
            right = [(case, v) for case, v in pairs if v.answer == case.clip.label]
            rows.append(Row(
                rule, kind, recorded, len(pairs), Counter(v.answer for _, v in pairs),
                len(right) / len(pairs),
                spread([v.at_ms / 1000 - case.first_s for case, v in right]),
                spread([v.at_ms / 1000 - case.last_s for case, v in right]),
            ))  # fmt: skip
    return rows


def table(rows: Iterable[Row]) -> Table:
    """As people read it."""
    shown = Table(
        title="Who answered (held-out voices, languages and noises)", title_justify="left"
    )
    numbers = (
        "cases",
        "human",
        "machine",
        "unknown",
        "right",
        "after first sound",
        "after the end",
    )
    for name in ("rule", "what", *numbers):
        shown.add_column(name, justify="left" if name in ("rule", "what") else "right")
    for row in rows:
        first, end = row.after_first, row.after_end
        shown.add_row(
            row.rule, f"{row.kind}, {'recorded' if row.recorded else 'synthetic'}", str(row.cases),
            *(str(row.said[one]) for one in ("human", "machine", "unknown")), f"{row.right:.1%}",
            f"{first[0]:.2f} / {first[1]:.2f} / {first[2]:.2f}",
            f"{end[0]:+.2f} / {end[1]:+.2f}",
        )  # fmt: skip
    return shown


def main() -> int:
    """Print it."""
    cases = held_out(int(sys.argv[1]) if len(sys.argv) > 1 else SEED)
    for rule in amd_rules.RULES:
        Console(width=140).print(table(judge(rule, cases)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
