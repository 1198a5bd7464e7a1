"""What ended is numbered once, whoever ends it; cursors and the outbox on both engines."""

from __future__ import annotations

import pytest

from dialerd.core.ops import AppendEvents, ReleaseClaim
from dialerd.core.ports import ConflictError, NotFoundError, StoreError
from dialerd.core.records import EventKind, LeadState, Outcome
from dialerd.store import wait
from dialerd.store.schema import Cursor
from tests.store.kit import NOW, begin, call, events, filled_list, finish, people, running, take

KINDS = (EventKind.DIALED, EventKind.RINGING, EventKind.RELEASED)


def test_every_end_gets_the_next_number(store):
    running(store, filled_list(store, "a", people(6)))
    claims = take(store, n=4)
    call(store, claims[1], events=events(*KINDS), keys="12")
    call(store, claims[0], outcome=Outcome.BUSY, lead_state=LeadState.EXHAUSTED)
    wait(store.apply([finish(claims[1].attempt_id)]))  # again: it is over already
    wait(store.apply([begin(claims[2].attempt_id)]))
    assert store.last_ended() == 2
    wait(store.recover(NOW + 1_000))  # one begun, one not
    found = store.ended(0, 100)
    assert [one.seq for one in found] == [1, 2, 3]
    assert [one.attempt.attempt_id for one in found] == [claims[i].attempt_id for i in (1, 0, 2)]
    assert [one.attempt.outcome for one in found] == ["answered", "busy", "interrupted"]
    assert found[0].events == events(*KINDS)
    assert store.ended(1, 1) == [found[1]]
    assert store.ended(3, 100) == []
    assert store.problems() == []


def test_cursors_move_on_and_only_from_where_they_stand(store):
    running(store, filled_list(store, "a", people(3)))
    for claim in take(store):
        call(store, claim)
    assert store.cursor("crm") == Cursor("crm")
    first = Cursor("crm", 2, NOW, "/out")
    assert wait(store.move_cursor(store.cursor("crm"), first)) == first
    with pytest.raises(ConflictError, match="moved by another program"):
        wait(store.move_cursor(Cursor("crm"), first))
    for wrong in (1, 4):
        with pytest.raises(StoreError, match="cannot move from 2"):
            wait(store.move_cursor(first, Cursor("crm", wrong)))
    wait(store.move_cursor(store.cursor("b"), Cursor("b", 3)))
    assert [one.name for one in store.cursors()] == ["b", "crm"]
    wait(store.remove_cursor("b"))
    with pytest.raises(NotFoundError):
        wait(store.remove_cursor("b"))
    assert store.cursors() == [first]
    for name in ("", "a/b", "a\nb", "x" * 101):
        with pytest.raises(StoreError, match="cursor's name"):
            store.cursor(name)


def test_the_outbox_has_a_row_for_each_end_while_somebody_is_to_be_told(store):
    running(store, filled_list(store, "a", people(8)))
    claims = take(store)
    call(store, claims[0])
    assert store.outbox(10) == []
    wait(store.set_outbox(3))
    for claim in claims[1:6]:
        call(store, claim)
    rows = store.outbox(10)
    assert [(number, row.kind, row.seq) for number, row in rows] == [
        (1, "ended", 2), (2, "ended", 3), (3, "ended", 4),
    ]  # fmt: skip
    assert {row.attempt_id for _, row in rows} == {one.attempt_id for one in claims[1:4]}
    assert wait(store.outbox_done(2)) == 2
    assert wait(store.outbox_done(2)) == 0
    call(store, claims[6])
    assert [number for number, _ in store.outbox(10)] == [3, 4]
    assert store.outbox(1)[0][0] == 3
    wait(store.set_outbox(0))
    call(store, claims[7])
    assert len(store.outbox(10)) == 2
    assert store.last_ended() == 8


def test_what_a_request_that_fails_ended_has_not_ended(store):
    running(store, filled_list(store, "a", people(2)))
    wait(store.set_outbox(5))
    first, second = take(store)
    wrong = finish(second.attempt_id, lead_state=LeadState.DIALING)
    with pytest.raises(StoreError):
        wait(store.apply([begin(first.attempt_id), finish(first.attempt_id), wrong]))
    assert store.last_ended() == 0
    assert store.outbox(5) == []
    call(store, first)
    assert [one.seq for one in store.ended(0, 5)] == [1]


def test_the_figures_tell_of_the_outbox(lmdb_store):
    running(lmdb_store, filled_list(lmdb_store, "a", people(4)))
    wait(lmdb_store.set_outbox(2))
    for claim in take(lmdb_store):
        call(lmdb_store, claim)
    found = lmdb_store.figures()
    assert (found["outbox_rows"], found["outbox_max"], found["outbox_dropped"]) == (2, 2, 2)


def test_an_attempt_that_was_never_begun_has_no_history(store):
    running(store, filled_list(store, "a", people(1)))
    (claim,) = take(store)
    wait(store.apply([AppendEvents(claim.attempt_id, 0, events(*KINDS))]))
    assert store.problems() == []
    wait(store.apply([ReleaseClaim(claim.attempt_id, 0)]))
    assert store.problems() == []
    (again,) = take(store)
    assert wait(store.apply([begin(again.attempt_id)])) == ()
    wait(store.apply([AppendEvents(again.attempt_id, 0, events(*KINDS))]))
    wait(store.apply([finish(again.attempt_id)]))
    assert [one.events for one in store.ended(0, 9)] == [events(*KINDS)]
