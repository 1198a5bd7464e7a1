"""The receiver against its twin, and against what the RFCs ask of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath.rtp_receive import VERDICTS, RtpReceiver
from tests.reference.rtp import Receiver, event, rtp

MS = 1_000_000
PEER = ("10.0.0.1", 4000)
SOURCES = [
    PEER,
    ("10.0.0.1", 4002),
    ("10.0.0.2", 4000),
    ("10.9.9.9", 9),
    *(("10.9.9.8", port) for port in range(6)),
]


def connected(event_type: int = 101) -> RtpReceiver:
    receiver = RtpReceiver()
    receiver.connect(*PEER, event_type)
    return receiver


def feed(receiver: RtpReceiver, seqs: list[int], **fields: int) -> list[str]:
    """Packets of the peer, 20 ms apart, with timestamps that follow the number."""
    return [
        receiver.packet(rtp(seq, seq * 160, **fields), PEER, i * 20 * MS)
        for i, seq in enumerate(seqs)
    ]


payloads = st.one_of(
    st.tuples(st.just(0), st.just(b"\xff" * 160)),
    st.tuples(st.sampled_from([8, 13, 96, 72]), st.binary(max_size=5)),
    st.tuples(
        st.just(101),
        st.builds(
            lambda code, duration, end: event(code, duration, end=end),
            st.sampled_from([1, 2, 11, 15, 16, 32]),
            st.sampled_from([160, 320, 0xFFFF]),
            st.booleans(),
        ),
    ),
    st.tuples(st.just(101), st.binary(max_size=6)),
)
steps = st.tuples(
    st.sampled_from([0] * 6 + list(range(len(SOURCES)))),  # which source
    st.sampled_from(
        [1] * 6 + [0, 2, 3, -1, -2, -63, -64, -65, -120, 63, 64, 65, 2999, 3000, 30000]
    ),
    st.sampled_from([7, 7, 7, 8, 9, 10]),  # SSRC
    st.sampled_from([160, 160, 160, 0, 0xFFFF, -160, 1 << 31]),  # timestamp's step
    payloads,
    st.sampled_from([0, 1, 20, 20, 20, 20, 61, 100, 501, 1001, 3000]),  # ms until it arrives
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(steps, max_size=120),
    st.integers(0, 65535),
    st.sets(st.integers(0, 119), max_size=3),
)
def test_receiver_and_twin_agree_on_everything(
    script: list[tuple[int, int, int, int, tuple[int, bytes], int]], seq: int, again: set[int]
) -> None:
    ours, twin = RtpReceiver(), Receiver()
    ours.connect(*PEER, 101)
    twin.connect(*PEER, 101)
    at_ns, timestamp = 5_000_000_000, (1 << 32) - 400
    for i, (source, seq_step, ssrc, step, (payload_type, payload), wait_ms) in enumerate(script):
        if i in again:
            ours.connect(*SOURCES[i % 3], 101)
            twin.connect(*SOURCES[i % 3], 101)
        seq, timestamp, at_ns = seq + seq_step, timestamp + step, at_ns + wait_ms * MS
        data = rtp(seq, timestamp, ssrc, payload_type, payload)
        verdict = ours.packet(data, SOURCES[source], at_ns)
        assert verdict == twin.packet(data, SOURCES[source], at_ns)
        assert verdict in VERDICTS
        ours.tick(at_ns + 5 * MS)
        twin.tick(at_ns + 5 * MS)
        assert ours.digits() == twin.digits
        twin.digits.clear()
        assert (ours.peer, ours.locked) == (twin.latch.peer, twin.latch.locked)
        assert ours.jitter_ms == twin.jitter_ms()
        counts = ours.counts()
        assert counts.pop("lost") == twin.lost()
        assert counts.pop("expected") == twin.expected()
        assert counts.pop("loss_runs") == len(twin.runs())
        assert counts.pop("loss_run_max") == max(twin.runs(), default=0)
        assert counts == {name: twin.counts[name] for name in counts}


@settings(max_examples=500)
@given(
    st.one_of(
        st.binary(max_size=80),
        st.binary(max_size=60).map(lambda b: b"\x80" + b),
        st.binary(max_size=60).map(lambda b: b"\xb3\x65" + b),
        st.builds(
            lambda csrcs, words, padding, body, cut: rtp(
                1, csrcs=csrcs, extension=bytes(4 * words), padding=padding, payload=body
            )[:cut],
            st.integers(0, 15),
            st.integers(0, 5),
            st.integers(0, 255),
            st.binary(max_size=200),
            st.integers(0, 600),
        ),
    )
)
def test_any_bytes_are_judged_as_the_twin_judges_them(data: bytes) -> None:
    ours, twin = connected(), Receiver()
    twin.connect(*PEER, 101)
    assert ours.packet(data, PEER, 0) == twin.packet(data, PEER, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        rtp(1, version=1),
        rtp(1, version=3),
        rtp(1, payload=b"")[:11],
        rtp(1, csrcs=15, payload=b"")[:20],
        rtp(1, extension=bytes(8), payload=b"")[:20],
        rtp(1, payload=b"")[:1] + b"\0" * 10,
        b"\xa0" + rtp(1, payload=b"\0")[1:],
        b"\xa0" + rtp(1, payload=b"\xff")[1:],
        b"\xa0" + rtp(1, payload=b"\2")[1:],
        rtp(1, payload=bytes(1489)),
        rtp(1, payload=bytes(65000)),
        rtp(1, payload_type=101, payload=b"\1\2\3"),
    ],
)
def test_what_is_no_rtp_is_counted_and_dropped(data: bytes) -> None:
    receiver = connected()
    assert receiver.packet(data, PEER, 0) == "malformed"
    assert receiver.counts()["malformed"] == 1
    assert receiver.packet(rtp(1), PEER, 0) in ("audio", "duplicate")


def test_a_header_with_everything_in_it_is_read() -> None:
    receiver = connected()
    assert receiver.packet(rtp(1, csrcs=15, extension=bytes(400), padding=255), PEER, 0) == "audio"
    body = event(5, 160, end=True)
    full = rtp(2, 9, 1, 101, body, csrcs=3, extension=b"", padding=1)
    assert receiver.packet(full, PEER, 20 * MS) == "event"
    assert receiver.digits() == [("5", 20 * MS)]


def test_rtcp_on_the_same_port_is_told_apart() -> None:
    receiver = connected()
    for kind in (192, 200, 201, 203, 207, 223):
        assert receiver.packet(bytes([0x81, kind, 0, 7]) + bytes(28), PEER, 0) == "rtcp"
    assert receiver.packet(rtp(1, payload_type=96 - 32, marker=False), PEER, 0) == "other_payload"
    assert receiver.counts()["rtcp"] == 6


@pytest.mark.parametrize("start", [0, 1, 65530, 65535])
def test_loss_reordering_and_repeats_are_counted_across_the_wrap(start: int) -> None:
    receiver = connected()
    arrived = [start + i for i in (0, 1, 2, 5, 4, 4, 7, 7, 6, 10)]  # 3, 8 and 9 never come
    assert feed(receiver, arrived).count("duplicate") == 2
    counts = receiver.counts()
    assert (counts["received"], counts["lost"], counts["reordered"], counts["duplicates"]) == (
        10,
        3,
        2,
        2,
    )


@pytest.mark.parametrize("start", [0, 65400])
def test_how_losses_lie_together_is_counted(start: int) -> None:
    receiver = connected()
    gone = {5, 8, 9, 100, *range(200, 230), *range(300, 500)}
    feed(receiver, [start + i for i in range(600) if i not in gone])
    counts = receiver.counts()
    assert (counts["expected"], counts["lost"]) == (600, 234)
    assert (counts["loss_runs"], counts["loss_run_max"]) == (5, 200)
    late = [i for i in range(60) if i not in {7, 8, 9}] + [8, 9]
    receiver = connected()
    feed(receiver, [start + i for i in late])
    counts = receiver.counts()
    assert (counts["lost"], counts["loss_runs"], counts["loss_run_max"]) == (1, 1, 1), "two came"


def test_packets_before_the_first_one_heard_are_no_wrap() -> None:
    receiver = connected()
    for i, seq in enumerate([0, -1, -2, 1], 1):
        receiver.packet(rtp(seq), PEER, i * 20 * MS)
        assert receiver.counts()["lost"] == 0
    counts = receiver.counts()
    assert (counts["reordered"], counts["received"]) == (2, 4)


def test_a_jump_is_believed_at_its_second_packet() -> None:
    receiver = connected()
    assert (
        feed(receiver, [1, 2, 3, 30003, 30004, 30005]) == ["audio"] * 3 + ["stale"] + ["audio"] * 2
    )
    counts = receiver.counts()
    assert (counts["lost"], counts["stale"]) == (0, 1)


def test_a_source_that_was_silent_may_start_anywhere_without_a_loss() -> None:
    for seqs in ([500, 501], [19, 20], [40000, 40001]):
        receiver = connected()
        feed(receiver, [20, 21, 22, 25])
        for i, seq in enumerate(seqs):
            at_ns = (60 + 501 + i * 20) * MS
            expected = seq < 100 or seq > 3000
            assert receiver.packet(rtp(seq, 9), PEER, at_ns) == "audio"
        counts = receiver.counts()
        assert (counts["lost"], counts["stale"]) == (2 if expected else 2 + 474, 0)


def test_two_sources_in_one_stream_lose_nothing() -> None:
    """Gateways send events with an SSRC of their own between the audio packets."""
    receiver = connected()
    for i in range(100):
        assert receiver.packet(rtp(i, i * 160, ssrc=1), PEER, i * 20 * MS) == "audio"
        assert receiver.packet(rtp(5000 + i, i * 160, ssrc=2), PEER, i * 20 * MS) == "audio"
    counts = receiver.counts()
    assert (counts["lost"], counts["source_changes"], counts["received"]) == (0, 0, 200)


def test_loss_stays_in_the_books_when_the_source_changes() -> None:
    receiver = connected()
    feed(receiver, [1, 2, 5], ssrc=1)
    for ssrc in (2, 3, 4):
        feed(receiver, [100, 101], ssrc=ssrc)
    counts = receiver.counts()
    assert (counts["lost"], counts["source_changes"]) == (2, 2)


def test_jitter_is_that_of_rfc_3550() -> None:
    receiver = connected()
    feed(receiver, list(range(50)))
    assert receiver.jitter_ms == 0
    late = [0, 10, 0, 10] * 100
    receiver = connected()
    for i, late_ms in enumerate(late):
        receiver.packet(rtp(i, i * 160), PEER, (i * 20 + late_ms) * MS)
    assert receiver.jitter_ms == pytest.approx(10, abs=0.1)
    receiver.packet(rtp(400, 1 << 31), PEER, 9000 * MS)
    for i in range(401, 700):
        receiver.packet(rtp(i, (1 << 31) + (i - 400) * 160), PEER, (9000 + (i - 400) * 20) * MS)
        assert receiver.jitter_ms < 10.1, "a leap of the timestamps is no jitter"
    assert receiver.jitter_ms < 1


def test_events_carry_no_jitter() -> None:
    receiver = connected()
    for i in range(50):
        receiver.packet(rtp(i, 160, payload_type=101, payload=event(1, 160)), PEER, i * 20 * MS)
    assert receiver.jitter_ms == 0


def test_nobody_is_heard_before_connect_by_mistake() -> None:
    receiver = RtpReceiver()
    for bad in (("example.org", 4000), ("10.0.0.1", 0), ("10.0.0.256", 1), ("1.2.3", 1), ("", 1)):
        with pytest.raises(ValueError, match="not a"):
            receiver.connect(*bad)
    with pytest.raises(ValueError, match="not an IP address"):
        receiver.connect("١.٢.٣.٤", 4000)
