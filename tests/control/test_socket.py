"""The control socket over real sockets, with a real store behind it, and bad clients."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import threading
from pathlib import Path

import msgpack
import pytest

from dialerd.control import frames
from dialerd.control.io_client import SyncClient, UnreachableError
from dialerd.control.io_server import ControlServer, SocketTakenError
from dialerd.control.limits import (
    CLIENTS_MAX,
    EVENTS_QUEUED_MAX,
    REQUEST_BYTES_MAX,
    SUBSCRIPTIONS_MAX,
)
from dialerd.core import control as api
from dialerd.core.records import CampaignState
from tests.control.desk import Booth, booth, client, spec


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "control.sock"


async def ask(path: Path, data: bytes) -> list[list[object]]:
    """Send raw bytes, end, and read every frame that comes back."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(data)
        await writer.drain()
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()
    return list(frames.Reader(1 << 24).feed(answer))


async def test_every_method(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await b.people()
        assert (await c.call(api.Ping())).pid == os.getpid()
        assert (await c.call(api.GetStatus())).counters == {"sip.sent": 3}
        assert [x.size for x in (await c.call(api.ListLists())).items] == [3]
        made = await c.call(api.CreateCampaign(spec=spec(), who="an"))
        assert made.state is CampaignState.DRAFT
        assert made.allowed == (api.CampaignAction.APPROVE,)
        assert made.spec == spec()
        for action, state in (
            (api.CampaignAction.APPROVE, CampaignState.APPROVED),
            (api.CampaignAction.START, CampaignState.RUNNING),
            (api.CampaignAction.PAUSE, CampaignState.PAUSED),
            (api.CampaignAction.RESUME, CampaignState.RUNNING),
        ):
            moved = await c.call(api.ActOnCampaign(campaign=spec().name, action=action, who="bình"))
            assert moved.state is state
        assert moved.why == "no trunk is up"
        assert moved.audience == 3
        assert (await c.call(api.GetCampaign(campaign=str(made.id)))) == moved
        assert (await c.call(api.ListCampaigns())).items == (moved,)
        books = await c.call(api.GetProgress(campaign="1"))
        assert (books.left, books.leads["ready"], books.audience) == (3, 3, 3)
        moves = (await c.call(api.GetMoves(campaign="1"))).items
        assert [m.after for m in moves][-4:] == ["approved", "running", "paused", "running"]
        assert moves[-1].who == "bình"
        stopped = await c.call(api.EmergencyStop(who="an"))
        assert stopped.paused == (spec().name,)
        assert b.desk.state is api.DaemonState.HALTED
        assert b.desk.told[-1].state is CampaignState.PAUSED
        assert (await c.call(api.Drain(who="an"))).calls_in_flight == 7
        assert (await c.call(api.Stop(who="an", hang_up=True))).calls_in_flight == 7
        assert b.desk.hung_up


async def test_refusals_are_typed(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await b.people()
        with pytest.raises(api.NotFound):
            await c.call(api.GetCampaign(campaign="nobody"))
        await c.call(api.CreateCampaign(spec=spec(), who="an"))
        with pytest.raises(api.Conflict):
            await c.call(api.CreateCampaign(spec=spec(), who="an"))
        start = api.ActOnCampaign(campaign="1", action=api.CampaignAction.START, who="an")
        with pytest.raises(api.Conflict) as conflict:
            await c.call(start)
        assert conflict.value.allowed == ("approve",)
        assert "draft" in conflict.value.text
        assert b.desk.told[-1].state is CampaignState.DRAFT


async def test_every_fault_of_a_campaign_is_told_at_once(path: Path) -> None:
    bad = spec(
        list="nobody",
        steps=(
            {"prompt": "hello", "keys": {"1": "nowhere"}},
            {"prompt": "missing", "id": "start"},
        ),
    )
    params = {"spec": msgpack.unpackb(frames._encode(bad)), "who": "x"}
    async with booth(path):
        (frame,) = await ask(path, msgpack.packb([0, 1, "create_campaign", params]))
        error = frames.read_refusal(frame)
        assert isinstance(error, api.Invalid)
        assert {f.pointer for f in error.faults} == {
            "/spec/steps/0/keys/1",
            "/spec/steps/1/id",
            "/spec/steps/1/prompt",
            "/spec/list",
        }


async def test_regime_faults_point_at_their_field(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await b.people()
        for changes, pointer in (
            ({"regime": "wild-west"}, "/spec/regime"),
            ({"regime": "vn-care"}, "/spec/hours"),
        ):
            with pytest.raises(api.Invalid) as caught:
                await c.call(api.CreateCampaign(spec=spec(**changes), who="an"))
            assert [f.pointer for f in caught.value.faults] == [pointer]


async def test_pages(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        await b.people()
        for i in range(7):
            await c.call(api.CreateCampaign(spec=spec(f"c{i}"), who="an"))
        names, after = [], 0
        while True:
            page = await c.call(api.ListCampaigns(after=after, limit=3))
            names += [item.name for item in page.items]
            if page.next is None:
                break
            after = page.next
        assert names == [f"c{i}" for i in range(7)]


async def test_the_socket_is_private_and_removed(path: Path) -> None:
    async with booth(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_a_stale_socket_is_replaced(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    async with booth(path), client(path) as c:
        await c.call(api.Ping())


async def test_a_live_socket_is_left_alone(path: Path) -> None:
    async with booth(path), client(path) as c:
        second = Booth(path)
        with pytest.raises(SocketTakenError, match="another dialerd listens"):
            await second.server.start()
        await second.server.close()
        await c.call(api.Ping())


async def test_a_socket_with_a_full_backlog_is_alive(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(path))
        busy.listen(0)
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(str(path))
        with pytest.raises(SocketTakenError):
            await Booth(path).server.start()
        for one in waiting:
            one.close()


async def test_what_is_no_socket_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("precious")
    with pytest.raises(SocketTakenError, match="no socket"):
        await Booth(path).server.start()
    assert path.read_text() == "precious"


async def test_closing_leaves_a_successors_socket(path: Path) -> None:
    async with booth(path):
        path.unlink()
        async with booth(path), client(path) as c:
            first = path.stat().st_ino
            await c.call(api.Ping())
            assert path.stat().st_ino == first


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


async def until(condition) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true")


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
        event = await asyncio.wait_for(first, 5)
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
            data = await asyncio.wait_for(reader.read(65536), 5)
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
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                while True:
                    writer.write(ask_for_all)
                    await writer.drain()
        before = len(served)
        await c.call(api.Ping())
        assert len(served) == before < 200
        writer.transport.abort()


async def test_an_event_too_large_or_unfit_is_counted_as_lost(path: Path) -> None:
    async with booth(path) as b, client(path) as c:
        stream = c.events(api.Subscribe())
        first = asyncio.ensure_future(anext(stream))
        await until(lambda: len(b.hub))
        b.hub.publish("call", {"blob": "x" * 100_000}, 1)
        b.hub.publish("call", {"thing": object()}, 2)
        event = await asyncio.wait_for(first, 5)
        assert event.topic == "lost"
        b.hub.publish("call", {"fine": 1}, 3)
        while event.topic == "lost":
            event = await asyncio.wait_for(anext(stream), 5)
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


async def test_the_client_comes_back_when_the_daemon_does(path: Path) -> None:
    async with client(path) as c:
        with pytest.raises(UnreachableError, match="no daemon is running"):
            await c.call(api.Ping())
        async with booth(path) as b:
            await c.call(api.Ping())
            stream = c.events(api.Subscribe())
            waiting = asyncio.ensure_future(anext(stream))
            await until(lambda: len(b.hub))
        with pytest.raises(UnreachableError):
            await asyncio.wait_for(waiting, 5)
        with pytest.raises(UnreachableError):
            await c.call(api.Ping())
        async with booth(path):
            await c.call(api.Ping())


async def test_a_daemon_that_does_not_answer(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen(5)
        async with client(path, timeout_s=0.2) as c:
            with pytest.raises(UnreachableError, match="does not answer"):
                await c.call(api.Ping())

        def sync() -> None:
            with SyncClient(path, 0.2) as s, pytest.raises(UnreachableError, match="not answer"):
                s.call(api.Ping())

        await asyncio.to_thread(sync)


@pytest.mark.parametrize(
    "answer", [b"\xc1", b"HTTP/1.1 400\r\n\r\n", msgpack.packb([1, 1, {"x": 1}])]
)
def test_something_else_on_the_socket(path: Path, answer: bytes) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen(1)

        def serve() -> None:
            got, _ = other.accept()
            with got:
                got.recv(1000)
                got.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with SyncClient(path, 5) as s, pytest.raises(api.ControlError):
            s.call(api.Ping())
        thread.join()


async def test_the_synchronous_client(path: Path) -> None:
    async with booth(path) as b:
        await b.people()

        def work() -> list[api.LiveEvent]:
            with SyncClient(path) as s:
                s.call(api.CreateCampaign(spec=spec(), who="an"))
                with pytest.raises(api.Conflict):
                    s.call(
                        api.ActOnCampaign(campaign="1", action=api.CampaignAction.PAUSE, who="an")
                    )
                assert s.call(api.GetCampaign(campaign="1")).name == spec().name
            with SyncClient(path) as s:
                events = s.events(api.Subscribe(after=0))
                return [next(events)]

        (event,) = await asyncio.to_thread(work)
        assert (event.topic, event.seq) == ("campaign", 1)


def test_nobody_there(path: Path) -> None:
    with pytest.raises(UnreachableError, match="there is no socket"):
        SyncClient(path)
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with pytest.raises(UnreachableError, match="nobody listens"):
        SyncClient(path)


async def test_closing_twice_and_before_start(path: Path) -> None:
    made = Booth(path)
    await made.server.close()
    await made.server.start()
    await made.server.close()
    await made.server.close()
    assert isinstance(made.server, ControlServer)
