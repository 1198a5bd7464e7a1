"""A carrier that is not there, then there: ICMP errors must not make us deaf, on either loop."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from sip import sdp
from sip.endpoint import Endpoint
from sip.events import Ended, Incoming, Invite, Send, SipEvent
from sip.transport.io_udp import udp_stack
from sip.transport.local import Local, bracketed

HOST = "127.0.0.1"
HOSTS = [HOST, "::1"]


async def call_a_dead_then_a_living_peer(host: str) -> list[int]:
    loop = asyncio.get_running_loop()
    ends: list[int] = []
    news = asyncio.Event()
    us, them = (Endpoint(Local(host, 5060), rng=random.Random(n)) for n in (1, 2))

    def told(event: SipEvent) -> None:
        if isinstance(event, Ended):
            ends.append(event.code)
            news.set()

    def busy(event: SipEvent) -> None:
        if isinstance(event, Incoming):
            them.reject(event.leg, 486, time.monotonic_ns())
            there.flush()

    async def place(leg: int, port: int) -> None:
        uri = f"sip:1@{bracketed(host)}:{port}"
        body = sdp.offer(HOST, 4_000, session_id=leg)
        request = Invite(leg, ((host, port, 0),), uri, uri, uri, f"{leg}@x", body)
        news.clear()
        us.invite(request, time.monotonic_ns())
        here.flush()
        async with asyncio.timeout(100):
            while len(ends) < leg:
                await news.wait()
                news.clear()

    here = udp_stack(us, host, 0, loop, told)
    there = udp_stack(them, host, 0, loop, busy)
    port = there.local()[1]
    there.close()
    try:
        for leg in range(1, 6):
            await place(leg, port)
        there = udp_stack(them, host, port, loop, busy)
        for leg in range(6, 11):
            await place(leg, port)
    finally:
        here.close()
        there.close()
    return ends


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("host", HOSTS)
def test_answers_are_heard_after_icmp_errors(run: Callable[[Any], list[int]], host: str) -> None:
    assert run(call_a_dead_then_a_living_peer(host)) == [0] * 5 + [486] * 5


def closed_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_an_error_that_a_batch_hides_beside_a_datagram(run: Callable[[Any], None]) -> None:
    """A batch to a dead and a living peer succeeds; the error and a datagram wait together."""

    async def main() -> None:
        us = Endpoint(Local(HOST, 5060), rng=random.Random(1))
        here = udp_stack(us, HOST, 0, asyncio.get_running_loop(), lambda _event: None)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind((HOST, 0))
            for n in range(1, 21):
                dead = (HOST, closed_port(), 0)
                living = (*peer.getsockname(), 0)
                us.layer.out += [Send(b"x", dead), Send(b"x", dead), Send(b"y", living)]
                here.flush()
                peer.sendto(b"garbage", here.local()[:2])
                for _ in range(500):
                    if us.statistics()["malformed"] == n:
                        break
                    await asyncio.sleep(0.01)
                assert us.statistics()["malformed"] == n
        here.close()

    run(main())
