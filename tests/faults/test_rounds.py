"""A daemon that is killed, paused, or told another time loses nothing and doubles nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import rounds


@pytest.mark.timeout(300)
def test_killed_at_every_point(tmp_path: Path):
    report = rounds.kills(tmp_path, rounds=0, seed=11)
    assert report.faults == []
    assert report.rounds == len(rounds.POINTS)
    assert report.calls > 50
    assert report.interrupted > 3


@pytest.mark.timeout(300)
def test_killed_at_random(tmp_path: Path):
    report = rounds.kills(tmp_path, rounds=3, points=0, seed=14)
    assert report.faults == []
    assert report.rounds == 3
    assert report.calls > 50
    assert report.interrupted > 3
    assert report.blocked == 3 * rounds.BLOCKED_AT_ONCE


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
