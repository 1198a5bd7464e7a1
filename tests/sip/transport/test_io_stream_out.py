"""TCP and TLS on real sockets, the client's side: calls, connections that go and come."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from fastpath.sipscan import scan
from sip import limits
from sip.events import Failover
from sip.transport.local import Transport
from tests.ports import free_port
from tests.sip.authority import Authority
from tests.sip.net import reply
from tests.sip.stacks import (
    HOST,
    Agent,
    agents,
    answer,
    hang_up,
    local,
)  # fmt: skip

MS = limits.MS
LOOPS = [asyncio.run, uvloop.run]
Main = Coroutine[Any, Any, None]


@pytest.mark.parametrize("run", LOOPS)
@pytest.mark.parametrize("kind", ["tcp", "tls"])
@pytest.mark.parametrize("host", [HOST, "::1"])
def test_calls_share_one_connection_each_way(
    run: Callable[[Main], None], kind: Transport, host: str, authority: Authority
) -> None:
    tls = authority.options("both", "IP:127.0.0.1", "IP:::1")

    async def main() -> None:
        here = Agent(local(kind, host), tls=tls, react=hang_up)
        there = Agent(local(kind, host), tls=tls, react=answer)
        async with agents(here, there):
            for leg in range(100):
                here.call(leg, there.stack.local())
            await here.until_ended(100)
            assert {(e.code, e.by, e.answered) for e in here.ended()} == {(200, "us", True)}
            counts, theirs = here.stack.statistics(), there.stack.statistics()
            assert counts["resent"] == theirs["resent"] == 0
            assert (counts["connections_opened"], counts["connections"]) == (1, 1)
            assert (theirs["connections_opened"], theirs["connections_accepted"]) == (0, 1)
            assert counts["stream_sent"] == theirs["stream_received"] == 300
            assert counts["malformed"] == theirs["malformed"] == 0
            assert counts["client_invites"] >= 0

    run(main())


def test_via_and_contact_say_how_we_are_reached() -> None:
    async def main() -> None:
        here = Agent(local("tcp"))
        async with agents(here):
            server = socket.create_server((HOST, 0))
            with server:
                server.setblocking(False)
                here.call(1, (HOST, server.getsockname()[1], 0))
                loop = asyncio.get_running_loop()
                peer, _ = await asyncio.wait_for(loop.sock_accept(server), 100)
                with peer:
                    invite = scan(await asyncio.wait_for(loop.sock_recv(peer, 9_000), 100))
        port = here.stack.local()[1]
        assert f"SIP/2.0/TCP {HOST}:{port};".encode() in invite.get_all("Via")[0]
        assert invite.contact_uri == f"sip:{HOST}:{port};transport=tcp".encode()

    asyncio.run(main())


@pytest.mark.parametrize("run", LOOPS)
@pytest.mark.parametrize("kind", ["tcp", "tls"])
def test_a_refused_connection_moves_the_call_at_once(
    run: Callable[[Main], None], kind: Transport, authority: Authority
) -> None:
    tls = authority.options("move", "IP:127.0.0.1")

    async def main() -> None:
        here = Agent(local(kind), tls=tls, react=hang_up)
        there = Agent(local(kind), tls=tls, react=answer)
        async with agents(here, there):
            dead = (HOST, free_port(), 0)
            here.call(1, dead, there.stack.local())
            await here.until_ended(1)
            assert here.ended()[0].code == 200
            moved = [e for e in here.events if isinstance(e, Failover)]
            assert [(e.target, e.code) for e in moved] == [(dead, 0)]

    run(main())


def test_names_are_never_looked_up_here() -> None:
    """`connect` with a name would stop everything for as long as a name server likes."""

    async def main() -> None:
        here = Agent(local("tcp"))
        async with agents(here):
            here.call(1, ("gw.example.net", 5060, 0))
            await here.until_ended(1)
            assert here.ended()[0].code == 0
            assert here.stack.statistics()["stream_lost"] == 1

    asyncio.run(main())


def test_a_handshake_that_never_ends_moves_the_call(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONNECT_TIME", 300 * MS)

    async def main() -> None:
        here = Agent(local("tls"), tls=authority.options("never"), react=hang_up)
        async with agents(here):
            with socket.create_server((HOST, 0)) as mute:
                here.call(1, (HOST, mute.getsockname()[1], 0))
                await here.until_ended(1)
            assert here.ended()[0].code == 0
            assert here.stack.statistics()["timeouts"] == 0

    asyncio.run(main())


@pytest.mark.parametrize("run", LOOPS)
@pytest.mark.parametrize("rude", [False, True])
def test_a_request_survives_a_connection_that_closes_under_it(
    run: Callable[[Main], None], rude: bool
) -> None:
    """The peer closes (or resets) idle connections: the request is repeated on a new one."""

    async def main() -> None:
        here = Agent(local("tcp"), react=hang_up)
        async with agents(here):
            loop = asyncio.get_running_loop()
            with socket.create_server((HOST, 0)) as server:
                server.setblocking(False)
                here.call(1, (HOST, server.getsockname()[1], 0))
                peer, _ = await asyncio.wait_for(loop.sock_accept(server), 100)
                first = await asyncio.wait_for(loop.sock_recv(peer, 9_000), 100)
                if rude:
                    linger = b"\x01\0\0\0\0\0\0\0"
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                peer.close()
                peer, _ = await asyncio.wait_for(loop.sock_accept(server), 100)
                with peer:
                    assert await asyncio.wait_for(loop.sock_recv(peer, 9_000), 100) == first
                    await loop.sock_sendall(peer, reply(scan(first), 486))
                    await here.until_ended(1)
                    assert here.ended()[0].code == 486
            assert here.stack.statistics()["connections_opened"] == 2

    run(main())


def test_a_peer_that_always_closes_is_unreachable() -> None:
    async def main() -> None:
        here = Agent(local("tcp"))
        accepted = 0

        async def rude(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal accepted
            accepted += 1
            writer.close()

        async with agents(here):
            server = await asyncio.start_server(rude, HOST, 0)
            here.call(1, (HOST, server.sockets[0].getsockname()[1], 0))
            await here.until_ended(1)
            server.close()
            await server.wait_closed()
            [end] = here.ended()
            assert end.code == 0
            assert end.phrase in {
                "unreachable: closed by the peer", "unreachable: Connection reset by peer",
            }  # fmt: skip
            assert accepted == 2

    asyncio.run(main())


def test_keep_alives_find_a_peer_that_stopped_answering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PONG_TIME", 300 * MS)

    async def main() -> None:
        here = Agent(local("tcp"))
        async with agents(here):
            loop = asyncio.get_running_loop()
            with socket.create_server((HOST, 0)) as server:
                server.setblocking(False)
                target = (HOST, server.getsockname()[1], 0)
                here.call(1, target)
                peer, _ = await asyncio.wait_for(loop.sock_accept(server), 100)
                with peer:
                    invite = await asyncio.wait_for(loop.sock_recv(peer, 9_000), 100)
                    await loop.sock_sendall(peer, reply(scan(invite), 486))
                    assert b"ACK " in await asyncio.wait_for(loop.sock_recv(peer, 9_000), 100)
                    here.stream().keep(target)
                    assert await asyncio.wait_for(loop.sock_recv(peer, 99), 100) == b"\r\n\r\n"
                    await asyncio.sleep(0.9)  # it has never answered one: that is allowed
                    assert here.stack.statistics()["connections"] == 1
                    # nobody may lose its core for so long that an answer is late
                    monkeypatch.setattr(limits, "PONG_TIME", 100_000 * MS)
                    here.stream().keep(target)
                    await asyncio.wait_for(loop.sock_recv(peer, 99), 100)
                    await loop.sock_sendall(peer, b"\r\n")
                    await asyncio.sleep(0.1)  # until it is read
                    monkeypatch.setattr(limits, "PONG_TIME", 300 * MS)
                    assert here.stack.statistics()["connections"] == 1
                    here.stream().keep(target)  # it has answered before: now silence is the end
                    await here.until(lambda: not here.stack.statistics()["connections"])

    asyncio.run(main())
