"""TCP on real sockets, the server's side: limits, faults, peers that misbehave."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest
import uvloop

from sip import limits
from sip.accounts.registrar import Phones
from sip.events import Send
from tests.sip.net import request
from tests.sip.stacks import (
    HOST,
    Agent,
    agents,
    closed,
    connect,
    local,
    next_message,
)  # fmt: skip

MS = limits.MS
LOOPS = [asyncio.run, uvloop.run]
Main = Coroutine[Any, Any, None]


@pytest.mark.parametrize("run", LOOPS)
def test_answers_come_on_the_same_connection_and_pings_are_answered(
    run: Callable[[Main], None],
) -> None:
    async def main() -> None:
        here = Agent(local("tcp"))
        async with agents(here):
            reader, writer = await connect(here)
            ask = request("OPTIONS", branch="z9hG4bKa") + request("OPTIONS", branch="z9hG4bKb")
            for at in range(0, len(ask), 100):
                writer.write(ask[at : at + 100])
                await writer.drain()
                await asyncio.sleep(0)
            assert (await next_message(reader)).branch == b"z9hG4bKa"
            assert (await next_message(reader)).branch == b"z9hG4bKb"
            writer.write(b"\r\n\r\n")
            assert await asyncio.wait_for(reader.readexactly(2), 100) == b"\r\n"
            writer.close()
            await here.until(lambda: not here.stack.statistics()["connections"])

    run(main())


def test_an_answer_finds_the_via_when_its_connection_has_gone() -> None:
    """18.2.2: to the source's address, at the port of sent-by."""

    async def main() -> None:
        here = Agent(local("tcp"))
        async with agents(here):
            server = await asyncio.start_server(lambda r, w: got.put_nowait((r, w)), HOST, 0)
            got: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
            port = server.sockets[0].getsockname()[1]
            _, writer = await connect(here)
            writer.write(request("INVITE", via=f"gw.example.net:{port}", body=b""))
            await here.until(lambda: bool(here.events))
            writer.close()
            await here.until(lambda: not here.stack.statistics()["connections"])
            here.endpoint.ring(here.events[0].leg, 0)
            here.stack.flush()
            reader, back = await asyncio.wait_for(got.get(), 100)
            assert (await next_message(reader)).status == 180
            back.close()
            server.close()
            await server.wait_closed()

    asyncio.run(main())


FAULTS = [
    (request("OPTIONS").replace(b"Content-Length: 0\r\n", b""), b"SIP/2.0 400 Missing Content"),
    (request("OPTIONS").replace(b"Length: 0", b"Length: many"), b"SIP/2.0 400 Bad Content-Length"),
    (request("OPTIONS").replace(b"Length: 0", b"Length: 99999999"), b"SIP/2.0 513 Body Too Large"),
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b""),
    (b"\x16\x03\x01\x02\x00\x01\x00", b""),
]


@pytest.mark.parametrize(("bad", "wanted"), FAULTS)
def test_a_fault_is_answered_and_the_connection_closed(bad: bytes, wanted: bytes) -> None:
    async def main() -> None:
        here = Agent(local("tcp"))
        async with agents(here):
            reader, writer = await connect(here)
            writer.write(request("OPTIONS") + bad + request("OPTIONS", branch="z9hG4bKlater") * 50)
            assert (await next_message(reader)).status == 200
            rest = await closed(reader)
            assert rest.startswith(wanted)
            assert rest.count(b"SIP/2.0 4") + rest.count(b"SIP/2.0 5") == bool(wanted)
            assert b"z9hG4bKlater" not in rest
            writer.close()
            assert here.stack.statistics()["stream_faults"] == 1
            await here.until(lambda: not here.stack.statistics()["connections"])

    asyncio.run(main())


@pytest.mark.parametrize("said", [b"", b"OPTIONS sip:a SIP/2.0\r\n", b"\r\n"])
def test_whoever_says_nothing_whole_is_closed(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FIRST_TIME", 300 * MS)

    async def main() -> None:
        here = Agent(local("tcp"))
        async with agents(here):
            reader, writer = await connect(here)
            writer.write(said)
            await closed(reader)
            writer.close()
            assert here.stack.statistics()["connections"] == 0
            assert here.stack.statistics()["connections_broken"] == 1

    asyncio.run(main())


def test_a_slow_message_is_cut_off_while_a_steady_peer_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "PARTIAL_TIME", 600 * MS)

    async def main() -> None:
        here = Agent(local("tcp"))
        async with agents(here):
            steady, good = await connect(here)
            slow, bad = await connect(here)
            bad.write(request("OPTIONS"))
            await next_message(slow)
            lost = asyncio.create_task(closed(slow))
            message = request("OPTIONS", branch="z9hG4bKslow")
            for n in range(len(message)):
                if lost.done():
                    break
                bad.write(message[n : n + 1])
                if n % 10 == 0:
                    good.write(request("OPTIONS", branch=f"z9hG4bK{n}"))
                    assert (await next_message(steady)).status == 200
                await asyncio.sleep(0.02)
            assert await lost == b""
            bad.close()
            good.close()

    asyncio.run(main())


def test_limits_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONNECTIONS_PER_SOURCE_MAX", 3)

    async def main() -> None:
        here = Agent(local("tcp"))
        async with agents(here):
            those = [await connect(here) for _ in range(5)]
            for reader, _ in those[3:]:
                assert await closed(reader) == b""
            for reader, writer in those[:3]:
                writer.write(request("OPTIONS"))
                assert (await next_message(reader)).status == 200
            for _, writer in those:
                writer.close()
            assert here.stack.statistics()["connections_refused"] == 2
            await here.until(lambda: not here.stack.statistics()["connections"])
            reader, writer = await connect(here)  # the places are free again
            writer.write(request("OPTIONS"))
            assert (await next_message(reader)).status == 200
            monkeypatch.setattr(limits, "CONNECTIONS_MAX", 1)
            refused, other = await connect(here)
            assert await closed(refused) == b""
            other.close()
            here.stack.admits = lambda source: source[0] != HOST
            refused, another = await connect(here)
            assert await closed(refused) == b""
            another.close()
            writer.close()

    asyncio.run(main())


def test_a_peer_that_reads_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STREAM_QUEUE_MAX", 100_000)

    async def main() -> None:
        here = Agent(local("tcp"))
        async with agents(here):
            loop = asyncio.get_running_loop()
            with socket.create_connection(here.stack.local()[:2]) as deaf:
                deaf.setblocking(False)
                await loop.sock_sendall(deaf, request("OPTIONS"))
                await here.until(lambda: here.stack.statistics()["stream_sent"] == 1)
                source = (*deaf.getsockname(), 0)
                for _ in range(1_000):
                    here.endpoint.layer.out.append(Send(b"x" * 20_000, source))
                    here.stack.flush()
                    if not here.stack.statistics()["connections"]:
                        break
            assert here.stack.statistics()["connections"] == 0

    asyncio.run(main())


def test_many_connections_at_once_are_all_served() -> None:
    async def main() -> None:
        here = Agent(local("tcp"))
        async with agents(here):
            those = [await connect(here) for _ in range(limits.CONNECTIONS_PER_SOURCE_MAX)]
            for n, (_, writer) in enumerate(those):
                writer.write(request("OPTIONS", branch=f"z9hG4bK{n}"))
            for n, (reader, _) in enumerate(those):
                assert (await next_message(reader)).branch == f"z9hG4bK{n}".encode()
            for _, writer in those:
                writer.close()

    asyncio.run(main())


def test_a_stranger_who_talks_nonsense_to_the_telephones_side_hears_nothing() -> None:
    """An answer to a broken stream would tell a scanner that there is a server."""

    async def main() -> None:
        near = local("tcp")
        phones = Phones("dialerd", {})
        here = Agent(msgspec.structs.replace(near, side="phone"), phones=phones)
        async with agents(here):
            reader, writer = await connect(here)
            writer.write(request("OPTIONS").replace(b"Content-Length: 0", b"Content-Length: -1"))
            assert await closed(reader) == b""
            assert here.stack.statistics()["stream_faults"] == 1
            writer.close()

    asyncio.run(main())
