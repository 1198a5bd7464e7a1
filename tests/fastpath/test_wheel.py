"""The timing wheel against its slow twin, and alone at its edges."""

from __future__ import annotations

import gc
import sys
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath.wheel import NEVER, TICK_NS, Timer, Wheel
from tests.reference.wheel import SlowWheel

MS = 1_000_000
SECOND = 1_000 * MS


class Sleeper(Timer):
    """Tells when it is woken, and arms itself again when it has a period."""

    __slots__ = ("__weakref__", "log", "name", "period_ns", "wheel")

    def __init__(
        self, name: int = 0, wheel: Wheel | None = None, period_ns: int | None = None
    ) -> None:
        self.name, self.wheel, self.period_ns = name, wheel, period_ns
        self.log: list[int] = []

    def tick(self, now_ns: int) -> None:
        assert self.due_ns == NEVER
        self.log.append(now_ns)
        if self.period_ns is not None and self.wheel is not None:
            self.wheel.arm(self, now_ns + self.period_ns)


# Every size of step: inside a slot, across slots, across each level, and all of them at once.
SPAN = st.one_of(
    st.integers(-2 * MS, 3 * MS),
    st.integers(0, 300).map(lambda ms: ms * MS),
    st.integers(0, 100).map(lambda s: s * SECOND),
    st.integers(0, 1 << 56),
)
STEP = st.one_of(
    st.tuples(st.just("arm"), st.integers(0, 7), SPAN),
    st.tuples(st.just("never"), st.integers(0, 7), st.just(0)),
    st.tuples(st.just("tick"), st.just(0), SPAN),
)
PERIODS = st.dictionaries(st.integers(0, 7), st.integers(-5 * MS, 40 * SECOND), max_size=3)


@settings(max_examples=400, deadline=None)
@given(start_ns=st.integers(0, 1 << 60), periods=PERIODS, steps=st.lists(STEP, max_size=60))
def test_wakes_whom_the_twin_wakes(start_ns, periods, steps):
    wheel, twin = Wheel(), SlowWheel(periods)
    owners = [Sleeper(n, wheel, periods.get(n)) for n in range(8)]
    now_ns = start_ns
    for what, name, span in steps:
        if what == "tick":
            now_ns += max(span, 0)
            woken = twin.tick(now_ns)
            wheel.tick(now_ns)
            assert sorted(o.name for o in owners for _ in o.log) == sorted(n for _, n in woken)
            assert all(when == now_ns for o in owners for when in o.log)
            for owner in owners:
                owner.log.clear()
        else:
            due_ns = NEVER if what == "never" else now_ns + span
            wheel.arm(owners[name], due_ns)
            twin.arm(name, due_ns)
            assert owners[name].due_ns == due_ns
        assert len(wheel) == wheel.armed == len(twin.slots)
        early, exact = wheel.deadline_ns(), twin.deadline_ns()
        assert (early is None) == (exact is None)
        assert early is None or exact is None or early <= exact


@settings(max_examples=200, deadline=None)
@given(dues=st.lists(st.integers(0, 1 << 50), min_size=1, max_size=30))
def test_following_the_deadlines_wakes_each_in_time(dues):
    """Never early, less than a slot late, and in a number of ticks that the levels bound."""
    wheel = Wheel()
    owners = [Sleeper(n) for n in range(len(dues))]
    for owner, due_ns in zip(owners, dues, strict=True):
        wheel.arm(owner, due_ns)
    ticks = 0
    while (at_ns := wheel.deadline_ns()) is not None:
        wheel.tick(at_ns)
        ticks += 1
    for owner, due_ns in zip(owners, dues, strict=True):
        assert len(owner.log) == 1
        assert due_ns <= owner.log[0] < max(due_ns, 1) + TICK_NS
    assert ticks <= 8 * len(dues)


def test_one_tick_wakes_in_order_of_time():
    wheel, order = Wheel(), []

    class Named(Timer):
        __slots__ = ("name",)

        def tick(self, now_ns: int) -> None:
            order.append(self.name)

    for ms in (70_000, 5, 300, 64, 4_096, 1, 63, 4_095, 65):
        one = Named()
        one.name = ms
        wheel.arm(one, ms * MS)
    wheel.tick(100 * SECOND)
    assert order == [1, 5, 63, 64, 65, 300, 4_095, 4_096, 70_000]


def test_an_owner_may_arm_disarm_and_move_others_in_its_turn():
    wheel = Wheel()
    first, second, third = Sleeper(1), Sleeper(2), Sleeper(3)

    class Meddler(Timer):
        __slots__ = ()

        def tick(self, now_ns: int) -> None:
            wheel.arm(first, NEVER)
            wheel.arm(second, now_ns + 5 * MS)
            wheel.arm(third, now_ns)

    wheel.arm(Meddler(), 10 * MS)
    wheel.arm(first, 10 * MS)
    wheel.arm(second, 10 * MS)
    wheel.tick(10 * MS)
    assert (first.log, second.log, third.log) == ([], [], [])
    wheel.tick(20 * MS)
    assert (first.log, second.log, third.log) == ([], [20 * MS], [20 * MS])
    assert len(wheel) == 0
    assert wheel.deadline_ns() is None


def test_an_exception_leaves_the_others_their_turn():
    class Broken(Timer):
        __slots__ = ()

        def tick(self, now_ns: int) -> None:
            raise RuntimeError("broken")

    wheel, after = Wheel(), Sleeper()
    wheel.arm(Broken(), 5 * MS)
    wheel.arm(after, 5 * MS)
    with pytest.raises(RuntimeError, match="broken"):
        wheel.tick(9 * MS)
    assert wheel.deadline_ns() == 5 * MS
    wheel.tick(9 * MS)
    assert after.log == [9 * MS]
    assert len(wheel) == 0


def test_a_timer_stands_in_one_wheel_and_says_what_it_does():
    wheel, other, owner = Wheel(), Wheel(), Sleeper()
    wheel.arm(owner, SECOND)
    with pytest.raises(ValueError, match="another wheel"):
        other.arm(owner, SECOND)
    wheel.arm(owner, NEVER)
    other.arm(owner, SECOND)
    assert (len(wheel), len(other)) == (0, 1)
    wheel.arm(Timer(), MS)
    with pytest.raises(NotImplementedError):
        wheel.tick(SECOND)
    for wrong in (None, object()):
        with pytest.raises(TypeError):
            wheel.arm(wrong, SECOND)  # type: ignore[arg-type]


def test_the_far_ends_of_time():
    wheel, owner = Wheel(), Sleeper()
    wheel.arm(owner, NEVER - 1)
    assert wheel.deadline_ns() is not None
    wheel.tick(NEVER - MS)
    assert owner.log == []
    wheel.arm(owner, -5)
    assert wheel.deadline_ns() is not None
    with pytest.raises(OverflowError):
        wheel.arm(owner, 1 << 63)


def test_armed_owners_live_and_are_let_go():
    wheel = Wheel()
    owner = Sleeper()
    seen, base = weakref.ref(owner), sys.getrefcount(owner)
    wheel.arm(owner, SECOND)
    wheel.arm(owner, NEVER)
    assert sys.getrefcount(owner) == base
    wheel.arm(owner, SECOND)
    del owner
    assert seen() is not None
    wheel.tick(SECOND)
    assert seen() is None


def test_a_dropped_wheel_is_collected_with_a_hundred_thousand_owners():
    """The owners hold the wheel and the wheel holds them, in one chain: no recursion either."""
    wheel = Wheel()
    owners = [Sleeper(n, wheel) for n in range(100_000)]
    for owner in owners:
        wheel.arm(owner, 32 * SECOND)
    seen = weakref.ref(owners[50_000])
    del wheel, owner, owners
    gc.collect()
    assert seen() is None


def test_arming_allocates_nothing():
    wheel, owners = Wheel(), [Sleeper(n) for n in range(1_000)]

    def around(second: int) -> None:
        for n, owner in enumerate(owners):
            wheel.arm(owner, (second + n) * SECOND)

    around(1)
    gc.collect()
    before = sys.getallocatedblocks()
    for second in range(1, 20):
        around(second)
    gc.collect()
    # Places are made when they are used for the first time; their number has a bound.
    assert sys.getallocatedblocks() - before <= 512 + 64
