"""The agent's socket: acks and refusals, coming back, one for each agent, slow and hostile ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from aiohttp import WSServerHandshakeError

import admin_http.live.agent
import admin_http.live.desks
from admin_http.limits import AGENT_MESSAGE_BYTES_MAX, AGENT_RATE, ASKERS_MAX
from admin_http.live.agent import AT_DESKS, BAD_MAX, NOT_ALLOWED, REPLACED
from admin_http.live.agent_messages import ACTS
from admin_http.live.desks import DESKS, DONE_MAX
from admin_http.live.feed import EVENTS_MAX
from admin_http.people.roles import USERS, Role
from admin_http.people.store import AdminError
from admin_http.rates import Buckets, Rate
from admin_http.tokens import Scope
from dialerd.core.agent_records import AgentState
from dialerd.core.agents_view import AsAgent, LogIn, Pause, Ready
from tests.admin_http.agent_page import LOGIN, becomes, office, page, state
from tests.admin_http.site import Site
from tests.control.desk import until


async def test_a_day_is_acked_and_told(tmp_path: Path) -> None:
    async with (
        office(tmp_path) as s,
        page(s, s.person("lan", Role.AGENT, agent="lan"), query="") as p,
    ):
        first = await p.next()
        assert (first["type"], first["agent"], first["work"]) == ("snapshot", None, [])
        ack = await p.do(**LOGIN)
        assert (ack["type"], ack["agent"]["state"], ack["agent"]["phone"]) == (
            "ack", "paused", "1001",
        )  # fmt: skip
        assert (await p.do(act="ready"))["agent"]["state"] == "ready"
        told = await p.do(act="pause", reason="ăn trưa")
        assert (told["agent"]["state"], told["agent"]["reason"]) == ("paused", "ăn trưa")
        refused = await p.do(act="dial")
        assert refused["type"] == "refused"
        assert refused["problem"]["status"] == 409
        assert refused["problem"]["detail"] == "there is no customer to call"
        assert (await p.do(act="logout"))["agent"]["state"] == "offline"
        await p.do(act="resync")
        await p.until("snapshot")
        told = [one["data"]["state"] for one in p.missed if one["type"] == "event"]
        assert told == ["paused", "ready", "paused", "offline"]


async def test_what_does_not_fit_is_refused_with_its_id(tmp_path: Path) -> None:
    async with office(tmp_path) as s, page(s) as p:
        await p.next()
        assert (await p.do(act="fly"))["problem"]["status"] == 422
        assert (await p.do(act="ready", much=1))["problem"]["status"] == 422
        assert (await p.do(act="lost"))["problem"]["status"] == 422  # the socket says it by itself
        assert (await p.do(act="dispose", note="x" * 4_001))["problem"]["status"] == 422
        transfer = {"act": "transfer", "kind": "queue", "target": "care"}
        for bad in ({"kind": "boss"}, {"target": "a\nb"}, {"ring_s_max": 0}):
            assert (await p.do(**transfer | bad))["problem"]["status"] == 422
        for keys in ("", "1 2", "1" * 33, 7):
            assert (await p.do(act="digits", digits=keys))["problem"]["status"] == 422
        assert (await p.do(act="sheet"))["problem"]["detail"] == "you have no customer"
        assert (await p.do(act="answers", answers={"q": 1}))["problem"]["status"] == 409
        deep = '{"id": "6", "act": "answers", "answers": {"a": ' + "[" * 2_000 + "]" * 2_000 + "}}"
        nameless = ("", "{", "[]", '{"act": "ready"}', '{"id": "", "act": "ready"}', "\ud7ff" * 9)
        for text in (*nameless, deep):
            await p.socket.send_str(text)
            refused = await p.until("refused")
            assert "id" not in refused
        await p.socket.send_bytes(b'{"id": "b", "act": "ready"}')
        assert (await p.until("refused"))["problem"]["status"] == 415
        assert (await p.do(**LOGIN))["type"] == "ack"  # it still serves


async def test_who_only_sends_rubbish_is_cut_off(tmp_path: Path) -> None:
    async with office(tmp_path) as s, page(s) as p:
        for _ in range(BAD_MAX):
            await p.socket.send_str("rubbish")
        assert await p.closed() == 1008


async def test_a_message_that_is_too_large_closes_the_socket(tmp_path: Path) -> None:
    async with office(tmp_path) as s, page(s) as p:
        await p.next()
        await p.socket.send_str("x" * (AGENT_MESSAGE_BYTES_MAX + 1))
        assert await p.closed() == 1009
        await until(lambda: len(s.client.app[AT_DESKS]) == 0)


async def test_too_many_messages_are_refused_and_the_socket_stays(tmp_path: Path) -> None:
    async with office(tmp_path) as s, page(s) as p:
        rate = Rate(1e-6, AGENT_RATE[1])  # none comes anew while the test runs
        s.client.app[AT_DESKS].rates = Buckets(rate, ASKERS_MAX)
        await p.next()
        await p.do(**LOGIN)
        many = 2 * int(AGENT_RATE[1])
        for number in range(many):
            await p.socket.send_str(f'{{"id": "n{number}", "act": "ready"}}')
        found = []
        while len(found) < many:
            answer = await p.next()
            if answer["type"] in ("ack", "refused"):
                found.append(answer.get("problem", {}).get("status", 200))
        assert set(found) == {200, 429}
        assert found.count(200) == AGENT_RATE[1] - 1  # one was the log-in


async def test_between_two_messages_of_a_flood_everybody_else_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, seen, many = 0, [], 50

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)  # one turn of the loop, which is what is counted

    async with office(tmp_path) as s, page(s) as p:
        await p.next()
        await p.do(id="1", act="resync")
        await p.until("snapshot")
        desks = s.client.app[AT_DESKS]
        said = desks.said
        monkeypatch.setattr(desks, "said", lambda *of: (seen.append(turns), said(*of))[1])
        counting = asyncio.create_task(count())
        for _ in range(many):  # in one go: they come in one piece
            await p.socket.send_str('{"id": "1", "act": "resync"}')
        for _ in range(many):
            await p.until("ack")
        counting.cancel()
    assert len(set(seen)) == many


async def test_a_message_that_is_sent_again_is_not_done_again(tmp_path: Path) -> None:
    async with office(tmp_path) as s:
        async with page(s) as p:
            await p.do(**LOGIN)
            first = await p.do(id="once", act="ready")
            await p.do(act="pause", reason="lunch")
            query = f"?agent=lan&last={p.last}"
        async with page(s, query=query) as p:  # the ack was lost with the connection, say
            assert await p.do(id="once", act="ready") == first
            assert await state(s) is AgentState.PAUSED
            refused = await p.do(id="twice", act="dial")
            assert refused["type"] == "refused"
            assert (await p.do(id="twice", act="ready"))["type"] == "ack"  # what was refused may be
        async with page(s) as p:  # begun anew: its numbers are its own
            assert (await p.do(id="once", act="pause"))["agent"]["state"] == "paused"


async def test_what_was_done_is_remembered_in_bounded_memory(tmp_path: Path) -> None:
    async with office(tmp_path) as s:
        desks = s.client.app[AT_DESKS]
        for number in range(10 * DONE_MAX):
            desks.remember("lan", f"m{number}", b"ack")
        assert desks.said("lan", "m0") is None
        assert desks.said("lan", f"m{10 * DONE_MAX - 1}") == b"ack"
        assert sum(desks.said("lan", f"m{number}") is not None for number in range(640)) == DONE_MAX


async def test_a_page_that_is_loaded_anew_loses_nothing(tmp_path: Path) -> None:
    async with office(tmp_path) as s:
        async with page(s) as p:
            await p.do(**LOGIN)
            await p.do(act="ready")
            await p.until("event", topic="agent")
        s.booth.hub.publish("card", {"agent": "lan", "number": "+84912000001"}, 2)
        s.booth.hub.publish("card", {"agent": "another", "number": "+84912000002"}, 3)
        await until(lambda: s.services.relay.hub.seq == s.booth.hub.seq)
        async with page(s, query=f"?agent=lan&last={p.last}") as again:
            found = await again.until("event", topic="card")
            assert found["data"]["number"] == "+84912000001"
            assert (await again.do(act="ready"))["agent"]["state"] == "ready"
            assert not any(one["type"] == "snapshot" for one in again.missed)
            assert not any(one.get("data", {}).get("agent") == "another" for one in again.missed)
        assert await state(s) is AgentState.READY  # nobody was told that it was away


async def test_a_place_in_the_past_that_nobody_knows_gets_the_present(tmp_path: Path) -> None:
    async with office(tmp_path) as s:
        for last in ("1-1", "nonsense", f"{s.services.relay.epoch}-99999"):
            async with page(s, query=f"?agent=lan&last={last}") as p:
                assert (await p.until("snapshot"))["agent"] is None


async def test_who_does_not_come_back_is_lost_and_may_come_back_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_http.live.desks, "RETURN_S", 0.0)
    async with office(tmp_path) as s:
        async with page(s) as p:
            await p.do(**LOGIN)
            await p.do(act="ready")
            await until(lambda: _desks(s) == ["lan"])
        await becomes(s, AgentState.LOST)
        await until(lambda: not _desks(s))
        async with page(s) as p:
            found = await p.until("snapshot")
            assert found["agent"]["state"] == "ready"  # back, all as before


async def test_who_comes_back_too_late_to_the_place_it_knows_is_not_lost_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_http.live.desks, "RETURN_S", 0.0)
    async with office(tmp_path) as s:
        async with page(s) as p:
            await p.do(**LOGIN)
            await p.do(act="ready")
            await p.do(act="resync")
            await p.until("snapshot")
        await becomes(s, AgentState.LOST)
        async with page(s, query=f"?agent=lan&last={p.last}") as again:
            assert (await again.do(act="ready"))["agent"]["state"] == "ready"
            assert not any(one["type"] == "snapshot" for one in again.missed)  # nothing was missed


def _desks(s: Site) -> list[str]:
    with s.services.admin.read() as txn:
        return [desk.agent for desk in txn.scan(DESKS, 10)]


async def test_who_worked_by_the_process_before_is_told_to_be_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_http.live.desks, "RETURN_S", 0.0)
    async with office(tmp_path) as s:
        for act in (LogIn(phone="1001"), Ready()):
            await s.services.control.call(AsAgent(agent="lan", act=act))
        desks = admin_http.live.desks.Desks(s.services.control, s.services.relay, s.services.admin)
        s.services.admin.write(lambda txn: txn.put(DESKS, admin_http.live.desks.AtDesk("lan")))
        desks.start()
        await becomes(s, AgentState.LOST)
        await until(lambda: not _desks(s))
        await desks.stop()
        assert len(desks) == 0


async def test_a_newer_socket_takes_over(tmp_path: Path) -> None:
    async with office(tmp_path) as s, page(s) as old:
        await old.next()
        await old.do(**LOGIN)
        async with page(s) as new:
            assert await old.closed() == REPLACED
            assert (await new.do(act="ready"))["agent"]["state"] == "ready"
            assert len(s.client.app[AT_DESKS]) == 1


async def test_a_slow_reader_gets_the_present_state_instead_of_what_waits(tmp_path: Path) -> None:
    async with office(tmp_path) as s, page(s) as p:
        await p.do(**LOGIN)
        text = "x" * 2_000
        for number in range(3 * EVENTS_MAX):  # in one turn of the loop: nothing can be sent
            event = {"agent": "lan", "text": text, "n": number}
            s.services.relay.hub.publish("card", event, number)
        await p.until("snapshot")
        await p.do(act="ready")
        told = [one["data"]["n"] for one in p.missed if one.get("topic") == "card"]
        assert len(told) <= EVENTS_MAX
        assert 0 not in told[1:]


async def refused(s: Site, secret: str, query: str = "", **headers: str) -> int:
    with pytest.raises(WSServerHandshakeError) as error:
        async with page(s, secret, query=query, headers=headers):
            pass
    return error.value.status


async def test_who_may_work_as_whom(tmp_path: Path) -> None:
    async with office(tmp_path) as s:
        lan = s.person("lan", Role.AGENT, agent="lan")
        nobody = s.person("none", Role.AGENT)
        viewer = s.person("khach", Role.VIEWER)
        async with page(s, lan, query="?agent=lan") as p:
            await p.next()
        assert await refused(s, lan, "?agent=hoa") == 404
        assert await refused(s, nobody) == 400
        assert await refused(s, nobody, "?agent=lan") == 404
        assert await refused(s, viewer, "?agent=lan") == 403
        assert await refused(s, s.token("reads", Scope.READ), "?agent=lan") == 403
        assert await refused(s, "wrong", "?agent=lan") == 401
        assert await refused(s, s.secret) == 400
        assert await refused(s, s.secret, "?agent=a%00b") == 400
        assert (await s.ask("GET", "/v1/agent?agent=lan"))[0] == 426


async def test_pages_of_others_open_no_socket(tmp_path: Path) -> None:
    async with office(tmp_path) as s:
        host = f"{s.client.host}:{s.client.port}"
        for origin in (f"http://{host}", f"https://{host}"):  # a proxy may end TLS
            async with page(s, headers={"Origin": origin}) as p:
                await p.next()
        for origin in (
            "http://[",
            "http://evil.example",
            f"http://{host}.evil.example",
            "null",
            f"ftp://{host}",
        ):
            assert await refused(s, s.secret, "?agent=lan", Origin=origin) == 403


async def test_an_agent_does_not_choose_its_queues(tmp_path: Path) -> None:
    async with office(tmp_path) as s:
        lan = s.person("lan", Role.AGENT, agent="lan")
        act = LogIn(phone="1001", queues=("vip",))
        await s.services.control.call(AsAgent(agent="lan", act=act))
        await s.services.control.call(AsAgent(agent="lan", act=Pause()))
        async with page(s, lan) as p:
            assert (await p.do(**LOGIN, queues=["other"]))["problem"]["status"] == 403
            assert (await p.do(**LOGIN))["agent"]["queues"] == ["vip"]


async def test_a_right_that_is_taken_away_ends_the_socket(tmp_path: Path) -> None:
    async with office(tmp_path) as s:
        lan = s.person("lan", Role.AGENT, agent="lan")
        async with page(s, lan) as p:
            await p.next()
            admin = s.services.admin
            with admin.read() as txn:
                user = txn.get(USERS, b"lan")
            assert user is not None
            gone = msgspec.structs.replace(user, disabled=True)
            admin.write(lambda txn: txn.put(USERS, gone))
            await p.socket.send_str('{"id": "1", "act": "ready"}')
            assert await p.closed() == NOT_ALLOWED


async def test_a_right_that_cannot_be_looked_at_ends_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise AdminError("the disk is gone")

    async with office(tmp_path) as s, page(s) as p, page(s, query="?agent=hoa") as idle:
        await p.next()
        await idle.next()
        monkeypatch.setattr(s.services.door, "admitted", broken)
        await p.socket.send_str('{"id": "1", "act": "ready"}')
        assert await p.closed() == NOT_ALLOWED
        monkeypatch.setattr(admin_http.live.agent, "HEARTBEAT_S", 0.001)
        s.booth.hub.publish("card", {"agent": "hoa", "number": "+84912000001"}, 2)  # it wakes up
        assert await idle.closed() == NOT_ALLOWED


async def test_a_fault_in_what_is_told_cuts_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with office(tmp_path) as s, page(s) as p:
        await p.next()
        monkeypatch.setattr(s.services.relay, "here", lambda: 1 // 0)
        await p.socket.send_str('{"id": "1", "act": "resync"}')
        assert await p.closed() == 1006
        await until(lambda: len(s.client.app[AT_DESKS]) == 0)
    assert "the socket of agent lan" in caplog.text


async def test_the_end_of_the_process_closes_sockets_and_loses_nobody(tmp_path: Path) -> None:
    async with office(tmp_path) as s, page(s) as p:
        await p.do(**LOGIN)
        await p.do(act="ready")
        ending = asyncio.create_task(s.client.app[AT_DESKS].stop())
        assert await p.closed() == 1001
        await ending
        assert await state(s) is AgentState.READY


async def test_a_daemon_that_goes_and_comes_back_is_told(tmp_path: Path) -> None:
    async with office(tmp_path) as s, page(s) as p:
        await p.do(**LOGIN)
        await s.booth.server.close()
        assert (await p.until("core"))["up"] is False
        assert (await p.do(act="ready"))["problem"]["status"] == 503
        await s.booth.server.start()
        assert (await p.until("core", up=True))["up"] is True
        found = await p.until("snapshot")
        assert found["agent"]["state"] == "paused"


def test_every_act_of_the_core_can_be_done_here() -> None:
    names = {act.__struct_config__.tag for act in ACTS}
    assert {"login", "ready", "pause", "take", "dial", "hangup", "dispose", "note"} <= names
    assert not {"lost", "back"} & names
