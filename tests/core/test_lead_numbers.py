"""Which number of a person is next, and when: the policy alone."""

from __future__ import annotations

import pytest

from dialerd.core.agent_records import Callback
from dialerd.core.lead_numbers import ending, following, refused, tries_of, without
from dialerd.core.ops import Claim
from dialerd.core.records import (
    CampaignSettings,
    Flow,
    LeadNumber,
    LeadState,
    Outcome,
    Retry,
)

NOW = 1_000_000
A, B, C = 11, 22, 33


def settings(**changes) -> CampaignSettings:
    return CampaignSettings("c", 1, Flow(()), "loopback", **({"retry_gap_s": 600} | changes))


def claim(*numbers: LeadNumber, phone: int = A, **more) -> Claim:
    return Claim(1, 1, 1, phone, 1, "", {}, numbers=numbers, **more)


ALL = (LeadNumber(A), LeadNumber(B), LeadNumber(C))


def test_a_number_that_does_not_exist_gives_way_to_the_next():
    found = ending(settings(next_number_gap_s=30), claim(*ALL), Outcome.INVALID, NOW)
    assert (found.state, found.phone, found.due_s) == (LeadState.RETRY, B, NOW + 30)
    assert [one.over for one in found.numbers] == [True, False, False]


def test_the_last_one_ends_the_lead():
    numbers = without(without(ALL, A), B)
    for outcome, state in (
        (Outcome.INVALID, LeadState.EXHAUSTED),
        (Outcome.NO_ANSWER, LeadState.EXHAUSTED),
        (Outcome.UNREACHABLE, LeadState.UNREACHABLE),
    ):
        found = ending(settings(), claim(*numbers, phone=C), outcome, NOW)
        assert (found.state, found.phone) == (state, 0)
        assert all(one.over for one in found.numbers)


@pytest.mark.parametrize("outcome", [Outcome.ANSWERED, Outcome.TOO_LONG])
def test_who_was_reached_is_reached(outcome):
    found = ending(settings(), claim(*ALL), outcome, NOW)
    assert (found.state, found.phone) == (LeadState.DONE, 0)
    assert not any(one.over for one in found.numbers)


def test_an_outcome_that_is_not_named_stays_with_its_number_while_it_has_tries():
    found = ending(settings(attempts_max=2), claim(*ALL), Outcome.NO_ANSWER, NOW)
    assert (found.state, found.phone, found.due_s) == (LeadState.RETRY, 0, NOW + 600)
    tried = LeadNumber(A, {Outcome.NO_ANSWER: 1})
    found = ending(settings(attempts_max=2), claim(tried, *ALL[1:]), Outcome.BUSY, NOW)
    assert (found.phone, found.due_s) == (B, NOW + 60)
    assert found.numbers[0].tries == {Outcome.NO_ANSWER: 1, Outcome.BUSY: 1}


def test_a_named_one_goes_through_all_numbers_and_begins_again():
    plan = settings(attempts_max=2, next_number_on=(Outcome.NO_ANSWER,), next_number_gap_s=10)
    at, phone, numbers = NOW, A, ALL
    dialed = []
    while True:
        dialed.append((phone, at - NOW))
        found = ending(plan, claim(*numbers, phone=phone), Outcome.NO_ANSWER, at)
        numbers = found.numbers
        if found.state is not LeadState.RETRY:
            break
        at, phone = found.due_s, found.phone or phone
    assert dialed == [(A, 0), (B, 10), (C, 20), (A, 600), (B, 610), (C, 620)]
    assert found.state is LeadState.EXHAUSTED


def test_a_switched_off_number_waits_while_the_others_are_tried():
    plan = settings(rechecks_max=1, recheck_gap_s=7_200)
    off = ending(plan, claim(*ALL[:2]), Outcome.UNREACHABLE, NOW)
    assert (off.phone, off.due_s) == (B, NOW + 60)
    then = ending(plan, claim(*off.numbers, phone=B), Outcome.NO_ANSWER, NOW + 60)
    assert (then.phone, then.due_s) == (A, NOW + 7_200)
    last = ending(plan, claim(*then.numbers), Outcome.UNREACHABLE, NOW + 7_200)
    assert last.state is LeadState.UNREACHABLE


def test_own_gaps_of_an_outcome_are_of_each_number():
    plan = settings(retries={Outcome.BUSY: Retry(50, 1)})
    assert ending(plan, claim(*ALL), Outcome.BUSY, NOW).phone == B


def test_our_own_faults_are_not_held_against_a_number():
    found = ending(settings(), claim(*ALL), Outcome.FAILED, NOW)
    assert (found.state, found.phone, found.due_s) == (LeadState.RETRY, 0, NOW + 60)


def test_a_promise_stays_with_its_number():
    plan = settings(attempts_max=3, next_number_on=(Outcome.NO_ANSWER,))
    booked = Callback(1, 1, A, NOW)
    assert ending(plan, claim(*ALL, callback=booked), Outcome.NO_ANSWER, NOW).phone == 0
    assert ending(plan, claim(*ALL, callback=booked), Outcome.INVALID, NOW).phone == B


def test_the_one_that_is_due_first_is_next_and_among_equals_the_next_in_order():
    waits = (LeadNumber(A), LeadNumber(B, due_s=NOW + 900), LeadNumber(C, due_s=NOW + 5))
    assert following(waits, A, NOW) == (C, NOW + 5)
    assert following(ALL, B, NOW) == (C, NOW)
    assert following(ALL, C, NOW) == (A, NOW)
    assert following((LeadNumber(A),), A, NOW) == (0, 0)


def test_a_number_that_the_plan_refuses():
    found = refused(claim(*ALL), NOW)
    assert (found.state, found.phone, found.due_s) == (LeadState.RETRY, B, NOW)
    assert refused(claim(), NOW).state is LeadState.BLOCKED
    assert refused(claim(*without(ALL[:2], B)), NOW).state is LeadState.BLOCKED


def test_tries_are_those_of_the_number():
    tried = LeadNumber(B, {Outcome.BUSY: 2, Outcome.NO_ANSWER: 1})
    assert tries_of(claim(ALL[0], tried, phone=B)) == 4
    assert tries_of(claim(ALL[0], tried, phone=A)) == 1
