"""`MemoryStore`: the twin of `LmdbStore` without files or threads, for tests and simulations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from dialerd.core.ports import StoreFailedError
from dialerd.store.base import BaseStore
from dialerd.store.memory_engine import MemoryEngine
from dialerd.store.ticket import Ticket
from dialerd.store.unit import More, Unit

T = TypeVar("T")


class MemoryStore(BaseStore):
    """Every write is done when its method returns; its awaitable is resolved already."""

    def __init__(self) -> None:
        """Empty."""
        self._engine = MemoryEngine()
        self._closed = False

    def _submit(self, work: Callable[[Unit], Any], weight: int = 1) -> Awaitable[Any]:  # noqa: ARG002
        future: asyncio.Future[Any] | Ticket[Any]
        try:
            future = asyncio.get_running_loop().create_future()
        except RuntimeError:
            future = Ticket()
        try:
            future.set_result(self._run(work))
        except Exception as error:
            future.set_exception(error)
        return future

    def _run(self, work: Callable[[Unit], Any]) -> Any:
        while True:
            if self._closed:
                raise StoreFailedError("the store is closed")
            txn = self._engine.begin(write=True)
            try:
                unit = Unit(txn)
                found = work(unit)
                unit.flush()
                txn.commit()
            except BaseException:
                txn.abort()
                raise
            if not isinstance(found, More):
                return found
            work = found.then

    def _read(self, work: Callable[[Unit], T]) -> T:
        return work(Unit(self._engine.begin(write=False)))

    def close(self) -> None:
        """Refuse writes from now on."""
        self._closed = True
