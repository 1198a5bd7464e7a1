"""What the gate lets through and what it stops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import gate, table


@pytest.mark.parametrize(
    ("before", "now", "failed"),
    [
        ({"a": 100.0}, {"a": 100.0}, False),
        ({"a": 100.0}, {"a": 105.0}, False),
        ({"a": 100.0}, {"a": 105.1}, True),
        ({"a": 100.0}, {"a": 20.0}, False),
        ({"a": 100.0}, {}, True),
        ({}, {"a": 100.0}, False),
        ({"a": 0.0}, {"a": 0.0}, False),
        ({"a": 0.0}, {"a": 1.0}, True),
        ({"x: blocks kept per call": 0.0}, {"x: blocks kept per call": 0.5}, False),
        ({"x: blocks kept per call": 4.0}, {"x: blocks kept per call": 4.4}, False),
        ({"x: blocks kept per call": 4.0}, {"x: blocks kept per call": 4.6}, True),
        ({"x: blocks kept per call": 4.0}, {}, True),
    ],
)
def test_counters(before: gate.Numbers, now: gate.Numbers, failed: bool) -> None:
    (verdict,) = gate.judge_counters(before, now)
    assert verdict.failed == failed


@pytest.mark.parametrize(
    ("before", "now", "failed"),
    [
        ({"a": 12.0}, {"a": 12.0}, False),
        ({"a": 12.0}, {"a": 8.0}, False),
        ({"a": 12.0}, {"a": 7.9}, True),
        ({"a": 12.0}, {"a": 90.0}, False),
        ({"a": 12.0}, {}, True),
        ({}, {"a": 12.0}, False),
    ],
)
def test_ratios(before: gate.Numbers, now: gate.Numbers, failed: bool) -> None:
    (verdict,) = gate.judge_ratios(before, now)
    assert verdict.failed == failed


def rows(ratio: float) -> list[table.Measured]:
    return [
        table.Measured("g", "ours", "", "call", 1.0, ""),
        table.Measured("g", "theirs", "peer", "call", ratio, ""),
    ]


@pytest.mark.parametrize(
    ("runs", "ratio", "failed"),
    [
        ([(0, rows(10.0))], 10.0, False),
        ([(0, rows(2.0)), (0, rows(9.0))], 9.0, False),
        ([(0, rows(2.0)), (0, rows(3.0)), (0, rows(8.0))], 8.0, False),
        ([(0, rows(2.0)), (0, rows(3.0)), (0, rows(1.0))], 3.0, True),
    ],
)
def test_a_ratio_has_two_more_chances(
    monkeypatch: pytest.MonkeyPatch,
    runs: list[tuple[int, list[table.Measured]]],
    ratio: float,
    failed: bool,
) -> None:
    left = list(runs)
    monkeypatch.setattr(table, "run", lambda _, quick: left.pop(0))
    code, now = gate.measure_ratios({"g / peer": 10.0})
    assert (code, now, left) == (0, {"g / peer": ratio}, [])
    assert gate.judge_ratios({"g / peer": 10.0}, now)[0].failed == failed


def test_a_baseline_is_the_middle_of_several_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [(0, rows(10.0)), (0, rows(40.0)), (0, rows(12.0))]
    monkeypatch.setattr(table, "run", lambda _, quick: left.pop(0))
    assert gate.middle_ratios() == (0, {"g / peer": 12.0})
    assert not left


def test_accepting_keeps_other_environments(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    gate.save({"counters": {"old": {"a": 1.0}}, "ratios": {gate.ANYWHERE: {"r": 2.0}}}, path)
    gate.save({"counters": {"new": {"a": 3.0}}, "ratios": {gate.ANYWHERE: {"r": 4.0}}}, path)
    assert gate.load(path) == {
        "counters": {"old": {"a": 1.0}, "new": {"a": 3.0}},
        "ratios": {gate.ANYWHERE: {"r": 4.0}},
    }


def test_the_committed_baseline_guards_something() -> None:
    baseline = json.loads(gate.BASELINE.read_text())
    assert baseline["ratios"][gate.ANYWHERE]
    assert all(values for values in baseline["counters"].values())
    assert gate.ANYWHERE in baseline["counters"]


def test_only_the_suspects_run_again() -> None:
    found = [*rows(2.0), table.Measured("h", "test_other[a]", "", "call", 1.0, "")]
    assert gate.tests_of(found, ["g / peer"]) == "ours or theirs"
    assert gate.tests_of(found, ["h / peer"]) == "test_other"
