"""Attempts beside a person's: they end as any, and change neither lead nor caps nor books."""

from __future__ import annotations

import pytest

from dialerd.core.ops import ReleaseClaim
from dialerd.core.ports import ConflictError
from dialerd.core.records import (
    BanList,
    CallEvent,
    Direction,
    DoNotCall,
    EventKind,
    LeadState,
    Outcome,
)
from dialerd.store import wait
from tests.store.kit import FIRST, NOW, begin, filled_list, finish, people, running, take
from tests.store.test_people import everything, traces

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


def test_a_person_who_is_put_through_is_one_person(talking) -> None:
    store, person = talking
    over(store, person)
    (found,), _ = store.counts_by_list(1, b"")
    assert found[LeadState.DIALING] == 1
    assert [one.lead.lead_id for one in store.leads(1, [LeadState.DIALING], b"", 9)[0]] == [1]


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


def why(store, of, phone=OTHER):
    found = wait(store.claim_over(of, phone, NOW, 60))
    assert found.claim is None
    return found.why


@pytest.mark.parametrize("kind", [BanList.OWN, BanList.BLACKLIST])
@pytest.mark.parametrize("campaign_id", [0, 1])
def test_a_number_that_is_not_to_be_called_is_left_alone(talking, kind, campaign_id) -> None:
    store, person = talking
    entry = DoNotCall(OTHER, NOW, "asked", kind, campaign_id)
    wait(store.dnc_add([entry]))
    assert why(store, person) == f"the number is on the list {kind} of those not to be called"
    assert store.bans(OTHER)[0].hits == 1
    assert store.attempts_open() == 1


def test_a_list_of_another_campaign_or_that_is_over_does_not_bind(talking) -> None:
    store, person = talking
    wait(store.dnc_add([DoNotCall(OTHER, NOW, "asked", campaign_id=7)]))
    wait(store.dnc_add([DoNotCall(OTHER, NOW - 9, "asked", until_ms=NOW)]))
    assert over(store, person) is not None


def test_a_number_forbidden_while_its_call_waits_is_not_dialed(talking) -> None:
    store, person = talking
    claim = over(store, person)
    wait(store.dnc_add([DoNotCall(OTHER, NOW, "asked")]))
    assert wait(store.apply([begin(claim.attempt_id)])) == (claim.attempt_id,)
    assert store.attempts_open() == 1
    assert store.problems() == []


def test_nobody_is_put_through_to_himself_or_to_who_is_in_a_call(talking) -> None:
    store, person = talking
    mine, other = (lead.lead.phone for lead in (store.lead(1, 1), store.lead(1, 2)))
    assert why(store, person, mine) == "it is the person's own number"
    (claim,) = take(store, n=1)
    assert claim.phone == other
    assert why(store, person, other) == "the number is being called just now"
    wait(store.apply([begin(claim.attempt_id)]))
    assert why(store, person, other) == "the number is being called just now"
    wait(store.apply([finish(claim.attempt_id)]))
    assert wait(store.claim_over(person, other, NOW, 60)).claim is not None, "no cap: it was asked"


def test_several_people_are_put_through_to_one_number(talking) -> None:
    store, person = talking
    (claim,) = take(store, n=1)
    for one in (person, claim.attempt_id):
        wait(store.apply([begin(over(store, one).attempt_id)]))
    assert store.attempts_open() == 4


TOLD = (
    CallEvent(NOW, EventKind.TRANSFER, "number 0987 654 321"),
    *(CallEvent(NOW, EventKind.DIGIT, f"{key} rfc4733") for key in "10987654321"),
    CallEvent(NOW, EventKind.TRANSFER_FAILED, "number +84987654321: busy"),
    CallEvent(NOW, EventKind.RELEASED, "by us after 12345 ms"),
)


def test_a_number_that_people_were_put_through_to_is_shown_and_erased(talking) -> None:
    store, person = talking
    claim = over(store, person)
    wait(store.apply([begin(claim.attempt_id, trunk="b")]))
    with pytest.raises(ConflictError, match="being called just now"):
        wait(store.erase(OTHER, "an", NOW))
    wait(store.apply([finish(claim.attempt_id, events=TOLD[:1])]))
    assert "just now" in store.about(OTHER).busy, "the person's call will name it"
    fields = {"num": "0987654321", "shop": "Huế 12"}
    wait(store.apply([finish(person, events=TOLD, keys="10987654321", fields=fields)]))
    (shown,) = store.about(OTHER).put_through
    assert (shown.attempt.attempt_id, shown.campaign.settings.name) == (claim.attempt_id, "spring")
    assert len(shown.events) == 1
    counts = wait(store.erase(OTHER, "an", NOW))
    assert (counts["attempts"], counts["events"], counts["leads"]) == (1, 1, 0)
    assert traces(store, OTHER) == 0
    assert everything(store).count(b"654") == everything(store).count(b"321") == 0
    (mine, events), (other, none) = store.lead(1, 1).attempts
    assert (other.phone, other.outcome, none) == (0, Outcome.ANSWERED, ())
    assert (mine.phone, mine.fields) == (FIRST, {"num": "x" * 10, "shop": "Huế 12"})
    assert {e.detail for e in events if e.kind is EventKind.DIGIT} == {"x rfc4733"}
    assert events[-1] == TOLD[-1], "what does not name it stays"
    assert store.about(OTHER).put_through == ()
    assert store.problems() == []
    assert len(store.audit()) == 1


def test_the_person_s_own_erasure_takes_the_call_beside_along(talking) -> None:
    store, person = talking
    claim = over(store, person)
    wait(store.apply([begin(claim.attempt_id), finish(claim.attempt_id), finish(person)]))
    wait(store.erase(FIRST, "an", NOW))
    assert store.about(OTHER).put_through == ()
    assert traces(store, OTHER) == 0
    assert store.problems() == []


def test_an_agent_is_not_shown_the_call_beside_as_one_to_the_customer(talking) -> None:
    store, person = talking
    claim = over(store, person)
    wait(store.apply([begin(claim.attempt_id), finish(claim.attempt_id), finish(person)]))
    assert [one.attempt.attempt_id for one in store.past(FIRST, 9)] == [person]
