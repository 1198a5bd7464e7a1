"""Prompts counted where they arrive, and streams both ways, as their number grows.

Beside the engine, in turns with it: a plain C program that does the same work (`rtp_twin.c`,
`rtp_twin_hear.h`), and SIPp's rtp_stream. CPU is of the playing thread, per packet. Both ways means
play, receive, latch, statistics, energy and keys in the audio; the engine keeps its gates, tells
reordered, repeated and restarted sources apart and knows events and reports beside that.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest

from bench import rtp_calls
from bench.rtp_calls import Pairs, lateness, middle

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
QUICK = os.environ.get("BENCH_QUICK", "0") == "1"
STREAMS = 40 if SMOKE else 1_000
SECONDS = 0.5 if SMOKE else 3.0 if QUICK else 5.0
PAIRS = 1 if SMOKE or QUICK else 5
FEW = SMOKE or QUICK  # only the size in the middle
RATIO_MAX, LATE_MAX = 1.10, 1.2  # the bars: CPU and p99.9 lateness over the C program's
PERIOD_US = 20_000  # and p99 lateness: who is later has more streams than its core carries
SIZES = {
    "play": (1_000,) if FEW else (100, 1_000, 7_500),
    "both ways": (1_000,) if FEW else (100, 1_000, 4_000),
}
WHAT = {
    "play": "{:,} concurrent prompts, a packet",
    "both ways": "{:,} streams both ways, a packet",
}
TWIN, IDLE = "C twin", "Python idle"


def described(runs: list[dict[str, Any]], streams: int) -> str:
    """What the table says of one side: its share of a core, lateness, losses."""
    core, lost = middle(runs, "core"), sum(run["lost"] for run in runs)
    sent = sum(run["sent"] for run in runs)
    return f"{streams:,} = {core:.1%} of a core; {lateness(runs)}; {lost} of {sent:,} lost"


def judged(pairs: Pairs) -> str:
    """The bars, held or missed: our cost and lateness over theirs."""
    ours_over = sorted(1 / ratio for ratio in pairs.ratios)
    cost = 1 / pairs.ratio
    tail = middle(pairs.ours, "p999") / max(1.0, middle(pairs.theirs, "p999"))
    spread = f"{cost:.2f} times the CPU ({ours_over[0]:.2f}-{ours_over[-1]:.2f})"
    missed = [f"CPU {cost:.2f}"] if cost > RATIO_MAX else []
    if tail > LATE_MAX:
        missed.append(f"p99.9 {tail:.2f}")
    if middle(pairs.ours, "p99") > PERIOD_US:
        too = middle(pairs.theirs, "p99") > PERIOD_US
        missed.append("a period late" + (", as the C program is" if too else ""))
    bar = f"MISSED: {', '.join(missed)}" if missed else "bars held"
    return f"{spread}, {tail:.2f} times the p99.9; {bar}"


def show(benchmark: Any, peer: str | None, pairs: Pairs, streams: int, note: str) -> None:
    """One side of a pair, as the table reads it."""
    runs = pairs.theirs if peer else pairs.ours
    benchmark.extra_info |= {
        "peer": peer, "unit": "packet", "cpu_us": middle(runs, "cpu_us"), "note": note,
        "streams": streams, "found": runs,
    }  # fmt: skip
    if peer:
        benchmark.extra_info["ratio"] = pairs.ratio


@cache
def measured(kind: str, streams: int) -> Pairs:
    """Ours and the C twin in turns."""
    run = rtp_calls.play_only if kind == "play" else rtp_calls.both_ways
    sides: list[Callable[[], dict[str, Any]]] = [
        partial(run, ours, 40 if SMOKE else streams, SECONDS) for ours in (True, False)
    ]
    return rtp_calls.in_turns(sides[0], sides[1], PAIRS)


def within_reason(runs: list[dict[str, Any]]) -> bool:
    """A busy machine lets sockets run over, which the table tells; more means a broken run."""
    return all(run["lost"] <= run["sent"] // 20 for run in runs)


@pytest.mark.parametrize("peer", [None, TWIN])
@pytest.mark.parametrize(("kind", "streams"), [(k, n) for k in SIZES for n in SIZES[k]])
def test_streams(benchmark, kind, streams, peer):
    benchmark.group = WHAT[kind].format(streams)
    pairs = benchmark.pedantic(measured, args=(kind, streams), rounds=1)
    runs = pairs.theirs if peer else pairs.ours
    note = described(runs, streams) + (f"; ours: {judged(pairs)}" if peer else "")
    show(benchmark, peer, pairs, streams, note)
    assert within_reason(runs)
    assert all(run["sent"] > 0 for run in runs)
    if kind == "play":
        assert {run["sources"] for run in runs} == {40 if SMOKE else streams}
    else:
        assert all(run["received"] > 0 for run in runs)


@pytest.mark.benchmark(group=WHAT["play"].format(1_000))
def test_play_sipp(benchmark):
    found = benchmark.pedantic(rtp_calls.sipp, args=(STREAMS, SECONDS), rounds=1)
    benchmark.extra_info |= {
        "peer": "SIPp rtp_stream", "unit": "packet", "cpu_us": found["cpu_us"],
        "note": f"{found['core']:.1%} of a core; gap p99 {found['gap_p99']:.1f} ms",
    }  # fmt: skip
    assert found["sources"] == STREAMS
    assert found["packets"] > 0


@cache
def spun() -> Pairs:
    """A Python thread that never rests, on the same core, and none."""
    run = partial(rtp_calls.both_ways, True, STREAMS, SECONDS)
    return rtp_calls.in_turns(partial(run, "spin"), run, PAIRS)


@pytest.mark.long
@pytest.mark.parametrize("peer", [None, IDLE])
def test_python_works_without_a_pause(benchmark, peer):
    """The interpreter's lock is always taken; the media threads never ask for it."""
    benchmark.group = "1,000 streams both ways while Python spins, a packet"
    pairs = benchmark.pedantic(spun, rounds=1)
    runs = pairs.theirs if peer else pairs.ours
    note = described(runs, 1_000) + (f"; spinning: {judged(pairs)}" if peer else "")
    show(benchmark, peer, pairs, 1_000, note)
    assert within_reason(runs)
    assert all(run["received"] > 0 for run in runs)
