"""Everything about one number: shown, erased; caps and do-not-call hold; the rules stay whole."""

from __future__ import annotations

import pytest

from dialerd.core.ops import KeepLine
from dialerd.core.ports import ConflictError
from dialerd.core.records import (
    CallEvent,
    CampaignState,
    DoNotCall,
    EventKind,
    FrequencyCap,
    LeadState,
)
from dialerd.store import wait
from dialerd.store.engine import TABLE_NAMES
from dialerd.store.reading import scan_all
from tests.store.kit import (
    FIRST,
    NOW,
    begin,
    call,
    draft,
    filled_list,
    finish,
    people,
    running,
    take,
)

DAY = 86_400_000
CAP = FrequencyCap(1, 30 * 86_400)


def everything(store) -> bytes:
    """Keys and values of all tables but the do-not-call list, one behind the other."""

    def read(unit):
        return b"\n".join(
            key + value
            for name in TABLE_NAMES
            if name != "dnc"
            for key, value in scan_all(getattr(unit.t, name), b"", b"\xff" * 64)
        )

    return store._read(read)


def traces(store, phone: int) -> int:
    """How often a number, in any form, is somewhere in the file."""
    content = everything(store)
    forms = [phone.to_bytes(8), str(phone).encode(), f"0{phone - 84 * 10**9}".encode()]
    return sum(content.count(form) for form in forms)


@pytest.fixture
def called(store):
    """A number in two lists and two campaigns, called once in the first, its cap used up."""
    first = filled_list(store, "a", people(4))
    one = running(store, first, "one", cap=CAP)
    second = filled_list(store, "b", people(2))
    two = running(store, second, "two", cap=CAP)
    claims = take(store, one.campaign_id, 1)
    spoke = (
        CallEvent(NOW, EventKind.DIGIT, "5 rfc4733"),
        CallEvent(NOW, EventKind.RECORDED, "2026-09-21/84912000000-1.wav 2.00 s, 4 bytes"),
    )
    call(store, claims[0], events=spoke, keys="5", heard=True)
    assert claims[0].phone == FIRST
    assert one.campaign_id, two.campaign_id == (1, 2)
    return store


def test_everything_is_shown(called):
    found = called.about(FIRST)
    assert [people.name for people, _ in found.listed] == ["a", "b"]
    assert found.listed[0][1].fields == {"name": "Nguyễn 0"}
    assert [(one.campaign.settings.name, one.lead.state) for one in found.tried] == [
        ("one", LeadState.DONE), ("two", LeadState.READY),
    ]  # fmt: skip
    assert [attempt.keys for attempt, _ in found.tried[0].attempts] == ["5"]
    assert found.recordings == ["2026-09-21/84912000000-1.wav"]
    assert len(found.caps) == 1
    assert found.dnc is None
    nobody = called.about(84_999_999_999)
    assert (nobody.listed, nobody.tried, nobody.caps) == ((), (), ())


def test_an_erased_number_is_nowhere_and_the_books_still_hold(called):
    assert traces(called, FIRST) > 6
    before = called.progress(1), called.last_ended()
    counts = wait(called.erase(FIRST, "an", NOW))
    assert counts == {
        "contacts": 2, "leads": 2, "attempts": 1, "events": 1, "calls under caps": 1,
        "notes": 0, "answers": 0,
    }  # fmt: skip
    assert traces(called, FIRST) == 0
    assert called.problems() == []
    assert (called.progress(1), called.last_ended()) == before
    assert called.progress(2).leads[LeadState.BLOCKED] == 1
    (row, *_) = called.ended(0, 5)
    assert (row.attempt.phone, row.attempt.keys, row.events) == (0, "", ())
    assert row.attempt.outcome == "answered"
    found = called.about(FIRST)
    assert (found.listed, found.tried, len(found.caps)) == ((), (), 1)
    (line,) = called.audit()
    assert (line.who, line.at_ms, line.counts) == ("an", NOW, counts)
    assert "84912" not in repr(line)
    assert wait(called.erase(FIRST, "an", NOW))["contacts"] == 0
    assert len(called.audit()) == 1
    assert all(claim.phone != FIRST for claim in take(called, 2, 10))


def test_the_cap_holds_when_the_number_comes_back(called):
    wait(called.erase(FIRST, "an", NOW))
    three = running(called, filled_list(called, "c", people(1)), "three", cap=CAP)
    soon = wait(called.claim(three.campaign_id, 5, NOW + DAY, 60))
    assert (len(soon.claims), soon.capped) == (0, 1)
    later = NOW + 31 * DAY
    (claim,) = take(called, three.campaign_id, 5, later)
    assert called.problems() == []
    wait(called.apply([begin(claim.attempt_id, later), finish(claim.attempt_id, at_ms=later)]))
    assert len(called.about(FIRST).caps) == 2
    assert called.problems() == []
    assert wait(called.erase(FIRST, "an", NOW))["calls under caps"] == 2
    assert traces(called, FIRST) == 0
    assert called.problems() == []


def test_the_do_not_call_list_keeps_it(called):
    wait(called.dnc_add([DoNotCall(FIRST, NOW, "asked")]))
    wait(called.erase(FIRST, "an", NOW))
    assert called.dnc_has(FIRST)
    four = running(called, filled_list(called, "d", people(1)), "four")
    assert wait(called.claim(four.campaign_id, 5, NOW, 60)).blocked == 1


def test_a_number_that_is_being_called_is_not_erased(store):
    running(store, filled_list(store, "a", people(1)))
    (claim,) = take(store)
    before = everything(store)
    with pytest.raises(ConflictError, match="being called just now"):
        wait(store.erase(FIRST, "an", NOW))
    assert everything(store) == before
    call(store, claim)
    wait(store.erase(FIRST, "an", NOW))
    assert traces(store, FIRST) == 0


def test_who_was_erased_is_not_called_by_a_later_campaign(store):
    list_id = filled_list(store, "a", people(3))
    wait(store.erase(FIRST + 1, "an", NOW))
    campaign = running(store, list_id)
    assert campaign.audience == 3
    progress = store.progress(1).leads
    assert (progress[LeadState.READY], progress[LeadState.BLOCKED]) == (2, 1)
    assert sorted(claim.phone for claim in take(store)) == [FIRST, FIRST + 2]
    assert store.problems() == []


def test_the_same_person_may_be_added_again(store):
    list_id = filled_list(store, "a", people(2))
    wait(store.erase(FIRST, "an", NOW))
    added = wait(store.add_contacts(list_id, people(2)))
    assert (added.added, added.duplicates) == (1, (1,))
    assert store.standing(list_id, [FIRST, FIRST + 1]) == [(3, False), (2, False)]
    draft(store, list_id)
    assert wait(store.move_campaign(1, CampaignState.APPROVED, "an", NOW)).audience == 3
    assert store.problems() == []


def test_a_number_whose_call_of_before_is_not_ended_is_not_erased(store):
    """Its line names the number, and without the line nobody could hang the call up."""
    running(store, filled_list(store, "a", people(2)))
    claim = take(store, n=1)[0]
    wait(store.apply([begin(claim.attempt_id), KeepLine(claim.attempt_id, b"BYE to 84912000000")]))
    assert "just now" in store.about(claim.phone).busy
    wait(store.recover(NOW + 60_000))
    found = store.about(claim.phone)
    assert found.old_calls == (claim.attempt_id,)
    before = everything(store)
    with pytest.raises(ConflictError, match="call of before"):
        wait(store.erase(claim.phone, "an", NOW))
    assert "call of before" in found.busy
    assert everything(store) == before
    wait(store.old_calls_ended([claim.attempt_id]))
    assert store.about(claim.phone).busy == ""
    assert wait(store.erase(claim.phone, "an", NOW))["attempts"] == 1
    assert traces(store, claim.phone) == 0
    assert store.problems() == []
