"""Calls of ours to several peers at once, each with its stream, whose audio is brought together."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import msgspec

from dialerd.shell.following import follow
from fastpath.rtp import MediaEngine
from sip import sdp
from sip.calls.negotiation import Capabilities, Negotiation
from sip.events import Accepted, Incoming, Invite, Modified, Renegotiated, SipEvent
from tests.interop.agent import HOST, Agent
from tests.interop.relay import Relay
from tests.ports import free_port, media_ports


class Switchboard:
    """Use it inside of a running loop, and close it."""

    def __init__(self, engine: MediaEngine) -> None:
        self.engine = engine
        self.agent = Agent(free_port(), self._react)
        self.streams: dict[int, int] = {}
        self.media: dict[int, sdp.Media] = {}
        self.directions: list[tuple[int, bool, bool]] = []  # leg, the peer listens, and talks
        self.through: dict[int, int] = {}  # legs whose peer is behind a port of a relay
        self.relay: Relay | None = None  # between us and the peers
        self._machines: dict[int, Negotiation] = {}

    def close(self) -> None:
        self.agent.transport.close()

    def port(self, leg: int) -> int:
        """Our RTP port of a leg."""
        return self.engine.port(self.streams[leg])

    def call(self, leg: int, port: int, /, user: str = "gw", **can: object) -> None:
        """Call a peer; `can` is what the leg is capable of."""
        if leg not in self.streams:
            self.streams[leg] = self.engine.open(HOST, *media_ports())
        able = Capabilities(**{"host": HOST, "port": self.port(leg), **can})  # type: ignore[arg-type]
        self._machines[leg] = machine = Negotiation(able, leg, random.SystemRandom())
        described = machine.offer()
        if self.relay is not None:
            described = self.relay.offer(leg, described)
        target = f"sip:{user}@{HOST}:{port}"
        invite = Invite(
            leg, ((HOST, port, 0),), target, f"sip:1900@{HOST}", target,
            f"{leg}-{self.agent.port}@{HOST}", described,
        )  # fmt: skip
        self.agent.endpoint.invite(invite, time.monotonic_ns())
        self.agent.transport.flush()

    def _react(self, agent: Agent, event: SipEvent) -> None:
        assert not isinstance(event, Incoming)
        if not isinstance(event, Accepted | Renegotiated | Modified):
            return
        before = self.media.get(event.leg)
        ours, theirs = agent.endpoint.description(event.leg), event.sdp
        if self.relay is not None:  # it changed both
            ours = self._machines[event.leg].text
            theirs = self.relay.answer(event.leg, theirs)
        media = sdp.settle(ours, theirs)
        if event.leg in self.through:
            media = msgspec.structs.replace(media, port=self.through[event.leg])
        follow(self.engine, self.streams[event.leg], media, before)
        self.media[event.leg] = media
        self.directions.append((event.leg, media.listens, media.talks))

    def turns(self, leg: int) -> list[tuple[bool, bool]]:
        """What a leg's peer agreed on so far: whether it listens, and talks."""
        return [(listens, talks) for whose, listens, talks in self.directions if whose == leg]

    async def until(self, done: Callable[[], object], seconds: float = 100) -> None:
        """Look until it is so."""
        async with asyncio.timeout(seconds):
            while not done():  # noqa: ASYNC110 - the media threads set no event
                await asyncio.sleep(0.01)

    async def answered(self) -> None:
        """All legs are up, and each peer was heard."""
        await self.until(lambda: len(self.media) == len(self.streams))
        await self.until(
            lambda: all(self.engine.stats(s).received >= 4 for s in self.streams.values())
        )

    async def hang_up(self) -> None:
        """End what has not ended."""
        gone = {end.leg for end in self.agent.ended()}
        for leg in self.streams.keys() - gone:
            self.agent.release(leg)
        await self.agent.until_ended(len(self.streams))
