"""What may be asked about lists of people: made, renamed, closed, added to."""

from __future__ import annotations

from typing import Annotated, Protocol

from msgspec import Meta

from dialerd.core.campaigns_view import Who
from dialerd.core.control_base import Instant, Reply, Request
from dialerd.core.limits import NUMBERS_MAX
from dialerd.core.spec_parts import CampaignName, Name

PEOPLE_MAX = 200  # in one request: what a turn of the daemon's loop can bear
FIELDS_MAX = 200
PHONE_MAX = 10**15 - 1

ListId = Annotated[int, Meta(ge=1, le=0xFFFF_FFFF)]
Phone = Annotated[int, Meta(ge=1, le=PHONE_MAX)]
Words = Annotated[str, Meta(max_length=200)]
Values = Annotated[
    dict[Annotated[str, Meta(max_length=200)], Annotated[str, Meta(max_length=4_000)]],
    Meta(max_length=FIELDS_MAX),
]


class ListLists(Request["Lists"]):
    """The imported lists."""


class ListInfo(Reply):
    """One list. Nobody is added to it from `closed_at` on."""

    id: int
    name: Name
    created_at: Instant
    size: int
    closed_at: Instant | None = None
    columns: tuple[str, ...] = ()


class Lists(Reply):
    """All of them, oldest first."""

    items: tuple[ListInfo, ...]


class CreateList(Request["ListInfo"]):
    """An empty list."""

    name: CampaignName
    who: Who


class ChangeList(Request["ListInfo"]):
    """Another name, or nobody is added any more, or somebody may be again; None: as it is."""

    list: ListId
    who: Who
    name: CampaignName | None = None
    closed: bool | None = None


class FurtherNumber(Reply):
    """Another number of the same person, and the column that held it."""

    phone: Phone
    carrier: Words = ""
    column: Words = ""


class Person(Reply):
    """One row of a list as whoever read it understood it: `phone` is E.164 without its plus."""

    phone: Phone
    original: Words
    carrier: Words = ""
    fields: Values = {}  # noqa: RUF012 - a Struct copies it
    others: Annotated[tuple[FurtherNumber, ...], Meta(max_length=NUMBERS_MAX - 1)] = ()


class AddPeople(Request["PeopleAdded"]):
    """People into a list; those who are in it already are left out."""

    list: ListId
    people: Annotated[tuple[Person, ...], Meta(min_length=1, max_length=PEOPLE_MAX)]
    who: Who
    skip_elsewhere: bool = False


class PeopleAdded(Reply):
    """How many, and the indexes of those who were left out: they are in it, or in another list.

    `campaigns` that are under way call who was added.
    """

    added: int
    duplicates: tuple[int, ...] = ()
    elsewhere: tuple[int, ...] = ()
    campaigns: tuple[str, ...] = ()


class ChangePerson(Request["PersonChanged"]):
    """Other values of some columns of a list's row; an empty text takes one away."""

    list: ListId
    row: Annotated[int, Meta(ge=1, le=0xFFFF_FFFF)]
    fields: Values
    who: Who
    seen: Values | None = None


class PersonChanged(Reply):
    """All values of that row now."""

    fields: dict[str, str]


class ListControl(Protocol):
    """The lists' part of the control protocol."""

    async def lists(self, request: ListLists) -> Lists:
        """The imported lists."""
        ...

    async def create_list(self, request: CreateList) -> ListInfo:
        """An empty one; Conflict when the name is taken."""
        ...

    async def change_list(self, request: ChangeList) -> ListInfo:
        """Rename, close, open again; NotFound, Conflict when the name is taken."""
        ...

    async def add_people(self, request: AddPeople) -> PeopleAdded:
        """Durable before it returns; NotFound, Conflict when the list is closed."""
        ...

    async def change_person(self, request: ChangePerson) -> PersonChanged:
        """Durable before it returns; NotFound, Conflict when `seen` is not how it stands."""
        ...
