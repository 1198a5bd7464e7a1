"""Run under count_blocks.c: what a stream takes when it is opened, and what its packets take.

python -m tests.fastpath.count_blocks LOW HIGH, ports of its own
"""

from __future__ import annotations

import ctypes
import json
import sys
import threading
from collections.abc import Callable

from fastpath.progress import Attention
from fastpath.rtp import MediaEngine, SrtpKeys
from tests.waiting import until

COUNTER = ctypes.CDLL(None)
HERE = "127.0.0.1"
PROMPT = bytes(range(256)) * 5
SUITE = "AES_CM_128_HMAC_SHA1_80"
MASTER = bytes(30)
PACKETS = 150  # three seconds: reports leave too
STREAMS = 1_000
Pair = Callable[[MediaEngine, int, int], object]


def secured(engine: MediaEngine, a: int, b: int) -> None:
    for stream in (a, b):
        engine.secure(stream, SrtpKeys(SUITE, MASTER), SrtpKeys(SUITE, MASTER))


def room(engine: MediaEngine, a: int, b: int) -> None:
    meeting = engine.room()
    for stream in (a, b):
        engine.join(meeting, stream)


def reported(engine: MediaEngine, a: int, b: int) -> None:
    for stream in (a, b):
        engine.report(stream, mux=True)


# What may be on while packets pass, each on a pair of streams that talk to each other.
WORK: dict[str, Pair] = {
    "plain": lambda engine, a, b: None,
    "prompt": lambda engine, a, b: engine.play(a, engine.add_prompt(PROMPT, PROMPT), 1, loop=True),
    "keys": lambda engine, a, b: engine.send_digits(a, "0123456789", 1, 40, 40),
    "tones heard": lambda engine, a, b: engine.hear_tones(a),
    "who answered": lambda engine, a, b: engine.listen(a, Attention({}), answered=True),
    "recorded": lambda engine, a, b: engine.record(a),
    "echo": lambda engine, a, b: engine.echo(a),
    "bridge": lambda engine, a, b: engine.bridge(a, b),
    "room": room,
    "reports": reported,
    "watched": lambda engine, a, b: engine.watch(a, 1000),
    "SRTP": secured,
}


def wait(engine: MediaEngine, streams: list[int], packets: int) -> None:
    """Until each stream heard so many more."""
    wanted = {stream: engine.stats(stream).received + packets for stream in streams}
    until(lambda: all(engine.stats(one).received >= many for one, many in wanted.items()), 60)


def packets(low: int, high: int) -> dict[str, int]:
    """Blocks that the media thread asked for while PACKETS passed each way, all work at once."""
    engine = MediaEngine(streams_max=2 * len(WORK))
    streams = []
    for work in WORK.values():
        a, b = engine.open(HERE, low, high), engine.open(HERE, low, high)
        engine.connect(a, HERE, engine.port(b), 0, 101)
        engine.connect(b, HERE, engine.port(a), 0, 101)
        work(engine, a, b)
        streams += [a, b]
    # a bridge passes on what its peers say: to it they are each other, and both stay silent
    heard = [stream for i, stream in enumerate(streams) if i // 2 != list(WORK).index("bridge")]
    engine.start()
    wait(engine, heard, 5)
    before, frames = COUNTER.blocks_of_others(), engine.counters()["frames"]
    wait(engine, heard, PACKETS)
    found = {
        "blocks": COUNTER.blocks_of_others() - before,
        "frames": int(engine.counters()["frames"] - frames),
        "received": sum(engine.stats(stream).received for stream in streams),
    }
    engine.stop()
    return found


def memory() -> dict[str, float]:
    """Bytes that each stream of an engine takes."""
    held = []
    for many in (STREAMS, 2 * STREAMS):
        before = COUNTER.bytes_held()
        engine = MediaEngine(streams_max=many)
        held.append(COUNTER.bytes_held() - before)
        del engine
    return {"stream": (held[1] - held[0]) / STREAMS}


def more(low: int, high: int, what: str) -> int:
    """Bytes that one thing takes, on one stream or on two."""
    engine = MediaEngine(streams_max=2)
    a, b = engine.open(HERE, low, high), engine.open(HERE, low, high)
    before = COUNTER.bytes_held()
    WORK[what](engine, a, b)
    held = COUNTER.bytes_held() - before
    engine.stop()
    return int(held)


def of_a_thread() -> int:
    """Blocks counted when another thread asks for a few: it is no use to count none of none."""
    before = COUNTER.blocks_of_others()
    thread = threading.Thread(target=lambda: [bytes(100_000) for _ in range(3)])
    thread.start()
    thread.join()
    return int(COUNTER.blocks_of_others() - before)


def main(low: int, high: int) -> None:
    """All of it, as JSON."""
    kinds = ("tones heard", "who answered", "recorded", "echo", "bridge", "room", "SRTP")
    # once before it is counted: modules are loaded then
    for what in kinds:
        more(low, high, what)
    found = {
        "thread": of_a_thread(),
        "packets": packets(low, high),
        "memory": memory() | {what: more(low, high, what) for what in kinds},
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
