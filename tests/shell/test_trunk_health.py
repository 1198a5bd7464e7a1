"""Whether trunks are there: one pinger for all of them, accounts that follow their trunk."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from dialerd.config import Trunk
from dialerd.core.events import LineHealth
from dialerd.shell import trunk_health
from dialerd.shell.clock import Clock
from dialerd.shell.sip_stack import Bind, Stack, StackSettings
from dialerd.shell.trunk_config import sip_trunk
from dialerd.shell.trunk_health import TrunkHealth
from dialerd.shell.trunk_targets import TrunkTargets
from sip import limits
from sip.events import Account, Address
from sip.transport.local import Local
from tests.ports import free_port
from tests.sip.stacks import Agent, local

HOST = "127.0.0.1"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of the pinger is a twentieth of one."""
    monkeypatch.setattr("sip.transport.ping.SECOND", limits.SECOND // 20)


def trunk(name: str, host: str, port: int, **more: object) -> Trunk:
    fields = {"name": name, "host": host, "port": port, **more}
    return msgspec.convert(fields, Trunk, strict=False)


class Desk:
    """Health over a stack of our own; `told` is what the dialer was fed."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        settings = StackSettings((Bind(HOST, 0),), trace=None, sources={})
        self.stack = Stack(settings, loop, random.Random(1), Clock())
        stack = self.stack
        self.places = TrunkTargets(stack.targets, stack.admission, stack.locals, loop)
        self.told: list[LineHealth] = []
        self.health = TrunkHealth(stack, self.places, self.told.append, HOST)
        self.places.changed = self.health.moved
        stack.on_event = self.health.hear

    def use(self, *trunks: Trunk) -> None:
        self.places.configure(trunks)
        self.health.configure([(one, sip_trunk(one)) for one in trunks])

    async def until(self, ready: Callable[[], object]) -> None:
        async with asyncio.timeout(100):
            while not ready():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.01)


@asynccontextmanager
async def desk(*peers: Agent) -> AsyncIterator[Desk]:
    one = Desk()
    try:
        yield one
    finally:
        await one.health.close()
        one.places.close()
        one.stack.close()
        for peer in peers:
            peer.stack.close()


def test_two_trunks_at_one_address_are_asked_by_one_ping() -> None:
    async def main() -> None:
        peer = Agent(local("udp"))
        port = peer.stack.local()[1]
        async with desk(peer) as one:
            one.use(
                trunk("a", HOST, port, ping_s=60),
                trunk("b", HOST, port, ping_s=3),
                trunk("c", HOST, port),
            )
            assert len(one.stack.targets.pinger) == 1
            await one.until(lambda: peer.stack.statistics()["received"] >= 2)
            peer.stack.close()
            await one.until(lambda: len(one.told) >= 2 and one.told[-1].alive is False)
            down = {event.trunk: event.why for event in one.told if event.alive is False}
            assert down.keys() == {"a", "b"}
            assert all(why.startswith("OPTIONS: ") for why in down.values())
            back = Agent(Local(HOST, port))
            one.told.clear()
            await one.until(lambda: len(one.told) == 3)
            assert {(e.trunk, e.alive) for e in one.told} == {("a", True), ("b", True), ("c", True)}
            one.use(trunk("c", HOST, port))
            assert len(one.stack.targets.pinger) == 0
            back.stack.close()

    asyncio.run(main())


def test_a_trunk_with_two_addresses_is_there_while_one_answers() -> None:
    async def main() -> None:
        peer, dead = Agent(local("udp")), free_port()
        good: Address = (HOST, peer.stack.local()[1], 0)
        bad: Address = (HOST, dead, 0)
        async with desk(peer) as one:
            one.use(trunk("a", HOST, good[1], ping_s=1))
            place = one.places._places["a"]
            one.places._learn("a", place, (bad, good))
            await one.until(lambda: one.stack.targets.pinger.up(bad) is False)
            await one.until(lambda: one.stack.targets.pinger.up(good))
            assert [e for e in one.told if e.alive is False] == []
            peer.stack.close()
            await one.until(lambda: one.told and one.told[-1].alive is False)

    asyncio.run(main())


def test_an_address_that_failed_a_call_and_answers_again_is_news() -> None:
    """The breaker that rests because of silence hears of it, though nobody pings the trunk."""

    async def main() -> None:
        peer = Agent(local("udp"))
        address: Address = (HOST, peer.stack.local()[1], 0)
        async with desk(peer) as one:
            one.use(trunk("a", HOST, address[1]))
            one.stack.targets.failed(address)
            await one.until(lambda: one.told)
            assert one.told == [LineHealth("a", alive=True)]
            assert len(one.stack.targets.pinger) == 0

    asyncio.run(main())


def test_a_trunk_without_an_address_is_out_and_does_not_register() -> None:
    async def main() -> None:
        async with desk() as one:
            one.use(trunk("a", "::1", 5060, username="1", register=True))
            why = "no socket of ours speaks udp over IPv6"
            assert one.told == [LineHealth("a", alive=False, why=why)]
            assert one.stack.endpoint.registration("a") is None
            one.use(trunk("a", HOST, 9))
            assert one.told[1:] == [LineHealth("a", alive=True)]

    asyncio.run(main())


def test_what_cannot_be_registered_is_told() -> None:
    async def main() -> None:
        async with desk() as one:
            one.use(trunk("a", HOST, 9, username="1", register=True, registrar="not:an:address"))
            [told] = one.told
            assert told.registered is False
            assert "not:an:address" in told.why

    asyncio.run(main())


def test_only_a_change_of_the_account_registers_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with desk() as one:
            asked: list[Account] = []
            monkeypatch.setattr(
                type(one.stack.endpoint.accounts), "register", lambda _s, a, _n: asked.append(a)
            )
            who = {"username": "1", "register": True}
            one.use(trunk("a", HOST, 9, **who))
            one.use(trunk("a", HOST, 9, **who, channels=7))
            place = one.places._places["a"]
            one.places._learn("a", place, ((HOST, 8, 0), (HOST, 9, 0)))
            one.places._learn("a", place, ((HOST, 9, 0), (HOST, 8, 0)))  # drawn in another order
            one.use(trunk("a", HOST, 9, **who, register_s=600))
            found = [(account.targets, account.expires_s) for account in asked]
            assert found == [
                (((HOST, 9, 0),), 300),
                (((HOST, 8, 0), (HOST, 9, 0)), 300),
                (((HOST, 9, 0),), 600),  # a new configuration asks anew
            ]

    asyncio.run(main())


def test_leaving_waits_for_registrars_no_longer_than_allowed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(trunk_health, "LEAVE_S", 0.05)

    async def main() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind((HOST, 0))
            async with desk() as one:
                port = silent.getsockname()[1]
                one.use(trunk("a", HOST, port, username="1", register=True))
                await one.health.close()
                assert "the registrar does not answer" in caplog.text

    asyncio.run(main())
