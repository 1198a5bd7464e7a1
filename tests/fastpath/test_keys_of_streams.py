"""Keys in the audio of a stream: whatever becomes of its packets, and whatever a bad peer sends."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from fastpath import g711
from fastpath.rtp import DigitHeard, DigitsSent, MediaEngine
from tests.fastpath.dtmf_tape import press, silence
from tests.reference.rtp import rtp

HERE = "127.0.0.1"
PORTS = (28_000, 28_198)
LAWS = {0: g711.ulaw_encode, 8: g711.alaw_encode}


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HERE, 0))
        yield sock


class Line:
    """A stream that hears tones, and its peer's end."""

    def __init__(self, engine: MediaEngine, peer: socket.socket, payload_type: int = 0) -> None:
        self.engine, self.peer = engine, peer
        self.stream = engine.open(HERE, *PORTS)
        engine.connect(self.stream, *peer.getsockname(), payload_type)
        engine.hear_tones(self.stream)
        self.keys = ""
        self.times: list[int] = []
        self.count = 0

    def send(self, packet: bytes) -> None:
        self.peer.sendto(packet, (HERE, self.engine.port(self.stream)))
        self.count += 1
        if self.count % 16 == 0:
            self.settle()  # a socket holds 32 KiB

    def settle(self) -> str:
        """Until all that was sent is heard."""
        self.until(lambda: self.engine.stats(self.stream).received >= self.count)
        return self.keys

    def until(self, done: Callable[[], object]) -> None:
        give_up = time.monotonic() + 100
        while not done():
            assert time.monotonic() < give_up
            time.sleep(0.002)
        for event in self.engine.events():
            if isinstance(event, DigitHeard):
                assert event.source == "inband"
                assert event.stream == self.stream
                self.keys += event.digit
                self.times.append(event.at_ns)


def payloads(*parts: np.ndarray, law: int = 0, size: int = 160) -> list[bytes]:
    samples = np.rint(np.concatenate(parts)).astype(np.int16)
    data = LAWS[law](samples)
    return [data[i : i + size] for i in range(0, len(data), size)]


def packets(bodies: list[bytes], law: int = 0, first: int = 0) -> list[bytes]:
    at, out = first * 160, []
    for i, body in enumerate(bodies):
        out.append(rtp(first + i, at, payload_type=law, payload=body))
        at += len(body)
    return out


@pytest.mark.parametrize("law", [0, 8])
@pytest.mark.parametrize("size", [80, 160, 240, 1100])
def test_keys_in_packets_of_any_length(
    engine: MediaEngine, peer: socket.socket, law: int, size: int
) -> None:
    line = Line(engine, peer, law)
    parts = [part for key in "19*D" for part in (press(key, 60), silence(50))]
    for packet in packets(payloads(*parts, law=law, size=size), law):
        line.send(packet)
    assert line.settle() == "19*D"
    assert engine.stats(line.stream).digits_heard == 4


def test_when_a_key_was_pressed(engine: MediaEngine, peer: socket.socket) -> None:
    """Before it was heard: by the length of its tone."""
    line = Line(engine, peer)
    begun = time.monotonic_ns()
    for packet in packets(payloads(silence(100), press("1", 100), silence(40))):
        line.send(packet)
        time.sleep(0.02)
    line.settle()
    [at_ns] = line.times
    assert begun + 60_000_000 < at_ns, "as sent, less the detector's and the clock's tolerance"
    assert at_ns < time.monotonic_ns() - 100_000_000


@pytest.mark.parametrize("how", ["lost", "doubled", "overtaken"])
def test_a_packet_that_fares_badly(engine: MediaEngine, peer: socket.socket, how: str) -> None:
    """One packet of a key of 140 ms, each in turn."""
    line = Line(engine, peer)
    row = packets(payloads(silence(40), press("7", 140), silence(60)))
    for odd in (2, 3, 5, 7):
        again = [
            rtp(odd * 200 + i, (odd * 200 + i) * 160, payload=p[12:]) for i, p in enumerate(row)
        ]
        if how == "lost":
            del again[odd]
        elif how == "doubled":
            again.insert(odd, again[odd])
        else:
            again[odd : odd + 2] = again[odd + 1], again[odd]
        for packet in again:
            line.send(packet)
    assert line.settle() == "7" * 4


def test_a_peer_that_sends_no_silence(engine: MediaEngine, peer: socket.socket) -> None:
    """Numbers go on, timestamps jump over the pause: the same key again is another one."""
    line = Line(engine, peer)
    bodies = payloads(press("4", 80))
    for i in range(3):
        for n, body in enumerate(bodies):
            line.send(rtp(i * len(bodies) + n, i * 1280 + n * 160, payload=body, marker=not n))
        line.send(rtp(9_000 + i, 0, ssrc=5, payload_type=13, payload=b"\x40"))
    assert line.settle() == "444"


def test_another_source_begins_anew(engine: MediaEngine, peer: socket.socket) -> None:
    line = Line(engine, peer)
    for ssrc in (1, 2, 3):
        for n, body in enumerate(payloads(press("2", 80))):
            line.send(rtp(100 + n, 4_000 + n * 160, ssrc, payload=body))
    assert line.settle() == "222"


def test_faster_than_time(engine: MediaEngine, peer: socket.socket) -> None:
    """A peer that presses many keys in a moment is heard for a second more than there was."""
    line = Line(engine, peer)
    begun_s = time.monotonic()
    bodies = payloads(*[part for _ in range(60) for part in (press("5", 60), silence(60))])
    for packet in packets(bodies):
        line.send(packet)
    keys, there_was_s = line.settle(), time.monotonic() - begun_s
    assert 8 <= len(keys) <= (1 + there_was_s) / 0.12 + 2


@pytest.mark.parametrize("seed", range(4))
def test_rubbish_is_survived(engine: MediaEngine, peer: socket.socket, seed: int) -> None:
    """Any payload and any timestamps from the peer itself; then a key is heard as ever."""
    rng = np.random.default_rng(seed)
    line, neighbour = Line(engine, peer), Line(engine, peer)
    for i in range(150):
        size = int(rng.choice([0, 1, 79, 160, 1400]))
        at = int(rng.choice([i * 160, rng.integers(0, 1 << 32)]))
        line.send(rtp(i, at, payload=rng.bytes(size), ssrc=int(rng.choice([1, 1, 2]))))
    line.settle()
    line.keys = ""
    time.sleep(0.05)
    for packet in packets(payloads(silence(60), press("6", 80), silence(60))):
        neighbour.send(packet)
    assert neighbour.settle() == "6"
    assert engine.stats(line.stream).received == 150


def test_tones_of_one_stream_are_keys_of_another(engine: MediaEngine) -> None:
    """What is sent to a peer without events is heard by one who listens for tones."""
    a, b = (engine.open(HERE, *PORTS) for _ in range(2))
    engine.connect(a, HERE, engine.port(b), 8)
    engine.connect(b, HERE, engine.port(a), 8)
    engine.hear_tones(b)
    engine.send_digits(a, "147*#D", 3, on_ms=60, gap_ms=60)
    keys, sent = "", False
    give_up = time.monotonic() + 100
    while len(keys) < 6 or not sent:
        assert time.monotonic() < give_up
        time.sleep(0.005)
        for event in engine.events():
            sent = sent or (isinstance(event, DigitsSent) and event.stream == a)
            keys += event.digit if isinstance(event, DigitHeard) else ""
    assert keys == "147*#D"


def test_on_and_off(engine: MediaEngine, peer: socket.socket) -> None:
    line = Line(engine, peer)
    engine.hear_tones(line.stream)
    engine.hear_tones(line.stream, False)
    engine.hear_tones(line.stream, False)
    for packet in packets(payloads(press("1", 80), silence(60))):
        line.send(packet)
    assert line.settle() == ""
    with pytest.raises(KeyError):
        engine.hear_tones(999_999)
