"""A carrier that is not there, then there: ICMP errors must not make us deaf, on either loop."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from sip import sdp
from sip.endpoint import Endpoint
from sip.events import Ended, Incoming, Invite, SipEvent
from sip.io_udp import UdpTransport

HOST = "127.0.0.1"


async def call_a_dead_then_a_living_peer() -> list[int]:
    loop = asyncio.get_running_loop()
    ends: list[int] = []
    news = asyncio.Event()
    us, them = (Endpoint((HOST, 5060), rng=random.Random(n)) for n in (1, 2))

    def told(event: SipEvent) -> None:
        if isinstance(event, Ended):
            ends.append(event.code)
            news.set()

    def busy(event: SipEvent) -> None:
        if isinstance(event, Incoming):
            them.reject(event.leg, 486, time.monotonic_ns())
            there.flush()

    async def place(leg: int, port: int) -> None:
        uri = f"sip:1@{HOST}:{port}"
        body = sdp.offer(HOST, 4_000, session_id=leg)
        request = Invite(leg, (HOST, port), uri, uri, uri, f"{leg}@x", body)
        news.clear()
        us.invite(request, time.monotonic_ns())
        here.flush()
        async with asyncio.timeout(20):
            while len(ends) < leg:
                await news.wait()
                news.clear()

    here = UdpTransport(us, HOST, 0, loop, told)
    there = UdpTransport(them, HOST, 0, loop, busy)
    port = there.local[1]
    there.close()
    try:
        for leg in range(1, 6):
            await place(leg, port)
        there = UdpTransport(them, HOST, port, loop, busy)
        for leg in range(6, 11):
            await place(leg, port)
    finally:
        here.close()
        there.close()
    return ends


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_answers_are_heard_after_icmp_errors(run: Callable[[Any], list[int]]) -> None:
    assert run(call_a_dead_then_a_living_peer()) == [0] * 5 + [486] * 5
