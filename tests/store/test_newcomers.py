"""People who come into a campaign's lists after its approval."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dialerd.core.campaign import EXHAUSTED
from dialerd.core.list_records import ListMix, ListShare, Newcomers
from dialerd.core.ports import ConflictError
from dialerd.core.records import CampaignState, Contact, LeadState, OtherPhone
from dialerd.store import newcomers, wait
from tests.store.kit import FIRST, NOW, call, filled_list, people, running, take

CALL = Newcomers.CALL


def one(store, size=3, **settings):
    """A running campaign of one list."""
    return running(store, filled_list(store, "l", people(size)), newcomers=CALL, **settings)


def two(store, *, second=FIRST + 1_000, **settings):
    """A running campaign of two lists with two people each."""
    lists = [filled_list(store, "a", people(2)), filled_list(store, "b", people(2, second))]
    shares = tuple(map(ListShare, lists))
    return running(store, lists[0], lists=shares, newcomers=CALL, **settings)


def push(store, list_id, *phones, fields=None):
    contacts = [Contact(phone, f"+{phone}", "", fields or {}) for phone in phones]
    wait(store.add_contacts(list_id, contacts))
    return wait(store.join(1))


def called(store, n=100):
    return [claim.phone for claim in take(store, n=n)]


def test_who_comes_later_is_called_once(store):
    one(store)
    assert called(store) == [FIRST, FIRST + 1, FIRST + 2]
    assert push(store, 1, FIRST + 7, FIRST + 1, FIRST + 8) == 2
    assert push(store, 1, FIRST + 7) == 0
    assert called(store) == [FIRST + 7, FIRST + 8]
    campaign = store.campaign(1)
    assert (campaign.audience, store.progress(1).leads[LeadState.CLAIMED]) == (5, 5)
    assert store.judged(1, FIRST + 8, NOW).lead.lead_id == 5
    assert store.problems() == []


def test_a_campaign_that_leaves_them_to_others_stays_as_it_was_approved(store):
    running(store, filled_list(store, "l", people(2)))
    assert push(store, 1, FIRST + 7) == 0
    assert store.takers(1) == []
    assert store.campaign(1).audience == 2


@pytest.mark.parametrize("after", [CampaignState.PAUSED, CampaignState.FINISHED])
def test_only_what_is_approved_and_not_over_takes_them(store, after):
    one(store)
    wait(store.create_campaign(replace(store.campaign(1).settings, name="draft"), "x", NOW))
    wait(store.move_campaign(1, after, "x", NOW))
    takes = after is CampaignState.PAUSED
    assert [one.campaign_id for one in store.takers(1)] == [1] * takes
    assert push(store, 1, FIRST + 9) == int(takes)
    assert wait(store.join(2)) == 0  # the draft


def test_of_several_lists_nobody_is_called_twice_whichever_came_first(store):
    two(store)
    push(store, 1, FIRST + 1_000, FIRST + 5)  # the first one is called by the second list
    push(store, 2, FIRST, FIRST + 5, FIRST + 1_005)
    phones = called(store)
    assert sorted(phones) == [FIRST + i for i in (0, 1, 5, 1_000, 1_001, 1_005)]
    assert store.judged(1, FIRST + 1_000, NOW).list_id == 2
    assert store.judged(1, FIRST + 5, NOW).list_id == 1
    assert store.problems() == []
    counts, _ = store.counts_by_list(1, b"")
    assert [count[LeadState.CLAIMED] for count in counts] == [3, 3]


def test_lists_that_grow_in_turn_need_few_parts_and_every_lead_finds_its_row(store, monkeypatch):
    monkeypatch.setattr(newcomers, "ROOM", 4)
    two(store, mix=ListMix.ORDER)
    for turn in range(9):
        push(store, 1, FIRST + 10 + turn, fields={"from": f"a{turn}"})
        push(store, 2, FIRST + 1_010 + turn, fields={"from": f"b{turn}"})
    campaign = store.campaign(1)
    assert len(campaign.parts) == 2 + 2 * 3  # nine people in rooms of four, twice
    assert campaign.audience == 4 + 18 == sum(part.people for part in campaign.parts)
    befores = [part.before for part in campaign.parts]
    assert befores == sorted(befores)
    late = [claim for claim in take(store, n=100) if "from" in claim.fields]
    assert {claim.fields["from"]: claim.phone for claim in late} == {
        f"{name}{turn}": FIRST + first + turn
        for name, first in (("a", 10), ("b", 1_010))
        for turn in range(9)
    }
    rows = [row for rows in store.report(1) for row in rows]
    assert [row.contact.phone for row in rows] == [row.lead.phone for row in rows]
    assert {row.list_id for row in rows if row.lead.phone > FIRST + 999} == {2}
    assert store.problems() == []


def test_a_second_list_without_people_takes_them_too(store):
    lists = [filled_list(store, "a", people(2)), filled_list(store, "b", [])]
    running(store, lists[0], lists=tuple(map(ListShare, lists)), newcomers=CALL)
    push(store, 2, FIRST + 50)
    push(store, 1, FIRST + 60)
    push(store, 2, FIRST + 51)
    assert sorted(called(store)) == [FIRST, FIRST + 1, FIRST + 50, FIRST + 51, FIRST + 60]
    assert store.problems() == []


def test_the_priority_of_who_comes_later_counts(store):
    wait(store.create_list("l", NOW))
    wait(store.add_contacts(1, [Contact(FIRST, "", "", {"rank": "5"})]))
    running(store, 1, newcomers=CALL, priority_column="rank")
    push(store, 1, FIRST + 1, fields={"rank": "9"})
    push(store, 1, FIRST + 2, fields={"rank": "1"})
    assert called(store) == [FIRST + 1, FIRST, FIRST + 2]


def test_side_by_side_they_come_behind_those_of_their_priority(store):
    two(store, priority_column="rank")
    push(store, 1, FIRST + 5)
    push(store, 2, FIRST + 1_005, fields={"rank": "9"})
    phones = called(store)
    assert (phones[0], phones[-1]) == (FIRST + 1_005, FIRST + 5)


def test_further_numbers_of_who_comes_later_are_nobody_elses(store):
    two(store)
    person = Contact(FIRST + 5, "", "", {}, (OtherPhone(FIRST + 1_001), OtherPhone(FIRST + 6)))
    wait(store.add_contacts(1, [person]))
    assert wait(store.join(1)) == 1
    lead = store.judged(1, FIRST + 5, NOW).lead
    assert [one.phone for one in lead.numbers] == [FIRST + 5, FIRST + 6]


def test_many_come_in_steps(store, monkeypatch):
    monkeypatch.setattr(newcomers, "STEP_ROWS", 7)
    two(store)
    assert push(store, 2, *(FIRST + 5_000 + i for i in range(50))) == 50
    assert len(called(store)) == 54
    assert store.problems() == []


def test_it_does_not_finish_by_itself_while_somebody_has_come(store):
    one(store, 1)
    (claim,) = take(store)
    with pytest.raises(ConflictError, match="has people to call again"):
        wait(store.move_campaign(1, CampaignState.FINISHED, "dialerd", NOW, EXHAUSTED))
    assert claim.phone == FIRST
    moved = wait(store.move_campaign(1, CampaignState.FINISHED, "lan", NOW, EXHAUSTED))
    assert moved.state is CampaignState.FINISHED  # a person may


def test_it_does_not_finish_by_itself_while_rows_wait_to_become_leads(store):
    two(store)
    for claim in take(store, n=100):
        call(store, claim)
    assert wait(store.claim(1, 5, NOW, 60)).exhausted is True
    wait(store.add_contacts(2, [Contact(FIRST + 5_000, "", "", {})]))  # an import, not joined yet
    assert wait(store.claim(1, 5, NOW, 60)).exhausted is False
    with pytest.raises(ConflictError, match="has people to call again"):
        wait(store.move_campaign(1, CampaignState.FINISHED, "dialerd", NOW, EXHAUSTED))
    assert wait(store.join(1)) == 1
    assert called(store) == [FIRST + 5_000]


def test_nobody_is_claimed_by_an_n_of_0_which_tells_whether_somebody_is_left(store):
    one(store, 1)
    batch = wait(store.claim(1, 0, NOW, 60))
    assert (batch.claims, batch.exhausted) == ((), False)
    take(store)
    push(store, 1, FIRST + 1)
    assert wait(store.claim(1, 0, NOW, 60)).exhausted is False
