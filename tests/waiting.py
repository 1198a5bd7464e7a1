"""Waiting for something that another thread or process does.

The only place of the tests that sleeps until a condition holds.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

LONGEST_S = 60.0  # no test says anything about time; this ends one that hangs


def until(done: Callable[[], object], longest_s: float = LONGEST_S, every_s: float = 0.002) -> None:
    """Look until it is so."""
    give_up = time.monotonic() + longest_s
    while not done():
        assert time.monotonic() < give_up
        time.sleep(every_s)


def until_ready(process: subprocess.Popen[bytes], ready: Callable[[], object], log: Path) -> None:
    """Look until a program that was started is ready; its log when it ended instead."""

    def is_ready() -> object:
        assert process.poll() is None, log.read_text()
        return ready()

    until(is_ready)
