"""What the rules make of leads at the claim and when dialing begins."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dialerd.core.ops import ReleaseClaim
from dialerd.core.ports import StoreError
from dialerd.core.records import (
    WAITING,
    BanList,
    CapCounts,
    Contact,
    DoNotCall,
    FrequencyCap,
    Hours,
    LeadState,
    Outcome,
)
from dialerd.store import wait
from tests.store.kit import FIRST, NOW, begin, call, filled_list, people, running, take

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BUSY = {"outcome": Outcome.BUSY, "lead_state": LeadState.RETRY}


def lead(store, lead_id=1, campaign_id=1):
    return store.lead(campaign_id, lead_id).lead


def states(store):
    return {state: n for state, n in store.progress(1).leads.items() if n}


def add(store, *entries):
    return wait(store.dnc_add(list(entries)))


# -- do not call ----------------------------------------------------------------------------


def test_a_number_blocked_for_a_while_rests_and_is_served_again(store):
    running(store, filled_list(store, "a", people(2)))
    add(store, DoNotCall(FIRST, NOW, "asked", until_ms=NOW + DAY_MS))
    (other,) = take(store)
    assert other.phone == FIRST + 1
    call(store, other)
    assert lead(store).state is LeadState.RESTING
    assert lead(store).due_s == (NOW + DAY_MS) // 1000
    assert take(store, now_ms=NOW + DAY_MS - 1000) == []
    (again,) = take(store, now_ms=NOW + DAY_MS)
    assert again.phone == FIRST
    assert store.problems() == []


def test_one_campaigns_entry_leaves_the_others_alone(store):
    list_id = filled_list(store, "a", people(1))
    running(store, list_id)
    running(store, list_id, "summer")
    assert add(store, DoNotCall(FIRST, NOW, campaign_id=1)) == 1
    assert take(store, 1) == []
    assert states(store)[LeadState.BLOCKED] == 1
    assert len(take(store, 2)) == 1
    assert not store.dnc_has(FIRST)  # our own list for all campaigns


def test_the_register_binds_advertising_only(store):
    list_id = filled_list(store, "a", people(1))
    noon = int(datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")).timestamp()) * 1000
    running(store, list_id, "ads", regime="vn-advertising", consent="kept in a file")
    running(store, list_id, "care", regime="vn-care", hours=(Hours(0, 1440),))
    add(store, DoNotCall(FIRST, NOW, kind=BanList.REGISTER))
    assert take(store, 1, now_ms=noon) == []
    assert len(take(store, 2, now_ms=noon)) == 1


def test_calls_that_a_list_kept_from_being_made_are_counted(store):
    list_id = filled_list(store, "a", people(1))
    for name in ("one", "two"):
        running(store, list_id, name)
    add(store, DoNotCall(FIRST, NOW, kind=BanList.BLACKLIST))
    take(store, 1)
    take(store, 2)
    (entry,) = store.bans(FIRST)
    assert (entry.kind, entry.hits) == (BanList.BLACKLIST, 2)


def test_a_longer_entry_replaces_a_shorter_one_and_no_other(store):
    add(store, DoNotCall(FIRST, 1, "a", until_ms=500))
    assert add(store, DoNotCall(FIRST, 2, "b", until_ms=900)) == 0
    assert add(store, DoNotCall(FIRST, 3, "c", until_ms=700)) == 0
    assert store.dnc_find(FIRST).source == "b"
    add(store, DoNotCall(FIRST, 4, "d"))
    add(store, DoNotCall(FIRST, 5, "e", until_ms=10**15))
    assert store.dnc_find(FIRST).source == "d"


def test_lists_are_told_apart_when_read_and_removed(store):
    blacklist = DoNotCall(FIRST, 1, kind=BanList.BLACKLIST)
    add(
        store,
        DoNotCall(FIRST, 1),
        blacklist,
        DoNotCall(FIRST + 1, 1),
        DoNotCall(FIRST, 1, "", BanList.OWN, 4),
    )
    assert [one.phone for page in store.dnc_list(1) for one in page] == [FIRST, FIRST + 1]
    assert [one for page in store.dnc_list(1, kind=BanList.BLACKLIST) for one in page] == [
        blacklist
    ]
    assert len(store.bans(FIRST)) == 3
    assert wait(store.dnc_remove(FIRST))
    assert not wait(store.dnc_remove(FIRST))
    assert wait(store.dnc_remove(FIRST, kind=BanList.BLACKLIST))
    assert wait(store.dnc_remove(FIRST, campaign_id=4))
    assert store.bans(FIRST) == []
    with pytest.raises(StoreError, match=r"no E\.164"):
        add(store, DoNotCall(0, 1))


def test_a_ban_that_comes_after_the_claim_stops_the_dial(store):
    running(store, filled_list(store, "a", people(2)))
    first, second = take(store)
    add(store, DoNotCall(first.phone, NOW, until_ms=NOW + DAY_MS))
    add(store, DoNotCall(second.phone, NOW, kind=BanList.BLACKLIST))
    assert set(wait(store.apply([begin(first.attempt_id), begin(second.attempt_id)]))) == {1, 2}
    assert lead(store, 1).state is LeadState.RESTING
    assert lead(store, 2).state is LeadState.BLOCKED
    assert store.problems() == []


# -- hours where people live, consent --------------------------------------------------------


def test_each_lead_waits_for_the_hours_where_it_lives(store):
    living = [
        Contact(FIRST, "a", fields={"zone": "Asia/Ho_Chi_Minh"}),
        Contact(FIRST + 1, "b", fields={"zone": "Europe/London"}),
        Contact(FIRST + 2, "c", fields={"zone": "nowhere"}),  # the regime's, then
    ]
    hours = (Hours(9 * 60, 17 * 60),)
    running(store, filled_list(store, "a", living), hours=hours, zone_column="zone")
    morning = int(datetime(2026, 11, 23, 9, 30, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")).timestamp())
    claims = take(store, now_ms=morning * 1000)
    assert [(one.phone, one.zones) for one in claims] == [
        (FIRST, ("Asia/Ho_Chi_Minh",)),
        (FIRST + 2, ()),
    ]
    for one in claims:
        call(store, one)
    london = int(datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("Europe/London")).timestamp())
    assert (lead(store, 2).state, lead(store, 2).due_s) == (LeadState.READY, london)
    assert [one.phone for one in take(store, now_ms=london * 1000)] == [FIRST + 1]


def test_who_never_agreed_is_not_called_where_consent_is_asked_for(store):
    living = [Contact(FIRST, "a", fields={"agreed": "form 1"}), Contact(FIRST + 1, "b")]
    running(store, filled_list(store, "a", living), consent_column="agreed")
    (one,) = take(store)
    assert one.phone == FIRST
    assert lead(store, 2).state is LeadState.BLOCKED
    wait(store.apply([begin(one.attempt_id)]))
    ((attempt, _),) = store.lead(1, 1).attempts
    assert "consent form 1" in attempt.evidence


# -- caps, retries, rechecks ------------------------------------------------------------------


@pytest.mark.parametrize("binds", [False, True])
def test_a_retry_is_exempt_from_the_campaigns_cap_unless_so_set(store, binds):
    cap = FrequencyCap(1, 3600, CapCounts.ATTEMPTED)
    running(store, filled_list(store, "a", people(1)), cap=cap, cap_binds_retries=binds)
    call(store, take(store)[0], **BUSY)
    found = take(store, now_ms=NOW + 60_000)
    assert len(found) == (0 if binds else 1)
    assert (lead(store).state is LeadState.CAPPED) is binds
    if found:
        wait(store.apply([begin(found[0].attempt_id)]))
        assert "exempt" in store.lead(1, 1).attempts[-1][0].evidence


def test_the_regimes_cap_stops_a_retry_and_says_when(store):
    noon = int(datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")).timestamp()) * 1000
    running(
        store,
        filled_list(store, "a", people(1)),
        regime="vn-advertising",
        consent="kept in a file",
        attempts_max=3,
    )
    call(store, take(store, now_ms=noon)[0], **BUSY, at_ms=noon)
    assert take(store, now_ms=noon + HOUR_MS) == []
    assert (lead(store).state, lead(store).due_s) == (LeadState.CAPPED, (noon + DAY_MS) // 1000)
    assert len(take(store, now_ms=noon + DAY_MS)) == 1


def test_tries_are_counted_by_outcome(store):
    running(store, filled_list(store, "a", people(1)))
    for outcome in (Outcome.BUSY, Outcome.NO_ANSWER, Outcome.BUSY):
        (one,) = take(store, now_ms=NOW + 10_000)
        call(store, one, outcome=outcome, lead_state=LeadState.RETRY)
    (last,) = take(store, now_ms=NOW + 10_000)
    assert last.tries == {Outcome.BUSY: 2, Outcome.NO_ANSWER: 1}


def test_a_phone_that_is_off_waits_and_then_leaves_the_dialing_list(store):
    running(store, filled_list(store, "a", people(1)))
    off = {"outcome": Outcome.UNREACHABLE}
    due_s = NOW // 1000 + 7_200
    call(store, take(store)[0], **off, lead_state=LeadState.RECHECK, due_s=due_s)
    assert (lead(store).state, lead(store).due_s) == (LeadState.RECHECK, due_s)
    found = wait(store.claim(1, 9, NOW, 60))
    assert (found.claims, found.next_due_s, found.exhausted) == ((), due_s, False)
    call(store, take(store, now_ms=due_s * 1000)[0], **off, lead_state=LeadState.UNREACHABLE)
    assert wait(store.claim(1, 9, due_s * 2000, 60)).exhausted
    assert states(store) == {LeadState.UNREACHABLE: 1}


def test_everything_that_waits_is_claimed_when_due_whatever_its_state(store):
    assert set(WAITING) == {
        LeadState.READY, LeadState.RETRY, LeadState.RECHECK, LeadState.CAPPED, LeadState.RESTING,
        LeadState.CALLBACK,
    }  # fmt: skip


@pytest.mark.parametrize("heard", [False, True])
def test_after_an_abandoned_call_the_regime_locks_the_number(store, heard):
    london = ZoneInfo("Europe/London")
    noon = int(datetime(2026, 11, 23, 12, tzinfo=london).timestamp()) * 1000
    list_id = filled_list(store, "a", people(1))
    more = {"regime": "uk-ofcom", "consent": "form 7", "attempts_max": 9}
    running(store, list_id, **more)
    retry = {"outcome": Outcome.ABANDONED, "lead_state": LeadState.RETRY, "answered_ms": noon}
    call(store, take(store, now_ms=noon)[0], **retry, heard=heard, at_ms=noon)
    assert take(store, now_ms=noon + DAY_MS) == []
    assert lead(store).due_s == (noon + 3 * DAY_MS) // 1000
    assert len(take(store, now_ms=noon + 3 * DAY_MS)) == 1


# -- sequences ---------------------------------------------------------------------------------


def test_the_second_message_goes_to_who_heard_the_first_and_waits(store):
    list_id = filled_list(store, "a", people(4))
    running(store, list_id, "first")
    heard, answered, busy, _ = take(store, 1)
    call(store, heard, heard=True, answered_ms=NOW)
    call(store, answered, answered_ms=NOW)
    call(store, busy, **BUSY)
    running(store, list_id, "second", after_campaign=1, after_s=3_600)
    assert take(store, 2, now_ms=NOW + 20_000) == []
    in_second = [lead(store, row, 2) for row in (1, 2, 3, 4)]
    assert [one.state for one in in_second] == [
        LeadState.READY, LeadState.BLOCKED, LeadState.READY, LeadState.CAPPED,
    ]  # fmt: skip
    assert in_second[0].due_s == (NOW + 9_000 + HOUR_MS) // 1000
    assert [one.phone for one in take(store, 2, now_ms=NOW + 9_000 + HOUR_MS)] == [FIRST]


# -- priorities --


def test_people_are_called_by_their_priority_and_keep_it_when_given_back(store):
    ranks = ["5", "", "90", "x", "250", "5"]
    living = [Contact(FIRST + i, "a", fields={"vip": rank}) for i, rank in enumerate(ranks)]
    running(store, filled_list(store, "a", living), priority_column="vip")
    claims = take(store)
    order = [one.phone - FIRST for one in claims]
    assert order == [4, 2, 0, 5, 1, 3]
    wait(store.apply([ReleaseClaim(one.attempt_id, NOW // 1000) for one in reversed(claims)]))
    assert [one.phone - FIRST for one in take(store, now_ms=NOW + 5_000)][:4] == [4, 2, 0, 5]
    assert store.problems() == []
