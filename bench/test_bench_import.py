"""An import from a file, end to end, beside the store alone taking the same people.

The file is read, its layout found, numbers normalised, duplicates looked up in this list and in
others, indexes kept, every batch durable. The store alone is handed people who were read before.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from dialerd.core.numbering import load_numbering
from dialerd.core.records import Contact
from dialerd.importer.io_import import import_file
from dialerd.importer.limits import BATCH_ROWS
from dialerd.store import open_store, wait

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
ROWS = 1_000 if SMOKE else 40_000
ROUNDS = 1 if SMOKE else 4
NOW_MS = 1_790_000_000_000
PEER = "the store alone"
PLAN = Path(__file__).parents[1] / "conf/numbering/vn.toml"


def tail(i: int) -> int:
    """Seven digits in no order, each once."""
    return i * 7_919 % 9_999_991


def write(path: Path) -> None:
    lines = [f"Nguyễn Văn {i},090{tail(i):07},{i * 1000},Hà Nội" for i in range(ROWS)]
    path.write_text("tên,số điện thoại,số tiền,tỉnh\n" + "\n".join(lines) + "\n")


def contacts() -> list[Contact]:
    return [
        Contact(
            84_900_000_000 + tail(i),
            f"090{tail(i):07}",
            "mobifone",
            {"tên": f"Nguyễn Văn {i}", "số tiền": str(i * 1000), "tỉnh": "Hà Nội"},
        )
        for i in range(ROWS)
    ]


@pytest.mark.benchmark(group="import a row, from the file to the disk")
@pytest.mark.parametrize("peer", [None, PEER])
def test_import(benchmark: Any, tmp_path: Path, peer: str | None) -> None:
    numbering = load_numbering(PLAN.read_text())
    path, people = tmp_path / "leads.csv", contacts()
    write(path)
    wall_s: list[float] = []
    count = 0

    def setup() -> tuple[tuple[Any], dict[str, Any]]:
        nonlocal count
        count += 1
        return (open_store(tmp_path / str(count), linger_s=0),), {}

    def run(store: Any) -> None:
        began = time.perf_counter()
        if peer is None:
            done = asyncio.run(import_file(path, "x", numbering, store, at_ms=NOW_MS))
            assert (done.valid, done.duplicate) == (ROWS, 0)
        else:
            made = wait(store.create_list("x", NOW_MS)).list_id
            for at in range(0, ROWS, BATCH_ROWS):
                wait(store.add_contacts(made, people[at : at + BATCH_ROWS]))
        wall_s.append(time.perf_counter() - began)
        assert store.find_list("x").size == ROWS
        store.close()

    benchmark.extra_info |= {"peer": peer, "unit": "row", "units": ROWS}
    benchmark.pedantic(run, setup=setup, rounds=ROUNDS)
    benchmark.extra_info["note"] = f"{ROWS / min(wall_s):,.0f}/s wall"
