"""A trunk that is called too fast is called slower, and after a while as fast as before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.adaptive import Pace
from dialerd.core.limits import CPS_MARGIN_NS, RAISE_GAP_S, RATE_FLOOR, RATE_SHARE_MIN
from dialerd.core.pacing import NS


def test_complaints_halve_the_rate_once_a_second():
    pace = Pace(40.0, 100)
    assert pace.slow(0, 100)
    assert not pace.slow(NS // 2, 100)  # of the same pace
    assert pace.rate == 20
    assert pace.slow(NS, 100)
    assert pace.slow(2 * NS, 100)
    assert pace.slow(3 * NS, 100)
    assert pace.rate == 4  # a tenth is the floor
    assert not pace.slow(4 * NS, 100)
    assert pace.lowered
    assert pace.slowed == 5


def test_it_comes_back_step_by_step_and_only_by_calling():
    pace = Pace(20.0, 100)
    pace.slow(0, 100)
    now_ns, rates = 0, []
    while pace.lowered:
        now_ns = max(now_ns + NS, pace.limit.ready_ns)
        pace.take(now_ns, 100, left=True)
        rates.append(pace.rate)
    assert sorted(set(rates)) == [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]
    assert now_ns >= 10 * RAISE_GAP_S * NS


def test_a_trunk_without_a_limit_learns_one():
    pace = Pace(0.0, 30)
    assert pace.limit.ready_ns < 0
    pace.slow(0, 30)
    assert pace.rate == 15
    assert pace.lowered
    now_ns = 0
    for _ in range(200):
        now_ns = max(now_ns + NS, pace.limit.ready_ns)
        pace.take(now_ns, 30, left=True)
    assert pace.rate == 0
    assert not pace.lowered


def test_a_slow_trunk_keeps_half_a_call_a_second():
    pace = Pace(1.0, 1)
    for second in range(10):
        pace.slow(second * NS, 1)
    assert pace.rate == RATE_FLOOR
    assert Pace(0.2, 1).rate == 0.2
    slow = Pace(0.2, 1)
    assert not slow.slow(0, 1)
    assert slow.rate == 0.2


@pytest.mark.parametrize(("cap", "after"), [(40.0, 10.0), (8.0, 8.0), (0.0, 10.0)])
def test_another_ceiling_keeps_what_was_learned(cap, after):
    pace = Pace(20.0, 100)
    pace.slow(0, 100)
    pace.configure(cap, 100)
    assert pace.rate == after
    pace = Pace(20.0, 100)
    pace.configure(cap, 100)
    assert pace.rate == cap


@given(
    st.floats(1, 50),
    st.lists(st.tuples(st.sampled_from(["call", "call", "call", "slow"]), st.integers(0, 2000))),
)
def test_no_second_holds_more_calls_than_the_rate_it_had(cap, steps):
    pace, now_ns, starts = Pace(cap, 100), 0, []
    for what, ms in steps:
        now_ns += ms * 1_000_000
        if what == "slow":
            pace.slow(now_ns, 100)
        else:
            now_ns = max(now_ns, pace.limit.ready_ns)
            pace.take(now_ns, 100, left=True)
            starts.append(now_ns)
        assert max(min(cap, RATE_FLOOR), cap * RATE_SHARE_MIN) <= pace.rate <= cap
    most = max(1, int(cap))
    for first, later in zip(starts, starts[most:], strict=False):
        assert later - first >= NS + CPS_MARGIN_NS
