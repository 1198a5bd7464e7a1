"""An agent's page: what it says and hears by the agent's socket, at a whole HTTP process."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import ClientWebSocketResponse, WSMessage, WSMsgType

from admin_http.app import SERVICES
from admin_http.live.agent_messages import ANY_REPLY
from admin_http.people.roles import Role
from dialerd.core.agent_records import AgentState
from dialerd.core.agents_view import ListAgents
from tests.admin_http.site import Site, site
from tests.control.desk import until
from tests.control.team import team

_PAGES = itertools.count()
LONG_S = 100.0  # it ends a test that hangs
LOGIN = {"act": "login", "phone": "1001"}


class Page:
    """An agent's page."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.last = ""
        self.missed: list[Any] = []  # events that came while something else was waited for
        self._number = next(_PAGES) * 1_000

    async def _receive(self) -> WSMessage:
        return await asyncio.wait_for(self.socket.receive(), LONG_S)

    async def next(self) -> Any:
        """The next message, as its type says."""
        message = await self._receive()
        assert message.type is WSMsgType.TEXT, (message, self.socket.close_code)
        msgspec.json.decode(message.data, type=ANY_REPLY)
        found = msgspec.json.decode(message.data)
        self.last = found.get("at", self.last)
        return found

    async def until(self, kind: str, **values: Any) -> Any:
        while True:
            found = await self.next()
            if found["type"] == kind and all(found[key] == values[key] for key in values):
                return found
            self.missed.append(found)

    async def do(self, **act: Any) -> Any:
        """The answer to an act."""
        self._number += 1
        number = act.pop("id", f"m{self._number}")
        await self.socket.send_str(msgspec.json.encode({"id": number, **act}).decode())
        while True:
            found = await self.next()
            if found.get("id") == number:
                return found
            self.missed.append(found)

    async def closed(self) -> int | None:
        """How it was closed."""
        while (found := await self._receive()).type is WSMsgType.TEXT:
            self.missed.append(found.data)
        return found.data if found.type is WSMsgType.CLOSE else self.socket.close_code


@asynccontextmanager
async def page(s: Site, secret: str = "", **more: Any) -> AsyncIterator[Page]:
    """`more`: of the handshake."""
    query = more.pop("query", "?agent=lan")
    headers = {"Authorization": f"Bearer {secret or s.secret}", **more.pop("headers", {})}
    async with s.client.ws_connect(f"/v1/agent{query}", headers=headers, **more) as socket:
        yield Page(socket)


def own_page(s: Site) -> Any:
    """Of an agent by its own account."""
    return page(s, s.person("lan", Role.AGENT, agent="lan"), query="")


@asynccontextmanager
async def office(folder: Path) -> AsyncIterator[Site]:
    async with site(folder, agents=team) as s:
        relay = s.client.app[SERVICES].relay
        await until(lambda: relay.up and len(s.booth.hub) == 1)
        yield s


async def state(s: Site, name: str = "lan") -> AgentState:
    found = await s.services.control.call(ListAgents(name=name))
    return found.items[0].state


async def becomes(s: Site, wanted: AgentState) -> None:
    """Wait for it; the number of looks is bounded."""
    for _ in range(10_000):
        if await state(s) is wanted:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"it never is {wanted}")
