"""Lists, people, do-not-call entries and callbacks over the real socket."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dialerd.core import control as api
from dialerd.core import leads_view as leads
from dialerd.core import lists_view as lists
from dialerd.core.campaign_spec import at_time
from dialerd.core.control_errors import Conflict, Invalid, NotFound
from dialerd.core.ports import Store
from dialerd.core.records import BanList, CampaignState, LeadState
from tests.control.desk import NOW_MS, Booth, booth, client, spec

DUE = at_time(NOW_MS).replace(microsecond=0) + timedelta(hours=2)
PHONE = 84_912_000_000


def person(phone: int, **fields: str) -> lists.Person:
    other = lists.FurtherNumber(phone=phone + 500, carrier="vina", column="phone2")
    return lists.Person(phone=phone, original="0912", fields=fields, others=(other,))


async def campaign(b: Booth) -> int:
    await b.people()
    made = await b.control.create_campaign(api.CreateCampaign(spec=spec(), who="an"))
    for action in (api.CampaignAction.APPROVE, api.CampaignAction.START):
        request = api.ActOnCampaign(campaign=str(made.id), action=action, who="an")
        await b.control.act(request)
    return made.id


async def test_a_list_is_made_filled_and_closed(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        made = await c.call(lists.CreateList(name="tháng 11", who="an"))
        assert (made.id, made.size, made.closed_at) == (1, 0, None)
        with pytest.raises(Conflict):
            await c.call(lists.CreateList(name="tháng 11", who="an"))
        people = (person(PHONE, name="An"), person(PHONE + 1), person(PHONE))
        request = lists.AddPeople(list=1, people=people, who="an")
        added = await c.call(request)
        assert (added.added, added.duplicates) == (2, (2,))
        assert (await c.call(request)).added == 0
        row, contact = b.store.list_people(1, 0, 1)[0]  # type: ignore[attr-defined]
        assert (row, contact.fields, contact.others[0].column) == (1, {"name": "An"}, "phone2")
        changed = await c.call(lists.ChangeList(list=1, name="tháng 12", closed=True, who="an"))
        assert changed.name == "tháng 12"
        assert changed.closed_at is not None
        assert (await c.call(lists.ListLists())).items == (changed,)
        with pytest.raises(Conflict, match="closed"):
            await c.call(request)
        request = lists.AddPeople(list=7, people=people, who="an")
        with pytest.raises(NotFound):
            await c.call(request)


async def test_who_comes_into_a_list_reaches_the_campaign_under_way(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await campaign(b)
        name = b.store.campaigns()[0].settings.name
        size = b.store.lists()[0].size
        request = lists.AddPeople(list=1, people=(person(PHONE + 900),), who="an")
        told = await c.call(request)
        assert (told.added, told.campaigns) == (1, (name,))
        assert b.desk.joined == [1]
        assert b.store.campaign(1).audience == size + 1
        again = await c.call(request)  # sent twice
        assert (again.added, again.campaigns, b.desk.joined) == (0, (name,), [1])
        finish = api.ActOnCampaign(campaign="1", action=api.CampaignAction.FINISH, who="an")
        await b.control.act(finish)
        request = lists.AddPeople(list=1, people=(person(PHONE + 901),), who="an")
        assert (await c.call(request)).campaigns == ()


async def test_a_person_is_changed(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await b.people()
        request = lists.ChangePerson(list=1, row=2, fields={"name": "Bình"}, who="an", seen={})
        assert (await c.call(request)).fields == {"name": "Bình"}
        with pytest.raises(Conflict):
            await c.call(request)


async def test_numbers_are_banned(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await campaign(b)
        ban = leads.AddBans(phones=(PHONE, PHONE + 1), who="an")
        assert (await c.call(ban)).added == 2
        assert (await c.call(ban)).added == 0
        assert b.store.bans(PHONE)[0].source == "an"
        one = leads.AddBans(
            phones=(PHONE,), who="an", kind=BanList.BLACKLIST, campaign="1", until=DUE, source="x"
        )
        assert (await c.call(one)).added == 1
        entry = b.store.bans(PHONE)[1]
        assert (entry.campaign_id, entry.until_ms) == (1, int(DUE.timestamp() * 1000))
        gone = leads.RemoveBan(phone=PHONE, who="an", reason="they asked")
        assert (await c.call(gone)).removed
        assert not (await c.call(gone)).removed
        assert [one.kind for one in b.store.bans(PHONE)] == [BanList.BLACKLIST]
        with pytest.raises(NotFound):
            await c.call(leads.AddBans(phones=(PHONE,), who="an", campaign="nobody"))


LATE = datetime.max.replace(tzinfo=DUE.tzinfo)


@pytest.mark.parametrize("until", [at_time(NOW_MS - 1), LATE])
async def test_a_ban_that_ends_at_no_time(path: Path, until: datetime) -> None:
    async with booth(path) as b, client(path) as c:
        with pytest.raises(Invalid) as refused:
            await c.call(leads.AddBans(phones=(PHONE,), who="an", until=until))
        assert refused.value.faults[0].pointer == "/until"
        assert b.store.bans(PHONE) == []


async def test_a_callback_is_booked_and_the_dialer_looks_anew(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        of = str(await campaign(b))
        told = len(b.desk.told)
        book = leads.BookCallback(campaign=of, lead=2, due=DUE, who="an", agent="bình")
        booked = await c.call(book)
        assert (booked.due, booked.agent, booked.number) == (DUE, "bình", f"+{PHONE + 1}")
        assert len(b.desk.told) == told + 1
        assert state_of(b.store) is LeadState.CALLBACK
        cancelled = await c.call(leads.CancelCallback(campaign=of, lead=2, who="an"))
        assert cancelled.was.due == DUE
        assert state_of(b.store) is LeadState.DONE
        with pytest.raises(NotFound):
            await c.call(leads.CancelCallback(campaign=of, lead=2, who="an"))
        early = leads.BookCallback(
            campaign=of, lead=2, due=DUE, who="an", agent="bình", anybody_at=at_time(NOW_MS)
        )
        with pytest.raises(Invalid):
            await c.call(early)
        await c.call(api.ActOnCampaign(campaign=of, action=api.CampaignAction.FINISH, who="an"))
        assert b.desk.told[-1].state is CampaignState.FINISHED
        with pytest.raises(Conflict):
            await c.call(book)


def state_of(store: Store) -> LeadState:
    found = store.lead(1, 2)
    assert found is not None
    return found.lead.state
