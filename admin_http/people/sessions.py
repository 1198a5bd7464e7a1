"""Sessions: what a log-in makes, kept by the server; the client has a random secret in a cookie.

The cookie is for this host alone, not for scripts, and not sent by other sites' pages. Of the
secret only the SHA-256 is kept. A session ends when it was not used for `session_idle_s`, when it
is `session_s` old, when its user is disabled or removed or gets another password.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

import msgspec
from aiohttp import web

from admin_http.limits import SESSIONS_OF_USER_MAX
from admin_http.origin import origin
from admin_http.people.roles import USERS, User
from admin_http.people.store import Kind, Txn

COOKIE: Final = "dialerd_session"
SECURE_COOKIE: Final = "__Host-dialerd_session"  # browsers keep that name for one host, TLS only
SECRET_CHARS_MAX: Final = 64
SEEN_S: Final = 60  # how exactly it is kept when a session was used


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session as stored."""

    key: bytes  # SHA-256 of the secret
    user: str
    csrf: str  # what a change has to send as X-CSRF-Token
    created_at: datetime
    seen_at: datetime
    address: str = ""  # where it was begun


class Policy(msgspec.Struct, frozen=True):
    """How long sessions last."""

    idle: timedelta
    whole: timedelta

    def ends_at(self, session: Session) -> datetime:
        """When it ends if it is not used any more."""
        return min(session.seen_at + self.idle, session.created_at + self.whole)


SESSIONS: Final = Kind("sessions", Session, lambda one: _key(one.user, one.key))


def _key(name: str, digest: bytes) -> bytes:
    return name.encode("utf-8", "replace") + b"\0" + digest


def cookie_name(request: web.Request) -> str:
    """What the cookie of a request's connection is called."""
    return SECURE_COOKIE if origin(request).secure else COOKIE


def set_cookie(request: web.Request, value: str, age_s: int) -> str:
    """The Set-Cookie header; an age of 0 removes it."""
    bounds = "HttpOnly; SameSite=Strict" + ("; Secure" if origin(request).secure else "")
    return f"{cookie_name(request)}={value}; Path=/; Max-Age={age_s}; {bounds}"


def begin(txn: Txn, user: User, address: str, now: datetime, policy: Policy) -> tuple[str, Session]:
    """A new session and what the cookie holds; the oldest of too many of this user end."""
    secret = secrets.token_urlsafe(32)
    session = Session(
        key=hashlib.sha256(secret.encode()).digest(),
        user=user.name,
        csrf=secrets.token_urlsafe(32),
        created_at=now,
        seen_at=now,
        address=address,
    )
    kept = sorted(of_user(txn, user.name), key=lambda one: one.seen_at)
    alive = [one for one in kept if now < policy.ends_at(one)]
    for old in (*(one for one in kept if one not in alive), *alive[: 1 - SESSIONS_OF_USER_MAX]):
        txn.delete(SESSIONS, SESSIONS.key(old))
    txn.put(SESSIONS, session)
    return f"{user.name}:{secret}", session


def find(txn: Txn, cookie: str, now: datetime, policy: Policy) -> tuple[User, Session] | None:
    """Whose session a cookie is of; None when there is none, or it is over."""
    name, _, secret = cookie.partition(":")
    if not name or len(secret) > SECRET_CHARS_MAX or len(name) > SECRET_CHARS_MAX:
        return None
    digest = hashlib.sha256(secret.encode("utf-8", "replace")).digest()
    session = txn.get(SESSIONS, _key(name, digest))
    if session is None or now >= policy.ends_at(session):
        return None
    user = txn.get(USERS, session.user.encode())
    return None if user is None or user.disabled else (user, session)


def of_user(txn: Txn, name: str) -> list[Session]:
    """Those of one user, alive or over."""
    return txn.scan(SESSIONS, 2 * SESSIONS_OF_USER_MAX, prefix=_key(name, b""))


def end_others(txn: Txn, name: str, keep: bytes = b"") -> int:
    """End the sessions of a user but one; how many."""
    ended = [one for one in of_user(txn, name) if SESSIONS.key(one) != keep]
    for one in ended:
        txn.delete(SESSIONS, SESSIONS.key(one))
    return len(ended)


def seen(txn: Txn, key: bytes, now: datetime) -> None:
    """Keep that a session is in use."""
    session = txn.get(SESSIONS, key)
    if session is not None and session.seen_at < now:
        txn.put(SESSIONS, msgspec.structs.replace(session, seen_at=now))
