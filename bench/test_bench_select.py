"""Which line carries the next call: 64 ports of a gateway, 10,000 lines.

`choose` asks only; `choose and take` also tells what the call changes, as the dialer does: the line
is busy, then rests, and the one longest idle is next. The peer looks at every line, vectorised.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from fastpath.select import Choice

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
TURNS = 100 if SMOKE else 20_000
SIZES = [64, 10_000]
REST_NS = 20  # a turn is 1 ns


class Scan:
    """The same choice by looking at all lines with numpy: open, then load, then longest idle."""

    def __init__(self, seats: int) -> None:
        self.ready_ns = np.zeros(seats, np.int64)
        self.rank = np.zeros(seats, np.int64)

    def set(self, at: int, ready_ns: int, _sound_ns: int, _cost: int, load: int, used_ns: int):
        self.ready_ns[at] = ready_ns
        self.rank[at] = (load << 40) + used_ns

    def best(self, now_ns: int) -> int:
        closed = self.ready_ns > now_ns
        return int(np.argmin(self.rank + (closed.astype(np.int64) << 60)))


KINDS = {None: Choice, "numpy scan": Scan}


def prepared(kind, seats: int):
    choice = kind(seats)
    for at in range(seats):
        choice.set(at, 0, 0, 0, at % 4, 0)
    return choice


@pytest.mark.parametrize("peer", KINDS)
@pytest.mark.parametrize("seats", SIZES)
def test_choose(benchmark, seats, peer):
    choice = prepared(KINDS[peer], seats)

    def turns() -> int:
        best, found = choice.best, 0
        for _ in range(TURNS):
            found = best(5)
        return found

    benchmark.group = f"choose a line of {seats:,}"
    benchmark.extra_info |= {"unit": "choice", "units": TURNS, "peer": peer}
    assert benchmark(turns) == 0


@pytest.mark.parametrize("peer", KINDS)
@pytest.mark.parametrize("seats", SIZES)
def test_choose_and_take(benchmark, seats, peer):
    choice = prepared(KINDS[peer], seats)
    now_ns = 0

    def turns() -> int:
        nonlocal now_ns
        best, tell, load = choice.best, choice.set, 0
        for now_ns in range(now_ns, now_ns + TURNS):  # noqa: B020
            at = best(now_ns)
            load += at % 4
            tell(at, now_ns + REST_NS, 0, 0, at % 4, now_ns)
        return load

    benchmark.group = f"choose a line of {seats:,} and take it"
    benchmark.extra_info |= {"unit": "choice", "units": TURNS, "peer": peer}
    benchmark(turns)
    assert choice.best(now_ns + REST_NS) >= 0
