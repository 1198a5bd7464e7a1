"""The media engine as a process of its own, with the command line of rtp_twin's player.

python -m bench.rtp_player STREAMS LOCAL REMOTE PORT
"""

from __future__ import annotations

import json
import resource
import sys

from fastpath.rtp import MediaEngine

FIRST_PORT, PER_HOST = 23_000, 1_000
PROMPT = bytes(i * 7 & 255 for i in range(80_000))  # 10 s


def main(count: int, local: int, remote: int, port: int) -> None:
    """Play to 127.0.REMOTE.1 until standard input ends; see rtp_twin.c."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    engine = MediaEngine(streams_max=count)
    prompt = engine.add_prompt(PROMPT, PROMPT)
    streams = []
    for i in range(count):
        own = FIRST_PORT + 2 * (i % PER_HOST)
        stream = engine.open(f"127.0.{local + i // PER_HOST}.1", own, own)
        host = f"127.0.{remote}.1" if port else f"127.0.{remote + i // PER_HOST}.1"
        engine.connect(stream, host, port or own, 0, 101)
        engine.play(stream, prompt, i, loop=True)
        streams.append(stream)
    engine.start()
    print("ready", flush=True)
    sys.stdin.read()
    counters = engine.counters()
    stats = [engine.close(stream) for stream in streams]
    found = {name: sum(getattr(s, name) for s in stats) for name in ("sent", "received", "lost")}
    found |= {p: counters[f"lateness_us_{p}"] for p in ("p50", "p99", "p999")}
    found["fifo_refused"] = counters["fifo_refused"]
    engine.stop()
    print(json.dumps(found))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
