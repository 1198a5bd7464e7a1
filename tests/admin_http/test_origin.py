"""Which Host is served, and whom a proxy's headers are believed about."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import HttpVersion10, HttpVersion11
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from admin_http.origin import ORIGIN, Edge, origin
from admin_http.people.roles import Role
from admin_http.problems import ProblemError
from tests.admin_http.site import PASSWORD, site


def asked(
    *hosts: str,
    peer: str = "127.0.0.1",
    tls: bool = False,
    version: Any = HttpVersion11,
    more: Mapping[str, str] | None = None,
) -> Any:
    headers = CIMultiDict([("Host", host) for host in hosts])
    headers.extend(more or {})
    context = ssl.create_default_context() if tls else None
    made = make_mocked_request("GET", "/v1", headers, version=version, sslcontext=context)
    return made.clone(remote=peer)


SERVED = ("localhost", "LOCALHOST:8460", "localhost.", "127.0.0.1:8460", "[::1]:8460", "192.0.2.7")


@pytest.mark.parametrize("host", SERVED)
def test_addresses_and_localhost_are_always_served(host: str) -> None:
    for edge, tls in ((Edge((), ()), False), (Edge(("dialer.example.com",), ()), True)):
        request = asked(host, tls=tls)
        edge.admit(request)
        assert origin(request) == ("127.0.0.1", tls)


@pytest.mark.parametrize(
    ("hosts", "tls", "status"),
    [((), False, 421), ((), True, 0), (("dialer.example.com",), True, 421)],
)
def test_a_name_that_is_not_ours(hosts: tuple[str, ...], tls: bool, status: int) -> None:
    edge, request = Edge(hosts, ()), asked("rebound.example.net", tls=tls)
    if not status:
        edge.admit(request)
        return
    with pytest.raises(ProblemError, match=r"\[admin\] hosts") as refused:
        edge.admit(request)
    assert refused.value.status == status


def test_a_name_that_is_configured() -> None:
    edge = Edge(("Dialer.example.com",), ())
    for host in ("dialer.example.com", "DIALER.example.com:443", "dialer.example.com."):
        request = asked(host)
        edge.admit(request)
        assert request[ORIGIN] == ("127.0.0.1", False)


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        ("localhost", "localhost"),
        ("",),
        (":80",),
        ("local host",),
        ("localhost:8x",),
        ("localhost:٣",),
        ("[::1",),
        ("[127.0.0.1]",),
        ("[::1]x",),
        ("[fe80::1%<b>]",),
        ("user@localhost",),
        ("localhost/x",),
        ("lócalhost",),
    ],
)
def test_hosts_that_cannot_be_read(hosts: tuple[str, ...]) -> None:
    with pytest.raises(ProblemError) as refused:
        Edge((), ()).admit(asked(*hosts))
    assert refused.value.status == 400


def test_who_sends_no_host_is_no_browser() -> None:
    request = asked(version=HttpVersion10)
    Edge((), ()).admit(request)
    assert request[ORIGIN].address == "127.0.0.1"


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "address"),
    [
        ((), "127.0.0.1", "203.0.113.9", "127.0.0.1"),
        (("10.0.0.0/8",), "127.0.0.1", "203.0.113.9", "127.0.0.1"),
        (("127.0.0.1/32",), "127.0.0.1", "203.0.113.9", "203.0.113.9"),
        (("127.0.0.1/32",), "127.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        (("127.0.0.0/8", "10.0.0.0/8"), "127.0.0.1", "203.0.113.9, 10.1.1.1", "203.0.113.9"),
        (("127.0.0.1/32",), "127.0.0.1", "203.0.113.9, <x>", "127.0.0.1"),
        (("127.0.0.1/32",), "127.0.0.1", "", "127.0.0.1"),
        (("127.0.0.1/32",), "127.0.0.1", "unknown", "127.0.0.1"),
        (("127.0.0.1/32",), "127.0.0.1", "203.0.113.9:51000", "203.0.113.9"),
        (("127.0.0.1/32",), "127.0.0.1", "203.0.113.9:x", "127.0.0.1"),
        (("127.0.0.1/32",), "127.0.0.1", "[2001:db8::7]:51000", "2001:db8::7"),
        (("127.0.0.1/32",), "127.0.0.1", "[2001:db8::7]", "2001:db8::7"),
        (("127.0.0.1/32",), "127.0.0.1", "[2001:db8::7", "127.0.0.1"),
        (("127.0.0.1/32", "10.0.0.0/8"), "127.0.0.1", "203.0.113.9, 10.1.1.1:80", "203.0.113.9"),
        (("127.0.0.1/32",), "127.0.0.1", "fe80::1%<b>", "127.0.0.1"),
        (("::1/128",), "::1", "2001:db8::7", "2001:db8::7"),
    ],
)
def test_whom_a_proxy_speaks_for(
    proxies: tuple[str, ...], peer: str, forwarded: str, address: str
) -> None:
    more = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "http, https"}
    request = asked("localhost", peer=peer, more=more)
    Edge((), proxies).admit(request)
    believed = bool(proxies) and proxies[0] != "10.0.0.0/8"
    assert origin(request) == (address, believed)


async def test_a_rebound_name_gets_no_session_and_a_proxy_makes_it_secure(tmp_path: Path) -> None:
    more = '[admin]\nhosts = ["dialer.example.com"]\nproxies = ["127.0.0.1/32"]\n'
    async with site(tmp_path, more=more) as s:
        s.person("mai", Role.ADMIN)
        status, problem, cookie = await s.log_in("mai", Host="rebound.example.net")
        assert (status, problem["status"], cookie) == (421, 421, "")
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        login = {"user": "mai", "password": "wrong, and long enough"}
        sent = {"Host": "dialer.example.com", **forwarded}
        async with s.client.post("/v1/session", json=login, headers=sent) as answer:
            assert answer.status == 401
            assert answer.headers["Strict-Transport-Security"]
        login["password"] = PASSWORD
        async with s.client.post("/v1/session", json=login, headers=sent) as answer:
            assert answer.status == 201, await answer.text()
            cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-dialerd_session=")
        assert "; Secure" in cookie
        s.client.session.cookie_jar.clear()
        entries = (await s.ask("GET", "/v1/audit"))[1]["items"]
        assert "203.0.113.9" in [one["address"] for one in entries]
