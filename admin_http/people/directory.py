"""What may happen to users, whether by the API or the command line, each in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from admin_http import tokens
from admin_http.limits import USERS_MAX
from admin_http.people import sessions
from admin_http.people.asker import STAFF
from admin_http.people.roles import USERS, Role, User
from admin_http.people.store import Txn


class UserError(Exception):
    """A change of a user that is refused."""


class NoUserError(UserError):
    """There is no such user."""


_KEEP: Final = "there has to be an admin who can log in: make another one first"


def get(txn: Txn, name: str) -> User:
    """A user; NoUserError."""
    user = txn.get(USERS, name.encode("utf-8", "replace"))
    if user is None:
        raise NoUserError(f"there is no user named {name!r:.80}")
    return user


def add(txn: Txn, user: User) -> User:
    """A new one; UserError when the name is taken, or there are too many."""
    fitting(user)
    if txn.get(USERS, user.name.encode()) is not None:
        raise UserError(f"there is a user named {user.name!r} already")
    if txn.count(USERS) >= USERS_MAX:
        raise UserError(f"there are {USERS_MAX} users already")
    txn.put(USERS, user)
    return user


def fitting(user: User) -> None:
    """UserError for a user that would see nothing, or what its role does not go with."""
    try:
        msgspec.convert(msgspec.to_builtins(user), User)
    except msgspec.ValidationError as error:
        raise UserError(f"{user.name!r:.80} cannot be a user: {error}") from None
    if (user.agent is not None) != (user.role is Role.AGENT):
        raise UserError("a user of the role agent works as one agent, and no other does")
    if user.campaigns and user.role is not Role.VIEWER:
        raise UserError("only viewers are bound to campaigns")
    if user.phones and user.role not in STAFF:
        raise UserError("only admins and supervisors listen in, at telephones of theirs")


def change(txn: Txn, name: str, **fields: object) -> User:
    """Change role, campaigns, agent or whether it is disabled.

    Raises:
        UserError: no such user, it does not fit, or nobody could log in as admin any more.
    """
    old = get(txn, name)
    new = msgspec.structs.replace(old, **fields)
    fitting(new)
    if _rules(old) and not _rules(new):
        _keep_one(txn, name)
    txn.put(USERS, new)
    if new.disabled:
        sessions.end_others(txn, name)
    return new


def set_password(txn: Txn, name: str, hashed: str, now: datetime, keep: bytes = b"") -> User:
    """Another password: every session but `keep` ends; NoUserError."""
    user = msgspec.structs.replace(get(txn, name), password=hashed, password_at=now)
    txn.put(USERS, user)
    sessions.end_others(txn, name, keep)
    return user


def remove(txn: Txn, name: str) -> User:
    """With its sessions and tokens; UserError as of `change`."""
    user = get(txn, name)
    if _rules(user):
        _keep_one(txn, name)
    txn.delete(USERS, name.encode())
    sessions.end_others(txn, name)
    for token in tokens.all_tokens(txn):
        if token.user == name:
            tokens.revoke(txn, token.name)
    return user


def _rules(user: User) -> bool:
    return user.role is Role.ADMIN and not user.disabled and bool(user.password)


def _keep_one(txn: Txn, but: str) -> None:
    if not any(_rules(user) and user.name != but for user in txn.scan(USERS, USERS_MAX)):
        raise UserError(_KEEP)
