"""Names, penalties and pings on real sockets with a real name server."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fastpath.sipscan import scan
from sip import limits
from sip.events import Accepted, Address, Ended, Failover, Incoming, SipEvent
from sip.transport.io_dns import DnsResolver
from sip.transport.io_targets import Targets
from sip.transport.local import Local
from sip.transport.locate import Wanted
from sip.transport.ping import Ping
from tests.ports import free_port
from tests.sip.nameserver import ZONE, name_server
from tests.sip.net import reply
from tests.sip.stacks import HOST, Agent, answer, hang_up, local

NONE = Path("nowhere") / "hosts"


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    with name_server(*ZONE) as port:
        yield port


def targets(agent: Agent, server: int, penalty_s: int = 60) -> Targets:
    resolver = DnsResolver([HOST], port=server, timeout_ms=1_000, hosts=NONE)
    return Targets(agent.stack, resolver, random.Random(1), penalty_s=penalty_s)


@asynccontextmanager
async def closing(*those: Agent) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for agent in those:
            agent.stack.close()


async def find(agent: Agent, those: Targets, wanted: Wanted) -> tuple[Address, ...]:
    found: list[tuple[Address, ...]] = []
    those.find(wanted, 0, found.append)
    await agent.until(lambda: bool(found))
    return found[0]


def test_from_a_domain_to_addresses_by_naptr_srv_a_and_aaaa(server: int) -> None:
    async def main() -> None:
        here = Agent(local("udp"), local("udp", "::1"), local("tcp"))
        async with closing(here):
            those = targets(here, server)
            found = await find(here, those, Wanted("example.com"))
            assert found == (
                (HOST, 5071, 0), ("::1", 5072, 1), ("127.0.0.2", 5072, 0), (HOST, 5073, 2),
            )  # fmt: skip
            asked = here.stack.statistics()["names_asked"]
            again: list[tuple[Address, ...]] = []
            those.find(Wanted("example.com"), 0, again.append)
            assert again == [found]  # known: at once
            assert here.stack.statistics()["names_asked"] == asked == 7
            assert await find(here, those, Wanted("none.example.com")) == ()
            assert await find(here, those, Wanted("127.0.0.9", 0, "tcp")) == (
                ("127.0.0.9", 5060, 2),
            )

    asyncio.run(main())


def test_an_address_that_failed_is_tried_last_and_comes_back_when_it_answers(
    server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first server is down: the call moves, the next call goes to the second at once."""
    monkeypatch.setattr("sip.transport.ping.SECOND", limits.SECOND // 20)
    dead_port, live = free_port(), local("udp")
    zone = [
        f"--srv-host=_sip._udp.pair.example.com,one.example.com,{dead_port},10",
        f"--srv-host=_sip._udp.pair.example.com,one.example.com,{live.port},20",
        "--host-record=one.example.com,127.0.0.1",
    ]

    async def main(port: int) -> None:
        here, there = Agent(local("udp"), react=hang_up), Agent(live, react=answer)
        async with closing(here, there):
            those = targets(here, port)
            wanted = Wanted("pair.example.com", 0, "udp")
            dead, good = (HOST, dead_port, 0), (HOST, live.port, 0)
            assert await find(here, those, wanted) == (dead, good)
            here.call(1, dead, good)
            await here.until_ended(1)
            assert [e.target for e in here.events if isinstance(e, Failover)] == [dead]
            assert here.ended()[0].code == 200
            assert await find(here, those, wanted) == (good, dead)
            back = Agent(Local(HOST, dead_port), react=answer)
            async with closing(back):
                await here.until(lambda: not those.box.boxed(dead, time.monotonic_ns()))
                assert await find(here, those, wanted) == (dead, good)
                assert back.stack.statistics()["received"] == 1
                assert len(those.pinger) == 0

    with name_server(*zone) as port:
        asyncio.run(main(port))


def test_503_with_retry_after_is_obeyed_and_without_it_is_about_one_call(server: int) -> None:
    async def main() -> None:
        here, there = Agent(local("udp")), Agent(local("udp"))
        busy = (HOST, there.stack.local()[1], 0)
        extra = [b"", b"Retry-After: 120 (full)\r\n"]

        def refuse(agent: Agent, event: SipEvent) -> None:
            if isinstance(event, Incoming):
                agent.endpoint.reject(event.leg, 503, time.monotonic_ns())

        there.react = refuse
        async with closing(here, there):
            those = targets(here, server)
            here.call(1, busy)
            await here.until_ended(1)
            assert not those.box.boxed(busy, time.monotonic_ns())
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as peer:
                peer.bind((HOST, 0))
                loop = asyncio.get_running_loop()
                full = (HOST, peer.getsockname()[1], 0)
                here.call(2, full)
                invite = scan(await asyncio.wait_for(loop.sock_recv(peer, 9_000), 100))
                answer_503 = reply(invite, 503, extra=extra[1].decode())
                await loop.sock_sendto(peer, answer_503, here.stack.local()[:2])
                await here.until_ended(2)
            now_ns = time.monotonic_ns()
            assert those.box.boxed(full, now_ns + 119 * limits.SECOND)
            assert not those.box.boxed(full, now_ns + 121 * limits.SECOND)

    asyncio.run(main())


def test_pings_tell_who_is_up_and_down(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sip.transport.ping.SECOND", limits.SECOND // 20)

    async def main() -> None:
        here, there = Agent(local("udp")), Agent(local("udp"))
        turns: list[bool] = []
        async with closing(here, there):
            those = targets(here, server)
            those.on_turned = lambda turned: turns.append(turned.up)
            peer = (HOST, there.stack.local()[1], 0)
            assert those.watch(peer, Ping(f"sip:{HOST}:{peer[1]}", 5, 5, 2, 1))
            await here.until(lambda: turns == [True])
            there.stack.close()
            await here.until(lambda: turns == [True, False])
            assert those.box.boxed(peer, time.monotonic_ns())
            back = Agent(Local(HOST, peer[1]))
            async with closing(back):
                await here.until(lambda: turns == [True, False, True])
                assert not those.box.boxed(peer, time.monotonic_ns())

    asyncio.run(main())


# ---- names inside dialogs


def named(agent: Agent, name: str) -> None:
    """Its Contact from now on."""
    agent.endpoint.layer.identities[0].contact = f"Contact: <sip:{name}>\r\n".encode()


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_a_name_in_contact_is_followed(server: int, kind: str) -> None:
    """Whoever answers says to go on at another address, by name: the ACK and the BYE go there."""

    async def main() -> None:
        ours = local("udp") if kind == "udp" else local("tcp")
        theirs = Local(HOST, free_port(), ours.transport)
        here, there = Agent(ours, react=hang_up), Agent(theirs, react=answer)
        elsewhere = Agent(Local(HOST, free_port(), ours.transport))
        port = elsewhere.stack.local()[1]
        named(there, f"one.example.com:{port};transport={kind}")
        async with closing(here, there, elsewhere):
            targets(here, server)
            here.call(1, there.stack.local())
            await here.until_ended(1)
            counts = elsewhere.stack.statistics()
            assert counts["received"] == 2  # the ACK; the BYE, which it answers 481
            assert counts["refused"] == 1
            assert (here.ended()[0].code, here.ended()[0].by) == (200, "us")

    asyncio.run(main())


@pytest.mark.parametrize("name", ["none.example.com", "none.example.com:5999"])
def test_a_name_that_leads_nowhere_means_where_the_peer_spoke_from(server: int, name: str) -> None:
    async def main() -> None:
        here, there = Agent(local("udp"), react=hang_up), Agent(local("udp"), react=answer)
        named(there, name)
        async with closing(here, there):
            targets(here, server)
            for leg in range(3):
                here.call(leg, there.stack.local())
            await here.until_ended(3)
            await there.until_ended(3)
            assert {(e.code, e.by) for e in there.ended()} == {(200, "them")}
            assert here.stack.statistics()["resent"] == 0

    asyncio.run(main())


def test_a_name_service_that_is_silent_holds_a_request_for_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "HELD_TIME", 200 * limits.MS)

    async def main() -> None:
        here, there = Agent(local("udp"), react=hang_up), Agent(local("udp"), react=answer)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
            mute.bind((HOST, 0))
            named(there, "slow.example.com")
            async with closing(here, there):
                targets(here, mute.getsockname()[1])
                here.call(1, there.stack.local())
                await here.until_ended(1)
                await there.until_ended(1)
                assert (there.ended()[0].code, there.ended()[0].by) == (200, "them")
                assert here.stack.statistics()["names_late"] >= 1

    asyncio.run(main())


def test_without_targets_names_mean_the_peers_address() -> None:
    async def main() -> None:
        here, there = Agent(local("udp"), react=hang_up), Agent(local("udp"), react=answer)
        named(there, "none.example.com")
        async with closing(here, there):
            here.call(1, there.stack.local())
            await here.until_ended(1)
            kinds = [type(event) for event in here.events]
            assert Accepted in kinds
            assert kinds[-1] is Ended

    asyncio.run(main())


def test_held_messages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HELD_MAX", 3)

    async def main() -> None:
        here = Agent(local("udp"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
            mute.bind((HOST, 0))
            async with closing(here):
                those = targets(here, mute.getsockname()[1])
                name, spare = ("slow.example.com", 5060, 0), (HOST, 9, 0)
                here.endpoint.layer.reach.named[name] = spare
                sent = [those.direct([(b"%d" % n, name)]) for n in range(5)]
                assert sent == [[], [], [], [(b"3", spare)], [(b"4", spare)]]

    asyncio.run(main())


def test_only_an_answer_to_us_moves_calls_away_or_has_somebody_asked(server: int) -> None:
    """Forged or stray: neither is a carrier avoided nor a stranger pinged, nor anybody freed."""

    async def main() -> None:
        here, there = Agent(local("udp")), Agent(local("udp"), react=answer)
        carrier = (HOST, there.stack.local()[1], 0)
        async with closing(here, there):
            those = targets(here, server)
            here.call(1, carrier)
            await here.until(lambda: any(isinstance(e, Accepted) for e in here.events))
            stray = scan(b"OPTIONS sip:x@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKguess\r\n"
                         b"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c\r\n"
                         b"CSeq: 1 OPTIONS\r\n\r\n")  # fmt: skip
            forged = reply(stray, 503, extra="Retry-After: 1800\r\n")
            now_ns = time.monotonic_ns()
            here.stack.receive([(forged, carrier), (forged, ("192.0.2.66", 5060, 0))], now_ns)
            assert (len(those.box), len(those.pinger)) == (0, 0)
            those.box.failed(carrier, now_ns)
            here.stack.receive([(reply(stray, 200), carrier)], now_ns)
            assert those.box.boxed(carrier, now_ns)

    asyncio.run(main())
