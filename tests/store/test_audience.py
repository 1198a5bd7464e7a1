"""Several lists in one campaign: who is in it, once, and in which order they are called."""

from __future__ import annotations

from collections import Counter

import pytest

from dialerd.core.limits import RANK_END
from dialerd.core.list_records import AudiencePart, ListMix, ListShare
from dialerd.core.ports import ConflictError, NotFoundError
from dialerd.core.records import (
    CampaignSettings,
    CampaignState,
    Contact,
    Flow,
    LeadState,
    OtherPhone,
)
from dialerd.store import audience as lists_of
from dialerd.store import wait
from tests.store.kit import FIRST, NOW, call, draft, filled_list, people, running, take

STEP = 4_000


def mixed(store, *sizes: int, weights=(), first=FIRST, **settings):
    """A campaign of as many lists; the numbers of a list begin `first` + 100,000 x its place."""
    made = [
        filled_list(store, f"l{at}", people(size, first + 100_000 * at))
        for at, size in enumerate(sizes)
    ]
    weights = weights or (1,) * len(made)
    shares = tuple(map(ListShare, made, weights))
    return running(store, made[0], lists=shares, **settings)


def list_of(claim) -> int:
    return (claim.phone - FIRST) // 100_000


def test_a_number_that_stands_in_two_lists_is_called_once(store):
    both = filled_list(store, "a", people(5))
    later = filled_list(store, "b", people(8, FIRST + 3))  # 3 and 4 are in both
    shares = (ListShare(both), ListShare(later))
    campaign = running(store, both, lists=shares)
    assert (campaign.audience, [part.people for part in campaign.parts]) == (11, [5, 6])
    phones = [claim.phone for claim in take(store)]
    assert sorted(phones) == [FIRST + i for i in range(11)]
    assert store.progress(1).leads[LeadState.CLAIMED] == 11


def test_the_row_of_the_first_list_speaks_for_who_is_in_two(store):
    wait(store.create_list("a", NOW))
    wait(store.add_contacts(1, [Contact(FIRST, "a", "vina", {"from": "a"})]))
    filled_list(store, "b", [Contact(FIRST, "b", "vina", {"from": "b"}), *people(1, FIRST + 1)])
    running(store, 1, lists=(ListShare(1), ListShare(2)))
    rows = [row for rows in store.report(1) for row in rows]
    assert [(row.lead.lead_id, row.contact.fields) for row in rows] == [
        (1, {"from": "a"}), (3, {"name": "Nguyễn 0"}),
    ]  # fmt: skip
    assert [claim.fields for claim in take(store)] == [{"from": "a"}, {"name": "Nguyễn 0"}]


def test_people_who_come_later_are_in_none_of_its_lists(store):
    mixed(store, 2, 2)
    wait(store.add_contacts(1, people(1, FIRST + 50)))
    wait(store.add_contacts(2, people(1, FIRST + 51)))
    assert len(take(store)) == 4
    for late in (50, 51):
        with pytest.raises(NotFoundError, match="came into the list after 'spring' was approved"):
            store.judged(1, FIRST + late, NOW)
    with pytest.raises(NotFoundError, match="is not in the list"):
        store.judged(1, FIRST + 52, NOW)


@pytest.mark.parametrize("weights", [(1, 1), (3, 1), (1, 4, 5)])
def test_lists_are_called_side_by_side_by_their_weights(store, weights):
    mixed(store, *[400] * len(weights), weights=weights)
    seen: Counter[int] = Counter()
    for _ in range(10):
        seen.update(map(list_of, take(store, n=40)))
        share = sum(seen.values()) / sum(weights)
        for at, weight in enumerate(weights):
            assert abs(seen[at] - weight * share) <= len(weights)


def test_a_list_that_is_over_leaves_its_share_to_the_others(store):
    mixed(store, 10, 100, weights=(9, 1))
    assert Counter(map(list_of, take(store, n=11))) == {0: 10, 1: 1}
    assert Counter(map(list_of, take(store, n=50))) == {1: 50}


def test_in_order_nobody_of_a_list_comes_before_all_of_the_list_before(store):
    mixed(store, 7, 5, 3, weights=(1, 100, 50), mix=ListMix.ORDER)
    assert [list_of(claim) for claim in take(store)] == [0] * 7 + [1] * 5 + [2] * 3


@pytest.mark.parametrize("mix", list(ListMix))
def test_the_priority_of_a_person_stands_above_the_mix(store, mix):
    rows = [
        [Contact(FIRST + 10 * at + i, "", "", {"rank": rank}) for i, rank in enumerate(ranks)]
        for at, ranks in enumerate((["1", "9", ""], ["9", "x", "1"]))
    ]
    for at, contacts in enumerate(rows):
        filled_list(store, f"l{at}", contacts)
    shares = (ListShare(1), ListShare(2))
    running(store, 1, lists=shares, mix=mix, priority_column="rank")
    told = [claim.fields.get("rank", "") for claim in take(store)]
    assert told[:4] == ["9", "9", "1", "1"]
    assert set(told[4:]) == {"", "x"}


def test_a_lead_that_is_given_back_keeps_its_place(store):
    mixed(store, 4, 4)
    first = take(store, n=2)
    assert {lead.due_s for lead in leads(store)} < set(range(20))
    wait(store.claim(1, 1, NOW + 61_000, 60))  # the leases are over
    again = take(store, n=8, now_ms=NOW + 61_000)
    assert {claim.phone for claim in first} <= {claim.phone for claim in again[:2]} | {FIRST}


def leads(store):
    return [row.lead for rows in store.report(1) for row in rows]


def test_freezing_takes_more_than_one_step_of_each_list(store):
    campaign = mixed(store, STEP + 10, 2 * STEP + 1)
    assert campaign.audience == 3 * STEP + 11
    rows = leads(store)
    assert len(rows) == campaign.audience
    assert rows[-1].lead_id == campaign.audience


def test_an_empty_list_among_others_is_no_fault_and_all_empty_ones_are(store):
    wait(store.create_list("empty", NOW))
    full = filled_list(store, "full", people(3))
    made = running(store, 1, lists=(ListShare(1), ListShare(full)))
    assert made.audience == 3
    wait(store.create_list("bare", NOW))
    empty = draft(store, 1, "none", lists=(ListShare(1), ListShare(3)))
    with pytest.raises(ConflictError, match="'empty' and 'bare' is empty"):
        wait(store.move_campaign(empty.campaign_id, CampaignState.APPROVED, "an", NOW))


def test_a_list_that_is_not_there_is_told_when_the_draft_is_made(store):
    filled_list(store, "a", people(1))
    with pytest.raises(NotFoundError, match="no list 7"):
        draft(store, 1, lists=(ListShare(1), ListShare(7)))


def test_a_draft_is_judged_by_its_lists_as_they_are(store):
    a = filled_list(store, "a", people(5))
    b = filled_list(store, "b", people(5, FIRST + 3))
    draft(store, a, lists=(ListShare(a), ListShare(b)))
    for limit in (1, 2, 5, 100):
        seen, after = [], 0
        while True:
            found, after = store.judged_ahead(1, NOW, after, limit)
            seen += [one.contact.phone for one in found]
            if not after:
                break
        assert sorted(seen) == [FIRST + i for i in range(8)]
    assert store.judged(1, FIRST + 7, NOW).lead.lead_id == 10


def test_counts_by_list(store):
    mixed(store, 5, 3)
    for claim in take(store, n=2):
        call(store, claim)
    take(store, n=1)
    counts, after = store.counts_by_list(1, b"")
    assert not after
    assert [sum(one.values()) for one in counts] == [5, 3]
    assert sum((one for one in counts), Counter()) == {
        LeadState.DONE: 2, LeadState.CLAIMED: 1, LeadState.READY: 5,
    }  # fmt: skip


def test_an_erased_person_is_out_of_every_campaign_of_every_list(store):
    mixed(store, 3, 3)
    target = FIRST + 100_001
    counts = wait(store.erase(target, "an", NOW))
    assert (counts["contacts"], counts["leads"]) == (1, 1)
    assert target not in {claim.phone for claim in take(store)}
    assert store.progress(1).leads[LeadState.BLOCKED] == 1


def test_a_person_who_was_erased_before_is_a_blocked_lead_of_its_list(store):
    filled_list(store, "a", people(2))
    filled_list(store, "b", people(2, FIRST + 10))
    wait(store.erase(FIRST + 11, "an", NOW))
    made = running(store, 1, lists=(ListShare(1), ListShare(2)))
    assert made.audience == 4
    assert store.progress(1).leads[LeadState.BLOCKED] == 1


def test_a_sequence_finds_who_heard_in_any_list(store):
    mixed(store, 2, 2)
    heard = next(claim for claim in take(store) if list_of(claim) == 1)
    call(store, heard, heard=True, answered_ms=NOW)
    running(store, 2, "later", after_campaign=1)
    assert [claim.phone for claim in take(store, 2, now_ms=NOW + 60_000)] == [heard.phone]


def test_a_number_of_an_earlier_list_is_no_further_number_of_a_later_one(store):
    filled_list(store, "a", people(1))
    twice = Contact(FIRST + 5, "x", others=(OtherPhone(FIRST), OtherPhone(FIRST + 6)))
    filled_list(store, "b", [twice, Contact(FIRST + 8, "", others=(OtherPhone(FIRST + 9),))])
    running(store, 1, lists=(ListShare(1), ListShare(2)))
    numbers = {row.phone: [one.phone for one in row.numbers] for row in leads(store)}
    assert numbers == {
        FIRST: [], FIRST + 5: [FIRST + 5, FIRST + 6], FIRST + 8: [FIRST + 8, FIRST + 9],
    }  # fmt: skip


def test_ranks_stay_below_any_time_whatever_the_size_of_the_lists():

    huge = 100_000_000
    settings = CampaignSettings(
        "x", 1, Flow(()), "loopback", lists=(ListShare(1, 1), ListShare(2, 100)),
        priority_column="p",
    )  # fmt: skip
    parts = (AudiencePart(1, 0, huge), AudiencePart(2, huge, huge))
    for at in (0, 1):
        rank = lists_of.ranker(settings, parts, at)
        for row in (1, huge):
            low, high = (rank(row, Contact(1, "", "", {"p": p})) for p in ("0", "99"))
            assert 0 < high < low < RANK_END
