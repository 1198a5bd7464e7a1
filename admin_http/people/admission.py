"""Who a request is from, and whether that one may use its route."""

from __future__ import annotations

from aiohttp import web

from admin_http import tokens
from admin_http.people.asker import Asker, by_token
from admin_http.people.roles import USERS
from admin_http.people.store import AdminStore
from admin_http.problems import ProblemError
from admin_http.routes import Route

CHALLENGE = 'Bearer realm="dialerd"'


def admitted(store: AdminStore, request: web.Request, route: Route) -> Asker | None:
    """Who asks; None on a route that is open.

    Raises:
        ProblemError: 401 without valid credentials, 403 without the scope or the role.
        AdminError: credentials cannot be checked.
    """
    if route.access is not None and not route.access.roles:
        return None
    asker = _by_header(store, request)
    if asker is None:
        headers = {"WWW-Authenticate": CHALLENGE}
        raise ProblemError(401, "a valid bearer token is needed", headers=headers)
    if route.scope not in asker.scopes:
        challenge = f'{CHALLENGE}, error="insufficient_scope", scope="{route.scope}"'
        headers = {"WWW-Authenticate": challenge}
        raise ProblemError(403, f"this token lacks the scope {route.scope}", headers=headers)
    if route.access is None or asker.role not in route.access.roles:
        raise ProblemError(403, f"this is not for the role {asker.role}")
    return asker


def _by_header(store: AdminStore, request: web.Request) -> Asker | None:
    """Who has the bearer token of the request."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    with store.read() as txn:
        token = tokens.find(txn, secret.strip(), tokens.utc_now())
        if token is None or not token.user:
            return None if token is None else by_token(token, None)
        owner = txn.get(USERS, token.user.encode())
        if owner is None or owner.disabled:
            return None
        return by_token(token, owner)
