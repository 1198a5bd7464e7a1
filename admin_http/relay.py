"""The daemon's live events in this process: one subscription, fanned out to every stream.

Event ids on the wire are `EPOCH-SEQ`: the daemon numbers from 1 at each start, so an id of an
earlier life is answered by a `reset`, never by other events of the same number.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from dialerd.control.hub import CORE, EventHub
from dialerd.control.io_client import ControlClient
from dialerd.core.control import ControlError, LiveEvent, Ping, Sink, Subscribe, Unsubscribe

log = logging.getLogger(__name__)

RETRY_S = 0.5


class Relay:
    """Keeps the subscription up and the hub fed."""

    def __init__(self, client: ControlClient) -> None:
        """`client` is for this alone: its connection carries the events."""
        self._client = client
        self._task: asyncio.Task[None] | None = None
        self.hub = EventHub()
        self.epoch = 0  # Unix ms of the daemon's start; 0 before it was seen
        self.up = False

    def start(self) -> None:
        """Follow the daemon from now on."""
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Let go."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._client.close()

    def subscribe(self, topics: tuple[str, ...], last_id: str, sink: Sink) -> Unsubscribe:
        """Events from now on, or from behind `last_id` as far as it is known here."""
        after = None
        if last_id:
            epoch, _, seq = last_id.partition("-")
            fits = epoch == str(self.epoch) and seq.isdigit() and len(seq) < 20
            after = int(seq) if fits else self.hub.seq + 1  # a number not given out: a reset
        return self.hub.subscribe(Subscribe(topics=topics, after=after), sink)

    def event_id(self, event: LiveEvent) -> str:
        """What a client gives back as Last-Event-ID."""
        return f"{self.epoch}-{event.seq}"

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(ControlError):
                await self._once()
            if self.up:
                self.up = False
                self._tell_up(at_ms=0)
            await asyncio.sleep(RETRY_S)

    async def _once(self) -> None:
        pong = await self._client.call(Ping())
        epoch = int(pong.started_at.timestamp() * 1000)
        after = self.hub.seq if epoch == self.epoch else None
        stream = self._client.events(Subscribe(after=after))
        try:
            if epoch != self.epoch:
                self.epoch = epoch
                self.hub.restart()
            self.up = True
            self._tell_up(at_ms=epoch)
            async for event in stream:
                self.hub.forward(event)
        finally:
            await stream.aclose()

    def _tell_up(self, at_ms: int) -> None:
        """Not one of the daemon's events, so it has no number of its own."""
        self.hub.pass_on(LiveEvent(seq=self.hub.seq, at_ms=at_ms, topic=CORE, data={"up": self.up}))
