"""The pacer's numbers beside the same numbers from first principles."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath.pacer_budget import Budget
from fastpath.pacer_crowd import chance_over
from fastpath.pacer_delays import Delays
from fastpath.pacer_holds import Holds, Releases
from fastpath.pacer_rate import Rate, still_open
from tests.reference import pacer as reference

SECONDS = st.floats(0, 200)
SHARES = st.floats(0, 1)
CLOSE = {"rel_tol": 1e-9, "abs_tol": 1e-9}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 5), max_size=170),
    st.floats(0.5, 50),
    st.floats(0.9, 1),
    st.lists(SECONDS, max_size=30),
    st.lists(SECONDS, min_size=1, max_size=10),
)
def test_delays(prior, weight, fade, delays, ages):
    fast, slow = Delays(prior, weight, fade), reference.Delays(prior, weight, fade)
    for delay_s in delays:
        fast.learn(delay_s)
        slow.learn(delay_s)
    for age_s in ages:
        assert math.isclose(fast.upto(age_s), slow.upto(age_s), **CLOSE)


@pytest.mark.parametrize("delay_s", [-1.0, math.nan, -math.inf, math.inf, 1e300])
def test_no_delay_spoils_them(delay_s):
    delays = Delays([1.0], 2)
    delays.learn(delay_s)
    assert 0 <= delays.upto(40) <= 1
    assert 0 <= delays.mean <= 80
    holds = Holds(100, 1, 4)
    holds.learn(delay_s)
    assert 0 < holds.longer_than(40) < 1


@settings(max_examples=60, deadline=None)
@given(
    st.floats(5, 300),
    st.floats(0.3, 2),
    st.lists(st.floats(0, 6000), max_size=40),
    st.lists(st.floats(0, 5000), min_size=1, max_size=10),
)
def test_holds(mean_s, cv, held, ages):
    fast, slow = Holds(mean_s, cv, 4, 0.99), reference.Holds(mean_s, cv, 4, 0.99)
    for held_s in held:
        fast.learn(held_s)
        slow.learn(held_s)
    for age_s in ages:
        left = slow.left(age_s)
        assert math.isclose(fast.longer_than(age_s), left, rel_tol=1e-6, abs_tol=1e-12)
    assert fast.count == len(held)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0, 400), max_size=30),
    st.lists(st.floats(0, 60), max_size=30),
    st.floats(0, 500),
    st.integers(1, 84),
)
def test_releases(talks, wraps, age_s, bins):
    fast = Releases(Holds(100, 1.2, 4), Holds(20, 1, 4))
    talk, wrap = reference.Holds(100, 1.2, 4, 0.999), reference.Holds(20, 1, 4, 0.999)
    for held_s in talks:
        fast.talk.learn(held_s)
        talk.learn(held_s)
    for held_s in wraps:
        fast.wrap.learn(held_s)
        wrap.learn(held_s)
    fast.renew()
    expected = reference.free_after_talk(talk, wrap, age_s, bins)
    assert math.isclose(fast.free_after_talk(age_s, bins), expected, rel_tol=1e-6, abs_tol=1e-9)
    expected = reference.free_after_wrap_up(wrap, age_s, bins)
    assert math.isclose(fast.free_after_wrap_up(age_s, bins), expected, rel_tol=1e-6, abs_tol=1e-9)


def test_hazards_are_those_of_the_law():
    """Many lognormal talks: the share that lasts longer is the law's, not an exponential's."""
    holds = Holds(30, 0.5, 1, 1.0)
    square = math.log(1 + 1.2**2)
    for i in range(4000):
        z = 1.4142135623730951 * _inverse_erf(2 * (i + 0.5) / 4000 - 1)
        holds.learn(math.exp(math.log(90) - square / 2 + math.sqrt(square) * z))
    for age_s in (10, 45, 90, 200, 500):
        law = reference.lognormal_left(age_s, 90, 1.2)
        assert abs(holds.longer_than(age_s) - law) < 0.01


def _inverse_erf(share: float) -> float:
    low, high = -5.0, 5.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < share else (low, middle)
    return low


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SHARES, st.booleans(), st.floats(-1, 100)), max_size=60))
def test_the_rate(steps):
    fast, slow = Rate(0.35, 0.5, 4e-5), reference.Rate(0.35, 0.5, 4e-5)
    for expected, yes, seconds in steps:
        fast.wait(seconds)
        slow.wait(seconds)
        fast.learn(expected, yes)
        slow.learn(expected, yes)
        assert math.isclose(fast.odds, slow.odds, **CLOSE)
        assert math.isclose(fast.variance, slow.variance, **CLOSE)


@pytest.mark.parametrize("rate", [0.05, 0.28, 0.7])
def test_the_rate_finds_what_is_there(rate):
    found = Rate(0.35, 0.5, 1e-9)
    for i in range(4000):
        found.learn(found.rate, (i * 0.6180339887498949) % 1 < rate)
    assert abs(found.rate - rate) < 0.03


def test_who_has_not_answered_yet():
    """Bayes: at 0 s the chance given, and less and less while those who answer have done so."""
    answer, other = Delays([0, 0, 1, 1, 1, 1], 10, 1), Delays([1] * 60, 10, 1)
    before = still_open(0.3, 0, answer, other)
    assert math.isclose(before, 0.3, abs_tol=1e-6)
    for age_s in (1.5, 2.0, 2.5):
        left, others = 1 - answer.upto(age_s), 1 - other.upto(age_s)
        after = still_open(0.3, age_s, answer, other)
        assert math.isclose(after, 0.3 * left / (0.3 * left + 0.7 * others), abs_tol=1e-6)
        assert after < before
        before = after


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(0.1, 0.6), min_size=6, max_size=40),
    st.lists(st.floats(0.1, 0.9), min_size=4, max_size=40),
    st.integers(-2, 4),
)
def test_the_chance_of_too_many_is_that_of_the_exact_sum(answers, frees, free):
    """The normal tail with its skewness, beside the convolution: within 4 points for a handful."""
    exact = reference.chance_over(free, answers, frees)
    assert abs(chance_over(free, *reference.moments(answers, frees)) - exact) < 0.04


def test_the_skewness_is_worth_its_term():
    """A small team: few calls of small chance, no releases. Without it the tail is half as good."""
    worse = better = 0.0
    for calls in range(4, 16):
        for free in range(1, 5):
            answers = [0.12] * calls
            mean, variance, third = reference.moments(answers, [])
            exact = reference.chance_over(free, answers, [])
            worse += abs(chance_over(free, mean, variance, 0) - exact)
            better += abs(chance_over(free, mean, variance, third) - exact)
    assert better < worse / 2


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 0.2), st.integers(0, 600), st.lists(st.sampled_from("ppppppppl"), max_size=400))
def test_the_budget(target, staffed, steps):
    fast, slow = Budget(target), reference.Budget(target)
    for step in steps:
        if step == "p":
            fast.person(staffed)
            slow.person(staffed)
        else:
            fast.lose()
            slow.lost += 1
        assert math.isclose(fast.risk(staffed), slow.risk(staffed), **CLOSE)
    assert (fast.people, fast.abandoned) == (slow.people, slow.lost)
