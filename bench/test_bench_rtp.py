"""1,000 concurrent prompts, counted where they arrive, and as many streams in both directions.

Beside the engine, in the same run: a plain C program that does the same (`rtp_twin.c`), and SIPp's
rtp_stream. CPU is of the playing process, per packet; the time is that of whole processes.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from bench import rtp_calls

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
QUICK = os.environ.get("BENCH_QUICK", "0") == "1"
STREAMS = 40 if SMOKE else 1_000
SECONDS = 0.6 if SMOKE else 3.0 if QUICK else 6.0
PLAY = "1,000 concurrent prompts, a packet"
BOTH = "1,000 streams both ways, a packet"
PLAYERS = [None, "C twin"]


def show(benchmark: Any, peer: str | None, found: dict[str, Any], late: str) -> None:
    """What the table prints: CPU per packet; streams in a core and lateness beside it."""
    streams = STREAMS / found["core"] if found["core"] else 0
    note = f"{STREAMS} = {found['core']:.1%} of a core, {streams:,.0f}/core; {late}"
    benchmark.extra_info |= {
        "peer": peer, "unit": "packet", "cpu_us": found["cpu_us"], "note": note,
        "streams_per_core": round(streams), "found": found,
    }  # fmt: skip


def lateness(found: dict[str, Any]) -> str:
    return f"late p50/p99/p99.9 {found['p50']:.0f}/{found['p99']:.0f}/{found['p999']:.0f} us"


def within_reason(lost: int, packets: int) -> bool:
    """A busy machine lets sockets run over, which the table tells; more means a broken run."""
    return lost <= packets // 20


@pytest.mark.benchmark(group=PLAY)
@pytest.mark.parametrize("peer", PLAYERS)
def test_play(benchmark, peer):
    found = benchmark.pedantic(rtp_calls.play_only, args=(peer is None, STREAMS, SECONDS), rounds=1)
    lost = found["sent"] - found["arrived"]
    note = f"{lateness(found)}; gap p99 {found['gap_p99']:.1f} ms; {lost} lost"
    show(benchmark, peer, found, note)
    assert found["sources"] == STREAMS
    assert within_reason(lost, found["sent"])
    assert found["packets"] > 0


@pytest.mark.benchmark(group=PLAY)
def test_play_sipp(benchmark):
    found = benchmark.pedantic(rtp_calls.sipp, args=(STREAMS, SECONDS), rounds=1)
    show(benchmark, "SIPp rtp_stream", found, f"gap p99 {found['gap_p99']:.1f} ms")
    assert found["sources"] == STREAMS
    assert found["packets"] > 0


@pytest.mark.benchmark(group=BOTH)
@pytest.mark.parametrize("peer", PLAYERS)
def test_both_ways(benchmark, peer):
    found = benchmark.pedantic(rtp_calls.both_ways, args=(peer is None, STREAMS, SECONDS), rounds=1)
    lost = found["lost"] + found["peer"]["lost"]
    show(benchmark, peer, found, f"{lateness(found)}; {lost} lost")
    assert found["received"] > 0
    assert within_reason(lost, found["received"])
