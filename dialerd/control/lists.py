"""Requests about lists of people, from the store."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Protocol

from dialerd.control.refusing import refused
from dialerd.core import lists_view as view
from dialerd.core.campaign_spec import at_time
from dialerd.core.ports import Store, StoreError
from dialerd.core.records import Campaign, Contact, ContactList, OtherPhone

if TYPE_CHECKING:
    from dialerd.control.daemon import Daemon

log = logging.getLogger("dialerd.control")


class ListShelf(Store, Protocol):
    """What else is needed of the store."""

    def change_list(
        self, list_id: int, name: str | None, at_ms: int | None
    ) -> Awaitable[ContactList]:
        """Another name; closed at a moment, 0: open; None: as it is."""

    def takers(self, list_id: int) -> list[Campaign]:
        """The campaigns that call people who come into a list now."""

    def change_person(
        self, list_id: int, row: int, fields: dict[str, str], seen: dict[str, str] | None
    ) -> Awaitable[Contact]:
        """Other values of some columns of a row."""


class ListRequests:
    """Their part of the control service."""

    if TYPE_CHECKING:
        _store: ListShelf
        _daemon: Daemon

    async def lists(self, request: view.ListLists) -> view.Lists:  # noqa: ARG002 - one shape
        """The imported lists."""
        return view.Lists(items=tuple(map(_info, self._store.lists())))

    async def create_list(self, request: view.CreateList) -> view.ListInfo:
        """An empty one."""
        try:
            made = await self._store.create_list(request.name, self._daemon.now_ms())
        except StoreError as error:
            raise refused(error) from None
        log.info("list %r made by %r", made.name, request.who)
        return _info(made)

    async def change_list(self, request: view.ChangeList) -> view.ListInfo:
        """Rename, close, open again."""
        at_ms = None
        if request.closed is not None:
            at_ms = self._daemon.now_ms() if request.closed else 0
        try:
            found = await self._store.change_list(request.list, request.name, at_ms)
        except StoreError as error:
            raise refused(error) from None
        log.info("list %d changed by %r: %r", found.list_id, request.who, found.name)
        return _info(found)

    async def add_people(self, request: view.AddPeople) -> view.PeopleAdded:
        """People into a list, durable before it returns."""
        contacts = [
            Contact(
                one.phone,
                one.original,
                one.carrier,
                one.fields,
                tuple(OtherPhone(other.phone, other.carrier, other.column) for other in one.others),
            )
            for one in request.people
        ]
        try:
            added = await self._store.add_contacts(
                request.list, contacts, skip_elsewhere=request.skip_elsewhere
            )
        except StoreError as error:
            raise refused(error) from None
        return view.PeopleAdded(
            added=added.added,
            duplicates=added.duplicates,
            elsewhere=added.elsewhere,
            campaigns=await self._join(request.list),
        )

    async def _join(self, list_id: int) -> tuple[str, ...]:
        """Have the campaigns of a list call who came into it; their names.

        Also when nobody came now: somebody may have, before a crash.
        """
        found = self._store.takers(list_id)
        for campaign in found:
            try:
                more = await self._store.join(campaign.campaign_id)
            except StoreError as error:
                raise refused(error) from None
            if more:
                self._daemon.leads_joined(campaign.campaign_id)
        return tuple(campaign.settings.name for campaign in found)

    async def change_person(self, request: view.ChangePerson) -> view.PersonChanged:
        """Other values of some columns, durable before it returns."""
        try:
            found = await self._store.change_person(
                request.list, request.row, request.fields, request.seen
            )
        except StoreError as error:
            raise refused(error) from None
        log.info("row %d of list %d changed by %r", request.row, request.list, request.who)
        return view.PersonChanged(fields=found.fields)


def _info(item: ContactList) -> view.ListInfo:
    return view.ListInfo(
        id=item.list_id,
        name=item.name,
        created_at=at_time(item.created_ms),
        size=item.size,
        closed_at=at_time(item.closed_ms) if item.closed_ms else None,
        columns=item.columns,
    )
