"""What the tracer keeps, for how long, and how it is found again."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.limits import (
    SECOND,
    TRACE_CALL_BYTES_MAX,
    TRACE_CALL_FIRST,
    TRACE_CALL_MESSAGES_MAX,
    TRACE_KEY_MAX,
    TRACE_STRANGERS_MAX,
)
from sip.tracing.trace import Tracer, call_id_of, masked, users
from sip.transport.local import Local
from tests.sip.net import Us, read
from tests.sip.samples import INVITE, OK, VALID, message

PEER = ("192.0.2.2", 5060, 0)


def tracer(**changes: int) -> Tracer:
    fields = {"bytes_max": 10_000_000, "calls_max": 100, "keep_s": 60, **changes}
    return Tracer([Local("192.0.2.1", 5060)], **fields)


def call(n: object, to: str = "bob", cseq: str = "1 INVITE") -> bytes:
    start = f"INVITE sip:{to}@gw.example.com SIP/2.0"
    return message(start, Call_ID=f"call-{n}", To=f"<sip:{to}@gw.example.com>", CSeq=cseq)


def ids(found) -> list[str]:
    return [one.call_id.decode() for one in found]


def test_sent_and_received_are_kept_in_order() -> None:
    t = tracer()
    t.keep(True, call(1), PEER, 5 * SECOND)
    t.keep(False, message("SIP/2.0 200 OK", Call_ID="call-1"), PEER, 6 * SECOND)
    (found,) = t.find("call-1")
    first, second = found.messages
    assert (first.sent, first.now_ns) == (True, 5 * SECOND)
    assert (second.sent, second.now_ns, second.host, second.port, second.flow) == (
        False, 6 * SECOND, "192.0.2.2", 5060, 0,
    )  # fmt: skip
    assert first.data == call(1)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (message(Call_ID="a@b"), b"a@b"),
        (message(Call_ID=None, raw="call-id:x1\r\n"), b"x1"),
        (message(Call_ID=None, raw="i: x2\r\n"), b"x2"),
        (message(Call_ID=None, raw="CALL-ID \t:\t x3 \r\n"), b"x3"),
        (message(Call_ID=None, raw="Call-ID:\r\n  folded@h\r\n"), b"folded@h"),
        (message(Call_ID=None).replace(b"\r\n", b"\n") + b"Call-ID: body\r\n", b""),
        (message(Call_ID=None, body=b"v=0\r\nCall-ID: body\r\n"), b""),
        (b"OPTIONS sip:b@h SIP/2.0\nCall-ID: lf\n\n", b"lf"),
        (b"\r\n\r\n", b""),
        (b"", b""),
        (b"Call-ID: first line\r\n\r\n", b""),
        (message(Call_ID="x" * 5000), b"x" * TRACE_KEY_MAX),
    ],
)
def test_the_call_id_of_any_message(data: bytes, expected: bytes) -> None:
    assert call_id_of(data) == expected


@pytest.mark.parametrize("name", VALID)
def test_it_is_the_scanners_call_id_for_what_the_scanner_reads(name: str) -> None:
    data = VALID[name].lstrip(b"\r\n")
    assert call_id_of(data) == read(data).call_id


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    t = tracer()
    t.keep(False, data, PEER, 1)
    t.keep(True, b"X\r\nCall-ID: a\r\n" + data, PEER, 2)
    assert len(t) <= 2
    assert isinstance(masked(data), bytes)
    assert isinstance(users(data), tuple)


def test_the_call_that_is_silent_for_longest_leaves_first() -> None:
    t = tracer(calls_max=3)
    for n in range(3):
        t.keep(True, call(n), PEER, n)
    t.keep(False, message("SIP/2.0 180 Ringing", Call_ID="call-0"), PEER, 5)
    t.keep(True, call(3), PEER, 6)
    assert ids(t.find("call-")) == ["call-3", "call-0", "call-2"]
    assert t.statistics()["evicted"] == 1


def test_bytes_are_bounded_whatever_comes() -> None:
    rng = random.Random(3)
    t = tracer(bytes_max=50_000, calls_max=1_000)
    for step in range(2_000):
        data = call(rng.randrange(60)) + b"x" * rng.randrange(3_000)
        t.keep(rng.random() < 0.5, data, PEER, step)
        kept = [*t.find("call-")]
        assert t.bytes <= 50_000
        assert t.bytes == sum(one.bytes for one in kept)
    assert len(t) > 3


def test_what_is_old_is_forgotten() -> None:
    t = tracer(keep_s=10)
    t.keep(True, call(1), PEER, 0)
    t.keep(True, call(2), PEER, 9 * SECOND)
    assert len(t) == 2
    t.keep(True, call(3), PEER, 10 * SECOND)
    assert ids(t.find("call-")) == ["call-3", "call-2"]
    t.forget(100 * SECOND)
    assert (len(t), t.bytes) == (0, 0)


def test_a_long_call_loses_its_middle() -> None:
    t = tracer()
    for n in range(TRACE_CALL_MESSAGES_MAX + 50):
        t.keep(True, call(1, cseq=f"{n} INVITE"), PEER, n)
    (found,) = t.find("call-1")
    assert (len(found.messages), found.dropped) == (TRACE_CALL_MESSAGES_MAX, 50)
    at = [one.now_ns for one in found.messages]
    assert at[:TRACE_CALL_FIRST] == list(range(TRACE_CALL_FIRST))
    assert at[-1] == TRACE_CALL_MESSAGES_MAX + 49
    assert at == sorted(at)


def test_a_call_of_large_messages_is_bounded_in_bytes() -> None:
    t = tracer()
    for n in range(60):
        t.keep(False, call(1) + bytes(60_000), PEER, n)
        (found,) = t.find("call-1")
        assert found.bytes <= TRACE_CALL_BYTES_MAX
        assert found.messages[-1].now_ns == n


def test_a_flood_of_strangers_pushes_out_strangers_only() -> None:
    t = tracer(calls_max=5)
    for n in range(5):
        t.keep(True, call(f"ours-{n}"), PEER, n)
    for n in range(3 * TRACE_STRANGERS_MAX):
        t.keep(False, call(f"flood-{n}"), ("203.0.113.9", 5060, 0), 10 + n)
    assert len(t.find("call-ours")) == 5
    assert len(t.find("call-flood")) == TRACE_STRANGERS_MAX


def test_a_stranger_that_is_answered_becomes_a_call() -> None:
    t = tracer(calls_max=2)
    t.keep(False, call("in"), PEER, 1)
    t.keep(True, message("SIP/2.0 100 Trying", Call_ID="call-in"), PEER, 2)
    for n in range(2 * TRACE_STRANGERS_MAX):
        t.keep(False, call(n), PEER, 10 + n)
    (found,) = t.find("call-in")
    assert [one.sent for one in found.messages] == [False, True]


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("call-1", ["call-1"]),
        ("call-", ["call-4", "call-3", "call-2", "call-1"]),
        ("0912345678", ["call-2", "call-1"]),
        ("+84 912 345 678", ["call-2", "call-1"]),
        ("84912345678", ["call-2", "call-1"]),
        ("912345678", ["call-2", "call-1"]),
        ("345678", ["call-2", "call-1"]),
        ("0912345679", []),
        ("carol", ["call-3"]),
        ("alice", ["call-4", "call-3", "call-2", "call-1"]),
        ("carolx", []),
        ("12345", []),
        ("0000000000000002.", []),
        ("000", []),
        ("678", []),
        ("example", []),
        ("", []),
    ],
)
def test_a_call_is_found_by_call_id_number_and_user(what: str, expected: list[str]) -> None:
    t = tracer()
    for n, to in enumerate(["+84912345678", "0912345678", "carol", "dave"], 1):
        t.keep(True, call(n, to), PEER, n)
    assert ids(t.find(what)) == expected


def test_secrets_do_not_show() -> None:
    data = message(
        raw='Authorization: Digest username="u", response="s3cret",\r\n  opaque="s3cret"\r\n'
        "PROXY-AUTHORIZATION : Digest s3cret\r\nX-After: stays\r\n",
        body=b"v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0+/a=|2^20\r\n",
    )
    shown = masked(data)
    assert b"s3cret" not in shown
    assert b"c2VjcmV0" not in shown
    assert b"|2^20" in shown
    assert shown.count(b": ***\r\n") == 2
    assert b"X-After: stays\r\n" in shown
    assert read(shown).body == shown.partition(b"\r\n\r\n")[2]
    assert len(read(shown).body) == len(read(data).body)


def test_what_has_no_secret_is_left_alone() -> None:
    for data in (INVITE, OK, *VALID.values()):
        assert masked(data) == data


def test_a_call_of_the_stack_is_traced_from_invite_to_the_bye() -> None:
    us, t = Us(), tracer()
    sent = us.invite()
    for one in us.sent:
        t.keep(True, one.data, one.target, us.now_ns)
    (found,) = t.find(sent.call_id.decode())
    assert read(found.messages[0].data).method == "INVITE"
