"""Simulated days: the daemon's machines, the store's logic, carriers and people together."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from dialerd.sim.day_run import Simulation
from dialerd.sim.day_scenario import read_scenario

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
QUICK = os.environ.get("BENCH_QUICK", "0") == "1"
PEOPLE = 100 if SMOKE else 2_000 if QUICK else 20_000
BROADCAST = Path(__file__).parents[1] / "conf" / "scenarios" / "broadcast.toml"


@pytest.fixture(scope="module")
def simulation():
    scenario = read_scenario(BROADCAST)
    (people,) = scenario.list
    few = msgspec.structs.replace(people, people=PEOPLE)
    return Simulation(msgspec.structs.replace(scenario, list=(few,)), "broadcast")


@pytest.mark.benchmark(group="a simulated call: dialer, flow, store, carrier, person")
def test_simulated_calls(benchmark, simulation):
    def made():
        return (simulation.day(1),), {}

    def run(day):
        day.run()
        return day

    day = benchmark.pedantic(run, setup=made, rounds=1 if SMOKE else 3)
    calls = len(day.carriers.ledger)
    benchmark.extra_info |= {"peer": None, "unit": "call", "units": calls}
    assert 0.98 * PEOPLE < calls < 1.02 * PEOPLE
    assert not simulation.examine(day)
