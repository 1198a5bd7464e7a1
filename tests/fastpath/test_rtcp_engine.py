"""Reports over real sockets: beside RTP and on its port, sealed and not, and from strangers."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator

import pylibsrtp
import pytest

from fastpath.rtp import MediaEngine, PeerSilent, SrtpKeys
from tests.ports import media_ports
from tests.reference import rtcp
from tests.reference.rtp import rtp
from tests.waiting import until

LOW, HIGH = media_ports()
HERE = "127.0.0.1"
THEIRS = 0xBEEF
KEY, BACK = bytes(range(30)), bytes(range(100, 130))
SUITE = "AES_CM_128_HMAC_SHA1_80"
PROFILE = pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80


class Peer:
    """RTP and RTCP sockets of a far end, on ports one apart."""

    def __init__(self) -> None:
        while True:
            self.rtp = bound(0)
            self.host, self.port = self.rtp.getsockname()
            try:
                self.rtcp = bound(self.port + 1)
            except OSError:
                self.rtp.close()
                continue
            return

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


def bound(port: int, host: str = HERE) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    sock.settimeout(100)
    return sock


@pytest.fixture
def peer() -> Iterator[Peer]:
    one = Peer()
    yield one
    one.close()


def call(engine: MediaEngine, peer: Peer) -> int:
    stream = engine.open(HERE, LOW, HIGH)
    engine.connect(stream, peer.host, peer.port, 0)
    return stream


def reports(sock: socket.socket) -> rtcp.Compound:
    """The next RTCP datagram; RTP on the same socket is passed over."""
    while True:
        data = sock.recv(2048)
        if 192 <= data[1] <= 223:
            return rtcp.read(data)


def goodbye(sock: socket.socket) -> list[rtcp.Compound]:
    """All up to the one that parts; reports come when they are due, however long a test takes."""
    found = [reports(sock)]
    while not found[-1].bye:
        found.append(reports(sock))
    return found


def test_a_call_reports_what_it_sent_and_heard_and_says_goodbye(
    engine: MediaEngine, peer: Peer
) -> None:
    stream = call(engine, peer)
    assert engine.report(stream)
    at = (HERE, engine.port(stream))
    for n in [*range(10), *range(12, 20)]:
        peer.rtp.sendto(rtp(n, 160 * n, THEIRS), at)
    first = reports(peer.rtcp)
    assert first.kinds == [rtcp.SR, rtcp.SDES]
    assert (first.blocks[0].ssrc, first.blocks[0].lost) == (THEIRS, 2)
    assert first.ntp is not None
    assert abs((first.ntp >> 32) - rtcp.NTP_EPOCH - time.time()) < 10
    seq, timestamp, ssrc = struct.unpack_from("!HII", peer.rtp.recv(2048), 2)
    assert first.ssrc == ssrc
    stats = engine.close(stream)
    more = goodbye(peer.rtcp)
    last = more[-1]
    assert last.kinds == [rtcp.SR, rtcp.SDES, rtcp.BYE]
    assert (last.bye, last.cname) == ([ssrc], first.cname)
    assert (last.packets, last.octets) == (stats.sent, 160 * stats.sent)
    assert (stats.rtcp_sent, stats.rtcp_received) == (1 + len(more), 0)
    # the RTP time of a report is that of its NTP time: two reports and the packets agree
    assert last.ntp is not None
    seconds = (last.ntp - first.ntp) / 2**32
    assert abs((last.timestamp - first.timestamp) % 2**32 - 8000 * seconds) < 80
    behind = (first.timestamp - timestamp) % 2**32
    assert behind < 8000 * 30, "that of the first packet is a report's first interval before it"
    assert seq < 0x8000


def test_what_the_peer_tells_is_in_the_statistics(engine: MediaEngine, peer: Peer) -> None:
    stream = call(engine, peer)
    engine.report(stream)
    ssrc = struct.unpack_from("!I", peer.rtp.recv(2048), 8)[0]
    stats = engine.stats(stream)
    assert (stats.rtt_ms, stats.peer_lost, stats.peer_jitter_ms, stats.peer_mos) == (
        None, None, None, 0.0,
    )  # fmt: skip
    lsr = rtcp.ntp_of(time.time_ns() - 30_000_000) >> 16 & 0xFFFFFFFF
    about = rtcp.block(ssrc, 10, 3, highest=0x7FFF + 100, jitter=160, lsr=lsr)
    at = (HERE, engine.port(stream) + 1)
    peer.rtcp.sendto(rtcp.receiver_report(THEIRS, about) + rtcp.bye(THEIRS), at)
    until(lambda: engine.stats(stream).rtcp_received)
    stats = engine.stats(stream)
    assert (stats.peer_lost, stats.peer_jitter_ms, stats.peer_bye) == (3, 20.0, True)
    assert stats.rtt_ms is not None
    assert 30 <= stats.rtt_ms < 5_000
    assert 1 < stats.peer_mos < 4.4
    assert stats.mos == 0.0, "we heard nothing of them"


def test_with_mux_all_goes_over_one_port(engine: MediaEngine, peer: Peer) -> None:
    stream = call(engine, peer)
    assert engine.report(stream, mux=True)
    port = engine.port(stream)
    bound(port + 1).close()  # nobody is there
    ssrc = struct.unpack_from("!I", peer.rtp.recv(2048), 8)[0]
    peer.rtp.sendto(rtcp.receiver_report(THEIRS, rtcp.block(ssrc, 0, 5)), (HERE, port))
    until(lambda: engine.stats(stream).rtcp_received)
    with bound(0) as stranger:
        stranger.sendto(rtcp.receiver_report(THEIRS, rtcp.block(ssrc, 0, 99)), (HERE, port))
        until(lambda: engine.stats(stream).rtcp_dropped)
    assert engine.stats(stream).peer_lost == 5
    engine.close(stream)
    assert goodbye(peer.rtp)[-1].bye == [ssrc]


def test_reports_go_where_sdp_said_and_then_where_theirs_came_from(
    engine: MediaEngine, peer: Peer
) -> None:
    with bound(0) as named, bound(0) as moved:
        for answers in (named, moved):
            stream = call(engine, peer)
            assert engine.report(stream, *named.getsockname())
            if answers is moved:  # behind a NAT that gave RTCP another port
                moved.sendto(rtcp.receiver_report(THEIRS), (HERE, engine.port(stream) + 1))
                until(lambda s=stream: engine.stats(s).rtcp_received)  # type: ignore[misc]
            until(lambda s=stream: engine.stats(s).sent)  # type: ignore[misc]
            engine.close(stream)
            assert goodbye(answers)


def test_reports_of_other_hosts_and_nonsense_count_for_nothing(
    engine: MediaEngine, peer: Peer
) -> None:
    stream = call(engine, peer)
    engine.report(stream)
    ssrc = struct.unpack_from("!I", peer.rtp.recv(2048), 8)[0]
    at = (HERE, engine.port(stream) + 1)
    lie = rtcp.receiver_report(THEIRS, rtcp.block(ssrc, 255, 999))
    with bound(0, "127.0.0.9") as stranger:
        stranger.sendto(lie, at)
        stranger.settimeout(0.05)
        for junk in (b"", b"\x80", lie[:-1], rtp(1), bytes(1500)):
            peer.rtcp.sendto(junk, at)
        until(lambda: engine.stats(stream).rtcp_dropped == 6)
        engine.close(stream)
        with pytest.raises(TimeoutError):
            stranger.recv(2048)
    assert goodbye(peer.rtcp)[-1].bye == [ssrc]


def test_sealed_calls_seal_their_reports(engine: MediaEngine, peer: Peer) -> None:
    def session(key: bytes, kind: int) -> pylibsrtp.Session:
        policy = pylibsrtp.Policy(key=key, ssrc_type=kind, srtp_profile=PROFILE)
        return pylibsrtp.Session(policy)

    ears = session(KEY, pylibsrtp.Policy.SSRC_ANY_INBOUND)
    voice = session(BACK, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    stream = engine.open(HERE, LOW, HIGH)
    engine.secure(stream, SrtpKeys(SUITE, KEY), SrtpKeys(SUITE, BACK))
    engine.connect(stream, peer.host, peer.port, 0)
    assert engine.report(stream)
    ssrc = struct.unpack_from("!I", peer.rtp.recv(2048), 8)[0]
    at = (HERE, engine.port(stream) + 1)
    report = rtcp.receiver_report(THEIRS, rtcp.block(ssrc, 0, 8))
    peer.rtcp.sendto(report + bytes(4), at)  # in the clear: nobody agreed on that
    peer.rtcp.sendto(voice.protect_rtcp(report), at)
    until(lambda: engine.stats(stream).rtcp_received)
    stats = engine.close(stream)
    assert (stats.peer_lost, stats.srtp_failed) == (8, 1)
    until(lambda: rtcp.read(ears.unprotect_rtcp(peer.rtcp.recv(2048))).bye == [ssrc])


@pytest.mark.parametrize("sealed", [False, True])
def test_reports_at_the_port_of_rtp_count_for_nothing_when_nobody_agreed_on_that(
    engine: MediaEngine, peer: Peer, sealed: bool
) -> None:
    """Strangers are not decrypted once the latch is locked: in the clear they could forge any."""
    stream = engine.open(HERE, LOW, HIGH)
    packets = [rtp(seq, 160 * seq, 7, 0, b"\xff" * 160) for seq in range(8)]
    if sealed:
        engine.secure(stream, SrtpKeys(SUITE, KEY), SrtpKeys(SUITE, BACK))
        kind = pylibsrtp.Policy.SSRC_ANY_OUTBOUND
        voice = pylibsrtp.Session(pylibsrtp.Policy(key=BACK, ssrc_type=kind, srtp_profile=PROFILE))
        packets = [voice.protect(packet) for packet in packets]
    engine.connect(stream, peer.host, peer.port, 0)
    assert engine.report(stream)
    ssrc = struct.unpack_from("!I", peer.rtp.recv(2048), 8)[0]
    for packet in packets:
        peer.rtp.sendto(packet, (HERE, engine.port(stream)))
    until(lambda: engine.stats(stream).locked)
    with bound(0) as forger:
        forger.settimeout(0.05)
        lie = rtcp.receiver_report(THEIRS, rtcp.block(ssrc, 200, 9_999))
        forger.sendto(lie, (HERE, engine.port(stream)))
        until(lambda: engine.stats(stream).rtcp_dropped == 1)
        stats = engine.close(stream)
        with pytest.raises(TimeoutError):
            forger.recv(2048)
    assert (stats.rtcp_received, stats.peer_lost) == (0, None)
    assert peer.rtcp.recv(2048), "our goodbye goes beside the peer's RTP"


def test_without_the_port_beside_it_a_call_goes_on_without_reports(
    engine: MediaEngine, peer: Peer
) -> None:
    stream = engine.open(HERE, LOW, HIGH)
    with bound(engine.port(stream) + 1):
        engine.connect(stream, peer.host, peer.port, 0)
        assert not engine.report(stream)
    until(lambda: engine.stats(stream).sent > 3)
    assert engine.report(stream), "it is free again"
    assert engine.report(stream, mux=True)
    assert engine.close(stream).rtcp_sent >= 1


def test_nobody_is_parted_from_whom_we_never_met(engine: MediaEngine, peer: Peer) -> None:
    stream = engine.open(HERE, LOW, HIGH)
    engine.connect(stream, "0.0.0.0", 9, 0)
    engine.report(stream)
    assert engine.close(stream).rtcp_sent == 0
    for host, port in (("224.0.0.1", 5), ("x", 5), (HERE, 0), (HERE, 65_536)):
        stream = engine.open(HERE, LOW, HIGH)
        with pytest.raises(ValueError, match=r"not an address|not an IP"):
            engine.report(stream, host, port)


# ---- silence


def test_a_peer_that_falls_silent_is_told_once(engine: MediaEngine, peer: Peer) -> None:
    stream, other = call(engine, peer), call(engine, peer)
    engine.watch(stream, 80)
    engine.watch(other, 80)
    engine.watch(other, 0)
    at, began = (HERE, engine.port(stream)), time.monotonic_ns()
    heard: list[int] = []
    for n in range(12):
        peer.rtp.sendto(rtp(n, 160 * n, THEIRS), at)
        until(lambda n=n: engine.stats(stream).received == n + 1)  # type: ignore[misc]
        heard.append(engine.stats(stream).heard_ns)
    silent: list[object] = []
    until(lambda: silent.extend(engine.events()) or PeerSilent(stream, heard[-1]) in silent)
    enough = engine.stats(other).sent + 10
    until(lambda: engine.stats(other).sent > enough)
    silent += engine.events()
    # a peer that lost its core for longer than it may be silent was silent, and told once as well
    assert set(silent) <= {PeerSilent(stream, at_ns) for at_ns in heard}
    assert len(set(silent)) == len(silent) > 0
    assert heard[-1] > began
    for ms in (-1, 3_600_001):
        with pytest.raises(ValueError, match="silence_ms"):
            engine.watch(stream, ms)


def test_a_peer_that_never_spoke_is_silent_from_the_beginning(
    engine: MediaEngine, peer: Peer
) -> None:
    stream = call(engine, peer)
    began = time.monotonic_ns()
    engine.watch(stream, 60)
    until(lambda: engine.stats(stream).sent > 8)
    (silent,) = engine.events()
    assert isinstance(silent, PeerSilent)
    assert began <= silent.since_ns <= time.monotonic_ns()
