"""Streams that meet, and calls that come faster than there is room for: as processes, with CPU."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from bench.rtp_calls import (
    LOCAL,
    METER,
    PLAYER_CORE,
    PORT,
    REMOTE,
    SETTLE_S,
    cpu_s,
    finish,
    meter,
    process,
    twin,
    watch,
)

PLAYER = (sys.executable, "-m", "bench.rtp_player")


def meeting(streams: int, seconds: float, *what: str) -> dict[str, Any]:
    """CPU of a player whose streams all hear a peer: the process, and its media thread."""
    there = [twin(), "play", str(streams), str(REMOTE), str(LOCAL), "0", "0"]
    with process(*there) as peer, process(*PLAYER, *what, core=PLAYER_CORE) as child:
        time.sleep(SETTLE_S)
        media, cpu, begun = cpu_s(child.pid), cpu_s(child.pid, whole=True), time.monotonic()
        time.sleep(seconds)
        media, cpu = cpu_s(child.pid) - media, cpu_s(child.pid, whole=True) - cpu
        wall = time.monotonic() - begun
        found = finish(child)
        found["peer"] = finish(peer)
    return found | {"core": cpu / wall, "media_core": media / wall}


def bridges(pairs: int, seconds: float, record: bool) -> dict[str, Any]:
    """Bridged pairs, whose peers all talk; CPU of one pair for a second."""
    what = ("bridge", str(pairs), str(LOCAL), str(REMOTE), str(int(record)))
    found = meeting(2 * pairs, seconds, *what)
    return found | {"cpu_us": found["core"] * 1e6 / pairs}


def rooms(count: int, streams: int, seconds: float) -> dict[str, Any]:
    """Streams that all talk, in so many rooms or, with 0, in none."""
    found = meeting(streams, seconds, "room", str(count), str(streams), str(LOCAL), str(REMOTE))
    return found | {"cpu_us": found["media_core"] * 1e6}


def admission(load_max: float, hold_s: float, seconds: float) -> dict[str, Any]:
    """Twice the calls that fit; see rtp_admission. Gaps are counted where the packets arrive."""
    with meter() as counts:
        command = [
            sys.executable, "-m", "bench.rtp_admission", str(LOCAL), str(METER), str(PORT),
            str(load_max), str(hold_s),
        ]  # fmt: skip
        with process(*command, core=PLAYER_CORE) as child:
            time.sleep(1.5 * hold_s)
            found: dict[str, Any] = watch(child.pid, counts, seconds)
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.close()
            found |= json.loads(child.stdout.read())
            time.sleep(0.1)
            found["lost"] = found["sent"] - int(counts["packets"])
    return found
