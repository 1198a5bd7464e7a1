"""What waits for readers of a stream: of one, or of all who read the same; bounded in both."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

EVENTS_MAX: Final = 512
BYTES_MAX: Final = 1 << 20
TURN_BYTES: Final = 1 << 16  # at most about so much is written at once


class Feed:
    """Events as text; over a bound what waits is thrown away and counted.

    Who was thrown out is told how many are missing and sees the present state, then goes on: a
    reader that does not read costs `BYTES_MAX`, whatever happens meanwhile.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        """`wake` is called when there is something to take."""
        self._queue: deque[bytes] = deque()
        self._wake = wake
        self.waiting_bytes = 0
        self._lost = 0

    def put(self, text: bytes) -> None:
        """Queue one event, at once."""
        queue = self._queue
        if len(queue) >= EVENTS_MAX or self.waiting_bytes + len(text) > BYTES_MAX:
            self._lost += len(queue)
            queue.clear()
            self.waiting_bytes = 0
        queue.append(text)
        self.waiting_bytes += len(text)
        self._wake()

    def lost(self) -> int:
        """How many were thrown away since this was asked last."""
        lost, self._lost = self._lost, 0
        return lost

    def take(self) -> bytes:
        """The next events as one text; empty when none waits."""
        found: list[bytes] = []
        size = 0
        while self._queue and size < TURN_BYTES:
            found.append(self._queue.popleft())
            size += len(found[-1])
        self.waiting_bytes -= size
        return b"".join(found)


class Shelf:
    """The last events as text, kept once for however many read them; each knows where it is.

    An event costs the same whether ten read it or two hundred: nobody is handed it, who has
    nothing to read waits for `news`. Who is so far behind that something is gone from here goes on
    at the end.
    """

    def __init__(self) -> None:
        """Empty; the first event is number 0."""
        self._kept: deque[bytes] = deque()
        self._joined: dict[int, tuple[bytes, int]] = {}  # from where: text and where it ends
        self.bytes = 0
        self.end = 0  # the number of the next event
        self.news = asyncio.Event()  # set, and another one made, by the next event

    @property
    def first(self) -> int:
        """The oldest that is still here."""
        return self.end - len(self._kept)

    def put(self, text: bytes) -> None:
        """One more event; the oldest go over a bound."""
        self._kept.append(text)
        self.bytes += len(text)
        self.end += 1
        while len(self._kept) > EVENTS_MAX or self.bytes > BYTES_MAX:
            self.bytes -= len(self._kept.popleft())
        self._joined.clear()
        news, self.news = self.news, asyncio.Event()
        news.set()

    def take(self, at: int) -> tuple[bytes, int]:
        """What follows from number `at` on, about `TURN_BYTES`, and where that ends.

        Who is in the same place gets the same text. `at` is still here.
        """
        found = self._joined.get(at)
        if found is None:
            pieces: list[bytes] = []
            size, first = 0, self.first
            for number in range(at - first, len(self._kept)):
                pieces.append(self._kept[number])
                size += len(pieces[-1])
                if size >= TURN_BYTES:
                    break
            found = self._joined[at] = b"".join(pieces), at + len(pieces)
        return found
