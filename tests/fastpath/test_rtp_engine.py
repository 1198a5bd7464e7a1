"""The media engine over real sockets: what leaves, what is heard, and who is not listened to."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable, Iterator

import pytest

from fastpath.rtp import DigitHeard, DigitsSent, MediaEngine, MediaEvent, PlayEnded

PORTS = (23000, 23998)
PCMU = bytes(range(256)) * 5  # 8 frames
PCMA = bytes(255 - b for b in PCMU)


@pytest.fixture
def engine() -> Iterator[MediaEngine]:
    engine = MediaEngine(streams_max=64)
    engine.start()
    yield engine
    engine.stop()


def wait_for(engine: MediaEngine, done: Callable[[list[MediaEvent]], bool]) -> list[MediaEvent]:
    """Events until `done`; the time limit is only there to end a broken run."""
    events: list[MediaEvent] = []
    give_up = time.monotonic() + 20
    while not done(events):
        assert time.monotonic() < give_up, events
        if select.select([engine], [], [], 0.5)[0]:
            events += engine.events()
    return events


def pair(engine: MediaEngine) -> tuple[int, int]:
    """Two streams that talk to each other."""
    a, b = engine.open("127.0.0.1", *PORTS), engine.open("127.0.0.1", *PORTS)
    engine.connect(a, "127.0.0.1", engine.port(b), 0, 101)
    engine.connect(b, "127.0.0.1", engine.port(a), 0, 101)
    return a, b


def test_a_prompt_is_played_to_its_end_and_told_once(engine: MediaEngine) -> None:
    prompt = engine.add_prompt(PCMU, PCMA)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as meter:
        meter.bind(("127.0.0.1", 0))
        meter.settimeout(5)
        stream = engine.open("127.0.0.1", *PORTS)
        engine.connect(stream, *meter.getsockname(), 0)
        engine.play(stream, prompt, 7)
        assert wait_for(engine, bool) == [PlayEnded(stream, 7)]
        heard = []
        while len(heard) < 9:
            packet, source = meter.recvfrom(2048)
            assert source == ("127.0.0.1", engine.port(stream))
            heard.append(packet)
        stats = engine.close(stream)
    assert stats.sent >= 9
    headers = [struct.unpack("!BBHII", p[:12]) for p in heard]
    silences = [i for i, p in enumerate(heard) if p[12:] == b"\xff" * 160]
    start = next(i for i in range(9) if i not in silences)
    played = heard[start : start + 8]
    assert b"".join(p[12:] for p in played) == PCMU[:1280]
    assert headers[start][1] == 0x80, "the marker begins the talk spurt"
    first = headers[0]
    for i, (version, _, seq, timestamp, ssrc) in enumerate(headers):
        assert (version, ssrc) == (0x80, first[4])
        assert seq == (first[2] + i) & 0xFFFF
        assert timestamp == (first[3] + 160 * i) & 0xFFFFFFFF


def test_digits_cross_from_stream_to_stream(engine: MediaEngine) -> None:
    a, b = pair(engine)
    engine.send_digits(b, "0123456789*#ABCD", 3, on_ms=40, gap_ms=40)
    events = wait_for(engine, lambda e: any(isinstance(x, DigitsSent) for x in e) and len(e) >= 17)
    heard = [e for e in events if isinstance(e, DigitHeard)]
    assert "".join(e.digit for e in heard) == "0123456789*#ABCD"
    assert {(e.stream, e.source) for e in heard} == {(a, "rfc4733")}
    assert [e.at_ns for e in heard] == sorted(e.at_ns for e in heard)
    assert [e for e in events if not isinstance(e, DigitHeard)] == [DigitsSent(b, 3)]
    sent, received = engine.close(b), engine.close(a)
    assert (received.digits_heard, sent.digits_sent) == (16, 16)
    assert (received.lost, received.duplicates, received.malformed) == (0, 0, 0)
