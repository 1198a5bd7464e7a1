"""Pacing: how busy agents are at how many people lost, beside the rules of other dialers.

Every rule meets the same shifts of `bench.pacing_shift`, at most 3 lines for each agent. A table of
its own is printed at the end: utilisation, people lost (pooled over the seeds, the worst seed),
seconds an agent waits for a call, and what is gained over a call for each idle agent. The cost in
the common table is the shift's CPU per decision, the world's own included.

    python -m bench.table -k test_bench_pacing        (some ten minutes)
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest

from bench.pacing_rules import FixedRatio, Issabel, Vicidial, Webitel
from bench.pacing_shift import Result, Rule, Shift, work
from bench.pacing_tape import decisions, dialed, replay, taped
from fastpath.pacer import Pacer

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
SECONDS = 240.0 if SMOKE else 4 * 3600.0
SEEDS = {5: 1} if SMOKE else {5: 12, 20: 8, 100: 4, 500: 1}
WORLD_SEEDS = {5: 1} if SMOKE else {5: 6, 20: 4, 100: 2, 500: 1}
# What was best in hindsight, of lines for each idle agent and of VICIdial's highest level.
RATIO = {5: 1.98, 20: 3.57, 100: 5.98, 500: 7.73}
LEVEL = {5: 2.0, 20: 3.5, 100: 6.0, 500: 8.0}
WORLDS: dict[str, dict[str, Any]] = {
    "10 % answer": {"human": 0.10},
    "50 % answer": {"human": 0.50},
    "breaks": {"break_every_s": 1800.0, "break_s": 300.0},
    "verdicts 1-3 s late": {"verdict_s": (1.0, 3.0)},
    "short calls": {"talk_s": 25.0, "talk_cv": 0.8},
    "unequal leads": {"spread": 1.0},
}


def rules(agents: int) -> dict[str | None, Callable[[], Rule]]:
    """By name; None is ours."""
    return {
        None: partial(Pacer, agents),
        "progressive": partial(FixedRatio, agents),
        "best fixed ratio": partial(FixedRatio, agents, RATIO[agents]),
        "VICIdial hard limit": partial(Vicidial, agents),
        "VICIdial average": partial(Vicidial, agents, "average"),
        "VICIdial tapered": partial(Vicidial, agents, "tapered"),
        "VICIdial best tuned": partial(
            Vicidial, agents, "hard", LEVEL[agents], available_only=True
        ),
        "Issabel overcommit": partial(Issabel, agents),
        "Webitel": partial(Webitel, agents),
    }


@pytest.fixture(scope="module")
def lines(request):
    """The table of its own; pytest's output is where `make bench` shows it."""
    said: list[str] = []
    yield said
    if not SMOKE and said:
        terminal = request.config.pluginmanager.get_plugin("terminalreporter")
        head = f"{'agents, list':32}{'rule':28}{'used %':>7}{'lost %':>8}{'worst':>7}{'waits s':>9}"
        for line in ["", f"{head}{'gain':>7}", *said]:
            terminal.write_line(line)


class Sum:
    """Several seeds of one world under one rule."""

    def __init__(self) -> None:
        self.found: list[Result] = []

    @property
    def utilisation(self) -> float:
        return 100 * sum(one.utilisation for one in self.found) / len(self.found)

    @property
    def lost(self) -> float:
        people = sum(one.humans for one in self.found)
        return 100 * sum(one.abandoned for one in self.found) / max(1, people)

    @property
    def worst(self) -> float:
        return max(100 * one.abandonment for one in self.found)

    @property
    def wait_s(self) -> float:
        return sum(one.wait_s for one in self.found) / len(self.found)

    def line(self, where: str, rule: str, gain: float) -> str:
        figures = f"{self.utilisation:7.1f}{self.lost:8.2f}{self.worst:7.2f}{self.wait_s:9.1f}"
        return f"{where:32}{rule:28}{figures}{gain:+7.1f}"

    def __str__(self) -> str:
        return f"{self.utilisation:.1f} % @ {self.lost:.2f}"


def shifts(shift: Shift, seeds: int, rule: Callable[[], Rule]) -> Sum:
    whole = Sum()
    whole.found = [work(shift, seed, rule()) for seed in range(1, seeds + 1)]
    return whole


@cache
def progressive(agents: int) -> float:
    return shifts(Shift(agents, SECONDS), 1, rules(agents)["progressive"]).utilisation


@cache
def world_progressive(agents: int, world: str) -> float:
    shift = Shift(agents, SECONDS, **WORLDS[world])
    return shifts(shift, 1, rules(agents)["progressive"]).utilisation


@pytest.mark.long
@pytest.mark.parametrize("peer", rules(5))
@pytest.mark.parametrize("agents", SEEDS)
def test_rules(benchmark, lines, agents, peer):
    benchmark.group = f"pacing, {agents} agents"
    shift, seeds = Shift(agents, SECONDS), SEEDS[agents]
    benchmark.extra_info |= {"peer": peer, "unit": "decision", "units": seeds * SECONDS}
    found = benchmark.pedantic(shifts, (shift, seeds, rules(agents)[peer]), rounds=1)
    gain = found.utilisation - progressive(agents)
    benchmark.extra_info["note"] = f"{found}"
    lines.append(found.line(f"{agents}", peer or "dialerd", gain))
    assert all(one.lines_max <= 3 * agents for one in found.found)
    assert found.utilisation > 0


@pytest.mark.long
@pytest.mark.parametrize("peer", [None, "ours, told the true rates"])
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("agents", WORLD_SEEDS)
def test_worlds(benchmark, lines, agents, world, peer):
    """Other lists and other days, beside the same rule that is told every lead's true chance."""
    benchmark.group = f"pacing, {agents} agents, {world}"
    shift = Shift(agents, SECONDS, **WORLDS[world], tell_p=peer is not None)
    seeds = WORLD_SEEDS[agents]
    benchmark.extra_info |= {"peer": peer, "unit": "decision", "units": seeds * SECONDS}
    found = benchmark.pedantic(shifts, (shift, seeds, partial(Pacer, agents)), rounds=1)
    benchmark.extra_info["note"] = f"{found}"
    gain = found.utilisation - world_progressive(agents, world)
    lines.append(found.line(f"{agents}, {world}", peer or "dialerd", gain))
    assert found.utilisation > 0


@pytest.mark.parametrize("agents", SEEDS)
def test_decision(benchmark, agents):
    """A decision each 100 ms, with everything that is told in between."""
    benchmark.group = f"a pacing decision, {agents} agents, 10 a second"
    tape = taped(agents, 60.0 if SMOKE else 300.0)
    benchmark.extra_info |= {"unit": "decision", "units": decisions(tape)}
    said = benchmark.pedantic(replay, (agents, tape), rounds=1 if SMOKE else 3)
    assert said == dialed(tape)
