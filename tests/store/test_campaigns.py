"""The gate: creation, moves, the frozen audience."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import pytest

from dialerd.core.ports import ConflictError, NotFoundError, StoreError
from dialerd.core.records import CampaignState, FrequencyCap, LeadState
from dialerd.store import MemoryStore, campaigns, wait
from dialerd.store.unit import More
from tests.store.kit import FIRST, NOW, draft, filled_list, people, running, take

DRAFT, APPROVED, RUNNING, PAUSED, FINISHED = CampaignState


def test_created_as_a_draft_and_found_by_name_and_id(store):
    campaign = draft(store, filled_list(store, "a", people(2)), "mùa xuân")
    assert campaign.state is DRAFT
    assert store.campaigns() == [campaign]
    assert store.campaign(campaign.campaign_id) == campaign
    assert store.find_campaign("mùa xuân") == campaign
    assert store.find_campaign(str(campaign.campaign_id)) == campaign


def test_a_name_that_is_a_number_wins_over_the_id(store):
    list_id = filled_list(store, "a", people(1))
    first, second = draft(store, list_id, "2"), draft(store, list_id, "x")
    assert store.find_campaign("2") == first
    assert store.find_campaign("1") == first
    assert second.campaign_id == 2


@pytest.mark.parametrize("name", ["zz", "77", "99999999999999999999", "", "-1", "²"])
def test_unknown_campaigns(store, name):
    with pytest.raises(NotFoundError):
        store.find_campaign(name)


def test_unknown_ids(store):
    for campaign_id in (5, 0, -1, 1 << 33):
        with pytest.raises(NotFoundError):
            store.campaign(campaign_id)
        with pytest.raises(NotFoundError):
            store.progress(campaign_id)
        with pytest.raises(NotFoundError):
            wait(store.claim(campaign_id, 1, NOW, 60))
        with pytest.raises(NotFoundError):
            list(store.report(campaign_id))


def test_refused_at_creation(store):
    list_id = filled_list(store, "a", people(1))
    draft(store, list_id, "x")
    with pytest.raises(ConflictError, match="already"):
        draft(store, list_id, "x")
    with pytest.raises(NotFoundError, match="list 9"):
        draft(store, 9, "y")
    with pytest.raises(StoreError, match="calls_max"):
        draft(store, list_id, "y", cap=FrequencyCap(0, 5))
    assert len(store.campaigns()) == 1


def test_moves_are_recorded_with_who_and_when(store):
    campaign = draft(store, filled_list(store, "a", people(2)))
    number = campaign.campaign_id
    wait(store.move_campaign(number, APPROVED, "binh", NOW + 1))
    wait(store.move_campaign(number, RUNNING, "an", NOW + 2))
    wait(store.move_campaign(number, PAUSED, "an", NOW + 3, "lunch"))
    found = [(m.who, m.at_ms - NOW, m.before, m.after, m.reason) for m in store.moves(number)]
    assert found == [
        ("an", 0, DRAFT, DRAFT, "created"),
        ("binh", 1, DRAFT, APPROVED, ""),
        ("an", 2, APPROVED, RUNNING, ""),
        ("an", 3, RUNNING, PAUSED, "lunch"),
    ]
    assert store.campaign(number).state is PAUSED


def test_an_illegal_move_names_the_legal_ones_and_changes_nothing(store):
    campaign = draft(store, filled_list(store, "a", people(2)))
    with pytest.raises(ConflictError) as caught:
        wait(store.move_campaign(campaign.campaign_id, RUNNING, "an", NOW))
    assert caught.value.allowed == ("approve",)
    assert store.campaign(campaign.campaign_id) == campaign
    assert len(store.moves(campaign.campaign_id)) == 1


def test_approval_freezes_the_audience(store):
    list_id = filled_list(store, "a", people(9_000))
    campaign = running(store, list_id)
    assert campaign.audience == 9_000
    wait(store.add_contacts(list_id, people(3, 84_900_000_000)))
    assert store.progress(campaign.campaign_id).leads[LeadState.READY] == 9_000
    assert sum(len(chunk) for chunk in store.report(campaign.campaign_id)) == 9_000


def test_an_empty_list_is_not_approved(store):
    campaign = draft(store, filled_list(store, "a", []))
    with pytest.raises(ConflictError, match="nobody to call"):
        wait(store.move_campaign(campaign.campaign_id, APPROVED, "an", NOW))
    assert store.campaign(campaign.campaign_id).state is DRAFT


def test_nothing_is_claimed_unless_running(store):
    campaign = draft(store, filled_list(store, "a", people(2)))
    for after in (None, APPROVED, RUNNING, PAUSED):
        if after is not None:
            wait(store.move_campaign(campaign.campaign_id, after, "an", NOW))
        if after is not RUNNING:
            with pytest.raises(ConflictError, match="not running"):
                take(store, campaign.campaign_id)


def test_campaigns_of_one_list_have_leads_of_their_own(store):
    list_id = filled_list(store, "a", people(3))
    first, second = running(store, list_id, "x"), running(store, list_id, "y")
    assert len(take(store, first.campaign_id, 2)) == 2
    assert store.progress(first.campaign_id).leads[LeadState.READY] == 1
    assert store.progress(second.campaign_id).leads[LeadState.READY] == 3


@pytest.mark.parametrize("after", range(6))
def test_who_is_erased_while_a_campaign_is_approved_is_not_called(monkeypatch, after):
    """In whichever step of the approval it comes."""
    monkeypatch.setattr(campaigns, "STEP_ROWS", 2)
    store = MemoryStore()
    campaign = draft(store, filled_list(store, "a", people(6)))
    move = partial(
        campaigns.move_campaign,
        campaign_id=campaign.campaign_id,
        after=APPROVED,
        note=("an", 1, ""),
    )
    found = wait(store._submit(partial(kept, work=move))).value
    steps = 0
    while isinstance(found, More):
        steps += 1
        if steps == after:
            assert wait(store.erase(FIRST, "an", NOW))["contacts"] == 1
        found = wait(store._submit(partial(kept, work=found.then))).value
    wait(store.move_campaign(campaign.campaign_id, RUNNING, "an", NOW))
    claimed = {claim.phone for claim in take(store)}
    assert claimed == {FIRST + i for i in range(0 < after <= steps, 6)}
    assert store.problems() == []
    assert steps >= 4


class Kept(NamedTuple):
    """So that the store does not go on by itself."""

    value: Any


def kept(unit, work) -> Kept:
    return Kept(work(unit))
