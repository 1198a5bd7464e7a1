"""Clients of the admin process that cost little: dashboards' streams, agents' sockets, readers.

    python -m bench.admin_clients dashboards PORT COUNT NICE REPORT < TOKEN
    python -m bench.admin_clients agents PORT COUNT ACTS_PER_S < TOKEN

The first line of its input is a bearer token. It says `ready` when all are connected, and ends
when its input ends, with one line of JSON: what came, and how long each event of agents took from
the moment that the core wrote on it (`at_ms`, whole milliseconds, so up to 1 ms too long) to the
socket, and how late our own loop wakes (timers are of whole milliseconds there).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import uvloop

HOST = "127.0.0.1"
CONNECT_AT_ONCE = 50  # the backlog of a listening socket is 128
READY_S = 60.0
END = b"\r\n0\r\n\r\n"  # of a body in chunks
PHONE = "+84912000000"  # never rung: no campaign gives these agents a customer


class Stream(asyncio.Protocol):
    """One connection of HTTP: a request, then what comes."""

    def __init__(self, request: bytes, hear: Callable[[Stream, bytes], None]) -> None:
        self._request = request
        self._hear = hear
        self.transport: Any = None
        self.head = asyncio.get_running_loop().create_future()
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self.transport = transport
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """The head of the answer, then its body as it comes."""
        if self.head.done():
            self._hear(self, data)
            return
        self._data += data
        head, found, rest = self._data.partition(b"\r\n\r\n")
        if found:
            self.head.set_result(head.split(b"\r\n", 1)[0].decode())
            if rest:
                self._hear(self, rest)

    def connection_lost(self, error: Exception | None) -> None:
        """The other side has left, or we have."""
        if not self.head.done():
            self.head.set_exception(error or ConnectionError("closed without an answer"))


def asking(path: str, token: str, *more: str) -> bytes:
    """A request of HTTP/1.1."""
    lines = (f"GET {path} HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {token}", *more)
    return "\r\n".join((*lines, "", "")).encode()


async def connected(
    port: int, requests: list[bytes], hear: Callable[[Stream, bytes], None], wanted: str
) -> list[Stream]:
    """All of them; RuntimeError when one is not answered as wanted."""
    loop = asyncio.get_running_loop()
    places = asyncio.Semaphore(CONNECT_AT_ONCE)

    async def one(request: bytes) -> Stream:
        async with places:
            _, stream = await loop.create_connection(lambda: Stream(request, hear), HOST, port)
            said = await stream.head
        if wanted not in said:
            raise RuntimeError(f"answered {said!r}")
        return stream

    async with asyncio.timeout(READY_S):
        return await asyncio.gather(*(one(request) for request in requests))


async def until_told() -> None:
    """Say that all are there, and wait for the end of our input."""
    loop = asyncio.get_running_loop()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


class Report:
    """Reads a report again and again, on one connection."""

    def __init__(self, request: bytes) -> None:
        """Nothing has come."""
        self._request = request
        self._tail = b""
        self.begun = asyncio.Event()
        self.bytes = 0
        self.whole = 0

    def hear(self, stream: Stream, data: bytes) -> None:
        """A piece; behind the last one it is asked for anew."""
        self.begun.set()
        self.bytes += len(data)
        self._tail = (self._tail + data)[-len(END) :]
        if self._tail == END:
            self.whole += 1
            stream.transport.write(self._request)


def yield_to_others(nice: int) -> None:
    """Be what another machine would be: nobody's neighbour, as far as the kernel lets us.

    Where it gives each session its share (autogroup), only that of the session counts.
    """
    with contextlib.suppress(OSError):  # it has no such shares
        Path("/proc/self/autogroup").write_text(str(nice))
    os.setpriority(os.PRIO_PROCESS, 0, nice)


async def dashboards(port: int, count: int, nice: int, report: str, token: str) -> dict[str, Any]:
    """Streams of all events that come unasked, and a report that is read all the time."""
    wanted = Report(asking(report, token))
    counts = {"bytes": 0, "reads": 0, "events": 0, "lost": 0}

    def hear(_: Stream, data: bytes) -> None:
        counts["bytes"] += len(data)
        counts["reads"] += 1
        counts["events"] += data.count(b"\ndata:")
        counts["lost"] += data.count(b"event: lost")

    streams = await connected(port, [asking("/v1/stream", token)] * count, hear, "200")
    streams += await connected(port, [asking(report, token)], wanted.hear, "200")
    await wanted.begun.wait()
    yield_to_others(nice)
    await until_told()
    gone = sum(stream.transport.is_closing() for stream in streams)
    return {**counts, "closed": gone, "report_bytes": wanted.bytes, "reports": wanted.whole}


class Agents:
    """Agents who pause and are ready again by turns; one frame of a WebSocket is one message."""

    def __init__(self) -> None:
        """Nobody is there."""
        self.late_ms: list[float] = []
        self.ack_ms: list[float] = []
        self.own_ms: list[float] = []  # how late we are ourselves: a part of the others
        self.refused = 0
        self._quiet = asyncio.Event()  # nothing that was asked waits for its answer
        self._asked: dict[str, float] = {}
        self._rest: dict[Stream, bytes] = {}
        self._numbers = itertools.count()

    def hear(self, stream: Stream, data: bytes) -> None:
        """Cut frames (RFC 6455 5.2), which a server sends unmasked."""
        data = self._rest.pop(stream, b"") + data
        while len(data) >= 2:
            size, at = data[1], 2
            if size == 126:
                size, at = int.from_bytes(data[2:4], "big"), 4
            elif size == 127:
                size, at = int.from_bytes(data[2:10], "big"), 10
            if len(data) < at + size:
                break
            self._frame(stream, data[0] & 15, data[at : at + size])
            data = data[at + size :]
        if data:
            self._rest[stream] = data

    def _frame(self, stream: Stream, kind: int, body: bytes) -> None:
        if kind == 9:  # a ping
            stream.transport.write(frame(10, body))
        elif kind == 1:
            now = time.time()
            message = msgspec.json.decode(body)
            if message["type"] == "event":
                self.late_ms.append(now * 1e3 - message["at_ms"])
            elif message.get("id"):
                self.ack_ms.append((now - self._asked.pop(message["id"])) * 1e3)
                self.refused += message["type"] != "ack"
                if not self._asked:
                    self._quiet.set()

    def act(self, stream: Stream, **what: object) -> None:
        """Say something; its answer is waited for elsewhere."""
        number = f"m{next(self._numbers)}"
        self._asked[number] = time.time()
        self._quiet.clear()
        stream.transport.write(frame(1, msgspec.json.encode({"id": number, **what})))

    async def answered(self) -> None:
        """Wait for the answers to all."""
        async with asyncio.timeout(READY_S):
            await self._quiet.wait()


def frame(kind: int, body: bytes) -> bytes:
    """A client's frame; masked, as it must be, with zeros."""
    size = bytes([128 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2, "big")
    return bytes([128 | kind]) + size + bytes(4) + body


async def agents(port: int, count: int, per_s: float, token: str) -> dict[str, Any]:
    """Log all in, then have each by turns pause or be ready."""
    team = Agents()
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    requests = [
        asking(f"/v1/agent?agent=a{i}", token, *upgrade, f"Sec-WebSocket-Key: {key}")
        for i in range(count)
    ]
    streams = await connected(port, requests, team.hear, "101")
    for at in range(0, count, CONNECT_AT_ONCE):
        for stream in streams[at : at + CONNECT_AT_ONCE]:
            team.act(stream, act="login", phone=PHONE)
        await team.answered()
    if team.refused:
        raise RuntimeError(f"{team.refused} of {count} agents were refused")
    team.late_ms.clear()
    team.ack_ms.clear()
    acting = asyncio.create_task(act_by_turns(team, streams, per_s))
    await until_told()
    acting.cancel()
    gone = sum(stream.transport.is_closing() for stream in streams)
    return {
        "late_ms": team.late_ms,
        "ack_ms": team.ack_ms,
        "own_ms": team.own_ms,
        "refused": team.refused,
        "closed": gone,
    }


async def act_by_turns(team: Agents, streams: list[Stream], per_s: float) -> None:
    """At an even pace, for ever."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in itertools.count():
        due = began + number / per_s
        await asyncio.sleep(max(0.0, due - loop.time()))
        team.own_ms.append(max(0.0, loop.time() - due) * 1e3)
        turn, at = divmod(number, len(streams))
        team.act(streams[at], act="pause" if turn % 2 else "ready")


def main(arguments: list[str]) -> int:
    """See the module's text."""
    kind, port, count, *more = arguments
    token = sys.stdin.readline().strip()
    work = (
        dashboards(int(port), int(count), int(more[0]), more[1], token)
        if kind == "dashboards"
        else agents(int(port), int(count), float(more[0]), token)
    )
    sys.stdout.write(msgspec.json.encode(uvloop.run(work)).decode() + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
