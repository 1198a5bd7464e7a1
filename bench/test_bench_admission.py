"""Twice the calls that fit: those that are up keep their audio, the rest never rings.

By the rule of dialerd/shell/media_room.py, with real streams (see rtp_admission).
"""

from __future__ import annotations

import os

import pytest

from bench import rtp_meetings

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
LOAD_MAX = 0.04 if SMOKE else 0.7
HOLD_S = 1.0 if SMOKE else 8.0
SECONDS = 1.0 if SMOKE else 16.0
PER_S_MIN, GAP_MS_MAX, SETUP_MS_MAX = 50.0, 22.0, 300.0


@pytest.mark.long
@pytest.mark.benchmark(group="twice the calls that fit, an admitted call's packet")
def test_twice_what_fits(benchmark):
    found = benchmark.pedantic(rtp_meetings.admission, args=(LOAD_MAX, HOLD_S, SECONDS), rounds=1)
    missed = [
        name
        for name, holds in (
            ("packets/s", found["per_s_least"] >= PER_S_MIN),
            ("gap", found["gap_p99"] < GAP_MS_MAX),
            ("set-up", found["setup_ms_p99"] < SETUP_MS_MAX),
            ("loss", not found["lost"]),
        )
        if not holds
    ]
    note = (
        f"{found['offered']:,} offered, {found['refused']:,} refused, up to {found['up_max']:,} up"
        f" (room for {found['room_max']:,}) at {found['load']:.0%} of the thread; least"
        f" {found['per_s_least']:.1f} packets/s, gap p99 {found['gap_p99']:.1f} ms, set-up p99"
        f" {found['setup_ms_p99']:.0f} ms; {found['lost']} lost, {found['late']} frames late;"
        f" {'MISSED: ' + ', '.join(missed) if missed else 'bars held'}"
    )
    benchmark.extra_info |= {
        "unit": "packet", "cpu_us": found["cpu_us"], "note": note, "found": found,
    }  # fmt: skip
    assert found["refused"] > 0
    assert found["admitted"] > 0
    assert found["offered"] == found["admitted"] + found["refused"]
    fits = max(found["room_max"], LOAD_MAX * 4000)  # as it was measured at the time
    assert found["up_max"] <= fits, "never more than fits"
