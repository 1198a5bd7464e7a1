"""Who is heard: the latch against sprayed packets, before and after it closes."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastpath.rtp_receive import RtpReceiver
from tests.reference.rtp import Address, event, rtp

MS = 1_000_000
SDP = ("10.0.0.1", 4000)
SAME_HOST, SAME_PORT, OTHER = ("10.0.0.1", 4444), ("10.0.0.2", 4000), ("10.6.6.6", 666)
RANKED = [OTHER, SAME_PORT, SAME_HOST, SDP]


class Line:
    """Talks to a receiver from any number of addresses, 20 ms apart."""

    def __init__(self, host: str = SDP[0], port: int = SDP[1]) -> None:
        self.receiver = RtpReceiver()
        self.receiver.connect(host, port, 101)
        self.now = 1_000 * MS
        self.seq: dict[Address, int] = {}

    def say(
        self, source: Address, count: int = 1, payload_type: int = 0, body: bytes = b""
    ) -> list[str]:
        verdicts = []
        for _ in range(count):
            self.seq[source] = seq = self.seq.get(source, hash(source) % 60000) + 1
            packet = rtp(seq, seq * 160, hash(source) & 0xFFFFFFFF, payload_type, body)
            verdicts.append(self.receiver.packet(packet, source, self.now))
            self.now += 20 * MS
        return verdicts


def test_the_address_of_the_sdp_is_heard_from_its_first_packet() -> None:
    line = Line()
    assert line.receiver.peer == SDP
    assert line.say(SDP, 3) == ["audio"] * 3
    assert not line.receiver.locked
    line.say(SDP)
    assert line.receiver.locked


@pytest.mark.parametrize("source", RANKED[:3])
def test_another_address_is_learned_from_four_packets_in_order(source: Address) -> None:
    line = Line()
    assert line.say(source, 5) == ["foreign"] * 3 + ["audio"] * 2
    assert line.receiver.peer == source
    assert not line.receiver.locked, "a better one may still come"
    line.say(source, 150)
    assert line.receiver.locked, "three seconds later it is too late"
    assert line.say(SDP, 9) == ["foreign"] * 9
    assert line.receiver.peer == source


def test_packets_out_of_order_teach_nothing() -> None:
    line = Line()
    for seq in (1, 2, 4, 5, 7, 8, 10, 11, 13, 12, 11, 10):
        assert line.receiver.packet(rtp(seq), OTHER, line.now) == "foreign"
    for ssrc in range(12):
        assert line.receiver.packet(rtp(ssrc + 1, ssrc=ssrc), OTHER, line.now) == "foreign"
    assert line.receiver.peer == SDP


@pytest.mark.parametrize(("worse", "better"), list(itertools.pairwise(RANKED)))
def test_a_better_ranked_source_takes_the_lead(worse: Address, better: Address) -> None:
    line = Line()
    line.say(worse, 10)
    assert line.receiver.peer == worse
    line.say(better, 4)
    assert line.receiver.peer == better
    assert set(line.say(worse, 200)) == {"foreign"}
    assert line.receiver.peer == better


@pytest.mark.parametrize("rank", range(3))
def test_an_equal_one_does_not(rank: int) -> None:
    first = RANKED[rank]
    second = (first[0], 5555) if rank != 1 else ("10.0.0.3", first[1])
    line = Line()
    line.say(first, 4)
    assert set(line.say(second, 50)) == {"foreign"}
    assert line.receiver.peer == first


def test_a_spray_of_equals_does_not_make_a_source_forgotten() -> None:
    """Single packets from many ports fill the table, but not in place of better ones."""
    line = Line()
    sprayed = iter((OTHER[0], port) for port in range(1, 1000))
    line.say(OTHER)
    line.say(OTHER)
    for _ in range(2):
        for _ in range(50):
            line.say(next(sprayed))
        line.say(OTHER)
    assert line.receiver.peer == OTHER


def test_a_locked_stream_hears_nobody_else() -> None:
    line = Line()
    line.say(SDP, 4)
    body = event(1, 800, end=True)
    for source in (OTHER, SAME_HOST, SAME_PORT, *(("10.7.7.7", port) for port in range(1, 300))):
        assert line.say(source, 5, 101, body) == ["foreign"] * 5
    assert line.receiver.digits() == []
    assert line.receiver.peer == SDP
    assert line.receiver.counts()["foreign"] == 302 * 5
    assert line.say(SDP, 1, 101, body) == ["event"]


@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_a_spray_before_the_peer_speaks_wins_nothing(chance: random.Random, per_frame: int) -> None:
    """Attackers on other hosts, as many packets as they like, the real peer behind a NAT port."""
    line = Line()
    attackers = [(f"10.66.{i}.1", 1 + chance.randrange(65535)) for i in range(12)]
    for _ in range(30):
        for _ in range(per_frame):
            line.say(chance.choice(attackers))
            line.now -= 20 * MS
        line.now += 20 * MS
    for _ in range(10):
        for _ in range(per_frame):
            line.say(chance.choice(attackers))
            line.now -= 20 * MS
        line.say(SAME_HOST)
    assert line.receiver.peer == SAME_HOST


def test_a_new_connect_learns_anew() -> None:
    line = Line()
    line.say(SDP, 10)
    line.receiver.connect(*OTHER, 101)
    assert (line.receiver.peer, line.receiver.locked) == (OTHER, False)
    assert line.say(OTHER, 4) == ["audio"] * 4
    assert line.say(SDP, 10) == ["foreign"] * 10


def test_no_rtp_teaches_nothing_and_is_not_counted_as_foreign() -> None:
    line = Line()
    for _ in range(20):
        assert line.receiver.packet(b"\0" * 40, OTHER, line.now) == "malformed"
        assert line.receiver.packet(b"\x80\xc8" + bytes(26), OTHER, line.now) == "rtcp"
    assert line.receiver.peer == SDP
    assert line.receiver.counts()["foreign"] == 0
