"""Bearer tokens: random, shown once, kept as SHA-256 with scopes and expiry.

They live in `tokens.json` in the data folder, mode 0600, written whole and renamed into place. The
CLI writes it, the HTTP process only reads it and notices changes by itself. A token is 32 random
bytes, so that a plain hash is enough: there is nothing to guess.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from admin_http.limits import TOKEN_CHARS_MAX, TOKENS_MAX

FILE_NAME: Final = "tokens.json"
PREFIX: Final = "dlr_"
FILE_BYTES_MAX: Final = 4 << 20


class Scope(StrEnum):
    """What a token may do."""

    READ = "read"  # status, campaigns, lists, progress, events
    REPORTS = "reports"  # what was said and pressed by whom: personal data
    CAMPAIGNS = "campaigns"  # create and move campaigns
    OPERATE = "operate"  # stop everything


class TokenError(Exception):
    """A token that cannot be made or removed, or a token file that cannot be used."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One token as stored; the secret itself is nowhere."""

    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.@-]+$(?!\n)")]
    sha256: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None = None

    def valid(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires_at is None or now < self.expires_at


class _File(msgspec.Struct, frozen=True):
    tokens: tuple[Token, ...] = ()
    version: int = 1


class TokenFile:
    """The tokens of one data folder."""

    def __init__(self, folder: Path) -> None:
        """`folder` is [store] path; nothing is read or made yet."""
        self._path = folder / FILE_NAME
        self._stamp: tuple[int, int, int] | None = None
        self._tokens: tuple[Token, ...] = ()

    def tokens(self) -> tuple[Token, ...]:
        """All of them, as the file says now.

        Raises:
            TokenError: the file is damaged or open to others.
        """
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._stamp, self._tokens = None, ()
            return ()
        stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
        if stamp != self._stamp:
            if found.st_mode & 0o077:
                raise TokenError(f"{self._path} is open to others: chmod 600 {self._path}")
            self._tokens = self._read().tokens
            self._stamp = stamp
        return self._tokens

    def find(self, secret: str, now: datetime) -> Token | None:
        """The valid token that `secret` is, compared in constant time; None when there is none."""
        if len(secret) > TOKEN_CHARS_MAX or not secret.startswith(PREFIX):
            return None
        digest = _digest(secret)
        match = None
        for token in self.tokens():
            if hmac.compare_digest(token.sha256, digest):
                match = token
        return match if match is not None and match.valid(now) else None

    def add(
        self, name: str, scopes: tuple[Scope, ...], now: datetime, expires_at: datetime | None
    ) -> str:
        """Make a token and return its secret: the only time that it is known.

        Raises:
            TokenError: the name is taken or not allowed, or there are too many.
        """
        secret = PREFIX + secrets.token_urlsafe(32)
        token = Token(
            name=name,
            sha256=_digest(secret),
            scopes=tuple(dict.fromkeys(scopes)),
            created_at=now,
            expires_at=expires_at,
        )
        try:
            msgspec.convert(msgspec.to_builtins(token), Token)
        except msgspec.ValidationError:
            raise TokenError(
                f"{name!r} is no token name: 1 to 64 letters, digits, dot, dash, underscore, @"
            ) from None
        with self._locked():
            kept = self._read().tokens
            if any(other.name == name for other in kept):
                raise TokenError(f"there is a token named {name!r} already; revoke it first")
            if len(kept) >= TOKENS_MAX:
                raise TokenError(f"there are {TOKENS_MAX} tokens already; revoke some")
            self._write(_File(tokens=(*kept, token)))
        return secret

    def revoke(self, name: str) -> None:
        """Remove it; TokenError when there is none of that name."""
        with self._locked():
            kept = self._read().tokens
            left = tuple(token for token in kept if token.name != name)
            if len(left) == len(kept):
                raise TokenError(f"there is no token named {name!r}")
            self._write(_File(tokens=left))

    def _read(self) -> _File:
        try:
            with self._path.open("rb") as file:
                data = file.read(FILE_BYTES_MAX + 1)
        except FileNotFoundError:
            return _File()
        except OSError as error:
            raise TokenError(f"cannot read {self._path}: {error.strerror}") from None
        try:
            if len(data) > FILE_BYTES_MAX:
                raise ValueError("too large")
            return msgspec.json.decode(data, type=_File)
        except (ValueError, msgspec.MsgspecError) as error:
            raise TokenError(f"{self._path} is damaged: {error}") from None

    def _write(self, file: _File) -> None:
        part = self._path.with_suffix(".part")
        data = msgspec.json.format(msgspec.json.encode(file), indent=1)
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(fd)
        part.replace(self._path)
        self._stamp = None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise TokenError(f"cannot write {self._path}: {error.strerror}") from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)
