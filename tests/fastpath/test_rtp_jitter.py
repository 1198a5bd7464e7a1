"""The jitter buffer: against its twin, by what must hold for any input, and on bad paths."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath.g711 import ulaw_encode
from fastpath.rtp_jitter import RtpJitter
from tests.reference.rtp_jitter import Jitter

MS = 1_000_000
FRAME_NS = 20 * MS
Arrival = tuple[int, int, int, int, bytes, bool]  # ns, law, ssrc, timestamp, audio, marker


def code(number: int, size: int = 160) -> bytes:
    """A loud packet that says its number: no two neighbours are alike."""
    return bytes([0x80 + number % 64]) * size


class Path:
    """A network between a talker and us: packets with the times at which they arrive."""

    def __init__(self, seed: int, *, size: int = 160, jitter_ms: float = 0, loss: float = 0,
                 drift: float = 1.0, law: int = 0) -> None:  # fmt: skip
        """`drift` is how much slower the talker's clock is; jitter is uniform."""
        self.rng = random.Random(seed)
        self.size, self.jitter_ms, self.loss, self.law = size, jitter_ms, loss, law
        self.step_ns = size * 125_000 * drift
        self.sent = 0

    def packets(self, count: int, talk=code) -> list[Arrival]:
        out: list[Arrival] = []
        for n in range(self.sent, self.sent + count):
            at = int(n * self.step_ns + self.rng.uniform(0, self.jitter_ms) * MS)
            if self.rng.random() >= self.loss:
                body = talk(n, self.size)
                out.append((at, self.law, 7, n * self.size % 2**32, body, n == 0))
        self.sent += count
        return sorted(out, key=lambda arrival: arrival[0])


def play(
    buffer: RtpJitter, arrivals: list[Arrival], frames: int, first_ns: int = 5 * MS
) -> Iterator[tuple[str, np.ndarray]]:
    """Run a buffer: what each frame of 20 ms says."""
    waiting = list(arrivals)
    for n in range(frames):
        now = first_ns + n * FRAME_NS
        while waiting and waiting[0][0] <= now:
            at, law, ssrc, timestamp, body, marker = waiting.pop(0)
            buffer.put(law, ssrc, timestamp, body, at, marker)
        kind, audio = buffer.take(now)
        yield kind, np.frombuffer(audio, np.int16)


def script(seed: int) -> list[Arrival]:
    """Everything that a path can do to a stream, by chance."""
    rng = random.Random(seed)
    size, drift = rng.choice([80, 160, 240, 320, 77]), rng.choice([1, 1.001, 0.97, 1.02])
    jitter, loss = rng.choice([0, 5, 20, 60]), rng.choice([0, 0.02, 0.3])
    wild = rng.choice([0, 0.02])
    sent_ns, timestamp, ssrc = float(rng.randrange(10**12)), rng.getrandbits(32), 1
    out: list[Arrival] = []
    for n in range(150):
        loud = n // 40 % 2 == 0
        codes = rng.choices(range(128, 256) if loud else (0xFF, 0x7F, 0xFE), k=size)
        at = int(sent_ns + rng.expovariate(1 / (jitter + 0.1)) * MS)
        law = 13 if rng.random() < 0.02 else rng.choice([0, 0, 8])
        if rng.random() >= loss:
            out.append((at, law, ssrc, timestamp % 2**32, bytes(codes), rng.random() < 0.01))
        if rng.random() < 0.02:
            out.extend(out[-1:])
        if rng.random() < wild:
            timestamp += rng.choice([10**6, -(10**6), 5_000, -5_000, 2**31])
        if rng.random() < wild / 3:
            ssrc += 1
        if rng.random() < wild:
            sent_ns += rng.randrange(3 * 10**9)
        timestamp += size
        sent_ns += size * 125_000 * drift
    return sorted(out, key=lambda arrival: arrival[0])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_buffer_and_twin_do_the_same(seed: int) -> None:
    ours, twin, rng = RtpJitter(), Jitter(), random.Random(seed)
    waiting = script(seed)
    now = waiting[0][0] if waiting else 0
    while waiting:
        while waiting and waiting[0][0] <= now:
            at, law, ssrc, timestamp, body, marker = waiting.pop(0)
            told = ours.put(law, ssrc, timestamp, body, at, marker)
            assert told == twin.put(law, ssrc, timestamp, body, at, marker)
        kind, audio = ours.take(now)
        assert (kind, np.frombuffer(audio, np.int16).tolist()) == twin.take(now)
        assert ours.target_ms == twin.target / 8
        now += FRAME_NS if rng.random() < 0.99 else rng.randrange(10**9)
    counts = ours.counts()
    assert counts == {name: twin.counts[name] for name in counts}


hostile = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"), st.sampled_from([0, 8, 13]), st.integers(0, 3),
            st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 4_000)),
            st.integers(0, 1_500), st.booleans(),
        ),
        st.tuples(st.just("take")),
        st.tuples(st.just("wait"), st.integers(-(10**9), 10**10)),
    ),
    max_size=80,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(hostile)
def test_whatever_comes_it_stays_bounded_and_says_nothing_twice(steps) -> None:
    buffer, now, given_samples, taken = RtpJitter(), 10**12, 0, 0
    for name, *rest in steps:
        if name == "put":
            law, ssrc, timestamp, size, marker = rest
            buffer.put(law, ssrc, timestamp, bytes(size), now, marker)
            given_samples += min(size, 2_048) if law != 13 else 0
        elif name == "wait":
            now += rest[0]
        else:
            _, audio = buffer.take(now)
            taken += 1
            assert len(audio) == 320
        assert 0 <= buffer.waiting_ms <= 512
        assert 5 <= buffer.target_ms <= 200
    assert buffer.counts()["played"] <= min(given_samples, 160 * taken)


def test_each_packet_is_said_once_and_in_order() -> None:
    """Jitter, loss and copies; the numbers that are heard only ever grow."""
    path = Path(3, jitter_ms=60, loss=0.05)
    arrivals = path.packets(500)
    arrivals = sorted([*arrivals, *arrivals[::3]], key=lambda arrival: arrival[0])
    buffer = RtpJitter()
    # the end of a frame without concealment is as it was sent
    said = [audio[80:] for kind, audio in play(buffer, arrivals, 520) if kind == "voice"]
    coded = np.frombuffer(ulaw_encode(np.concatenate(said)), np.uint8).astype(int)
    steps = np.diff(coded - 0x80) % 64
    assert set(steps) <= set(range(20)), "never back: a step back would be 44 to 63"
    assert len(coded) > 80 * 300
    counts = buffer.counts()
    assert counts["doubles"] + counts["late"] >= len(arrivals) // 4
    assert counts["played"] <= 160 * 500


def test_a_clean_path_costs_no_delay_and_nothing_is_made_up() -> None:
    buffer = RtpJitter()
    kinds = [kind for kind, _ in play(buffer, Path(1).packets(500), 500)]
    assert set(kinds[3:]) == {"voice"}
    counts = buffer.counts()
    assert (counts["concealed"], counts["skipped"], counts["late"]) == (0, 0, 0)
    assert buffer.waiting_ms <= 25


@pytest.mark.parametrize("size", [80, 160, 240, 320])
def test_packets_of_any_length_are_said_whole(size: int) -> None:
    sound = np.random.default_rng(size).integers(0, 256, 64_000, dtype=np.uint8).tobytes()

    def talk(number: int, size: int) -> bytes:
        return sound[number * size : (number + 1) * size]

    buffer = RtpJitter()
    frames = list(play(buffer, Path(1, size=size).packets(48_000 // size, talk), 320))
    spoken = np.concatenate([audio for kind, audio in frames if kind == "voice"])
    begins = spoken[80:]  # the first 10 ms rise out of silence
    coded = ulaw_encode(begins)
    assert sound[80 : 80 + 40_000].replace(b"\x7f", b"\xff") == coded[:40_000]
    assert buffer.counts()["concealed"] <= 640, "only behind the last packet"


def test_jitter_is_waited_for_and_forgotten() -> None:
    buffer, path = RtpJitter(), Path(5, jitter_ms=80)
    for _ in play(buffer, path.packets(400), 400):
        pass
    assert 75 <= buffer.target_ms <= 95
    late = buffer.counts()["late"]
    assert late <= 20, "only before the jitter was known"
    path.jitter_ms = 2
    for _ in play(buffer, path.packets(1_500), 1_500, 400 * FRAME_NS + 5 * MS):
        pass
    assert buffer.target_ms <= 10
    assert buffer.counts()["late"] == late


def test_it_gets_shorter_in_silence_first() -> None:
    def talk(number: int, size: int) -> bytes:
        return code(number, size) if number % 100 < 60 else b"\xff" * size

    buffer, path = RtpJitter(), Path(5, jitter_ms=100)
    for _ in play(buffer, path.packets(400, talk), 400):
        pass
    long = buffer.waiting_ms
    path.jitter_ms = 0
    for _ in play(buffer, path.packets(1_600, talk), 1_600, 400 * FRAME_NS + 5 * MS):
        pass
    assert buffer.waiting_ms < long - 50
    assert buffer.counts()["skipped"] > 0


@pytest.mark.parametrize("drift", [1.0005, 0.9995])
def test_clocks_that_drift_apart_are_followed(drift: float) -> None:
    """500 parts in a million for 80 s: 40 ms apart, in speech without a pause."""
    buffer = RtpJitter()
    kinds = [kind for kind, _ in play(buffer, Path(9, drift=drift).packets(4_000), 3_990)]
    assert kinds.count("concealed") <= 10
    assert buffer.waiting_ms <= 80
    assert buffer.counts()["late"] == 0


@pytest.mark.parametrize(("ssrc", "jump"), [(8, 0), (8, 12345678), (7, 2_000_000), (7, -2_000_000)])
def test_another_source_and_timestamps_that_jump_go_on_at_once(ssrc: int, jump: int) -> None:
    before = Path(1).packets(100)
    after = [
        (at + 100 * FRAME_NS, law, ssrc, (timestamp + 16_000 + jump) % 2**32, body, False)
        for at, law, _, timestamp, body, _ in before
    ]
    buffer = RtpJitter()
    kinds = [kind for kind, _ in play(buffer, before + after, 200)]
    assert buffer.counts()["jumps"] == 1
    assert kinds[3:].count("voice") >= 190, "at most 5 packets until it is believed"
    assert kinds[-1] == "voice"


def test_one_stray_timestamp_changes_nothing() -> None:
    arrivals = Path(1).packets(100)
    at, law, ssrc, timestamp, body, marker = arrivals[50]
    arrivals[50] = (at, law, ssrc, timestamp + 10**6, body, marker)
    buffer = RtpJitter()
    kinds = [kind for kind, _ in play(buffer, arrivals, 100)]
    assert buffer.counts()["jumps"] == 0
    assert kinds.count("concealed") <= 2


def test_a_burst_after_a_stall_is_cut_to_the_longest_delay() -> None:
    arrivals = Path(1).packets(200)
    stalled = [(max(at, 2_500 * MS) if at > 1_000 * MS else at, *rest) for at, *rest in arrivals]
    buffer = RtpJitter()
    for n, _ in enumerate(play(buffer, stalled, 200)):
        assert buffer.waiting_ms <= 512
        if n > 130:
            assert buffer.waiting_ms <= 245
    assert buffer.counts()["late"] > 50
    assert buffer.waiting_ms > 0


def test_a_path_that_gets_longer_than_any_jitter_is_followed_soon() -> None:
    arrivals = Path(1).packets(200)
    moved = [(at + 300 * MS if n >= 100 else at, *rest) for n, (at, *rest) in enumerate(arrivals)]
    buffer = RtpJitter()
    kinds = [kind for kind, _ in play(buffer, moved, 215)]
    assert buffer.counts()["late"] <= 9
    assert kinds[140:210] == ["voice"] * 70


def test_comfort_noise_ends_a_talk_spurt_without_an_echo_of_it() -> None:
    arrivals = Path(1).packets(50)
    arrivals.append((50 * FRAME_NS, 13, 7, 8_000, b"\x40", False))
    later = [(at + 5 * FRAME_NS * 20, law, s, t + 16_000, b, False) for at, law, s, t, b, _ in
             arrivals[:50]]  # fmt: skip
    buffer = RtpJitter()
    kinds = [kind for kind, _ in play(buffer, arrivals + later, 155)]
    assert kinds[53:99] == ["silence"] * 46
    assert "concealed" not in kinds[:100]
    assert kinds[104:148] == ["voice"] * 44


def test_a_talker_who_stops_fades_out_and_may_come_back() -> None:
    first = Path(1).packets(50)
    again = [(at + 300 * FRAME_NS, law, s, t + 48_000, b, True) for at, law, s, t, b, _ in first]
    buffer = RtpJitter()
    kinds = [kind for kind, _ in play(buffer, first + again, 350)]
    assert kinds[55:299] == ["silence"] * 244
    assert kinds.count("concealed") <= 8
    assert kinds[304:346] == ["voice"] * 42


def test_silence_before_the_first_packet_and_nonsense() -> None:
    buffer = RtpJitter()
    assert buffer.take(0) == ("silence", bytes(320))
    assert buffer.put(0, 1, 0, b"", 0) == "double"
    with pytest.raises(ValueError, match="comfort noise"):
        buffer.put(18, 1, 0, b"x", 0)
