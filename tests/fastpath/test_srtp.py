"""SRTP and SRTCP: the RFCs' vectors, the slow twin, another library, and hostile packets."""

from __future__ import annotations

import random

import pylibsrtp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath.srtp_keys import SUITES, SessionKeys, SrtpKeys
from fastpath.srtp_open import SrtpOpener
from fastpath.srtp_seal import SrtpSealer
from tests.reference import srtp as twin

MASTER = {suite: bytes(range(7, 7 + sum(SUITES[suite][:2]))) for suite in SUITES}
EVERY = pytest.mark.parametrize("suite", SUITES)
SSRC = 0xCAFEBABE


def keys(suite: str, mki_bytes: int = 0) -> SrtpKeys:
    return SrtpKeys(suite, MASTER[suite], mki_bytes)


def rtp(seq: int, payload: bytes = b"\xd5" * 160, ssrc: int = SSRC, first: int = 0x80) -> bytes:
    head = (
        bytes([first, 0])
        + (seq & 0xFFFF).to_bytes(2, "big")
        + (seq * 160 & 0xFFFFFFFF).to_bytes(4, "big")
    )
    return head + ssrc.to_bytes(4, "big") + payload


def rtcp(payload: bytes = bytes(20), ssrc: int = SSRC) -> bytes:
    return bytes([0x81, 201, 0, 7]) + ssrc.to_bytes(4, "big") + payload


# vectors

GCM_SALT = b"Quid pro quo"
GALLIA = b"Gallia est omnis divisa in partes tres"
GALLIA_HEAD = bytes.fromhex("8040f17b8041f8d35501a0b2")
GALLIA_SEALED = {  # RFC 7714 sections 16.1.1 and 16.2.1
    "AEAD_AES_128_GCM": "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b"
    "36de3adf8833899d7f27beb16a9152cf765ee4390cce",
    "AEAD_AES_256_GCM": "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f"
    "1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
}


def test_the_key_stream_of_rfc_3711_b_2():
    session = SessionKeys(
        "AES_CM_128_HMAC_SHA1_80",
        bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C"),
        bytes.fromhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"),
        bytes(20),
    )
    sealed = SrtpSealer(session).seal(bytes([0x80]) + bytes(11) + bytes(1_488))
    stream = sealed[12:-10]
    assert stream[:48].hex().upper() == (
        "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB"
        "41E95B3BB0A2E8DD477901E4FCA894C0"
    )


def test_the_key_derivation_of_rfc_3711_b_3():
    """Seen from outside: what master keys seal, the derived keys of the RFC seal too."""
    master = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6")
    derived = SessionKeys(
        "AES_CM_128_HMAC_SHA1_80",
        bytes.fromhex("C61E7A93744F39EE10734AFE3FF7A087"),
        bytes.fromhex("30CBBC08863D8C85D49DB34A9AE1"),
        bytes.fromhex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"),
    )
    packet = rtp(1)
    assert SrtpSealer(SrtpKeys(derived.suite, master)).seal(packet) == SrtpSealer(derived).seal(
        packet
    )
    assert twin.derive(master[:16], master[16:], 1, 20) == derived.mac_key


@pytest.mark.parametrize("suite", GALLIA_SEALED)
def test_packets_of_rfc_7714(suite: str):
    session = SessionKeys(suite, bytes(range(SUITES[suite][0])), GCM_SALT, b"")
    sealed = GALLIA_HEAD + bytes.fromhex(GALLIA_SEALED[suite])
    assert SrtpSealer(session).seal(GALLIA_HEAD + GALLIA) == sealed
    assert SrtpOpener(session).open(sealed) == GALLIA_HEAD + GALLIA


def test_an_rtcp_packet_of_rfc_7714():
    session = SessionKeys("AEAD_AES_128_GCM", bytes(range(16)), GCM_SALT, b"")
    plain = bytes.fromhex(
        "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61"
        "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
    )
    sealed = bytes.fromhex(
        "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda"
        "4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4"
    )
    assert SrtpOpener(session).open(sealed) == plain


def test_a_packet_of_libsrtp():
    """The reference packet of its test program."""
    master = bytes.fromhex("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6")
    plain = bytes.fromhex("800f1234decafbadcafebabe") + b"\xab" * 16
    sealed = bytes.fromhex(
        "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"
    )
    session = SrtpKeys("AES_CM_128_HMAC_SHA1_80", master)
    assert SrtpSealer(session).seal(plain) == sealed
    assert SrtpOpener(session).open(sealed) == plain


# the twin and another library

SHAPES = st.tuples(
    st.integers(0, 65_535),
    st.binary(max_size=60),
    st.sampled_from([0x80, 0x81, 0x8F, 0x90, 0xA0, 0xB3]),
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(SUITES)), SHAPES, st.binary(min_size=30, max_size=44))
def test_sealing_like_the_twin(suite: str, shape: tuple[int, bytes, int], chance: bytes):
    size = sum(SUITES[suite][:2])
    master = (chance * 2)[:size]
    seq, payload, first = shape
    packet = rtp(seq, bytes(60) + b"\0\1\0\1abcd" + payload, first=first)
    slow = twin.Keys(suite, master)
    if twin._payload_at(packet) is None:
        with pytest.raises(ValueError, match="not an RTP"):
            SrtpSealer(SrtpKeys(suite, master)).seal(packet)
        return
    sealed = SrtpSealer(SrtpKeys(suite, master)).seal(packet)
    assert sealed == twin.protect(slow, packet, 0)
    assert SrtpOpener(SrtpKeys(suite, master)).open(sealed) == packet
    report = rtcp(payload)
    sealed = SrtpSealer(SrtpKeys(suite, master)).seal(report)
    assert sealed == twin.protect_rtcp(slow, report, 1)
    assert SrtpOpener(SrtpKeys(suite, master)).open(sealed) == report


STEPS = st.lists(
    st.tuples(st.integers(-70, 300), st.sampled_from(["whole", "whole", "whole", "bit", "cut"])),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(SUITES)), st.integers(65_300, 65_535), STEPS, st.sampled_from([0, 4]))
def test_opening_like_the_twin(suite: str, at: int, steps: list[tuple[int, str]], mki_bytes: int):
    """Reordered, repeated, lost and spoilt packets around a roll-over of the sequence number."""
    slow = twin.Opener(suite, MASTER[suite], mki_bytes)
    fast = SrtpOpener(keys(suite, mki_bytes))
    end = 16 if slow.keys.gcm else slow.keys.tag
    for step, spoil in steps:
        at = max(65_000, at + step)
        sealed = twin.protect(slow.keys, rtp(at, b"voice"), at >> 16)
        mki = b"\0\0\0\7"[:mki_bytes]
        sealed = sealed + mki if slow.keys.gcm else sealed[:-end] + mki + sealed[-end:]
        if spoil == "bit":
            sealed = sealed[:12] + bytes([sealed[12] ^ 1]) + sealed[13:]
        elif spoil == "cut":
            sealed = sealed[: 12 + (at % 9)]
        assert fast.open(sealed) == slow.open(sealed)
        assert (fast.failed, fast.replayed) == (slow.failed, slow.replayed)


RTCP_STEPS = st.lists(
    st.tuples(st.integers(-70, 100), st.sampled_from(["whole", "whole", "bit", "cut", "clear"])),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(SUITES)), RTCP_STEPS, st.sampled_from([0, 4]), st.data())
def test_opening_rtcp_like_the_twin(
    suite: str, steps: list[tuple[int, str]], mki_bytes: int, data: st.DataObject
):
    """Reports in any order, again, spoilt anywhere, cut, and never encrypted."""
    slow = twin.Opener(suite, MASTER[suite], mki_bytes)
    fast = SrtpOpener(keys(suite, mki_bytes))
    at, opened = 0, 0
    for step, spoil in steps:
        at = max(0, at + step)
        sealed = twin.protect_rtcp(slow.keys, rtcp(b"report"), at)
        end = len(sealed) if slow.keys.gcm else len(sealed) - twin.RTCP_TAG
        sealed = sealed[:end] + b"\0\0\0\7"[:mki_bytes] + sealed[end:]
        if spoil == "bit":
            place = data.draw(st.sampled_from([*range(4), *range(8, len(sealed))]))  # not its SSRC
            flipped = sealed[place] ^ 1 << data.draw(st.integers(0, 7))
            sealed = sealed[:place] + bytes([flipped]) + sealed[place + 1 :]
        elif spoil == "cut":
            sealed = sealed[: data.draw(st.integers(8, len(sealed) - 1))]
        elif spoil == "clear":
            sealed = rtcp(bytes(60))
        expected = slow.open(sealed)
        opened += expected is not None
        assert fast.open(sealed) == expected
        assert (fast.failed, fast.replayed) == (slow.failed, slow.replayed)
    assert opened == len(slow.rtcp_accepted)


PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}


def libsrtp(suite: str, kind: int) -> pylibsrtp.Session:
    return pylibsrtp.Session(
        pylibsrtp.Policy(key=MASTER[suite], ssrc_type=kind, srtp_profile=PROFILES[suite])
    )


@EVERY
def test_libsrtp_and_we_understand_each_other(suite: str):
    """Through three roll-overs, with losses and reordering, and RTCP in between."""
    theirs_out = libsrtp(suite, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    theirs_in = libsrtp(suite, pylibsrtp.Policy.SSRC_ANY_INBOUND)
    ours_out, ours_in = SrtpSealer(keys(suite)), SrtpOpener(keys(suite))
    rng = random.Random(suite)
    pending: list[tuple[bytes, bytes, bytes]] = []
    for number in range(8_000):
        seq = 30_000 + number // 4 * 97 + number % 4
        packet = rtp(seq, rng.randbytes(160))
        pending.append((packet, ours_out.seal(packet), theirs_out.protect(packet)))
        if len(pending) < 4:
            continue
        if rng.random() < 0.2:
            pending.reverse()
        for plain, ours, theirs in pending:
            assert theirs_in.unprotect(ours) == plain
            assert ours_in.open(theirs) == plain
        pending.clear()
        report = rtcp(rng.randbytes(20))
        assert theirs_in.unprotect_rtcp(ours_out.seal(report)) == report
        assert ours_in.open(theirs_out.protect_rtcp(report)) == report
    assert (ours_in.failed, ours_in.replayed) == (0, 0)


# rules


@EVERY
def test_a_packet_is_heard_once_and_not_when_it_is_old(suite: str):
    sealer, opener = SrtpSealer(keys(suite)), SrtpOpener(keys(suite))
    sealed = [sealer.seal(rtp(seq)) for seq in range(100)]
    assert opener.open(sealed[70]) is not None
    assert opener.open(sealed[70]) is None
    assert opener.open(sealed[7]) is not None
    assert opener.open(sealed[6]) is None
    assert opener.open(sealed[7]) is None
    assert (opener.failed, opener.replayed) == (0, 3)
    report = sealer.seal(rtcp())
    assert opener.open(report) is not None
    assert opener.open(report) is None
    assert opener.replayed == 4


@EVERY
def test_every_bit_counts(suite: str):
    opener = SrtpOpener(keys(suite))
    for packet in (rtp(5, b"ab"), rtcp(b"abcd")):
        sealed = SrtpSealer(keys(suite)).seal(packet)
        for bit in range(8 * len(sealed)):
            spoilt = bytearray(sealed)
            spoilt[bit // 8] ^= 1 << bit % 8
            assert opener.open(spoilt) is None
        assert opener.open(sealed) == packet
    assert opener.replayed == 0


@EVERY
def test_forged_packets_move_no_counter(suite: str):
    """A forged sequence number far ahead would otherwise shut the window for the real ones."""
    sealer, opener = SrtpSealer(keys(suite)), SrtpOpener(keys(suite))
    opener.open(sealer.seal(rtp(10)))
    wrong = SrtpSealer(SrtpKeys(suite, bytes(sum(SUITES[suite][:2]))))
    for seq in (11, 5_000, 40_000, 65_535):
        assert opener.open(wrong.seal(rtp(seq))) is None
    for ssrc in range(100):
        assert opener.open(wrong.seal(rtp(10, ssrc=ssrc))) is None
    assert opener.failed + opener.replayed == 104
    assert opener.failed == 102  # 40,000 and 65,535 look older than the first packet
    assert opener.open(sealer.seal(rtp(11))) is not None


@EVERY
def test_two_sources_are_followed_at_once(suite: str):
    opener = SrtpOpener(keys(suite))
    sealers = {ssrc: SrtpSealer(keys(suite)) for ssrc in (1, 2, 3)}
    for seq in range(65_530, 65_545):
        for ssrc in (1, 2):
            packet = rtp(seq, ssrc=ssrc)
            assert opener.open(sealers[ssrc].seal(packet)) == packet
    packet = rtp(9, ssrc=3)
    assert opener.open(sealers[3].seal(packet)) == packet
    packet = rtp(65_545, ssrc=2)
    assert opener.open(sealers[2].seal(packet)) == packet  # the one heard longest ago left


@EVERY
def test_new_keys_go_on_with_the_counters(suite: str):
    other = SrtpKeys(suite, bytes(reversed(MASTER[suite])))
    sealer, opener = SrtpSealer(keys(suite)), SrtpOpener(keys(suite))
    for seq in range(65_530, 65_540):
        last = sealer.seal(rtp(seq))
        assert opener.open(last) is not None
    opener.rekey(other)
    assert opener.open(sealer.seal(rtp(65_540))) is None  # of the old keys, still under way
    sealer.rekey(other)
    sealed = sealer.seal(rtp(65_541))
    assert sealed == twin.protect(twin.Keys(suite, other.key), rtp(65_541), 1)
    assert opener.open(sealed) == rtp(65_541)
    assert opener.open(sealed) is None
    assert opener.open(last) is None


@EVERY
@pytest.mark.parametrize("seq", [0, 3, 30_000, 65_000])
def test_a_peer_may_begin_its_counters_anew_with_new_keys(suite: str, seq: int):
    other = SrtpKeys(suite, bytes(reversed(MASTER[suite])))
    sealer, opener = SrtpSealer(keys(suite)), SrtpOpener(keys(suite))
    for before in range(65_530, 65_540):
        opener.open(sealer.seal(rtp(before)))
    report = sealer.seal(rtcp())
    assert opener.open(report) is not None
    opener.rekey(other)
    fresh = SrtpSealer(other)
    for now in range(seq, seq + 3):
        assert opener.open(fresh.seal(rtp(now))) == rtp(now)
    assert opener.open(fresh.seal(rtcp())) == rtcp()


@EVERY
def test_the_same_keys_again_let_nothing_be_replayed(suite: str):
    """A re-INVITE that changes our keys only says theirs again."""
    sealer, opener = SrtpSealer(keys(suite)), SrtpOpener(keys(suite))
    old = [sealer.seal(rtp(seq)) for seq in range(65_400, 65_600)]
    report = sealer.seal(rtcp())
    for packet in old:
        assert opener.open(packet) is not None
    assert opener.open(report) is not None
    opener.rekey(keys(suite))
    assert [opener.open(packet) for packet in (old[0], old[150], old[-1])] == [None] * 3
    assert opener.open(report) is None
    assert opener.open(sealer.seal(rtp(65_600))) == rtp(65_600)


@EVERY
def test_rtcp_in_the_clear_is_refused(suite: str):
    opener = SrtpOpener(keys(suite))
    assert opener.open(rtcp(bytes(60))) is None
    assert opener.failed == 1


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(SUITES)), st.binary(max_size=200), st.sampled_from([0, 1, 128]))
def test_junk_is_dropped(suite: str, junk: bytes, mki_bytes: int):
    opener = SrtpOpener(keys(suite, mki_bytes))
    for packet in (junk, b"\x80" + junk, b"\x90\0" + junk, b"\x80\xc8" + junk, junk * 20):
        assert opener.open(packet) is None
    assert opener.failed == 5


def test_sizes():
    suite = "AEAD_AES_128_GCM"
    sealer = SrtpSealer(keys(suite))
    largest = rtp(1, bytes(1_488))
    assert len(sealer.seal(largest)) == 1_516
    for packet in (rtp(2, bytes(1_489)), b"", rtp(3)[:11], b"\0" * 20, b"\x8f" + bytes(30)):
        with pytest.raises(ValueError, match="not an RTP"):
            sealer.seal(packet)
    assert SrtpOpener(keys(suite)).open(sealer.seal(rtp(4, b""))) == rtp(4, b"")


@pytest.mark.parametrize(
    "wrong",
    [
        SrtpKeys("NULL", bytes(30)),
        SrtpKeys("AES_CM_128_HMAC_SHA1_80", bytes(29)),
        SrtpKeys("AEAD_AES_256_GCM", bytes(28)),
        SrtpKeys("AES_CM_128_HMAC_SHA1_80", bytes(30), -1),
        SrtpKeys("AES_CM_128_HMAC_SHA1_80", bytes(30), 129),
        SessionKeys("AES_CM_128_HMAC_SHA1_80", bytes(16), bytes(14), bytes(19)),
        SessionKeys("AEAD_AES_128_GCM", bytes(16), bytes(14), b""),
    ],
)
def test_keys_of_nonsense(wrong: SrtpKeys | SessionKeys):
    for kind in (SrtpSealer, SrtpOpener):
        with pytest.raises(ValueError, match="not"):
            kind(wrong)
