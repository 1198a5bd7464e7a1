"""A working day over the agent's socket: the whole daemon, a softphone, SIPp as carrier."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType

from dialerd.core import control as api
from dialerd.core.calls_view import EndCall, ListCalls
from dialerd.core.records import DialMode, Direction, EventKind, LeadState, Outcome
from dialerd.store import open_store
from tests.daemon.test_admin_process import _cmdline
from tests.daemon.test_agents import campaign, office, pytestmark, tries
from tests.daemon.test_daemon import people
from tests.interop.sipp import sipp
from tests.waiting import until

__all__ = ["office", "pytestmark"]
LONG_S = 100.0
OTHER = "0987654321"


class Day:
    """An agent's program: it comes back when its connection breaks."""

    def __init__(self, client: ClientSession, url: str) -> None:
        self._client = client
        self._url = url
        self._number = 0
        self.last = ""
        self.agent: Any = None
        self.socket: ClientWebSocketResponse | None = None

    async def connect(self) -> None:
        while True:
            try:
                self.socket = await self._client.ws_connect(f"{self._url}&last={self.last}")
                return
            except (ClientError, OSError):
                await asyncio.sleep(0.05)  # it is being started (again)

    async def _next(self) -> Any:
        assert self.socket is not None
        message = await asyncio.wait_for(self.socket.receive(), LONG_S)
        if message.type is not WSMsgType.TEXT:
            await self.connect()
            return {"type": "again"}
        found = msgspec.json.decode(message.data)
        self.last = found.get("at", self.last)
        self.agent = found.get("agent", self.agent)
        return found

    async def do(self, act: str, **values: Any) -> Any:
        """The answer; a message whose answer was lost with the connection is sent again."""
        self._number += 1
        text = msgspec.json.encode({"id": f"m{self._number}", "act": act, **values}).decode()
        await self._say(text)
        while True:
            found = await self._next()
            if found.get("id") == f"m{self._number}":
                assert found["type"] == "ack", found
                return found.get("agent")
            if found["type"] == "again":
                await self._say(text)

    async def _say(self, text: str) -> None:
        assert self.socket is not None
        with contextlib.suppress(ClientError, ConnectionError):  # then it comes back, and says it
            await self.socket.send_str(text)

    async def becomes(self, state: str) -> None:
        """Wait for a state by what is told, not by asking."""
        while self.agent is None or self.agent["state"] != state:
            found = await self._next()
            if found["type"] == "event" and found["topic"] == "agent":
                self.agent = {**(self.agent or {}), "state": found["data"]["state"]}
            elif found["type"] == "again":
                await self.do("resync")


def _admin_pid(d: Any) -> int:
    for name in os.listdir("/proc"):
        line = _cmdline(name) if name.isdigit() else ""
        if str(d.config) in line and "admin_http" in line:
            return int(name)
    return 0


async def _work(d: Any, token: str, kill: Any) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with ClientSession(headers=headers) as client:
        day = Day(client, f"http://127.0.0.1:{d.http}/v1/agent?agent=lan")
        await day.connect()
        await day.do("login", phone="1001", campaigns=["c"])
        await day.do("ready")
        await day.becomes("talking")
        assert (await day.do("hold"))["on_hold"] is True
        assert (await day.do("resume"))["on_hold"] is False
        assert (await day.do("digits", digits="12#"))["state"] == "talking"
        await asyncio.to_thread(kill)  # the HTTP process; the conversation goes on
        found = await day.do("note", text="wants a call")
        assert (found["state"], found["card"]["dialed"]) == ("talking", True)
        await day.do("hangup")
        await day.becomes("wrap_up")
        await day.do("dispose", disposition="sold", note="said yes")
        await day.becomes("talking")
        await day.do("transfer", kind="number", target=OTHER)
        await day.becomes("wrap_up")  # the number has answered, and has the customer
        await day.do("dispose", do_not_call=True)
        await day.do("logout")
        assert day.agent["state"] == "offline"
        assert day.socket is not None
        await day.socket.close()


def test_a_day_by_the_socket_survives_the_end_of_the_http_process(office, tmp_path: Path) -> None:
    with sipp(tmp_path, "uas", 3, "-rtp_echo") as carrier:
        d, client = office(carrier.port, ("1001",), token=True)
        people(d.folder, 2)
        campaign(client, DialMode.PROGRESSIVE)
        until(lambda: _admin_pid(d), LONG_S)

        def kill() -> None:
            first = _admin_pid(d)
            os.kill(first, signal.SIGKILL)
            until(lambda: _admin_pid(d) not in (0, first), LONG_S)

        asyncio.run(_work(d, d.token, kill))
        (customer,) = (one for one in client.call(ListCalls()).items if one.direction == "out")
        client.call(EndCall(attempt=customer.attempt, who="test"))  # and so of the number
        until(lambda: client.call(api.GetProgress(campaign="c")).left == 0, LONG_S)
        judged = carrier.finish()
        code, text = d.stop()
    assert (judged["successful"], judged["failed"]) == (3, 0)
    assert (code, "Traceback" in text) == (0, False)
    every = tries(d.folder, 2)
    (over,) = [attempt for attempt, _ in every if attempt.direction is Direction.OVER]
    assert (over.phone, over.outcome) == (int("84" + OTHER[1:]), Outcome.ANSWERED)
    found = [(one, events) for one, events in every if one.direction is Direction.OUT]
    assert EventKind.TRANSFERRED in [event.kind for _, events in found for event in events]
    assert sorted(attempt.disposition for attempt, _ in found) == ["", "sold"]
    assert {attempt.agent for attempt, _ in found} == {"lan"}
    keyed = [e.detail for _, events in found for e in events if e.kind is EventKind.SENT_KEYS]
    assert keyed == ["lan 3"]
    store = open_store(d.folder / "data")
    try:
        states = [store.lead(store.find_campaign("c").campaign_id, n) for n in (1, 2)]
        assert LeadState.BLOCKED in [one.lead.state for one in states if one is not None]
    finally:
        store.close()
