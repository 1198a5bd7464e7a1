"""Every kind of damage is noticed."""

from __future__ import annotations

import msgspec
import pytest

from dialerd.core.records import LeadState
from dialerd.store import MemoryStore, caps, wait
from dialerd.store.claims import LEASES_FROM
from dialerd.store.schema import (
    ATTEMPT,
    EVENTS,
    LEAD,
    LIST,
    attempt_key,
    contact_key,
    due_key,
    event_key,
    lead_key,
    list_key,
    number32,
    open_key,
    phone_list_key,
)
from tests.store.kit import FIRST, NOW, begin, call, filled_list, finish, people, running, take


@pytest.fixture
def dialed():
    """Lead 1 done, lead 2 dialing, lead 3 claimed, 4 and 5 ready."""
    store = MemoryStore()
    running(store, filled_list(store, "a", people(5)))
    call(store, take(store, n=1)[0])
    take(store, n=2)
    wait(store.apply([begin(2)]))
    assert store.problems() == []
    return store


def change_lead(unit, lead_id, **changes):
    key = lead_key(1, lead_id)
    lead = msgspec.structs.replace(LEAD.unpack(unit.t.leads.get(key)), **changes)
    unit.t.leads.put(key, LEAD.pack(lead))


def lose_contact(unit):
    unit.t.contacts.delete(contact_key(1, 2))


def lose_number(unit):
    unit.t.phones.delete(phone_list_key(FIRST + 1, 1))


def miscount(unit):
    people = LIST.unpack(unit.t.lists.get(list_key(1)))
    unit.t.lists.put(list_key(1), LIST.pack(msgspec.structs.replace(people, size=9)))


def lose_due(unit):
    unit.t.due.delete(due_key(1, LeadState.READY, 0, 4))


def second_due(unit):
    unit.t.due.put(due_key(1, LeadState.RETRY, 0, 4), b"")


def lose_lead(unit):
    unit.t.leads.delete(lead_key(1, 4))


def lose_open(unit):
    unit.t.open.delete(open_key(2))


def wrong_state(unit):
    change_lead(unit, 3, state=LeadState.DIALING)


def wrong_attempt(unit):
    change_lead(unit, 3, attempt_id=2)


def wrong_books(unit):
    unit.books(1).leads[LeadState.READY] += 1


def wrong_outcomes(unit):
    unit.books(1).outcomes[0] += 1


def lose_outcome(unit):
    key = attempt_key(1, 1, 1)
    ended = ATTEMPT.unpack(unit.t.attempts.get(key))
    unit.t.attempts.put(key, ATTEMPT.pack(msgspec.structs.replace(ended, outcome=None)))


def free_number(unit):
    caps.save(unit, FIRST + 1, [])


def stale_reservation(unit):
    caps.save(unit, FIRST + 4, [(1, caps.RESERVED, 99)])


def uncounted(unit):
    caps.save(unit, FIRST, [])


def index_twice(unit):
    unit.t.phones.put(phone_list_key(FIRST + 99, 1), number32(1))


def rename_list(unit):
    unit.t.list_names.delete(b"a")
    unit.t.list_names.put(b"b", number32(1))


def rename_campaign(unit):
    unit.t.names.put(b"spring", number32(7))


def stray_events(unit):
    unit.t.events.put(event_key(1, 4, 9, 0), EVENTS.pack(()))


def far_event(unit):
    unit.t.events.put(event_key(1, 1, 1, 1 << 31), EVENTS.pack(()))


def attempts_set_back(unit):
    unit.set_counter(b"next_attempt", 2)


def attempts_run_away(unit):
    unit.set_counter(b"next_attempt", 1 << 63)


def moves_set_back(unit):
    unit.set_counter(b"next_move", 1)


def leases_put_off(unit):
    unit.set_counter(LEASES_FROM, NOW + 10**9)


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (uncounted, "attempt 1 is not counted for its number"),
        (index_twice, "6 numbers of lists are indexed, there are 5"),
        (rename_list, "list names lead to [1], there are [1]"),
        (rename_campaign, "campaign names lead to [7], there are [1]"),
        (stray_events, "events of attempt 9, which is not there"),
        (far_event, "attempt 1: event 2147483648 is out of range"),
        (attempts_set_back, "counter next_attempt is 2, 3 is in use"),
        (attempts_run_away, f"counter next_attempt is {1 << 63}"),
        (moves_set_back, "counter next_move is 1, 3 is in use"),
        (leases_put_off, "claims are looked at from"),
        (lose_contact, "row 2 is missing"),
        (lose_number, "row 2 is not found by its number"),
        (miscount, "5 rows, 9 counted"),
        (lose_due, "lead 4 is READY without its index entry"),
        (second_due, "4 index entries for 3 leads"),
        (lose_lead, "4 leads, 5 frozen"),
        (lose_open, "lead 2 is DIALING and in nobody's hands"),
        (lose_open, "attempt 2 has no outcome and is not open"),
        (wrong_state, "attempt 3: its lead is not CLAIMED by it"),
        (wrong_attempt, "attempt 3: its lead is not CLAIMED by it"),
        (wrong_books, "books say [3, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]"),
        (wrong_outcomes, "the attempts are [1, 0"),
        (lose_outcome, "attempt 1 has no outcome"),
        (free_number, "1 numbers are reserved, 2 are in flight"),
        (stale_reservation, "3 numbers are reserved, 2 are in flight"),
    ],
)
def test_damage(dialed, damage, text):
    wait(dialed._submit(damage))
    found = dialed.problems()
    assert any(text in line for line in found), found


def test_the_same_number_in_two_hands(dialed):
    def twice(unit):
        raw = unit.t.open.get(open_key(2))
        unit.t.open.put(open_key(77), raw)

    wait(dialed._submit(twice))
    assert any("in flight 2 times" in line for line in dialed.problems())


def test_nothing_is_found_in_a_long_story(dialed):
    wait(dialed.apply([finish(2), finish(3)]))
    wait(dialed.recover(1))
    assert dialed.problems() == []
