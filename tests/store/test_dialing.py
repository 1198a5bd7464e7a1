"""Claims, attempts, and what they leave behind."""

from __future__ import annotations

import pytest

from dialerd.core.ops import AppendEvents, ReleaseClaim
from dialerd.core.ports import ConflictError, StoreError
from dialerd.core.records import (
    CampaignState,
    DoNotCall,
    EventKind,
    LeadState,
    Outcome,
)
from dialerd.store import wait
from tests.store.kit import (
    FIRST,
    NOW,
    begin,
    call,
    events,
    filled_list,
    finish,
    people,
    running,
    take,
)


@pytest.fixture
def ready(store):
    running(store, filled_list(store, "a", people(10)))
    return store


def states(store, campaign_id=1):
    return {state: n for state, n in store.progress(campaign_id).leads.items() if n}


def outcomes(store, campaign_id=1):
    return {outcome: n for outcome, n in store.progress(campaign_id).outcomes.items() if n}


def row(store, lead_id, campaign_id=1):
    found = store.lead(campaign_id, lead_id)
    assert found is not None
    return found


def test_a_claim_hands_out_leads_in_the_order_of_the_list(ready):
    batch = wait(ready.claim(1, 4, NOW, 60))
    assert [claim.phone for claim in batch.claims] == [FIRST + i for i in range(4)]
    assert [claim.attempt_id for claim in batch.claims] == [1, 2, 3, 4]
    first = batch.claims[0]
    assert (first.number, first.carrier, first.fields) == (1, "vina", {"name": "Nguyễn 0"})
    assert (batch.capped, batch.blocked, batch.exhausted) == (0, 0, False)
    assert states(ready) == {LeadState.READY: 6, LeadState.CLAIMED: 4}
    assert ready.attempts_open() == 4
    assert [claim.phone for claim in take(ready, n=2)] == [FIRST + 4, FIRST + 5]


@pytest.mark.parametrize(("n", "lease_s"), [(-1, 60), (5, 0)])
def test_senseless_claims(ready, n, lease_s):
    with pytest.raises(StoreError, match="at least 0 and 1"):
        wait(ready.claim(1, n, NOW, lease_s))


def test_a_whole_call(ready):
    claim = take(ready, n=1)[0]
    assert wait(ready.apply([begin(claim.attempt_id, NOW + 5)])) == ()
    assert states(ready) == {LeadState.READY: 9, LeadState.DIALING: 1}
    dialed = row(ready, 1)
    assert (dialed.lead.state, dialed.lead.attempts) == (LeadState.DIALING, 1)
    attempt = dialed.attempts[0][0]
    assert (attempt.trunk, attempt.call_id, attempt.rule) == ("a", "call-1-a", "weight")
    assert (attempt.claimed_ms, attempt.begun_ms, attempt.outcome) == (NOW, NOW + 5, None)

    wait(ready.apply([AppendEvents(1, 0, events(EventKind.DIALED, EventKind.RINGING))]))
    last = events(EventKind.ANSWERED, EventKind.DIGIT, EventKind.RELEASED)
    done = finish(
        1,
        answered_ms=NOW + 700,
        code=200,
        q850=16,
        released_by="them",
        keys="1",
        heard=True,
        first=2,
        events=last,
    )
    wait(ready.apply([done]))
    ended = row(ready, 1)
    assert (ended.lead.state, ended.lead.outcome) == (LeadState.DONE, Outcome.ANSWERED)
    attempt, history = ended.attempts[0]
    assert [event.kind for event in history] == [
        EventKind.DIALED,
        EventKind.RINGING,
        EventKind.ANSWERED,
        EventKind.DIGIT,
        EventKind.RELEASED,
    ]
    assert (attempt.answered_ms, attempt.ended_ms) == (NOW + 700, NOW + 9_000)
    assert (attempt.code, attempt.q850, attempt.released_by, attempt.keys) == (200, 16, "them", "1")
    assert (attempt.trunk, attempt.rule, attempt.begun_ms) == ("a", "weight", NOW + 5)
    assert states(ready) == {LeadState.READY: 9, LeadState.DONE: 1}
    assert outcomes(ready) == {Outcome.ANSWERED: 1}
    assert ready.attempts_open() == 0


def test_every_operation_twice_changes_nothing(ready):
    take(ready, n=1)
    ops = [begin(1), AppendEvents(1, 0, events(EventKind.DIALED))]
    wait(ready.apply(ops))
    before = row(ready, 1)
    assert wait(ready.apply(ops)) == ()
    assert row(ready, 1) == before
    wait(ready.apply([finish(1, first=1, events=events(EventKind.RELEASED))]))
    ended, books = row(ready, 1), ready.progress(1)
    wait(ready.apply([finish(1, Outcome.BUSY, LeadState.RETRY), ReleaseClaim(1, 0)]))
    wait(ready.apply([AppendEvents(1, 7, events(EventKind.DIGIT))]))
    assert (row(ready, 1), ready.progress(1)) == (ended, books)


def test_a_finished_attempt_is_not_dialed_again(ready):
    call(ready, take(ready, n=1)[0])
    assert wait(ready.apply([begin(1)])) == (1,)
    assert wait(ready.apply([begin(77)])) == (77,)
    assert states(ready) == {LeadState.READY: 9, LeadState.DONE: 1}


def test_an_attempt_moves_to_another_trunk(ready):
    take(ready, n=1)
    wait(ready.apply([begin(1, NOW, "a")]))
    assert wait(ready.apply([begin(1, NOW + 50_000_000, "b")])) == ()
    found = row(ready, 1)
    assert found.lead.attempts == 1
    attempt = found.attempts[0][0]
    assert (attempt.trunk, attempt.call_id, attempt.begun_ms) == ("b", "call-1-b", NOW)


def test_retries_come_first_when_due(ready):
    claim = take(ready, n=1)[0]
    call(
        ready,
        claim,
        outcome=Outcome.BUSY,
        lead_state=LeadState.RETRY,
        due_s=NOW // 1000 + 600,
    )
    assert states(ready) == {LeadState.READY: 9, LeadState.RETRY: 1}
    assert [c.lead_id for c in take(ready, n=1, now_ms=NOW + 599_999)] == [2]
    again = take(ready, n=2, now_ms=NOW + 600_000)
    assert [(c.lead_id, c.number) for c in again] == [(1, 2), (3, 1)]
    call(ready, again[0])
    assert [attempt.number for attempt, _ in row(ready, 1).attempts] == [1, 2]
    assert outcomes(ready) == {Outcome.BUSY: 1, Outcome.ANSWERED: 1}


def test_next_due_and_exhaustion(ready):
    batch = wait(ready.claim(1, 100, NOW, 60))
    assert (len(batch.claims), batch.next_due_s, batch.exhausted) == (10, None, False)
    for claim in batch.claims[1:]:
        call(ready, claim)
    call(ready, batch.claims[0], outcome=Outcome.BUSY, lead_state=LeadState.RETRY, due_s=2 * 10**9)
    batch = wait(ready.claim(1, 100, NOW, 60))
    assert (batch.claims, batch.next_due_s, batch.exhausted) == ((), 2 * 10**9, False)
    last = take(ready, now_ms=2 * 10**12)[0]
    call(ready, last, outcome=Outcome.BUSY, lead_state=LeadState.EXHAUSTED)
    batch = wait(ready.claim(1, 100, NOW, 60))
    assert (batch.claims, batch.next_due_s, batch.exhausted) == ((), None, True)


def test_what_is_due_after_the_end_exhausts_nothing_else(store):
    running(store, filled_list(store, "a", people(1)), end_ms=NOW + 60_000)
    claim = take(store)[0]
    late_s = NOW // 1000 + 60
    call(store, claim, outcome=Outcome.BUSY, lead_state=LeadState.RETRY, due_s=late_s)
    batch = wait(store.claim(1, 1, NOW, 60))
    assert (batch.next_due_s, batch.exhausted) == (late_s, True)


def test_a_released_claim_goes_back(ready):
    first, second = take(ready, n=2)
    wait(ready.apply([ReleaseClaim(first.attempt_id, NOW // 1000 + 5), ReleaseClaim(2, 0)]))
    assert states(ready) == {LeadState.READY: 10}
    assert row(ready, 1).attempts == ()
    again = take(ready, n=10)
    assert [claim.lead_id for claim in again] == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert again[0].number == 1
    assert again[0].attempt_id not in (first.attempt_id, second.attempt_id)
    assert [claim.lead_id for claim in take(ready, now_ms=NOW + 5_000)] == [1]


def test_a_released_retry_stays_a_retry(ready):
    call(ready, take(ready, n=1)[0], outcome=Outcome.BUSY, lead_state=LeadState.RETRY)
    again = take(ready, n=1)[0]
    wait(ready.apply([ReleaseClaim(again.attempt_id, 0)]))
    assert states(ready) == {LeadState.READY: 9, LeadState.RETRY: 1}


def test_what_was_dialed_is_not_released(ready):
    take(ready, n=1)
    wait(ready.apply([begin(1)]))
    with pytest.raises(ConflictError, match="was dialed"):
        wait(ready.apply([ReleaseClaim(1, 0)]))
    assert states(ready) == {LeadState.READY: 9, LeadState.DIALING: 1}


def test_operations_that_raise_leave_nothing_of_their_batch(ready):
    take(ready, n=2)
    with pytest.raises(StoreError, match="cannot end"):
        wait(ready.apply([begin(1), begin(2), finish(1, lead_state=LeadState.CLAIMED)]))
    assert states(ready) == {LeadState.READY: 8, LeadState.CLAIMED: 2}
    assert row(ready, 1).attempts == ()


def test_an_attempt_that_ends_before_it_was_dialed(ready):
    take(ready, n=1)
    wait(ready.apply([finish(1, Outcome.FAILED, LeadState.EXHAUSTED)]))
    found = row(ready, 1)
    assert (found.lead.state, found.lead.attempts) == (LeadState.EXHAUSTED, 1)
    assert found.attempts[0][0].begun_ms == 0
    assert outcomes(ready) == {Outcome.FAILED: 1}


def test_a_lease_that_ran_out(ready):
    take(ready, n=2)
    wait(ready.apply([begin(1)]))
    later = take(ready, n=100, now_ms=NOW + 60_000)
    assert [claim.lead_id for claim in later] == [*range(3, 11), 2]  # due again from now on
    assert wait(ready.apply([begin(2, NOW + 60_000)])) == (2,)
    assert states(ready) == {LeadState.CLAIMED: 9, LeadState.DIALING: 1}
    wait(ready.apply([finish(1)]))


def test_claims_with_different_leases_run_out_each_in_its_time(ready):
    for lease_s in (600, 60, 300):
        wait(ready.claim(1, 1, NOW, lease_s))
    assert take(ready, n=100, now_ms=NOW + 59_999)[0].lead_id == 4
    wait(ready.apply([ReleaseClaim(attempt, 10**10) for attempt in range(4, 11)]))
    gone = [(60, [2]), (299, []), (300, [3]), (599, []), (600, [1])]
    for after_s, leads in gone:
        found = wait(ready.claim(1, 100, NOW + 1000 * after_s, 10_000)).claims
        assert [claim.lead_id for claim in found] == leads


def test_dialing_past_the_lease_is_refused_even_if_nobody_looked(ready):
    take(ready, n=1)
    assert wait(ready.apply([begin(1, NOW + 60_001)])) == (1,)
    assert states(ready) == {LeadState.READY: 10}


def test_dialing_is_refused_after_a_pause(ready):
    take(ready, n=2)
    wait(ready.apply([begin(1)]))
    wait(ready.move_campaign(1, CampaignState.PAUSED, "an", NOW))
    assert wait(ready.apply([begin(2), begin(1, NOW, "b")])) == (2,)
    wait(ready.apply([finish(1)]))
    assert states(ready) == {LeadState.READY: 9, LeadState.DONE: 1}


def test_do_not_call_at_the_claim(ready):
    wait(ready.dnc_add([DoNotCall(FIRST + 1, NOW, "law")]))
    batch = wait(ready.claim(1, 3, NOW, 60))
    assert [claim.lead_id for claim in batch.claims] == [1, 3, 4]
    assert batch.blocked == 1
    assert row(ready, 2).lead.state is LeadState.BLOCKED


def test_do_not_call_between_claim_and_dial(ready):
    take(ready, n=2)
    wait(ready.dnc_add([DoNotCall(FIRST + 1, NOW, "law")]))
    assert wait(ready.apply([begin(1), begin(2)])) == (2,)
    assert states(ready) == {
        LeadState.READY: 8,
        LeadState.DIALING: 1,
        LeadState.BLOCKED: 1,
    }


def test_do_not_call_between_two_trunks(ready):
    take(ready, n=1)
    wait(ready.apply([begin(1)]))
    wait(ready.dnc_add([DoNotCall(FIRST, NOW, "law")]))
    assert wait(ready.apply([begin(1, NOW, "b")])) == (1,)
    assert row(ready, 1).attempts[0][0].trunk == "a"
    wait(ready.apply([finish(1, Outcome.CANCELLED, LeadState.BLOCKED)]))


def test_a_claim_among_many_blocked_leads_is_bounded(store):
    running(store, filled_list(store, "a", people(5_000)))
    wait(store.dnc_add([DoNotCall(FIRST + i, NOW) for i in range(4_999)]))
    batches = []
    while not batches or not batches[-1].claims:
        batches.append(wait(store.claim(1, 50, NOW, 60)))
        assert batches[-1].blocked < 2_100
        if not batches[-1].claims:
            assert batches[-1].next_due_s == 0  # go on at once
    assert len(batches) == 3
    assert sum(batch.blocked for batch in batches) == 4_999


def test_events_out_of_bounds_are_dropped(ready):
    take(ready, n=1)
    many = events(EventKind.DIGIT) * 1_500
    wait(ready.apply([begin(1), AppendEvents(1, 9_999, many), AppendEvents(1, 10_000, many)]))
    wait(ready.apply([AppendEvents(1, -1, many), AppendEvents(1, 0, many)]))
    wait(ready.apply([finish(1, first=10**9, events=many)]))
    assert len(row(ready, 1).attempts[0][1]) == 1_000 + 1


def test_recovery(ready):
    take(ready, n=4)
    wait(ready.apply([begin(1), begin(2), begin(3), finish(3), begin(4)]))
    take(ready, n=2)
    assert wait(ready.recover(NOW + 1)) == 5
    assert states(ready) == {
        LeadState.READY: 6,
        LeadState.DONE: 1,
        LeadState.INTERRUPTED: 3,
    }
    assert outcomes(ready) == {Outcome.ANSWERED: 1, Outcome.INTERRUPTED: 3}
    attempt = row(ready, 1).attempts[0][0]
    assert (attempt.outcome, attempt.ended_ms) == (Outcome.INTERRUPTED, NOW + 1)
    assert ready.attempts_open() == 0
    assert wait(ready.recover(NOW + 2)) == 0
    assert wait(ready.apply([begin(1), begin(5), finish(1)])) == (1, 5)
    assert [claim.lead_id for claim in take(ready)] == [5, 6, 7, 8, 9, 10]


def test_recovery_of_very_many(store):
    running(store, filled_list(store, "a", people(4_500)))
    while claims := take(store, n=1_000):
        wait(store.apply([begin(claim.attempt_id) for claim in claims[::2]]))
    assert store.attempts_open() == 4_500
    assert wait(store.recover(NOW)) == 4_500
    assert states(store) == {LeadState.INTERRUPTED: 2_250, LeadState.READY: 2_250}
