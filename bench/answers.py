"""Who answered, right and when: every rule over the held-out audio.

python -m bench.answers [SEED]      confusion matrices and decision times, three minutes
python -m bench.answers --limit     how much can be known of a machine that still speaks

"Recorded" are telephone prompts, "volunteers" people who read to children (`bench.answer_more`),
"synthetic" a synthesiser's voices. Times: seconds after the first sound, of right verdicts. Of what
a network says, of music and of tones any verdict but a person is right.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from bench import (
    amd_rules,
    answer_audio,
    answer_limit,
    answer_lines,
    answer_more,
    answer_noises,
)  # fmt: skip
from bench.answer_audio import Clip
from bench.answer_lines import Case
from fastpath.amd import Verdict

KINDS: Final = ("word", "office", "asks again", "machine", "announcement", "music", "tone", "noise")
PEOPLE: Final = ("word", "office")
NOISES: Final = 25  # of each kind that nobody says
AGAIN: Final = 300  # people made up of words, who wait for an answer and ask again
WHO: Final = ("recorded", "volunteers", "synthetic")
HEARD_S: Final = 8
SEED: Final = 11


class Row(NamedTuple):
    """One rule over the cases of one kind. Times in seconds; of the right verdicts only."""

    rule: str
    kind: str
    who: str
    cases: int
    said: Counter[str]
    right: float
    after_first: tuple[float, float, float]  # median, 95th percentile, most
    after_end: tuple[float, float, float]


def who(clip: Clip) -> str:
    """Whose voice it is: one of WHO."""
    if not clip.recorded:
        return "synthetic"
    return "volunteers" if answer_more.volunteer(clip) else "recorded"


def asks_again(clips: Sequence[Clip], seed: int, count: int) -> Iterator[Clip]:
    """Nobody answers them: a word or a greeting, and three times more of that voice 1 to 2.5 s on.

    Every third begins with an office's greeting, and a fifth of what follows are such.
    """
    voices: dict[str, dict[str, list[Clip]]] = {}
    for clip in clips:
        if who(clip) == "recorded" and clip.kind in PEOPLE:
            voices.setdefault(clip.voice, {}).setdefault(clip.kind, []).append(clip)
    rng, names = np.random.default_rng(seed), sorted(voices)
    for number in range(count):
        name = names[number % len(names)]
        parts = []
        for turn in range(4):
            long = number % 3 == 0 if turn == 0 else rng.random() < 0.2
            some = voices[name]["office" if long else "word"]
            parts.append(some[int(rng.integers(len(some)))].samples)
            parts.append(np.zeros(int(rng.uniform(1.0, 2.5) * answer_audio.RATE)))
        yield Clip(f"{name}/again-{number}", "asks again", name, True, np.hstack(parts[:-1]))


def heard_of(clip: Clip) -> Clip:
    """What is heard of it."""
    return clip._replace(samples=clip.samples[: HEARD_S * answer_audio.RATE])


def held_out(seed: int, *, every: int = 1, voices: int = 2, volunteers: bool = False) -> list[Case]:
    """The held-out clips, each behind a line of its own; every n-th of the recorded ones.

    Volunteers need the packages of bench/debian-packages.txt.
    """
    clips = answer_audio.clips("held out", voices)
    some = [clip for number, clip in enumerate(clips) if not clip.recorded or number % every == 0]
    found = list(answer_lines.cases(map(heard_of, some), "held out", seed))
    if volunteers:
        others = map(heard_of, answer_more.more("held out"))
        found += answer_lines.cases(others, "held out", seed + 1)
        more = [*clips, *asks_again(clips, seed, AGAIN)]  # the others of them make its babble
        found += list(answer_lines.cases(map(heard_of, more), "held out", seed + 2))[len(clips) :]
        found += answer_noises.cases("held out", NOISES)
    return found


def spread(values: list[float]) -> tuple[float, float, float]:
    """Median, 95th percentile and the most."""
    if not values:
        return (float("nan"),) * 3
    median, late = np.percentile(values, [50, 95])
    return float(median), float(late), max(values)


def verdicts(rule: str, cases: Iterable[Case]) -> list[tuple[Case, Verdict]]:
    """What a rule says of each."""
    return [(case, amd_rules.RULES[rule](case.samples)) for case in cases]


def is_right(case: Case, verdict: Verdict) -> bool:
    """Whether that is who answered."""
    if case.clip.kind in (*PEOPLE, "asks again", "machine"):
        return verdict.answer == case.clip.label
    return verdict.answer != "human"


def row_of(rule: str, kind: str, whose: str, pairs: list[tuple[Case, Verdict]]) -> Row:
    """The figures of some cases."""
    right = [(case, verdict) for case, verdict in pairs if is_right(case, verdict)]
    return Row(
        rule, kind, whose, len(pairs), Counter(verdict.answer for _, verdict in pairs),
        len(right) / len(pairs),
        spread([verdict.at_ms / 1000 - case.first_s for case, verdict in right]),
        spread([verdict.at_ms / 1000 - case.last_s for case, verdict in right]),
    )  # fmt: skip


def grouped(rule: str, pairs: Iterable[tuple[Case, Verdict]]) -> list[Row]:
    """By kind and by who speaks."""
    heard: dict[tuple[str, str], list[tuple[Case, Verdict]]] = {}
    for case, verdict in pairs:
        heard.setdefault((case.clip.kind, who(case.clip)), []).append((case, verdict))
    return [
        row_of(rule, kind, whose, heard[kind, whose])
        for kind in KINDS
        for whose in WHO
        if (kind, whose) in heard
    ]


def judge(rule: str, cases: Iterable[Case]) -> list[Row]:
    """One rule over all cases, by kind and by who speaks."""
    return grouped(rule, verdicts(rule, cases))


def noise_of(case: Case) -> str:
    """The line's noise."""
    return case.condition.noise or "clean"


def level_of(case: Case) -> str:
    """How much too quiet the line is."""
    return f"{int(-case.condition.level_db // 5) * 5:2} dB and more"


def by_line(title: str, key: Callable[[Case], str], pairs: Iterable[tuple[Case, Verdict]]) -> Table:
    """Recorded prompts by what their line does: right, then median / 95th percentile."""
    shown = Table(title=title, title_justify="left")
    for name in ("line", "word", "office, after its end", "machine"):
        shown.add_column(name)
    heard: dict[str, dict[str, list[tuple[Case, Verdict]]]] = {}
    for case, verdict in pairs:
        if who(case.clip) == "recorded" and case.clip.kind in (*PEOPLE, "machine"):
            kinds = heard.setdefault(key(case), {})
            kinds.setdefault(case.clip.kind, []).append((case, verdict))
    for name, kinds in sorted(heard.items()):
        cells = []
        for kind in (*PEOPLE, "machine"):
            row = row_of("", kind, "recorded", kinds[kind])
            median, late, _ = row.after_end if kind == "office" else row.after_first
            cells.append(f"{row.right:.1%} of {row.cases}, {median:.2f} / {late:.2f}")
        shown.add_row(name, *cells)
    return shown


def by_noise(pairs: Iterable[tuple[Case, Verdict]]) -> Table:
    """What is said of sounds that nobody says."""
    shown = Table(title="What nobody says", title_justify="left")
    for name in ("sound", "human", "machine", "unknown"):
        shown.add_column(name)
    said: dict[str, Counter[str]] = {}
    for case, verdict in pairs:
        if case.clip.kind == "noise":
            said.setdefault(case.clip.voice, Counter())[verdict.answer] += 1
    for name, found in sorted(said.items()):
        shown.add_row(name, *(str(found[one]) for one in ("human", "machine", "unknown")))
    return shown


def times(pairs: Iterable[tuple[Case, Verdict]]) -> Table:
    """How the times of right verdicts on recorded prompts are distributed."""
    parts = (5, 25, 50, 75, 90, 95, 99)
    shown = Table(title="When, in seconds: percentiles of right verdicts", title_justify="left")
    for name in ("recorded prompts", *(f"{part} %" for part in parts)):
        shown.add_column(name)
    heard: dict[str, list[float]] = {}
    for case, verdict in pairs:
        if who(case.clip) == "recorded" and is_right(case, verdict):
            at = verdict.at_ms / 1000
            heard.setdefault(f"{case.clip.kind}, after its start", []).append(at - case.first_s)
            if case.clip.kind in PEOPLE:
                heard.setdefault(f"{case.clip.kind}, after its end", []).append(at - case.last_s)
    for name, values in heard.items():
        shown.add_row(name, *(f"{one:.2f}" for one in np.percentile(values, parts)))
    return shown


def table(rows: Iterable[Row]) -> Table:
    """As people read it."""
    shown = Table(title="Who answered (held-out voices and noises)", title_justify="left")
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
            row.rule, f"{row.kind}, {row.who}", str(row.cases),
            *(str(row.said[one]) for one in ("human", "machine", "unknown")), f"{row.right:.1%}",
            f"{first[0]:.2f} / {first[1]:.2f} / {first[2]:.2f}",
            f"{end[0]:+.2f} / {end[1]:+.2f}",
        )  # fmt: skip
    return shown


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("seed", nargs="?", type=int, default=SEED)
    parser.add_argument("--limit", action="store_true", help="what could be known sooner, instead")
    given = parser.parse_args()
    seed = given.seed
    if given.limit:
        Console(width=140).print(answer_limit.table(seed))
        return 0
    cases, console = held_out(seed, volunteers=True), Console(width=140)
    for rule in amd_rules.RULES:
        pairs = verdicts(rule, cases)
        console.print(table(grouped(rule, pairs)))
        if rule == "dialerd":
            console.print(by_line("By noise (10 to 30 dB under the voice)", noise_of, pairs))
            console.print(by_line("By level (too quiet by)", level_of, pairs))
            console.print(times(pairs))
            console.print(by_noise(pairs))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
