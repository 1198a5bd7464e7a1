"""Connections themselves: slow heads, and what cannot be read is refused as a problem."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from admin_http import connection
from admin_http.connection import listen
from tests.admin_http.site import site


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[int]:
    """A port that is served as the admin process does."""
    async with site(folder) as s:
        runner = s.client.server.runner
        assert isinstance(runner, web.AppRunner)
        listener = await listen(runner, "127.0.0.1", 0)
        try:
            yield listener.sockets[0].getsockname()[1]
        finally:
            listener.close()


async def sent(port: int, data: bytes) -> bytes:
    """All that comes back until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.read(), 100)
    finally:
        writer.close()


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
BROKEN = {
    "nonsense": (b"\x00\x01\x02\x03\r\n\r\n", 400),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, 400),
    "a long line": (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "many headers": (GET + b"A: b\r\n" * 500 + b"\r\n", 400),
    "two lengths": (
        b"POST /v1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        400,
    ),
    "an expectation": (
        GET.replace(b"/ ", b"/v1/health/live ") + b"Expect: x\r\nConnection: close\r\n\r\n",
        417,
    ),
}


async def test_what_cannot_be_read_is_refused_as_a_problem(tmp_path: Path) -> None:
    async with served(tmp_path) as port:
        for name, (data, status) in BROKEN.items():
            head, _, body = (await sent(port, data)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1."), name
            assert head.split()[1] == b"%d" % status, name
            for said in (b"application/problem+json", b"nosniff", b"X-Request-Id", b"dialerd"):
                assert said in head, (name, head)
            problem = msgspec.json.decode(body)
            assert (problem["status"], bool(problem["detail"])) == (status, True)
            assert "\n" not in problem["detail"]


async def test_slow_heads_are_closed_and_slow_answers_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.05)
    async with served(tmp_path) as port:
        assert await sent(port, b"") == b""
        assert await sent(port, b"GET /v1/health/live HTTP/1.1\r\nHost: local") == b""
        monkeypatch.setattr(connection, "HEAD_S", 60.0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        ask = b"GET /v1/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
        writer.write(ask)
        assert (await reader.readline()).split()[1] == b"200"
        while await reader.readline() != b"\r\n":
            pass
        await reader.readuntil(b"}")
        monkeypatch.setattr(connection, "HEAD_S", 0.05)
        writer.write(ask[:20])  # a second one on the same connection, cut short
        assert await asyncio.wait_for(reader.read(), 100) == b""
        writer.close()
