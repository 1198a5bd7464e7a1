"""Bearer tokens of programs and people."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from msgspec import Meta

from admin_http import tokens as kept
from admin_http.documents import Document, Page, Paging, behind, page
from admin_http.people import directory
from admin_http.people.access import admins
from admin_http.people.asker import token_key
from admin_http.people.store import Txn
from admin_http.problems import Fault, ProblemError
from admin_http.resources.users import changed
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope, Token, TokenError, utc_now
from dialerd.core.control_base import Instant

TokenName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.@-]+$(?!\n)")]


class OneToken(Document):
    """Which token."""

    token: Annotated[str, Meta(min_length=1, max_length=64)]


class NewToken(Document):
    """A token to come: a program's, or with `user` a person's, who has its role's bounds too."""

    name: TokenName
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=len(Scope))]
    expires_at: Instant | None = None
    user: Annotated[str, Meta(max_length=64)] = ""


class TokenInfo(Document):
    """A token; its secret is nowhere to be read."""

    name: str
    scopes: tuple[Scope, ...]
    created_at: Instant
    expires_at: Instant | None
    user: str
    valid: bool


class MadeToken(TokenInfo, kw_only=True):
    """A token that was made just now: the one time that its secret is shown."""

    secret: str


def _shown(token: Token) -> TokenInfo:
    return TokenInfo(
        name=token.name,
        scopes=token.scopes,
        created_at=token.created_at,
        expires_at=token.expires_at,
        user=token.user,
        valid=token.valid(utc_now()),
    )


@route("GET", "/v1/tokens", Scope.USERS, access=admins)
async def tokens(call: Call, query: Paging) -> Page[TokenInfo]:
    """A page of the tokens, by name."""
    at = behind(call, query)
    after = str(at[0]) if at else ""
    with call.services.admin.read() as txn:
        found = [one for one in kept.all_tokens(txn) if one.name > after]
    found.sort(key=lambda one: one.name)
    items = tuple(_shown(one) for one in found[: query.limit])
    return page(call, query, items, (items[-1].name,) if len(found) > query.limit else None)


@route("GET", "/v1/tokens/{token}", Scope.USERS, access=admins)
async def one_token(call: Call, path: OneToken) -> TokenInfo:
    """One token."""
    with call.services.admin.read() as txn:
        for found in kept.all_tokens(txn):
            if found.name == path.token:
                return _shown(found)
    raise ProblemError(404, f"there is no token named {path.token!r}")


@route(
    "POST",
    "/v1/tokens",
    Scope.USERS,
    access=admins,
    status=201,
    once=False,  # the answer holds the secret
    example={"name": "crm", "scopes": ["read", "campaigns"]},
)
async def create_token(call: Call, body: NewToken) -> MadeToken:
    """A new token, whose secret is in this answer alone."""
    now = utc_now()
    if body.expires_at is not None and body.expires_at <= now:
        fault = Fault(detail="in the past", pointer="/expires_at")
        raise ProblemError(422, "expires_at: in the past", errors=(fault,))

    def work(txn: Txn) -> str:
        if body.user:
            try:
                directory.get(txn, body.user)
            except directory.NoUserError as error:
                fault = Fault(detail=str(error), pointer="/user")
                raise ProblemError(422, str(error), errors=(fault,)) from None
        return kept.add(txn, body.name, body.scopes, now, body.expires_at, body.user)

    try:
        secret = await changed(call, work)
    except TokenError as error:
        raise ProblemError(409, str(error)) from None
    call.detail = f"{body.name}: {', '.join(body.scopes)}{f' of {body.user}' * bool(body.user)}"
    call.headers["Location"] = f"/v1/tokens/{body.name}"
    return MadeToken(
        name=body.name,
        scopes=tuple(dict.fromkeys(body.scopes)),
        created_at=now,
        expires_at=body.expires_at,
        user=body.user,
        valid=True,
        secret=secret,
    )


@route("DELETE", "/v1/tokens/{token}", Scope.USERS, access=admins, status=204, also=(409,))
async def revoke_token(call: Call, path: OneToken) -> web.StreamResponse:
    """Remove a token: who uses it is refused from now on; it cannot remove itself."""
    if call.known.key == token_key(path.token):
        raise ProblemError(409, "that is the token you ask with: remove it by another way")
    try:
        await changed(call, lambda txn: kept.revoke(txn, path.token))
    except TokenError as error:
        raise ProblemError(404, str(error)) from None
    return web.Response(status=204, headers=call.headers)
