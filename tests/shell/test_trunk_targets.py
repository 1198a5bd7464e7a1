"""Where a trunk's requests go: names, several addresses, the penalty box; a real name server."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from dialerd.config import Trunk
from dialerd.shell import trunk_targets
from dialerd.shell.clock import Clock
from dialerd.shell.sip_stack import Bind, DnsSettings, Stack, StackSettings
from dialerd.shell.trunk_targets import TrunkTargets, wanted_of
from sip import limits
from sip.transport.locate import Wanted
from tests.ports import free_port
from tests.sip.nameserver import name_server

HOST = "127.0.0.1"
ZONE = [
    "--srv-host=_sip._udp.example.com,one.example.com,5071,10,5",
    "--srv-host=_sip._udp.example.com,two.example.com,5072,20,5",
    "--srv-host=_sip._tcp.example.com,two.example.com,5073,20,5",
    "--naptr-record=both.example.com,10,10,S,SIP+D2T,,_sip._tcp.example.com",
    "--naptr-record=both.example.com,20,10,S,SIP+D2U,,_sip._udp.example.com",
    "--host-record=one.example.com,127.0.0.1",
    "--host-record=two.example.com,127.0.0.2",
    "--host-record=six.example.com,::1",
]
PHONE, UDP, TCP6, TCP = range(4)
US = (
    Bind(HOST, 0, side="phone"),
    Bind(HOST, 0),
    Bind("::1", 0, "tcp"),
    Bind(HOST, 0, "tcp"),
)


def trunk(host: str, name: str = "t", **more: object) -> Trunk:
    return msgspec.convert({"name": name, "host": host, **more}, Trunk, strict=False)


@pytest.fixture(scope="module")
def server() -> Iterator[DnsSettings]:
    with name_server(*ZONE) as port:
        yield DnsSettings(((HOST, port),))


class Desk:
    """Trunks on a stack of our own; `told` are the names that changed."""

    def __init__(self, dns: DnsSettings, binds: Sequence[Bind] = US) -> None:
        loop = asyncio.get_running_loop()
        settings = StackSettings(tuple(binds), trace=None, dns=dns, sources={})
        self.stack = Stack(settings, loop, random.Random(1), Clock())
        admission = self.stack.admission
        self.those = TrunkTargets(self.stack.targets, admission, self.stack.locals, loop)
        self.told: list[str] = []
        self.those.changed = self.told.append

    async def until(self, ready: Callable[[], object]) -> None:
        async with asyncio.timeout(100):
            while not ready():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.01)

    def way(self, name: str = "t") -> list[tuple[str, int, int]]:
        return list(self.those.way(name, ())[0])


@asynccontextmanager
async def desk(dns: DnsSettings, binds: Sequence[Bind] = US) -> AsyncIterator[Desk]:
    one = Desk(dns, binds)
    try:
        yield one
    finally:
        one.those.close()
        one.stack.close()


def test_what_a_trunk_is_looked_up_by() -> None:
    assert wanted_of(trunk("GW.example.com")) == Wanted("gw.example.com", 0, "")
    assert wanted_of(trunk("GW.example.com", transport="udp")) == Wanted("gw.example.com", 0, "udp")
    assert wanted_of(trunk("192.0.2.1", port=99, transport="tcp")) == Wanted("192.0.2.1", 99, "tcp")
    assert wanted_of(trunk("2001:DB8::1")) == Wanted("2001:db8::1", 0, "")


def test_an_address_is_known_at_once_and_nothing_is_told(server: DnsSettings) -> None:
    async def main() -> None:
        async with desk(server) as one:
            one.those.configure([trunk("127.0.0.9"), trunk("::1", "six", port=99, transport="tcp")])
            assert one.way() == [("127.0.0.9", 5060, UDP)]
            assert one.way("six") == [("::1", 99, TCP6)]
            assert one.those.fault("t") == one.those.fault("six") == ""
            assert one.told == []
            assert one.those.way("nobody", ((HOST, 1, UDP),)) == (((HOST, 1, UDP),), ())

    asyncio.run(main())


def test_trunks_are_looked_up_together(server: DnsSettings) -> None:
    """Without a transport NAPTR chooses, else SRV of each we have; with one, SRV of that one."""

    async def main() -> None:
        async with desk(server) as one:
            one.those.configure(
                [
                    trunk("both.example.com", "naptr"),
                    trunk("example.com", "any"),
                    trunk("example.com", "udp", transport="udp"),
                    trunk("example.com", "tcp", transport="tcp"),
                    trunk("one.example.com", "plain"),
                    trunk("one.example.com", "port", port=99, transport="tcp"),
                    trunk("six.example.com", "six", transport="tcp"),
                ]
            )
            assert one.those.fault("any") == "looking up example.com"
            assert one.those.known("any") == ()
            await one.until(lambda: len(one.told) == 7)
            udp = [(HOST, 5071, UDP), ("127.0.0.2", 5072, UDP)]
            tcp = [("127.0.0.2", 5073, TCP)]
            assert one.way("naptr") == tcp + udp
            assert one.way("any") == udp + tcp
            assert (one.way("udp"), one.way("tcp")) == (udp, tcp)
            assert one.way("plain") == [(HOST, 5060, UDP)]
            assert one.way("port") == [(HOST, 99, TCP)]
            assert one.way("six") == [("::1", 5060, TCP6)]
            assert one.stack.admission.trunk("127.0.0.2") in {"naptr", "any", "udp", "tcp"}

    asyncio.run(main())


def test_a_transport_of_the_telephones_side_leads_to_no_trunk(server: DnsSettings) -> None:
    async def main() -> None:
        binds = (Bind(HOST, 0), Bind(HOST, 0, "tcp", side="phone"))
        async with desk(server, binds) as one:
            one.those.configure([trunk("both.example.com")])
            await one.until(lambda: one.told)
            assert one.way() == [(HOST, 5071, 0), ("127.0.0.2", 5072, 0)]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("host", "transport", "said"),
    [
        ("none.example.com", "udp", "cannot resolve none.example.com by udp"),
        ("none.example.com", "auto", "cannot resolve none.example.com"),
        ("six.example.com", "udp", "cannot resolve six.example.com by udp"),
        ("127.0.0.9", "tls", "no socket of ours speaks tls over IPv4"),
        ("::1", "auto", "no socket of ours speaks udp over IPv6"),
    ],
)
def test_what_cannot_be_reached_keeps_only_its_trunk_down(
    server: DnsSettings, host: str, transport: str, said: str
) -> None:
    async def main() -> None:
        async with desk(server) as one:
            one.those.configure([trunk(host, transport=transport), trunk("127.0.0.9", "good")])
            await one.until(lambda: one.those.fault("t") == said)
            assert one.way() == []
            assert one.way("good") == [("127.0.0.9", 5060, UDP)]

    asyncio.run(main())


def test_a_name_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name server comes up after the daemon."""
    monkeypatch.setattr(trunk_targets, "RETRY_S", 0.05)
    monkeypatch.setattr(limits, "TTL_MIN_S", 0)
    port = free_port()

    async def main() -> None:
        async with desk(DnsSettings(((HOST, port),), timeout_ms=50)) as one:
            one.those.configure([trunk("one.example.com")])
            silent = "cannot resolve one.example.com: no name server answers"
            await one.until(lambda: one.those.fault("t") == silent)
            starts = name_server(*ZONE, port=port)
            await asyncio.to_thread(starts.__enter__)
            try:
                await one.until(lambda: one.way() == [(HOST, 5060, UDP)])
            finally:
                starts.__exit__(None, None, None)
            assert one.those.fault("t") == ""
            assert one.told == ["t", "t"]

    asyncio.run(main())


def test_a_reload_forgets_who_is_gone_and_keeps_what_is_known(server: DnsSettings) -> None:
    async def main() -> None:
        async with desk(server) as one:
            admission = one.stack.admission
            shared = trunk("127.0.0.7", "second", sources=("198.51.100.0/24", "203.0.113.1"))
            one.those.configure([trunk("two.example.com", sources=("203.0.113.0/28",)), shared])
            await one.until(lambda: one.told)
            assert [admission.trunk(h) for h in ("203.0.113.2", "127.0.0.2", "198.51.100.9")] == [
                "t", "t", "second",
            ]  # fmt: skip
            one.those.configure([trunk("two.example.com", sources=("192.0.2.1",)), shared])
            assert one.way() == [("127.0.0.2", 5060, UDP)]  # nobody is asked again
            assert admission.trunk("203.0.113.2") is None
            assert admission.trunk("203.0.113.1") == "second"
            assert admission.trunk("192.0.2.1") == "t"
            one.those.configure([shared])
            assert admission.trunk("127.0.0.2") is None
            assert admission.trunk("127.0.0.7") == "second"
            assert one.way() == []
            one.those.configure([])
            assert admission.trunk("198.51.100.9") is None

    asyncio.run(main())


def test_calls_go_around_what_is_down(server: DnsSettings) -> None:
    async def main() -> None:
        async with desk(server) as one:
            one.those.configure([trunk("example.com", transport="udp")])
            await one.until(lambda: one.told)
            good, spare = (HOST, 5071, UDP), ("127.0.0.2", 5072, UDP)
            assert one.way() == [good, spare]
            one.stack.targets.failed(good)
            assert one.way() == [spare, good]

    asyncio.run(main())


ROUTE = "<sip:one.example.com:5099;transport=tcp;lr>"


@pytest.mark.parametrize("domain", ["", "carrier.example"])
def test_a_service_route_leads_the_calls_of_an_account(server: DnsSettings, domain: str) -> None:
    async def main() -> None:
        async with desk(server) as one:
            who = {"username": "1", "register": True, "domain": domain}
            one.those.configure([trunk("127.0.0.9", **who), trunk("127.0.0.8", "other")])
            one.those.lead("t", (ROUTE, "<sip:inner;lr>"))
            one.those.lead("nobody", (ROUTE,))
            ahead = ("127.0.0.9", 5060, UDP) if domain else (HOST, 5099, TCP)
            await one.until(lambda: one.way() == [ahead])
            assert one.those.way("t", ())[1] == (ROUTE, "<sip:inner;lr>")
            assert one.those.way("other", ())[1] == ()
            assert one.those.known("t") == (("127.0.0.9", 5060, UDP),)
            assert domain or one.stack.admission.trunk(HOST) == "t"
            one.those.configure([trunk("127.0.0.9", **(who | {"channels": 9}))])
            assert one.those.way("t", ()) == ((ahead,), (ROUTE, "<sip:inner;lr>"))
            one.those.configure([trunk("127.0.0.9", domain=domain)])  # it registers no more
            assert one.those.way("t", ()) == ((("127.0.0.9", 5060, UDP),), ())

    asyncio.run(main())


@pytest.mark.parametrize(
    "route", ["<sip:one.example.com>", "sip:\r\nVia: x", "<http://x;lr>", "", "<sip:x;nolr;lrx=1>"]
)
def test_a_route_that_cannot_be_travelled_is_left_out(server: DnsSettings, route: str) -> None:
    async def main() -> None:
        async with desk(server) as one:
            one.those.configure([trunk("127.0.0.9", username="1", register=True)])
            one.those.lead("t", (ROUTE,))
            await one.until(lambda: one.way() == [(HOST, 5099, TCP)])
            one.those.lead("t", (route,))
            assert one.those.way("t", ()) == ((("127.0.0.9", 5060, UDP),), ())

    asyncio.run(main())


def test_a_route_without_a_transport_takes_the_trunks(server: DnsSettings) -> None:
    async def main() -> None:
        async with desk(server) as one:
            one.those.configure([trunk("127.0.0.9", username="1", register=True, transport="tcp")])
            one.those.lead("t", ("<sip:one.example.com;lr>",))
            await one.until(lambda: one.way() == [(HOST, 5060, TCP)])
            assert one.those.way("t", ())[1] == ("<sip:one.example.com;lr>",)

    asyncio.run(main())


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
