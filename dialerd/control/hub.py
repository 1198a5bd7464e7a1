"""Fan-out of live events: one publisher, many sinks, and a ring to resume from.

Pure: the caller gives the time, sinks are called at once and must not block. The socket server and
the HTTP process put their own bounded queues behind the sinks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from dialerd.control.limits import RING_EVENTS_MAX
from dialerd.core.control import LiveEvent, Sink, Subscribe, Unsubscribe

LOST = "lost"
RESET = "reset"
CORE = "core"  # the daemon went away or came back
ALWAYS = frozenset({LOST, RESET, CORE})  # reach every sink, whatever its topics
ON_DEMAND = ("call", "audio")  # many a second: only made while somebody asks for them by name


class EventHub:
    """Numbers events, keeps the last ones, and hands each to the sinks of its topic."""

    def __init__(self, ring_events_max: int = RING_EVENTS_MAX) -> None:
        """`ring_events_max` bounds what a client that comes back can catch up on."""
        self._ring: deque[LiveEvent] = deque(maxlen=ring_events_max)
        self._sinks: dict[int, tuple[frozenset[str], Sink]] = {}
        self._also: dict[int, tuple[str, ...]] = {}
        self._next_sink = 0
        self.seq = 0
        self.sinks_changed: Callable[[], None] | None = None  # told when somebody comes or goes

    def asked_for(self, topic: str) -> bool:
        """Whether a sink named this topic: some events are only made for those who want them."""
        named = any(topic in topics for topics, _ in self._sinks.values())
        return named or any(topic in also for also in self._also.values())

    def publish(self, topic: str, data: dict[str, object], at_ms: int) -> LiveEvent:
        """Number the event and hand it out."""
        return self.forward(LiveEvent(seq=self.seq + 1, at_ms=at_ms, topic=topic, data=data))

    def forward(self, event: LiveEvent) -> LiveEvent:
        """Hand out an event numbered elsewhere (the HTTP process passes the daemon's on)."""
        self.seq = event.seq
        self._ring.append(event)
        self.pass_on(event)
        return event

    def pass_on(self, event: LiveEvent) -> None:
        """Hand out an event that is not kept: it cannot be resumed."""
        for topics, sink in tuple(self._sinks.values()):
            if not topics or event.topic in topics or event.topic in ALWAYS:
                sink(event)

    def restart(self) -> None:
        """Numbers begin anew: what was kept belongs to another life. Sinks are told to reset."""
        self._ring.clear()
        self.seq = 0
        self.pass_on(LiveEvent(seq=0, at_ms=0, topic=RESET, data={}))

    def subscribe(self, request: Subscribe, sink: Sink) -> Unsubscribe:
        """From now on, or from behind `request.after` as far as the ring goes back.

        When events behind `after` are gone (or its number was never given out: the daemon was
        restarted) the first event is a `reset`: the client must fetch the present state.
        """
        topics = frozenset(request.topics)
        if request.after is not None:
            self._resume(request.after, topics, sink)
        number = self._next_sink
        self._next_sink += 1
        self._sinks[number] = (topics, sink)
        if request.also:
            self._also[number] = request.also
        self._tell()

        def unsubscribe() -> None:
            self._sinks.pop(number, None)
            self._also.pop(number, None)
            self._tell()

        return unsubscribe

    def _tell(self) -> None:
        if self.sinks_changed is not None:
            self.sinks_changed()

    def __len__(self) -> int:
        """How many sinks there are."""
        return len(self._sinks)

    def _resume(self, after: int, topics: frozenset[str], sink: Sink) -> None:
        oldest = self._ring[0].seq if self._ring else self.seq + 1
        if after > self.seq or after + 1 < oldest:
            at_ms = self._ring[-1].at_ms if self._ring else 0
            sink(LiveEvent(seq=self.seq, at_ms=at_ms, topic=RESET, data={}))
            return
        for event in tuple(self._ring):
            if event.seq > after and (not topics or event.topic in topics):
                sink(event)


class BoundedSink:
    """A sink with a bounded queue: when the reader is too slow, what waits becomes one `lost`."""

    def __init__(self, events_max: int, wake: Callable[[], None]) -> None:
        """`wake` is called when the queue is no longer empty."""
        self._queue: deque[LiveEvent] = deque()
        self._max = events_max
        self._wake = wake
        self._lost = 0
        self._lost_last = (0, 0)

    def __call__(self, event: LiveEvent) -> None:
        """Queue it; over the bound, count everything waiting as lost."""
        if len(self._queue) >= self._max:
            self._lost += len(self._queue)
            self._lost_last = (self._queue[-1].seq, self._queue[-1].at_ms)
            self._queue.clear()
        self._queue.append(event)
        self._wake()

    def lose(self, event: LiveEvent) -> None:
        """Count one event that cannot be sent."""
        self._lost += 1
        self._lost_last = (event.seq, event.at_ms)

    def pop(self) -> LiveEvent | None:
        """The next event to send, a `lost` marker first where events are missing."""
        if self._lost:
            seq, at_ms = self._lost_last
            marker = LiveEvent(seq=seq, at_ms=at_ms, topic=LOST, data={"n": self._lost})
            self._lost = 0
            return marker
        return self._queue.popleft() if self._queue else None
