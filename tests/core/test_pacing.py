"""Calls per second: the limit in any window to the nanosecond, even spacing, no bursts."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.clock import NEVER
from dialerd.core.limits import CATCH_UP_NS
from dialerd.core.pacing import NS, RateLimit

MS = 1_000_000


def busiest(times, window_ns=NS):
    """The most starts in any half-open window."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= window_ns:
            first += 1
        most = max(most, last - first + 1)
    return most


def dial_all(limit, polls):
    """Start a call at every poll that allows one (several, if it does)."""
    times = []
    for now_ns in polls:
        while limit.ready_ns <= now_ns and len(times) < 10_000:
            limit.take(now_ns)
            times.append(now_ns)
    return times


polls = st.lists(st.integers(0, 1_500 * MS), min_size=1, max_size=300).map(
    lambda gaps: [sum(gaps[: i + 1]) for i in range(len(gaps))]
)


@given(st.one_of(st.integers(1, 60), st.floats(0.05, 60)), polls)
def test_never_more_than_the_rate_in_any_second(rate, polls):
    times = dial_all(RateLimit(rate), polls)
    if rate >= 1:
        assert busiest(times) <= int(rate)
    else:
        assert busiest(times, round(NS / rate)) <= 1


@given(st.integers(1, 60), st.integers(0, 100), polls)
def test_a_margin_widens_the_window(rate, margin_ms, polls):
    times = dial_all(RateLimit(rate, margin_ms * MS), polls)
    assert busiest(times, NS + margin_ms * MS) <= rate


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 4)), min_size=2, max_size=8))
def test_a_change_of_rate_opens_no_burst(changes):
    """In a window where the rate changed, no more than the highest rate of that window."""
    limit = RateLimit(changes[0][0])
    now_ns, times, rates = 0, [], []
    for rate, tenths in changes:
        limit = limit.resized(rate)
        for _ in range(tenths * 10):
            while limit.ready_ns <= now_ns:
                limit.take(now_ns)
                times.append(now_ns)
            rates.append((now_ns, rate))
            now_ns += 10 * MS
    for i, at in enumerate(times):
        highest = max(rate for when, rate in rates if at <= when < at + NS)
        assert sum(1 for other in times[i:] if other < at + NS) <= highest


def test_even_spacing_from_the_first_call():
    times = dial_all(RateLimit(50), range(0, 2 * NS, MS))
    gaps = {later - earlier for earlier, later in itertools.pairwise(times)}
    assert gaps == {20 * MS}
    assert len(times) == 100


@pytest.mark.parametrize("rate", [7, 100, 400])
def test_late_polls_cost_almost_nothing(rate):
    """A loop that looks up to 3 ms late keeps 98 % of the rate, without ever exceeding it."""
    rng = random.Random(rate)
    limit = RateLimit(rate)
    now_ns, times = 0, []
    while now_ns < 60 * NS:
        if limit.ready_ns <= now_ns:
            limit.take(now_ns)
            times.append(now_ns)
        else:
            now_ns = limit.ready_ns + rng.randrange(3 * MS)
    assert busiest(times) <= rate
    assert len(times) >= 0.98 * 60 * rate


def test_a_stall_is_made_up_for_only_a_little():
    limit = RateLimit(100)
    dial_all(limit, range(0, NS, MS))
    after = dial_all(limit, [4 * NS])
    assert len(after) == CATCH_UP_NS * 100 // NS + 1


@given(
    st.integers(1, 30),
    st.lists(
        st.tuples(st.integers(0, 400 * MS), st.integers(0, 900 * MS), st.booleans()), max_size=120
    ),
)
def test_open_starts_hold_the_limit_for_the_moments_calls_leave(rate, steps):
    """Calls leave any time after they were decided, in any order, some never."""
    limit = RateLimit(rate)
    now_ns, waiting, left = 0, [], []

    def leave(until_ns):
        for when, slot in sorted(item for item in waiting if item[0] <= until_ns):
            waiting.remove((when, slot))
            limit.left(slot, when)
            left.append(when)

    for gap_ns, delay_ns, leaves in steps:
        now_ns += gap_ns
        leave(now_ns)
        for _ in range(50):
            if limit.ready_ns > now_ns:
                break
            slot = limit.take(now_ns, left=False)
            if leaves:
                waiting.append((now_ns + delay_ns, slot))
            else:
                limit.left(slot, now_ns)
        assert len(waiting) <= rate
    leave(now_ns + 10 * NS)
    assert busiest(sorted(left)) <= rate


def test_a_change_of_rate_closes_what_is_open():
    limit = RateLimit(3)
    slots = [limit.take(limit.ready_ns if i else 0, left=False) for i in range(3)]
    assert limit.ready_ns >= NEVER
    changed = limit.resized(5)
    ready_ns = changed.ready_ns
    assert ready_ns <= 2 * NS  # it cannot know when they leave, and waits for the second after
    limit.left(slots[0], NS)  # told to the old limit: the new one is not touched
    assert changed.ready_ns == ready_ns


def test_zero_binds_nothing():
    limit = RateLimit(0)
    for _ in range(10_000):
        assert limit.ready_ns <= 0
        limit.take(0)


def test_a_rate_below_one_waits_its_whole_gap():
    limit = RateLimit(0.25)
    assert dial_all(limit, range(0, 13 * NS, 100 * MS)) == [0, 4 * NS, 8 * NS, 12 * NS]


def test_a_lower_rate_remembers_the_last_second():
    limit = RateLimit(10)
    dial_all(limit, [i * 100 * MS for i in range(10)])
    slower = limit.resized(2)
    assert slower.ready_ns >= NS + 800 * MS
    assert RateLimit(10).resized(0).ready_ns <= 0
