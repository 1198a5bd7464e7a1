"""Questions to a real name server, and the machine's own list of hosts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from sip.transport.io_dns import DnsError, DnsResolver, read_hosts
from sip.transport.locate import Naptr, Query, Record, Srv
from tests.sip.nameserver import ZONE, name_server
from tests.sip.stacks import HOST


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    with name_server(*ZONE) as port:
        yield port


def ask(resolver: DnsResolver, name: str, kind: str) -> tuple[tuple[Record, ...], int]:
    return uvloop.run(resolver.ask(Query(name, kind)))  # type: ignore[arg-type]


@pytest.fixture
def resolver(server: int, tmp_path: Path) -> DnsResolver:
    return DnsResolver([HOST], port=server, timeout_ms=2_000, hosts=tmp_path / "hosts")


def test_every_kind_of_record(resolver: DnsResolver) -> None:
    records, _ = ask(resolver, "example.com", "NAPTR")
    assert sorted(r.order for r in records if isinstance(r, Naptr)) == [10, 20]
    first = min((r for r in records if isinstance(r, Naptr)), key=lambda r: r.order)
    assert (first.flags, first.service) == ("S", "SIP+D2U")
    assert first.replacement.rstrip(".") == "_sip._udp.example.com"
    records, _ = ask(resolver, "_sip._udp.example.com", "SRV")
    found = sorted((r.priority, r.weight, r.port, r.target) for r in records if type(r) is Srv)
    assert found == [(10, 5, 5071, "one.example.com."), (20, 5, 5072, "two.example.com.")]
    assert ask(resolver, "one.example.com", "A") == ((HOST,), 60)
    assert ask(resolver, "two.example.com", "AAAA") == (("::1",), 60)


@pytest.mark.parametrize("name", ["none.example.com", "x" * 64 + ".example.com", "a..b", "é" * 300])
def test_what_does_not_exist_is_no_records(resolver: DnsResolver, name: str) -> None:
    try:
        records, _ = ask(resolver, name, "A")
    except DnsError:
        assert name == "a..b"
    else:
        assert records == ()


@pytest.mark.parametrize("kind", ["A", "AAAA"])
def test_a_whole_network_is_no_address(resolver: DnsResolver, kind: str) -> None:
    assert ask(resolver, "all.example.com", kind) == ((), 60)


def test_a_name_without_such_records_is_no_records(resolver: DnsResolver) -> None:
    assert ask(resolver, "one.example.com", "AAAA")[0] == ()


def test_a_server_that_is_silent_is_an_error_in_time(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind((HOST, 0))
        silent = DnsResolver(
            [HOST], port=mute.getsockname()[1], timeout_ms=100, hosts=tmp_path / "none"
        )
        with pytest.raises(DnsError, match=r"one\.example\.com A"):
            ask(silent, "one.example.com", "A")


def test_the_loop_goes_on_while_a_server_is_silent(tmp_path: Path) -> None:
    async def main() -> int:
        turns = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
            mute.bind((HOST, 0))
            port = mute.getsockname()[1]
            silent = DnsResolver([HOST], port=port, timeout_ms=200, hosts=tmp_path / "none")
            task = asyncio.create_task(silent.ask(Query("one.example.com", "A")))
            while not task.done():
                await asyncio.sleep(0)
                turns += 1
            with pytest.raises(DnsError):
                task.result()
        return turns

    # a machine that stands still while the server is silent turns no loop: then once more
    assert any(asyncio.run(main()) > 100 for _ in range(20))


def test_the_list_of_hosts_comes_first(resolver: DnsResolver, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    assert ask(resolver, "one.example.com", "A") == ((HOST,), 60)
    hosts.write_text("192.0.2.9 One.Example.Com alias # a note\n2001:db8::9 alias\nnonsense x\n")
    assert ask(resolver, "one.example.com.", "A")[0] == ("192.0.2.9",)
    assert ask(resolver, "alias", "A")[0] == ("192.0.2.9",)
    assert ask(resolver, "alias", "AAAA")[0] == ("2001:db8::9",)
    assert ask(resolver, "one.example.com", "AAAA")[0] == ()  # known, but not by this family
    assert ask(resolver, "_sip._udp.example.com", "SRV")[0] != ()
    hosts.write_text("192.0.2.10 alias and more text to change the size\n")
    assert ask(resolver, "alias", "A")[0] == ("192.0.2.10",)
    hosts.unlink()
    assert ask(resolver, "one.example.com", "A")[0] == (HOST,)


def test_the_list_of_hosts_as_text() -> None:
    assert read_hosts("") == {}
    assert read_hosts("::1 a b\n# 192.0.2.1 c\n192.0.2.1\n192.0.2.1 a\n") == {
        "a": ["::1", "192.0.2.1"], "b": ["::1"],
    }  # fmt: skip


# ---- one search from begin to end


KINDS = [("udp", False), ("tcp", False)]


def test_a_server_at_a_port_of_its_own(server: int, tmp_path: Path) -> None:
    one = DnsResolver([(HOST, server)], hosts=tmp_path / "hosts")
    assert ask(one, "one.example.com", "A")[0] == (HOST,)
