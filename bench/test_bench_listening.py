"""What listening to calls costs a media thread; the figures of many are `bench.rtp_listening`'s."""

from __future__ import annotations

import os

import pytest

from bench import rtp_listening

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
STREAMS, SECONDS = (20, 1.0) if SMOKE else (1_000, 5.0)
GROUP = "a stream listened to, a frame of 20 ms"


@pytest.mark.benchmark(group=GROUP)
@pytest.mark.parametrize("way", list(rtp_listening.ways()))
def test_listening(benchmark, way):
    listen, audio = rtp_listening.ways()[way], rtp_listening.speech()
    cost = benchmark.pedantic(rtp_listening.run, (listen, STREAMS, SECONDS, audio), rounds=1)
    benchmark.extra_info |= {"unit": "frame", "cpu_us": cost.cpu_us, "lost": cost.lost}
    assert SMOKE or cost.lost == 0  # the suite asks no machine to be idle
