"""The media engine with SRTP and on hold, over real sockets; libsrtp is the peer."""

from __future__ import annotations

import socket

import pylibsrtp
import pytest

from fastpath.rtp import DigitHeard, MediaEngine, PlayEnded, SrtpKeys
from fastpath.srtp_keys import SUITES
from tests.ports import media_ports
from tests.reference.rtp import event, rtp
from tests.waiting import until

LOW, HIGH = media_ports()
HERE = "127.0.0.1"
PCMU = bytes(range(256)) * 5  # 8 frames
OURS = {suite: bytes(range(sum(SUITES[suite][:2]))) for suite in SUITES}
THEIRS = {suite: bytes(range(50, 50 + len(OURS[suite]))) for suite in SUITES}
PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}
EVERY = pytest.mark.parametrize("suite", SUITES)


def hearing(suite: str, key: bytes) -> pylibsrtp.Session:
    kind = pylibsrtp.Policy.SSRC_ANY_INBOUND
    policy = pylibsrtp.Policy(key=key, ssrc_type=kind, srtp_profile=PROFILES[suite])
    return pylibsrtp.Session(policy)


def saying(suite: str, key: bytes) -> pylibsrtp.Session:
    kind = pylibsrtp.Policy.SSRC_ANY_OUTBOUND
    policy = pylibsrtp.Policy(key=key, ssrc_type=kind, srtp_profile=PROFILES[suite])
    return pylibsrtp.Session(policy)


def secured(engine: MediaEngine, peer: socket.socket, suite: str) -> int:
    stream = engine.open(HERE, LOW, HIGH)
    engine.secure(stream, SrtpKeys(suite, OURS[suite]), SrtpKeys(suite, THEIRS[suite]))
    engine.connect(stream, *peer.getsockname(), 0, 101)
    return stream


@EVERY
def test_a_prompt_reaches_libsrtp_whole(
    engine: MediaEngine, peer: socket.socket, suite: str
) -> None:
    prompt = engine.add_prompt(PCMU, PCMU)
    ears = hearing(suite, OURS[suite])
    stream = secured(engine, peer, suite)
    engine.play(stream, prompt, 1)
    heard = b""
    while PCMU not in heard:
        sealed = peer.recv(2048)
        assert PCMU[:160] not in sealed
        assert len(sealed) == 172 + SUITES[suite][2]
        heard += ears.unprotect(sealed)[12:]
    assert engine.stats(stream).send_errors == 0


@EVERY
def test_digits_of_libsrtp_are_heard_and_what_is_not_its_own_is_dropped(
    engine: MediaEngine, peer: socket.socket, suite: str
) -> None:
    stream = secured(engine, peer, suite)
    voice = saying(suite, THEIRS[suite])
    at = (HERE, engine.port(stream))
    plain = rtp(1, 160, 7, 0, b"\xff" * 160)
    sealed = voice.protect(plain)
    peer.sendto(plain, at)
    peer.sendto(saying(suite, OURS[suite]).protect(plain), at)
    peer.sendto(sealed[:-1] + bytes([sealed[-1] ^ 1]), at)
    until(lambda: engine.stats(stream).srtp_failed == 3)
    assert engine.stats(stream).received == 0
    peer.sendto(sealed, at)
    peer.sendto(sealed, at)
    for seq in range(2, 6):
        payload = event(5, 160 * (seq - 1), end=seq == 5)
        peer.sendto(voice.protect(rtp(seq, 320, 7, 101, payload)), at)
    until(lambda: engine.stats(stream).digits_heard == 1)
    stats = engine.stats(stream)
    assert (stats.received, stats.srtp_failed, stats.srtp_replayed) == (5, 3, 1)
    assert stats.peer == peer.getsockname()
    digit = engine.events()[0]
    assert isinstance(digit, DigitHeard)
    assert digit.digit == "5"


@EVERY
def test_rtcp_beside_it_is_authentic_or_dropped(
    engine: MediaEngine, peer: socket.socket, suite: str
) -> None:
    stream = secured(engine, peer, suite)
    report = bytes([0x80, 201, 0, 1]) + bytes([0, 0, 0, 7])
    at = (HERE, engine.port(stream))
    peer.sendto(report + bytes(40), at)
    until(lambda: engine.stats(stream).srtp_failed == 1)
    peer.sendto(saying(suite, THEIRS[suite]).protect_rtcp(report), at)
    until(lambda: engine.stats(stream).rtcp == 1)
    assert engine.stats(stream).srtp_failed == 1


@EVERY
def test_new_keys_in_the_call(engine: MediaEngine, peer: socket.socket, suite: str) -> None:
    stream = secured(engine, peer, suite)
    ears = hearing(suite, OURS[suite])
    until(lambda: engine.stats(stream).sent > 5)
    ears.unprotect(peer.recv(2048))
    engine.secure(stream, SrtpKeys(suite, THEIRS[suite]), SrtpKeys(suite, OURS[suite]))
    mark = engine.stats(stream).sent
    until(lambda: engine.stats(stream).sent > mark + 2)
    fresh, seen = hearing(suite, THEIRS[suite]), 0
    while seen < 3:
        sealed = peer.recv(2048)
        try:
            ears.unprotect(sealed)
        except pylibsrtp.Error:
            assert len(fresh.unprotect(sealed)) == 172
            seen += 1
    at = (HERE, engine.port(stream))
    peer.sendto(saying(suite, THEIRS[suite]).protect(rtp(9, 160, 7, 0, bytes(160))), at)
    until(lambda: engine.stats(stream).srtp_failed == 1)
    peer.sendto(saying(suite, OURS[suite]).protect(rtp(9, 160, 7, 0, bytes(160))), at)
    until(lambda: engine.stats(stream).received == 1)


def test_strangers_cost_no_decryption_once_the_peer_is_known(
    engine: MediaEngine, peer: socket.socket
) -> None:
    suite = "AEAD_AES_128_GCM"
    stream = secured(engine, peer, suite)
    voice, at = saying(suite, THEIRS[suite]), (HERE, engine.port(stream))
    for seq in range(6):
        peer.sendto(voice.protect(rtp(seq, 160 * seq, 7, 0, bytes(160))), at)
    until(lambda: engine.stats(stream).locked)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(rtp(7, 160, 7, 0, bytes(160)), at)
    until(lambda: engine.stats(stream).foreign == 1)
    assert engine.stats(stream).srtp_failed == 0


def test_a_wrong_key_takes_no_stream_down(engine: MediaEngine, peer: socket.socket) -> None:
    stream = secured(engine, peer, "AEAD_AES_128_GCM")
    good = SrtpKeys("AEAD_AES_128_GCM", bytes(28))
    for wrong in (SrtpKeys("NULL", b""), SrtpKeys("AEAD_AES_256_GCM", bytes(28))):
        for pair in ((good, wrong), (wrong, good)):
            with pytest.raises(ValueError, match="not"):
                engine.secure(stream, *pair)
    with pytest.raises(KeyError):
        engine.secure(stream + 1, good, good)
    ears = hearing("AEAD_AES_128_GCM", OURS["AEAD_AES_128_GCM"])
    assert len(ears.unprotect(peer.recv(2048))) == 172
    engine.close(stream)
    with pytest.raises(KeyError):
        engine.secure(stream, good, good)


def test_hold_pauses_the_prompt_and_keeps_the_counts(
    engine: MediaEngine, peer: socket.socket
) -> None:
    prompt = engine.add_prompt(PCMU, PCMU)
    stream = engine.open(HERE, LOW, HIGH)
    other = engine.open(HERE, LOW, HIGH)
    for each in (stream, other):
        engine.connect(each, *peer.getsockname(), 0, 101)
    engine.pause(stream)
    assert engine.stats(stream).paused
    engine.play(stream, prompt, 4)
    sent = engine.stats(stream).sent
    mark = engine.stats(other).sent
    until(lambda: engine.stats(other).sent > mark + 20)
    assert engine.stats(stream).sent == sent
    assert engine.events() == []
    peer.sendto(rtp(1, 160, 7, 0, bytes(160)), (HERE, engine.port(stream)))
    until(lambda: engine.stats(stream).received == 1)  # on hold we still hear
    engine.resume(stream)
    told: list[object] = []
    until(lambda: told.extend(engine.events()) or told)
    assert told == [PlayEnded(stream, 4)]
    assert engine.stats(stream).sent >= sent + 8
    assert not engine.stats(stream).paused
    for method in (engine.pause, engine.resume):
        with pytest.raises(KeyError):
            method(0)
