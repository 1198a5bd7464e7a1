"""TLS on real sockets: who the peer is."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from sip import limits
from sip.transport.io_tls import TlsOptions
from tests.sip.authority import Authority
from tests.sip.net import request
from tests.sip.stacks import (
    Agent,
    agents,
    answer,
    closed,
    hang_up,
    local,
)  # fmt: skip

MS = limits.MS
LOOPS = [asyncio.run, uvloop.run]
Main = Coroutine[Any, Any, None]


def call_by_name(
    authority: Authority, shown: str, name: str | None, **theirs: object
) -> tuple[int, dict[str, int]]:
    """Call a peer whose certificate is `shown`, expecting `name`; the end's code."""
    result: list[Any] = []

    async def main() -> None:
        ours = authority.options("caller")
        here = Agent(local("tls"), tls=ours, react=hang_up)
        there = Agent(local("tls"), tls=authority.options("peer", shown, **theirs), react=answer)
        async with agents(here, there):
            target = there.stack.local()
            if name is not None:
                here.stream().expect(*target[:2], name)
            here.call(1, target)
            await here.until_ended(1)
            result.extend([here.ended()[0].code, there.stack.statistics()])

    asyncio.run(main())
    return result[0], result[1]


@pytest.mark.parametrize(
    ("shown", "name", "code"),
    [
        ("DNS:gw.example.com", "gw.example.com", 200),
        ("URI:sip:example.com", "example.com", 200),
        ("DNS:gw.example.com", "example.com", 0),
        ("DNS:gw.example.com", None, 0),
        ("IP:127.0.0.1", None, 200),
        ("IP:127.0.0.2", None, 0),
    ],
)
def test_the_peer_must_be_who_we_looked_for(
    shown: str, name: str | None, code: int, authority: Authority
) -> None:
    found, theirs = call_by_name(authority, shown, name)
    assert found == code
    if not code:
        assert theirs["received"] == 0  # nothing was said to the wrong one


def test_a_name_of_a_peer_does_not_part_us_from_a_connection_that_is_up(
    authority: Authority,
) -> None:
    """Another name for the same address: ours opens a new connection, a peer's does not."""

    async def main() -> None:
        tls = authority.options("whoever", "DNS:gw.example.com")
        here = Agent(local("tls"), tls=tls, react=hang_up)
        there = Agent(local("tls"), tls=tls, react=answer)
        async with agents(here, there):
            target = there.stack.local()
            here.stream().expect(*target[:2], "gw.example.com")
            here.call(1, target)
            await here.until_ended(1)
            here.stream().expect(*target[:2], "sbc.example.com", firm=False)
            here.call(2, target)
            await here.until_ended(2)
            assert here.stack.statistics()["connections_opened"] == 1
            here.stream().expect(*target[:2], "sbc.example.com")
            here.call(3, target)
            await here.until_ended(3)
            assert [e.code for e in here.ended()] == [200, 200, 0]

    asyncio.run(main())


def test_a_client_certificate_is_shown_when_demanded(authority: Authority) -> None:
    code, _ = call_by_name(authority, "IP:127.0.0.1", None, clients="demand")
    assert code == 200


def client_context(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.file)
    context.check_hostname = False
    return context


def test_a_client_without_a_certificate_is_refused_when_one_is_demanded(
    authority: Authority,
) -> None:
    tls = authority.options("strict", clients="demand")

    async def main() -> None:
        here = Agent(local("tls"), tls=tls)
        async with agents(here):
            address = here.stack.local()[:2]
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                context = client_context(authority)
                reader, writer = await asyncio.open_connection(*address, ssl=context)
                writer.write(request("OPTIONS"))
                assert await reader.read() == b""
                writer.close()
            assert here.stack.statistics()["received"] == 0
            await here.until(lambda: not here.stack.statistics()["connections"])

    asyncio.run(main())


def test_old_versions_and_plain_text_are_refused(authority: Authority) -> None:
    tls = authority.options("modern")

    async def main() -> None:
        here = Agent(local("tls"), tls=tls)
        async with agents(here):
            address = here.stack.local()[:2]
            reader, writer = await asyncio.open_connection(*address)
            writer.write(request("OPTIONS"))
            assert b"SIP/2.0" not in await closed(reader)
            writer.close()
            context = client_context(authority)
            with pytest.warns(DeprecationWarning, match="TLSv1_1"):
                context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection(*address, ssl=context)
            assert here.stack.statistics()["received"] == 0

    asyncio.run(main())


def test_a_certificate_that_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        nonsense = tmp_path / "x.pem"
        nonsense.write_text("no certificate")
        with pytest.raises(OSError, match=r"PEM|NO_START_LINE|no start line"):
            Agent(local("tls"), tls=TlsOptions(nonsense))

    asyncio.run(main())
