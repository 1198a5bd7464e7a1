"""The store in its daily life: acknowledgements under load, a backup beside, opening, disk space.

Wall times depend on the disk and its other users, so they stand in the notes; the CPU is measured.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bench.sqlite_peer import SqlitePeer
from bench.test_bench_store import (
    NOW_MS,
    PEER,
    PEERS,
    PEOPLE,
    TURNS,
    Ours,
    begun,
    calls,
    ended,
    filled,
    in_turns,
    people,
)
from dialerd.core.ops import AppendEvents, BeginDial
from dialerd.core.records import CallEvent, Contact, EventKind
from dialerd.store import LmdbStore, open_store

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
PER_S = 500
SECONDS = 0.2 if SMOKE else 4.0
LINGER_S = 0.005
AT_ONCE = 50_000  # people of one import
LONG = (pytest.mark.long, pytest.mark.timeout(3_600))


def neighbours(first: int, count: int) -> list[Contact]:
    """People whose numbers follow each other: millions are in the store within minutes."""
    return [
        Contact(84_900_000_000 + i, f"0{900_000_000 + i}", "vina", {"name": f"A {i}"})
        for i in range(first, first + count)
    ]


def percentiles(values: list[float]) -> str:
    found = sorted(values)
    p50, p99 = found[len(found) // 2], found[min(len(found) - 1, len(found) * 99 // 100)]
    return f"p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, worst {found[-1] * 1e3:.1f} ms"


async def events(store: LmdbStore, attempts: list[int]) -> list[float]:
    """Single events at an even pace, each acknowledged; how long each took."""
    loop, took, waiting = asyncio.get_running_loop(), [], set()
    began = loop.time()

    async def one(number: int) -> None:
        at = loop.time()
        event = CallEvent(NOW_MS + number, EventKind.DIGIT, "1 rfc4733")
        attempt = attempts[number % len(attempts)]
        await store.apply([AppendEvents(attempt, number // len(attempts), (event,))])
        took.append(loop.time() - at)

    for number in range(int(PER_S * SECONDS)):
        await asyncio.sleep(max(0.0, began + number / PER_S - loop.time()))
        task = loop.create_task(one(number))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)
    return took


@pytest.mark.benchmark(group="an event at 500 a second, acknowledged when durable")
def test_acknowledged(benchmark: Any, tmp_path: Path) -> None:
    side = Ours(tmp_path)
    side.add_contacts(people())
    side.approve()
    held = [claim.attempt_id for claim in side.claim(100, NOW_MS, 60)]
    side.begin([BeginDial(one, "a", f"{one}@x", "r", NOW_MS) for one in held])
    side.store.close()
    side.store = open_store(tmp_path, linger_s=LINGER_S)
    took: list[float] = []
    benchmark.extra_info |= {"peer": None, "unit": "event", "units": int(PER_S * SECONDS)}
    benchmark.pedantic(lambda: took.extend(asyncio.run(events(side.store, held))), rounds=1)
    benchmark.extra_info["note"] = percentiles(took)
    assert len(took) == int(PER_S * SECONDS)
    side.close()


async def calls_in_loop(side: Ours | SqlitePeer, count: int, group: int) -> None:
    """As `calls`, by a program that serves others meanwhile."""
    loop = asyncio.get_running_loop()
    for _ in range(0, count, group):
        if isinstance(side, SqlitePeer):
            claims = await loop.run_in_executor(side.thread, side.claim, group, NOW_MS, 60)
        else:
            batch = await side.store.claim(side.campaign, group, NOW_MS, 60)
            claims = list(batch.claims)
        begins = [begun(claim) for claim in claims]
        ends = [ended(claim.attempt_id) for claim in claims]
        if isinstance(side, SqlitePeer):
            await loop.run_in_executor(side.thread, side.begin, begins)
            await loop.run_in_executor(side.thread, side.finish, ends)
        else:
            await side.store.apply(begins)
            await side.store.apply(ends)


@pytest.mark.benchmark(group="the same asked by an event loop, ")
@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("group", [20, 100])
def test_in_loop(benchmark: Any, tmp_path: Path, group: int, peer: str | None) -> None:
    """Neither side may keep the loop waiting for the disk: each has its thread."""
    benchmark.group = f"the same asked by an event loop: {group} to a commit"
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    side = filled(SqlitePeer(folders[0]) if peer else Ours(folders[0]))
    count = PEOPLE // (TURNS + 3) // 100 * 100
    benchmark.extra_info |= {"peer": peer, "unit": "attempt", "units": count}

    def run(side: Ours | SqlitePeer = side) -> None:
        asyncio.run(calls_in_loop(side, count, group))

    run()
    if peer is None:
        benchmark.pedantic(run, rounds=TURNS)
    else:
        beside = filled(Ours(folders[1]))
        in_turns(benchmark, run, lambda: run(beside))
        beside.close()
    assert side.done() >= 2 * count
    side.close()


@pytest.mark.benchmark(group="an attempt, 20 to a commit, while a backup is written")
def test_backup_beside(benchmark: Any, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    side = Ours(folder)
    side.add_contacts(people())
    side.approve()
    count = 100 if SMOKE else 2_000
    calls(side, count, 20)
    done = threading.Event()
    copies = 0

    def copy() -> None:
        nonlocal copies
        while not done.is_set():
            fd = os.open(tmp_path / f"copy{copies}", os.O_WRONLY | os.O_CREAT, 0o600)
            side.store._engine.copy(fd)
            os.fsync(fd)
            os.close(fd)
            copies += 1

    benchmark.extra_info |= {"peer": None, "unit": "attempt", "units": count}
    thread = threading.Thread(target=copy)
    thread.start()
    began, before = time.perf_counter(), side.store.figures()
    benchmark.pedantic(calls, (side, count, 20), rounds=1)
    after = side.store.figures()
    commits = after["commits"] - before["commits"]
    mean_ms = (after["commit_s_sum"] - before["commit_s_sum"]) / commits * 1e3
    per_s = count / (time.perf_counter() - began)
    done.set()
    thread.join()
    benchmark.extra_info["note"] = (
        f"{per_s:,.0f}/s wall, {copies} copies meanwhile, commit {mean_ms:.1f} ms, "
        f"worst ever {after['commit_s_max'] * 1e3:.0f} ms"
    )
    assert copies
    side.close()


@pytest.mark.benchmark(group="open after a clean stop, and claim 20")
@pytest.mark.parametrize(
    "size",
    [1_000, 2_000] if SMOKE else [100_000, pytest.param(10_000_000, marks=LONG)],
)
def test_open(benchmark: Any, tmp_path: Path, size: int) -> None:
    """As fast with many leads as with few: what is read does not depend on how many there are."""
    benchmark.group = f"open after a clean stop and claim 20, {size:,} leads"
    side = Ours(tmp_path)
    for first in range(0, size, AT_ONCE):
        side.add_contacts(neighbours(first, min(AT_ONCE, size - first)))
    side.approve()
    side.store.close()
    wall_s: list[float] = []

    def run() -> None:
        began = time.perf_counter()
        side.store = open_store(tmp_path, linger_s=0)
        assert len(side.claim(20, NOW_MS, 60)) == 20
        wall_s.append(time.perf_counter() - began)
        side.store.close()

    benchmark.extra_info |= {"peer": None, "unit": "opening", "units": 1}
    benchmark.pedantic(run, rounds=2 if SMOKE else 10)
    side.store = open_store(tmp_path, linger_s=0)
    cpu_us = []
    for _ in range(2 if SMOKE else 12):
        before = time.process_time()
        calls(side, 200, 20)
        cpu_us.append((time.process_time() - before) / 200 * 1e6)
    benchmark.extra_info["note"] = (
        f"{min(wall_s) * 1e3:.1f} ms wall; then attempts, 20 to a commit: {min(cpu_us):.0f} us"
    )
    side.store.close()


@pytest.mark.benchmark(group="a lead with its contact, on the disk")
@pytest.mark.parametrize("peer", PEERS)
def test_space(benchmark: Any, tmp_path: Path, peer: str | None) -> None:
    """The measure of this one is its note, and the ratio is one of bytes, not of time."""
    rows = people()

    def space(side: Ours | SqlitePeer, folder: Path) -> float:
        side.add_contacts(rows)
        side.approve()
        assert side.scan() == len(rows)
        side.close()
        used = sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())
        assert used > 50 * len(rows)
        return used / len(rows)

    def ours(folder: Path) -> float:
        folder.mkdir()
        return space(Ours(folder), folder)

    def theirs(folder: Path) -> float:
        folder.mkdir()
        return space(SqlitePeer(folder), folder)

    benchmark.extra_info |= {"peer": peer, "unit": "lead", "units": len(rows)}
    fill = theirs if peer == PEER else ours
    used = benchmark.pedantic(fill, (tmp_path / "one",), rounds=1)
    benchmark.extra_info["note"] = f"{used:,.0f} bytes on the disk per lead"
    if peer == PEER:
        benchmark.extra_info["ratio"] = used / ours(tmp_path / "other")
