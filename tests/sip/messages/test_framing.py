"""Messages out of a stream, however it is cut."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.limits import STREAM_BODY_MAX, STREAM_HEAD_MAX
from sip.messages.framing import Framer
from tests.sip.net import OFFER, request

PLAIN = request("OPTIONS")
WITH_BODY = request("INVITE", body=OFFER)
COMPACT = PLAIN.replace(b"Content-Length: 0", b"l :\r\n  0 ")
BOTH = [PLAIN, WITH_BODY, COMPACT, WITH_BODY, PLAIN]


def test_a_message_at_once() -> None:
    framer = Framer()
    assert framer.feed(WITH_BODY) == [WITH_BODY]
    assert not framer.partial
    assert framer.fault is None


@pytest.mark.parametrize("message", [PLAIN, WITH_BODY, COMPACT])
def test_split_at_every_byte(message: bytes) -> None:
    for cut in range(1, len(message)):
        framer = Framer()
        assert framer.feed(message[:cut]) == []
        assert framer.partial
        assert framer.feed(message[cut:]) == [message]
        assert (framer.partial, framer.fault) == (False, None)


def test_byte_by_byte() -> None:
    framer = Framer()
    stream = b"".join(BOTH)
    got = [m for n in range(len(stream)) for m in framer.feed(stream[n : n + 1])]
    assert got == BOTH


def test_glued_messages_with_keep_alives_between() -> None:
    framer = Framer()
    assert framer.feed(b"\r\n\r\n".join(BOTH)) == BOTH
    assert framer.pings == len(BOTH) - 1


@given(st.integers(0, 2**32), st.integers(1, 400))
def test_any_cuts_of_any_sequence(seed: int, step: int) -> None:
    rng = random.Random(seed)
    parts = [rng.choice([*BOTH, b"\r\n", b"\r\n\r\n"]) for _ in range(8)]
    stream, framer, got = b"".join(parts), Framer(), []
    at = 0
    while at < len(stream):
        size = rng.randint(1, step)
        got += framer.feed(stream[at : at + size])
        at += size
    assert got == [p for p in parts if p.strip()]
    assert framer.fault is None


def test_a_keep_alive_in_pieces_and_its_answer() -> None:
    framer = Framer()
    for piece in (b"\r", b"\n\r", b"\n"):
        assert framer.feed(piece) == []
    assert (framer.pings, framer.pongs) == (1, 0)
    framer.awaited = 1
    framer.feed(b"\r\n")
    assert (framer.pings, framer.pongs, framer.awaited) == (1, 1, 0)
    framer.feed(b"\r\n")
    assert (framer.pings, framer.pongs) == (1, 1)
    assert framer.feed(PLAIN) == [PLAIN]
    framer.feed(b"\r\n")
    assert framer.pings == 1  # what came before the message does not count


LENGTHS = [
    (b"Content-Length: 0", b"", 400, "Missing Content-Length"),
    (b"Content-Length: 0", b"Content-Length: -1", 400, "Bad Content-Length"),
    (b"Content-Length: 0", b"Content-Length: 0x10", 400, "Bad Content-Length"),
    (b"Content-Length: 0", b"Content-Length:", 400, "Bad Content-Length"),
    (b"Content-Length: 0", b"Content-Length: 1 2", 400, "Bad Content-Length"),
    (b"Content-Length: 0", b"Content-Length: 0\r\nl: 4", 400, "Several Content-Lengths"),
    (b"Content-Length: 0", b"Content-Length: %d" % (STREAM_BODY_MAX + 1), 513, "Body Too Large"),
    (b"Content-Length: 0", b"Content-Length: " + b"9" * 5_000, 513, "Body Too Large"),
    (b"Content-Length: 0", "Content-Length: ٣".encode(), 400, "Bad Content-Length"),
]


@pytest.mark.parametrize(("old", "new", "status", "phrase"), LENGTHS)
def test_hostile_lengths(old: bytes, new: bytes, status: int, phrase: str) -> None:
    framer = Framer()
    bad = PLAIN.replace(old, new) if new else PLAIN.replace(old + b"\r\n", new)
    assert framer.feed(WITH_BODY + bad + WITH_BODY) == [WITH_BODY]
    assert framer.fault is not None
    assert (framer.fault.status, framer.fault.phrase) == (status, phrase)
    assert framer.fault.head == bad
    assert framer.feed(PLAIN) == []  # nobody knows where the next one would begin
    assert not framer.partial


def test_the_same_length_twice_is_one() -> None:
    framer = Framer()
    twice = PLAIN.replace(b"Content-Length: 0", b"Content-Length: 0\r\nl: 0")
    assert framer.feed(twice) == [twice]


def test_a_header_that_only_looks_like_a_length() -> None:
    framer = Framer()
    odd = PLAIN.replace(b"Content-Length", b"X-Content-Length: 77\r\nlabel: 9\r\nContent-Length")
    assert framer.feed(odd) == [odd]


def test_a_head_without_an_end_stops_at_the_limit() -> None:
    framer = Framer()
    head = PLAIN[:-4]
    line = b"\r\nX-Filler: " + b"x" * 1_000
    fed = framer.feed(head)
    for _ in range(STREAM_HEAD_MAX // len(line) + 2):
        fed += framer.feed(line)
    assert fed == []
    assert framer.fault is not None
    assert framer.fault.status == 513
    assert framer.fault.head.startswith(head)
    assert framer.fault.head.endswith(b"\r\n\r\n")
    assert len(framer.fault.head) <= STREAM_HEAD_MAX + 4


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\x00", b"\x00\x00", b" x", b"\xff", b"\n\n"])
def test_what_cannot_begin_a_message_ends_the_stream(junk: bytes) -> None:
    framer = Framer()
    assert framer.feed(PLAIN + junk) == [PLAIN]
    assert framer.fault is not None
    assert framer.fault.head == b""


def test_many_spaces_cost_no_time() -> None:
    """Quadratic matching would take minutes here and run into the test's time limit."""
    framer = Framer()
    spaces = b" " * 30_000
    value = b"Content-Length: 1" + spaces + b"1" + spaces + b"x"
    framer.feed(PLAIN.replace(b"Content-Length: 0", value))
    assert framer.fault is not None
    assert framer.fault.phrase == "Bad Content-Length"
