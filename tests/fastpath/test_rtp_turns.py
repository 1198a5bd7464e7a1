"""Missed turns: one for each stream, the last one, and never more than there is place for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fastpath.rtp_turns import RtpTurns

PLACES = 64


def test_a_stream_that_is_held_for_periods_is_served_once() -> None:
    """Else packets of one timestamp leave in one tick, and frames of its prompt are lost."""
    turns = RtpTurns()
    for frame in range(4):
        turns.put(19, frame, 20_000_000 * frame)
    assert turns.waiting() == [(19, 3, 60_000_000)]
    turns.drop(19)
    assert turns.waiting() == []


def test_each_keeps_the_frame_that_was_its_own() -> None:
    turns = RtpTurns()
    turns.put(19, 7, 19_000_000)
    turns.put(0, 8, 20_000_000)
    assert turns.waiting() == [(19, 7, 19_000_000), (0, 8, 20_000_000)]


@given(st.lists(st.tuples(st.integers(0, 80), st.booleans())))
def test_no_stream_waits_twice(steps: list[tuple[int, bool]]) -> None:
    turns, wanted = RtpTurns(), dict[int, int]()
    for now, (index, missed) in enumerate(steps):
        if not missed:
            turns.drop(index)
            wanted.pop(index, None)
        else:
            turns.put(index, now, now)
            if index in wanted or len(wanted) < PLACES:
                wanted[index] = now
    assert {index: frame for index, frame, _ in turns.waiting()} == wanted
    assert len(turns.waiting()) == len(wanted)


def test_the_places_are_bounded() -> None:
    turns = RtpTurns()
    for index in range(100):
        turns.put(index, index, 0)
    turns.put(3, 200, 0)
    assert [index for index, _, _ in turns.waiting()] == list(range(PLACES))
    assert turns.waiting()[3] == (3, 200, 0)
