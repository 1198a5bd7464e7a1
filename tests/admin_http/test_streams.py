"""Live events over HTTP: snapshot, topics, resuming, slow readers, a daemon that comes and goes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse

import admin_http.streams
from admin_http.app import SERVICES
from dialerd.control.io_server import ControlServer
from tests.admin_http.site import Site, site
from tests.control.desk import until


class Reader:
    """Reads one event stream."""

    def __init__(self, answer: ClientResponse) -> None:
        self.answer = answer

    async def next(self) -> tuple[str, str, Any]:
        """Id, name and data of the next event; comments are passed over."""
        found = {"id": "", "event": "", "data": "null"}
        while True:
            line = (await asyncio.wait_for(self.answer.content.readline(), 5)).decode()
            assert line, "the stream ended"
            if line == "\n" and found["event"]:
                return found["id"], found["event"], msgspec.json.decode(found["data"])
            name, colon, value = line.rstrip("\n").partition(": ")
            if colon and name:
                found[name] = value


def follow(s: Site, query: str = "", last_id: str = "", secret: str = "") -> Any:
    headers = {"Authorization": f"Bearer {secret or s.secret}"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    return s.client.get(f"/v1/stream{query}", headers=headers)


async def linked(s: Site) -> None:
    """Until the relay follows the daemon."""
    relay = s.client.app[SERVICES].relay
    await until(lambda: relay.up and len(s.booth.hub) == 1)


async def test_snapshot_first_then_events(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await linked(s)
        async with follow(s) as answer:
            assert answer.content_type == "text/event-stream"
            assert answer.headers["Cache-Control"] == "no-store"
            reader = Reader(answer)
            _, name, data = await reader.next()
            assert (name, data["state"]) == ("snapshot", "running")
            await s.create()
            event_id, name, data = await reader.next()
            assert (name, data["state"], data["who"]) == ("campaign", "draft", "token all")
            assert event_id.endswith("-1")
            assert data["at_ms"] > 0


async def test_topics(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await linked(s)
        async with follow(s, "?topics=call,alert") as answer:
            reader = Reader(answer)
            await reader.next()
            await s.create()
            s.booth.hub.publish("call", {"line": "a\nb\r\n: x"}, 1)
            _, name, data = await reader.next()
            assert (name, data["line"]) == ("call", "a\nb\r\n: x")
        for wrong in ("Call", "a b", "x" * 40, ",".join(["a"] * 40)):
            assert (await s.ask("GET", f"/v1/stream?topics={wrong}"))[0] == 400


async def test_resume_behind_the_last_event(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await linked(s)
        async with follow(s) as answer:
            reader = Reader(answer)
            await reader.next()
            s.booth.hub.publish("call", {"n": 1}, 1)
            last_id, _, _ = await reader.next()
        for n in (2, 3):
            s.booth.hub.publish("call", {"n": n}, 1)
        await until(lambda: s.client.app[SERVICES].relay.hub.seq == 3)
        async with follow(s, last_id=last_id) as answer:
            reader = Reader(answer)
            await reader.next()
            assert [(await reader.next())[2]["n"] for _ in range(2)] == [2, 3]


@pytest.mark.parametrize("last_id", ["1-1", "x", "-", "1795000000123-99999", "é", "1" * 500])
async def test_an_id_of_another_life_is_a_reset(tmp_path: Path, last_id: str) -> None:
    async with site(tmp_path) as s:
        await linked(s)
        async with follow(s, last_id=last_id) as answer:
            reader = Reader(answer)
            assert (await reader.next())[1] == "snapshot"
            assert (await reader.next())[1] == "reset"


async def test_a_daemon_that_goes_and_comes(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await linked(s)
        async with follow(s, "?topics=call") as answer:
            reader = Reader(answer)
            await reader.next()
            await s.booth.server.close()
            assert (await reader.next())[1:] == ("core", {"up": False, "at_ms": 0})
            s.booth.hub.publish("call", {"missed": 1}, 1)
            s.booth.server = ControlServer(s.booth.control, s.booth.path)
            await s.booth.server.start()
            assert (await reader.next())[2]["up"] is True
            assert (await reader.next())[2]["missed"] == 1


async def test_without_a_daemon_the_stream_still_opens(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await linked(s)
        await s.booth.server.close()
        async with follow(s) as answer:
            assert (await Reader(answer).next())[1:] == ("core", {"up": False})


async def test_silence_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_http.streams, "HEARTBEAT_S", 0.01)
    async with site(tmp_path) as s, follow(s) as answer:
        for _ in range(50):
            line = await asyncio.wait_for(answer.content.readline(), 5)
            if line == b":\n":
                break
        assert line == b":\n"


async def test_streams_are_bounded_and_given_back(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        places = asyncio.Semaphore(2)
        s.client.app._state[admin_http.streams.STREAMS] = places
        first, second = await follow(s), await follow(s)
        status, problem = await s.ask("GET", "/v1/stream")
        assert (status, problem["detail"]) == (503, "too many event streams at once")
        first.close()
        await until(lambda: not places.locked())
        async with follow(s) as third:
            assert third.status == 200
        second.close()
        await until(lambda: places._value == 2)
        hub = s.client.app[SERVICES].relay.hub
        await until(lambda: len(hub) == 0)


async def test_a_reader_that_is_too_slow_gets_one_lost(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await linked(s)
        async with follow(s) as answer:
            reader = Reader(answer)
            await reader.next()
            hub = s.client.app[SERVICES].relay.hub
            total = 3 * admin_http.streams.STREAM_EVENTS_MAX
            for i in range(total):  # all at once: the writer has no turn in between
                hub.publish("call", {"i": i}, 1)
            seen = lost = 0
            while seen + lost < total:
                _, name, data = await reader.next()
                if name == "lost":
                    lost += data["n"]
                else:
                    seen += 1
            assert lost >= total - 2 * admin_http.streams.STREAM_EVENTS_MAX
            assert data["i"] == total - 1
