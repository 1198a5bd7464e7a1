"""Somebody outside who is told of calls, and calls that end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from dialerd.store.base import BaseStore
from tests.admin_http.site import Site, site
from tests.store.kit import call, filled_list, people, running, take

HERE = '[admin]\nwebhook_networks = ["127.0.0.0/8"]\n'


class Receiver:
    """Somebody who is told."""

    def __init__(self) -> None:
        self.got: list[tuple[Any, Any, bytes]] = []  # headers, decoded body, body
        self.asked: list[str] = []  # paths
        self.status: Callable[[int], int] = lambda _n: 204
        self.hold = asyncio.Event()
        self.hold.set()
        self.server = TestServer(self._app())

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._hear)
        return app

    async def _hear(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        body = await request.read()
        await self.hold.wait()
        status = self.status(len(self.asked))
        if status == 204:
            self.got.append((request.headers.copy(), msgspec.json.decode(body), body))
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, headers=headers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/calls"

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _, _ in self.got]


@asynccontextmanager
async def told(folder: Path) -> AsyncIterator[tuple[Site, Receiver]]:
    async with site(folder, more=HERE) as s:
        receiver = Receiver()
        await receiver.server.start_server()
        try:
            yield s, receiver
        finally:
            receiver.hold.set()
            await receiver.server.close()


def end_calls(store: BaseStore, n: int, name: str = "spring") -> int:
    """So many calls are over; the campaign."""
    campaign = running(store, filled_list(store, f"for {name}", people(n)), name=name)
    for claim in take(store, campaign.campaign_id, n=n):
        call(store, claim, keys="1")
    return campaign.campaign_id


async def make(s: Site, receiver: Receiver, **more: Any) -> str:
    """A webhook; its secret."""
    body = {"name": "crm", "url": receiver.url, **more}
    status, made = await s.ask("POST", "/v1/webhooks", body)
    assert status == 201, made
    return str(made["secret"])
