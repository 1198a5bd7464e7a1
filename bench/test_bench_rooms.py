"""A conference, one period of 20 ms: jitter buffers, sums, coding, without sockets.

Beside numpy, which sums all and takes each party's own off again, without jitter buffers. The
printed reference for a bridged pair is Asterisk's: 0.20-0.23 % of a core, with its sockets.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from fastpath.g711 import ulaw_decode, ulaw_encode
from fastpath.rtp_jitter import RtpJitter
from fastpath.rtp_mix import RtpMix

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
PERIODS = 10 if SMOKE else 500
PARTIES = 50
FRAME_NS = 20_000_000
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
