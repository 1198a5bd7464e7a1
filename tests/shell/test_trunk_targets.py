"""Where a trunk's requests go: names, several addresses, the penalty box; a real name server."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import msgspec
import pytest

from dialerd.config import Transport, Trunk
from dialerd.shell import sip_stack
from dialerd.shell.clock import Clock
from dialerd.shell.sip_stack import Bind, DnsSettings, Stack, StackSettings
from dialerd.shell.trunk_config import sip_trunk
from dialerd.shell.trunk_targets import TrunkTargets, first_targets, wanted_of
from sip.transport.io_dns import DnsResolver
from sip.transport.local import Local
from sip.transport.locate import Wanted
from tests.sip.nameserver import name_server

HOST = "127.0.0.1"
ZONE = [
    "--srv-host=_sip._udp.example.com,one.example.com,5071,10,5",
    "--srv-host=_sip._udp.example.com,two.example.com,5072,20,5",
    "--host-record=one.example.com,127.0.0.1",
    "--host-record=two.example.com,127.0.0.2",
    "--host-record=six.example.com,::1",
]
US = [Local(HOST, 5060, side="phone"), Local(HOST, 5070), Local("::1", 5070, "tcp")]


def trunk(host: str, **more: object) -> Trunk:
    return msgspec.convert({"name": "t", "host": host, **more}, Trunk, strict=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Name servers of the settings are asked at the test's port."""
    with name_server(*ZONE) as port:

        def resolver(self: DnsSettings) -> DnsResolver:
            hosts = tmp_path / "hosts"
            return DnsResolver(self.servers, port=port, timeout_ms=self.timeout_ms, hosts=hosts)

        monkeypatch.setattr(sip_stack.DnsSettings, "resolver", resolver)
        yield DnsSettings((HOST,))


def first(server: DnsSettings, one: Trunk) -> tuple[tuple[str, int, int], ...]:
    return first_targets(one, US, server, random.Random(1))


def test_what_a_trunk_is_looked_up_by() -> None:
    assert wanted_of(trunk("GW.example.com")) == Wanted("gw.example.com", 0, "udp")
    assert wanted_of(trunk("192.0.2.1", port=99, transport="tcp")) == Wanted("192.0.2.1", 99, "tcp")


def test_the_first_addresses(server: DnsSettings) -> None:
    assert first(server, trunk("127.0.0.9")) == (("127.0.0.9", 5060, 1),)
    assert first(server, trunk("127.0.0.9", port=99)) == (("127.0.0.9", 99, 1),)
    assert first(server, trunk("example.com")) == ((HOST, 5071, 1), ("127.0.0.2", 5072, 1))
    assert first(server, trunk("one.example.com")) == ((HOST, 5060, 1),)
    assert first(server, trunk("six.example.com", transport="tcp")) == (("::1", 5060, 2),)


@pytest.mark.parametrize(
    ("host", "transport", "said"),
    [
        ("none.example.com", "udp", "cannot resolve none.example.com"),
        ("six.example.com", "udp", "cannot resolve six.example.com"),
        ("127.0.0.9", "tcp", "no socket of ours speaks tcp over IPv4"),
        ("127.0.0.9", "tls", "no socket of ours speaks tls over IPv4"),
    ],
)
def test_what_cannot_be_reached(server: DnsSettings, host: str, transport: str, said: str) -> None:
    with pytest.raises(OSError, match=said):
        first(server, trunk(host, transport=Transport(transport)))


def test_a_single_call_finds_the_service_of_a_domain(server: DnsSettings) -> None:
    async def find(*uris: str) -> list[tuple[tuple[str, int], ...]]:
        binds = (Bind(HOST, 0), Bind(HOST, 0, "tcp"))
        settings = StackSettings(binds, dns=server)
        stack = Stack(settings, asyncio.get_running_loop(), random.Random(1), Clock())
        try:
            return [tuple(a[:2] for a in await stack.find(uri)) for uri in uris]
        finally:
            stack.close()

    found = asyncio.run(
        find("sip:x@example.com;transport=udp", "sip:x@none.example.com", "sip:x@127.0.0.9:99")
    )
    assert found[0][0] == (HOST, 5071)
    assert found[1:] == [(), (("127.0.0.9", 99),)]


def test_it_works_inside_of_a_loop_too(server: DnsSettings) -> None:
    async def main() -> None:
        assert first(server, trunk("one.example.com")) == ((HOST, 5060, 1),)

    asyncio.run(main())


def test_calls_go_around_what_is_down_and_follow_the_name(server: DnsSettings) -> None:
    async def main() -> None:
        settings = StackSettings((Bind(HOST, 0),), trace=None, dns=server)
        stack = Stack(settings, asyncio.get_running_loop(), random.Random(1), Clock())
        try:
            those = TrunkTargets(stack.targets, stack.admission)
            one = trunk("example.com")
            found = first_targets(one, stack.locals, server, random.Random(1))
            good, spare = (HOST, 5071, 0), ("127.0.0.2", 5072, 0)
            assert found == (good, spare)
            those.configure([(one, sip_trunk(one, (spare,)))])
            assert those.now("t", (spare,)) == (spare,)  # the name is only being asked for
            async with asyncio.timeout(5):
                while those.now("t", ()) == (spare,):  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(0.01)
            assert those.now("t", ()) == (good, spare)
            assert stack.admission.trunk(HOST) == "t"
            stack.targets.failed(good)
            assert those.now("t", ()) == (spare, good)
            assert those.now("unknown", (good,)) == (good,)
        finally:
            stack.close()

    asyncio.run(main())
