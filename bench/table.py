"""Runs the benchmarks and prints one table: what, ours, named peer, ratio, CPU per unit.

python -m bench.table [pytest arguments]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LONGEST_S = 1_800  # of one benchmark: the longest ones last ten minutes by themselves


class Measured(NamedTuple):
    """One benchmark of a group. `cost_us` is CPU per unit, `peer` empty for ours."""

    group: str
    name: str
    peer: str
    unit: str
    cost_us: float
    note: str
    ratio: float | None = None  # of the peer's cost to ours where runs were paired


def run(arguments: Iterable[str], *, quick: bool = False) -> tuple[int, list[Measured]]:
    """Run pytest over this folder by CPU time; its exit code and what it measured."""
    report = ROOT / "build" / "bench.json"
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "pytest", str(HERE), "-q", "--benchmark-enable", "--benchmark-only",
        "--benchmark-quiet", "--benchmark-timer=time.process_time", f"--benchmark-json={report}",
        f"--timeout={LONGEST_S}", *arguments,
    ]  # fmt: skip
    sizes = {"BENCH_SMOKE": "0", "BENCH_QUICK": "1" if quick else "0"}
    done = subprocess.run(command, cwd=ROOT, env=os.environ | sizes, check=False)
    return done.returncode, read(report) if report.exists() else []


def read(report: Path) -> list[Measured]:
    """The measurements of a pytest-benchmark report."""
    found = json.loads(report.read_text())["benchmarks"]
    return [measured(one) for one in found]


def measured(one: dict[str, Any]) -> Measured:
    """The fastest round counts: noise only ever adds."""
    info = one["extra_info"]
    cost_us = info.get("cpu_us")
    if cost_us is None:
        cost_us = one["stats"]["min"] * 1e6 / info.get("units", 1)
    return Measured(
        group=one["group"] or one["name"].removeprefix("test_"),
        name=one["name"],
        peer=info.get("peer") or "",
        unit=info.get("unit", "call"),
        cost_us=float(cost_us),
        note=str(info.get("note", "")),
        ratio=info.get("ratio"),
    )


def ratios(rows: Iterable[Measured]) -> dict[str, float]:
    """How many times our cost each peer needs: "group / peer" -> peer cost over ours."""
    groups: dict[str, list[Measured]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    found = {}
    for group, members in groups.items():
        ours = [row.cost_us for row in members if not row.peer]
        for row in members:
            if row.peer and ours:
                found[f"{group} / {row.peer}"] = row.ratio or row.cost_us / min(ours)
    return found


def quantity(cost_us: float, unit: str) -> tuple[str, str]:
    """Units per CPU-second, and CPU per unit, as people read them."""
    rate = 1e6 / cost_us if cost_us else 0.0
    per_s = f"{rate / 1e6:.2f} M/s" if rate >= 1e6 else f"{rate / 1e3:.1f} k/s"
    per_s = f"{rate:.1f} /s" if rate < 1e3 else per_s
    if cost_us < 1:
        return per_s, f"{cost_us * 1e3:.0f} ns/{unit}"
    return per_s, f"{cost_us:.2f} µs/{unit}" if cost_us < 1e3 else f"{cost_us / 1e3:.2f} ms/{unit}"


def table(rows: list[Measured]) -> Table:
    """One line per peer; a group without one shows ours alone."""
    shown = Table(title="dialerd beside its peers (CPU time, fastest round)", title_justify="left")
    for heading in ("what", "ours", "peer", "peer's", "ratio", "CPU per unit", "note"):
        shown.add_column(heading, justify="right" if heading in ("ours", "ratio") else "left")
    known = ratios(rows)
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        ours = min((r for r in members if not r.peer), key=lambda r: r.cost_us, default=None)
        peers = [row for row in members if row.peer]
        mine, cost = quantity(ours.cost_us, ours.unit) if ours else ("", "")
        note = ours.note if ours else ""
        if not peers:
            shown.add_row(group, mine, "", "", "", cost, note)
        for row in peers:
            theirs, _ = quantity(row.cost_us, row.unit)
            ratio = known.get(f"{group} / {row.peer}")
            times = f"{ratio:.2f} x" if ratio else ""
            notes = "; ".join(text for text in (note, row.note) if text)
            shown.add_row(group, mine, row.peer, theirs, times, cost, notes)
    return shown


def main() -> int:
    """Run, print, and hand on pytest's exit code."""
    code, rows = run(sys.argv[1:])
    if rows:
        Console(width=None if sys.stdout.isatty() else 160).print(table(rows))
    return code


if __name__ == "__main__":
    raise SystemExit(main())
