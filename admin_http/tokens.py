"""Bearer tokens: random, shown once, kept as SHA-256 with scopes and expiry in the admin store.

A token is 32 random bytes, so that a plain hash is enough: there is nothing to guess. It is found
by its hash, so how long that takes tells nothing about tokens.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from admin_http.limits import TOKEN_CHARS_MAX, TOKENS_MAX
from admin_http.people.store import AdminStore, Kind, Txn

PREFIX: Final = "dlr_"
OLD_FILE: Final = "tokens.json"  # where they were kept before; in the data folder
OLD_FILE_BYTES_MAX: Final = 4 << 20


class Scope(StrEnum):
    """What a token may do."""

    READ = "read"  # status, campaigns, lists, progress, events
    REPORTS = "reports"  # what was said and pressed by whom: personal data
    CAMPAIGNS = "campaigns"  # create and move campaigns
    OPERATE = "operate"  # stop everything
    USERS = "users"  # users, tokens, the audit log: whoever has it can give itself the rest
    AGENT = "agent"  # work as an agent


class TokenError(Exception):
    """A token that cannot be made or removed."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One token as stored; the secret itself is nowhere."""

    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.@-]+$(?!\n)")]
    sha256: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None = None
    user: str = ""  # whose it is, with that person's role; empty: a program's

    def valid(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires_at is None or now < self.expires_at


TOKENS: Final = Kind("tokens", Token, lambda token: bytes.fromhex(token.sha256))


class _OldFile(msgspec.Struct, frozen=True):
    tokens: tuple[Token, ...] = ()


def find(txn: Txn, secret: str, now: datetime) -> Token | None:
    """The valid token that `secret` is; None when there is none."""
    if len(secret) > TOKEN_CHARS_MAX or not secret.startswith(PREFIX):
        return None
    token = txn.get(TOKENS, hashlib.sha256(secret.encode("utf-8", "replace")).digest())
    return token if token is not None and token.valid(now) else None


def all_tokens(txn: Txn) -> tuple[Token, ...]:
    """All of them, oldest first."""
    found = txn.scan(TOKENS, TOKENS_MAX)
    return tuple(sorted(found, key=lambda token: (token.created_at, token.name)))


def add(
    txn: Txn,
    name: str,
    scopes: tuple[Scope, ...],
    now: datetime,
    expires_at: datetime | None,
    user: str = "",
) -> str:
    """Make a token and return its secret: the only time that it is known.

    Raises:
        TokenError: the name is taken or not allowed, or there are too many.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(
        name=name,
        sha256=hashlib.sha256(secret.encode()).hexdigest(),
        scopes=tuple(dict.fromkeys(scopes)),
        created_at=now,
        expires_at=expires_at,
        user=user,
    )
    try:
        msgspec.convert(msgspec.to_builtins(token), Token)
    except msgspec.ValidationError:
        raise TokenError(
            f"{name!r} is no token name: 1 to 64 letters, digits, dot, dash, underscore, @"
        ) from None
    kept = all_tokens(txn)
    if any(other.name == name for other in kept):
        raise TokenError(f"there is a token named {name!r} already; revoke it first")
    if len(kept) >= TOKENS_MAX:
        raise TokenError(f"there are {TOKENS_MAX} tokens already; revoke some")
    txn.put(TOKENS, token)
    return secret


def revoke(txn: Txn, name: str) -> Token:
    """Remove it; TokenError when there is none of that name."""
    for token in all_tokens(txn):
        if token.name == name:
            txn.delete(TOKENS, TOKENS.key(token))
            return token
    raise TokenError(f"there is no token named {name!r}")


def take_over(store: AdminStore, data: Path) -> int:
    """Move the tokens of an older program's file into the store; how many there were.

    Raises:
        TokenError: the file is damaged or open to others: it is left as it is.
    """
    path = data / OLD_FILE
    try:
        if path.stat().st_mode & 0o077:
            raise TokenError(f"{path} is open to others: chmod 600 {path}")
        with path.open("rb") as file:
            found = file.read(OLD_FILE_BYTES_MAX + 1)
        if len(found) > OLD_FILE_BYTES_MAX:
            raise ValueError("too large")
        old = msgspec.json.decode(found, type=_OldFile).tokens[:TOKENS_MAX]
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise TokenError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, msgspec.MsgspecError) as error:
        raise TokenError(f"{path} is damaged: {error}") from None

    def keep(txn: Txn) -> None:
        names = {token.name for token in all_tokens(txn)}
        for token in old:
            if token.name not in names:
                txn.put(TOKENS, token)

    store.write(keep)
    path.unlink()
    path.with_suffix(".lock").unlink(missing_ok=True)
    return len(old)


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)
