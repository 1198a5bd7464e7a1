"""The circuit breaker: its table, and what a line that comes and goes makes of it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.breaker import CLOSED, MOVES, OPEN, PROBING, Breaker
from dialerd.core.clock import NEVER
from dialerd.core.limits import FAULTS_IN_A_ROW, REST_S_MAX, RETRY_AFTER_S_MAX
from dialerd.core.pacing import NS


def opened(now_ns=0, **how):
    breaker = Breaker()
    for _ in range(FAULTS_IN_A_ROW):
        breaker.fault("503", now_ns, **how)
    assert breaker.state is OPEN
    return breaker


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not():
    breaker = Breaker()
    for _ in range(FAULTS_IN_A_ROW - 1):
        assert not breaker.fault("503", 0)
    breaker.success(0)
    for i in range(FAULTS_IN_A_ROW):
        assert breaker.fault("503", 5) == (i == FAULTS_IN_A_ROW - 1)
    assert (breaker.state, breaker.reason, breaker.since_ns, breaker.opened) == (OPEN, "503", 5, 1)


def test_one_call_is_let_through_after_the_rest():
    breaker = opened()
    assert breaker.ready_ns() == NS
    assert breaker.state_at(NS - 1) is OPEN
    assert breaker.state_at(NS) is PROBING
    assert breaker.begun(NS)
    assert breaker.ready_ns() == NEVER  # the second waits for the first
    breaker.neutral()  # it was cancelled: that says nothing
    assert breaker.ready_ns() == NS
    assert not breaker.begun(NS)
    assert breaker.success(2 * NS)
    assert (breaker.state, breaker.reason, breaker.faults) == (CLOSED, "", 0)


def test_each_failed_probe_doubles_the_rest():
    breaker, now_ns, rests = opened(), 0, []
    for _ in range(9):
        rests.append((breaker.until_ns - now_ns) // NS)
        now_ns = breaker.until_ns
        breaker.begun(now_ns)
        breaker.fault("503", now_ns)
        assert breaker.state is OPEN
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_rest_that_was_asked_for():
    breaker = Breaker()
    assert breaker.rest("503, asked to wait", 20, 0)
    assert breaker.until_ns == 20 * NS
    assert not breaker.rest("503", 5, NS)  # a shorter one changes nothing
    assert breaker.until_ns == 20 * NS
    breaker.rest("503", 10**9, NS)
    assert breaker.until_ns == (RETRY_AFTER_S_MAX + 1) * NS
    breaker = Breaker()
    breaker.rest("503", 3, 0)
    breaker.begun(3 * NS)
    breaker.success(3 * NS)
    assert breaker.state is CLOSED
    assert breaker.rests == 0


def test_silence_ends_when_the_peer_is_heard_refusals_do_not():
    breaker = opened(silent=True)
    assert breaker.heard_again(7)
    assert (breaker.state, breaker.until_ns) == (PROBING, 7)
    assert not opened().heard_again(7)
    assert not Breaker().heard_again(7)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begun", "fault", "silent", "rest", "success", "neutral", "heard"]),
        st.integers(0, 90),
    ),
    max_size=60,
)


@given(STEPS)
def test_whatever_happens(steps):
    """Moves are those of the table; a rest never ends in the dark; success closes or shortens."""
    breaker, now_ns = Breaker(), 0
    for what, seconds in steps:
        now_ns += seconds * NS
        before, until_ns = breaker.state, breaker.until_ns
        match what:
            case "begun":
                if breaker.ready_ns() > now_ns:
                    continue
                breaker.begun(now_ns)
                assert breaker.trying == (breaker.state is PROBING)
            case "fault" | "silent":
                breaker.fault("503", now_ns, silent=what == "silent")
            case "rest":
                breaker.rest("503", seconds, now_ns)
                assert breaker.until_ns >= min(until_ns, now_ns)
            case "success":
                breaker.success(now_ns)
                assert breaker.state is not PROBING
            case "neutral":
                breaker.neutral()
            case "heard":
                breaker.heard_again(now_ns)
        legal = {a for (state, _), afters in MOVES.items() if state is before for a in afters}
        legal |= {CLOSED, OPEN} if before is OPEN and now_ns >= until_ns else set()
        assert breaker.state in legal | {before}
        most_s = max(REST_S_MAX, RETRY_AFTER_S_MAX)
        assert breaker.until_ns <= now_ns + most_s * NS
        if breaker.state is CLOSED:
            assert breaker.until_ns <= now_ns
            assert not breaker.trying


def test_every_move_of_the_table_happens():
    seen = set()
    inputs = ("fault", "rest", "success", "begun", "heard", "silent")
    for path in itertools.product(inputs, repeat=4):
        b, n = Breaker(), 0
        for what in path:
            n += 100 * NS
            before = b.state
            if what in ("fault", "silent"):
                for _ in range(6):
                    b.fault("x", n, silent=what == "silent")
            elif what == "rest":
                b.rest("x", 300, n)
            else:
                {"success": b.success, "begun": b.begun, "heard": b.heard_again}[what](n)
            seen.add((before, b.state))
    assert {(CLOSED, OPEN), (OPEN, PROBING), (PROBING, OPEN), (PROBING, CLOSED)} <= seen


@pytest.mark.parametrize("state", list(Breaker().state.__class__))
def test_the_table_names_every_state(state):
    assert any(state in afters for afters in MOVES.values())
