"""The HTTP API over a real control server and a real LMDB store."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from aiohttp.test_utils import TestClient, TestServer

from admin_http import tokens
from admin_http.app import make_app
from admin_http.people import passwords
from admin_http.people.roles import USERS, Role, User
from admin_http.services import Services
from admin_http.tokens import Scope, utc_now
from dialerd.config import Config, load
from dialerd.control.agents import AgentDesk
from dialerd.control.hub import EventHub
from dialerd.store import open_store
from tests.control.desk import Booth, spec

ALL = tuple(Scope)
PASSWORD = "một mật khẩu dài"


def config_at(folder: Path, more: str = "") -> Config:
    """A configuration whose data and socket are in `folder`; `more` of its text."""
    path = folder / "dialerd.toml"
    path.write_text('[store]\npath = "data"\n[control]\nsocket = "c.sock"\n' + more)
    return load(path)


@cache
def hashed() -> str:
    """The hash of `PASSWORD`, made once: that takes a while."""
    return passwords.make(PASSWORD)


class Site:
    """A client with a token of every scope, and what is behind the API."""

    def __init__(
        self,
        client: TestClient[Any, Any],
        booth: Booth,
        services: Services,
    ) -> None:
        self.client = client
        self.services = services
        self.booth = booth
        self.secret = self.token("all", *ALL)

    def token(self, name: str, *scopes: Scope, user: str = "") -> str:
        """The secret of a new token: a program's, or a person's."""
        admin = self.services.admin
        return admin.write(lambda txn: tokens.add(txn, name, scopes, utc_now(), None, user))

    def person(self, name: str, role: Role, **more: Any) -> str:
        """A new user with a token of every scope: its secret."""
        user = User(name=name, role=role, created_at=utc_now(), password=hashed(), **more)
        self.services.admin.write(lambda txn: txn.put(USERS, user))
        return self.token(f"of-{name}", *ALL, user=name)

    async def log_in(
        self, name: str, password: str = PASSWORD, **headers: str
    ) -> tuple[int, Any, str]:
        """Status, document and what the cookie holds."""
        body = msgspec.json.encode({"user": name, "password": password})
        headers = {"Content-Type": "application/json", **headers}
        async with self.client.post("/v1/session", data=body, headers=headers) as answer:
            document = msgspec.json.decode(await answer.read())
            self.client.session.cookie_jar.clear()  # what is sent is said by each test
            given = answer.cookies.get("dialerd_session")
            return answer.status, document, given.value if given else ""

    async def with_cookie(
        self, method: str, path: str, cookie: str, csrf: str = "", body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        """What a browser gets."""
        sent = {"Cookie": f"dialerd_session={cookie}", **headers}
        if csrf:
            sent["X-CSRF-Token"] = csrf
        data = None if body is None else msgspec.json.encode(body)
        if body is not None:
            sent["Content-Type"] = "application/json"
        async with self.client.request(method, path, data=data, headers=sent) as answer:
            found = await answer.read()
            self.client.session.cookie_jar.clear()
            said = "json" in answer.content_type  # aiohttp's own refusals are plain text
            return answer.status, msgspec.json.decode(found) if found and said else None

    async def ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **more: Any
    ) -> tuple[int, Any]:
        """Status and decoded body; checks what must hold of every answer."""
        headers = {"Authorization": f"Bearer {token or self.secret}", **more.pop("headers", {})}
        if body is not None:
            data = body if isinstance(body, bytes) else msgspec.json.encode(body)
            more["data"] = io.BytesIO(data)  # aiohttp warns of large plain bytes
            headers.setdefault("Content-Type", "application/json")
        async with self.client.request(method, path, headers=headers, **more) as answer:
            data = await answer.read()
            assert answer.headers["X-Request-Id"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert b"Traceback" not in data
            if answer.status == 204:
                return 204, None
            if answer.status < 400:
                json = answer.content_type == "application/json"
                return answer.status, msgspec.json.decode(data) if json else data
            assert answer.content_type == "application/problem+json", data
            problem = msgspec.json.decode(data)
            assert problem["status"] == answer.status
            assert problem["request_id"] == answer.headers["X-Request-Id"]
            return answer.status, problem

    async def create(self, **changes: object) -> dict[str, Any]:
        status, made = await self.ask("POST", "/v1/campaigns", spec(**changes))
        assert status == 201, made
        return made


@asynccontextmanager
async def site(
    folder: Path,
    *,
    people: int = 3,
    agents: Callable[[EventHub], AgentDesk] | None = None,
    more: str = "",
) -> AsyncIterator[Site]:
    """Served for the length of a block."""
    config = config_at(folder, more)
    store = open_store(config.store.path)
    booth = Booth(config.control.socket, store, agents)
    await booth.server.start()
    services = Services(config, store, folder / "dialerd.toml")
    client = TestClient(TestServer(make_app(services)))
    await client.start_server()
    try:
        await booth.people(n=people)
        yield Site(client, booth, services)
    finally:
        await client.close()
        await booth.server.close()
        booth.store.close()
