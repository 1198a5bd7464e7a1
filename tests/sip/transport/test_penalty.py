"""Addresses that failed are tried last, for a while."""

from __future__ import annotations

import pytest

from sip.limits import PENALTY_GROWTH_MAX, PENALTY_TIME_MAX, SECOND
from sip.transport import penalty
from sip.transport.penalty import PenaltyBox

A, B, C = (("192.0.2.1", 5060, 0), ("192.0.2.2", 5060, 0), ("192.0.2.3", 5060, 1))


def test_the_failed_one_goes_last_until_its_time_is_over() -> None:
    box = PenaltyBox(30)
    assert box.order([A, B, C], 0) == (A, B, C)
    box.failed(A, 0)
    assert box.order([A, B, C], 1) == (B, C, A)
    assert box.boxed(A, 30 * SECOND - 1)
    assert box.order([A, B, C], 30 * SECOND) == (A, B, C)


def test_where_all_failed_the_one_that_is_free_soonest_comes_first() -> None:
    box = PenaltyBox(30)
    for n, address in enumerate((B, C, A)):
        box.failed(address, n * SECOND)
    assert box.order([A, B, C], 5 * SECOND) == (B, C, A)


def test_each_failure_after_the_first_doubles_up_to_a_bound() -> None:
    box = PenaltyBox(30)
    now_ns, times = 0, []
    for _ in range(PENALTY_GROWTH_MAX + 3):
        box.failed(A, now_ns)
        began_ns = now_ns
        while box.boxed(A, now_ns):
            now_ns += SECOND
        times.append((now_ns - began_ns) // SECOND)
    assert times == [30, 60, 120, 240, 480, 960, 960, 960]


def test_requests_that_fail_together_count_once() -> None:
    box = PenaltyBox(30)
    for n in range(100):
        box.failed(A, n)
    assert not box.boxed(A, 30 * SECOND)
    box.failed(A, 31 * SECOND)
    assert box.boxed(A, 90 * SECOND)
    assert not box.boxed(A, 91 * SECOND)


def test_success_forgets() -> None:
    box = PenaltyBox(30)
    box.failed(A, 0)
    box.worked(A)
    box.worked(A)
    assert len(box) == 0
    box.failed(A, SECOND)
    assert not box.boxed(A, 31 * SECOND)


def test_retry_after_is_obeyed_within_reason() -> None:
    box = PenaltyBox(30)
    box.failed(A, 0, retry_after_s=5)
    assert not box.boxed(A, 5 * SECOND)
    box.failed(B, 0, retry_after_s=600)
    assert box.boxed(B, 599 * SECOND)
    box.failed(C, 0, retry_after_s=10**9)
    assert not box.boxed(C, PENALTY_TIME_MAX)
    box.failed(A, 6 * SECOND)
    box.failed(A, 7 * SECOND, retry_after_s=300)  # while it is in already
    assert box.boxed(A, 306 * SECOND)


def test_no_penalty_is_a_choice() -> None:
    box = PenaltyBox(0)
    box.failed(A, 0)
    assert not box.boxed(A, 0)


def test_the_box_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(penalty, "PENALTIES_MAX", 2)
    box = PenaltyBox(30)
    for n, address in enumerate((A, B, C)):
        box.failed(address, n)
    assert len(box) == 2
    assert [box.boxed(a, 10) for a in (A, B, C)] == [False, True, True]
