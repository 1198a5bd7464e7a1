"""Fails a change that costs more than the baseline allows (`make bench-ci`, `make bench-accept`).

python -m bench.gate [--accept]

Counters may grow by 5 %: nothing on a busy machine touches them. Of memory blocks half a block a
unit more is allowed too: where a table stands between two sizes is chance. Ratios to a peer of the
same run fail only when they are 1.5 times worse in each of three runs, because the machine's other
work is in them.
Counters that depend on the interpreter and the compiler are kept per environment; in one that has
no baseline yet they are shown and not judged.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench import counters, table

BASELINE = Path(__file__).resolve().parent / "baseline.json"
COUNTER_GROWTH_MAX = 1.05
BLOCKS_GROWTH_MAX = 0.5
RATIO_LOSS_MAX = 1.5
ACCEPT_RUNS = 3
SECOND_LOOKS = 2
ANYWHERE = "any environment"
QUICK = ("--benchmark-max-time=0.2", "--benchmark-min-rounds=3", "--benchmark-warmup=off")

Numbers = dict[str, float]


class Verdict(NamedTuple):
    """One line of the result. `worse` is how many times worse than the baseline, 1 is the same."""

    name: str
    before: float | None
    now: float | None
    worse: float
    failed: bool

    @property
    def text(self) -> str:
        if self.before is None:
            return "new: not judged"
        if self.now is None:
            return "NOT MEASURED"
        return "WORSE" if self.failed else "ok"


def judge_counters(before: Numbers, now: Numbers) -> list[Verdict]:
    """Lower is better; a counter that was measured before has to be measured again."""
    found = []
    for name in sorted(before | now):
        old, new = before.get(name), now.get(name)
        worse = times(old, new)
        failed = old is not None and (new is None or worse > COUNTER_GROWTH_MAX)
        if failed and old is not None and new is not None and "blocks kept" in name:
            failed = new - old > BLOCKS_GROWTH_MAX
        found.append(Verdict(name, old, new, worse, failed))
    return found


def times(old: float | None, new: float | None) -> float:
    """New over old; from nothing to something is without measure."""
    if old is None or new is None or old == new:
        return 1.0
    return new / old if old else float("inf")


def judge_ratios(before: Numbers, now: Numbers) -> list[Verdict]:
    """Higher is better."""
    found = []
    for name in sorted(before | now):
        old, new = before.get(name), now.get(name)
        worse = old / new if old is not None and new else 1.0
        failed = old is not None and (not new or worse > RATIO_LOSS_MAX)
        found.append(Verdict(name, old, new, worse, failed))
    return found


def measure_ratios(before: Numbers) -> tuple[int, Numbers]:
    """Measure; what looks worse is measured again, twice at most, and the best of it counts."""
    code, rows = table.run(QUICK, quick=True)
    now = table.ratios(rows)
    for _ in range(SECOND_LOOKS):
        suspects = [verdict.name for verdict in judge_ratios(before, now) if verdict.failed]
        if code or not suspects:
            break
        code, again = table.run((*QUICK, "-k", tests_of(rows, suspects)), quick=True)
        found = table.ratios(again)
        for name in suspects:
            if name in found:
                now[name] = max(now.get(name, 0.0), found[name])
    return code, now


def middle_ratios() -> tuple[int, Numbers]:
    """The median of several runs: a lucky one makes a baseline nobody can keep."""
    runs = [measure_ratios({}) for _ in range(ACCEPT_RUNS)]
    code = max(code for code, _ in runs)
    names = set.intersection(*(set(ratios) for _, ratios in runs))
    return code, {name: median(ratios[name] for _, ratios in runs) for name in names}


def tests_of(rows: list[table.Measured], ratios: list[str]) -> str:
    """The tests behind some ratios, for pytest's -k; all of them when that cannot be told."""
    groups = {name.rpartition(" / ")[0] for name in ratios}
    return " or ".join(sorted({row.name.partition("[")[0] for row in rows if row.group in groups}))


def shown(title: str, verdicts: list[Verdict]) -> Table:
    """The verdicts as people read them."""
    made = Table(title=title, title_justify="left")
    for heading in ("what", "baseline", "now", "worse by", "verdict"):
        made.add_column(heading, justify="left" if heading in ("what", "verdict") else "right")
    for one in verdicts:
        growth = f"{(one.worse - 1) * 100:+.1f} %"
        made.add_row(one.name, number(one.before), number(one.now), growth, one.text)
    return made


def number(value: float | None) -> str:
    """Short, and exact enough to see 5 %."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def load(path: Path = BASELINE) -> dict[str, dict[str, Numbers]]:
    """{"counters": {environment: {name: value}}, "ratios": {ANYWHERE: {name: value}}}."""
    if not path.exists():
        return {"counters": {}, "ratios": {}}
    found: dict[str, dict[str, Numbers]] = json.loads(path.read_text())
    return found


def save(measured: dict[str, dict[str, Numbers]], path: Path = BASELINE) -> None:
    """Keep other environments' counters; replace what was measured here."""
    kept = load(path)
    for part, environments in measured.items():
        kept.setdefault(part, {}).update(environments)
    text = json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n")


def main() -> int:
    """Measure, compare or accept, print; 1 when something got worse."""
    started = time.monotonic()
    accept = "--accept" in sys.argv[1:]
    baseline = load()
    here = counters.environment()
    measured = counters.measure(ACCEPT_RUNS if accept else 1)
    before = {} if accept else baseline["ratios"].get(ANYWHERE, {})
    code, ratios = middle_ratios() if accept else measure_ratios(before)
    console = Console(width=None if sys.stdout.isatty() else 140)
    if code:
        console.print("the benchmarks themselves failed, see above")
        return code
    if accept:
        save({"counters": measured, "ratios": {ANYWHERE: ratios}})
        console.print(
            f"accepted as the new baseline: {os.path.relpath(BASELINE)}; commit it and say why"
        )
        return 0
    verdicts = []
    for place, values in measured.items():
        verdicts += judge_counters(baseline["counters"].get(place, {}), values)
    judged = judge_ratios(before, ratios)
    console.print(shown(f"counters, lower is better ({here})", verdicts))
    console.print(shown("ratios to the peer of the same run, higher is better", judged))
    failed = [one.name for one in (*verdicts, *judged) if one.failed]
    console.print(f"{time.monotonic() - started:.0f} s; {len(failed)} worse than the baseline")
    for name in failed:
        console.print(f"  worse: {name}")
    if failed:
        console.print(
            "if this is worth its price: make bench-accept, and commit bench/baseline.json"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
