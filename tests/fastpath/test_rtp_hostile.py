"""What bad peers achieve in a call of theirs, and that the neighbours notice nothing of it.

The neighbours are two streams of the same thread that talk to each other; what they say, they say
in every period of 20 ms, and all of it arrives.
"""

from __future__ import annotations

import itertools
import random
import socket
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from fastpath.rtp import RECORD_DTYPE, DigitHeard, MediaEngine, PeerSilent, StreamStats
from tests.fastpath.test_pump import Modem
from tests.fastpath.test_rtcp_engine import Peer
from tests.ports import media_ports
from tests.reference import rtcp
from tests.reference.rtp import event, rtp
from tests.waiting import until

LOW, HIGH = media_ports()
HERE = "127.0.0.1"
PERIODS = 25  # of good audio after the bad


class Neighbours:
    """Two calls that talk to each other in a thread of the engine."""

    def __init__(self, engine: MediaEngine) -> None:
        self.engine = engine
        self.streams = [engine.open(HERE, LOW, HIGH) for _ in range(2)]
        for one, other in itertools.permutations(self.streams):
            engine.connect(one, HERE, engine.port(other), 0, 101)
        until(lambda: all(engine.stats(s).received > 2 for s in self.streams))

    def check(self) -> None:
        """Neither lost a packet, and both were served in every period.

        How late that was is the machine's affair (`make bench` asks): a test's core may be taken
        away for a while at any place, so here counts are waited for and compared.
        """
        first, second = self.streams
        until(lambda: self.engine.stats(first).sent > PERIODS)
        until(lambda: abs(self.engine.stats(second).sent - self.engine.stats(first).sent) <= 1)
        ended = self.engine.close(first)
        until(lambda: self.engine.stats(second).received >= ended.sent)
        for stats in (ended, self.engine.close(second)):
            assert (stats.lost, stats.duplicates, stats.reordered, stats.foreign) == (0, 0, 0, 0)
            assert (stats.malformed, stats.flooded) == (0, 0)


@pytest.fixture
def beside(engine: MediaEngine) -> Iterator[Neighbours]:
    """Whatever a test does to its own call, they hold."""
    neighbours = Neighbours(engine)
    yield neighbours
    neighbours.check()


class Call:
    """A call with a far end that the test speaks for; it has said ten good packets."""

    def __init__(self, engine: MediaEngine, peer: Peer) -> None:
        self.engine, self.peer = engine, peer
        self.stream = engine.open(HERE, LOW, HIGH)
        engine.connect(self.stream, peer.host, peer.port, 0, 101)
        self.to = (HERE, engine.port(self.stream))
        self.seq = 0
        self.said = 0
        self.good(10)

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.peer.rtp.sendto(packet, self.to)

    def good(self, count: int) -> None:
        """Audio as it should be, as fast as the engine reads it."""
        for _ in range(count):
            before = self.stats().received
            self.send(rtp(self.seq, 160 * self.seq, 7))
            self.seq += 1
            until(lambda n=before: self.stats().received > n)  # type: ignore[misc]
        self.said += count

    def stats(self) -> StreamStats:
        return self.engine.stats(self.stream)

    def end(self) -> StreamStats:
        """After more good audio; the counts."""
        self.good(PERIODS)
        return self.engine.close(self.stream)


@pytest.fixture
def call(engine: MediaEngine, beside: Neighbours) -> Iterator[Call]:
    peer = Peer()
    yield Call(engine, peer)
    peer.close()


def held(call: Call, count: int, name: str) -> Callable[[], bool]:
    return lambda: getattr(call.stats(), name) >= count


MALFORMED = {
    "empty": b"",
    "a byte": b"\x80",
    "truncated header": rtp(50)[:11],
    "truncated list of sources": rtp(50, csrcs=15, payload=b"")[:30],
    "truncated extension": rtp(50, extension=bytes(40), payload=b"")[:20],
    "more padding than there is": b"\xa0" + rtp(50, payload=b"\xff")[1:],
    "version 0": rtp(50, version=0),
    "version 1": rtp(50, version=1),
    "version 3": rtp(50, version=3),
    "oversized": rtp(50, payload=bytes(1_489)),
    "as large as a datagram can be": rtp(50, payload=bytes(65_000)),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_rtp(call: Call, name: str) -> None:
    for n in range(20):
        call.send(MALFORMED[name])
        until(held(call, n + 1, "malformed"))
    stats = call.end()
    assert (stats.received, stats.lost, stats.malformed) == (call.said, 0, 20)


def test_payload_types_that_nobody_agreed_on(call: Call) -> None:
    kinds = [k for k in range(128) if k not in {0, 8, 13, 101, *range(64, 96)}]
    for kind in kinds:
        call.send(rtp(call.seq, 160 * call.seq, 7, kind))
        call.seq += 1
        until(held(call, kinds.index(kind) + 1, "other_payload"))
    stats = call.end()
    assert (stats.other_payload, stats.lost) == (len(kinds), 0)
    assert stats.digits_heard == 0


def test_another_ssrc_in_each_packet(call: Call, engine: MediaEngine) -> None:
    """From the peer's own address and port: what only SRTP could tell from the peer."""
    chance = random.Random(1)
    for n in range(60):
        call.send(rtp(chance.randrange(65_536), chance.getrandbits(32), chance.getrandbits(32)))
        until(held(call, call.said + n + 1, "received"))
    stats = call.end()
    assert stats.lost == 0
    assert stats.source_changes >= 58
    assert stats.jitter_ms < 200


def test_replayed_packets(call: Call, engine: MediaEngine) -> None:
    """Audio is heard once, and a key is pressed once."""
    engine.record(call.stream)
    press = [rtp(call.seq + i, 9_000, 7, 101, event(5, 160 * i, end=i > 3)) for i in range(6)]
    call.seq += 6
    call.send(*press)
    until(lambda: call.stats().digits_heard)
    kept = [rtp(call.seq + i, 160 * (call.seq + i), 7, payload=bytes([i]) * 160) for i in range(8)]
    call.seq += 8
    for _ in range(5):
        call.send(*press, *kept)
        before = call.stats().received
        until(lambda n=before: call.stats().received >= n)  # type: ignore[misc]
    until(held(call, 10 + 6 + 5 * 14, "received"))
    stats = call.stats()
    assert stats.duplicates == 5 * 6 + 4 * 8
    entries = np.frombuffer(engine.recorded(call.stream), RECORD_DTYPE)
    heard = [int(e["payload"][0]) for e in entries if e["side"] and e["payload"][0] < 8]
    assert heard == list(range(8))
    pressed = [e for e in engine.events() if isinstance(e, DigitHeard)]
    assert [e.digit for e in pressed] == ["5"]
    engine.record(call.stream, False)
    assert call.end().lost == 0


@pytest.mark.parametrize("jump", [1 << 31, (1 << 32) - 1, -(1 << 31), -160_000, 1 << 24])
def test_timestamps_that_jump(call: Call, jump: int) -> None:
    for n in range(12):
        call.send(rtp(call.seq, 160 * call.seq + jump * n, 7))
        call.seq += 1
        until(held(call, call.said + n + 1, "received"))
    stats = call.stats()
    assert (stats.lost, stats.stale) == (0, 0)
    assert stats.jitter_ms < 200
    assert call.end().jitter_ms < 200


@pytest.mark.parametrize("ntp", [0, 1, (1 << 64) - 1, 1 << 63])
def test_reports_whose_64_bit_clock_jumps(call: Call, engine: MediaEngine, ntp: int) -> None:
    """Nothing is measured by it: the way there and back is by our own clock (6.4.1)."""
    engine.report(call.stream)
    ssrc = int.from_bytes(call.peer.rtp.recv(2_048)[8:12], "big")
    block = rtcp.block(ssrc, 0, 0, highest=0xFFFFFFFF, jitter=0xFFFFFFFF, lsr=ntp & 0xFFFFFFFF,
                       dlsr=0xFFFFFFFF)  # fmt: skip
    for _ in range(3):
        report = rtcp.sender_report(7, ntp, block, timestamp=0xFFFFFFFF)
        call.peer.rtcp.sendto(report, (HERE, call.to[1] + 1))
    until(held(call, 3, "rtcp_received"))
    stats = call.end()
    assert stats.rtt_ms is None or stats.rtt_ms <= 10_000
    assert 1 <= stats.peer_mos <= 4.5
    assert call.peer.rtcp.recv(2_048)[1] == rtcp.SR


def test_a_peer_that_changes_its_port_is_heard_after_a_new_description(
    call: Call, engine: MediaEngine
) -> None:
    """Without one it is a stranger, and the call is as silent as if nothing came."""
    engine.watch(call.stream, 200)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as moved:
        moved.bind((HERE, 0))
        moved.setblocking(False)
        for _ in range(20):
            moved.sendto(rtp(call.seq, 160 * call.seq, 7), call.to)
            call.seq += 1
            until(held(call, call.seq - 10, "foreign"))
        until(lambda: any(isinstance(e, PeerSilent) for e in engine.events()))
        with pytest.raises(BlockingIOError):
            moved.recv(2_048)
        before = call.stats().received
        engine.connect(call.stream, *moved.getsockname(), 0, 101)  # as a re-INVITE would say
        for _ in range(4):
            moved.sendto(rtp(call.seq, 160 * call.seq, 7), call.to)
            call.seq += 1
        until(held(call, before + 4, "received"))
        moved.setblocking(True)
        moved.settimeout(100)
        assert len(moved.recv(2_048)) == 172
        engine.connect(call.stream, call.peer.host, call.peer.port, 0, 101)
    stats = call.end()
    assert stats.lost == 20, "what the stranger said is missing, and nothing else"


def test_nobody_else_is_heard_or_answered(call: Call, engine: MediaEngine) -> None:
    """RTP bleed and injection, with the sequence numbers and SSRC of the peer itself."""
    press = event(9, 800, end=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.bind(("127.0.0.66", 0))
        thief.setblocking(False)
        for n in range(50):
            thief.sendto(rtp(call.seq + n, 160 * n, 7), call.to)
            thief.sendto(rtp(call.seq + n, 160 * n, 7, 101, press), call.to)
            until(held(call, 2 * n + 2, "foreign"))
        stats = call.end()
        with pytest.raises(BlockingIOError):
            thief.recv(2_048)
    assert (stats.received, stats.lost, stats.duplicates, stats.digits_heard) == (
        call.said, 0, 0, 0,
    )  # fmt: skip
    assert stats.peer == (call.peer.host, call.peer.port)
    assert not [e for e in engine.events() if isinstance(e, DigitHeard)]


def test_all_packets_lost_but_the_first_and_the_last(call: Call) -> None:
    call.seq += 2_990
    call.good(1)
    stats = call.stats()
    assert (stats.lost, stats.loss_runs, stats.loss_run_max) == (2_990, 1, 2_990)
    assert stats.mos == 1.0
    assert call.end().lost == 2_990


def test_no_packet_at_all(engine: MediaEngine, beside: Neighbours) -> None:
    peer = Peer()
    stream = engine.open(HERE, LOW, HIGH)
    engine.connect(stream, peer.host, peer.port, 0)
    engine.watch(stream, 100)
    until(lambda: engine.events() == [] and engine.stats(stream).sent > PERIODS)
    stats = engine.close(stream)
    assert (stats.received, stats.expected, stats.lost, stats.mos) == (0, 0, 0, 0.0)
    peer.close()


def test_a_peer_ten_times_too_fast(call: Call, engine: MediaEngine) -> None:
    """It is read and counted, and whoever it is bridged to hears what a call has in it."""
    other = Peer()
    far = engine.open(HERE, LOW, HIGH, near=call.stream)
    engine.connect(far, other.host, other.port, 0, 101)
    engine.bridge(call.stream, far)
    said = 0
    while call.stats().flooded < 10:
        begun = call.stats().sent
        for _ in range(10):
            call.send(rtp(call.seq, 160 * call.seq, 7, payload=b"\x11" * 160))
            call.seq += 1
        said += 10
        until(lambda n=begun: call.stats().sent > n)  # type: ignore[misc]
    periods = engine.stats(far).sent
    until(lambda: call.stats().received == call.said + said)
    stats = engine.close(far)
    assert call.stats().lost == 0
    assert stats.sent <= 64 + 8 * periods
    assert stats.sent < said + periods
    other.close()
    assert call.end().flooded >= 10


def test_a_modem_whose_device_disappears(engine: MediaEngine, beside: Neighbours) -> None:
    modem = Modem(engine)
    modem.hear_frames(5)
    modem.hang_up()
    until(lambda: engine.device(modem.stream)["gone"])
    before = engine.stats(beside.streams[0]).received
    until(lambda: engine.stats(beside.streams[0]).received > before + PERIODS)
    assert engine.stats(beside.streams[0]).lost == 0
    engine.close(modem.stream)
