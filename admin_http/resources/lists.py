"""Contact lists and their people: made, renamed, closed, looked at, added to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from itertools import islice
from typing import Annotated

from msgspec import Meta

from admin_http import cursors
from admin_http.attempts import number
from admin_http.documents import Document, Page, Paging, behind, page
from admin_http.people.access import staff
from admin_http.people_read import PEOPLE_MAX, NewPerson, Refused, read_people
from admin_http.problems import ProblemError
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.control import CampaignInfo, ListCampaigns, ListInfo, ListLists
from dialerd.core.control_base import PAGE_MAX
from dialerd.core.lists_view import PEOPLE_MAX as CHUNK
from dialerd.core.lists_view import AddPeople, ChangeList, CreateList
from dialerd.core.records import Contact
from dialerd.core.spec_parts import CampaignName

ListRef = Annotated[str, Meta(min_length=1, max_length=200, description="A list's name, or id.")]


class OneList(Document):
    """Which list."""

    list: ListRef


class NewList(Document):
    """What it is called."""

    name: CampaignName


class ListChange(Document):
    """What is to be another; what is not named stays. Nobody is added to a closed list."""

    name: CampaignName | None = None
    closed: bool | None = None


class PersonInfo(Document):
    """One row of a list; `number` is null when it was erased."""

    row: int
    number: str | None
    original: str
    carrier: str
    numbers: tuple[str, ...]
    fields: dict[str, str]


class NewPeople(Document):
    """Whom to add. `skip_elsewhere`: nobody who stands in another list."""

    people: Annotated[tuple[NewPerson, ...], Meta(min_length=1, max_length=PEOPLE_MAX)]
    skip_elsewhere: bool = False


class Pushed(Document):
    """What became of them, by their indexes: `duplicates` stand in this list already.

    `elsewhere` stand in another one too; with `skip_elsewhere` they were left out. `campaigns` that
    are under way call who was added, unless they have that person already.
    """

    added: int
    duplicates: tuple[int, ...]
    elsewhere: tuple[int, ...]
    refused: tuple[Refused, ...]
    campaigns: tuple[str, ...]


class ListUse(Document):
    """One campaign that calls it."""

    id: int
    name: str
    state: str
    audience: int


class ListStats(Document):
    """Who uses a list: its campaigns with their states and people."""

    size: int
    columns: tuple[str, ...]
    campaigns: tuple[ListUse, ...]


async def find(call: Call, name: str) -> ListInfo:
    """One by id or name; ProblemError 404."""
    found = (await call.services.control.call(ListLists())).items
    number = int(name) if name.isascii() and name.isdecimal() else 0
    for one in found:  # digits are an id first: no name takes its place
        if one.id == number:
            return one
    return _named(found, name)


async def named(call: Call, name: str) -> ListInfo:
    """One by its name alone, as campaigns have it; ProblemError 404."""
    return _named((await call.services.control.call(ListLists())).items, name)


def _named(some: Iterable[ListInfo], name: str) -> ListInfo:
    for one in some:
        if one.name == name:
            return one
    raise ProblemError(404, f"there is no list {name[:80]!r}")


@route("GET", "/v1/lists", Scope.READ, access=staff)
async def lists(call: Call, query: Paging) -> Page[ListInfo]:
    """A page of the contact lists, oldest first."""
    after = cursors.number(behind(call, query))
    found = (await call.services.control.call(ListLists())).items
    rest = list(islice((one for one in found if one.id > after), query.limit + 1))
    shown = tuple(rest[: query.limit])
    return page(call, query, shown, (shown[-1].id,) if len(rest) > query.limit else None)


@route("POST", "/v1/lists", Scope.CAMPAIGNS, access=staff, status=201, example={"name": "november"})
async def create_list(call: Call, body: NewList) -> ListInfo:
    """A new list without people."""
    made = await call.services.control.call(CreateList(name=body.name, who=call.who))
    call.headers["Location"] = f"/v1/lists/{made.id}"
    return made


@route("GET", "/v1/lists/{list}", Scope.READ, access=staff)
async def one_list(call: Call, path: OneList) -> ListInfo:
    """One list, by name or id."""
    return await find(call, path.list)


@route(
    "PATCH",
    "/v1/lists/{list}",
    Scope.CAMPAIGNS,
    access=staff,
    example={"closed": True},
    document=one_list,
)
async def change_list(call: Call, path: OneList, body: ListChange) -> ListInfo:
    """Rename it, close it, or open it again."""
    del path
    request = ChangeList(list=call.seen.id, name=body.name, closed=body.closed, who=call.who)
    return await call.services.control.call(request)


@route("GET", "/v1/lists/{list}/stats", Scope.READ, access=staff)
async def list_stats(call: Call, path: OneList) -> ListStats:
    """How large it is, and which campaigns call it."""
    found = await find(call, path.list)
    users = []
    async for campaign in _campaigns(call):
        spec = campaign.spec
        names = {spec.list, *(one.list for one in spec.lists)}
        if found.name in names:
            users.append(
                ListUse(
                    id=campaign.id,
                    name=spec.name,
                    state=campaign.state,
                    audience=campaign.audience,
                )
            )
    return ListStats(size=found.size, columns=found.columns, campaigns=tuple(users))


async def _campaigns(call: Call) -> AsyncIterator[CampaignInfo]:
    after: int | None = 0
    while after is not None:
        found = await call.services.control.call(ListCampaigns(after=after, limit=PAGE_MAX))
        for one in found.items:
            yield one
        after = found.next


@route("GET", "/v1/lists/{list}/leads", Scope.REPORTS, access=staff)
async def people(call: Call, path: OneList, query: Paging) -> Page[PersonInfo]:
    """A page of its people, in the order in which they were added."""
    after = cursors.number(behind(call, query))
    found = await find(call, path.list)
    rows = await call.services.read(
        lambda store: store.list_people(found.id, after, query.limit + 1)
    )
    shown = tuple(_person(row, contact) for row, contact in rows[: query.limit])
    return page(call, query, shown, (shown[-1].row,) if len(rows) > query.limit else None)


def _person(row: int, contact: Contact) -> PersonInfo:
    return PersonInfo(
        row=row,
        number=number(contact.phone),
        original=contact.original,
        carrier=contact.carrier,
        numbers=tuple(f"+{one.phone}" for one in contact.others),
        fields=contact.fields,
    )


@route(
    "POST",
    "/v1/lists/{list}/leads",
    Scope.CAMPAIGNS,
    access=staff,
    once=True,
    example={"people": [{"number": "0912 345 678", "fields": {"name": "An"}}]},
)
async def push_people(call: Call, path: OneList, body: NewPeople) -> Pushed:
    """Add people; one who is in the list already is left out, so it can be sent again.

    Campaigns of the list that are approved, running or paused call them too (`newcomers`).
    """
    return await push(call, (await find(call, path.list)).id, body)


async def push(call: Call, list_id: int, body: NewPeople) -> Pushed:
    """Add people to a list, a part of them at a time."""
    good, bad = read_people(call.services.numbering, body.people)
    added = 0
    duplicates: list[int] = []
    elsewhere: list[int] = []
    campaigns: dict[str, None] = {}
    for first in range(0, len(good), CHUNK):
        part = good[first : first + CHUNK]
        told = await call.services.control.call(
            AddPeople(
                list=list_id,
                people=tuple(person for _, person in part),
                who=call.who,
                skip_elsewhere=body.skip_elsewhere,
            )
        )
        added += told.added
        duplicates += [part[at][0] for at in told.duplicates]
        elsewhere += [part[at][0] for at in told.elsewhere]
        campaigns |= dict.fromkeys(told.campaigns)
    return Pushed(
        added=added,
        duplicates=tuple(duplicates),
        elsewhere=tuple(elsewhere),
        refused=tuple(bad),
        campaigns=tuple(campaigns),
    )
