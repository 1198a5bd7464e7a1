"""The media engine over real sockets: what leaves, what is heard, and what bad peers achieve."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from fastpath.rtp import DigitHeard, DigitsSent, MediaEngine, MediaEvent, PlayEnded
from tests.ports import media_ports
from tests.reference.rtp import Address, event, rtp

LOW, HIGH = media_ports()
HERE = "127.0.0.1"
PCMU = bytes(range(256)) * 5  # 8 frames
PCMA = bytes(255 - b for b in PCMU)
SILENCE = b"\xff" * 160
SO_TIMESTAMPNS = 35


@pytest.fixture(scope="module", autouse=True)
def stamping() -> Iterator[None]:
    """The kernel stamps arrivals from a moment after the first socket has asked for it on.

    Until then a packet carries the time at which it is read. A socket that asked keeps it on.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        time.sleep(0.2)
        yield


def until(done: Callable[[], object], engine: MediaEngine | None = None) -> list[MediaEvent]:
    """Wait, taking events; the time limit is only there to end a broken run."""
    events: list[MediaEvent] = []
    give_up = time.monotonic() + 100
    while not done():
        assert time.monotonic() < give_up, events
        time.sleep(0.002)
        if engine is not None:
            events += engine.events()
    return events


def wait_for(engine: MediaEngine, count: int) -> list[MediaEvent]:
    events: list[MediaEvent] = []
    give_up = time.monotonic() + 100
    while len(events) < count:
        assert time.monotonic() < give_up, events
        if select.select([engine], [], [], 0.5)[0]:
            events += engine.events()
    return events


def call(engine: MediaEngine, peer: socket.socket, event_type: int = 101) -> int:
    """A stream connected to `peer`."""
    stream = engine.open(HERE, LOW, HIGH)
    engine.connect(stream, *peer.getsockname(), 0, event_type)
    return stream


def pair(engine: MediaEngine) -> tuple[int, int]:
    """Two streams that talk to each other."""
    a, b = engine.open(HERE, LOW, HIGH), engine.open(HERE, LOW, HIGH)
    engine.connect(a, HERE, engine.port(b), 0, 101)
    engine.connect(b, HERE, engine.port(a), 0, 101)
    return a, b


def check_times(engine: MediaEngine, stamps: list[int]) -> None:
    """A period from packet to packet; more only by the periods that the thread said it skipped.

    It skips those that are past when its core was taken from it for more than 100 ms.
    """
    steps = [(b - a) & 0xFFFFFFFF for a, b in pairwise(stamps)]
    assert {step % 160 for step in steps} == {0}
    assert min(steps) == 160
    more = sum(steps) // 160 - len(steps)
    assert more <= engine.counters()["ticks_skipped"] // 20


def to(engine: MediaEngine, stream: int) -> Address:
    return HERE, engine.port(stream)


# ---- what leaves


def test_a_prompt_is_played_to_its_end_and_told_once(
    engine: MediaEngine, peer: socket.socket
) -> None:
    prompt = engine.add_prompt(PCMU, PCMA)
    stream = call(engine, peer)
    engine.play(stream, prompt, 7)
    assert wait_for(engine, 1) == [PlayEnded(stream, 7)]
    heard = []
    while len(heard) < 9:
        packet, source = peer.recvfrom(2048)
        assert source == to(engine, stream)
        heard.append(packet)
    assert engine.close(stream).sent >= 9
    headers = [struct.unpack("!BBHII", p[:12]) for p in heard]
    start = next(i for i in range(9) if heard[i][12:] != SILENCE)
    assert b"".join(p[12:] for p in heard[start : start + 8]) == PCMU
    assert headers[start][1] == 0x80, "the marker begins the talk spurt"
    first = headers[0]
    for i, (version, _, seq, _, ssrc) in enumerate(headers):
        assert (version, ssrc) == (0x80, first[4])
        assert seq == (first[2] + i) & 0xFFFF
    check_times(engine, [timestamp for _, _, _, timestamp, _ in headers])


def test_nothing_leaves_before_connect_nor_to_a_peer_on_hold(
    engine: MediaEngine, peer: socket.socket
) -> None:
    prompt = engine.add_prompt(PCMU, PCMA)
    other = call(engine, peer)
    stream = engine.open(HERE, LOW, HIGH)
    engine.play(stream, prompt, 1)
    until(lambda: engine.stats(other).sent >= 5)
    assert engine.stats(stream).sent == 0
    engine.connect(stream, "0.0.0.0", 9, 0)
    before = engine.stats(other).sent
    until(lambda: engine.stats(other).sent >= before + 5)
    assert engine.stats(stream).sent == 0
    engine.connect(stream, *peer.getsockname(), 0)
    assert wait_for(engine, 1) == [PlayEnded(stream, 1)], "the prompt waited"


def test_without_comfort_only_prompts_leave(engine: MediaEngine, peer: socket.socket) -> None:
    prompt = engine.add_prompt(PCMU, PCMA)
    talker = call(engine, peer)
    stream = engine.open(HERE, LOW, HIGH)
    engine.connect(stream, *peer.getsockname(), 8, comfort=False)
    engine.play(stream, prompt, 1)
    wait_for(engine, 1)
    before = engine.stats(talker).sent
    until(lambda: engine.stats(talker).sent >= before + 5)
    assert engine.close(stream).sent == 8


def test_a_stopped_or_looping_prompt_tells_nothing(
    engine: MediaEngine, peer: socket.socket
) -> None:
    prompt = engine.add_prompt(PCMU, PCMA)
    stream = call(engine, peer)
    engine.play(stream, prompt, 1, True)
    assert until(lambda: engine.stats(stream).sent > 30, engine) == []
    engine.stop_play(stream)
    engine.play(stream, prompt, 2)
    assert wait_for(engine, 1) == [PlayEnded(stream, 2)]


def test_a_removed_prompt_plays_on_where_it_plays(engine: MediaEngine, peer: socket.socket) -> None:
    prompt = engine.add_prompt(PCMU, PCMA)
    stream = call(engine, peer)
    engine.play(stream, prompt, 1)
    engine.remove_prompt(prompt)
    with pytest.raises(KeyError, match="no such prompt"):
        engine.play(stream, prompt, 2)
    with pytest.raises(KeyError, match="no such prompt"):
        engine.remove_prompt(prompt)
    again = engine.add_prompt(PCMA, PCMU)
    assert again != prompt
    assert wait_for(engine, 1) == [PlayEnded(stream, 1)]
    heard = b"".join(peer.recv(2048)[12:] for _ in range(engine.stats(stream).sent))
    assert PCMU in heard


def test_a_chain_is_heard_in_its_order_without_a_gap(
    engine: MediaEngine, peer: socket.socket
) -> None:
    parts = [bytes([n]) * 160 * n for n in (3, 1, 2)]
    chain = [engine.add_prompt(part, part) for part in parts]
    stream = call(engine, peer)
    engine.play(stream, [*chain, chain[0]], 4)
    for prompt in chain:
        engine.remove_prompt(prompt)  # what plays is played to its end
    assert wait_for(engine, 1) == [PlayEnded(stream, 4)]
    heard = [peer.recv(2048) for _ in range(engine.stats(stream).sent)]
    said = b"".join(packet[12:] for packet in heard)
    assert b"".join([*parts, parts[0]]) in said
    check_times(engine, [int.from_bytes(packet[4:8], "big") for packet in heard])
    with pytest.raises(KeyError, match="no such prompt"):
        engine.play(stream, chain, 5)
    with pytest.raises(ValueError, match="one to 128 prompts"):
        engine.play(stream, [], 5)


def test_digits_cross_from_stream_to_stream(engine: MediaEngine) -> None:
    a, b = pair(engine)
    engine.send_digits(b, "0123456789*#ABCD", 3, on_ms=40, gap_ms=40)
    events = wait_for(engine, 17)
    heard = [e for e in events if isinstance(e, DigitHeard)]
    assert "".join(e.digit for e in heard) == "0123456789*#ABCD"
    assert {(e.stream, e.source) for e in heard} == {(a, "rfc4733")}
    assert [e.at_ns for e in heard] == sorted(e.at_ns for e in heard)
    assert [e for e in events if not isinstance(e, DigitHeard)] == [DigitsSent(b, 3)]
    sent, received = engine.close(b), engine.close(a)
    assert (received.digits_heard, sent.digits_sent) == (16, 16)
    assert (received.lost, received.duplicates, received.malformed) == (0, 0, 0)


def test_more_digits_than_may_wait_are_refused(engine: MediaEngine, peer: socket.socket) -> None:
    stream = call(engine, peer, event_type=96)
    engine.send_digits(stream, "1" * 32, 1)
    with pytest.raises(BufferError, match="at most 32"):
        engine.send_digits(stream, "1" * 32, 2)


# ---- what is heard


def test_every_packet_of_the_peer_is_counted(engine: MediaEngine, peer: socket.socket) -> None:
    stream = call(engine, peer)
    for seq in [*range(40), *range(50, 60), 45, 46, 46]:  # 8 lost, 2 reordered, 1 twice
        peer.sendto(rtp(seq, seq * 160), to(engine, stream))
        until(lambda: engine.stats(stream).received > 0)
    until(lambda: engine.stats(stream).received == 53)
    stats = engine.close(stream)
    assert (stats.lost, stats.reordered, stats.duplicates, stats.foreign) == (8, 2, 1, 0)
    assert stats.peer == peer.getsockname()
    assert stats.locked
    assert 0 < stats.heard_ns <= time.monotonic_ns()


def test_what_came_before_connect_is_not_heard(engine: MediaEngine, peer: socket.socket) -> None:
    stream = engine.open(HERE, LOW, HIGH)
    for seq in range(5):
        peer.sendto(rtp(seq, 1, 1, 101, event(seq, 160, end=True)), to(engine, stream))
    engine.connect(stream, *peer.getsockname(), 0, 101)
    until(lambda: engine.stats(stream).early == 5)
    peer.sendto(rtp(900, 2, 1, 101, event(9, 160, end=True)), to(engine, stream))
    events = wait_for(engine, 1)
    assert [e.digit for e in events if isinstance(e, DigitHeard)] == ["9"]
    assert engine.close(stream).lost == 0


def test_arrival_times_are_the_kernel_s(engine: MediaEngine, peer: socket.socket) -> None:
    """A digit's time lies between sending and hearing, not at the engine's next 20 ms."""
    stream = call(engine, peer)
    until(lambda: engine.stats(stream).sent > 0)
    for seq in range(20):
        before = time.monotonic_ns()
        peer.sendto(rtp(seq, seq, 1, 101, event(1, 160, end=True)), to(engine, stream))
        after = time.monotonic_ns()
        (heard,) = wait_for(engine, 1)
        assert isinstance(heard, DigitHeard)
        assert before - 1_000_000 <= heard.at_ns <= after + 5_000_000


def test_strangers_are_dropped_unanswered(engine: MediaEngine, peer: socket.socket) -> None:
    """The spray begins before the peer's first packet and goes on after the latch has closed."""
    stream = call(engine, peer)
    target = to(engine, stream)
    press = event(6, 800, end=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        attacker.bind(("127.0.0.66", 0))
        attacker.setblocking(False)
        for seq in range(20):
            attacker.sendto(rtp(seq, seq, 66, 101, press), target)
        until(lambda: engine.stats(stream).foreign + engine.stats(stream).received >= 20)
        learned_from_attacker = engine.stats(stream).received
        for seq in range(10):
            peer.sendto(rtp(seq, seq * 160), target)
        until(lambda: engine.stats(stream).locked)
        assert engine.stats(stream).peer == peer.getsockname()
        wait_from = engine.stats(stream)
        engine.events()
        for seq in range(20, 60):
            attacker.sendto(rtp(seq, seq, 66, 101, press), target)
        until(lambda: engine.stats(stream).foreign >= wait_from.foreign + 40)
        before = engine.stats(stream).sent
        until(lambda: engine.stats(stream).sent > before + 5)
        while True:  # what the attacker got while it was the only one talking
            try:
                attacker.recv(2048)
            except BlockingIOError:
                break
        before = engine.stats(stream).sent
        until(lambda: engine.stats(stream).sent > before + 5)
        with pytest.raises(BlockingIOError):
            attacker.recv(2048)
    assert engine.events() == [], "no digit of a stranger counts"
    assert learned_from_attacker <= 17
    stats = engine.close(stream)
    assert stats.received == learned_from_attacker + 10


def test_a_flood_is_read_within_a_budget_and_hurts_no_neighbour(engine: MediaEngine) -> None:
    a, b = pair(engine)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        victim, _ = pair(engine)
        target = to(engine, victim)
        until(lambda: engine.stats(victim).locked)
        before = engine.stats(a)
        while engine.counters()["budget_spent"] < 3:
            for seq in range(200):
                flood.sendto(rtp(seq), target)
        until(lambda: engine.stats(a).received > before.received + 20)
    stats = engine.close(a)
    assert stats.lost == 0
    assert engine.close(b).lost == 0
    assert engine.close(victim).foreign > 150


def test_icmp_of_a_peer_that_is_gone_hurts_nobody(engine: MediaEngine) -> None:
    """A closed port answers each packet with an ICMP error."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind((HERE, 0))
        address = gone.getsockname()
    stream = engine.open(HERE, LOW, HIGH)
    engine.connect(stream, *address, 0, 101)
    until(lambda: engine.stats(stream).sent >= 20)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
        back.bind(address)
        back.sendto(rtp(1), to(engine, stream))
        until(lambda: engine.stats(stream).received == 1)
    stats = engine.close(stream)
    assert (stats.send_errors, stats.receive_errors) == (0, 0)


def test_what_is_no_rtp_is_counted(engine: MediaEngine, peer: socket.socket) -> None:
    stream = call(engine, peer)
    junk = [b"", b"x", bytes(11), b"\x40" + bytes(30), b"\x8f" + bytes(30)]
    junk.append(rtp(1, payload=bytes(1600)))
    for data in [*junk, b"\x80\xc8" + bytes(26), rtp(1, payload_type=99), bytes(9000)]:
        peer.sendto(data, to(engine, stream))
    until(lambda: engine.stats(stream).malformed == 7)
    until(lambda: engine.stats(stream).other_payload == 1)
    assert engine.close(stream).rtcp == 1


def test_events_that_nobody_takes_are_bounded_and_counted(
    engine: MediaEngine, peer: socket.socket
) -> None:
    prompt = engine.add_prompt(PCMU[:160], PCMA[:160])
    stream = call(engine, peer)
    for seq in range(1200):
        peer.sendto(rtp(seq, seq, 1, 101, event(1, 160, end=True)), to(engine, stream))
        if seq % 50 == 49:
            until(lambda: engine.stats(stream).received == seq + 1)  # noqa: B023
    assert engine.stats(stream).digits_heard == 1200
    assert engine.counters()["events_dropped"] == 1200 - 1024
    engine.play(stream, prompt, 5)
    before = engine.stats(stream).sent
    until(lambda: engine.stats(stream).sent > before + 5)
    events = wait_for(engine, 1025)
    assert events[-1] == PlayEnded(stream, 5), "the end of a prompt is never dropped"
    assert len(events) == 1025


# ---- recording


def test_the_recording_of_a_stream_is_bounded(engine: MediaEngine) -> None:
    a, _ = pair(engine)
    assert engine.recorded(a) == b""
    engine.record(a)
    until(lambda: engine.stats(a).record_dropped > 0)
    assert len(engine.recorded(a)) == 256 * 176
    engine.record(a, False)
    engine.recorded(a)
    before = engine.stats(a).sent
    until(lambda: engine.stats(a).sent > before + 3)
    assert engine.recorded(a) == b""
