"""Clients that send garbage, read nothing, leave early or come in crowds: nobody else notices."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgpack
import pytest

from dialerd.control import frames
from dialerd.control.limits import (
    CLIENTS_MAX,
    EVENTS_QUEUED_MAX,
    REQUEST_BYTES_MAX,
    SUBSCRIPTIONS_MAX,
)
from dialerd.core import control as api
from tests.control.desk import ask, booth, client, spec, until

PINGS = 20

GARBAGE = {
    "nonsense": b"\xc1\xc1\xc1",
    "http": b"GET / HTTP/1.1\r\n\r\n",
    "a list of four billion": b"\xdd\xff\xff\xff\xff",
    "nested": b"\x91" * 500_000,
    "a huge text": b"\xdb\x7f\xff\xff\xff" + b"x" * (REQUEST_BYTES_MAX + 10),
    "a reply": msgpack.packb([1, 1, {}]),
    "an event": msgpack.packb([3, 1, 1, 1, "x", {}]),
    "an unknown method": msgpack.packb([0, 1, "__class__", {}]),
    "a private method": msgpack.packb([0, 1, "_find", {"name": "x"}]),
    "a method that is a number": msgpack.packb([0, 1, 5, {}]),
    "subscribe with id 0": msgpack.packb([0, 0, "subscribe", {}]),
    "unsubscribe nonsense": msgpack.packb([0, 1, "unsubscribe", {"a": 1}]),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_is_answered_and_hurts_nobody(path: Path, name: str) -> None:
    async with booth(path) as b, client(path) as c:
        await c.call(api.Ping())
        try:
            answers = await ask(path, GARBAGE[name])
        except (ConnectionError, BrokenPipeError):
            answers = []  # it closed while we were still sending
        for answer in answers:
            assert answer[0] in (frames.Kind.REFUSAL, frames.Kind.REPLY)
            assert "Traceback" not in str(answer)
        await c.call(api.Ping())
        await until(lambda: b.server.clients == 1)


async def test_a_client_that_leaves_does_not_undo_its_move(path: Path) -> None:
    async with booth(path) as b:
        await b.people()
        gate = asyncio.Event()
        create = b.store.create_campaign

        async def slow(*args):
            await gate.wait()
            return await create(*args)

        b.store.create_campaign = slow
        request = api.CreateCampaign(spec=spec(), who="an")
        _, writer = await asyncio.open_unix_connection(str(path))
        writer.write(frames.request(1, "create_campaign", request))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
        await until(lambda: b.server.clients == 0)
        gate.set()
        await until(lambda: b.desk.told)
        assert b.desk.told[0].settings.name == spec().name


async def test_events_reach_subscribers_of_their_topic(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await b.people()
        stream = c.events(api.Subscribe(topics=("campaign",)))
        first = asyncio.ensure_future(anext(stream))
        await until(lambda: len(b.hub))
        b.hub.publish("call", {}, 1)
        await c.call(api.CreateCampaign(spec=spec(), who="an"))
        event = await asyncio.wait_for(first, 100)
        assert event.data == {"id": 1, "name": spec().name, "state": "draft", "who": "an"}
        await stream.aclose()
        await until(lambda: len(b.hub) == 0)


async def test_a_subscriber_that_does_not_read_loses_events_only(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        reader, writer = await asyncio.open_unix_connection(str(path), limit=1024)
        writer.write(frames.request(1, "subscribe", api.Subscribe()))
        await until(lambda: len(b.hub))
        blob = "x" * 2000
        total = EVENTS_QUEUED_MAX * 3
        for i in range(total):
            b.hub.publish("call", {"i": i, "blob": blob}, 1)
            if i % 50 == 0:
                await asyncio.sleep(0)
        await c.call(api.Ping())
        cutter, seen, lost = frames.Reader(1 << 20), 0, 0
        last = None
        while last != total:
            data = await asyncio.wait_for(reader.read(65536), 100)
            for frame in cutter.feed(data):
                if frame[0] != frames.Kind.EVENT:
                    continue
                event = frames.read_event(frame)
                assert last is None or event.seq >= last
                last = event.seq
                if event.topic == "lost":
                    lost += int(str(event.data["n"]))
                else:
                    seen += 1
        assert lost > 0
        assert seen + lost == total
        writer.close()


async def test_a_client_that_does_not_read_its_replies_is_not_read(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await b.people()
        for i in range(60):
            await c.call(api.CreateCampaign(spec=spec(f"campaign {i}"), who="an"))
        _, writer = await asyncio.open_unix_connection(str(path))
        ask_for_all = frames.request(1, "campaigns", api.ListCampaigns(limit=500))
        served = []
        campaigns = b.store.campaigns
        b.store.campaigns = lambda: served.append(1) or campaigns()
        writer.write(ask_for_all * 100_000)  # more than both sockets take
        before = -1
        while before < len(served) < 200:
            before = len(served)
            for _ in range(PINGS):  # each is some turns of the loop that serves both
                await c.call(api.Ping())
        assert len(served) == before < 200
        assert writer.transport.get_write_buffer_size()
        writer.transport.abort()


async def test_an_event_too_large_or_unfit_is_counted_as_lost(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        stream = c.events(api.Subscribe())
        first = asyncio.ensure_future(anext(stream))
        await until(lambda: len(b.hub))
        b.hub.publish("call", {"blob": "x" * 100_000}, 1)
        b.hub.publish("call", {"thing": object()}, 2)
        event = await asyncio.wait_for(first, 100)
        assert event.topic == "lost"
        b.hub.publish("call", {"fine": 1}, 3)
        while event.topic == "lost":
            event = await asyncio.wait_for(anext(stream), 100)
        assert event.data == {"fine": 1}
        await stream.aclose()


async def test_subscriptions_are_bounded(path: Path) -> None:
    async with booth(path) as b:
        data = b"".join(
            frames.request(n, "subscribe", api.Subscribe()) for n in range(1, SUBSCRIPTIONS_MAX + 3)
        )
        data += frames.request(1, "subscribe", api.Subscribe())
        answers = await ask(path, data)
        kinds = [frame[0] for frame in answers]
        assert kinds.count(frames.Kind.REPLY) == SUBSCRIPTIONS_MAX
        assert kinds.count(frames.Kind.REFUSAL) == 3
        await until(lambda: len(b.hub) == 0)


async def test_clients_are_bounded(path: Path) -> None:
    async with booth(path) as b:
        writers = []
        for _ in range(CLIENTS_MAX):
            _, writer = await asyncio.open_unix_connection(str(path))
            writers.append(writer)
        await until(lambda: b.server.clients == CLIENTS_MAX)
        (answer,) = await ask(path, b"")
        assert isinstance(frames.read_refusal(answer), api.Unavailable)
        for writer in writers:
            writer.close()
        await until(lambda: b.server.clients == 0)
        async with client(path) as c:
            await c.call(api.Ping())


async def test_our_bugs_show_no_insides(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with booth(path) as b, client(path) as c:

        def broken() -> list[object]:
            raise KeyError("/secret/path")

        b.store.lists = broken
        with pytest.raises(api.ControlError) as caught:
            await c.call(api.ListLists())
        assert caught.value.kind is api.ErrorKind.INTERNAL
        assert "secret" not in caught.value.text
        assert "secret" in caplog.text
        await c.call(api.Ping())


async def test_requests_are_served_beside_each_other(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await b.people()
        gate = asyncio.Event()
        create = b.store.create_campaign

        async def slow(*args):
            await gate.wait()
            return await create(*args)

        b.store.create_campaign = slow
        waiting = asyncio.ensure_future(c.call(api.CreateCampaign(spec=spec(), who="an")))
        await asyncio.sleep(0.01)
        await c.call(api.Ping())
        assert not waiting.done()
        gate.set()
        assert (await waiting).name == spec().name
