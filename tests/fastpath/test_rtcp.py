"""What RTCP says and hears of one stream, without a socket: RFC 3550 section 6 by the letter."""

from __future__ import annotations

import itertools
import random
import re
import statistics

from hypothesis import given
from hypothesis import strategies as st

from fastpath.rtcp import RtcpSession
from tests.reference import rtcp
from tests.reference.rtp import rtp

S = 1_000_000_000
MS = 1_000_000
WALL = 1_795_000_000 * S  # some day in 2026
OURS, THEIRS = 0xCAFE0001, 0xBEEF0002
COMPENSATION = 2.718281828 - 1.5


def session(seed: int = 1) -> RtcpSession:
    return RtcpSession(OURS, random.Random(seed).randbytes(20), "192.0.2.1", 4000)


def hear(one: RtcpSession, numbers: range, ssrc: int = THEIRS, at: int = S) -> int:
    """RTP of theirs, 20 ms apart; the moment after the last."""
    for n in numbers:
        one.rtp(rtp(n, 160 * n, ssrc), at)
        at += 20 * MS
    return at


def test_a_report_says_who_we_are_and_what_we_sent_and_heard() -> None:
    one = session()
    one.start(0)
    now = hear(one, range(100, 200))
    said = rtcp.read(one.write(now, WALL + 5, 77_000, 250, 250 * 160))
    assert said.kinds == [rtcp.SR, rtcp.SDES]
    assert (said.ssrc, said.timestamp, said.packets, said.octets) == (OURS, 77_000, 250, 40_000)
    assert said.ntp == rtcp.ntp_of(WALL + 5)
    (block,) = said.blocks
    assert (block.ssrc, block.fraction, block.lost, block.highest) == (THEIRS, 0, 0, 199)
    assert (block.lsr, block.dlsr) == (0, 0), "no sender report of theirs came yet"


def test_the_name_is_random_and_stays_for_the_call() -> None:
    names = set()
    for seed in range(50):
        one = session(seed)
        one.start(0)
        first, second = (rtcp.read(one.write(n * S, WALL, 0, 1, 160)).cname for n in (1, 2))
        assert first == second
        assert re.fullmatch(rb"[A-Za-z0-9+/]{16}", first)  # 96 bits (RFC 7022 section 4.2)
        names.add(first)
    assert len(names) == 50


def test_a_side_that_does_not_send_reports_as_a_receiver() -> None:
    one = session()
    one.start(0)
    hear(one, range(5))
    assert rtcp.read(one.write(2 * S, WALL, 0, 0, 0)).kinds == [rtcp.RR, rtcp.SDES]
    assert rtcp.read(one.write(3 * S, WALL, 0, 9, 9)).kinds[0] == rtcp.SR
    assert rtcp.read(one.write(4 * S, WALL, 0, 9, 9)).kinds[0] == rtcp.SR, "it sent a while ago"
    assert rtcp.read(one.write(5 * S, WALL, 0, 9, 9)).kinds[0] == rtcp.RR


def test_loss_is_told_since_the_last_report_and_in_all() -> None:
    one = session()
    one.start(0)
    now = hear(one, range(100))
    assert rtcp.read(one.write(now, WALL, 0, 1, 1)).blocks[0].fraction == 0
    for n in [*range(100, 150), *range(175, 200)]:  # a quarter of these hundred never comes
        one.rtp(rtp(n, 160 * n, THEIRS), now)
        now += 20 * MS
    (block,) = rtcp.read(one.write(now, WALL, 0, 1, 1)).blocks
    assert (block.fraction, block.lost, block.highest) == (64, 25, 199)
    now = hear(one, range(200, 300), at=now)
    (block,) = rtcp.read(one.write(now, WALL, 0, 1, 1)).blocks
    assert (block.fraction, block.lost) == (0, 25)


def test_copies_count_as_received_so_that_loss_may_be_negative() -> None:
    one = session()
    one.start(0)
    for n in range(10):
        for _ in range(2):
            one.rtp(rtp(n, 160 * n, THEIRS), S)
    (block,) = rtcp.read(one.write(2 * S, WALL, 0, 1, 1)).blocks
    assert (block.fraction, block.lost) == (0, -10)


def test_the_highest_number_carries_its_cycles() -> None:
    one = session()
    one.start(0)
    now = hear(one, range(65_500, 65_580))
    assert rtcp.read(one.write(now, WALL, 0, 1, 1)).blocks[0].highest == 65_579


def test_sources_silent_since_the_last_report_are_left_out() -> None:
    one = session()
    one.start(0)
    hear(one, range(5), ssrc=1)
    hear(one, range(5), ssrc=2)
    said = rtcp.read(one.write(2 * S, WALL, 0, 1, 1))
    assert [b.ssrc for b in said.blocks] == [1, 2]
    hear(one, range(5, 9), ssrc=2, at=3 * S)
    assert [b.ssrc for b in rtcp.read(one.write(4 * S, WALL, 0, 1, 1)).blocks] == [2]
    assert rtcp.read(one.write(5 * S, WALL, 0, 1, 1)).blocks == []


def test_the_delay_since_their_report_lets_them_measure_the_way() -> None:
    one = session()
    one.start(0)
    hear(one, range(5))
    theirs = 0x1234_5678_9ABC_DEF0
    assert one.read(rtcp.sender_report(THEIRS, theirs), 2 * S, WALL)
    (block,) = rtcp.read(one.write(2 * S + 250 * MS, WALL, 0, 1, 1)).blocks
    assert (block.lsr, block.dlsr) == (0x5678_9ABC, 65_536 // 4)
    hear(one, range(5), ssrc=9, at=3 * S)
    (block,) = rtcp.read(one.write(4 * S, WALL, 0, 1, 1)).blocks
    assert (block.ssrc, block.lsr, block.dlsr) == (9, 0, 0), "that was another source's report"


def test_what_they_say_of_us_is_kept() -> None:
    one = session()
    one.start(0)
    sent_at = WALL + 3 * S
    said = rtcp.read(one.write(3 * S, sent_at, 0, 1, 1))
    assert said.ntp is not None
    about = rtcp.block(
        OURS, 26, 31, highest=500, jitter=80, lsr=said.ntp >> 16 & 0xFFFFFFFF, dlsr=65_536
    )
    report = rtcp.receiver_report(THEIRS, rtcp.block(5, 200, 9), about)
    assert one.read(report, 4 * S + 80 * MS, sent_at + S + 80 * MS)
    counts = one.counts()
    assert (counts["reports"], counts["fraction"], counts["lost"]) == (1, 26, 31)
    assert (counts["jitter"], counts["highest"]) == (80, 500)
    assert abs(counts["rtt_ns"] - 80 * MS) < 2 * S // 65_536
    assert one.read(rtcp.receiver_report(THEIRS, rtcp.block(OURS, 0, -7)), 5 * S, WALL)
    assert one.counts()["lost"] == -7
    assert one.counts()["rtt_ns"] == counts["rtt_ns"], "without LSR nothing is measured"


def test_a_way_that_cannot_be_is_not_believed() -> None:
    one = session()
    one.start(0)
    now = rtcp.ntp_of(WALL) >> 16 & 0xFFFFFFFF
    for lsr, dlsr in ((now + 65_536, 0), (now, 65_536), (now - 20 * 65_536, 0), (1, 2**31)):
        block = rtcp.block(OURS, lsr=lsr & 0xFFFFFFFF, dlsr=dlsr)
        assert one.read(rtcp.receiver_report(THEIRS, block), S, WALL)
        assert one.counts()["rtt_ns"] == -1


def test_goodbyes_are_said_and_heard() -> None:
    one = session()
    one.start(0)
    said = rtcp.read(one.write(S, WALL, 0, 1, 1, bye=True))
    assert said.kinds == [rtcp.SR, rtcp.SDES, rtcp.BYE]
    assert said.bye == [OURS]
    assert not one.counts()["bye"]
    assert one.read(rtcp.receiver_report(THEIRS) + rtcp.bye(THEIRS), 2 * S, WALL)
    assert one.counts()["bye"]


# ---- when


def turns(seed: int, until: int) -> list[int]:
    """When reports leave, by a drive that asks exactly when it was told to."""
    one, left = session(seed), []
    one.start(0)
    hear(one, range(3), at=1)
    while (now := one.next_ns) < until:
        if one.turn(now):
            one.write(now, WALL + now, 0, 1, 1)
            left.append(now)
    return left


def test_intervals_are_those_of_the_rfc() -> None:
    firsts, intervals = [], []
    for seed in range(300):
        left = turns(seed, 60 * S)
        firsts.append(left[0])
        intervals += [b - a for a, b in itertools.pairwise(left)]
    least, mean = 360 / 80 * S, statistics.mean(intervals)
    assert min(firsts) >= least / 2 * 0.5 / COMPENSATION - MS
    assert max(firsts) <= least / 2 * 1.5 / COMPENSATION + MS
    assert min(intervals) >= least * 0.5 / COMPENSATION - MS
    assert max(intervals) <= least * 1.5 / COMPENSATION + MS
    # reconsideration takes longer than drawing once; dividing by e - 3/2 makes up for it (A.7)
    assert 0.93 * least < mean < 1.07 * least
    assert len({round(i / MS) for i in intervals}) > 1000, "no two calls report in step"


def test_large_reports_of_theirs_make_ours_rarer() -> None:
    one = session()
    one.start(0)
    hear(one, range(3), at=1)
    one.write(S, WALL, 0, 1, 1)
    usual = one.next_ns - S
    report = rtcp.receiver_report(THEIRS, *[rtcp.block(n) for n in range(31)])
    for _ in range(64):
        one.read(report + rtcp.packet(rtcp.APP, 0, bytes(700)), S, WALL)
    one.write(2 * S, WALL, 0, 1, 1)
    # 1480 octets on the average, two members, 500 octets a second
    assert one.next_ns - 2 * S > 1400 * 2 / 500 * S * 0.5 / COMPENSATION
    assert one.next_ns - 2 * S < 10 * usual


# ---- nonsense

GOOD = (
    rtcp.sender_report(THEIRS, 1 << 40, rtcp.block(OURS, 3, 4), rtcp.block(8))
    + rtcp.packet(rtcp.SDES, 1, b"\0\0\0\1\1\4name\0\0")
    + rtcp.bye(THEIRS)
)


def test_what_is_not_sound_counts_for_nothing() -> None:
    report = rtcp.receiver_report(THEIRS, rtcp.block(OURS, 9, 9))
    bad = [
        b"", bytes(8), report[:-1], report[:-4], report + b"\0", report + bytes(4), GOOD + b"\x80",
        rtcp.bye(THEIRS), rtcp.packet(rtcp.SDES, 0, b""),  # must begin with a report (6.1)
        bytes([0x42]) + report[1:], bytes([0xC1]) + report[1:],  # version
        bytes([0x9F]) + report[1:],  # 31 blocks in the room of one
        report[:2] + b"\xff\xff" + report[4:],
        report + rtcp.packet(rtcp.BYE, 31, b"\0\0\0\1"),
        rtcp.packet(rtcp.RR, 0, bytes(4), padding=4) + report,  # padding before the last
        report + b"\xa0" + rtcp.packet(rtcp.APP, 0, bytes(3) + b"\x05")[1:],  # no whole words
        bytes([report[0] | 0x20]) + report[1:],  # says padded: ends in 0
        report + rtcp.packet(rtcp.APP, 0, bytes(1468)),  # longer than any datagram of ours
    ]  # fmt: skip
    one = session()
    for n, data in enumerate(bad, 1):
        assert not rtcp.sound(data), data.hex()
        assert not one.read(data, S, WALL), data.hex()
        assert one.counts()["malformed"] == n
    assert one.counts()["reports"] == one.counts()["received"] == 0
    assert one.read(report + rtcp.packet(rtcp.APP, 0, bytes(4), padding=8), S, WALL)


@given(st.binary(max_size=200))
def test_anything_is_judged_as_the_slow_reader_judges_it(data: bytes) -> None:
    assert session().read(data, S, WALL) == rtcp.sound(data)


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=4),
       st.integers(0, 40))  # fmt: skip
def test_broken_reports_are_judged_as_the_slow_reader_judges_them(
    changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(GOOD)
    for at, value in changes:
        data[at] = value
    data = data[: len(data) - cut]
    one = session()
    assert one.read(bytes(data), S, WALL) == rtcp.sound(bytes(data))
    if rtcp.sound(bytes(data)):
        about = [b for b in rtcp.read(bytes(data)).blocks if b.ssrc == OURS]
        counts = one.counts()
        assert counts["reports"] == len(about)
        if about:
            assert (counts["fraction"], counts["lost"]) == (about[-1].fraction, about[-1].lost)
