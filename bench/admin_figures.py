"""What the benchmarks of the admin process read off a running daemon, and how it is judged."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from bench.admin_control import machine_busy_s
from dialerd.core.control import Status

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
LAG = ("loop_lag_le_", "loop_lag_count")
LATE = ("rtp_late_le_", "rtp_frames")


class Bar(msgspec.Struct, frozen=True):
    """One thing that is wanted, and what was found."""

    what: str
    found: float
    most: float  # or the least, where `least`; inf: it is only told
    unit: str
    least: bool = False

    @property
    def held(self) -> bool:
        """Whether it is."""
        return self.found >= self.most if self.least else self.found <= self.most

    def text(self) -> str:
        """As a line."""
        if self.most == math.inf:
            return f"{self.what:56} {self.found:10,.3f}    {'':8} {self.unit:6} without a bar"
        sign = ">=" if self.least else "<="
        words = "yes" if self.held else "NO"
        return (
            f"{self.what:56} {self.found:10,.3f} {sign} {self.most:<8,.10g} {self.unit:6} {words}"
        )


class Look(msgspec.Struct, frozen=True):
    """The daemon's counters and the CPU seconds of processes by name, at one moment."""

    counters: Mapping[str, float]
    placed: int
    cpu_s: Mapping[str, float]
    waited_s: float  # of the core's loop, for a core of the machine
    busy_s: float  # of all cores of the machine


class Period(msgspec.Struct, frozen=True):
    """What happened between two looks."""

    seconds: float
    lag_p99_us: float
    late_p999_us: float
    frames: int
    frames_late: int
    placed: int
    commits: int
    commit_ms: float  # the mean of them
    cpu: dict[str, float]  # parts of a core
    waited: float  # part of the time that the core's loop was ready to run and had no core
    busy: float  # cores of the machine that were at work
    slept_p999_us: float  # how late a thread like the media's was that only slept


def look(status: Status, pids: Mapping[str, int]) -> Look:
    """Now."""
    spent = {name: cpu_s(pid) for name, pid in pids.items()}
    waited = waited_s(status.pid)
    return Look(status.counters, status.placed, spent, waited, machine_busy_s())


def cpu_s(pid: int) -> float:
    """utime and stime of one process, all its threads."""
    fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def waited_s(pid: int) -> float:
    """How long a process's first thread was ready to run and had no core."""
    return int(Path("/proc", str(pid), "schedstat").read_text().split()[1]) / 1e9


def between(before: Look, after: Look, seconds: float, slept_us: float) -> Period:
    """What changed."""

    def grown(name: str) -> float:
        return after.counters[name] - before.counters[name]

    commits = grown("store_commits")
    return Period(
        seconds=seconds,
        lag_p99_us=quantile(0.99, *LAG, grown, after.counters),
        late_p999_us=quantile(0.999, *LATE, grown, after.counters),
        frames=int(grown("rtp_frames")),
        frames_late=int(grown("rtp_frames_late")),
        placed=after.placed - before.placed,
        commits=int(commits),
        commit_ms=1e3 * grown("store_commit_s_sum") / max(1.0, commits),
        cpu={n: (s - before.cpu_s[n]) / seconds for n, s in after.cpu_s.items()},
        waited=(after.waited_s - before.waited_s) / seconds,
        busy=(after.busy_s - before.busy_s) / seconds,
        slept_p999_us=slept_us,
    )


def quantile(
    part: float,
    prefix: str,
    count: str,
    grown: Callable[[str], float],
    names: Mapping[str, float],
) -> float:
    """In us, from cumulative bins, linear inside of a bin as Prometheus does it; 0.0 of nothing."""
    edges = sorted(
        int(name.removeprefix(prefix).removesuffix("_us"))
        for name in names
        if name.startswith(prefix)
    )
    wanted = part * grown(count)
    below_us, below = 0, 0.0
    for edge_us in edges:
        here = grown(f"{prefix}{edge_us}_us")
        if here >= wanted and here > below:
            return below_us + (edge_us - below_us) * (wanted - below) / (here - below)
        below_us, below = edge_us, here
    return float(below_us)


def percentile(values: list[float], part: float) -> float:
    """Of measured values; 0.0 of none."""
    found = sorted(values)
    return found[min(len(found) - 1, int(part * len(found)))] if found else 0.0


def pair_ratio(pairs: list[tuple[Period, Period]], of: Callable[[Period], float]) -> float:
    """The median over the pairs of loaded to idle."""
    return statistics.median(of(loaded) / max(of(idle), 1.0) for idle, loaded in pairs)
