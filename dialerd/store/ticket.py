"""The result of a write: an asyncio future inside a running loop, a `Ticket` elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Ticket(Future[T]):
    """A write asked for where no event loop runs: `wait` for it, or await it in a later loop."""

    def __await__(self) -> Generator[Any, None, T]:
        """Done already: the result at once, in any kind of coroutine."""
        if self.done():
            return self.result()
        return (yield from asyncio.wrap_future(self).__await__())


def wait(result: Awaitable[T], timeout_s: float | None = None) -> T:
    """The result of a store's write, for programs without an event loop.

    Raises:
        TypeError: the write was asked for inside a running loop, where it must be awaited.
        TimeoutError: nothing after `timeout_s` seconds.
    """
    if not isinstance(result, Ticket):
        raise TypeError("await this write: it was asked for inside a running event loop")
    found: T = result.result(timeout_s)
    return found
