"""Running counts of a ledger, whatever pieces it comes in."""

from __future__ import annotations

import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dialerd.sim import limits
from dialerd.sim.ledger import Ended, Seen
from dialerd.sim.tally import Tally

ENTRIES = [
    Seen(1, "v", "1-a", "84912345678"),
    Seen(2, "v", "2-a", "84912345679"),
    Seen(3, "v", "3-a", "84912345670"),
    Ended(4, "v", "1-a", "84912345678", "answered", "caller", 200, digits="19", rtp_received=70),
    Ended(5, "v", "2-a", "84912345679", "rejected", "called", 486),
]
TEXT = b"".join(msgspec.json.encode(e) + b"\n" for e in ENTRIES)


def told(tally: Tally) -> tuple[object, ...]:
    return (
        tally.seen,
        tally.up,
        tally.answered,
        dict(tally.refused),
        tally.cancelled,
        dict(tally.keys),
        tally.rtp_received,
        tally.damaged,
    )


@given(cuts=st.lists(st.integers(0, len(TEXT)), max_size=12))
def test_the_pieces_do_not_matter(cuts):
    tally = Tally()
    places = [0, *sorted(cuts), len(TEXT)]
    for low, high in itertools.pairwise(places):
        tally.feed(TEXT[low:high])
    assert told(tally) == (3, 1, 1, {486: 1}, 0, {"1": 1, "9": 1}, 70, 0)


def test_a_cancelled_call():
    tally = Tally()
    tally.feed(TEXT)
    tally.feed(msgspec.json.encode(Ended(9, "v", "3-a", "x", "cancelled", "caller", 487)) + b"\n")
    assert (tally.up, tally.cancelled) == (0, 1)


@given(st.lists(st.binary(max_size=300)))
def test_nothing_in_the_file_can_raise_or_grow(pieces):
    tally = Tally()
    for piece in pieces:
        tally.feed(piece)
    assert tally.seen >= 0


def test_a_line_without_an_end_is_dropped():
    tally = Tally()
    for _ in range(100):
        tally.feed(b"x" * limits.LINE_BYTES_MAX)
    assert tally.damaged >= 50
    tally.feed(b"\n" + TEXT)
    assert tally.seen == 3
