"""Frequency caps across campaigns."""

from __future__ import annotations

import pytest

from dialerd.core.frequency import eligible_ms
from dialerd.core.ops import ReleaseClaim
from dialerd.core.records import CapCounts, FrequencyCap, LeadState, Outcome
from dialerd.store import caps, wait
from tests.store.kit import NOW, begin, call, filled_list, people, running, take

HOUR_MS = 3_600_000
HEARD, ANSWERED, ATTEMPTED = CapCounts
END = NOW + 9_000  # when the kit's calls end


def two(store, first: FrequencyCap, second: FrequencyCap) -> None:
    list_id = filled_list(store, "a", people(1))
    running(store, list_id, "x", cap=first)
    running(store, list_id, "y", cap=second)


def due(store, campaign_id: int) -> tuple[LeadState, int]:
    found = store.lead(campaign_id, 1)
    return found.lead.state, found.lead.due_s


@pytest.mark.parametrize(
    ("counts", "how", "held"),
    [
        (HEARD, {"outcome": Outcome.NO_ANSWER}, False),
        (HEARD, {"outcome": Outcome.ANSWERED}, False),
        (HEARD, {"outcome": Outcome.ANSWERED, "heard": True}, True),
        (ANSWERED, {"outcome": Outcome.BUSY}, False),
        (ANSWERED, {"outcome": Outcome.ANSWERED}, True),
        (ANSWERED, {"outcome": Outcome.ANSWERED, "heard": True}, True),
        (ATTEMPTED, {"outcome": Outcome.BUSY}, True),
        (ATTEMPTED, {"outcome": Outcome.FAILED}, True),
        (HEARD, {"outcome": Outcome.INTERRUPTED}, True),
    ],
)
def test_what_uses_up_a_cap(store, counts, how, held):
    two(store, FrequencyCap(1, 3600, counts), FrequencyCap(1, 3600, counts))
    call(store, take(store, 1)[0], **how)
    batch = wait(store.claim(2, 1, END + 1, 60))
    assert (len(batch.claims), batch.capped) == ((0, 1) if held else (1, 0))
    if held:
        eligible_s = -(-(END + HOUR_MS) // 1000)
        assert due(store, 2) == (LeadState.CAPPED, eligible_s)
        assert batch.next_due_s == eligible_s
        assert not batch.exhausted
        assert take(store, 2, now_ms=eligible_s * 1000 - 1) == []
        assert len(take(store, 2, now_ms=eligible_s * 1000)) == 1


def test_each_campaign_counts_by_its_own_cap(store):
    two(store, FrequencyCap(1, 3600, HEARD), FrequencyCap(1, 3600, ATTEMPTED))
    call(store, take(store, 1)[0], outcome=Outcome.NO_ANSWER, lead_state=LeadState.RETRY)
    assert take(store, 2, now_ms=END) == []
    assert len(take(store, 1, now_ms=END)) == 1


def test_the_number_is_never_in_flight_twice(store):
    two(store, FrequencyCap(9, 0), FrequencyCap(9, 0))
    held = take(store, 1)[0]
    batch = wait(store.claim(2, 1, NOW, 60))
    assert (batch.claims, batch.capped) == ((), 1)
    assert due(store, 2) == (LeadState.CAPPED, NOW // 1000 + 60)
    wait(store.apply([begin(held.attempt_id)]))
    assert take(store, 2, now_ms=NOW + 60_000) == []
    wait(store.apply([ReleaseClaim(99, 0)]))
    call_end = NOW + 100_000
    wait(store.recover(call_end))
    assert len(take(store, 2, now_ms=NOW + 120_000)) == 1


def test_a_released_claim_uses_up_nothing(store):
    two(store, FrequencyCap(1, 3600, ATTEMPTED), FrequencyCap(1, 3600, ATTEMPTED))
    wait(store.apply([ReleaseClaim(take(store, 1)[0].attempt_id, 0)]))
    assert len(take(store, 2)) == 1


def test_a_crash_uses_up_every_cap(store):
    two(store, FrequencyCap(1, 3600, HEARD), FrequencyCap(1, 3600, HEARD))
    wait(store.apply([begin(take(store, 1)[0].attempt_id)]))
    wait(store.recover(END))
    assert due(store, 1)[0] is LeadState.INTERRUPTED
    assert take(store, 2, now_ms=END) == []
    assert len(take(store, 2, now_ms=END + HOUR_MS)) == 1


def test_several_calls_in_the_window(store):
    cap = FrequencyCap(2, 3600, ATTEMPTED)
    running(store, filled_list(store, "a", people(1)), cap=cap, cap_binds_retries=True)
    retry = {"outcome": Outcome.BUSY, "lead_state": LeadState.RETRY}
    for minute in (0, 10):
        at_ms = NOW + minute * 60_000
        claim = take(store, now_ms=at_ms)[0]
        call(store, claim, **retry, due_s=0, at_ms=at_ms)
    assert take(store, now_ms=NOW + 20 * 60_000) == []
    assert due(store, 1) == (LeadState.CAPPED, NOW // 1000 + 3600)
    assert len(take(store, now_ms=NOW + HOUR_MS)) == 1


def test_capped_leads_are_not_exhausted(store):
    two(store, FrequencyCap(1, 3600, HEARD), FrequencyCap(1, 3600, HEARD))
    call(store, take(store, 1)[0], heard=True)
    assert not wait(store.claim(2, 1, END, 60)).exhausted


def entry(at_ms: int, level: int, attempt_id: int = 1) -> tuple[int, int, int]:
    return at_ms, level, attempt_id


def test_of_several_caps_the_strictest_binds():
    made = [entry(1_000, caps.ANSWERED), entry(50_000, caps.ATTEMPTED)]
    day = FrequencyCap(1, 100, ATTEMPTED)
    month = FrequencyCap(1, 1_000, ANSWERED)
    assert eligible_ms(made, (day,), 60_000) == 150_000
    assert eligible_ms(made, (month,), 60_000) == 1_001_000
    assert eligible_ms(made, (day, month), 60_000) == 1_001_000
    assert eligible_ms(made, (day,), 150_000) == 150_000
    assert eligible_ms(made, (), 60_000) == 60_000


def test_a_clock_set_back_keeps_the_cap():
    made = [entry(90_000, caps.HEARD)]
    assert eligible_ms(made, (FrequencyCap(1, 10, HEARD),), 1_000) == 100_000


def test_what_is_remembered_is_bounded_and_enough():
    year_ms = 366 * 86_400_000
    old = [entry(i, caps.HEARD, i) for i in range(1, 50)]
    fresh = [entry(year_ms + i, 1 + i % 3, 100 + i) for i in range(1, 9_000)]
    kept = caps._pruned([*old, *fresh, entry(5, caps.RESERVED, 9)], year_ms + 10_000)
    assert kept == sorted(kept)
    assert entry(5, caps.RESERVED, 9) in kept
    assert len(kept) <= 1 + 3 * 1_000
    now_ms = year_ms + 10_000
    for counts in CapCounts:
        for calls_max in (1, 7, 1_000):
            cap = (FrequencyCap(calls_max, 366 * 86_400, counts),)
            assert eligible_ms(kept, cap, now_ms) == eligible_ms([*old, *fresh], cap, now_ms)
