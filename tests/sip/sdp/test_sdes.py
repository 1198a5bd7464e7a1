"""a=crypto lines (RFC 4568, RFC 7714): read to the letter or not at all."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.sdp import crypto
from sip.sdp.crypto import SUITES, Crypto, fresh

# RFC 4568 section 6.1 and section 9.1
KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
RAW = b"YS___semctl () {\t220;}\n}\nunles"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4",
            Crypto(1, "AES_CM_128_HMAC_SHA1_80", RAW, 1, 4, 1 << 20),
        ),
        (
            f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1048576",
            Crypto(1, "AES_CM_128_HMAC_SHA1_80", RAW, lifetime=1_048_576),
        ),
        (
            f"7 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|1:4",
            Crypto(7, "AES_CM_128_HMAC_SHA1_32", RAW, 1, 4),
        ),
        (f" 2  aes_cm_128_hmac_sha1_32\tINLINE:{KEY} ", Crypto(2, "AES_CM_128_HMAC_SHA1_32", RAW)),
        (
            f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} WSH=128 -EXTENSION=1",
            Crypto(1, "AES_CM_128_HMAC_SHA1_80", RAW),
        ),
        (
            "3 AEAD_AES_128_GCM inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
            Crypto(3, "AEAD_AES_128_GCM", bytes(28)),
        ),
        (
            "3 AEAD_AES_128_GCM inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            Crypto(3, "AEAD_AES_128_GCM", bytes(28)),
        ),
        (
            f"4 AEAD_AES_256_GCM inline:{'A' * 59}=",
            Crypto(4, "AEAD_AES_256_GCM", bytes(44)),
        ),
    ],
)
def test_lines(line: str, expected: Crypto):
    assert crypto.read(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "",
        "1",
        f"x AES_CM_128_HMAC_SHA1_80 inline:{KEY}",
        f"1234567890 AES_CM_128_HMAC_SHA1_80 inline:{KEY}",
        f"1 F8_128_HMAC_SHA1_80 inline:{KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 {KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 uri:{KEY}",
        "1 AES_CM_128_HMAC_SHA1_80 inline:",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}A",
        f"1 AEAD_AES_128_GCM inline:{KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^49",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|0",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:0",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:129",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|256:1",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:4|2^20",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4;inline:{KEY}|2^20|2:4",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} KDR=1",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTCP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNAUTHENTICATED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} FEC_ORDER=SRTP_FEC",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} NEWPARAM",
    ],
)
def test_lines_that_count_as_absent(line: str):
    assert crypto.read(line) is None


@given(st.text(max_size=200))
def test_any_text_is_read_or_passed_over(text: str):
    found = crypto.read("1 AES_CM_128_HMAC_SHA1_80 inline:" + text)
    assert found is None or len(found.key) == 30
    assert crypto.read(text) is None or text.strip()[0].isdigit()


@pytest.mark.parametrize("suite", SUITES)
def test_fresh_keys_read_back_and_differ(suite: str):
    rng = random.Random(1)
    one, other = fresh(1, suite, rng), fresh(1, suite, rng)
    assert one.key != other.key
    assert len(one.key) == sum(SUITES[suite])
    assert crypto.read(one.line()) == one


def test_a_key_is_not_shown():
    secret = fresh(1, "AEAD_AES_256_GCM", random.Random(1))
    assert secret.key.hex() not in repr(secret)
    assert repr(secret) == "Crypto(1, 'AEAD_AES_256_GCM', ...)"
