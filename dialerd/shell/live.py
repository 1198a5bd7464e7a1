"""The live event stream: a ring of recent events with sequence numbers, fanned out to sinks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from dialerd.core.control import LiveEvent, Sink, Subscribe, Unsubscribe

RING_MAX = 4096


class Live:
    """Publishes events; a subscriber resumes behind a sequence number while the ring holds it."""

    def __init__(self, wall_ms: Callable[[], int]) -> None:
        self._wall_ms = wall_ms
        self._ring: deque[LiveEvent] = deque(maxlen=RING_MAX)
        self._seq = 0
        self._sinks: dict[int, tuple[frozenset[str], Sink]] = {}
        self._next_sink = 0

    def publish(self, topic: str, data: dict[str, object]) -> None:
        """Tell everybody who follows `topic`."""
        self._seq += 1
        event = LiveEvent(seq=self._seq, at_ms=self._wall_ms(), topic=topic, data=data)
        self._ring.append(event)
        for topics, sink in tuple(self._sinks.values()):
            if not topics or topic in topics:
                sink(event)

    def subscribe(self, request: Subscribe, sink: Sink) -> Unsubscribe:
        """Replay what the ring holds after `request.after`, then follow."""
        topics = frozenset(request.topics)
        if request.after is not None:
            self._replay(request.after, topics, sink)
        self._next_sink += 1
        key = self._next_sink
        self._sinks[key] = (topics, sink)
        return lambda: self._drop(key)

    def _drop(self, key: int) -> None:
        self._sinks.pop(key, None)

    def _replay(self, after: int, topics: frozenset[str], sink: Sink) -> None:
        oldest = self._ring[0].seq if self._ring else self._seq + 1
        if after > self._seq or after + 1 < oldest:
            # Another run of the daemon, or too long ago: what is missing cannot be told.
            sink(LiveEvent(seq=self._seq, at_ms=self._wall_ms(), topic="reset", data={}))
            return
        for event in self._ring:
            if event.seq > after and (not topics or event.topic in topics):
                sink(event)
