"""The part of every store that keeps SIMs of modem banks and the texts that reached them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from dialerd.core.modem_records import SimCard, SimText
from dialerd.store import sims
from dialerd.store.limits import SCAN_PAGE
from dialerd.store.unit import Unit

T = TypeVar("T")


class SimStore(ABC):
    """See the module's text."""

    @abstractmethod
    def _submit(self, work: Callable[[Unit], Any], weight: int = 1) -> Awaitable[Any]:
        """See `BaseStore`."""

    @abstractmethod
    def _read(self, work: Callable[[Unit], T]) -> T:
        """See `BaseStore`."""

    def keep_cards(self, cards: Sequence[SimCard]) -> Awaitable[None]:
        """What is known of these SIMs now."""
        return self._submit(lambda unit: sims.keep_cards(unit, cards))

    def cards(self) -> list[SimCard]:
        """All SIMs that are known."""
        return self._read(sims.all_cards)

    def keep_text(self, text: SimText) -> Awaitable[bool]:
        """Keep a text; whether it was not kept yet."""
        return self._submit(lambda unit: sims.keep_text(unit, text))

    def texts(self, after: int, limit: int) -> list[tuple[int, SimText]]:
        """Texts with their numbers, oldest first, those behind number `after`."""
        return self._read(lambda unit: sims.texts(unit, after, min(limit, SCAN_PAGE)))
