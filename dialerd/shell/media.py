"""The media side of legs: one RTP stream each, prompts shared, digits told to the core."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from dialerd.core.events import AnyEvent, Digit, PlayEnded, Recorded
from dialerd.core.keys import Dtmf, Keys
from dialerd.core.prompts_view import PromptError
from dialerd.shell.following import follow
from dialerd.shell.prompt_table import Prompts
from dialerd.shell.recordings import Recordings
from fastpath.rtp import DigitHeard, MediaEngine, StreamStats
from fastpath.rtp import PlayEnded as PromptEnded
from sip import sdp

log = logging.getLogger("dialerd.media")


class Media:
    """Streams of the legs in progress."""

    def __init__(
        self,
        engine: MediaEngine,
        prompts: Prompts,
        bind: str,
        shown: str,
        ports: tuple[int, int],
        feed: Callable[[AnyEvent], None],
    ) -> None:
        """`bind` is the local address, `shown` the one in SDP, `ports` the inclusive range."""
        self.engine = engine
        self.prompts = prompts
        self.shown = shown
        self._bind = bind
        self._ports = ports
        self._feed = feed
        self._streams: dict[int, int] = {}  # leg -> stream
        self._legs: dict[int, int] = {}  # stream -> leg
        self._theirs: dict[int, sdp.Media] = {}  # leg -> what was agreed on last, seen from them
        self._keys: dict[int, Keys] = {}  # of each leg
        self.recordings: Recordings | None = None
        self.totals = dict.fromkeys(("sent", "received", "lost", "foreign", "malformed"), 0)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the engine and listen to it."""
        self.engine.start()
        loop.add_reader(self.engine.fileno(), self._on_events)

    def detach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop the engine."""
        loop.remove_reader(self.engine.fileno())
        self.engine.stop()

    def open(self, leg: int, dtmf: Dtmf = Dtmf.AUTO) -> int:
        """A stream for a leg; its local port. OSError when no port or stream is free."""
        stream = self.engine.open(self._bind, *self._ports)
        self._keys[leg] = Keys(dtmf)
        self._streams[leg] = stream
        self._legs[stream] = leg
        return self.engine.port(stream)

    def connect(self, leg: int, ours: bytes, theirs: bytes) -> bool:
        """Do what our description and the far end's agreed on; False when it cannot be done.

        What only says the same again changes nothing.
        """
        stream = self._streams.get(leg)
        if stream is None:
            return False
        try:
            media = sdp.settle(ours, theirs)
            follow(self.engine, stream, media, self._theirs.get(leg), self._keys[leg].dtmf)
        except (ValueError, OSError) as error:
            log.warning("leg %d: %s", leg, error)
            return False
        self._theirs[leg] = media
        return True

    def pressed(self, leg: int, digit: str, way: str, at_ns: int) -> None:
        """A key came by one way; the core is told unless it came by another one before."""
        keys = self._keys.get(leg)
        if keys is not None and keys.press(digit, way, at_ns) == "key":
            self._feed(Digit(leg, digit, way))

    def play(self, leg: int, prompts: Sequence[str], token: int) -> bool:
        """Start prompts, one behind the other; False when the leg is gone or one cannot be read."""
        stream = self._streams.get(leg)
        if stream is None:
            return False
        try:
            chain = [self.prompts.load(prompt) for prompt in prompts]
        except PromptError as error:
            log.warning("leg %d: %s", leg, error)
            return False
        self.engine.play(stream, chain, token)
        return True

    def stop_play(self, leg: int) -> None:
        """Silence a leg."""
        stream = self._streams.get(leg)
        if stream is not None:
            self.engine.stop_play(stream)

    def record(self, leg: int, name: str) -> None:
        """Record both sides of a leg from now on, where recordings are kept and there is room."""
        stream = self._streams.get(leg)
        if stream is not None and self.recordings is not None:
            self.recordings.begin(stream, name)

    def recorded(self, leg: int) -> Recorded | None:
        """End a leg's recording; None when there is none."""
        stream = self._streams.get(leg)
        if stream is None or self.recordings is None:
            return None
        kept = self.recordings.end(stream)
        if kept is None:
            return None
        return Recorded(leg, kept.path, kept.seconds, kept.size, kept.channels)

    def close(self, leg: int) -> StreamStats | None:
        """End a leg's stream; its counts."""
        stream = self._streams.pop(leg, None)
        if stream is None:
            return None
        del self._legs[stream]
        self._theirs.pop(leg, None)
        self._keys.pop(leg, None)
        stats = self.engine.close(stream)
        for name in self.totals:
            self.totals[name] += getattr(stats, name)
        return stats

    def _on_events(self) -> None:
        for event in self.engine.events():
            leg = self._legs.get(event.stream)
            if leg is None:
                continue
            if isinstance(event, DigitHeard):
                self.pressed(leg, event.digit, event.source, event.at_ns)
            elif isinstance(event, PromptEnded):
                self._feed(PlayEnded(leg, event.token))
