"""tshark reads what our machines sent and heard, at the same virtual times, and counts the same."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from fastpath.rtcp import RtcpSession
from fastpath.rtp_receive import RtpReceiver
from fastpath.rtp_send import RtpSender
from sip.tracing.pcap import Packet
from tests.interop.relaying import flows, reports, tshark, written
from tests.reference.rtp import rtp

pytestmark = pytest.mark.interop
MS = 1_000_000
BEGIN_NS = 1_795_000_000_000_000_000
THERE, HERE = ("192.0.2.2", 41_000), ("192.0.2.1", 31_000)


def stream(seed: int, ssrc: int) -> list[tuple[int, bytes]]:
    """20 s of audio whose numbers wrap, with a tenth lost in stretches and 30 ms of jitter."""
    chance, gone, out = random.Random(seed), 0, []
    for i in range(1000):
        gone = gone - 1 if gone else chance.choice((0,) * 30 + (3, 5))
        if not gone or i < 2 or i == 999:
            packet = rtp(65_000 + i, (1 << 32) - 80_000 + 160 * i, ssrc)
            out.append((20 * MS * i + chance.randrange(19 * MS), packet))
    return out


@pytest.mark.parametrize("seed", range(3))
def test_loss_and_jitter_of_a_bad_path(tmp_path: Path, seed: int) -> None:
    """Jitter is compared after every packet: tshark tells its mean and its most."""
    receiver, ssrc = RtpReceiver(), 0xD1A1E7D0 + seed
    receiver.connect(*THERE, 101)
    session = RtcpSession(7, bytes(range(20)), *THERE)
    session.start(0)
    packets, jitters = [], []
    for at_ns, data in stream(seed, ssrc):
        assert receiver.packet(data, THERE, at_ns) == "audio"
        session.rtp(data, at_ns)
        jitters.append(receiver.jitter_ms)
        packets.append(Packet(BEGIN_NS + at_ns, "udp", THERE, HERE, data))
    end_ns = 20_000 * MS
    report = session.write(end_ns, BEGIN_NS + end_ns, 160, 0, 0, bye=True)
    packets.append(Packet(BEGIN_NS + end_ns, "udp", HERE, THERE, report))
    path = written(tmp_path / "x.pcap", packets)
    counts, flow = receiver.counts(), flows(path)[ssrc]
    assert (flow.packets, flow.lost) == (counts["received"], counts["lost"])
    assert counts["lost"] > 50
    assert flow.jitter_ms == pytest.approx(sum(jitters) / len(jitters), abs=0.1)
    assert flow.jitter_ms_max == pytest.approx(max(jitters), abs=0.1)
    [told] = reports(path)
    assert (told.sender, told.about, told.lost) == (7, ssrc, counts["lost"])
    assert told.jitter == int(receiver.jitter_ms * 8)
    assert (told.highest >> 16, told.highest & 0xFFFF) == (1, 65_999 & 0xFFFF)
    assert told.fraction == counts["lost"] * 256 // 1000
    assert tshark(path, "-Y", "_ws.malformed or _ws.expert.severity == error") == ""


def test_the_keys_that_we_send_are_one_event_each(tmp_path: Path) -> None:
    """Each with one timestamp, a marker on its first packet, and durations that only grow."""
    keys = "0123456789*#ABCD"
    sender = RtpSender(ssrc=77, seq=65_500, timestamp=(1 << 32) - 9_000)
    sender.connect(0, 101)
    sender.send_digits(keys, 1, 100, 60)
    packets = [
        Packet(BEGIN_NS + 20 * MS * frame, "udp", THERE, HERE, data)
        for frame in range(10 + 8 * len(keys))
        for data in sender.frame(frame)[0]
    ]
    path = written(tmp_path / "x.pcap", packets)
    fields = ("rtp.timestamp", "rtp.marker", "rtpevent.event_id", "rtpevent.end_of_event",
              "rtpevent.duration")  # fmt: skip
    asked = [part for field in fields for part in ("-e", field)]
    text = tshark(path, "-o", "rtpevent.event_payload_type_value:101", "-Y", "rtpevent",
                  "-T", "fields", *asked)  # fmt: skip
    rows = [[int(word.replace("True", "1").replace("False", "0")) for word in line.split("\t")]
            for line in text.splitlines()]  # fmt: skip
    events: dict[int, list[list[int]]] = {}
    for row in rows:
        events.setdefault(row[0], []).append(row)
    assert [rows[0][2] for rows in events.values()] == list(range(16))
    for told in events.values():
        assert {row[2] for row in told} == {told[0][2]}, "one timestamp is one key"
        assert told[0][1] == 1
        assert [row[3] for row in told[-3:]] == [1, 1, 1]
        assert not any(row[3] for row in told[:-3])
        durations = [row[4] for row in told]
        assert durations == sorted(durations)
        assert durations[-1] == 800
    order = list(events)
    assert all((b - a) % (1 << 32) == 8 * 160 for a, b in pairwise(order))
    [flow] = flows(path).values()
    assert (flow.packets, flow.lost) == (len(packets), 0)
