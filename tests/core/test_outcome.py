"""Retry policy and caps, exhaustively over outcomes and tries."""

import pytest

from dialerd.core.limits import OWN_FAULTS_MAX
from dialerd.core.outcome import AGAIN, FAILED_GAP_S, next_state
from dialerd.core.records import CampaignSettings, Flow, LeadState, Outcome, Retry


def settings(**changes):
    return CampaignSettings("c", 1, Flow(()), "loopback", **changes)


NOT_REACHED = [Outcome.NO_ANSWER, Outcome.DECLINED, Outcome.BUSY]


@pytest.mark.parametrize("outcome", NOT_REACHED)
def test_retries_until_the_tries_are_used_up(outcome):
    three = settings(attempts_max=3, retry_gap_s=600)
    assert next_state(three, outcome, 1) == (LeadState.RETRY, 600)
    assert next_state(three, outcome, 2) == (LeadState.RETRY, 600)
    assert next_state(three, outcome, 3) == (LeadState.EXHAUSTED, 0)
    assert next_state(three, outcome, 4) == (LeadState.EXHAUSTED, 0)


@pytest.mark.parametrize("number", range(1, 8))
def test_answered_invalid_and_interrupted_never_come_again(number):
    many = settings(attempts_max=99, rechecks_max=9)
    assert next_state(many, Outcome.ANSWERED, number).state is LeadState.DONE
    assert next_state(many, Outcome.INVALID, number).state is LeadState.EXHAUSTED
    assert next_state(many, Outcome.INTERRUPTED, number).state is LeadState.INTERRUPTED


def test_a_switched_off_number_is_rechecked_beyond_attempts_max():
    once = settings(attempts_max=1, rechecks_max=2, recheck_gap_s=900)
    assert next_state(once, Outcome.UNREACHABLE, 1) == (LeadState.RECHECK, 900)
    assert next_state(once, Outcome.UNREACHABLE, 2) == (LeadState.RECHECK, 900)
    assert next_state(once, Outcome.UNREACHABLE, 3).state is LeadState.UNREACHABLE
    assert next_state(settings(), Outcome.UNREACHABLE, 1).state is LeadState.UNREACHABLE
    thrice = settings(attempts_max=3, rechecks_max=0, recheck_gap_s=0, retry_gap_s=77)
    assert next_state(thrice, Outcome.UNREACHABLE, 2) == (LeadState.RECHECK, 77)
    assert next_state(thrice, Outcome.UNREACHABLE, 3).state is LeadState.UNREACHABLE


def test_an_outcome_may_have_its_own_gap_and_its_own_number_of_tries():
    plan = settings(
        attempts_max=2,
        retry_gap_s=600,
        retries={Outcome.BUSY: Retry(60, 3), Outcome.NO_ANSWER: Retry(7_200)},
    )
    assert next_state(plan, Outcome.BUSY, 5, 2) == (LeadState.RETRY, 60)
    assert next_state(plan, Outcome.BUSY, 5, 3).state is LeadState.EXHAUSTED
    assert next_state(plan, Outcome.NO_ANSWER, 1, 1) == (LeadState.RETRY, 7_200)
    assert next_state(plan, Outcome.NO_ANSWER, 2, 1).state is LeadState.EXHAUSTED
    assert next_state(plan, Outcome.DECLINED, 1, 1) == (LeadState.RETRY, 600)
    off = settings(retries={Outcome.UNREACHABLE: Retry(90, 2)}, rechecks_max=9)
    assert next_state(off, Outcome.UNREACHABLE, 1, 1) == (LeadState.RECHECK, 90)
    assert next_state(off, Outcome.UNREACHABLE, 2, 2).state is LeadState.UNREACHABLE


@pytest.mark.parametrize(("outcome", "gap_s"), [("failed", FAILED_GAP_S), ("cancelled", 600)])
def test_our_own_faults_are_not_held_against_the_lead_but_end(outcome, gap_s):
    once = settings(attempts_max=1, retry_gap_s=600)
    for number in range(1, 1 + OWN_FAULTS_MAX):
        assert next_state(once, Outcome(outcome), number) == (LeadState.RETRY, gap_s)
    last = next_state(once, Outcome(outcome), 1 + OWN_FAULTS_MAX)
    assert last.state is LeadState.EXHAUSTED


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_ends_somewhere_and_every_series_of_tries_ends(outcome):
    plan = settings(attempts_max=4, rechecks_max=6)
    states = [next_state(plan, outcome, number).state for number in range(1, 20)]
    assert set(states) <= {
        *AGAIN,
        LeadState.DONE,
        LeadState.EXHAUSTED,
        LeadState.UNREACHABLE,
        LeadState.INTERRUPTED,
    }
    first_end = next(i for i, state in enumerate(states) if state not in AGAIN)
    assert all(state not in AGAIN for state in states[first_end:])
