"""What the daemon does beside calls, now and then, in a thread of its own: the files of `[cdr]`.

A chore that fails is told once, and again when it works; it never disturbs a call.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from dialerd.core.ports import StoreError

log = logging.getLogger("dialerd.chores")

PERIOD_S: Final = 1.0
Chore = Callable[[], str]  # blocks; what there is to say, mostly nothing


def explained(error: Exception) -> str:
    """One line for the log."""
    if isinstance(error, StoreError):
        return str(error)
    where = getattr(error, "filename", None)
    text = getattr(error, "strerror", None) or str(error)
    return f"{where}: {text}" if where else text


class Chores:
    """Runs every chore once a period, one behind the other."""

    def __init__(self, chores: dict[str, Chore]) -> None:
        """By their names in the log."""
        self._chores = chores
        self._faults: dict[str, str] = {}
        self._pool = ThreadPoolExecutor(1, "chores")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        if self._chores:
            self._task = asyncio.get_running_loop().create_task(self._main())

    async def close(self) -> None:
        """Each chore once more, then no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await asyncio.get_running_loop().run_in_executor(self._pool, self.run)
        self._pool.shutdown()

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PERIOD_S)
            await loop.run_in_executor(self._pool, self.run)

    def run(self) -> None:
        """All of them, now, in this thread."""
        for name, chore in self._chores.items():
            try:
                said, fault = chore(), ""
            except (OSError, StoreError) as error:
                said, fault = "", explained(error)
            except Exception:
                log.exception("%s", name)
                said, fault = "", "internal error"
            if said:
                log.info("%s: %s", name, said)
            before = self._faults.get(name, "")
            if fault != before:
                self._faults[name] = fault
                if fault:
                    log.error("%s waits: %s", name, fault)
                else:
                    log.warning("%s goes on", name)
