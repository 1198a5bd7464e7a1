"""Prices, days, periods, quotas: what a line may cost, across midnights and restarts."""

import math
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.limits import CALL_S_MAX, CUT_S, LEFT_S_MIN, RESERVE_S, USAGE_DAYS_MAX
from dialerd.core.line_spec import PlanSpec
from dialerd.core.metering import Ledger, Meter, day_of, longest_s, period_of, price_milli
from dialerd.core.pacing import NS
from dialerd.core.records import Usage

EPOCH = date(1970, 1, 1)
VN = 7 * 3600


def day(year, month, number):
    return (date(year, month, number) - EPOCH).days


TODAY = day(2026, 11, 22)


@pytest.mark.parametrize(
    ("plan", "seconds", "milli"),
    [
        (PlanSpec(60_000), 30, 30_000),  # by the second
        (PlanSpec(60_000, 6, 1), 3, 6_000),  # 6 + 1
        (PlanSpec(60_000, 6, 1), 7, 7_000),
        (PlanSpec(60_000, 6, 6), 7, 12_000),
        (PlanSpec(60_000, 60, 60), 61, 120_000),  # by the minute
        (PlanSpec(780_000, 6, 1, free_s=600), 599, 0),
        (PlanSpec(780_000, 6, 1, free_s=600), 600, 0),
        (PlanSpec(780_000, 6, 1, free_s=600), 601, 78_000),
        (PlanSpec(0, 60, 60), 999, 0),
        (PlanSpec(1, 1, 1), 1, 1),  # rounded up: never for nothing
    ],
)
def test_prices(plan, seconds, milli):
    assert price_milli(plan, seconds) == milli


@given(
    st.integers(1, 10**6),
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(0, 900),
    st.integers(0, 4000),
)
def test_a_price_is_that_of_whole_blocks(minute, first, block, free, seconds):
    plan = PlanSpec(minute, first, block, free)
    paid = max(0, seconds - free)
    blocks = 0 if not paid else first + max(0, math.ceil((paid - first) / block)) * block
    assert price_milli(plan, seconds) == math.ceil(minute * blocks / 60)
    assert price_milli(plan, seconds + 1) >= price_milli(plan, seconds)


def test_how_long_a_call_may_last():
    assert longest_s(PlanSpec()) == CALL_S_MAX
    assert longest_s(PlanSpec(call_s_max=90)) == 90
    assert longest_s(PlanSpec(call_s_max=10**6)) == CALL_S_MAX
    assert longest_s(PlanSpec(free_s=600)) == CALL_S_MAX
    assert longest_s(PlanSpec(free_s=600, cut_before_paid=True)) == 600 - CUT_S
    assert longest_s(PlanSpec(free_s=600, cut_before_paid=True, call_s_max=60)) == 60
    assert longest_s(PlanSpec(free_s=3, cut_before_paid=True)) == 1


def test_days_are_local():
    at = datetime(2026, 11, 22, 16, 59, 59, tzinfo=UTC)
    wall_ns = round(at.timestamp()) * NS
    assert day_of(wall_ns, VN) == TODAY
    assert day_of(wall_ns + NS, VN) == TODAY + 1
    assert day_of(wall_ns + NS, 0) == TODAY


@pytest.mark.parametrize(
    ("plan", "at", "first", "after"),
    [
        (PlanSpec(), day(2026, 11, 22), day(2026, 11, 1), day(2026, 12, 1)),
        (PlanSpec(), day(2026, 12, 31), day(2026, 12, 1), day(2027, 1, 1)),
        (PlanSpec(), day(2028, 2, 29), day(2028, 2, 1), day(2028, 3, 1)),
        (
            PlanSpec(since_day=day(2026, 11, 5), period_days=30),
            day(2026, 11, 5),
            day(2026, 11, 5),
            day(2026, 12, 5),
        ),
        (
            PlanSpec(since_day=day(2026, 11, 5), period_days=30),
            day(2027, 1, 4),
            day(2027, 1, 4),
            day(2027, 2, 3),
        ),
        (
            PlanSpec(since_day=day(2026, 11, 5), period_days=30),
            day(2026, 11, 4),  # before it began
            day(2026, 10, 6),
            day(2026, 11, 5),
        ),
    ],
)
def test_periods(plan, at, first, after):
    assert period_of(plan, at) == (first, after)


@given(st.integers(0, 60_000), st.integers(0, 60_000), st.integers(1, 366))
def test_every_day_is_in_one_period(at, since, length):
    for plan in (PlanSpec(), PlanSpec(since_day=since, period_days=length)):
        first, after = period_of(plan, at)
        assert first <= at < after
        assert period_of(plan, after)[0] == after
        assert period_of(plan, first) == (first, after)


def meter(plan, *used, today=TODAY):
    ledger = Ledger()
    ledger.load(Usage("t", "", at, calls, seconds, milli) for at, calls, seconds, milli in used)
    made = Meter(plan, ledger.days("t"))
    made.roll(today)
    return ledger, made


def talk(ledger, made, seconds, milli=0, at=TODAY):
    made.begin()
    used = Usage("t", "", at, 1, seconds, milli)
    made.end()
    ledger.add(used)
    made.used(used)


def test_minutes_of_a_day_are_used_up_and_come_back_at_midnight():
    ledger, made = meter(PlanSpec(seconds_day=120))
    talk(ledger, made, 120 - LEFT_S_MIN)
    assert not made.blocked
    talk(ledger, made, 1)
    assert made.blocked == "its minutes of the day are used up"
    assert made.left().seconds_day == LEFT_S_MIN - 1  # nobody is called to be cut off at hello
    made.roll(TODAY + 1)
    assert not made.blocked
    assert made.left().seconds_day == 120


def test_calls_in_progress_are_counted_with_what_they_will_use():
    _, made = meter(PlanSpec(seconds_day=3 * RESERVE_S))
    for _ in range(3):
        assert not made.blocked
        made.begin()
    assert made.blocked
    made.end()
    assert not made.blocked
    _, made = meter(PlanSpec(minute_milli=1000, milli_day=2000))
    made.begin()
    made.begin()
    assert made.blocked == "its costs of the day are used up"
    _, made = meter(PlanSpec(calls_day=2))
    made.begin()
    assert not made.blocked
    made.begin()
    assert made.blocked == "its calls of the day are used up"


def test_a_period_is_the_sum_of_its_days_also_after_a_restart():
    plan = PlanSpec(seconds_period=1_000, since_day=TODAY - 10, period_days=30)
    history = ((TODAY - 11, 9, 5_000, 0), (TODAY - 10, 1, 500, 0), (TODAY, 1, 400, 7))
    ledger, made = meter(plan, *history)
    assert (made.period.seconds, made.today.seconds) == (900, 400)
    assert made.left().days == 20
    talk(ledger, made, 100 - LEFT_S_MIN)
    assert not made.blocked
    talk(ledger, made, 1)
    assert made.blocked == "its minutes of the period are used up"
    made.roll(TODAY + 20)
    assert not made.blocked
    assert made.period.seconds == 0


def test_a_balance_that_has_expired():
    _, made = meter(PlanSpec(until_day=TODAY))
    assert not made.blocked
    assert made.left().days == 1
    made.roll(TODAY + 1)
    assert made.blocked == "its balance has expired"
    assert made.left().days == 0


def test_a_call_over_midnight_counts_for_the_day_it_was_dialed():
    ledger, made = meter(PlanSpec(seconds_day=60))
    made.begin()
    made.roll(TODAY + 1)
    made.end()
    used = Usage("t", "", TODAY, 1, 60, 0)
    ledger.add(used)
    made.used(used)
    assert not made.blocked
    assert made.period.seconds == 60
    assert made.today.seconds == 0


def test_ports_add_up_to_their_trunk_and_old_days_are_forgotten():
    ledger = Ledger()
    ledger.load([Usage("t", "1", TODAY, 1, 10, 5), Usage("t", "2", TODAY, 2, 20, 6)])
    ledger.add(Usage("t", "2", TODAY, 1, 1, 1))
    sums = {port: ledger.days("t", port)[TODAY] for port in ("", "1", "2")}
    assert {p: (s.calls, s.seconds, s.milli) for p, s in sums.items()} == {
        "": (4, 31, 12),
        "1": (1, 10, 5),
        "2": (3, 21, 7),
    }
    ledger.forget(TODAY + USAGE_DAYS_MAX)
    assert ledger.days("t")
    ledger.forget(TODAY + USAGE_DAYS_MAX + 1)
    assert not ledger.days("t")


USES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 300), st.integers(0, 500)), max_size=40
)


@given(USES, st.integers(1, 30), st.integers(0, 5_000))
def test_a_meter_of_today_is_the_sum_over_the_books(uses, length, quota):
    """However calls come in, before a restart or after it, the same is left."""
    plan = PlanSpec(seconds_period=quota, since_day=TODAY - 40, period_days=length)
    told = [Usage("t", "", TODAY - 40 + at, 1, seconds, milli) for at, seconds, milli in uses]
    late = Ledger()
    late.load(told)
    restarted = Meter(plan, late.days("t"))
    restarted.roll(TODAY)
    ledger, live = meter(plan)
    for used in told:
        ledger.add(used)
        live.used(used)
    assert live.left() == restarted.left()
    assert live.blocked == restarted.blocked
    first, after = period_of(plan, TODAY)
    assert live.period.seconds == sum(u.seconds for u in told if first <= u.day < after)
