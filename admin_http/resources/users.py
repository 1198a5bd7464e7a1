"""Users: who may log in, and as what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from aiohttp import web
from msgspec import Meta

from admin_http.documents import Document, Page, Paging, behind, page
from admin_http.people import directory
from admin_http.people.access import admins
from admin_http.people.directory import NoUserError, UserError
from admin_http.people.passwords import Password
from admin_http.people.roles import USERS, CampaignIds, Phones, Role, User, UserName
from admin_http.people.store import Txn
from admin_http.problems import ProblemError
from admin_http.resources.session import new_hash
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope, utc_now
from dialerd.core.agents_view import AgentName
from dialerd.core.control_base import Instant

T = TypeVar("T")

_NEW = {"name": "khach-a", "role": "viewer", "campaigns": [1], "password": "correct horse battery"}


class OneUser(Document):
    """Which user."""

    user: Annotated[str, Meta(min_length=1, max_length=64)]


class UserSpec(Document):
    """What a user is and sees."""

    role: Role
    campaigns: Annotated[CampaignIds, Meta(description="That a viewer sees, by id.")] = ()
    agent: Annotated[AgentName | None, Meta(description="Whom an agent works as.")] = None
    disabled: bool = False
    phones: Annotated[
        Phones, Meta(description="Accounts that may be rung for a supervisor to listen in.")
    ] = ()


class NewUser(UserSpec, kw_only=True):
    """A user to come."""

    name: UserName
    password: Password


class UserInfo(UserSpec, kw_only=True):
    """A user; the password is nowhere to be read."""

    name: str
    created_at: Instant
    password_at: Instant | None


class GivenPassword(Document):
    """Another password for somebody."""

    password: Password


def shown(user: User) -> UserInfo:
    """As it is told."""
    return UserInfo(
        name=user.name,
        role=user.role,
        campaigns=user.campaigns,
        agent=user.agent,
        disabled=user.disabled,
        phones=user.phones,
        created_at=user.created_at,
        password_at=user.password_at,
    )


async def changed(call: Call, work: Callable[[Txn], T]) -> T:
    """A change of the directory; its refusals become ProblemErrors."""
    try:
        return await call.services.admin.change(work)
    except NoUserError as error:
        raise ProblemError(404, str(error)) from None
    except UserError as error:
        raise ProblemError(409, str(error)) from None


@route("GET", "/v1/users", Scope.USERS, access=admins)
async def users(call: Call, query: Paging) -> Page[UserInfo]:
    """A page of the users, by name."""
    at = behind(call, query)
    after = str(at[0]).encode() if at else b""
    with call.services.admin.read() as txn:
        found = txn.scan(USERS, query.limit + 1, after=after)
    items = tuple(shown(user) for user in found[: query.limit])
    return page(call, query, items, (items[-1].name,) if len(found) > query.limit else None)


# An Idempotency-Key would keep a digest of the password.
@route("POST", "/v1/users", Scope.USERS, access=admins, status=201, once=False, example=_NEW)
async def create_user(call: Call, body: NewUser) -> UserInfo:
    """A new user, who can log in at once."""
    hashed = await new_hash(call, body.name, body.password, "/password")
    now = utc_now()
    user = User(
        name=body.name,
        role=body.role,
        campaigns=body.campaigns,
        agent=body.agent,
        disabled=body.disabled,
        phones=body.phones,
        created_at=now,
        password=hashed,
        password_at=now,
    )
    await changed(call, lambda txn: directory.add(txn, user))
    call.detail = f"{user.name} as {user.role}"
    call.headers["Location"] = f"/v1/users/{user.name}"
    return shown(user)


@route("GET", "/v1/users/{user}", Scope.USERS, access=admins)
async def one_user(call: Call, path: OneUser) -> UserInfo:
    """One user."""
    with call.services.admin.read() as txn:
        try:
            return shown(directory.get(txn, path.user))
        except NoUserError as error:
            raise ProblemError(404, str(error)) from None


@route(
    "PUT",
    "/v1/users/{user}",
    Scope.USERS,
    access=admins,
    document=one_user,
    example={"role": "viewer", "campaigns": [1, 2], "disabled": False},
)
async def change_user(call: Call, path: OneUser, body: UserSpec) -> UserInfo:
    """Another role, other campaigns, another agent; disabled is out at once."""
    fields = {name: getattr(body, name) for name in UserSpec.__struct_fields__}
    seen = call.seen

    def work(txn: Txn) -> User:
        if shown(directory.get(txn, path.user)) != seen:
            raise ProblemError(412, "it has changed since it was read")
        return directory.change(txn, path.user, **fields)

    user = await changed(call, work)
    call.detail = f"{user.role}{', disabled' if user.disabled else ''}"
    return shown(user)


@route(
    "POST",
    "/v1/users/{user}/password",
    Scope.USERS,
    access=admins,
    status=204,
    example={"password": "correct horse battery"},
)
async def give_password(call: Call, path: OneUser, body: GivenPassword) -> web.StreamResponse:
    """Another password for a user, whose sessions all end."""
    hashed = await new_hash(call, path.user, body.password, "/password")
    await changed(call, lambda txn: directory.set_password(txn, path.user, hashed, utc_now()))
    return web.Response(status=204, headers=call.headers)


@route("DELETE", "/v1/users/{user}", Scope.USERS, access=admins, status=204, also=(409,))
async def remove_user(call: Call, path: OneUser) -> web.StreamResponse:
    """Remove a user with its sessions and tokens; the audit log keeps what it did."""
    await changed(call, lambda txn: directory.remove(txn, path.user))
    return web.Response(status=204, headers=call.headers)
