"""What people change about lists, people and callbacks beside the dialer, on both engines."""

import pytest

from dialerd.core.agent_records import Callback
from dialerd.core.ports import ConflictError, NotFoundError, StoreError
from dialerd.core.records import CampaignState, DoNotCall, LeadState
from dialerd.store import wait
from dialerd.store.limits import CONTACT_BYTES_MAX
from tests.store.kit import FIRST, NOW, begin, filled_list, finish, people, running, take

NOW_S = NOW // 1000


def shop(store, count=3, **settings):
    return running(store, filled_list(store, "list", people(count)), **settings).campaign_id


def promise(lead=1, due_s=NOW_S + 600, campaign=1, **more):
    return Callback(campaign, lead, 0, due_s, booked_ms=NOW, booked_by="bình", **more)


def state_of(store, lead=1):
    return store.lead(1, lead).lead.state


def test_a_list_is_renamed(store):
    list_id = filled_list(store, "old", people(2))
    filled_list(store, "taken", [])
    assert wait(store.change_list(list_id, "new")).name == "new"
    assert store.find_list("new").size == 2
    with pytest.raises(NotFoundError):
        store.find_list("old")
    with pytest.raises(ConflictError):
        wait(store.change_list(list_id, "taken"))
    with pytest.raises(StoreError):
        wait(store.change_list(list_id, "\n"))
    with pytest.raises(NotFoundError):
        wait(store.change_list(9, "x"))
    assert wait(store.create_list("old", NOW)).name == "old"


def test_nobody_is_added_to_a_closed_list(store):
    list_id = filled_list(store, "list", people(2))
    assert wait(store.change_list(list_id, at_ms=NOW)).closed_ms == NOW
    assert wait(store.change_list(list_id, at_ms=NOW + 5)).closed_ms == NOW
    with pytest.raises(ConflictError, match="closed"):
        wait(store.add_contacts(list_id, people(1, FIRST + 50)))
    wait(store.change_list(list_id, at_ms=0))
    assert wait(store.add_contacts(list_id, people(1, FIRST + 50))).added == 1
    assert store.contact_list(list_id).size == 3


def test_a_list_is_read_in_pages(store):
    list_id = filled_list(store, "list", people(5))
    filled_list(store, "other", people(2, FIRST + 100))
    rows = store.list_people(list_id, 0, 2)
    assert [row for row, _ in rows] == [1, 2]
    rows = store.list_people(list_id, 2, 10)
    assert [(row, contact.phone) for row, contact in rows] == [
        (3, FIRST + 2), (4, FIRST + 3), (5, FIRST + 4),
    ]  # fmt: skip
    assert store.list_people(list_id, 1 << 40, 10) == []
    with pytest.raises(NotFoundError):
        store.list_people(7, 0, 10)


def test_a_person_is_changed(store):
    list_id = filled_list(store, "list", people(2))
    seen = {"name": "Nguyễn 0"}
    changed = wait(store.change_person(list_id, 1, {"name": "", "city": "Huế"}, seen))
    assert changed.fields == {"city": "Huế"}
    assert store.contact_list(list_id).columns == ("name", "city")
    with pytest.raises(ConflictError, match="meanwhile"):
        wait(store.change_person(list_id, 1, {"name": "x"}, seen))
    with pytest.raises(NotFoundError):
        wait(store.change_person(list_id, 3, {"name": "x"}))
    with pytest.raises(StoreError, match="bytes"):
        wait(store.change_person(list_id, 1, {"name": "x" * CONTACT_BYTES_MAX}))
    with pytest.raises(StoreError, match="columns"):
        wait(store.change_person(list_id, 1, {f"c{n}": "x" for n in range(5_000)}))
    assert dict(store.list_people(list_id, 0, 9))[1].fields == {"city": "Huế"}


def test_an_erased_person_stays_erased(store):
    list_id = filled_list(store, "list", people(1))
    wait(store.erase(FIRST, "an", NOW))
    with pytest.raises(ConflictError):
        wait(store.change_person(list_id, 1, {"name": "x"}))


def test_a_callback_is_booked_moved_and_cancelled(store):
    shop(store)
    kept = wait(store.book_callback(promise(2, note="after lunch")))
    assert kept.phone == FIRST + 1
    assert state_of(store, 2) is LeadState.CALLBACK
    assert store.callback(1, 2) == kept
    assert [claim.lead_id for claim in take(store)] == [1, 3]
    moved = wait(store.book_callback(promise(2, NOW_S + 30), move=True))
    assert store.callbacks_page((0, 0), 10) == [moved]
    later = take(store, now_ms=NOW + 31_000)
    assert [claim.callback and claim.callback.due_s for claim in later] == [NOW_S + 30]


def test_a_callback_that_is_cancelled_calls_nobody(store):
    shop(store)
    wait(store.book_callback(promise(1, agent="an")))
    assert wait(store.cancel_callback(1, 1)).agent == "an"
    assert state_of(store) is LeadState.DONE
    assert store.callback(1, 1) is None
    with pytest.raises(NotFoundError):
        wait(store.cancel_callback(1, 1))
    wait(store.book_callback(promise(2)))
    wait(store.cancel_callback(1, 2, NOW_S))
    assert state_of(store, 2) is LeadState.RETRY
    assert sorted(claim.lead_id for claim in take(store)) == [2, 3]


def test_callbacks_of_all_campaigns_in_pages(store):
    first, second = shop(store), running(store, 1, "summer").campaign_id
    for campaign, lead in ((second, 1), (first, 2), (first, 3)):
        wait(store.book_callback(promise(lead, campaign=campaign)))
    where = [(one.campaign_id, one.lead_id) for one in store.callbacks_page((0, 0), 2)]
    assert where == [(first, 2), (first, 3)]
    assert [one.campaign_id for one in store.callbacks_page(where[-1], 9)] == [second]
    assert len(store.callbacks_page((0, 0), 9, second)) == 1
    assert store.callbacks_page((second, 1), 9, first) == []


def test_who_cannot_be_promised_a_call(store):
    shop(store)
    (claim,) = take(store, n=1)
    for changed in (promise(claim.lead_id), promise(claim.lead_id, NOW_S)):
        with pytest.raises(ConflictError, match="being called"):
            wait(store.book_callback(changed))
    with pytest.raises(NotFoundError):
        wait(store.book_callback(promise(9)))
    with pytest.raises(NotFoundError):
        wait(store.book_callback(promise(campaign=9)))
    with pytest.raises(NotFoundError, match="no callback"):
        wait(store.book_callback(promise(2), move=True))
    wait(store.dnc_add([DoNotCall(FIRST + 1, NOW)]))
    take(store)
    assert state_of(store, 2) is LeadState.BLOCKED
    with pytest.raises(ConflictError, match="not to be called"):
        wait(store.book_callback(promise(2)))
    wait(store.apply([begin(claim.attempt_id), finish(claim.attempt_id)]))
    assert wait(store.book_callback(promise(1))).phone == FIRST
    wait(store.move_campaign(1, CampaignState.FINISHED, "an", NOW))
    with pytest.raises(ConflictError, match="finished"):
        wait(store.book_callback(promise(3)))


def test_bans_in_pages(store):
    wait(store.dnc_add([DoNotCall(FIRST + n, NOW) for n in range(5)]))
    found = store.bans_page(DoNotCall(1, 0).kind, FIRST + 1, 2)
    assert [one.phone for one in found] == [FIRST + 2, FIRST + 3]
