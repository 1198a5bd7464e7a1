"""Live events over HTTP: snapshot, topics, resuming, slow readers, a daemon that comes and goes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse

import admin_http.live.snapshot
import admin_http.live.sse
from admin_http.app import SERVICES
from admin_http.live.feed import BYTES_MAX, EVENTS_MAX, TURN_BYTES, Feed, Shelf
from admin_http.people.asker import by_session
from admin_http.people.directory import change
from admin_http.people.roles import Role, User
from admin_http.tokens import utc_now
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
            line = (await asyncio.wait_for(self.answer.content.readline(), 100)).decode()
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
            assert (name, data["status"]["state"]) == ("snapshot", "running")
            assert set(data) == {"status", "campaigns", "agents", "trunks", "ports"}
            assert [one["name"] for one in data["trunks"]["items"]] == ["fpt"]
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
            s.booth.hub.publish("trunk", {"n": 1}, 1)
            last_id, _, _ = await reader.next()
        for n in (2, 3):
            s.booth.hub.publish("trunk", {"n": n}, 1)
        await until(lambda: s.client.app[SERVICES].relay.hub.seq == 3)
        async with follow(s, last_id=last_id) as answer:
            reader = Reader(answer)
            assert [(await reader.next())[2]["n"] for _ in range(2)] == [2, 3]


async def test_a_snapshot_can_be_resumed_from(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await linked(s)
        async with follow(s, "?topics=trunk") as answer:
            last_id, _, data = await Reader(answer).next()
            assert set(data) == {"status", "trunks"}
        s.booth.hub.publish("trunk", {"n": 1}, 1)
        await until(lambda: s.client.app[SERVICES].relay.hub.seq == 1)
        async with follow(s, "?topics=trunk", last_id=last_id) as answer:
            assert (await Reader(answer).next())[2]["n"] == 1


@pytest.mark.parametrize("last_id", ["1-1", "x", "-", "1795000000123-99999", "é", "1" * 500])
async def test_an_id_of_another_life_is_a_reset(tmp_path: Path, last_id: str) -> None:
    async with site(tmp_path) as s:
        await linked(s)
        async with follow(s, last_id=last_id) as answer:
            reader = Reader(answer)
            assert (await reader.next())[1] == "reset"
            assert (await reader.next())[1] == "snapshot"


async def test_calls_are_only_made_for_who_names_them(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await linked(s)
        hub = s.booth.hub
        assert not hub.asked_for("call")
        async with follow(s) as everything, follow(s, "?topics=call") as calls:
            plain, named = Reader(everything), Reader(calls)
            await plain.next()
            await named.next()
            await until(lambda: hub.asked_for("call"))
            for i in range(3):
                hub.publish("call", {"i": i}, 1)
            hub.publish("trunk", {"i": 9}, 1)
            assert [(await named.next())[2]["i"] for _ in range(3)] == [0, 1, 2]
            assert (await plain.next())[2]["i"] == 9
        await until(lambda: not hub.asked_for("call"))


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
    monkeypatch.setattr(admin_http.live.sse, "HEARTBEAT_S", 0.01)
    async with site(tmp_path) as s, follow(s) as answer:
        for _ in range(50):
            line = await asyncio.wait_for(answer.content.readline(), 100)
            if line == b":\n":
                break
        assert line == b":\n"


async def test_streams_are_bounded_and_given_back(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        places = asyncio.Semaphore(2)
        s.client.app._state[admin_http.live.sse.STREAMS] = places
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
        await until(lambda: len(hub) == 1)  # that of the agents' sockets


async def test_a_reader_that_is_too_slow_gets_one_lost_and_a_snapshot(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await linked(s)
        async with follow(s) as answer:
            reader = Reader(answer)
            await reader.next()
            hub = s.client.app[SERVICES].relay.hub
            total = 3 * EVENTS_MAX
            for i in range(total):  # all at once: the writer has no turn in between
                hub.publish("trunk", {"i": i}, 1)
            _, name, data = await reader.next()
            lost = data["n"]
            assert (name, lost) == ("lost", total)
            assert (await reader.next())[1] == "snapshot"
            for i in range(3):
                hub.publish("trunk", {"i": total + i}, 1)
            seen = [(await reader.next())[2]["i"] for _ in range(3)]
            assert seen == [total, total + 1, total + 2]


async def test_who_stops_reading_costs_a_bound_and_disturbs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_http.live.sse, "GATHER_S", 0.01)  # it waits for each of 200 turns
    async with site(tmp_path) as s:
        await linked(s)
        relay = s.client.app[SERVICES].relay
        channels = s.client.app[admin_http.live.sse.CHANNELS]
        loop = asyncio.get_running_loop()
        port = s.client.port
        with socket.socket() as idle:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            idle.setblocking(False)
            await loop.sock_connect(idle, ("127.0.0.1", port))
            ask = "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n"
            ask += f"Authorization: Bearer {s.secret}\r\n\r\n"
            await loop.sock_sendall(idle, ask.encode())
            await until(lambda: channels._shared)
            (channel,) = channels._shared.values()
            async with follow(s) as answer:
                reader = Reader(answer)
                await reader.next()
                assert channel.readers == 2
                for i in range(2_000):  # 16 MB: more than any socket buffer holds
                    relay.hub.publish("trunk", {"i": i, "text": "x" * 8_000}, 1)
                    assert channel.shelf.bytes <= BYTES_MAX
                    if i % 10 == 9:
                        assert [(await reader.next())[2]["i"] for _ in range(10)][-1] == i
            assert channel.shelf.first > 0


def test_a_feed_is_bounded_in_bytes_and_taken_in_turns() -> None:
    woken: list[int] = []
    feed = Feed(lambda: woken.append(1))
    piece = b"x" * (TURN_BYTES // 2)
    for _ in range(BYTES_MAX // len(piece)):
        feed.put(piece)
    assert feed.lost() == 0
    assert len(feed.take()) == TURN_BYTES
    feed.put(piece)
    feed.put(piece)
    assert feed.lost() == 0
    feed.put(b"last")
    assert feed.lost() == BYTES_MAX // len(piece)
    assert feed.lost() == 0
    assert feed.take() == b"last"
    assert feed.take() == b""
    assert feed.waiting_bytes == 0
    assert woken


async def test_a_shelf_is_bounded_and_hands_the_same_text_to_all_in_one_place() -> None:
    shelf = Shelf()
    news = shelf.news
    assert (shelf.first, shelf.end, shelf.take(0)) == (0, 0, (b"", 0))
    shelf.put(b"a")
    assert news.is_set()
    assert not shelf.news.is_set()
    shelf.put(b"b")
    assert shelf.take(1) == (b"b", 2)
    assert shelf.take(0) == (b"ab", 2)
    assert shelf.take(0)[0] is shelf.take(0)[0]
    for number in range(EVENTS_MAX):
        shelf.put(b"%d" % number)
    assert (shelf.first, shelf.end) == (2, EVENTS_MAX + 2)
    piece = b"x" * (TURN_BYTES // 2)
    for _ in range(2 * BYTES_MAX // len(piece)):
        shelf.put(piece)
    assert shelf.bytes == BYTES_MAX
    text, at = shelf.take(shelf.first)
    assert (len(text), at) == (TURN_BYTES, shelf.first + 2)


async def test_staff_share_a_channel_and_others_have_their_own(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await linked(s)
        services = s.client.app[SERVICES]
        channels = admin_http.live.sse.Channels()
        lan, nga = (
            by_session(User(name=name, role=role, created_at=utc_now()), b"")
            for name, role in (("lan", Role.ADMIN), ("nga", Role.VIEWER))
        )
        before = len(services.relay.hub)
        with contextlib.ExitStack() as stack:
            joined = [
                stack.enter_context(channels.joined(services.relay, topics, asker))
                for topics, asker in (((), lan), ((), lan), (("trunk",), lan), ((), nga))
            ]
            assert joined[0] is joined[1]
            assert len({id(one) for one in joined}) == 3
            assert len(services.relay.hub) == before + 3
            services.relay.hub.publish("trunk", {"n": 1}, 1)
            assert [one.shelf.end for one in joined] == [1, 1, 1, 0]
        assert len(services.relay.hub) == before
        with channels.joined(services.relay, (), lan) as anew:
            assert anew is not joined[0]


async def test_a_viewer_sees_nothing_more_of_a_campaign_that_is_taken_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_http.live.sse, "LOOK_S", 0.0)
    async with site(tmp_path) as s:
        await linked(s)
        secret = s.person("khach", Role.VIEWER, campaigns=(1, 2))
        async with follow(s, "?topics=campaign", secret=secret) as answer:
            reader = Reader(answer)
            assert (await reader.next())[1] == "snapshot"
            s.booth.hub.publish("campaign", {"campaign_id": 1, "n": 1}, 1)
            assert (await reader.next())[2]["n"] == 1
            services = s.client.app[SERVICES]
            await services.admin.change(lambda txn: change(txn, "khach", campaigns=(2,)))
            s.booth.hub.publish("campaign", {"campaign_id": 1, "n": 2}, 2)
            s.booth.hub.publish("campaign", {"campaign_id": 2, "n": 3}, 3)
            assert (await reader.next())[2]["n"] == 3


async def test_a_crowd_that_comes_together_asks_the_daemon_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long an answer counts as fresh is not what is asked, so no time passes it."""
    monkeypatch.setattr(admin_http.live.snapshot, "FRESH_S", 1e9)
    async with site(tmp_path) as s:
        await linked(s)
        asked: list[object] = []
        status = s.booth.desk.status
        s.booth.desk.status = lambda: asked.append(1) or status()  # type: ignore[method-assign]
        snapshots = s.client.app[SERVICES].snapshots
        staff = by_session(User(name="lan", role=Role.ADMIN, created_at=utc_now()), b"")
        found = await asyncio.gather(*(snapshots.of(("none",), staff) for _ in range(50)))
        assert len(set(found)) == 1
        assert len(asked) == 1
        monkeypatch.setattr(admin_http.live.snapshot, "FRESH_S", -1.0)
        await snapshots.of(("none",), staff)
        assert len(asked) == 2, "who comes later is told what is so by then"
