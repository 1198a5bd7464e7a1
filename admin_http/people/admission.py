"""Who a request is from, and whether that one may use its route; and how people log in.

A bearer token counts before a cookie. Whoever has a cookie was let in by a browser, which sends it
with whatever another page asks for: so a change needs the session's `X-CSRF-Token` too, and
neither `Origin` nor `Sec-Fetch-Site` may name another page.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from typing import Final

from aiohttp import web

from admin_http import tokens
from admin_http.origin import origin
from admin_http.people import audit, sessions
from admin_http.people.asker import Asker, by_session, by_token
from admin_http.people.passwords import Desk
from admin_http.people.roles import USERS, User
from admin_http.people.sessions import SESSIONS, Policy, Session
from admin_http.people.store import AdminError, AdminStore, Txn
from admin_http.people.throttle import Throttle
from admin_http.problems import ProblemError
from admin_http.routes import Route
from admin_http.tokens import utc_now

log = logging.getLogger(__name__)

CHALLENGE: Final = 'Bearer realm="dialerd"'
CSRF_HEADER: Final = "X-CSRF-Token"
READS: Final = frozenset({"GET", "HEAD"})
WRONG: Final = "wrong user or password"


class Door:
    """Lets in."""

    def __init__(self, store: AdminStore, policy: Policy) -> None:
        """`policy` is how long sessions last."""
        self._store = store
        self.policy = policy
        self.passwords = Desk()
        self.throttle = Throttle()
        self._touched: dict[bytes, asyncio.Task[None]] = {}

    def admitted(self, request: web.Request, route: Route) -> Asker | None:
        """Who asks; None on a route that is open.

        Raises:
            ProblemError: 401 without valid credentials, 403 without the scope, the role, or what
                shows that it is no other page that asks.
            AdminError: credentials cannot be checked.
        """
        if route.access is not None and not route.access.roles:
            return None
        asker = self.asker(request)
        if asker is None:
            headers = {"WWW-Authenticate": CHALLENGE}
            raise ProblemError(401, "log in, or send a valid bearer token", headers=headers)
        if route.scope not in asker.scopes:
            challenge = f'{CHALLENGE}, error="insufficient_scope", scope="{route.scope}"'
            headers = {"WWW-Authenticate": challenge}
            raise ProblemError(403, f"this token lacks the scope {route.scope}", headers=headers)
        if route.access is None or asker.role not in route.access.roles:
            raise ProblemError(403, f"this is not for the role {asker.role}")
        return asker

    def asker(self, request: web.Request) -> Asker | None:
        """Who a request is from, as of now: None once a token, session or user is gone."""
        given = request.headers.get("Authorization")
        if given is not None:
            scheme, _, secret = given.partition(" ")
            return self._by_token(secret.strip()) if scheme.lower() == "bearer" else None
        cookie = request.cookies.get(sessions.cookie_name(request), "")
        return self._by_cookie(request, cookie) if cookie else None

    def _by_token(self, secret: str) -> Asker | None:
        with self._store.read() as txn:
            token = tokens.find(txn, secret, utc_now())
            if token is None or not token.user:
                return None if token is None else by_token(token, None)
            owner = txn.get(USERS, token.user.encode())
            return None if owner is None or owner.disabled else by_token(token, owner)

    def _by_cookie(self, request: web.Request, cookie: str) -> Asker | None:
        now = utc_now()
        with self._store.read() as txn:
            found = sessions.find(txn, cookie, now, self.policy)
        if found is None:
            return None
        user, session = found
        same_page(request)
        if request.method not in READS:
            sent = request.headers.get(CSRF_HEADER, "").encode("utf-8", "replace")
            if not hmac.compare_digest(sent, session.csrf.encode()):
                raise ProblemError(403, f"a change by a session needs its {CSRF_HEADER}")
        key = SESSIONS.key(session)
        if (now - session.seen_at).total_seconds() > sessions.SEEN_S and key not in self._touched:
            self._touched[key] = asyncio.ensure_future(self._touch(key))
        return by_session(user, key)

    async def _touch(self, key: bytes) -> None:
        try:
            await self._store.change(lambda txn: sessions.seen(txn, key, utc_now()))
        except AdminError as error:  # the session then ends early, nothing else
            log.error("%s", error)
        finally:
            del self._touched[key]

    async def log_in(self, request: web.Request, name: str, password: str) -> tuple[str, Session]:
        """What the cookie holds, and the session; one that the request has ends.

        Raises:
            ProblemError: 401 wrong user or password, or disabled: nobody learns which; 403 another
                page asks; 429 too many failures, 503 too many at once, which is no failure.
        """
        same_page(request)
        address = self._try(request, name)
        with self._store.read() as txn:
            user = txn.get(USERS, name.encode())
        hashed = user.password if user else ""
        right = await self._fits(name, address, hashed, password)
        cookie = request.cookies.get(sessions.cookie_name(request), "")

        def begin(txn: Txn) -> tuple[str, Session] | None:
            now = utc_now()
            known = txn.get(USERS, name.encode())
            # What was looked at outside of this transaction has to be what is kept now.
            if known is not None and (not right or known.disabled or known.password != hashed):
                known = None
            status = 401 if known is None else 201
            audit.note(txn, now, name, "log in", status=status, address=address)
            if known is None:
                return None
            if cookie and (old := sessions.find(txn, cookie, now, self.policy)):
                txn.delete(SESSIONS, SESSIONS.key(old[1]))
            return sessions.begin(txn, known, address, now, self.policy)

        begun = await self._store.change(begin)
        if begun is None:
            raise ProblemError(401, WRONG, headers={"WWW-Authenticate": CHALLENGE})
        self.throttle.succeed(name, address)
        return begun

    async def confirm(self, request: web.Request, user: User, password: str) -> None:
        """Whoever has an open browser is not yet its user; ProblemError 403, 429, 503."""
        address = self._try(request, user.name)
        if not await self._fits(user.name, address, user.password, password):
            raise ProblemError(403, "that is not the password of now")
        self.throttle.succeed(user.name, address)

    def _try(self, request: web.Request, name: str) -> str:
        """Count a try of a password; the address it comes from. ProblemError 429."""
        address = origin(request).address
        wait_s = self.throttle.begin(name, address, time.monotonic_ns())
        if wait_s:
            headers = {"Retry-After": str(wait_s)}
            raise ProblemError(429, f"too many failures: wait {wait_s} s", headers=headers)
        return address

    async def _fits(self, name: str, address: str, hashed: str, password: str) -> bool:
        try:
            return await self.passwords.fits(hashed, password)
        except ProblemError:  # too many at once: it was not looked at
            self.throttle.undo(name, address)
            raise

    async def close(self) -> None:
        """Behind what is under way."""
        await asyncio.gather(*self._touched.values(), return_exceptions=True)
        await asyncio.to_thread(self.passwords.close)


def same_page(request: web.Request) -> None:
    """ProblemError 403 when the browser says that another site's page asks for a change.

    A WebSocket is one, too: its page hears all that comes by it, which no other page may. A page is
    ours when its host is the one that was asked for. Its scheme may be https where we were asked
    over plain HTTP, as behind a proxy that ends TLS; a plain page never asks for what is ours over
    TLS: anybody on the way may have written it.
    """
    if request.method in READS and "Upgrade" not in request.headers:
        return
    page = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    host = request.host.lower()
    own = {f"https://{host}"} if origin(request).secure else {f"https://{host}", f"http://{host}"}
    foreign = page is not None and page.lower() not in own
    if foreign or site not in {"same-origin", "none"}:
        raise ProblemError(403, "another site's page asks for this")
