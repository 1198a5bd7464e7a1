"""Attempts beside a person's: they end as any, and change neither lead nor caps nor books."""

from __future__ import annotations

import pytest

from dialerd.core.ops import ReleaseClaim
from dialerd.core.records import Direction, LeadState, Outcome
from dialerd.store import wait
from tests.store.kit import NOW, begin, filled_list, finish, people, running, take

OTHER = 84_987_654_321


@pytest.fixture
def talking(store):
    """The store, and the attempt of a person who is in a call."""
    running(store, filled_list(store, "a", people(2)))
    (claim,) = take(store, n=1)
    wait(store.apply([begin(claim.attempt_id)]))
    return store, claim.attempt_id


def over(store, of, now_ms=NOW):
    return wait(store.claim_over(of, OTHER, now_ms, 60)).claim


def test_a_number_has_an_attempt_of_its_own_under_the_person(talking) -> None:
    store, person = talking
    claim = over(store, person)
    assert (claim.phone, claim.direction, claim.lead_id) == (OTHER, Direction.OVER, 1)
    assert store.problems() == []
    wait(store.apply([begin(claim.attempt_id, trunk="b")]))
    assert store.problems() == []
    wait(store.apply([finish(claim.attempt_id, answered_ms=NOW), finish(person)]))
    (mine, _), (other, _) = store.lead(1, 1).attempts
    assert (other.phone, other.of, other.trunk) == (OTHER, mine.attempt_id, "b")
    assert other.outcome is Outcome.ANSWERED
    assert store.lead(1, 1).lead.attempts == 1
    assert store.progress(1).outcomes[Outcome.ANSWERED] == 1
    assert store.about(OTHER).caps == ()
    assert [one.attempt.attempt_id for one in store.ended(0, 9)] == [other.attempt_id, person]


def test_nobody_is_put_through_from_a_call_that_is_over(talking) -> None:
    store, person = talking
    wait(store.apply([finish(person)]))
    assert over(store, person) is None


def test_one_that_is_not_dialed_leaves_nothing(talking) -> None:
    store, person = talking
    claim = over(store, person)
    wait(store.apply([ReleaseClaim(claim.attempt_id, NOW // 1000)]))
    late = over(store, person)
    refused = wait(store.apply([begin(late.attempt_id, NOW + 61_000)]))
    assert refused == (late.attempt_id,)
    over(store, person)
    take(store, now_ms=NOW + 120_000)  # leases that ran out are given back
    assert len(store.lead(1, 1).attempts) == 1
    wait(store.apply([finish(person)]))


def test_a_crash_ends_both(talking) -> None:
    store, person = talking
    claim = over(store, person)
    wait(store.apply([begin(claim.attempt_id)]))
    assert wait(store.recover(NOW + 5_000)) == 2
    assert [one.outcome for one, _ in store.lead(1, 1).attempts] == [Outcome.INTERRUPTED] * 2
    assert store.lead(1, 1).lead.state is LeadState.INTERRUPTED
    assert store.progress(1).outcomes[Outcome.INTERRUPTED] == 1
