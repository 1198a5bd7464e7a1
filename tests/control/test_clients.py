"""Both clients against daemons that come, go, stay mute or are something else."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path

import msgpack
import pytest

from dialerd.control import io_client
from dialerd.control.io_client import SyncClient, UnreachableError
from dialerd.control.io_server import ControlServer
from dialerd.core import control as api
from tests.control.desk import Booth, booth, client, spec, until


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
            await asyncio.wait_for(waiting, 100)
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


def test_who_waits_is_told_once_and_then_what_to_do(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(io_client, "SLOW_S", 0.01)
    told: list[float] = []
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen(1)
        with SyncClient(path, 0.05, told.append) as s:
            for _ in range(2):
                with pytest.raises(UnreachableError, match=r"does not answer: .*`dialerd run`"):
                    s.call(api.Ping())
        assert told == [0.05]
        crowd = [SyncClient(path, 0.05)]
        with pytest.raises(UnreachableError, match="does not answer"):
            while len(crowd) < 20:  # the kernel holds a few more than were asked for
                crowd.append(SyncClient(path, 0.05, told.append))
        for one in crowd:
            one.close()


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
