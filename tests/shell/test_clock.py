"""The wall clock against the time that has really passed."""

from __future__ import annotations

import time

from dialerd.shell.clock import Clock

HOUR_NS = 3_600 * 10**9


def test_only_steps_forward_are_ahead(monkeypatch):
    clock = Clock()
    assert clock.ahead_ms() <= 1
    right = time.time_ns
    for offset_ns, ahead_ms in ((HOUR_NS, 3_600_000), (-HOUR_NS, 0), (2 * HOUR_NS, 7_200_000)):
        monkeypatch.setattr(time, "time_ns", lambda offset_ns=offset_ns: right() + offset_ns)
        assert clock.stepped()
        assert abs(clock.ahead_ms() - ahead_ms) < 1_000
    monkeypatch.setattr(time, "time_ns", right)
    assert clock.stepped()
    assert clock.ahead_ms() < 1_000


def test_a_machine_that_slept_was_not_set_forward(monkeypatch):
    clock = Clock()
    right, boot = time.time_ns, time.clock_gettime_ns
    monkeypatch.setattr(time, "time_ns", lambda: right() + HOUR_NS)
    monkeypatch.setattr(time, "clock_gettime_ns", lambda which: boot(which) + HOUR_NS)
    assert clock.stepped()
    assert clock.ahead_ms() < 1_000
