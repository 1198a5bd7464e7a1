"""Passwords: argon2id in threads of their own, so many at a time and no more waiting.

Checking one takes the same work whether there is such a user or not.
"""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Annotated, Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from msgspec import Meta

from admin_http.limits import (
    HASHES_AT_ONCE,
    HASHES_WAITING,
    PASSWORD_CHARS_MAX,
    PASSWORD_CHARS_MIN,
)
from admin_http.problems import ProblemError

T = TypeVar("T")

# 19 MiB, two passes, one lane: the OWASP cheat sheet's first choice for argon2id.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

Password = Annotated[str, Meta(min_length=PASSWORD_CHARS_MIN, max_length=PASSWORD_CHARS_MAX)]
Given = Annotated[str, Meta(max_length=PASSWORD_CHARS_MAX)]


class PasswordError(ValueError):
    """A password that is not taken; the text says why."""


def check_new(name: str, password: str) -> None:
    """PasswordError for a password that is too short, too long, or the user's name."""
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise PasswordError(
            f"a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters"
        )
    if password.casefold() == name.casefold() or len(set(password)) < 4:
        raise PasswordError("that password is guessed at once")


def make(password: str) -> str:
    """Its hash, salted; takes a while."""
    return _HASHER.hash(_bytes(password))


def fits(hashed: str, password: str) -> bool:
    """Whether it is the password of a hash; of "", which no password has, after the same work."""
    decoy = _decoy()  # made at the first look, whoever it is about
    try:
        _HASHER.verify(hashed or decoy, _bytes(password))
    except (Argon2Error, InvalidHashError):
        return False
    return bool(hashed)


def _bytes(password: str) -> bytes:
    """One form for letters that keyboards compose in different ways."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


@cache
def _decoy() -> str:
    return make(secrets.token_hex(32))


class Desk:
    """Hashes beside the loop."""

    def __init__(self) -> None:
        """No thread runs yet."""
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, "passwords")
        self._waiting = 0

    async def make(self, password: str) -> str:
        """As `make`; ProblemError 503 when too many wait."""
        return await self._run(make, password)

    async def fits(self, hashed: str, password: str) -> bool:
        """As `fits`; ProblemError 503 when too many wait."""
        return await self._run(fits, hashed, password)

    async def _run(self, work: Callable[..., T], *given: str) -> T:
        if self._waiting >= HASHES_WAITING:
            raise ProblemError(503, "too many log-ins at once")
        self._waiting += 1
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, work, *given)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Behind the hash that is being made."""
        self._threads.shutdown(cancel_futures=True)
