"""Calls at twice the rate that fits, each admitted by the daemon's rule or refused.

python -m bench.rtp_admission LOCAL REMOTE PORT LOAD_MAX HOLD_S

An admitted call is a stream that plays to PORT of host REMOTE for HOLD_S; a refused one never gets
a stream, so nobody's phone rings. SIP is left out: the set-up is what the engine adds to it, from
asking for a port to the first packet.
"""

from __future__ import annotations

import json
import resource
import select
import sys
import time
from collections import deque

from bench.rtp_player import FIRST_PORT, PER_HOST, PROMPT, address
from dialerd.shell.media_room import MediaRoom
from fastpath.rtp import MediaEngine

STREAMS_MAX = 16_000
PERIOD_S = 0.005
LOOK_NS = 1_000_000_000
PERIOD_NS = 20_000_000
SAMPLED = 5  # of so many calls, the set-up of one is watched


class Offer:
    """Twice what fits, for as long as it is asked to go on."""

    def __init__(self, local: int, remote: int, port: int, load_max: float, hold_s: float) -> None:
        """One media thread."""
        self.engine = MediaEngine(streams_max=STREAMS_MAX)
        self.room = MediaRoom(1, load_max)
        self.prompt = self.engine.add_prompt(PROMPT, PROMPT)
        self.local, self.peer, self.hold_s = local, (address(remote), port), hold_s
        self.up: deque[tuple[int, int, int]] = deque()  # stream, place, begun
        self.places = deque(range(STREAMS_MAX))
        self.waiting: list[tuple[int, int]] = []
        self.setup_ms: list[float] = []
        self.per_s: list[float] = []
        self.totals = dict.fromkeys(("offered", "admitted", "refused", "sent", "late"), 0)
        self.up_max = self.room_max = 0
        self.due = 0.0

    def step(self, now_ns: int) -> None:
        """What is due by now: calls end, calls come."""
        while self.up and now_ns - self.up[0][2] >= self.hold_s * 1e9:
            self.end()
        self.due += 2 * self.room.calls_max / self.hold_s * PERIOD_S
        while self.due >= 1:
            self.due -= 1
            self.totals["offered"] += 1
            if len(self.up) >= self.room.calls_max:
                self.totals["refused"] += 1
            else:
                self.begin()
        self.up_max = max(self.up_max, len(self.up))
        for stream, asked_ns in self.waiting[:]:
            if self.engine.stats(stream).sent:
                self.setup_ms.append((time.monotonic_ns() - asked_ns) / 1e6)
                self.waiting.remove((stream, asked_ns))

    def begin(self) -> None:
        """An admitted call."""
        asked_ns, place = time.monotonic_ns(), self.places.popleft()
        own = FIRST_PORT + 2 * (place % PER_HOST)
        stream = self.engine.open(address(self.local + place // PER_HOST), own, own)
        self.engine.connect(stream, *self.peer, 0)
        self.engine.play(stream, self.prompt, stream, loop=True)
        self.up.append((stream, place, time.monotonic_ns()))
        self.totals["admitted"] += 1
        if self.totals["admitted"] % SAMPLED == 0:
            self.waiting.append((stream, asked_ns))

    def end(self) -> None:
        """The oldest call; how many packets a second it got, in the whole periods it was up.

        Its first turn comes within a period, and its last may be up to one late (later is counted
        as such): between them each period has one turn, and what is missing was not sent.
        """
        stream, place, begun_ns = self.up.popleft()
        self.waiting = [(s, at) for s, at in self.waiting if s != stream]
        periods = (time.monotonic_ns() - begun_ns) // PERIOD_NS - 1
        stats = self.engine.close(stream)
        self.places.append(place)
        self.totals["sent"] += stats.sent
        self.totals["late"] += stats.late
        if periods > 0:
            self.per_s.append(50 * min(1.0, stats.sent / periods))

    def run(self) -> None:
        """Until standard input ends."""
        looked_ns = next_ns = time.monotonic_ns()
        while not select.select([sys.stdin], [], [], max(0, next_ns - time.monotonic_ns()) / 1e9)[
            0
        ]:
            now_ns = time.monotonic_ns()
            self.step(now_ns)
            if now_ns - looked_ns >= LOOK_NS:
                looked_ns = now_ns
                self.room.measure(self.engine.counters(), now_ns)
                self.room_max = max(self.room_max, self.room.calls_max)
            next_ns += round(PERIOD_S * 1e9)

    def found(self) -> dict[str, float]:
        """Everything that was counted; all calls end."""
        counters = self.engine.counters()
        while self.up:
            self.end()
        setups = sorted(self.setup_ms)
        return self.totals | {
            "calls_max": self.room.calls_max,
            "room_max": self.room_max,
            "up_max": self.up_max,
            "load": counters["load"],
            "per_s_least": min(self.per_s),
            "setup_ms_p99": setups[int(0.99 * len(setups))],
            "late_us_p999": counters["lateness_us_p999"],
        }


def main(local: str, remote: str, port: str, load_max: str, hold_s: str) -> None:
    """Offer, then print."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    offer = Offer(int(local), int(remote), int(port), float(load_max), float(hold_s))
    offer.engine.start()
    print("ready", flush=True)
    offer.run()
    print(json.dumps(offer.found()))
    offer.engine.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
