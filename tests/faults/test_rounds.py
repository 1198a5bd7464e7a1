"""A daemon that is killed, paused, or told another time loses nothing and doubles nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialerd.core.ports import ReportRow
from dialerd.core.records import Attempt, Contact, Lead, LeadState
from tests.faults import rounds


def test_who_was_called_again_since_is_judged_by_the_calls_of_before():
    """A retry after a long pause is in the store, and not in the ledgers of before it."""
    tried = [Attempt(n, 1, 1, 84_912_000_000, n - 4, 0, call_id=f"{n:x}.1") for n in (5, 6)]
    lead = Lead(1, 1, 1, 84_912_000_000, LeadState.DONE, 2, 0)
    row = ReportRow(lead, Contact(84_912_000_000, "0"), tuple((one, ()) for one in tried))
    found = rounds.of_attempts(row, {5, None})
    assert [one.attempt_id for one, _ in found.attempts] == [5]
    assert rounds.of_attempts(row, {7}).attempts == ()


@pytest.mark.timeout(400)
def test_killed_at_every_point_and_at_random(tmp_path: Path):
    report = rounds.kills(tmp_path, rounds=1, seed=11)
    assert report.faults == []
    assert report.rounds == len(rounds.POINTS) + 1
    assert report.calls > 100
    assert report.interrupted > 6
    assert report.blocked == rounds.BLOCKED_AT_ONCE


@pytest.mark.timeout(300)
def test_paused_for_five_seconds(tmp_path: Path):
    report = rounds.frozen(tmp_path, (5.0,), seed=12)
    assert report.faults == []
    assert report.calls >= 80


@pytest.mark.timeout(300)
def test_told_another_time(tmp_path: Path):
    report = rounds.stepped(tmp_path, rounds.JUMPS_S, seed=13)
    assert report.faults == []
    assert report.rounds == 5
    assert report.calls > 150
