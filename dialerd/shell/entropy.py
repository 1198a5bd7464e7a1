"""The system's random numbers, read a page at a time.

SIP tags and branches must be unguessable, so a seeded generator will not do; and one system call
for each number, with the interpreter lock let go around it, was 6 % of the main thread.
"""

from __future__ import annotations

import os
import random

POOL_BYTES = 4096


class Entropy(random.SystemRandom):
    """`random.SystemRandom` over a pool of `os.urandom`. Not for use from several threads."""

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0
        super().__init__()

    def getrandbits(self, k: int, /) -> int:
        """`k` random bits; ValueError when `k` is negative."""
        if k < 0:
            raise ValueError("number of bits must be non-negative")
        size = (k + 7) // 8
        end = self._at + size
        if end > len(self._pool):
            self._pool = os.urandom(max(size, POOL_BYTES))
            self._at, end = 0, size
        found = int.from_bytes(self._pool[self._at : end], "big")
        self._at = end
        return found >> (size * 8 - k)
