"""The admin process under load, and what the daemon notices of it: in turns, idle and loaded.

    python -m bench.admin_load [--pairs 5] [--seconds 20] [--past FOLDER] [--json]

A daemon with calls in progress at simulated carriers. Loaded, its admin process serves dashboards'
event streams and agents' sockets, sends a report over a past of many attempts again and again, and
imports a list, all at the same time. Between: nothing of it. Measured is what the core itself
counts: the lag of its loop, the lateness of each frame of audio; and how long agents' events take
to their sockets. The programs that load stand for other machines and have the least priority; the
carriers stand for others too and have the daemon's own. `--past` names a folder that keeps the past
for the next run. Beside every period a thread of the media threads' priority only sleeps
(`bench.sleeper`): as late as it is, any thread of this machine would have been. Behind each loaded
period, when the agents have gone, comes one in which unrelated programs take as much of the machine
(`bench.admin_control`): what that costs is the machine's part. Then: simple reads, and restarts
(`bench.admin_restart`). Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from math import inf
from pathlib import Path
from typing import Any

import msgspec

from bench import admin_restart
from bench.admin_control import Neighbours
from bench.admin_crowd import Clients
from bench.admin_crowd import Sizes as Sizes  # noqa: PLC0414 - found here too
from bench.admin_figures import Bar, Period, between, pair_ratio, percentile
from bench.admin_reads import reads
from bench.admin_world import (
    LoadWorld,
    load_world,
    make_past,
    write_rows,
)
from bench.sleeper import Sleeper

Pairs = list[tuple[Period, Period]]

SETTLE_S = 2.0
OURS = 5  # nice of the admin process, whose place an unrelated load takes
LAG_TIMES = LATE_TIMES = 1.2
EVENT_MS = 20.0
READS_PER_S = 2_000.0


def period(world: LoadWorld, seconds: float) -> Period:
    """So long, from now."""
    with Sleeper(seconds) as sleeper:
        before, began = world.look(), time.monotonic()
        time.sleep(seconds)  # the period itself
        after, took = world.look(), time.monotonic() - began
    world.check()
    return between(before, after, took, sleeper.late["control_us_p999"])


def tell(words: str) -> None:
    """Progress, beside what is printed."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")


def said(one: Period) -> str:
    """A period in a line."""
    cpu = ", ".join(f"{name} {part:.0%}" for name, part in one.cpu.items())
    return (
        f"loop lag p99 {one.lag_p99_us / 1e3:.2f} ms, audio late p99.9 {one.late_p999_us:.0f} us "
        f"(a thread that only slept: {one.slept_p999_us:.0f}), "
        f"{one.placed} calls, {one.commits} commits of {one.commit_ms:.1f} ms, CPU {cpu}, "
        f"loop without a core {one.waited:.0%}, cores of the machine busy {one.busy:.2f}"
    )


def run(folder: Path, sizes: Sizes, past: Path | None) -> dict[str, Any]:
    """All of it; figures and bars."""
    kept = past or folder / "past"
    make_past(kept / "data", sizes.attempts)
    shutil.copytree(kept / "data", folder / "data")
    write_rows(folder / "rows.csv", 0, sizes.rows)
    pairs: list[tuple[Period, Period]] = []
    controls: list[tuple[Period, Period]] = []
    loads: list[dict[str, Any]] = []
    with load_world(folder, sizes.rate, sizes.dialing_s, sizes.prompt_s) as world:
        world.start_daemon()
        world.load_list()
        world.await_admin()
        world.begin()
        world.await_calls(round(sizes.rate * sizes.prompt_s * 0.8))
        tell(f"{world.status().calls_in_flight} calls in progress")
        for turn in range(sizes.pairs):
            time.sleep(SETTLE_S)  # what is not of the period is over
            idle = period(world, sizes.seconds)
            tell(f"{turn + 1} idle:    {said(idle)}")
            with Clients(world, sizes, turn) as clients:
                time.sleep(SETTLE_S)  # the load is even by then
                loaded = period(world, sizes.seconds)
                loads.append(clients.stop())
            pairs.append((idle, loaded))
            tell(f"{turn + 1} loaded:  {said(loaded)}")
            tell(f"{turn + 1} loaded:  {load_said(loads[-1])}")
            if turn + 1 < sizes.pairs or sizes.control:
                world.await_agents_gone()
            if sizes.control:
                controls.append((idle, control(world, sizes, loaded.busy - idle.busy)))
                tell(f"{turn + 1} control: {said(controls[-1][1])}")
        read = reads(world, sizes.reads_s)
        tell("reads: " + ", ".join(f"{name} {value:,.0f}" for name, value in read.items()))
        calls = round(sizes.rate * sizes.prompt_s * 0.5)
        restarts = admin_restart.measured(world, tell, sizes, calls)
    return judged((pairs, controls), loads, read, restarts)


def control(world: LoadWorld, sizes: Sizes, cores: float) -> Period:
    """A period beside programs that take so many cores and know nothing of the daemon."""
    with Neighbours(cores, OURS):
        time.sleep(SETTLE_S)  # they have begun by then
        return period(world, sizes.seconds)


def load_said(load: dict[str, Any]) -> str:
    """What the clients saw, in a line."""
    agents, boards, job = load["agents"], load["dashboards"], load["job"]
    late, acks = agents["late_ms"], agents["ack_ms"]
    return (
        f"events to sockets p50 {percentile(late, 0.5):.1f} p99 {percentile(late, 0.99):.1f} ms "
        f"of {len(late)}, acks p99 {percentile(acks, 0.99):.1f} ms, the agents' own loop late "
        f"p99 {percentile(agents['own_ms'], 0.99):.1f} ms, {boards['events']} events in "
        f"{boards['reads']} reads of dashboards, {boards['lost']} lost, "
        f"{boards['report_bytes'] >> 20} MiB of the report ({boards['reports']} whole), "
        f"import {job.get('done', 0):,} of {job.get('total', 0):,} {job.get('unit', '')}"
    )


def _lag(one: Period) -> float:
    return one.lag_p99_us


def _late(one: Period) -> float:
    return one.late_p999_us


def _slept(one: Period) -> float:
    return one.slept_p999_us


def judged(
    periods: tuple[Pairs, Pairs],
    loads: list[dict[str, Any]],
    read: dict[str, float],
    restarts: dict[str, Any],
) -> dict[str, Any]:
    """Figures with their bars."""
    late = [value for load in loads for value in load["agents"]["late_ms"]]
    acks = [value for load in loads for value in load["agents"]["ack_ms"]]
    for load in loads:  # not one by one
        load["agents"]["heard"] = len(load["agents"].pop("late_ms"))
        del load["agents"]["ack_ms"]
        load["agents"]["own_p99_ms"] = percentile(load["agents"].pop("own_ms"), 0.99)
    pairs, controls = periods
    bars = [
        *([
            Bar("loop lag p99, loaded / idle", pair_ratio(pairs, _lag), LAG_TIMES, "times"),
            Bar("audio late p99.9, loaded / idle", pair_ratio(pairs, _late), LATE_TIMES, "times"),
            Bar("only sleeping, loaded / idle", pair_ratio(pairs, _slept), inf, "times"),
            Bar("agent event to socket p99, loaded", percentile(late, 0.99), EVENT_MS, "ms"),
        ] if pairs else []),
        *([
            Bar("loop lag p99, unrelated load / idle", pair_ratio(controls, _lag), inf, "times"),
            Bar("audio late p99.9, unrelated / idle", pair_ratio(controls, _late), inf, "times"),
        ] if controls else []),
        Bar("simple reads a second of the admin process's CPU", read["per_cpu_s"],
            READS_PER_S, "/s", least=True),
        *(Bar(f"{name.removesuffix(' us')}: CPU of a read", value, inf, "us")
          for name, value in read.items() if name.endswith(" us") and "core" not in name),
        *(admin_restart.bars(restarts) if restarts["admin"] else ()),
    ]  # fmt: skip
    return {
        "bars": bars,
        "pairs": [{"idle": idle, "loaded": loaded} for idle, loaded in pairs],
        "controls": [one for _, one in controls],
        "ack_p99_ms": percentile(acks, 0.99),
        "reads": read,
        "restarts": restarts,
        "loads": loads,
    }


def main(arguments: list[str] | None = None) -> int:
    """Print bars and whether they are held."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for field in msgspec.structs.fields(Sizes):
        kind = type(field.default)
        name = f"--{field.name.replace('_', '-')}"
        parser.add_argument(name, type=kind, default=field.default, help=f"default {field.default}")
    parser.add_argument("--past", type=Path, help="where the past is kept for the next run")
    parser.add_argument("--json", action="store_true")
    asked = vars(parser.parse_args(arguments))
    past, as_json = asked.pop("past"), asked.pop("json")
    with tempfile.TemporaryDirectory(prefix="dialerd-bench-") as name:
        found = run(Path(name), Sizes(**asked), past)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        for bar in found["bars"]:
            print(bar.text())
    return 0 if all(bar.held for bar in found["bars"]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
