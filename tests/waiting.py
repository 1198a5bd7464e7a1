"""Waiting for something that another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_S = 20.0  # no test says anything about time; this ends one that hangs


def until(done: Callable[[], object]) -> None:
    """Look until it is so."""
    give_up = time.monotonic() + LONGEST_S
    while not done():
        assert time.monotonic() < give_up
        time.sleep(0.002)
