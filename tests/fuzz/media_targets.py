"""What is fuzzed of the media engine; see `targets`. Each is held against its slow twin.

Inputs are pieces: two bytes that say what and how long, then so many bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fastpath.dtmf import DIGITS, DtmfDetector
from fastpath.rtcp import RtcpSession
from fastpath.rtp_receive import VERDICTS, RtpReceiver
from fastpath.rtp_record import RECORD_DTYPE
from fastpath.rtp_tape import Tape
from tests.reference import rtcp as rtcp_twin
from tests.reference.rtp import Receiver

SECOND = 1_000_000_000
MS = 1_000_000
WALL_NS = 1_795_000_000 * SECOND
PIECES_MAX = 64
PEER = ("192.0.2.1", 4_000)
SOURCES = (PEER, PEER, PEER, ("192.0.2.1", 4_444), ("192.0.2.2", 4_000), *(
    ("192.0.2.9", port) for port in (1, 2, 3)
))  # fmt: skip
STEPS_MS = (0, 1, 20, 20, 61, 260, 510, 3_000)
SHARED = ("received", "reordered", "duplicates", "stale", "foreign", "malformed", "other_payload",
          "rtcp", "source_changes", "digits_heard")  # fmt: skip
ENTRY = np.dtype(RECORD_DTYPE)


def pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """What to do, and with what."""
    at = 0
    for _ in range(PIECES_MAX):
        if at + 2 > len(data):
            return
        what, size = data[at], data[at + 1]
        yield what, data[at + 2 : at + 2 + size]
        at += 2 + size


def receive(data: bytes) -> None:
    """Datagrams of anybody to one stream: verdicts, latch, digits and counts are the twin's."""
    ours, twin, now_ns = RtpReceiver(), Receiver(), 5 * SECOND
    ours.connect(*PEER, 101)
    twin.connect(*PEER, 101)
    for what, packet in pieces(data):
        now_ns += STEPS_MS[what >> 3 & 7] * MS
        if what & 0xC0 == 0xC0:
            ours.connect(*SOURCES[what & 7], 101)
            twin.connect(*SOURCES[what & 7], 101)
        verdict = ours.packet(packet, SOURCES[what & 7], now_ns)
        assert verdict in VERDICTS
        assert verdict == twin.packet(packet, SOURCES[what & 7], now_ns)
        ours.tick(now_ns)
        twin.tick(now_ns)
        assert ours.digits() == twin.digits
        twin.digits.clear()
        assert (ours.peer, ours.locked) == (twin.latch.peer, twin.latch.locked)
    counts = ours.counts()
    assert {name: counts[name] for name in SHARED} == {name: twin.counts[name] for name in SHARED}
    assert counts["lost"] == twin.lost()
    assert counts["expected"] == twin.expected()


def rtcp(data: bytes) -> None:
    """Reports and packets of a peer to one stream; what we report of it is always sound."""
    session, now_ns, told = RtcpSession(7, bytes(range(20)), *PEER), SECOND, 0
    session.start(now_ns)
    for what, packet in pieces(data):
        now_ns += STEPS_MS[what >> 3 & 7] * MS
        wall_ns = WALL_NS + now_ns
        if what & 1:
            if packet:
                session.rtp(packet, now_ns)
        elif what & 2:
            told += 1
            packets = told * (what >> 6)
            ours = session.write(
                now_ns, wall_ns, told * 160, packets, 160 * packets, bool(what & 4)
            )
            assert rtcp_twin.read(ours).ssrc == 7
            assert len(ours) <= 128
        else:
            assert session.read(packet, now_ns, wall_ns) == rtcp_twin.sound(packet)
        session.turn(now_ns)
        assert session.next_ns > 0
    counts = session.counts()
    assert counts["sent"] == told
    assert -1 <= counts["rtt_ns"] <= 10 * SECOND
    assert -(1 << 23) <= counts["lost"] < 1 << 23


def dtmf(data: bytes) -> None:
    """Samples in pieces of any length and gaps: keys in order, each where there was audio."""
    detector, begun, total, keys = DtmfDetector(), 0, 0, 0
    for what, piece in pieces(data):
        if what & 7 == 7:
            detector.gap(len(piece) * 16)
            total += len(piece) * 16
            continue
        samples = np.frombuffer(piece[: len(piece) & ~1], np.int16)
        samples = np.tile(samples, 1 + (what >> 3))  # a short input makes a long tone
        total += len(samples)
        for digit, at in detector.hear(samples):
            assert digit in DIGITS
            assert begun <= at <= total
            begun, keys = at, keys + 1
    assert keys <= total // 160 + 1


def record(data: bytes) -> None:
    """Recorded frames of any position and kind: what is handed out goes on and never back."""
    tape, end, entries = Tape(), 0, []
    for what, piece in pieces(data):
        row = np.zeros((), ENTRY)
        row["position"] = int.from_bytes(piece[: 1 + (what >> 5)], "little", signed=True)
        row["side"], row["payload_type"] = what & 3, (0, 8, 13, 255)[what >> 2 & 3]
        row["size"] = int.from_bytes(piece[-2:], "little")
        row["payload"] = (piece[-1] if piece else 0) ^ 0x55
        entries.append(row.tobytes())
        if what & 16:
            end = _laid(tape, b"".join(entries), end)
            entries.clear()
    _laid(tape, b"".join(entries), end, rest=True)
    assert tape.late <= PIECES_MAX


def _laid(tape: Tape, entries: bytes, end: int, *, rest: bool = False) -> int:
    for position, piece in tape.take(entries, rest):
        assert position >= end
        assert piece
        assert len(piece) % 4 == 0
        end = position + len(piece) // 4
    assert tape.samples >= end
    return end
