"""Streams that meet: bridged pairs with recordings, and conferences.

One period of a conference is measured without sockets beside numpy, which sums all and takes each
party's own off again, without jitter buffers. In a running engine the cost of a conference is what
its thread needs more than for the same streams that meet nobody. A bridged pair is measured with
its sockets, its peers talking and a thread that writes the recordings, all on one core; Asterisk's
figure for one was taken elsewhere, without a recording.
"""

from __future__ import annotations

import os
from functools import cache
from statistics import median
from typing import Any

import numpy as np
import pytest

from bench import rtp_gap, rtp_meetings
from bench.rtp_calls import lateness, middle
from fastpath.g711 import ulaw_decode, ulaw_encode
from fastpath.rtp_jitter import RtpJitter
from fastpath.rtp_mix import RtpMix

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
PERIODS = 10 if SMOKE else 500
PARTIES = 50
FRAME_NS = 20_000_000
RUNS = 1 if SMOKE else 5
SECONDS = 0.5 if SMOKE else 5.0
BRIDGED = 20 if SMOKE else 1_000
ROOMS = 1 if SMOKE else 10
OVERHEARD = 10 if SMOKE else 200
ROOM_MAX = 0.005  # of a core
LATE_MAX_US = 20_000  # p99: a period
PAIR = "1,000 bridged pairs, both sides recorded, a pair for a second"
MEETING = "a conference of 50 in a running engine, a second"
ASTERISK_US = 2_150.0  # 0.20-0.23 % of a core for a pair, on the reference machine
VOICE = np.random.default_rng(1).integers(0, 256, (PARTIES, 160), dtype=np.uint8)
BODIES = [row.tobytes() for row in VOICE]


class Room:
    """All that a room does in a period; called from Python, which costs more than it does."""

    def __init__(self) -> None:
        """Everybody is an agent: each hears all the others."""
        self.buffers = [RtpJitter() for _ in range(PARTIES)]
        self.mix = RtpMix()
        for party in range(PARTIES):
            self.mix.enter(party, "agent")
        self.frames = np.zeros((64, 160), np.int16)
        self.number = 0

    def period(self) -> int:
        """One packet from each, one frame to each; octets sent."""
        now_ns, speaking, sent = self.number * FRAME_NS, 0, 0
        for party, buffer in enumerate(self.buffers):
            buffer.put(0, party, 160 * self.number, BODIES[party], now_ns)
            kind, audio = buffer.take(now_ns + 10_000_000)
            self.frames[party] = np.frombuffer(audio, np.int16)
            speaking |= (kind != "silence") << party
        for party in range(PARTIES):
            sent += len(ulaw_encode(self.mix.mix(self.frames, speaking, party)))
        self.number += 1
        return sent


def numpy_period() -> int:
    """The same sums by numpy."""
    frames = np.stack([ulaw_decode(body) for body in BODIES]).astype(np.int32)
    total, sent = frames.sum(axis=0), 0
    for frame in frames:
        mixed = np.clip(total - frame, -32_768, 32_767).astype(np.int16)
        sent += len(ulaw_encode(mixed))
    return sent


@pytest.mark.benchmark(group="a conference of 50, a period of 20 ms")
@pytest.mark.parametrize("peer", [None, "numpy, sums only"])
def test_conference(benchmark, peer):
    room = Room()
    work = room.period if peer is None else numpy_period
    benchmark.extra_info |= {"unit": "period", "units": PERIODS, "peer": peer}
    sent = benchmark.pedantic(lambda: [work() for _ in range(PERIODS)], rounds=1 if SMOKE else 3)
    assert sent[-1] == PARTIES * 160
    if peer is None:
        assert all(buffer.counts()["concealed"] == 0 for buffer in room.buffers)


@pytest.mark.long
@pytest.mark.benchmark(group=PAIR)
def test_bridged_pairs(benchmark):
    def runs() -> list[dict[str, Any]]:
        return [rtp_meetings.bridges(BRIDGED, SECONDS, True) for _ in range(RUNS)]

    found = benchmark.pedantic(runs, rounds=1)
    lost = sum(run["lost"] + run["peer"]["lost"] for run in found)
    dropped, core = sum(run["record_dropped"] for run in found), middle(found, "core")
    missed = [
        name
        for name, holds in (
            ("one core", core < 1),
            ("loss", not lost + dropped),
            ("lateness", middle(found, "p99") < LATE_MAX_US),
        )
        if not holds
    ]
    note = (
        f"{BRIDGED:,} = {core:.1%} of a core, {middle(found, 'media_core'):.1%} without the writer;"
        f" {lateness(found)}, the generator's {lateness([run['peer'] for run in found])};"
        f" {lost} lost, {dropped} frames not recorded;"
        f" {'MISSED: ' + ', '.join(missed) if missed else 'bars held'}"
    )
    benchmark.extra_info |= {
        "unit": "pair", "cpu_us": middle(found, "cpu_us"), "note": note, "found": found,
    }  # fmt: skip
    for run in found:
        assert run["received"] > 0
        assert run["sent"] > 0
        assert run["recorded_s"] > 0
        if not SMOKE:  # the suite asks no machine to be idle
            assert run["sent"] >= 0.9 * run["received"], "what one peer says the other one hears"
            assert run["recorded_s"] > 0.5 * BRIDGED


@pytest.mark.long
@pytest.mark.benchmark(group=PAIR)
def test_bridged_pairs_rtpengine(benchmark):
    found = benchmark.pedantic(rtp_meetings.relayed, args=(BRIDGED, SECONDS), rounds=1)
    lost = 1 - found["received"] / found["sent"]
    note = f"nothing recorded; {found['core']:.1%} of a core, {max(0.0, lost):.1%} not relayed"
    benchmark.extra_info |= {
        "peer": "rtpengine, user space", "unit": "pair", "cpu_us": found["cpu_us"], "note": note,
    }  # fmt: skip
    assert found["received"] > 0


@pytest.mark.benchmark(group=PAIR)
@pytest.mark.recorded
def test_bridged_pairs_asterisk(benchmark):
    benchmark.pedantic(lambda: None, rounds=1)
    benchmark.extra_info |= {
        "peer": "Asterisk", "unit": "pair", "cpu_us": ASTERISK_US,
        "note": "peer as recorded: 0.20-0.23 % of a core a pair, nothing recorded",
    }  # fmt: skip
    assert ASTERISK_US > 0


@pytest.mark.benchmark(group="frames that an agent misses while somebody listens in")
def test_listening_in(benchmark):
    found = benchmark.pedantic(rtp_gap.main, args=(RUNS,), rounds=1)
    worst = {what: {word: max(n) for word, n in row.items()} for what, row in found.items()}
    note = "; ".join(
        f"{what}: {row['missed']} missed, {row['twice']} twice" for what, row in worst.items()
    )
    benchmark.extra_info |= {"unit": "change", "note": note, "found": found}
    assert worst["listens"] == {"missed": 0, "twice": 0, "others": 0}, "nobody notices"


@cache
def heard_by_bosses() -> dict[str, list[dict[str, Any]]]:
    """Bridged pairs, heard by nobody, listened to, and whispered to, in turns."""
    found: dict[str, list[dict[str, Any]]] = {"nobody": [], "listens": [], "whispers": []}
    for _ in range(RUNS):
        for mode, name in enumerate(found):
            found[name].append(rtp_meetings.listened(OVERHEARD, SECONDS, mode))
    return found


@pytest.mark.long
@pytest.mark.benchmark(group="a bridged pair with a telephone beside it, a second")
@pytest.mark.parametrize("who", ["nobody", "listens", "whispers"])
def test_what_listening_in_costs(benchmark, who):
    found = benchmark.pedantic(heard_by_bosses, rounds=1)[who]
    lost = sum(run["lost"] for run in found)
    note = f"{OVERHEARD} pairs, the media thread's CPU; {lost} lost; {lateness(found)}"
    benchmark.extra_info |= {
        "unit": "pair", "cpu_us": middle(found, "cpu_us"), "note": note, "found": found,
    }  # fmt: skip
    for run in found:
        assert run["received"] > 0
        assert run["sent"] > 0


@cache
def met() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The same streams in rooms and in none, in turns."""
    together, apart = [], []
    for _ in range(RUNS):
        together.append(rtp_meetings.rooms(ROOMS, ROOMS * PARTIES, SECONDS))
        apart.append(rtp_meetings.rooms(0, ROOMS * PARTIES, SECONDS))
    return together, apart


@pytest.mark.long
@pytest.mark.benchmark(group=MEETING)
def test_running_conference(benchmark):
    together, apart = benchmark.pedantic(met, rounds=1)
    more = sorted((a["cpu_us"] - b["cpu_us"]) / ROOMS for a, b in zip(together, apart, strict=True))
    cost_us, sockets = max(0.0, median(more)), middle(apart, "media_core") / ROOMS
    note = (
        f"{cost_us / 1e6:.2%} of a core ({more[0] / 1e6:.2%} to {more[-1] / 1e6:.2%}), its 50"
        f" sockets {sockets:.2%} beside;"
        f" {'bar held' if cost_us / 1e6 < ROOM_MAX else f'MISSED: {ROOM_MAX:.1%}'}"
    )
    benchmark.extra_info |= {"unit": "room", "cpu_us": cost_us, "note": note, "found": together}
    for run in together:
        assert run["sent"] > 0
        assert run["received"] > 0
