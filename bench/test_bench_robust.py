"""What bad input does to what is heard; `python -m bench.robust` prints the whole table."""

from __future__ import annotations

import os
from functools import lru_cache

import pytest

from bench import robust

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
RIGHT = "bad input: answers, tones and keys that are heard right"


@lru_cache(maxsize=1)
def played() -> list[robust.Sound]:
    return robust.sounds(120, robust.SEED)[::3] if SMOKE else robust.sounds(8, robust.SEED)


def summary(fault: robust.Fault) -> robust.Row:
    return robust.row(fault, played(), robust.SEED)


@pytest.mark.benchmark(group=RIGHT)
@pytest.mark.parametrize("fault", robust.FAULTS, ids=lambda fault: fault.name)
def test_right(benchmark, fault):
    row = benchmark.pedantic(summary, args=(fault,), rounds=1)
    parts = [f"{what} {row.right[what] / row.played[what]:.1%}" for what in robust.WHAT]
    benchmark.extra_info |= {
        "peer": None if fault is robust.FAULTS[0] else fault.name, "unit": "sound",
        "units": sum(row.played.values()), "note": ", ".join(parts),
    }  # fmt: skip
    voices = sum(row.right[what] for what in ("word", "office", "machine"))
    heard = sum(row.played[what] for what in ("word", "office", "machine"))
    assert voices >= 0.7 * heard
    assert row.right["tone"] >= 0.6 * row.played["tone"]
    assert row.right["key"] >= 0.9 * row.played["key"]
