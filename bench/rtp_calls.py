"""Runs RTP players as processes: CPU of their threads, packets counted where they arrive.

The player has a core of its own, the last one; whoever plays to it or counts has the first one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "bench"
# 127.x.y.1 by the middle bytes: x is this process's, so that runs at the same time never meet.
HOSTS = 256 * (1 + os.getpid() % 250)
LOCAL, REMOTE, METER, PORT = HOSTS + 10, HOSTS + 30, HOSTS + 50, 23_000
COUNTS = np.dtype([("packets", "<u8"), ("gaps", "<u8", 1000), ("of_source", "<u8", 65536)])
SIPP_PORTS = (24_990, 24_992)
SETTLE_S = 1.0
FIFO = "1"
PLAYER_CORE = (os.cpu_count() or 1) - 1


def text_of(host: int) -> str:
    """A host's address."""
    return f"127.{host >> 8}.{host & 255}.1"


def twin() -> str:
    """The C twin, compiled."""
    sources, program = (HERE / "rtp_twin.c", HERE / "rtp_twin_hear.h"), BUILD / "rtp_twin"
    newest = max(source.stat().st_mtime for source in sources)
    if not program.exists() or program.stat().st_mtime < newest:
        BUILD.mkdir(parents=True, exist_ok=True)
        made = f"{program}.{os.getpid()}"
        subprocess.run(
            [
                "gcc",
                "-O3",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-o",
                made,
                sources[0],
                "-pthread",
                "-lm",
            ],
            check=True,
        )
        os.replace(made, program)  # another run may be starting the old one
    return str(program)


@contextmanager
def process(*command: str, core: int = 0) -> Iterator[subprocess.Popen[str]]:
    """A program that says "ready" and runs until its standard input ends, on one core."""
    with subprocess.Popen(
        ["taskset", "-c", str(core), *command],
        cwd=HERE.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "ready\n", command
            yield child
        finally:
            if child.poll() is None and child.stdin is not None and not child.stdin.closed:
                child.stdin.close()
            try:
                child.wait(20)
            finally:
                child.kill()


def cpu_s(pid: int, *, whole: bool = False) -> float:
    """What the scheduler gave a process: its real-time threads; all when there are none."""
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    timely = [
        task for task in tasks if (task / "stat").read_text().rpartition(")")[2].split()[38] == FIFO
    ]
    return (
        sum(int((t / "schedstat").read_text().split()[0]) for t in (not whole and timely) or tasks)
        / 1e9
    )


def finish(child: subprocess.Popen[str]) -> dict[str, Any]:
    """End a player; what it counted itself."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.close()
    found: dict[str, Any] = json.loads(child.stdout.read())
    return found


@contextmanager
def meter() -> Iterator[Any]:
    """A process that counts what arrives at PORT of host METER; yields its live counts."""
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / f"meter.{os.getpid()}"
    try:
        with process(twin(), "meter", str(path), text_of(METER), str(PORT)):
            yield np.memmap(path, COUNTS, mode="r", shape=(1,))[0]
    finally:
        path.unlink(missing_ok=True)


def player(ours: bool) -> list[str]:
    """The command of a player, ours or the C twin's."""
    return [sys.executable, "-m", "bench.rtp_player", "play"] if ours else [twin(), "play"]


def watch(pid: int, counts: Any, seconds: float) -> dict[str, float]:
    """CPU of a process and what its receiver counts, over a stretch of steady playing."""
    time.sleep(SETTLE_S)
    cpu, packets, sources = cpu_s(pid), int(counts["packets"]), counts["of_source"].copy()
    gaps, begun = counts["gaps"].copy(), time.monotonic()
    time.sleep(seconds)
    cpu, packets = cpu_s(pid) - cpu, int(counts["packets"]) - packets
    wall = time.monotonic() - begun
    each = (counts["of_source"] - sources)[counts["of_source"] > 0] / wall
    gaps = np.cumsum(counts["gaps"] - gaps)
    return {
        "cpu_us": cpu * 1e6 / max(packets, 1),
        "core": cpu / wall,
        "packets": packets,
        "sources": len(each),
        "per_s_least": float(each.min()) if len(each) else 0.0,
        "gap_p99": float(np.searchsorted(gaps, 0.99 * gaps[-1])) / 10,
        "gap_p999": float(np.searchsorted(gaps, 0.999 * gaps[-1])) / 10,
    }


def play_only(ours: bool, streams: int, seconds: float) -> dict[str, Any]:
    """So many prompts at once to the meter."""
    with meter() as counts:
        command = [*player(ours), str(streams), str(LOCAL), str(METER), str(PORT), "0"]
        with process(*command, core=PLAYER_CORE) as child:
            found: dict[str, Any] = watch(child.pid, counts, seconds)
            found |= finish(child)
            time.sleep(0.1)
            found["arrived"] = int(counts["packets"])
            found["lost"] = found["sent"] - found["arrived"]
    return found


def both_ways(ours: bool, streams: int, seconds: float, *more: str) -> dict[str, Any]:
    """So many streams against a C twin that plays as many back; CPU per packet of either way."""
    there = [twin(), "play", str(streams), str(REMOTE), str(LOCAL), "0", "0"]
    command = [*player(ours), str(streams), str(LOCAL), str(REMOTE), "0", "1", *more]
    with process(*there) as peer, process(*command, core=PLAYER_CORE) as child:
        ready = time.monotonic()
        time.sleep(SETTLE_S)
        cpu, begun, peers = cpu_s(child.pid), time.monotonic(), cpu_s(peer.pid)
        time.sleep(seconds)
        cpu, peers = cpu_s(child.pid) - cpu, cpu_s(peer.pid) - peers
        ended = time.monotonic()
        found = finish(child)
        found["peer"] = finish(peer)
    wall = ended - begun
    found["lost"] += found["peer"]["lost"]
    # a player that cannot keep up sends less than it should
    share = min(1.0, found["sent"] / (50 * streams * (ended - ready)))
    packets = 2 * 50 * streams * wall * share
    return found | {"cpu_us": cpu * 1e6 / packets, "core": cpu / wall, "peer_core": peers / wall}


class Pairs(NamedTuple):
    """Runs of two players in turns; a ratio is the second's cost over the first's."""

    ours: list[dict[str, Any]]
    theirs: list[dict[str, Any]]

    @property
    def ratios(self) -> list[float]:
        return sorted(
            t["cpu_us"] / o["cpu_us"] for o, t in zip(self.ours, self.theirs, strict=True)
        )

    @property
    def ratio(self) -> float:
        return median(self.ratios)


def in_turns(
    ours: Callable[[], dict[str, Any]], theirs: Callable[[], dict[str, Any]], pairs: int
) -> Pairs:
    """Each pair begins with the other one."""
    found: Pairs = Pairs([], [])
    for number in range(pairs):
        sides = [(found.ours, ours), (found.theirs, theirs)]
        for kept, run in sides if number % 2 == 0 else reversed(sides):
            kept.append(run())
    return found


def middle(runs: list[dict[str, Any]], name: str) -> float:
    """The median of one figure."""
    return float(median(run[name] for run in runs))


def lateness(runs: list[dict[str, Any]]) -> str:
    """What the table says of how late packets left."""
    late = "/".join(f"{middle(runs, name):.0f}" for name in ("p50", "p99", "p999"))
    return f"late p50/p99/p99.9 {late} us"


def sipp(streams: int, seconds: float) -> dict[str, Any]:
    """SIPp's rtp_stream: as many calls, whose RTP goes to the same meter."""
    program = shutil.which("sipp")
    assert program, "sipp is missing: apt-get install sip-tester"
    work = BUILD / f"sipp.{os.getpid()}"
    work.mkdir(parents=True, exist_ok=True)
    (work / "prompt.wav").write_bytes(bytes(i * 7 & 255 for i in range(80_000)))
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": work}
    uas = [
        program, "-sf", str(HERE / "rtp_uas.xml"), "-i", text_of(REMOTE),
        "-p", str(SIPP_PORTS[0]), "-nostdin", "-l", str(streams + 10),
        "-key", "meter", text_of(METER),
    ]  # fmt: skip
    uac = [
        program, f"{text_of(REMOTE)}:{SIPP_PORTS[0]}", "-sf", str(HERE / "rtp_uac.xml"),
        "-i", text_of(LOCAL), "-mi", text_of(LOCAL), "-p", str(SIPP_PORTS[1]), "-nostdin",
        "-m", str(streams), "-l", str(streams), "-r", str(min(streams, 500)),
    ]  # fmt: skip
    try:
        with (
            meter() as counts,
            subprocess.Popen(uas, **quiet) as called,
            subprocess.Popen(uac, **quiet) as caller,
        ):
            try:
                wait_for_sources(counts, streams)
                return watch(caller.pid, counts, seconds)
            finally:
                caller.kill()
                called.kill()
    finally:
        shutil.rmtree(work)


def wait_for_sources(counts: Any, streams: int) -> None:
    """Until so many sources were heard; SIPp sets its calls up one after the other."""
    give_up = time.monotonic() + 30
    while (counts["of_source"] > 0).sum() < streams:
        assert time.monotonic() < give_up, "SIPp does not play"
        time.sleep(0.1)
