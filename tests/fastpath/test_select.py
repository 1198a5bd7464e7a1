"""The choice among lines: the same as that of its slow twin, whatever is told and asked when."""

from __future__ import annotations

import gc
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath.select import NEVER, Choice
from tests.reference import select as reference

TIMES = st.one_of(st.integers(-3, 30), st.sampled_from([NEVER, 1 << 62, -(1 << 62)]))
FEW = st.integers(0, 2)
SETS = st.tuples(st.just("set"), st.integers(0, 8), TIMES, TIMES, FEW, FEW, st.integers(0, 4))
ASKS = st.tuples(st.sampled_from(["best", "order"]), st.integers(-2, 30))
BUTS = st.tuples(st.just("best_but"), st.integers(-2, 30), st.sets(st.integers(0, 8)))


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 9), st.lists(st.one_of(SETS, ASKS, BUTS), max_size=60), st.booleans())
def test_agrees_with_its_twin(seats, steps, back):
    """Also when the clock goes back."""
    fast, slow = Choice(seats), reference.Choice(seats)
    now_ns = -(1 << 61)
    for what, *of_step in steps:
        if what == "set":
            at, *of_seat = of_step
            if at < seats:
                fast.set(at, *of_seat)
                slow.set(at, *of_seat)
            continue
        now_ns = of_step[0] if back else max(now_ns, of_step[0])
        if what == "best":
            assert fast.best(now_ns) == slow.best(now_ns)
            if slow.best(now_ns) < 0:
                assert fast.ready_ns() == slow.ready_ns()
            else:
                assert fast.ready_ns() <= now_ns
        elif what == "order":
            assert fast.order(now_ns, seats) == slow.order(now_ns, seats)
        else:
            assert fast.best_but(now_ns, of_step[1]) == slow.best_but(now_ns, of_step[1])


@pytest.mark.parametrize("seats", [1, 2, 3, 64, 1000])
def test_equals_take_turns(seats):
    """Whoever is used goes behind all others: nobody starves, nobody is used twice in a round."""
    choice = Choice(seats)
    for at in range(seats):
        choice.set(at, 0)
    for turn in range(3):
        used = []
        for step in range(seats):
            at = choice.best(turn * seats + step)
            choice.set(at, 0, used_ns=turn * seats + step)
            used.append(at)
        assert used == list(range(seats))


def test_what_counts_in_which_order():
    choice = Choice(6)
    choice.set(0, 10, cost=0)  # not open yet
    choice.set(1, 0, sound_ns=100, cost=0)  # open, faulty until 100
    choice.set(2, 0, cost=5, load=1)
    choice.set(3, 0, cost=4, load=9)
    choice.set(4, 0, cost=4, load=8, used_ns=7)
    choice.set(5, 0, cost=4, load=8, used_ns=6)
    assert choice.order(9, 9) == [5, 4, 3, 2, 1]
    assert choice.order(10, 9) == [0, 5, 4, 3, 2, 1]
    assert choice.order(100, 2) == [0, 1]
    assert choice.best_but(100, [0, 1]) == 5


def test_no_seats_and_no_such_seat():
    choice = Choice(0)
    assert (choice.best(5), choice.best_but(5, [1, -7]), len(choice)) == (-1, -1, 0)
    assert choice.ready_ns() == NEVER
    for at in (-1, 0, 7):
        with pytest.raises(IndexError):
            choice.set(at, 0)
    for seats in (-1, 1_000_001):
        with pytest.raises(ValueError, match="seats"):
            Choice(seats)


def test_a_seat_is_closed_until_it_is_set():
    choice = Choice(3)
    assert choice.best(NEVER) == -1
    choice.set(1, NEVER)
    assert choice.best(NEVER) == -1
    choice.set(1, 5)
    assert (choice.best(4), choice.ready_ns(), choice.best(5)) == (-1, 5, 1)


def test_a_large_bank_by_turns():
    """10,000 lines that rest 5 s after each call of 3 s, one call each 2 ms."""
    lines, ms = 10_000, 1_000_000
    fast = Choice(lines)
    for at in range(lines):
        fast.set(at, 0, load=at % 3)
    open_since: dict[int, int] = {}
    for turn in range(20_000):
        now_ns = turn * 2 * ms
        at = fast.best(now_ns)
        assert at >= 0
        assert now_ns >= open_since.get(at, 0)  # never one that rests
        open_since[at] = now_ns + 8_000 * ms
        fast.set(at, open_since[at], load=at % 3, used_ns=now_ns)
    # A line is open again after 4,000 calls: in each such round all 3,334 of load 0, then 666 of
    # load 1, those not used yet first.
    assert len(open_since) == 3_334 + 5 * 666


def test_nothing_is_allocated():
    choice = Choice(10_000)
    for at in range(10_000):
        choice.set(at, at)

    def work(since_ns):
        for now_ns in range(since_ns, since_ns + 10_000):
            at = choice.best(now_ns)
            choice.set(at, now_ns + 3, now_ns + 9, at % 7, at % 5, now_ns)

    work(5_000)
    gc.collect()
    before = sys.getallocatedblocks()
    work(15_000)
    assert sys.getallocatedblocks() - before <= 4
