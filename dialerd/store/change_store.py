"""The part of every store that people change beside the dialer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from dialerd.core.records import BanList, Campaign, CampaignSettings, DoNotCall
from dialerd.store import changes, donotcall
from dialerd.store.limits import SCAN_PAGE
from dialerd.store.unit import Unit

T = TypeVar("T")


class ChangeStore(ABC):
    """See the module's text."""

    @abstractmethod
    def _submit(self, work: Callable[[Unit], Any], weight: int = 1) -> Awaitable[Any]:
        """See `BaseStore`."""

    @abstractmethod
    def _read(self, work: Callable[[Unit], T]) -> T:
        """See `BaseStore`."""

    def revise_campaign(
        self, before: Campaign, settings: CampaignSettings, who: str, at_ms: int
    ) -> Awaitable[Campaign]:
        """Other content for a draft; ConflictError when it is none, or was changed since."""
        return self._submit(lambda unit: changes.revise(unit, before, settings, who, at_ms))

    # do not call

    def dnc_add(self, entries: Iterable[DoNotCall]) -> Awaitable[int]:
        """Add numbers; returns how many were new. From then on none of them is dialed."""
        rows = tuple(entries)
        return self._submit(lambda unit: donotcall.add(unit, rows), len(rows))

    def dnc_remove(
        self, phone: int, *, kind: BanList = BanList.OWN, campaign_id: int = 0
    ) -> Awaitable[bool]:
        """Whether it was there. Leads that were BLOCKED stay so."""
        return self._submit(lambda unit: donotcall.remove(unit, phone, kind, campaign_id))

    def bans(self, phone: int) -> list[DoNotCall]:
        """Every do-not-call entry of a number, of all lists and campaigns."""
        return self._read(lambda unit: donotcall.bans(unit, phone))

    def dnc_has(self, phone: int) -> bool:
        """Whether nobody may dial it."""
        return self.dnc_find(phone) is not None

    def dnc_find(self, phone: int) -> DoNotCall | None:
        """Since when and from where a number is on the list; None when it is not."""
        return self._read(lambda unit: donotcall.find(unit, phone))

    def dnc_list(
        self, chunk: int = SCAN_PAGE, *, kind: BanList = BanList.OWN
    ) -> Iterator[list[DoNotCall]]:
        """One list by number, in chunks of one short read transaction each."""
        after = 0
        while page := self._read(partial(donotcall.page, after=after, limit=chunk, kind=kind)):
            yield page
            after = page[-1].phone
