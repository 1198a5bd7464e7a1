"""What may block with a port's devices, done aside: one thing after the other, never waited for.

Opening, flushing and closing a serial device may take seconds, or for ever, in some drivers. Each
port has a thread of its own for that, while there is work: one that is wedged holds up no other
port, nor the end of the program, because nobody joins it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


class Aside:
    """Of one port."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        """No work yet."""
        self._name = name
        self._loop = loop
        self._last: Thread | None = None

    def do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Do it when all that was asked before is done; its result, or what it raised."""
        future: asyncio.Future[T] = self._loop.create_future()
        before = self._last

        def run() -> None:
            if before is not None:
                before.join()
            try:
                told = partial(_succeed, future, work())
            except Exception as error:  # whatever it is, it is the asker's
                told = partial(_fail, future, error)
            try:
                self._loop.call_soon_threadsafe(told)
            except RuntimeError:  # the loop is closed: nobody is there who could be told
                return

        self._last = Thread(target=run, name=self._name, daemon=True)
        self._last.start()
        return future


def _succeed(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[T], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
