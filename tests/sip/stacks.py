"""Whole stacks on real sockets of loopback, for one loop."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastpath.sipscan import scan
from sip import sdp
from sip.accounts.registrar import Phones
from sip.endpoint import Endpoint
from sip.events import Accepted, Address, Ended, Incoming, Invite, SipEvent
from sip.transport.io_stack import SipStack
from sip.transport.io_stream import StreamTransport
from sip.transport.io_tls import TlsOptions
from sip.transport.io_udp import UdpTransport
from sip.transport.local import Local, Transport, bracketed
from tests.ports import HOST, free_port


def transport(
    stack: SipStack, flow: int, local: Local, tls: TlsOptions | None = None
) -> UdpTransport | StreamTransport:
    """The transport of one `Local`."""
    if local.transport == "udp":
        return UdpTransport(stack, flow, local.host, local.port)
    return StreamTransport(stack, flow, local.host, local.port, tls)


class Agent:
    """One endpoint on its transports; keeps what it is told, answers and hangs up."""

    def __init__(
        self,
        *those: Local,
        tls: TlsOptions | None = None,
        phones: Phones | None = None,
        react: Callable[[Agent, SipEvent], None] = lambda _agent, _event: None,
    ) -> None:
        self.endpoint = Endpoint(*those, rng=random.Random(those[0].port), phones=phones)
        self.events: list[SipEvent] = []
        self.changed = asyncio.Event()
        self.react = react
        self.stack = SipStack(self.endpoint, asyncio.get_running_loop(), self._told)
        for flow, local in enumerate(those):
            transport(self.stack, flow, local, tls if local.transport == "tls" else None)

    def _told(self, event: SipEvent) -> None:
        self.events.append(event)
        self.react(self, event)
        self.changed.set()

    def stream(self, flow: int = 0) -> StreamTransport:
        """A transport that is a stream."""
        found = self.stack.transports[flow]
        assert isinstance(found, StreamTransport)
        return found

    def call(self, leg: int, *targets: Address) -> None:
        """Place a call; the URI names the first target."""
        host, port, flow = targets[0]
        kind = self.endpoint.layer.identities[flow].local.transport
        uri = f"sip:{leg}@{bracketed(host)}:{port};transport={kind}"
        body = sdp.offer(HOST, 4_000, session_id=leg)
        ours = f"sip:1@{HOST}"
        request = Invite(leg, targets, uri, ours, uri, f"{leg}-{id(self)}@x", body)
        self.endpoint.invite(request, time.monotonic_ns())
        self.stack.flush()

    def ended(self) -> list[Ended]:
        """The legs that are over."""
        return [e for e in self.events if isinstance(e, Ended)]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for something that shows after an event or a little later."""
        async with asyncio.timeout(100):
            while not true():
                try:
                    await asyncio.wait_for(self.changed.wait(), 0.02)
                except TimeoutError:
                    continue
                self.changed.clear()

    async def until_ended(self, calls: int) -> None:
        """Wait for the ends of so many legs."""
        await self.until(lambda: len(self.ended()) >= calls)


def hang_up(agent: Agent, event: SipEvent) -> None:
    """A caller: once answered it goes."""
    if isinstance(event, Accepted):
        agent.endpoint.release(event.leg, time.monotonic_ns())


def answer(agent: Agent, event: SipEvent) -> None:
    """A called side: rings and accepts."""
    if isinstance(event, Incoming):
        now_ns = time.monotonic_ns()
        agent.endpoint.ring(event.leg, now_ns)
        agent.endpoint.accept(event.leg, sdp.answer(event.sdp, HOST, 5, session_id=1), now_ns)


def local(kind: Transport, host: str = HOST) -> Local:
    """A `Local` with a port that is free."""
    return Local(host, free_port(host), kind)


@asynccontextmanager
async def agents(*those: Agent) -> AsyncIterator[None]:
    """Closes them at the end, twice, which must not matter."""
    try:
        yield
    finally:
        for agent in those:
            agent.stack.close()
            agent.stack.close()


async def connect(agent: Agent) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A hand-made peer."""
    return await asyncio.open_connection(*agent.stack.local()[:2])


async def next_message(reader: asyncio.StreamReader) -> Any:
    """The message that comes next."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 100)
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    return scan(head + await reader.readexactly(length))


async def closed(reader: asyncio.StreamReader) -> bytes:
    """What came before the end of the connection."""
    try:
        return await asyncio.wait_for(reader.read(), 100)
    except ConnectionResetError:
        return b""
