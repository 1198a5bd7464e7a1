"""The live event stream (SSE): the present state, then every event, then what was missed.

A reader that comes back with Last-Event-ID gets what it missed, as far as the ring goes back. Any
other one, and one that could not keep up, gets a `snapshot` of its topics and goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta

from admin_http.documents import Document
from admin_http.limits import HEARTBEAT_S, STREAM_WRITE_S
from admin_http.live.feed import Feed
from admin_http.live.relay import Relay
from admin_http.people import sight
from admin_http.people.access import filtered
from admin_http.people.store import AdminError
from admin_http.problems import ProblemError
from admin_http.routes import route
from admin_http.services import Call
from admin_http.streams import place
from admin_http.tokens import Scope
from dialerd.control.hub import LOST, ON_DEMAND, RESET
from dialerd.core.control import TOPICS_MAX, ControlError, LiveEvent, Topic

STREAMS: Final = web.AppKey("streams", asyncio.Semaphore)
LOOK_S: Final = 1.0  # how seldom it is looked at whether a reader may still read
GATHER_S: Final = 0.1  # a write costs more than what is in it: so few a second, with all in them
PHASES: Final = 10  # groups of readers that have their turns one after the other, not all at once
RETRY_MS: Final = 2_000  # how long a browser waits before it comes back

_READERS = itertools.count()


class StreamQuestion(Document):
    """Which live events."""

    topics: Annotated[
        str,
        Meta(
            max_length=400,
            description="Topics with commas between; empty: all but call and audio.",
        ),
    ] = ""


@route("GET", "/v1/stream", Scope.READ, access=filtered, media=("text/event-stream",), streams=True)
async def stream(call: Call, query: StreamQuestion) -> web.StreamResponse:
    """Live events (SSE): a snapshot, then what happens; resumed behind Last-Event-ID.

    A `snapshot` is the present state of the topics. `reset` (the daemon was started anew, or your
    id is too old) and `lost` (you read too slowly; `n` events) are followed by one. `core` tells
    whether the daemon is up. The topics `call` and `audio` must be named. Everybody hears what they
    may see; a stream ends with its session or token.
    """
    topics = _topics(query.topics)
    last_id = call.request.headers.get("Last-Event-ID", "")[:64]
    async with place(call.request.app[STREAMS], "event streams"):
        reader = _Reader(call, topics)
        leave = call.services.relay.subscribe(topics, last_id, reader.hear)
        try:
            return await reader.run(resumes=bool(last_id))
        finally:
            leave()


def _topics(text: str) -> tuple[str, ...]:
    topics = tuple(topic for topic in text.split(",") if topic)
    try:
        if len(topics) > TOPICS_MAX:
            raise ProblemError(400, f"topics: at most {TOPICS_MAX}")
        return msgspec.convert(topics, tuple[Topic, ...])
    except msgspec.ValidationError:
        raise ProblemError(400, "topics: small letters, with commas between") from None


class _Reader:
    """One who reads a stream."""

    def __init__(self, call: Call, topics: tuple[str, ...]) -> None:
        self._call = call
        self._topics = topics
        self._asker = call.known
        self._phase_s = GATHER_S * (next(_READERS) % PHASES) / PHASES
        self._sent_s = 0.0  # when events were written last
        self._looked_s = 0.0  # when it was last looked at who reads
        self._relay: Relay = call.services.relay
        self._wake = asyncio.Event()
        self._feed = Feed(self._wake.set)
        self._stale = False  # a reset came: the present state is to be told anew
        self._response = web.StreamResponse(
            headers={
                **call.headers,
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )

    def hear(self, event: LiveEvent) -> None:
        """One event, at once."""
        if not self._topics and event.topic in ON_DEMAND:
            return
        self._stale = self._stale or event.topic in {RESET, LOST}
        seen = sight.of_event(self._asker, event)
        if seen is not None:
            self._feed.put(self._relay.text(seen))

    async def run(self, *, resumes: bool) -> web.StreamResponse:
        """Until the reader leaves, or takes no byte for a while."""
        await self._response.prepare(self._call.request)
        with contextlib.suppress(ConnectionError, TimeoutError):
            await self._send(b"retry: %d\n\n" % RETRY_MS)
            if not resumes:
                await self._send_snapshot()
            while self._known():
                await self._catch_up()
                self._wake.clear()
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await self._wake.wait()
                except TimeoutError:
                    await self._send(b":\n\n")
                else:
                    await self._gather()
        return self._response

    async def _gather(self) -> None:
        """What comes soon behind what was just sent waits for this reader's next turn."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._sent_s < 2 * GATHER_S:
            await asyncio.sleep(GATHER_S - (now_s + self._phase_s) % GATHER_S)

    def _known(self) -> bool:
        """Whether the reader may still read, as of a second ago at most."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._looked_s < LOOK_S:
            return True
        self._looked_s = now_s
        try:
            asker = self._call.services.door.asker(self._call.request)
        except AdminError:  # whoever cannot be checked does not read on
            return False
        if asker is not None:
            self._asker = asker
        return asker is not None

    async def _catch_up(self) -> None:
        while True:
            lost = self._feed.lost()
            if lost:
                await self._send(b'event: lost\ndata: {"n":%d}\n\n' % lost)
                await self._send_snapshot()
            text = self._feed.take()
            if not text:
                return
            stale, self._stale = self._stale, False
            await self._send(text)
            self._sent_s = asyncio.get_running_loop().time()
            if stale:
                await self._send_snapshot()

    async def _send_snapshot(self) -> None:
        """Events that come meanwhile wait: they may tell once more what it says already."""
        here = self._relay.here()
        try:
            state = await self._call.services.snapshots.of(self._topics, self._asker)
        except ControlError:
            await self._send(b'event: core\ndata: {"up":false}\n\n')
            return
        await self._send(b"id: " + here.encode() + b"\nevent: snapshot\ndata: " + state + b"\n\n")

    async def _send(self, data: bytes) -> None:
        async with asyncio.timeout(STREAM_WRITE_S):
            await self._response.write(data)
