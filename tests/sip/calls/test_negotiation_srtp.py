"""SRTP keys in offers and answers (RFC 4568 section 5)."""

from __future__ import annotations

import random

import pytest

from sip import sdp
from sip.calls.negotiation import Negotiation, NegotiationError
from tests.sip.calls.test_negotiation import THERE, body, media_lines, one, pair

PROFILES = ("off", "offered", "required")


@pytest.mark.parametrize("ours", PROFILES)
@pytest.mark.parametrize("theirs", PROFILES)
def test_protection_is_agreed_or_refused(ours: str, theirs: str):
    if {ours, theirs} == {"off", "required"}:
        with pytest.raises(NegotiationError):
            pair({"srtp": ours}, {"srtp": theirs})
        return
    caller, called = pair({"srtp": ours}, {"srtp": theirs})
    assert caller.result is not None
    assert called.result is not None
    secured = "off" not in (ours, theirs)
    assert (caller.result.sending is not None) == secured
    assert caller.result.sending == called.result.receiving
    assert caller.result.receiving == called.result.sending
    if secured:
        assert caller.result.sending != caller.result.receiving
    profile = b"RTP/SAVP" if ours == "required" else b"RTP/AVP"
    assert b"m=audio 40000 %b 0" % profile in called.text


def test_the_answer_names_one_line_of_the_offer():
    caller = one(srtp="required", suites=("AEAD_AES_256_GCM", "AES_CM_128_HMAC_SHA1_32"))
    offer = caller.offer()
    assert offer.count(b"a=crypto:") == 2
    called = one(THERE, 4, 9, srtp="required")
    answer = called.offered(offer)
    assert answer.count(b"a=crypto:") == 1
    assert b"a=crypto:1 AEAD_AES_256_GCM" in answer
    media = caller.answered(answer)
    assert media.sending is not None
    assert media.sending.suite == "AEAD_AES_256_GCM"
    assert sdp.read(caller.offer()).streams[0].crypto == (media.sending,)


@pytest.mark.parametrize(
    "line",
    [
        "a=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        "a=sendrecv",
    ],
)
def test_answers_with_keys_that_were_not_offered(line: str):
    caller = one(srtp="required")
    caller.offer()
    with pytest.raises(NegotiationError):
        caller.answered(body("m=audio 4 RTP/SAVP 0", line))


def test_keys_stay_through_hold_and_change_when_asked():
    caller, called = pair({"srtp": "required"}, {"srtp": "required"})
    assert caller.result is not None
    assert called.result is not None
    ours, theirs = caller.result.sending, caller.result.receiving
    caller.answered(called.offered(caller.hold()))
    assert (caller.result.sending, caller.result.receiving) == (ours, theirs)
    called.answered(caller.offered(called.offer()))
    assert caller.result.sending is not None
    assert ours is not None
    assert caller.result.sending.key == ours.key
    caller.answered(called.offered(caller.offer(rekey=True)))
    assert caller.result.sending.key != ours.key
    assert called.result.receiving == caller.result.sending
    assert caller.result.receiving == theirs  # theirs is theirs to change


def test_a_refused_rekey_keeps_the_old_keys():
    caller, called = pair({"srtp": "required"}, {"srtp": "required"})
    before = caller.result
    caller.offer(rekey=True)
    caller.refused()
    caller.offered(called.offer())
    assert before is not None
    assert caller.result is not None
    assert before.sending is not None
    assert caller.result.sending is not None
    assert caller.result.sending.key == before.sending.key


def test_the_protected_of_two_streams_is_taken():
    line = "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
    offer = body("m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/SAVP 0", line)
    called = one(srtp="offered")
    assert media_lines(called.offered(offer)) == ["m=audio 0 RTP/AVP 0", "m=audio 30000 RTP/SAVP 0"]
    assert called.result is not None
    assert called.result.sending is not None
    assert called.result.sending.tag == 3
    plain = one()
    assert media_lines(plain.offered(offer))[0] == "m=audio 30000 RTP/AVP 0"
    assert b"crypto" not in plain.text


def test_our_own_text_brings_its_keys_along():
    caller, called = pair({"srtp": "required"}, {"srtp": "required"})
    again = Negotiation.of(called.text, random.Random(1))
    again.offered(caller.offer())
    assert called.result is not None
    assert again.result is not None
    assert again.result.sending == called.result.sending
