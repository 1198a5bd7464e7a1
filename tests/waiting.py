"""Waiting for something that another thread or process does.

The only place of the tests that sleeps until a condition holds.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

SELDOM_S = 0.03  # how often it is looked in the end
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
