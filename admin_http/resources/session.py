"""Logging in and out, and one's own password."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from admin_http.documents import Document
from admin_http.people import directory, sessions
from admin_http.people.access import everyone, open_
from admin_http.people.passwords import Given, Password, PasswordError, check_new
from admin_http.people.roles import USERS, Role, UserName
from admin_http.people.sessions import SESSIONS
from admin_http.problems import Fault, ProblemError
from admin_http.routes import ROUTES, route
from admin_http.services import Call
from admin_http.tokens import Scope, utc_now


class LogIn(Document):
    """Who, and what shows it."""

    user: UserName
    password: Given


class NewPassword(Document):
    """The password of now, and the one to come."""

    old: Given
    new: Password


class SessionInfo(Document):
    """Who asks; `csrf` is what changes by this session send as X-CSRF-Token.

    `scopes` are those that are of use to the role: others would open no route to it.
    """

    user: str
    role: Role
    scopes: tuple[Scope, ...]
    campaigns: tuple[int, ...] = ()
    agent: str = ""
    csrf: str = ""
    ends_at: Annotated[
        datetime | None, Meta(description="If it is not used any more; null: a token.")
    ] = None


@route(
    "POST",
    "/v1/session",
    None,
    access=open_,
    status=201,
    once=False,  # the body holds a password
    example={"user": "lan", "password": "correct horse battery"},
    also=(401, 403, 429),
)
async def log_in(call: Call, body: LogIn) -> SessionInfo:
    """Log in: a cookie for this host, and the token against forged requests."""
    door = call.services.door
    cookie, session = await door.log_in(call.request, body.user, body.password)
    age_s = int(door.policy.whole.total_seconds())
    call.headers["Set-Cookie"] = sessions.set_cookie(call.request, cookie, age_s)
    call.headers["Location"] = "/v1/session"
    with call.services.admin.read() as txn:
        user = directory.get(txn, session.user)
    return SessionInfo(
        user=user.name,
        role=user.role,
        scopes=_of_use(user.role, frozenset(Scope)),
        campaigns=user.campaigns,
        agent=user.agent or "",
        csrf=session.csrf,
        ends_at=door.policy.ends_at(session),
    )


def _of_use(role: Role, scopes: frozenset[Scope]) -> tuple[Scope, ...]:
    """Those of the scopes that open any route to the role: a page shows what they are for."""
    open_to = {one.scope for one in ROUTES if one.access and role in one.access.roles}
    return tuple(scope for scope in Scope if scope in scopes & open_to)


@route("GET", "/v1/session", Scope.READ, access=everyone)
async def session(call: Call) -> SessionInfo:
    """Who asks, by session or token."""
    asker = call.known
    csrf, ends_at = "", None
    if asker.session:
        with call.services.admin.read() as txn:
            found = txn.get(SESSIONS, asker.session)
        if found is not None:
            csrf, ends_at = found.csrf, call.services.door.policy.ends_at(found)
    return SessionInfo(
        user=asker.user or asker.who,
        role=asker.role,
        scopes=_of_use(asker.role, asker.scopes),
        campaigns=tuple(sorted(asker.campaigns)),
        agent=asker.agent,
        csrf=csrf,
        ends_at=ends_at,
    )


@route("DELETE", "/v1/session", Scope.READ, access=everyone, status=204)
async def log_out(call: Call) -> web.StreamResponse:
    """End the session; a token stays."""
    key = call.known.session
    if key:
        await call.services.admin.change(lambda txn: txn.delete(SESSIONS, key))
    headers = {**call.headers, "Set-Cookie": sessions.set_cookie(call.request, "", 0)}
    return web.Response(status=204, headers=headers)


@route(
    "POST",
    "/v1/session/password",
    Scope.READ,
    access=everyone,
    status=204,
    example={"old": "correct horse battery", "new": "staple of another kind"},
    also=(403,),
)
async def change_password(call: Call, body: NewPassword) -> web.StreamResponse:
    """Another password for oneself: every other session of that person ends."""
    asker = call.known
    if not asker.session:
        raise ProblemError(403, "a person changes a password, by a session")
    with call.services.admin.read() as txn:
        user = txn.get(USERS, asker.user.encode())
    if user is None:
        raise ProblemError(404, "there is no such user any more")
    await call.services.door.confirm(call.request, user, body.old)
    hashed = await new_hash(call, user.name, body.new, "/new")

    await call.services.admin.change(
        lambda txn: directory.set_password(txn, user.name, hashed, utc_now(), asker.session)
    )
    return web.Response(status=204, headers=call.headers)


async def new_hash(call: Call, name: str, password: str, pointer: str) -> str:
    """The hash of a password to come; ProblemError 422 at `pointer` for one that is not taken."""
    try:
        check_new(name, password)
    except PasswordError as error:
        fault = Fault(detail=str(error), pointer=pointer)
        raise ProblemError(422, f"{error} at {pointer}", errors=(fault,)) from None
    return await call.services.door.passwords.make(password)
