"""The table and its ratios, from a report as pytest-benchmark writes it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench import table


def entry(name: str, group: str | None, seconds: float, **info: object) -> dict[str, Any]:
    return {"name": name, "group": group, "stats": {"min": seconds}, "extra_info": info}


REPORT = {
    "benchmarks": [
        entry("test_parse[ours]", "parse", 0.002, unit="message", units=1000),
        entry("test_parse[aiosip]", "parse", 0.024, peer="aiosip", unit="message", units=1000),
        entry("test_calls", "calls", 9.0, cpu_us=500.0, unit="call", note="2 s prompt"),
        entry("test_calls_peer", "calls", 9.0, peer="Asterisk", cpu_us=5500.0),
        entry("test_alone", None, 0.5),
    ]
}


@pytest.fixture
def rows(tmp_path: Path) -> list[table.Measured]:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(REPORT))
    return table.read(path)


def test_cost_is_per_unit(rows: list[table.Measured]) -> None:
    assert [row.cost_us for row in rows] == [2.0, 24.0, 500.0, 5500.0, 500_000.0]


def test_a_ratio_is_the_peers_cost_over_ours(rows: list[table.Measured]) -> None:
    assert table.ratios(rows) == {"parse / aiosip": 12.0, "calls / Asterisk": 11.0}


def test_runs_in_pairs_bring_their_own_ratio() -> None:
    """The median of the pairs, not that of two medians."""
    rows = [table.Measured("g", "a", "", "packet", 2.0, ""),
            table.Measured("g", "b", "C twin", "packet", 2.4, "", 1.05)]  # fmt: skip
    assert table.ratios(rows) == {"g / C twin": 1.05}


def test_a_group_without_ours_has_no_ratio(rows: list[table.Measured]) -> None:
    assert table.ratios([row for row in rows if row.peer]) == {}


def test_the_table_shows_every_group_and_peer(rows: list[table.Measured]) -> None:
    console = Console(width=160, file=io.StringIO())
    console.print(table.table(rows))
    text = console.file.getvalue()
    for shown in ("parse", "aiosip", "12.00 x", "500.0 k/s", "2.00 µs/message", "alone", "11.00 x"):
        assert shown in text, shown


@pytest.mark.parametrize(
    ("cost_us", "shown"),
    [
        (0.25, ("4.00 M/s", "250 ns/x")),
        (2.5, ("400.0 k/s", "2.50 µs/x")),
        (2500.0, ("400.0 /s", "2.50 ms/x")),
    ],
)
def test_quantities_read_well(cost_us: float, shown: tuple[str, str]) -> None:
    assert table.quantity(cost_us, "x") == shown


def test_a_benchmark_that_is_cut_off_leaves_the_others_figures(tmp_path: Path) -> None:
    """As by its time limit, which is no exception of the kind that pytest-benchmark expects."""
    (tmp_path / "test_two.py").write_text(
        "import pytest\n"
        "def test_cut(benchmark): benchmark.pedantic(lambda: pytest.fail('cut off'))\n"
        "def test_whole(benchmark): benchmark.pedantic(lambda: None)\n"
    )
    report = tmp_path / "report.json"
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "bench.conftest", "--rootdir", str(tmp_path),
        "--benchmark-enable", f"--benchmark-json={report}", str(tmp_path / "test_two.py"),
    ]  # fmt: skip
    # Within a worker of the suite pytest-benchmark measures nothing: this is a run of its own.
    alone = {name: at for name, at in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, cwd=table.ROOT, env=alone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "cut off" in done.stdout
    assert [row.name for row in table.read(report)] == ["test_whole"]
