"""Several numbers of a person: found by each, dialed one after another, each by its own rules."""

from __future__ import annotations

import msgspec
import pytest

from dialerd.core.lead_numbers import without
from dialerd.core.ops import Dispose, Finish
from dialerd.core.ports import NotFoundError
from dialerd.core.records import (
    BanList,
    Contact,
    DoNotCall,
    FrequencyCap,
    LeadNumber,
    LeadState,
    OtherPhone,
    Outcome,
)
from dialerd.store import wait
from tests.store.kit import FIRST, NOW, begin, call, filled_list, finish, running, take

A, B, C = FIRST, FIRST + 1, FIRST + 2
NOW_S = NOW // 1000


def person(*phones: int, **fields: str) -> Contact:
    others = tuple(OtherPhone(one, f"carrier-{one - FIRST}", "phone2") for one in phones[1:])
    return Contact(phones[0], f"+{phones[0]}", "first", fields, others)


@pytest.fixture
def one(store):
    """One person with three numbers in a running campaign."""
    running(store, filled_list(store, "a", [person(A, B, C)]), attempts_max=2)
    return store


def lead(store, lead_id=1):
    return store.lead(1, lead_id).lead


def moved(claim, phone: int, *, over: bool, due_s=0) -> Finish:
    """The end of a try that goes on with another number."""
    numbers = without(claim.numbers, claim.phone) if over else claim.numbers
    return finish(
        claim.attempt_id, Outcome.INVALID, LeadState.RETRY, due_s=due_s, phone=phone,
        numbers=numbers,
    )  # fmt: skip


def test_every_number_of_a_person_is_found_in_the_list(store):
    made = filled_list(store, "a", [person(A, B)])
    assert store.lists()[0].numbers_max == 2
    assert store.standing(made, [A, B, C]) == [(1, False), (1, False), (0, False)]
    added = wait(store.add_contacts(made, [person(B), person(C, A), person(C + 1, C)]))
    assert (added.added, added.duplicates, added.known) == (2, (0,), 2)
    assert [(c.phone, len(c.others)) for c in rows(store)] == [(A, 1), (C, 0), (C + 1, 0)]


def rows(store, list_id=1):
    running(store, list_id)
    return [row.contact for found in store.report(1) for row in found]


def test_a_number_is_one_persons_within_a_batch_too(store):
    made = wait(store.create_list("a", NOW)).list_id
    added = wait(store.add_contacts(made, [person(A, B, A, B), person(B), person(C, B)]))
    assert (added.added, added.duplicates, added.known) == (2, (1,), 3)


def test_a_claim_names_the_number_its_carrier_and_all_others(one):
    (claim,) = take(one)
    assert (claim.phone, claim.carrier) == (A, "first")
    assert [number.phone for number in claim.numbers] == [A, B, C]
    wait(one.apply([begin(claim.attempt_id), moved(claim, B, over=True)]))
    (second,) = take(one)
    assert (second.phone, second.carrier, second.number) == (B, "carrier-1", 2)
    assert [number.over for number in second.numbers] == [True, False, False]
    attempts = [attempt.phone for attempt, _ in one.lead(1, 1).attempts]
    assert attempts == [A]


def test_who_has_one_number_is_kept_as_before(store):
    running(store, filled_list(store, "a", [person(A), person(B, C)]))
    first, second = take(store)
    assert first.numbers == ()
    assert len(second.numbers) == 2


def test_a_number_on_the_do_not_call_list_is_passed_over(one):
    wait(one.dnc_add([DoNotCall(A, NOW), DoNotCall(B, NOW, kind=BanList.BLACKLIST)]))
    (claim,) = take(one)
    assert claim.phone == C
    assert [number.over for number in lead(one).numbers] == [True, True, False]


def test_when_all_are_on_it_the_lead_is_blocked(one):
    wait(one.dnc_add([DoNotCall(phone, NOW) for phone in (A, B, C)]))
    assert take(one) == []
    assert lead(one).state is LeadState.BLOCKED


def test_a_number_that_may_be_called_later_is_waited_for(one):
    wait(one.dnc_add([DoNotCall(A, NOW, until_ms=NOW + 60_000)]))
    assert take(one) == []
    assert (lead(one).state, lead(one).phone) == (LeadState.RESTING, A)
    assert [claim.phone for claim in take(one, now_ms=NOW + 61_000)] == [A]


def test_a_number_that_comes_onto_the_list_before_its_dial_leaves_the_others(one):
    (claim,) = take(one)
    wait(one.dnc_add([DoNotCall(A, NOW)]))
    assert wait(one.apply([begin(claim.attempt_id)])) == (claim.attempt_id,)
    assert [claim.phone for claim in take(one)] == [B]


def test_the_next_number_waits_for_its_time_where_it_was_tried(one):
    (claim,) = take(one)
    later = LeadNumber(B, {Outcome.BUSY: 1}, NOW_S + 600)
    numbers = tuple(later if n.phone == B else n for n in claim.numbers[:2])
    end = moved(msgspec.structs.replace(claim, numbers=numbers), A, over=False)
    wait(one.apply([begin(claim.attempt_id), end]))
    wait(one.dnc_add([DoNotCall(A, NOW)]))
    assert take(one) == []
    assert (lead(one).state, lead(one).phone, lead(one).due_s) == (LeadState.RETRY, B, NOW_S + 600)


def test_each_number_has_its_own_cap(store):
    cap = FrequencyCap(1, 86_400)
    running(store, filled_list(store, "a", [person(A)]), "before", cap=cap)
    call(store, take(store)[0], heard=True, answered_ms=NOW)
    running(store, filled_list(store, "b", [person(A, B), person(C, C + 1)]), "c", cap=cap)
    assert [claim.phone for claim in take(store, 2, now_ms=NOW + 20_000)] == [C]
    assert store.progress(2).leads[LeadState.CAPPED] == 1


def test_a_wrong_number_gives_way_to_the_next_one(one):
    (claim,) = take(one)
    talked = finish(claim.attempt_id, agent="an", answered_ms=NOW, wraps=True)
    said = Dispose(claim.attempt_id, "an", NOW, "wrong", LeadState.EXHAUSTED, NOW_S, wrong=True)
    wait(one.apply([begin(claim.attempt_id), talked, said]))
    assert (lead(one).state, lead(one).phone) == (LeadState.RETRY, B)
    for phone in (B, C):
        (claim,) = take(one)
        assert claim.phone == phone
        talked = finish(claim.attempt_id, agent="an", answered_ms=NOW, wraps=True)
        said = msgspec.structs.replace(said, attempt_id=claim.attempt_id)
        wait(one.apply([begin(claim.attempt_id), talked, said]))
    assert lead(one).state is LeadState.EXHAUSTED


def test_a_do_not_call_mark_is_of_the_number_that_was_talked_on(one):
    (claim,) = take(one)
    end = msgspec.structs.replace(moved(claim, B, over=False), wraps=True, agent="an")
    wait(one.apply([begin(claim.attempt_id), end]))
    assert lead(one).phone == B
    said = Dispose(claim.attempt_id, "an", NOW, "", LeadState.BLOCKED, do_not_call=True)
    wait(one.apply([said]))
    assert one.dnc_has(A)
    assert not one.dnc_has(B)
    assert (lead(one).state, lead(one).phone) == (LeadState.BLOCKED, A)


def test_every_number_leads_to_the_person(one):
    for phone in (A, B, C):
        assert one.judged(1, phone, NOW).lead.lead_id == 1
    with pytest.raises(NotFoundError):
        one.judged(1, C + 1, NOW)
    call(one, take(one)[0])
    for phone in (A, B, C):
        assert [past.attempt.phone for past in one.past(phone, 9)] == [A]


def test_an_erasure_takes_the_person_with_all_numbers(one):
    call(one, take(one)[0])
    counts = wait(one.erase(B, "an", NOW))
    assert (counts["contacts"], counts["leads"], counts["calls under caps"]) == (1, 1, 1)
    assert (lead(one).phone, lead(one).numbers) == (0, ())
    assert one.standing(1, [A, B, C]) == [(0, False)] * 3


def test_a_callback_is_promised_for_its_number(one):
    from dialerd.core.agent_records import Callback

    (claim,) = take(one)
    booked = Callback(1, 1, A, NOW_S + 60)
    said = Dispose(claim.attempt_id, "an", NOW, "", LeadState.CALLBACK, 0, booked)
    talked = finish(claim.attempt_id, agent="an", answered_ms=NOW, wraps=True)
    wait(one.apply([begin(claim.attempt_id), talked, said]))
    wait(one.dnc_add([DoNotCall(A, NOW)]))
    assert take(one, now_ms=NOW + 61_000) == []
    assert lead(one).state is LeadState.BLOCKED
