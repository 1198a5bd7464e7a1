"""The control socket over real sockets, with a real store behind it, and bad clients."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import msgpack
import pytest

from dialerd.control import frames
from dialerd.control.io_server import SocketTakenError
from dialerd.core import control as api
from dialerd.core.records import CampaignState
from tests.control.desk import Booth, ask, booth, client, spec


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
        assert (await c.call(api.Ping())).pid == os.getpid()


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
