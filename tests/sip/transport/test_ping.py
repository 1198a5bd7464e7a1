"""OPTIONS pings as a machine: who is up, who is down, when the next one is due."""

from __future__ import annotations

import random

import pytest

from sip.limits import SECOND
from sip.transport import ping
from sip.transport.ping import Ping, Pinger, Probe, Turned

A, B = ("192.0.2.1", 5060, 0), ("192.0.2.2", 5060, 0)
PLAIN = Ping("sip:a.example", every_s=30, retry_s=10, down_after=2, up_after=1)


class World:
    """A pinger, a clock, and a peer that answers with `codes`, one after the other."""

    def __init__(self, codes: list[int], seed: int = 1) -> None:
        self.pinger = Pinger(random.Random(seed))
        self.codes = codes
        self.now_ns = SECOND
        self.at: list[float] = []
        self.turns: list[Turned] = []

    def run(self, seconds: int) -> None:
        end_ns = self.now_ns + seconds * SECOND
        while (due_ns := self.pinger.deadline_ns()) is not None and due_ns <= end_ns:
            self.now_ns = max(due_ns, self.now_ns)
            self.pinger.tick(self.now_ns)
            self.take()
            if not self.codes:
                break
        self.now_ns = end_ns

    def take(self) -> None:
        while out := self.pinger.drain():
            for effect in out:
                if isinstance(effect, Turned):
                    self.turns.append(effect)
                elif self.codes:
                    self.at.append(self.now_ns / SECOND)
                    self.pinger.answered(effect.number, self.codes.pop(0), self.now_ns)


@pytest.mark.parametrize("code", [200, 404, 401, 481, 405, 500, 603, 100 + 386])
def test_any_final_answer_is_a_sign_of_life(code: int) -> None:
    world = World([code])
    world.pinger.watch(A, PLAIN, world.now_ns)
    assert world.pinger.up(A) is None
    world.run(40)
    assert world.turns == [Turned(A, True, code)]
    assert world.pinger.up(A) is True


@pytest.mark.parametrize("code", [0, 408, 503])
def test_silence_408_and_503_are_none(code: int) -> None:
    world = World([200, code, code, code, 200])
    world.pinger.watch(A, PLAIN, world.now_ns)
    world.run(200)
    assert world.turns == [Turned(A, True, 200), Turned(A, False, code), Turned(A, True, 200)]


def test_one_lost_ping_is_no_news() -> None:
    world = World([200, 0, 200, 0, 200, 0, 200])
    world.pinger.watch(A, PLAIN, world.now_ns)
    world.run(400)
    assert world.turns == [Turned(A, True, 200)]


def test_thresholds() -> None:
    world = World([200, 200, 200, 0, 0, 0, 0, 200, 200])
    slow = Ping("sip:a", every_s=10, retry_s=10, down_after=4, up_after=2)
    world.pinger.watch(A, slow, world.now_ns)
    world.run(1_000)
    assert [t.up for t in world.turns] == [True, False, True]


def test_intervals_have_jitter_and_shrink_while_it_is_down() -> None:
    world = World([200] * 20 + [0] * 20)
    world.pinger.watch(A, PLAIN, world.now_ns)
    world.run(1_000)
    gaps = [b - a for a, b in zip(world.at, world.at[1:], strict=False)]
    assert all(27 <= gap <= 33 for gap in gaps[:19])
    assert len({round(gap, 3) for gap in gaps[:19]}) > 10
    assert all(9 <= gap <= 11 for gap in gaps[21:])


def test_first_pings_are_spread_over_the_interval() -> None:
    pinger = Pinger(random.Random(3))
    for n in range(200):
        pinger.watch((f"192.0.2.{n}", 5060, 0), PLAIN, 0)
    pinger.tick(15 * SECOND)
    assert 60 < len(pinger.drain()) < 140


def test_a_suspect_is_asked_soon_and_forgotten_when_it_answers() -> None:
    world = World([0, 0, 0, 200, 200])
    world.pinger.suspect(A, PLAIN, world.now_ns)
    world.pinger.suspect(A, PLAIN, world.now_ns)
    world.run(100)
    assert len(world.at) == 4
    assert world.at[0] <= 12.1
    assert world.turns == [Turned(A, False, 0), Turned(A, True, 200)]
    assert len(world.pinger) == 0


def test_a_suspect_that_answers_is_told_as_up_though_it_was() -> None:
    world = World([200, 401])
    world.pinger.watch(A, PLAIN, world.now_ns)
    world.run(31)
    world.pinger.suspect(A, PLAIN, world.now_ns)
    world.run(12)
    assert world.turns == [Turned(A, True, 200), Turned(A, True, 401)]


def test_the_first_ping_may_come_sooner() -> None:
    soon = Ping("sip:a.example", every_s=300, from_uri="sip:us@b.example", first_s=5)
    world = World([200])
    world.pinger.watch(A, soon, 0)
    world.pinger.tick(5 * SECOND)
    assert world.pinger.drain() == [Probe(1, A, "sip:a.example", "sip:us@b.example")]


def test_a_suspect_that_is_watched_anyway_stays_watched() -> None:
    world = World([200, 200, 200])
    world.pinger.watch(A, PLAIN, world.now_ns)
    world.run(31)
    world.pinger.suspect(A, PLAIN, world.now_ns)
    world.run(12)
    assert len(world.at) == 2
    assert len(world.pinger) == 1
    world.run(20)
    assert len(world.at) == 2  # it answered: no hurry any more


def test_one_probe_at_a_time_and_late_answers_are_nobodys() -> None:
    pinger = Pinger(random.Random(1))
    pinger.watch(A, PLAIN, 0)
    pinger.tick(60 * SECOND)
    pinger.tick(120 * SECOND)
    probes = pinger.drain()
    assert len(probes) == 1
    assert isinstance(probes[0], Probe)
    assert pinger.deadline_ns() is None
    pinger.unwatch(A)
    pinger.answered(probes[0].number, 200, 121 * SECOND)
    pinger.answered(99, 200, 121 * SECOND)
    assert pinger.drain() == []
    assert len(pinger) == 0


def test_its_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ping, "PINGED_MAX", 1)
    pinger = Pinger(random.Random(1))
    assert pinger.watch(A, PLAIN, 0)
    assert pinger.watch(A, PLAIN, 0)
    assert not pinger.watch(B, PLAIN, 0)
    pinger.suspect(B, PLAIN, 0)
    assert len(pinger) == 1
