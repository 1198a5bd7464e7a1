"""The daemon's live events in this process: one subscription, fanned out to every stream.

Event ids on the wire are `EPOCH-SEQ`: the daemon numbers from 1 at each start, so an id of an
earlier life is answered by a `reset`, never by other events of the same number.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

import msgspec

from dialerd.control.hub import CORE, ON_DEMAND, EventHub
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
        self.hub.sinks_changed = self._look
        self._also: tuple[str, ...] = ()  # what the daemon makes for us
        self._renew = asyncio.Event()
        self._told: tuple[LiveEvent | None, bytes] = (None, b"")  # the last one, and as text
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

    def here(self) -> str:
        """What a client gives back as Last-Event-ID that has seen everything until now."""
        return f"{self.epoch}-{self.hub.seq}"

    def text(self, event: LiveEvent) -> bytes:
        """An event as it stands in a stream; made once for all who get it, one after the other.

        JSON has no raw line ends, so it is one data line.
        """
        if self._told[0] is not event:
            data = msgspec.json.encode({"at_ms": event.at_ms, **event.data})
            head = f"id: {self.epoch}-{event.seq}\nevent: {event.topic}\ndata: "
            self._told = (event, head.encode() + data + b"\n\n")
        return self._told[1]

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
        if epoch != self.epoch:
            self.epoch = epoch
            self.hub.restart()
            after = None
        else:
            after = self.hub.seq
        self.up = True
        self._tell_up(at_ms=epoch)
        while True:
            self._renew.clear()
            self._also = self._named()
            await self._until_renewed(Subscribe(after=after, also=self._also))
            after = self.hub.seq

    async def _until_renewed(self, request: Subscribe) -> None:
        """Pass events on until other topics are asked for; ControlError when the daemon goes."""
        pump = asyncio.create_task(self._pump(request))
        renewed = asyncio.create_task(self._renew.wait())
        try:
            await asyncio.wait({pump, renewed}, return_when=asyncio.FIRST_COMPLETED)
            if pump.done():
                pump.result()
        finally:
            pump.cancel()
            renewed.cancel()
            await asyncio.gather(pump, renewed, return_exceptions=True)

    async def _pump(self, request: Subscribe) -> None:
        stream = self._client.events(request)
        try:
            async for event in stream:
                self.hub.forward(event)
        finally:
            await stream.aclose()

    def _named(self) -> tuple[str, ...]:
        return tuple(topic for topic in ON_DEMAND if self.hub.asked_for(topic))

    def _look(self) -> None:
        """Somebody came or went: perhaps the daemon has to make other events for us."""
        if self._named() != self._also:
            self._renew.set()

    def _tell_up(self, at_ms: int) -> None:
        """Not one of the daemon's events, so it has no number of its own."""
        self.hub.pass_on(LiveEvent(seq=self.hub.seq, at_ms=at_ms, topic=CORE, data={"up": self.up}))
