"""The part of every store that people change and read about lists, leads and callbacks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from dialerd.core.agent_records import Callback
from dialerd.core.records import BanList, Campaign, Contact, ContactList, DoNotCall
from dialerd.store import donotcall, list_changes, newcomers, promises
from dialerd.store.limits import SCAN_PAGE
from dialerd.store.unit import Unit

T = TypeVar("T")


class LeadStore(ABC):
    """See the module's text."""

    @abstractmethod
    def _submit(self, work: Callable[[Unit], Any], weight: int = 1) -> Awaitable[Any]:
        """See `BaseStore`."""

    @abstractmethod
    def _read(self, work: Callable[[Unit], T]) -> T:
        """See `BaseStore`."""

    def change_list(
        self, list_id: int, name: str | None = None, at_ms: int | None = None
    ) -> Awaitable[ContactList]:
        """Another name; closed at a moment, 0: open; None: as it is. ConflictError."""
        return self._submit(lambda unit: list_changes.change_list(unit, list_id, name, at_ms))

    def takers(self, list_id: int) -> list[Campaign]:
        """The campaigns that call people who come into a list now, once they have joined."""
        return self._read(lambda unit: newcomers.takers(unit, list_id))

    def newcomers(self) -> list[int]:
        """The campaigns that `join` would give people to."""
        return self._read(newcomers.waiting)

    def join(self, campaign_id: int) -> Awaitable[int]:
        """Make leads of the people who came into its lists since its approval; how many are new.

        Nobody, where its settings leave them to others, or it is a draft or over. Committed in
        steps of `STEP_ROWS`: after a crash it is asked for again.
        """
        return self._submit(newcomers.Joining(campaign_id).step)

    def change_person(
        self,
        list_id: int,
        row: int,
        fields: dict[str, str],
        seen: dict[str, str] | None = None,
    ) -> Awaitable[Contact]:
        """Other values of some columns of a row; an empty text takes one away.

        ConflictError when `seen` is not what stands there.
        """
        return self._submit(
            lambda unit: list_changes.change_person(unit, list_id, row, fields, seen)
        )

    def list_people(self, list_id: int, after: int, limit: int) -> list[tuple[int, Contact]]:
        """The next rows of a list behind one; NotFoundError."""
        return self._read(
            lambda unit: list_changes.people(unit, list_id, after, min(limit, SCAN_PAGE))
        )

    def bans_page(self, kind: BanList, after: int, limit: int) -> list[DoNotCall]:
        """The next entries by number of one list for all campaigns, behind a number."""
        return self._read(lambda unit: donotcall.page(unit, after, min(limit, SCAN_PAGE), kind))

    def callbacks_page(
        self, after: tuple[int, int], limit: int, campaign_id: int = 0
    ) -> list[Callback]:
        """The next promises behind a campaign and lead, of one campaign or (0) of all."""
        return self._read(
            lambda unit: promises.page(unit, after, min(limit, SCAN_PAGE), campaign_id)
        )

    def callback(self, campaign_id: int, lead_id: int) -> Callback | None:
        """What was promised to a lead."""
        return self._read(lambda unit: promises.of_lead(unit, campaign_id, lead_id))

    def book_callback(self, booked: Callback, *, move: bool = False) -> Awaitable[Callback]:
        """In place of an earlier one; with `move` only then.

        NotFoundError; ConflictError while the person is in the dialer's hands or blocked.
        """
        return self._submit(lambda unit: promises.book(unit, booked, move=move))

    def cancel_callback(
        self, campaign_id: int, lead_id: int, again_s: int | None = None
    ) -> Awaitable[Callback]:
        """Take it back: the lead is DONE, or waits again from a second on; NotFoundError."""
        return self._submit(lambda unit: promises.cancel(unit, campaign_id, lead_id, again_s))
