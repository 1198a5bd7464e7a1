"""What all benchmarks share."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a quick run, leave out what is alone in its group: without a peer there is no ratio."""
    if os.environ.get("BENCH_QUICK") != "1":
        return
    # What others cost elsewhere says nothing of this machine now; minutes there are three.
    left_out = [
        i for i in items if i.get_closest_marker("recorded") or i.get_closest_marker("long")
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    members = Counter(group_of(item) for item in items)
    alone = [item for item in items if members[group_of(item)] == 1]
    config.hook.pytest_deselected(items=alone)
    items[:] = [item for item in items if item not in alone]


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_generate_json(benchmarks: list[Any]) -> None:
    """Leave out what was cut off while it ran: pytest-benchmark only leaves out what raised."""
    benchmarks[:] = [benchmark for benchmark in benchmarks if benchmark.stats.data]


def group_of(item: pytest.Item) -> str:
    """What it is compared with; one that names its group only when it runs is never alone."""
    marker = item.get_closest_marker("benchmark")
    return str(marker.kwargs["group"]) if marker and "group" in marker.kwargs else ""
