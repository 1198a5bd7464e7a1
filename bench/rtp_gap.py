"""How many frames an agent misses when somebody comes to listen, when one speaks, and goes.

python -m bench.rtp_gap [RUNS]

The customer says a frame every 20 ms, each another one, to an agent by a bridge; over the engine's
own sockets, one media thread. Of so many runs: frames of the customer that the agent never heard or
heard twice, and how many frames of another content came among them (made up, or silence).
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import Counter
from typing import Final

import numpy as np

from fastpath.rtp import MediaEngine

HOST: Final = "127.0.0.1"
PORTS: Final = 27_000, 27_998
STEP: Final = 25  # frames between two changes
NAMES: Final = ("listens", "whispers", "listens again", "leaves")


class Telephone:
    """A peer of one stream."""

    def __init__(self, engine: MediaEngine) -> None:
        """Connected."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.stream = engine.open(HOST, *PORTS)
        self.there = HOST, engine.port(self.stream)
        engine.connect(self.stream, *self.socket.getsockname(), 0)
        self.number = 0

    def say(self, body: bytes) -> None:
        """The next packet."""
        head = bytes((128, 0)) + self.number.to_bytes(2, "big")
        head += (160 * self.number).to_bytes(4, "big") + (7).to_bytes(4, "big")
        self.socket.sendto(head + body, self.there)
        self.number += 1

    def hear(self) -> list[bytes]:
        """The bodies that have come."""
        found = []
        while select.select([self.socket], [], [], 0)[0]:
            found.append(self.socket.recv(2_000)[12:])
        return found


def run(seed: int) -> dict[str, tuple[int, int, int]]:
    """By what changes: frames missed, heard twice, and others heard, until the next change."""
    rng = np.random.default_rng(seed)
    count = STEP * (len(NAMES) + 2)
    bodies = [row.tobytes() for row in rng.integers(0, 127, (count, 160), dtype=np.uint8)]
    engine = MediaEngine(streams_max=4)
    engine.start()
    customer, agent, boss = (Telephone(engine) for _ in range(3))
    heard: list[bytes] = []
    room = engine.room(over=True)
    begun = time.monotonic()
    for n, body in enumerate(bodies):
        if n == STEP // 2:
            engine.bridge(customer.stream, agent.stream)
        if n >= STEP and not n % STEP and n // STEP <= len(NAMES):
            change(engine, room, (customer, agent, boss), NAMES[n // STEP - 1])
        customer.say(body)
        agent.say(b"\xff" * 160)  # or nobody would know where it is
        boss.say(b"\xff" * 160)
        heard += agent.hear()
        time.sleep(max(0.0, begun + 0.02 * (n + 1) - time.monotonic()))  # a telephone's own pace
    time.sleep(0.2)  # what the room's buffers still hold comes at their pace; no event ends it
    heard += agent.hear()
    engine.stop()
    for one in (customer, agent, boss):
        one.socket.close()
    return {name: _counted(bodies, heard, at) for at, name in enumerate(NAMES, 1)}


def change(
    engine: MediaEngine, room: int, legs: tuple[Telephone, Telephone, Telephone], what: str
) -> None:
    """As the daemon's `Meetings` does it."""
    customer, agent, boss = (one.stream for one in legs)
    if what == "listens":
        engine.join(room, boss, "listening")
        engine.overhear(room, customer, "customer", played=True)
        engine.overhear(room, agent, "agent")
    elif what == "whispers":
        engine.join(room, boss, "whispering")
        engine.join(room, customer, "customer")
        engine.join(room, agent, "agent")
    elif what == "listens again":
        engine.join(room, boss, "listening")
    else:
        engine.close_room(room)
        engine.bridge(customer, agent)


def _counted(bodies: list[bytes], heard: list[bytes], at: int) -> tuple[int, int, int]:
    said = bodies[at * STEP - STEP // 2 : (at + 1) * STEP - STEP // 2]
    times = Counter(heard)
    places = [n for n, body in enumerate(heard) if body in set(said)]
    among = heard[places[0] : places[-1] + 1] if places else []
    others = sum(body not in set(bodies) for body in among)
    missed = sum(not times[body] for body in said)
    return missed, sum(times[body] > 1 for body in said), others


def main(runs: int = 5) -> dict[str, dict[str, list[int]]]:
    """Each run's counts, by what changes."""
    every = [run(seed) for seed in range(runs)]
    words = ("missed", "twice", "others")
    return {
        name: {word: [one[name][n] for one in every] for n, word in enumerate(words)}
        for name in NAMES
    }


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:2])), indent=1))
