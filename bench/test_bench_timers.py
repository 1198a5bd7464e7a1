"""Timers: the wheel beside a heap, with few and with many owners.

One round moves the timer of every owner the way a call does: a first deadline that is soon moved
later, then the one that comes. The cost is per timer armed and woken, and should not depend on how
many there are.
"""

from __future__ import annotations

import os
from heapq import heappop, heappush
from typing import ClassVar

import pytest

from fastpath.wheel import NEVER, Timer, Wheel

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
TURNS = 1_000 if SMOKE else 200_000  # timers of a round, by however many owners there are
MS = 1_000_000


class Owner(Timer):
    """Who is woken."""

    __slots__ = ()
    woken: ClassVar[int] = 0

    def tick(self, _now_ns: int) -> None:
        Owner.woken += 1


class HeapOwner:
    """The same for a heap."""

    __slots__ = ("armed_ns", "due_ns")

    def __init__(self) -> None:
        self.due_ns = self.armed_ns = NEVER

    def tick(self, _now_ns: int) -> None:
        Owner.woken += 1


class Heap:
    """(time, serial, owner) in heapq; moving later leaves the entry, which is pushed on."""

    def __init__(self) -> None:
        self.heap: list[tuple[int, int, HeapOwner]] = []
        self.serial = 0

    def arm(self, owner: HeapOwner, due_ns: int) -> None:
        owner.due_ns = due_ns
        if due_ns < owner.armed_ns:
            owner.armed_ns = due_ns
            self.serial += 1
            heappush(self.heap, (due_ns, self.serial, owner))

    def tick(self, now_ns: int) -> None:
        heap = self.heap
        while heap and heap[0][0] <= now_ns:
            at_ns, _, owner = heappop(heap)
            if at_ns != owner.armed_ns:
                continue
            owner.armed_ns = NEVER
            if owner.due_ns <= now_ns:
                owner.due_ns = NEVER
                owner.tick(now_ns)
            elif owner.due_ns != NEVER:
                self.arm(owner, owner.due_ns)


KINDS = {None: (Wheel, Owner), "heapq": (Heap, HeapOwner)}
GROUP = "a timer armed, moved later and woken, among {:,}"


@pytest.mark.parametrize("peer", KINDS)
@pytest.mark.parametrize("owners", [10, 1_000, 100_000])
def test_timers(benchmark, owners, peer):
    if SMOKE:
        owners = min(owners, 100)
    kind, owner = KINDS[peer]
    timers, those = kind(), [owner() for _ in range(owners)]
    span_ns = 500 * MS
    now_ns = 0

    def turns() -> int:
        nonlocal now_ns
        before = Owner.woken
        for _ in range(max(TURNS // owners, 1)):
            step_ns = span_ns // owners
            for one in those:  # each 1/owners of the span after the one before
                now_ns += step_ns
                timers.arm(one, now_ns + span_ns // 2)
                timers.arm(one, now_ns + span_ns * 3 // 4)
                timers.tick(now_ns)
        return Owner.woken - before

    benchmark.group = GROUP.format(owners)
    units = max(TURNS // owners, 1) * owners
    benchmark.extra_info |= {"unit": "timer", "units": units, "peer": peer}
    woken = benchmark(turns)
    assert woken > units // 5  # of a single round, those of its last 3/4 are still asleep
