"""Streams that meet, over real sockets: what each peer hears, and by which numbers."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

from fastpath.g711 import alaw_to_ulaw, ulaw_to_alaw
from fastpath.rtp import RECORD_DTYPE, DigitHeard, MediaEngine
from tests.fastpath.test_rtp_engine import stamping  # noqa: F401 - fixture
from tests.reference.rtp import Parsed, event, parse, rtp

HERE, LOW, HIGH = "127.0.0.1", 27_000, 27_998
SILENCE = b"\xff" * 160
THREADS = pytest.mark.parametrize("engine", [1, 2], indirect=True, ids=["one", "two"])


class Peer:
    """A telephone: it says what it is told, and remembers what it hears."""

    def __init__(self, engine: MediaEngine, law: int = 0, event_type: int = 101) -> None:
        """With a stream of the engine's own."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HERE, 0))
        self.socket.setblocking(False)
        self.engine, self.law = engine, law
        self.stream = engine.open(HERE, LOW, HIGH)
        self.port = engine.port(self.stream)
        engine.connect(self.stream, *self.socket.getsockname(), law, event_type)
        self.heard: list[Parsed] = []
        self.seq, self.timestamp = 60_000 + self.stream % 1_000, 2**32 - 5_000
        self.said = 0

    def say(self, body: bytes, kind: int | None = None, *, marker: bool = False) -> None:
        """One packet; time goes on by its audio."""
        kind = self.law if kind is None else kind
        self.send(kind, body, marker=marker)
        self.timestamp += len(body)

    def send(self, kind: int, body: bytes, *, marker: bool = False, seq: int = -1) -> None:
        seq = self.seq if seq < 0 else seq
        data = rtp(seq % 65536, self.timestamp % 2**32, 7, kind, body, marker=marker)
        self.socket.sendto(data, (HERE, self.port))
        self.seq = seq + 1
        self.said += 1

    def listen(self) -> None:
        while True:
            try:
                data = self.socket.recv(2_000)
            except BlockingIOError:
                return
            found = parse(data)
            assert found is not None
            self.heard.append(found)

    def bodies(self) -> list[bytes]:
        """What was heard and is not silence."""
        quiet = {b"\xff" * 160, b"\xd5" * 160}
        return [p.payload for p in self.heard if p.payload not in quiet]


@pytest.fixture
def engine(request) -> Iterator[MediaEngine]:
    made = MediaEngine(threads=getattr(request, "param", 1), streams_max=64)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def peers(engine) -> Iterator[list[Peer]]:
    made = [Peer(engine) for _ in range(2)]
    yield made
    for peer in made:
        peer.socket.close()


def beat(peers: list[Peer], count: int = 1) -> None:
    """So many periods of the engine's, however long they take; everybody listens.

    What was said is heard by then: nobody is ahead of an engine that lost its core for a while.
    """
    for _ in range(count):
        before = [peer.engine.stats(peer.stream).sent for peer in peers]

        def over(before: list[int] = before) -> bool:
            now = [peer.engine.stats(peer.stream) for peer in peers]
            return all(
                stats.sent > sent and stats.received >= peer.said
                for peer, stats, sent in zip(peers, now, before, strict=True)
            )

        until(peers, over)


def until(peers: list[Peer], done, limit_s: float = 100) -> None:
    """Everybody listens meanwhile, and once more in the end."""
    give_up = time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < give_up, [len(peer.heard) for peer in peers]
        time.sleep(0.002)  # between two looks: the engine's threads tell nobody when they served
        for peer in peers:
            peer.listen()
    for peer in peers:
        peer.listen()


def latch(peers: list[Peer]) -> None:
    """Until each peer's address is learned, and it hears our silence."""
    for _ in range(5):
        for peer in peers:
            peer.say(b"\xff" * 160 if peer.law == 0 else b"\xd5" * 160)
        beat(peers)
    until(peers, lambda: all(peer.heard for peer in peers))
    for peer in peers:
        peer.heard.clear()


def check_numbers(peer: Peer, lost: int = 0) -> None:
    """One SSRC, no number twice, timestamps never back but for late packets and events."""
    assert len({p.ssrc for p in peer.heard}) == 1
    first = peer.heard[0].seq
    order = sorted(peer.heard, key=lambda p: (p.seq - first + 32_768) % 65536)
    numbers = [(p.seq - first + 32_768) % 65536 for p in order]
    assert len(set(numbers)) == len(numbers)
    assert numbers[-1] - numbers[0] + 1 - len(numbers) == lost
    times = [(p.timestamp - order[0].timestamp) % 2**32 for p in order]
    assert times == sorted(times)


@THREADS
def test_audio_passes_untouched_in_packets_of_any_length(peers, engine) -> None:
    a, b = peers
    latch(peers)
    engine.bridge(a.stream, b.stream)
    said: list[bytes] = []
    sound = np.random.default_rng(1).integers(0, 127, 8_000, dtype=np.uint8).tobytes()
    at = 0
    for size in (80, 160, 240, 320, 160, 80, 320, 480, 160, 160):
        said.append(sound[at : at + size])
        a.say(said[-1])
        b.say(said[-1][::-1])
        at += size
        beat(peers)
    until(peers, lambda: len(b.bodies()) >= len(said) and len(a.bodies()) >= len(said))
    assert b.bodies() == said
    assert a.bodies() == [body[::-1] for body in said]
    for peer in peers:
        check_numbers(peer)
        passed = [p for p in peer.heard if p.payload in (*said, *(s[::-1] for s in said))]
        assert passed[0].marker, "a talk spurt begins"
        assert not any(p.marker for p in passed[1:])
        steps = np.diff([p.timestamp for p in passed]) % 2**32
        assert steps.tolist() == [len(s) for s in said[:-1]]
    assert engine.bridged(a.stream) == (b.stream, len(said), 0)


def test_what_passes_is_timed_like_what_we_send(peers, engine) -> None:
    """Else the load would be divided by the few frames of our own: no room for any call."""
    a, b = peers
    latch(peers)
    engine.bridge(a.stream, b.stream)
    for peer in peers:
        engine.connect(peer.stream, *peer.socket.getsockname(), 0, 101, comfort=False)
    before = engine.counters()["frames"]
    for n in range(10):
        a.say(bytes([n + 1]) * 160)
        until(peers, lambda n=n: len(b.bodies()) > n)
    counters = engine.counters()
    assert counters["frames"] - before == 10, "each was passed in a period of its own"
    assert counters["lateness_us_max"] > 0
    assert counters["frames_late"] == engine.stats(a.stream).late + engine.stats(b.stream).late


def test_laws_are_translated_by_table(engine) -> None:
    a, b = Peer(engine, 0), Peer(engine, 8)
    try:
        latch([a, b])
        engine.bridge(a.stream, b.stream)
        codes = bytes(range(160)), bytes(range(96, 256))
        for body in codes:
            a.say(body)
            b.say(body)
            beat([a, b])
        until([a, b], lambda: len(a.bodies()) >= 2 and len(b.bodies()) >= 2)
        assert b.bodies() == [ulaw_to_alaw(body) for body in codes]
        assert a.bodies() == [alaw_to_ulaw(body) for body in codes]
        assert {p.payload_type for p in b.heard} == {8}
    finally:
        a.socket.close()
        b.socket.close()


def test_losses_stay_visible_and_late_packets_keep_their_number(peers, engine) -> None:
    a, b = peers
    latch(peers)
    engine.bridge(a.stream, b.stream)
    start, clock = a.seq, a.timestamp
    order = [0, 1, 2, 4, 3, 6, 7, 9, 10]  # 3 is late, 5 and 8 are lost
    for n in order:
        a.timestamp = clock + 160 * n
        a.send(0, bytes([n + 1]) * 160, seq=start + n)
        beat(peers)
    until(peers, lambda: len(b.bodies()) >= len(order))
    passed = [p for p in b.heard if p.payload != SILENCE]
    assert [p.payload[0] - 1 for p in passed] == order
    first = passed[0]
    assert [(p.seq - first.seq) % 65536 for p in passed] == order
    assert [(p.timestamp - first.timestamp) % 2**32 // 160 for p in passed] == order
    assert len({p.seq for p in b.heard}) == len(b.heard)


@pytest.mark.parametrize("events", [True, False])
def test_keys_are_passed_on_or_not_and_always_told(peers, engine, events: bool) -> None:
    a, b = peers
    latch(peers)
    engine.bridge(a.stream, b.stream, events=events)
    a.say(b"\x01" * 160)
    for n, end in [(1, False), (2, False), (3, True), (3, True), (3, True)]:
        a.send(101, event(5, 160 * n, end=end), marker=n == 1)
        beat(peers)
    a.timestamp += 480
    a.say(b"\x02" * 160)
    told: list[DigitHeard] = []
    until(
        peers,
        lambda: (
            told.extend(e for e in engine.events() if isinstance(e, DigitHeard))
            or (b"\x02" * 160 in b.bodies() and told)
        ),
    )
    assert [(e.stream, e.digit) for e in told] == [(a.stream, "5")]
    passed = [p for p in b.heard if p.payload != SILENCE]
    keys = [p for p in passed if p.payload_type == 101]
    assert len(keys) == (5 if events else 0)
    assert len({p.timestamp for p in keys}) == (1 if events else 0)
    assert [p.marker for p in keys] == [1, 0, 0, 0, 0][: len(keys)]
    check_numbers(b)
    if events:
        assert passed[-1].timestamp - passed[0].timestamp == 640


def test_prompts_go_first_and_the_conversation_goes_on_behind_them(peers, engine) -> None:
    a, b = peers
    latch(peers)
    engine.bridge(a.stream, b.stream)
    prompt = engine.add_prompt(b"\x33" * 1_600, b"\x44" * 1_600)
    during: set[int] = set()
    for n in range(40):
        if n == 10:
            engine.play(b.stream, prompt, 1)
        begun = b"\x33" * 160 in b.bodies()
        a.say(bytes([n + 60]) * 160)
        beat(peers)
        if begun and b.bodies().count(b"\x33" * 160) < 10:
            during.add(n + 60)
    until(peers, lambda: bytes([99]) * 160 in b.bodies())
    heard = [body[0] for body in b.bodies()]
    assert heard.count(0x33) == 10
    begun = heard.index(0x33)
    assert heard[begun : begun + 10] == [0x33] * 10, "nothing is mixed into it"
    rest = heard[:begun] + heard[begun + 10 :]
    assert rest == sorted(rest)
    assert len(rest) >= 25
    assert not during & set(rest), "what is said meanwhile is not kept"
    check_numbers(b)


def test_mute_park_and_the_end(peers, engine) -> None:
    a, b = peers
    latch(peers)
    engine.bridge(a.stream, b.stream)

    def round_of(mark: int) -> tuple[bool, bool]:
        """Whether b hears a, and a hears b."""
        for _ in range(4):
            a.say(bytes([mark]) * 160)
            b.say(bytes([mark + 1]) * 160)
            beat(peers)
        beat(peers, 5)
        return bytes([mark]) * 160 in b.bodies(), bytes([mark + 1]) * 160 in a.bodies()

    assert round_of(2) == (True, True)
    engine.mute(a.stream)
    assert round_of(4) == (False, True)
    engine.mute(a.stream, on=False)
    engine.park(b.stream)
    assert round_of(6) == (False, False)
    engine.park(b.stream, on=False)
    assert round_of(8) == (True, True)
    engine.unbridge(b.stream)
    assert engine.bridged(a.stream) is None
    assert round_of(10) == (False, False)
    engine.unbridge(b.stream)
    with pytest.raises(ValueError, match="meets nobody"):
        engine.mute(a.stream)
    for peer in peers:
        until(peers, lambda peer=peer: len(peer.heard) > 20)
        check_numbers(peer)


def test_silence_comes_back_when_nothing_passes(peers, engine) -> None:
    a, b = peers
    latch(peers)
    engine.bridge(a.stream, b.stream)
    for n in range(5):
        a.say(bytes([n + 1]) * 160)
        beat(peers)
    until(peers, lambda: len(b.heard) > 15 and b.heard[-1].payload == SILENCE)
    a.timestamp += 160 * 40
    a.say(b"\x30" * 160)
    until(peers, lambda: b"\x30" * 160 in b.bodies())
    back = next(p for p in b.heard if p.payload == b"\x30" * 160)
    assert back.marker
    check_numbers(b)


def test_both_sides_of_a_bridge_are_recorded_whatever_the_packets(peers, engine) -> None:
    a, b = peers
    latch(peers)
    engine.bridge(a.stream, b.stream)
    engine.record(b.stream)
    sound = np.random.default_rng(1).integers(1, 120, 4_800, dtype=np.uint8).tobytes()
    for at in range(0, 4_800, 240):
        a.say(sound[at : at + 240])
        beat(peers)
    until(peers, lambda: len(b.bodies()) >= 20)
    entries = np.frombuffer(engine.recorded(b.stream), np.dtype(RECORD_DTYPE))
    sent = entries[entries["side"] == 0]
    assert b"".join(e["payload"][: e["size"]].tobytes() for e in sent).find(sound) >= 0
    ends = sent["position"] + sent["size"]
    between = sent["position"][-25:] - ends[-26:-1]
    skipped = engine.counters()["ticks_skipped"] // 20  # periods the thread had no core in
    assert 0 <= between.min() <= between.sum() <= 160 * skipped, "one behind the other"


def test_packets_that_overtook_each_other_have_their_places_in_a_recording(peers, engine) -> None:
    a, b = peers
    latch(peers)
    engine.bridge(a.stream, b.stream)
    engine.record(b.stream)
    sound = np.random.default_rng(2).integers(1, 120, 2_400, dtype=np.uint8).tobytes()
    start, clock = a.seq, a.timestamp
    for n in (0, 2, 1, 3, 5, 6, 4, 7, 8, 9):
        a.timestamp = clock + 240 * n
        a.send(0, sound[240 * n : 240 * n + 240], seq=start + n)
        beat(peers)
    until(peers, lambda: len(b.bodies()) >= 10)
    entries = np.frombuffer(engine.recorded(b.stream), np.dtype(RECORD_DTYPE))
    sent = sorted((e for e in entries if e["side"] == 0), key=lambda e: int(e["position"]))
    assert b"".join(e["payload"][: e["size"]].tobytes() for e in sent).find(sound) >= 0


def test_a_stream_that_closes_takes_its_bridge_along(engine) -> None:
    peers = [Peer(engine) for _ in range(3)]
    a, b, c = peers
    latch(peers)
    engine.bridge(a.stream, b.stream)
    engine.bridge(b.stream, c.stream)
    assert engine.bridged(a.stream) is None
    engine.close(c.stream)
    assert engine.bridged(b.stream) is None
    with pytest.raises(KeyError):
        engine.bridge(a.stream, c.stream)
    with pytest.raises(ValueError, match="with itself"):
        engine.bridge(a.stream, a.stream)
    engine.echo(a.stream)
    with pytest.raises(ValueError, match="echoes"):
        engine.bridge(a.stream, b.stream)
    engine.echo(a.stream, on=False)
    engine.bridge(a.stream, b.stream)
    for peer in peers:
        peer.socket.close()
