"""What waits for one reader of a stream: bounded in number and in bytes."""

from __future__ import annotations

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
