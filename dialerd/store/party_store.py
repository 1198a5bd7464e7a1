"""The part of every store that begins attempts which nobody claimed: calls to us, and beside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

from dialerd.core.ops import ReturnCall, Returned
from dialerd.store import over, returns
from dialerd.store.unit import Unit


class PartyStore(ABC):
    """See the module's text."""

    @abstractmethod
    def _submit(self, work: Callable[[Unit], Any], weight: int = 1) -> Awaitable[Any]:
        """See `BaseStore`."""

    def take_return(self, call: ReturnCall) -> Awaitable[Returned]:
        """Begin the attempt of somebody who calls back; see `dialerd.store.returns`."""
        return self._submit(lambda unit: returns.take(unit, call))

    def claim_over(
        self, attempt_id: int, phone: int, now_ms: int, lease_s: int
    ) -> Awaitable[Returned]:
        """An attempt for a number that a person is put through to; see `dialerd.store.over`."""
        return self._submit(lambda unit: over.claim(unit, attempt_id, phone, now_ms, lease_s))
