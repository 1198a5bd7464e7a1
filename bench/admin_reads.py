"""Simple reads of the API: how many a second, and what one costs the admin process and the core."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from bench.admin_clients import HOST, asking
from bench.admin_figures import cpu_s
from bench.admin_world import LoadWorld

CONNECTIONS = 16
LONGEST_S = 30.0
PATHS = ("/v1/session", "/v1/jobs", "/v1/lists/1", "/v1/campaigns/1")


class _Reader(asyncio.Protocol):
    """Asks again as soon as it was answered."""

    def __init__(self, request: bytes, counts: dict[bytes, int]) -> None:
        self._request = request
        self._counts = counts
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._request)  # type: ignore[attr-defined]  # a socket's

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) >= size:
            status = head[9:12]
            self._counts[status] = self._counts.get(status, 0) + 1
            self._data = b""
            self._transport.write(self._request)  # type: ignore[attr-defined]  # a socket's


async def _asked(
    port: int, readers: tuple[str, ...], path: str, seconds: float
) -> dict[bytes, int]:
    loop = asyncio.get_running_loop()
    counts: dict[bytes, int] = {}
    asked = [asking(path, readers[number % len(readers)]) for number in range(CONNECTIONS)]
    made = [
        await loop.create_connection(partial(_Reader, request, counts), HOST, port)
        for request in asked
    ]
    await asyncio.sleep(seconds)
    async with asyncio.timeout(LONGEST_S):
        while not counts:  # noqa: ASYNC110 - a machine that is busy with others
            await asyncio.sleep(seconds)
    for transport, _ in made:
        transport.abort()
    return counts


def reads(world: LoadWorld, seconds: float) -> dict[str, float]:
    """Of each path for so long. RuntimeError when something else than 200 was answered."""
    core = 0 if world.daemon is None else world.daemon.pid
    admin = world.admin_pid()
    found: dict[str, float] = {}
    for path in PATHS:
        world.ask("GET", path)  # the first one opens what it needs
        before, before_core, began = cpu_s(admin), cpu_s(core), time.monotonic()
        counts = asyncio.run(_asked(world.scene.ports.admin, world.readers, path, seconds))
        count = counts.pop(b"200", 0)
        if counts or not count:
            raise RuntimeError(f"{path} was answered {counts}")
        spent = cpu_s(admin) - before
        found[f"{path} /s"] = count / (time.monotonic() - began)
        found[f"{path} us"] = 1e6 * spent / count
        found[f"{path} core us"] = 1e6 * (cpu_s(core) - before_core) / count
    found["per_cpu_s"] = min(1e6 / found[f"{path} us"] for path in PATHS)
    return found
