"""The part of every store that shows calls: to whoever looks at one, or at all of a campaign."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import tzinfo
from functools import partial
from typing import TypeVar

from dialerd.core.records import Attempt
from dialerd.store import call_views
from dialerd.store.call_views import Place, Tally, Told
from dialerd.store.unit import Unit

T = TypeVar("T")


class CallStore(ABC):
    """See the module's text."""

    @abstractmethod
    def _read(self, work: Callable[[Unit], T]) -> T:
        """See `BaseStore`."""

    def call(self, place: Place) -> Told | None:
        """A call that was begun, with what happened in it; None when there is none."""
        return self._read(lambda unit: call_views.find(unit, place))

    def calls_of(self, campaign_id: int, after: Place | None, limit: int) -> list[Attempt]:
        """The next calls of a campaign by lead and attempt, begun ones among them."""
        return self._read(lambda unit: call_views.of_campaign(unit, campaign_id, after, limit))

    def tally(self, campaign_id: int, zone: tzinfo) -> Tally:
        """What a campaign's calls came to; a short transaction for every page of them."""
        tally, place = Tally(), b""
        step = partial(
            call_views.tally_step,
            tally=tally,
            campaign_id=campaign_id,
            local=call_views.by_hour(zone),
        )
        while True:
            place = self._read(partial(step, start=place))
            if not place:
                return tally
