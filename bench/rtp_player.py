"""The media engine as a process of its own, with the command line of rtp_twin's player.

python -m bench.rtp_player play STREAMS LOCAL REMOTE PORT HEAR [spin]

With HEAR 1 it listens for keys in the audio too; with `spin` a Python thread works without a pause.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
from collections.abc import Callable

from fastpath.rtp import MediaEngine

FIRST_PORT, PER_HOST = 23_000, 1_000
PROMPT = bytes(i * 7 & 255 for i in range(80_000))  # 10 s


def address(host: int) -> str:
    """As in rtp_twin: the two middle bytes."""
    return f"127.{host >> 8}.{host & 255}.1"


def spin() -> None:
    """Hold the interpreter's lock all the time."""

    def work() -> None:
        while True:
            sum(range(1000))

    threading.Thread(target=work, daemon=True).start()


def found(engine: MediaEngine, streams: list[int]) -> dict[str, float]:
    """Sums over the streams, which are closed, and how late packets left."""
    counters = engine.counters()
    stats = [engine.close(stream) for stream in streams]
    sums = {name: sum(getattr(s, name) for s in stats) for name in ("sent", "received", "lost")}
    late = {p: counters[f"lateness_us_{p}"] for p in ("p50", "p99", "p999")}
    return sums | late | {"fifo_refused": counters["fifo_refused"], "threads": counters["threads"]}


def play(
    count: int, local: int, remote: int, port: int, hear: bool
) -> tuple[MediaEngine, list[int]]:
    """Streams that play to host `remote`; see rtp_twin.c."""
    engine = MediaEngine(streams_max=count)
    prompt = engine.add_prompt(PROMPT, PROMPT)
    streams = []
    for i in range(count):
        own = FIRST_PORT + 2 * (i % PER_HOST)
        stream = engine.open(address(local + i // PER_HOST), own, own)
        engine.connect(stream, address(remote if port else remote + i // PER_HOST), port or own, 0)
        engine.play(stream, prompt, i, loop=True)
        if hear:
            engine.hear_tones(stream)
        streams.append(stream)
    return engine, streams


def main(what: str, *words: str) -> None:
    """Run until standard input ends, then print what was counted."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    kinds: dict[str, Callable[..., tuple[MediaEngine, list[int]]]] = {"play": play}
    numbers = [int(word) for word in words if word != "spin"]
    engine, streams = kinds[what](*numbers)
    engine.start()
    print("ready", flush=True)
    if "spin" in words:
        spin()
    sys.stdin.read()
    counted = found(engine, streams)
    engine.stop()
    print(json.dumps(counted))


if __name__ == "__main__":
    main(*sys.argv[1:])
