"""What it costs a media thread to listen to calls.

`python -m bench.rtp_listening [STREAMS] [SECONDS]`

As many streams hear recorded speech over loopback, sent by a second engine of the same process. The
figure is the CPU of the thread that hears, by its own clock: the difference to one that only
receives is the detectors'. Who answers is asked anew every second, so that it is never known.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bench.answer_audio import recorded
from dialerd.detect.bank_prints import prints_of
from dialerd.detect.model import load_model
from dialerd.detect.tone_plan import load_book
from fastpath import g711
from fastpath.prints_bank import PrintBank
from fastpath.progress import Attention
from fastpath.rtp import MediaEngine

HERE = "127.0.0.1"
PORTS = (24_400, 24_998)
REFERENCES = 24  # announcements of a bank
WARM_S = 0.4


class Cost(NamedTuple):
    """Of one way to listen: share of a core for each stream, and what went wrong."""

    streams: int
    cpu_us: float  # a stream, a frame of 20 ms
    lost: int
    late: int


def speech() -> bytes:
    """Half a minute of voices, in mu-law."""
    parts, left = [], 30 * 8_000
    for clip in recorded("train"):
        parts.append(clip.samples)
        left -= len(clip.samples)
        if left <= 0:
            break
    return g711.ulaw_encode(np.rint(np.concatenate(parts) * 32_767).astype(np.int16))


def bank() -> PrintBank:
    """Other recordings as announcements."""
    found = []
    for clip in recorded("held out"):
        if len(clip.samples) > 24_000:
            prints = prints_of(np.rint(clip.samples * 32_767).astype(np.int16))
            found.append((prints.codes, prints.flags, len(found)))
        if len(found) == REFERENCES:
            return PrintBank(found)
    raise AssertionError("too few recordings are installed")


def run(
    listen: Callable[[MediaEngine, int], None], streams: int, seconds: float, audio: bytes
) -> Cost:
    """Listen for so long."""
    says, hears = (MediaEngine(streams_max=streams) for _ in range(2))
    prompt = says.add_prompt(audio, audio)
    pairs = []
    for number in range(streams):
        host = f"127.0.{1 + number // 100}.1"
        a, b = says.open(host, *PORTS), hears.open(host, *PORTS)
        says.connect(a, host, hears.port(b), 0, comfort=False)
        hears.connect(b, host, says.port(a), 0, comfort=False)
        hears.pause(b)
        says.play(a, prompt, number, loop=True)
        pairs.append(b)
    for engine in (says, hears):
        engine.start()
    time.sleep(WARM_S)  # both send and hear by then: what follows is steady
    began, frames = time.monotonic(), hears.counters()["ticks"]
    loads = []
    while time.monotonic() - began < seconds:
        for stream in pairs:
            listen(hears, stream)
        hears.events()
        time.sleep(1.0)  # what is measured: the load is a mean of this second
        loads.append(float(hears.counters()["load"]))
    late = int(hears.counters()["frames_late"])
    assert hears.counters()["ticks"] > frames
    lost = sum(hears.close(stream).lost for stream in pairs)
    for engine in (says, hears):
        engine.stop()
    return Cost(streams, float(np.median(loads)) * 20_000 / streams, lost, late)


def ways() -> dict[str, Callable[[MediaEngine, int], None]]:
    """The ways to listen."""
    book = load_book()
    labels = [str(number) for number in range(REFERENCES)]
    after = Attention(load_model(), book=book, quiet_ms=2_000)
    early = Attention(book=book, bank=bank(), labels=labels)
    return {
        "received only": lambda _engine, _stream: None,
        "keys": lambda engine, stream: engine.hear_tones(stream),
        "early media: tones, announcements": lambda engine, stream: engine.listen(stream, early),
        "answered: who, tones": lambda engine, stream: engine.listen(stream, after, answered=True),
    }


def main(streams: int = 1_000, seconds: float = 5.0) -> dict[str, Cost]:
    """All of them, printed."""
    found, audio = {}, speech()
    for name, listen in ways().items():
        cost = found[name] = run(listen, streams, seconds, audio)
        sys.stdout.write(
            f"{name:36} {cost.streams} streams  {cost.cpu_us:6.2f} us a frame"
            f"  {cost.lost} lost  {cost.late} late\n"
        )
    return found


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, float), sys.argv[1:], strict=False)))
