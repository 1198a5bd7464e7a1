"""The admin process under load beside calls: `python -m bench.admin_load` in small, or whole."""

import math
import os
from pathlib import Path

import pytest

from bench import admin_load
from bench.admin_control import Neighbours
from bench.admin_figures import Bar, cpu_s, quantile
from tests.waiting import until

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
SMALL = admin_load.Sizes(
    pairs=1, seconds=0.5, rate=10.0, dashboards=5, agents=5, acts_per_s=20.0, attempts=500,
    rows=3_000, reads_s=0.2, prompt_s=1.0, restarts=0,
    nice=0, control=0,
)  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.benchmark(group="a simple read of the API, while the daemon has 200 calls")
def test_admin_load(benchmark, tmp_path):
    sizes = SMALL if SMOKE else admin_load.Sizes()
    found = benchmark.pedantic(admin_load.run, args=(tmp_path, sizes, None), rounds=1)
    missed = [bar.what for bar in found["bars"] if not bar.held]
    cost_us = 1e6 / found["reads"]["per_cpu_s"]
    note = f"missed: {'; '.join(missed)}" if missed else "bars held"
    benchmark.extra_info |= {"unit": "read", "cpu_us": cost_us, "note": note}
    for load in found["loads"]:
        assert load["job"]["done"] > 0
        assert load["dashboards"]["report_bytes"] > 0
        assert load["agents"]["heard"] > 0
        assert load["dashboards"]["events"] >= sizes.dashboards
        assert load["agents"]["refused"] == load["agents"]["closed"] == 0
        assert load["dashboards"]["closed"] == 0
    assert all(pair["idle"].frames > 0 for pair in found["pairs"])


def test_quantiles_are_those_of_prometheus():
    bins = {"late_le_10_us": 50.0, "late_le_20_us": 90.0, "late_le_40_us": 100.0}
    counts = bins | {"all": 100.0}

    def at(part):
        return quantile(part, "late_le_", "all", counts.__getitem__, bins)

    assert [at(part) for part in (0.25, 0.5, 0.7, 0.9, 0.95)] == [5.0, 10.0, 15.0, 20.0, 30.0]
    assert quantile(0.99, "late_le_", "all", dict.fromkeys(counts, 0.0).__getitem__, bins) == 40.0


def test_an_unrelated_load_takes_cores_until_it_is_ended():
    with Neighbours(0.2, 1) as neighbours:
        pids = neighbours.pids
        until(lambda: all(cpu_s(pid) > 0.05 for pid in pids))
        assert all(os.getpriority(os.PRIO_PROCESS, pid) >= 1 for pid in pids)
    assert not any(Path("/proc", str(pid)).exists() for pid in pids)


def test_what_has_no_bar_is_told():
    bar = Bar("a ratio", 3.5, math.inf, "times")
    assert bar.held
    assert bar.text().split() == ["a", "ratio", "3.500", "times", "without", "a", "bar"]
