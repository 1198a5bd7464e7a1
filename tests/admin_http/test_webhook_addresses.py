"""Where webhooks may go: what is judged is the address that is connected to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from admin_http.hooks.reaching import ForbiddenError, Reach
from tests.admin_http.site import site

FORBIDDEN = (
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",
    "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::",
    "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::",
    "2002:a00:1::", "2001:0:7f00:1::", "2001:db8::1", "fec0::1",
)  # fmt: skip


@pytest.mark.parametrize("address", FORBIDDEN)
def test_addresses_that_are_nobodys_business(address: str) -> None:
    with pytest.raises(ForbiddenError):
        Reach(()).check(address, plain=False)
    with pytest.raises(ForbiddenError):
        Reach(("203.0.113.0/24",)).check(address, plain=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_the_public_internet_may_be_told_by_https(address: str) -> None:
    Reach(()).check(address, plain=False)
    with pytest.raises(ForbiddenError, match="use https"):
        Reach(()).check(address, plain=True)


def test_networks_that_are_allowed() -> None:
    reach = Reach(("10.20.0.0/16", "fd00::/8"))
    for plain in (False, True):
        reach.check("10.20.3.4", plain=plain)
        reach.check("::ffff:10.20.3.4", plain=plain)
        reach.check("fd00::7", plain=plain)
        with pytest.raises(ForbiddenError):
            reach.check("10.21.0.1", plain=plain)


async def test_names_are_judged_by_what_they_resolve_to_when_it_counts(tmp_path: Path) -> None:
    """A name of the loopback is a name like any other until a socket is to connect there."""
    came = []

    async def hear(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(1)
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with site(tmp_path) as s:
        for host in ("localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "127.1"):
            body = {"name": "crm", "url": f"https://{host}:{port}/"}
            status, made = await s.ask("POST", "/v1/webhooks", body)
            assert status == 201, made
            status, found = await s.ask("POST", "/v1/webhooks/crm/test")
            assert (status, found["ok"], found["status"]) == (200, False, 0), host
            await s.ask("DELETE", "/v1/webhooks/crm")
        plain = {"name": "crm", "url": f"http://crm.example.com:{port}/"}
        assert (await s.ask("POST", "/v1/webhooks", plain))[0] == 422
    server.close()
    await server.wait_closed()
    assert came == []


@pytest.mark.parametrize(
    ("address", "means"),
    [
        ("::ffff:0:127.0.0.1", "127.0.0.1"),
        ("::ffff:0:10.0.0.1", "10.0.0.1"),
        ("64:ff9b::a9fe:a9fe", "169.254.169.254"),
        ("64:ff9b:1::a00:1", "10.0.0.1"),
        ("2002:a00:1::", "10.0.0.1"),
        ("2a00:1450::5efe:10.0.0.1", "10.0.0.1"),
        ("2a00:1450::200:5efe:192.168.1.1", "192.168.1.1"),
    ],
)
def test_a_refusal_says_what_an_address_stands_for(address: str, means: str) -> None:
    with pytest.raises(ForbiddenError, match="is no address of the internet") as refused:
        Reach(()).check(address, plain=False)
    assert means in str(refused.value) or address.startswith("64:ff9b:1:")  # itself is private
