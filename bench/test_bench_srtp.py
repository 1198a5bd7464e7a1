"""SRTP, one packet of 20 ms: sealing and opening, beside libsrtp. Both are called from Python."""

from __future__ import annotations

import os
from collections.abc import Callable

import pylibsrtp
import pytest

from fastpath.srtp_keys import SUITES, SrtpKeys
from fastpath.srtp_open import SrtpOpener
from fastpath.srtp_seal import SrtpSealer

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
PACKETS = 100 if SMOKE else 10_000
PEER = "libsrtp by pylibsrtp"
MASTER = {suite: bytes(range(sum(SUITES[suite][:2]))) for suite in SUITES}
PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AEAD_AES_128_GCM": pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
}
VOICE = [
    b"\x80\0" + seq.to_bytes(2, "big") + (160 * seq).to_bytes(4, "big") + b"ssrc" + b"\xd5" * 160
    for seq in range(PACKETS)
]


def libsrtp(suite: str, kind: int) -> pylibsrtp.Session:
    profile = PROFILES[suite]
    return pylibsrtp.Session(
        pylibsrtp.Policy(key=MASTER[suite], ssrc_type=kind, srtp_profile=profile)
    )


def sealer(suite: str, peer: str | None) -> Callable[[bytes], object]:
    if peer is None:
        return SrtpSealer(SrtpKeys(suite, MASTER[suite])).seal
    return libsrtp(suite, pylibsrtp.Policy.SSRC_ANY_OUTBOUND).protect


def opener(suite: str, peer: str | None) -> Callable[[bytes], object]:
    if peer is None:
        return SrtpOpener(SrtpKeys(suite, MASTER[suite])).open
    return libsrtp(suite, pylibsrtp.Policy.SSRC_ANY_INBOUND).unprotect


def each(work: Callable[[bytes], object], packets: list[bytes]) -> int:
    return sum(work(packet) is not None for packet in packets)


@pytest.mark.parametrize("peer", [None, PEER])
@pytest.mark.parametrize("suite", PROFILES)
@pytest.mark.parametrize("way", ["seal", "open"])
def test_a_packet(benchmark, way, suite, peer):
    sealed = [SrtpSealer(SrtpKeys(suite, MASTER[suite])).seal(p) for p in VOICE]
    make, packets = (sealer, VOICE) if way == "seal" else (opener, sealed)
    benchmark.group = f"{way} an SRTP packet of 172 bytes, {suite}"
    benchmark.extra_info |= {"unit": "packet", "units": PACKETS, "peer": peer}
    done = benchmark.pedantic(
        each, setup=lambda: ((make(suite, peer), packets), {}), rounds=1 if SMOKE else 15
    )
    assert done == PACKETS
