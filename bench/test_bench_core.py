"""CPU of the dialing core for whole calls: every machine of the dialer, no store and no lines."""

from __future__ import annotations

import os

import pytest

from bench.core_calls import Floor

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
CALLS = 50 if SMOKE else 5_000


@pytest.mark.benchmark(group="an answered call with a key press through the dialer's machines")
def test_answered_calls(benchmark):
    benchmark.extra_info |= {"peer": None, "unit": "call", "units": CALLS}
    floor = Floor()
    benchmark(floor.run, CALLS)
    assert floor.ended >= CALLS
    assert not floor.dialer.floor.calls
