"""Our user agent on a real socket, for peers that we did not write."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import uvloop

from sip import sdp
from sip.endpoint import Endpoint
from sip.events import Ended, Incoming, Invite, SipEvent
from sip.transport.io_udp import udp_stack
from sip.transport.local import Local

HOST = "127.0.0.1"
React = Callable[["Agent", SipEvent], None]


class Agent:
    """Places or takes calls, and keeps what it is told."""

    def __init__(self, port: int, react: React) -> None:
        self.endpoint = Endpoint(Local(HOST, port), rng=random.Random(port))
        self.port = port
        self.events: list[SipEvent] = []
        self.react = react
        self.changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.transport = udp_stack(self.endpoint, HOST, port, loop, self._told)

    def _told(self, event: SipEvent) -> None:
        self.events.append(event)
        self.react(self, event)
        self.changed.set()

    def call(self, leg: int, port: int, **wish: object) -> None:
        """Call SIPp at `port`; `wish` is what the INVITE says beyond the usual."""
        target = f"sip:8490{leg:07}@{HOST}:{port}"
        fields: dict[str, object] = {
            "leg": leg,
            "targets": ((HOST, port, 0),),
            "request_uri": target,
            "from_uri": f"sip:1900@{HOST}",
            "to_uri": target,
            "call_id": f"{leg}-{self.port}@{HOST}",
            "sdp": sdp.offer(HOST, 30_000, session_id=leg),
        }
        self.endpoint.invite(Invite(**(fields | wish)), time.monotonic_ns())  # type: ignore[arg-type]
        self.transport.flush()

    def modify(self, leg: int, direction: str, *, update: bool = False) -> None:
        """Offer the usual stream in another direction, with the next version of it."""
        version = len(self.events)
        body = sdp.offer(HOST, 30_000, session_id=1).replace(b" 1 1 IN", b" 1 %d IN" % version)
        body = body.replace(b"a=sendrecv", b"a=" + direction.encode())
        self.endpoint.modify(leg, body, time.monotonic_ns(), update=update)
        self.transport.flush()

    def release(self, leg: int) -> None:
        self.endpoint.release(leg, time.monotonic_ns(), q850=16)
        self.transport.flush()

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, do)

    def ended(self) -> list[Ended]:
        return [e for e in self.events if isinstance(e, Ended)]

    async def until_ended(self, calls: int) -> None:
        async with asyncio.timeout(100):
            while len(self.ended()) < calls:
                await self.changed.wait()
                self.changed.clear()


def place(
    port: int,
    sipp_port: int,
    react: React,
    calls: int = 1,
    **wish: object,
) -> Agent:
    """Place `calls` calls to SIPp, 20 at a time, until each has ended."""

    async def run() -> Agent:
        begun = 0

        def next_one(agent: Agent, event: SipEvent) -> None:
            nonlocal begun
            react(agent, event)
            if isinstance(event, Ended) and begun < calls:
                begun += 1
                agent.call(begun, sipp_port, **wish)

        agent = Agent(port, next_one)
        try:
            while begun < min(calls, 20):
                begun += 1
                agent.call(begun, sipp_port, **wish)
            await agent.until_ended(calls)
            # What is still on its way (the answer to a fork's BYE) belongs to the test.
            await asyncio.sleep(0.1)
        finally:
            agent.transport.close()
        return agent

    return uvloop.run(run())


def take(port: int, peer: Callable[[], object], react: React, calls: int) -> tuple[Agent, object]:
    """Take `calls` calls that `peer` (run in a thread) places; ours and the peer's result."""

    async def run() -> tuple[Agent, object]:
        agent = Agent(port, react)
        try:
            result = await asyncio.to_thread(peer)
            await agent.until_ended(calls)
        finally:
            agent.transport.close()
        return agent, result

    return uvloop.run(run())


def answer(agent: Agent, event: SipEvent) -> None:
    """Ring and accept whatever comes."""
    if isinstance(event, Incoming):
        now_ns = time.monotonic_ns()
        agent.endpoint.ring(event.leg, now_ns)
        agent.endpoint.accept(event.leg, description(event.sdp), now_ns)


def description(offered: bytes) -> bytes:
    """Our answer to an offer, or our offer where there is none."""
    if not offered:
        return sdp.offer(HOST, 40_000, session_id=1)
    return sdp.answer(offered, HOST, 40_000, session_id=1)
