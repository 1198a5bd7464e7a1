"""The live event stream (SSE): the present state, then every event, then what was missed.

A reader that comes back with Last-Event-ID gets what it missed, as far as the ring goes back. Any
other one, and one that could not keep up, gets a `snapshot` of its topics and goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta

from admin_http.documents import Document
from admin_http.limits import HEARTBEAT_S, STREAM_WRITE_S
from admin_http.live.feed import Feed, Shelf
from admin_http.live.relay import Relay
from admin_http.people import sight
from admin_http.people.access import filtered
from admin_http.people.asker import Asker
from admin_http.people.store import AdminError
from admin_http.problems import ProblemError
from admin_http.routes import route
from admin_http.services import Call
from admin_http.streams import place
from admin_http.tokens import Scope
from dialerd.control.hub import LOST, ON_DEMAND, RESET
from dialerd.core.control import TOPICS_MAX, ControlError, LiveEvent, Topic

STREAMS: Final = web.AppKey("streams", asyncio.Semaphore)
ANEW: Final = frozenset({RESET, LOST})  # behind these the present state is told anew
LOOK_S: Final = 1.0  # how seldom it is looked at whether a reader may still read
GATHER_S: Final = 0.2  # a write costs more than what is in it: so few a second, with all in them
PHASES: Final = 20  # groups of readers that have their turns one after the other, not all at once
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
        relay = call.services.relay
        with call.request.app[CHANNELS].joined(relay, topics, call.known) as channel:
            reader = _Reader(call, topics, channel)
            if last_id:
                relay.subscribe(topics, last_id, reader.miss)()
            return await reader.run(resumes=bool(last_id))


def _topics(text: str) -> tuple[str, ...]:
    topics = tuple(topic for topic in text.split(",") if topic)
    try:
        if len(topics) > TOPICS_MAX:
            raise ProblemError(400, f"topics: at most {TOPICS_MAX}")
        return msgspec.convert(topics, tuple[Topic, ...])
    except msgspec.ValidationError:
        raise ProblemError(400, "topics: small letters, with commas between") from None


class Channel:
    """The events of some topics as staff sees them, or as one reader does who sees less."""

    def __init__(self, relay: Relay, topics: tuple[str, ...], asker: Asker) -> None:
        """From now on, until `leave` is called."""
        self._relay = relay
        self._topics = topics
        self.asker = asker
        self.shelf = Shelf()
        self.look: Callable[[], bool] = lambda: True  # whether its one reader may still read
        self.stale_at = -1  # the last event that says that the present state is to be told anew
        self.readers = 0
        self.leave = relay.subscribe(topics, "", self.hear)

    def hear(self, event: LiveEvent) -> None:
        """One event, at once."""
        text = self.text(event)
        if text:
            if event.topic in ANEW:
                self.stale_at = self.shelf.end
            self.shelf.put(text)

    def text(self, event: LiveEvent) -> bytes:
        """An event as it is told here; empty when it is not."""
        if (not self._topics and event.topic in ON_DEMAND) or not self.look():
            return b""
        seen = sight.of_event(self.asker, event)
        return b"" if seen is None else self._relay.text(seen)


class Channels:
    """Those of staff, one for each set of topics that somebody reads."""

    def __init__(self) -> None:
        """Nobody reads."""
        self._shared: dict[tuple[str, ...], Channel] = {}

    @contextlib.contextmanager
    def joined(self, relay: Relay, topics: tuple[str, ...], asker: Asker) -> Iterator[Channel]:
        """The channel of a reader for as long as it reads."""
        found = self._shared.get(topics) if asker.is_staff else None
        if found is None:
            found = Channel(relay, topics, asker)
            if asker.is_staff:
                self._shared[topics] = found
        found.readers += 1
        try:
            yield found
        finally:
            found.readers -= 1
            if not found.readers:
                found.leave()
                if self._shared.get(topics) is found:
                    del self._shared[topics]


CHANNELS: Final = web.AppKey("channels", Channels)


class _Reader:
    """One who reads a stream."""

    def __init__(self, call: Call, topics: tuple[str, ...], channel: Channel) -> None:
        self._call = call
        self._topics = topics
        self._channel = channel
        self._shelf = channel.shelf
        self._at = channel.shelf.end  # the next event to send
        self._asker = call.known
        if not self._asker.is_staff:
            channel.look = self._known
        self._phase_s = GATHER_S * (next(_READERS) % PHASES) / PHASES
        self._sent_s = 0.0  # when events were written last
        self._looked_s = 0.0  # when it was last looked at who reads
        self._relay: Relay = call.services.relay
        self._missed = Feed(lambda: None)  # what was told while it was away
        self._stale = False  # a reset was among that
        self._response = web.StreamResponse(
            headers={
                **call.headers,
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )

    def miss(self, event: LiveEvent) -> None:
        """An event that was told while it was away, or that says that those are gone."""
        text = self._channel.text(event)
        if text:
            self._stale = self._stale or event.topic in ANEW
            self._missed.put(text)

    async def run(self, *, resumes: bool) -> web.StreamResponse:
        """Until the reader leaves, or takes no byte for a while."""
        await self._response.prepare(self._call.request)
        with contextlib.suppress(ConnectionError, TimeoutError):
            await self._send(b"retry: %d\n\n" % RETRY_MS)
            if not resumes:
                await self._send_snapshot()
            while self._known():
                await self._catch_up()
                news = self._shelf.news
                if self._at < self._shelf.end:  # it came while the last was sent
                    await self._gather()
                    continue
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await news.wait()
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
        if asker is None or asker.is_staff != self._asker.is_staff:
            return False  # who became another one comes again
        self._asker = asker
        if not asker.is_staff:  # the channel is its own, and it may see fewer campaigns now
            self._channel.asker = asker
        return True

    async def _catch_up(self) -> None:
        """All that waits: what was missed, then what is on the shelf."""
        lost = self._missed.lost()
        while text := self._missed.take():
            await self._send(text)
        if lost:
            await self._say_lost(lost)
        elif self._stale:
            await self._send_snapshot()
        self._stale = False
        while self._at < self._shelf.end:
            if self._at < self._shelf.first:
                behind, self._at = self._at, self._shelf.end
                await self._say_lost(self._at - behind)
                continue
            began = self._at
            text, self._at = self._shelf.take(began)
            await self._send(text)
            self._sent_s = asyncio.get_running_loop().time()
            if began <= self._channel.stale_at < self._at:
                await self._send_snapshot()

    async def _say_lost(self, count: int) -> None:
        await self._send(b'event: lost\ndata: {"n":%d}\n\n' % count)
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
