"""What several nodes may count on: claims ahead, leases, a fence, one number at a time, one outbox.

Only methods of the protocol are used here, so that an engine on another machine can pass it too.
The single-node half of the contract is in the other tests of `tests/store` that take `store`.
"""

from __future__ import annotations

import random

import pytest

from dialerd.core.ops import AppendEvents, ReleaseClaim
from dialerd.core.records import EventKind, FrequencyCap, LeadState, Outcome
from dialerd.store import wait
from tests.store.kit import NOW, begin, events, filled_list, finish, people, running

LEASE_S = 30


def ahead(store, node: str, n: int = 5, now_ms: int = NOW, campaign_id: int = 1):
    return wait(store.claim(campaign_id, n, now_ms, LEASE_S, node=node)).claims


def test_two_nodes_that_claim_ahead_never_hold_the_same_lead(store):
    running(store, filled_list(store, "a", people(40)))
    held: dict[str, list[int]] = {"a": [], "b": []}
    for turn in range(10):
        node = "ab"[turn % 2]
        held[node] += [claim.lead_id for claim in ahead(store, node)]
    assert len(held["a"] + held["b"]) == len(set(held["a"] + held["b"])) == 40
    assert store.attempts_open() == 40


def test_a_number_is_in_one_nodes_hands_at_a_time_across_campaigns(store):
    for name in ("one", "two"):
        running(store, filled_list(store, name, people(3)), name, cap=FrequencyCap(1, 0))
    assert len(ahead(store, "a", campaign_id=1)) == 3
    found = wait(store.claim(2, 5, NOW, LEASE_S, node="b"))
    assert (len(found.claims), found.capped) == (0, 3)


def test_a_lease_that_ran_out_goes_to_the_next_and_the_old_one_is_refused(store):
    running(store, filled_list(store, "a", people(1)))
    (old,) = ahead(store, "a")
    later = NOW + LEASE_S * 1000
    assert ahead(store, "b", now_ms=later - 1) == ()
    (new,) = ahead(store, "b", now_ms=later)
    assert (new.lead_id, new.phone) == (old.lead_id, old.phone)
    assert new.attempt_id > old.attempt_id
    assert wait(store.apply([begin(old.attempt_id, later)])) == (old.attempt_id,)
    wait(store.apply([ReleaseClaim(old.attempt_id, 0), finish(old.attempt_id, at_ms=later)]))
    assert store.last_ended() == 0
    assert wait(store.apply([begin(new.attempt_id, later)])) == ()
    wait(store.apply([finish(new.attempt_id, Outcome.BUSY, at_ms=later)]))
    assert [one.attempt.attempt_id for one in store.ended(0, 9)] == [new.attempt_id]


def test_a_node_that_slept_past_its_lease_may_not_begin(store):
    """Also when nobody else has claimed meanwhile."""
    running(store, filled_list(store, "a", people(1)))
    (claim,) = ahead(store, "a")
    late = NOW + LEASE_S * 1000 + 1
    assert wait(store.apply([begin(claim.attempt_id, late)])) == (claim.attempt_id,)
    assert store.progress(1).leads[LeadState.READY] == 1


def test_what_a_dead_node_began_is_settled_once_and_its_late_words_change_nothing(store):
    running(store, filled_list(store, "a", people(6)))
    dead, alive = ahead(store, "a", 3), ahead(store, "b", 3)
    wait(store.apply([begin(claim.attempt_id) for claim in (*dead[:2], *alive[:1])]))
    assert wait(store.recover(NOW + 5_000, node="a")) == 3
    assert wait(store.recover(NOW + 5_000, node="a")) == 0
    assert store.progress(1).leads[LeadState.INTERRUPTED] == 2
    assert store.attempts_open() == 3
    before = store.progress(1), store.lead(1, dead[0].lead_id), store.last_ended()
    attempt_id = dead[0].attempt_id
    late = [
        AppendEvents(attempt_id, 0, events(EventKind.DIGIT)),
        finish(attempt_id, keys="1"),
        ReleaseClaim(attempt_id, 0),
    ]
    assert wait(store.apply(late)) == ()
    assert wait(store.apply([begin(attempt_id)])) == (attempt_id,)
    assert (store.progress(1), store.lead(1, dead[0].lead_id), store.last_ended()) == before
    wait(store.apply([finish(alive[0].attempt_id)]))
    assert store.last_ended() == 3


def test_what_is_told_twice_is_done_once(store):
    """A node repeats what was not acknowledged: begin, finish and their outbox rows."""
    running(store, filled_list(store, "a", people(4)))
    wait(store.set_outbox(10))
    for claim in ahead(store, "a", 4):
        for _ in range(3):
            assert wait(store.apply([begin(claim.attempt_id)])) == ()
        for _ in range(3):
            wait(store.apply([finish(claim.attempt_id)]))
    assert [row.seq for _, row in store.outbox(10)] == [1, 2, 3, 4]
    assert wait(store.outbox_done(3)) == 3
    assert wait(store.outbox_done(3)) == 0
    assert [row.seq for _, row in store.outbox(10)] == [4]
    assert store.progress(1).outcomes[Outcome.ANSWERED] == 4


@pytest.mark.parametrize("seed", range(3))
def test_nodes_that_come_and_go_lose_nothing_and_double_nothing(store, seed):
    """Nodes claim, dial, fall asleep, die and repeat themselves; every lead ends at most once."""
    chance = random.Random(seed)
    running(store, filled_list(store, "a", people(60)))
    held: dict[str, list[int]] = {node: [] for node in "abc"}
    begun: dict[int, str] = {}
    now_ms = NOW
    for _ in range(250):
        node = chance.choice("abc")
        now_ms += chance.choice((0, 100, 5_000))
        match chance.randrange(5):
            case 0:
                held[node] += [c.attempt_id for c in ahead(store, node, 2, now_ms)]
            case 1 | 2 if held[node]:
                attempt_id = chance.choice(held[node])
                if not wait(store.apply([begin(attempt_id, now_ms)])):
                    assert begun.setdefault(attempt_id, node) == node
                else:
                    held[node].remove(attempt_id)
            case 3 if held[node]:
                attempt_id = chance.choice(held[node])
                if attempt_id in begun:
                    wait(store.apply([finish(attempt_id, at_ms=now_ms)]))
            case 4 if chance.random() < 0.2:
                wait(store.recover(now_ms, node=node))
                held[node].clear()
    for node in "abc":
        wait(store.recover(now_ms, node=node))
    assert store.attempts_open() == 0
    over = [one.attempt for one in store.ended(0, 1_000)]
    assert {attempt.attempt_id for attempt in over} == set(begun)
    assert len(over) == len(begun)
    assert len({attempt.lead_id for attempt in over}) == len(over)
    assert store.progress(1).leads[LeadState.READY] == 60 - len(over)
