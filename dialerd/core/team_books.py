"""How a campaign's agents and customers fare: waiting, abandonment over a window."""

from __future__ import annotations

from collections import deque
from typing import Final

from dialerd.core.pacing import NS

BUCKET_NS: Final = 60 * NS


class Books:
    """One campaign since the daemon started."""

    __slots__ = ("_window", "_window_ns", "calls", "lost", "people", "waited_ns")

    def __init__(self, window_s: int) -> None:
        """`window_s` is over what time abandonment is shown, to the minute."""
        self._window_ns = window_s * NS
        self._window: deque[tuple[int, int, int]] = deque()  # minute's start, served, abandoned
        self.people = 0  # who answered
        self.calls = 0  # conversations
        self.lost = 0  # people who found no agent in time
        self.waited_ns = 0  # of people until they had an agent

    def human(self) -> None:
        """A person answered."""
        self.people += 1

    def connected(self, now_ns: int, waited_ns: int) -> None:
        """An agent is there."""
        self.calls += 1
        self.waited_ns += waited_ns
        self._count(now_ns, 1, 0)

    def abandoned(self, now_ns: int) -> None:
        """None was."""
        self.lost += 1
        self._count(now_ns, 0, 1)

    def _count(self, now_ns: int, served: int, abandoned: int) -> None:
        minute = now_ns - now_ns % BUCKET_NS
        window = self._window
        if window and window[-1][0] == minute:
            _, a, b = window.pop()
            served, abandoned = served + a, abandoned + b
        window.append((minute, served, abandoned))
        self._forget(now_ns)

    def _forget(self, now_ns: int) -> None:
        while self._window and self._window[0][0] + BUCKET_NS <= now_ns - self._window_ns:
            self._window.popleft()

    def abandonment(self, now_ns: int) -> float:
        """Of the people who answered within the window, the share who found no agent."""
        self._forget(now_ns)
        served = sum(served for _, served, _ in self._window)
        abandoned = sum(abandoned for _, _, abandoned in self._window)
        return abandoned / (served + abandoned) if served + abandoned else 0.0

    def waited_s(self) -> float:
        """How long a person waited on average until there was an agent."""
        return self.waited_ns / NS / self.calls if self.calls else 0.0
