"""People who answered, counted by quarters of an hour in the transaction that ends the attempt."""

import msgspec
import pytest

from dialerd.core.agent_records import AgentState, Standing
from dialerd.core.ops import KeepAgent, Met
from dialerd.core.records import Attempt, DialMode, Direction, Outcome
from dialerd.store import MemoryStore, open_store, wait
from dialerd.store.limits import MET_DROPPED, MET_KEPT_MS
from dialerd.store.met import QUARTER_MS, count
from dialerd.store.schema import MET, met_key
from tests.store.kit import NOW, begin, call, filled_list, finish, people, running, take

QUARTER = NOW - NOW % QUARTER_MS
LATER = QUARTER + 5 * QUARTER_MS


def campaign(store, n=20, name="spring", mode=DialMode.PREDICTIVE):
    made = running(store, filled_list(store, name, people(n)), name, mode=mode)
    return made.campaign_id


def served(store, claim, at_ms):
    call(store, claim, connected_ms=at_ms, human_ms=at_ms - 900, at_ms=at_ms + 70_000)


def lost(store, claim, at_ms, **more):
    call(store, claim, outcome=Outcome.ABANDONED, at_ms=at_ms, **more)


def test_who_had_an_agent_and_who_found_none(store):
    one = campaign(store)
    a, b, c, d, e, f = take(store, one, 6)
    served(store, a, QUARTER + 1)
    served(store, b, QUARTER + QUARTER_MS - 1)  # it ends in the next one
    lost(store, c, LATER, human_ms=QUARTER + 5)
    lost(store, d, LATER)  # picked up as we gave up
    call(store, e, outcome=Outcome.BUSY)
    call(store, f)  # a broadcast's: there is no agent to wait for
    assert store.met(one, 0) == [Met(one, QUARTER, 2, 1), Met(one, LATER, 0, 1)]
    assert store.met(one, QUARTER + QUARTER_MS) == [Met(one, LATER, 0, 1)]
    assert store.met(one, LATER + QUARTER_MS) == []
    assert store.met(one + 1, 0) == []


def test_the_same_end_twice_counts_once_and_campaigns_are_apart(store):
    one, two = campaign(store), campaign(store, name="autumn")
    for number in (one, two):
        (claim,) = take(store, number, 1)
        end = finish(claim.attempt_id, connected_ms=QUARTER + 1)
        wait(store.apply([begin(claim.attempt_id), end, end]))
        wait(store.apply([end]))
        assert store.met(number, 0) == [Met(number, QUARTER, 1, 0)]


@pytest.mark.parametrize("staff", [True, False])
def test_a_conversation_that_a_crash_cut_off_was_one(store, staff):
    one = campaign(store)
    talks, rings = take(store, one, 2)
    where = Standing(
        "an", "1", True, (one,), (), AgentState.TALKING, QUARTER + 7, attempt_id=talks.attempt_id
    )
    wait(store.apply([begin(talks.attempt_id), begin(rings.attempt_id), KeepAgent(where)]))
    wait(store.recover(LATER, staff=staff))
    assert store.met(one, 0) == ([Met(one, QUARTER, 1, 0)] if staff else []), "known by its agent"
    assert store.progress(one).outcomes[Outcome.INTERRUPTED] == 2


def test_who_calls_back_or_is_put_through_is_no_part_of_the_share(store):
    flow, one = campaign(store, name="flow", mode=DialMode.BROADCAST), campaign(store)
    served(store, take(store, flow, 1)[0], QUARTER + 1)
    assert store.met(flow, 0) == []

    def others(unit):
        for direction in (Direction.IN, Direction.OVER):
            count(unit, Attempt(
                99, one, 1, 84, 1, NOW, connected_ms=NOW, outcome=Outcome.ANSWERED,
                direction=direction,
            ))  # fmt: skip

    wait(store._submit(others))
    assert store.met(one, 0) == []


def test_it_outlives_the_process(tmp_path):
    store = open_store(tmp_path, linger_s=0.0)
    one = campaign(store)
    lost(store, take(store, one, 1)[0], QUARTER + 3)
    store.close()
    store = open_store(tmp_path, linger_s=0.0)
    assert store.met(one, 0) == [Met(one, QUARTER, 0, 1)]
    assert store.problems() == []
    store.close()


def test_what_no_window_reaches_any_more_goes(store):
    one = campaign(store)
    claims = take(store, one, 10)
    for i, claim in enumerate(claims[:7]):
        lost(store, claim, QUARTER + i * QUARTER_MS)
    far = QUARTER + MET_KEPT_MS + 7 * QUARTER_MS
    lost(store, claims[7], far)
    assert len(store.met(one, 0)) == 7 - MET_DROPPED + 1
    lost(store, claims[8], far + QUARTER_MS)
    assert [met.begin_ms for met in store.met(one, 0)] == [far, far + QUARTER_MS]
    lost(store, claims[9], 0, human_ms=-5)  # a clock that is far off
    assert store.met(one, 0)[0] == Met(one, 0, 0, 1)


def alter(store, number, at_ms, **changes):
    def work(unit):
        key = met_key(number, at_ms // QUARTER_MS)
        raw = unit.t.met.get(key)
        was = Met(number, at_ms) if raw is None else MET.unpack(raw)
        unit.t.met.put(key, MET.pack(msgspec.structs.replace(was, **changes)))

    wait(store._submit(work))


def test_fsck_knows_counts_that_are_not_so():
    store = MemoryStore()
    one = campaign(store)
    for i, claim in enumerate(take(store, one, 3)):
        lost(store, claim, QUARTER + 2 * i * QUARTER_MS)
    assert store.problems() == []
    for at, changes, text in (
        (LATER - QUARTER_MS, {"lost": 0}, "are 0, 0 of them without an agent; the attempts say 1"),
        (LATER - QUARTER_MS, {"lost": 1, "served": 1}, "are 2, 1 of them"),
        (LATER - QUARTER_MS, {"served": 0}, ""),
        (QUARTER, {"lost": 2}, "are 2, 2 of them"),
        (QUARTER, {"lost": 0}, ""),  # the count began in this quarter, not with it
        (QUARTER + QUARTER_MS, {"served": 1}, "the attempts say 0, 0"),
    ):
        alter(store, one, at, **changes)
        found = store.problems()
        assert any(text in line for line in found) if text else found == []
    alter(store, one, QUARTER + QUARTER_MS, served=0, begin_ms=LATER)
    assert any("lie elsewhere" in line for line in store.problems())
