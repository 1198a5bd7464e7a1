"""Our user agent on a real socket, for peers that we did not write."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import uvloop

from sip import sdp
from sip.auth import Credentials
from sip.endpoint import Endpoint
from sip.events import Ended, Incoming, Invite, SipEvent
from sip.io_udp import udp_stack
from sip.local import Local

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

    def call(self, leg: int, port: int, credentials: Credentials | None = None) -> None:
        target = f"sip:8490{leg:07}@{HOST}:{port}"
        body = sdp.offer(HOST, 30_000, session_id=leg)
        ours = f"sip:1900@{HOST}"
        request = Invite(
            leg, ((HOST, port, 0),), target, ours, target, f"{leg}-{self.port}@{HOST}", body,
            credentials=credentials,
        )  # fmt: skip
        self.endpoint.invite(request, time.monotonic_ns())
        self.transport.flush()

    def release(self, leg: int) -> None:
        self.endpoint.release(leg, time.monotonic_ns(), q850=16)
        self.transport.flush()

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, do)

    def ended(self) -> list[Ended]:
        return [e for e in self.events if isinstance(e, Ended)]

    async def until_ended(self, calls: int) -> None:
        async with asyncio.timeout(20):
            while len(self.ended()) < calls:
                await self.changed.wait()
                self.changed.clear()


def place(
    port: int,
    sipp_port: int,
    react: React,
    calls: int = 1,
    credentials: Credentials | None = None,
) -> Agent:
    """Place `calls` calls to SIPp, 20 at a time, until each has ended."""

    async def run() -> Agent:
        begun = 0

        def next_one(agent: Agent, event: SipEvent) -> None:
            nonlocal begun
            react(agent, event)
            if isinstance(event, Ended) and begun < calls:
                begun += 1
                agent.call(begun, sipp_port, credentials)

        agent = Agent(port, next_one)
        try:
            while begun < min(calls, 20):
                begun += 1
                agent.call(begun, sipp_port, credentials)
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
        body = sdp.answer(event.sdp, HOST, 40_000, session_id=1)
        agent.endpoint.accept(event.leg, body, now_ns)
