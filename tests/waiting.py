"""Waiting for something that another thread or process does.

The only place of the tests that sleeps until a condition holds.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Self

SELDOM_S = 0.03  # how often it is looked in the end
SECOND = 50  # looks
STOOD_STILL_S = 0.2  # in one second: more may let a peer's timer of 500 ms run out
LONGEST_S = 100.0  # no test says anything about time; this ends one that hangs


def until(done: Callable[[], object], longest_s: float = LONGEST_S, every_s: float = 0.002) -> None:
    """Look until it is so: every `every_s` at first, less often when it takes long.

    A look is often a question to a process that would rather work: 500 a second slow it down.
    """
    give_up = time.monotonic() + longest_s
    pause_s = every_s
    while not done():
        assert time.monotonic() < give_up
        time.sleep(pause_s)
        pause_s = min(1.3 * pause_s, max(every_s, SELDOM_S))


def until_ready(process: subprocess.Popen[bytes], ready: Callable[[], object], log: Path) -> None:
    """Look until a program that was started is ready; its log when it ended instead."""

    def is_ready() -> object:
        assert process.poll() is None, log.read_text()
        return ready()

    until(is_ready)


class Stalls:
    """How long this machine, or our part of it, stood still: by a thread that only sleeps."""

    def __init__(self) -> None:
        """From now on."""
        self._rows: deque[float] = deque(maxlen=SECOND)
        self._most_s = self._all_s = 0.0
        self._over = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        before = time.monotonic()
        while not self._over.wait(1 / SECOND):
            now = time.monotonic()
            self._rows.append(now - before - 1 / SECOND)
            self._most_s = max(self._most_s, sum(self._rows))
            self._all_s += self._rows[-1]
            before = now

    def most_s(self) -> float:
        """The longest together in any second."""
        return self._most_s

    def all_s(self) -> float:
        """All of it together."""
        return self._all_s

    def least(self, count: int) -> int:
        """Of messages sent again, how many needed no stall: none, when T1 may have passed in one.

        What was sent again is no fault then.
        """
        return 0 if self.most_s() > STOOD_STILL_S else count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Look no more."""
        self._over.set()
