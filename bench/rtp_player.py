"""The media engine as a process of its own, with the command line of rtp_twin's player.

python -m bench.rtp_player play STREAMS LOCAL REMOTE PORT HEAR [spin]
    with HEAR 1 it listens for keys in the audio too; with `spin` a Python thread never rests
python -m bench.rtp_player bridge PAIRS LOCAL REMOTE RECORD
    the peers of two streams hear each other; RECORD 1 writes both sides of each pair to a WAV file
python -m bench.rtp_player room ROOMS STREAMS LOCAL REMOTE
    the streams meet in so many rooms, or with 0 nowhere
python -m bench.rtp_player listen PAIRS LOCAL REMOTE MODE
    as `bridge`, with a third stream beside each pair: MODE 1 it listens to both, 2 it whispers to
    the second as well, 0 it hears nobody
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from dialerd.shell.recordings import Recordings
from fastpath.rtp import MediaEngine

FIRST_PORT, PER_HOST = 23_000, 1_000
PROMPT = bytes(i * 7 & 255 for i in range(80_000))  # 10 s
LISTENS = 1  # of `listen`
DISK = Path(__file__).resolve().parent.parent / "build"


def address(host: int) -> str:
    """As in rtp_twin: the two middle bytes."""
    return f"127.{host >> 8}.{host & 255}.1"


def spin() -> None:
    """Hold the interpreter's lock all the time."""

    def work() -> None:
        while True:
            sum(range(1000))

    threading.Thread(target=work, daemon=True).start()


class Player:
    """An engine and its streams."""

    def __init__(
        self, count: int, local: int, remote: int, port: int = 0, *, runs: bool = False
    ) -> None:
        """Streams connected to their places at host `remote`; see rtp_twin.c.

        Peers whose packets are counted on their way find an engine that `runs`, as in the daemon:
        else it begins with all that its sockets gathered.
        """
        self.engine = MediaEngine(streams_max=count)
        if runs:
            self.engine.start()
        self.streams = []
        self.folder: Path | None = None
        self.recordings: Recordings | None = None
        for i in range(count):
            own = FIRST_PORT + 2 * (i % PER_HOST)
            stream = self.engine.open(address(local + i // PER_HOST), own, own)
            peer = address(remote if port else remote + i // PER_HOST)
            self.engine.connect(stream, peer, port or own, 0)
            self.streams.append(stream)

    def record(self, streams: list[int]) -> None:
        """Each in a file, as the daemon does it."""
        self.folder = Path(tempfile.mkdtemp(prefix="bench.", dir=DISK))
        self.recordings = Recordings(
            self.folder, self.engine, free_bytes_min=0, day=lambda: "recorded"
        )
        for stream in streams:
            if not self.recordings.begin(stream, str(stream)):
                raise OSError("nothing is recorded")

    def finish(self) -> dict[str, float]:
        """Close all; sums over the streams, and how late packets left."""
        counters, found = self.engine.counters(), {}
        if self.recordings is not None and self.folder is not None:
            self.recordings.close()
            found = {"recorded_s": self.recordings.figures()["seconds"]}
            shutil.rmtree(self.folder)
        stats = [self.engine.close(stream) for stream in self.streams]
        for name in ("sent", "received", "lost", "record_dropped"):
            found[name] = sum(getattr(s, name) for s in stats)
        self.engine.stop()
        late = {p: counters[f"lateness_us_{p}"] for p in ("p50", "p99", "p999")}
        return found | late | {"fifo_refused": counters["fifo_refused"]}


def play(count: int, local: int, remote: int, port: int, hear: int) -> Player:
    """A prompt on each stream; all begin at once, as the C program's do."""
    player = Player(count, local, remote, port)
    prompt = player.engine.add_prompt(PROMPT, PROMPT)
    for i, stream in enumerate(player.streams):
        player.engine.play(stream, prompt, i, loop=True)
        if hear:
            player.engine.hear_tones(stream)
    player.engine.start()
    return player


def bridge(pairs: int, local: int, remote: int, record: int) -> Player:
    """Neighbours are bridged; the recording of one has both sides."""
    player = Player(2 * pairs, local, remote, runs=True)
    firsts = player.streams[::2]
    for a, b in zip(firsts, player.streams[1::2], strict=True):
        player.engine.bridge(a, b)
    if record:
        player.record(firsts)
    return player


def room(rooms: int, streams: int, local: int, remote: int) -> Player:
    """As many streams in each room."""
    player = Player(streams, local, remote, runs=True)
    meetings = [player.engine.room() for _ in range(rooms)]
    for i, stream in enumerate(player.streams if rooms else ()):
        player.engine.join(meetings[i * rooms // streams], stream)
    return player


def listen(pairs: int, local: int, remote: int, mode: int) -> Player:
    """A third beside each pair, as the daemon's `Meetings` has supervisors hear a call."""
    player = Player(3 * pairs, local, remote, runs=True)
    engine, streams = player.engine, iter(player.streams)
    for customer, agent, boss in zip(streams, streams, streams, strict=True):
        engine.bridge(customer, agent)
        if not mode:
            continue
        meeting = engine.room(over=True)
        engine.join(meeting, boss, "listening" if mode == LISTENS else "whispering")
        if mode == LISTENS:
            engine.overhear(meeting, customer, "customer", played=True)
            engine.overhear(meeting, agent, "agent")
        else:
            engine.join(meeting, customer, "customer")
            engine.join(meeting, agent, "agent")
    return player


KINDS: dict[str, Callable[..., Player]] = {
    "play": play,
    "bridge": bridge,
    "room": room,
    "listen": listen,
}


def main(what: str, *words: str) -> None:
    """Run until standard input ends, then print what was counted."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    player = KINDS[what](*[int(word) for word in words if word != "spin"])
    print("ready", flush=True)
    if "spin" in words:
        spin()
    sys.stdin.read()
    print(json.dumps(player.finish()))


if __name__ == "__main__":
    main(*sys.argv[1:])
