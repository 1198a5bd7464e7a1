"""The media side of legs: one RTP stream each, prompts shared, digits told to the core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from dialerd.core.events import AnyEvent, Digit, PlayEnded
from dialerd.shell.prompts import load_prompt
from fastpath.rtp import DigitHeard, MediaEngine, StreamStats
from fastpath.rtp import PlayEnded as PromptEnded
from sip import sdp

SHIPPED = Path(__file__).resolve().parent.parent / "prompts"
SUFFIXES = ("", ".wav", ".ulaw", ".alaw")


class PromptError(ValueError):
    """A prompt that cannot be found or read; the text says what to do."""


class Prompts:
    """Prompt names to engine prompts.

    A name is a path below one of the folders, with or without suffix.
    """

    def __init__(self, engine: MediaEngine, folders: tuple[Path, ...]) -> None:
        self._engine = engine
        self._folders = (*folders, SHIPPED)
        self._ids: dict[str, int] = {}

    def find(self, name: str) -> Path:
        """The file of a prompt; PromptError when there is none."""
        as_path = Path(name)
        if as_path.is_absolute():
            tries = [as_path]
        elif ".." in as_path.parts or not name:
            raise PromptError(
                f"prompt '{name}': a prompt is named by its path below the prompts folder"
            )
        else:
            tries = [
                (folder / name).with_name(as_path.name + suffix)
                for folder in self._folders
                for suffix in SUFFIXES
            ]
        for path in tries:
            if path.is_file():
                return path
        places = ", ".join(str(f) for f in self._folders)
        raise PromptError(f"prompt '{name}' not found in {places}")

    def load(self, name: str) -> int:
        """The engine's id of a prompt, decoded at first use; PromptError when it cannot be."""
        known = self._ids.get(name)
        if known is not None:
            return known
        path = self.find(name)
        try:
            prompt = load_prompt(path)
        except (OSError, ValueError) as error:
            raise PromptError(f"prompt '{name}' ({path}): {error}") from error
        self._ids[name] = self._engine.add_prompt(prompt.pcmu, prompt.pcma)
        return self._ids[name]


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
        self.totals = dict.fromkeys(("sent", "received", "lost", "foreign", "malformed"), 0)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the engine and listen to it."""
        self.engine.start()
        loop.add_reader(self.engine.fileno(), self._on_events)

    def detach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop the engine."""
        loop.remove_reader(self.engine.fileno())
        self.engine.stop()

    def open(self, leg: int) -> int:
        """A stream for a leg; its local port. OSError when no port or stream is free."""
        stream = self.engine.open(self._bind, *self._ports)
        self._streams[leg] = stream
        self._legs[stream] = leg
        return self.engine.port(stream)

    def connect(self, leg: int, body: bytes) -> bool:
        """Send to what the far end's SDP names; False when it names nothing usable."""
        stream = self._streams.get(leg)
        if stream is None:
            return False
        try:
            media = sdp.parse(body)
            if media.payload_type not in {0, 8}:
                return False
            events = -1 if media.event_type is None else media.event_type
            # It refuses what nobody may be sent to: multicast, broadcast.
            self.engine.connect(stream, media.host, media.port, media.payload_type, events)
        except ValueError:
            return False
        return True

    def play(self, leg: int, prompt: str, token: int) -> bool:
        """Start a prompt; False when the leg is gone or the prompt cannot be read."""
        stream = self._streams.get(leg)
        if stream is None:
            return False
        try:
            number = self.prompts.load(prompt)
        except PromptError:
            return False
        self.engine.play(stream, number, token)
        return True

    def stop_play(self, leg: int) -> None:
        """Silence a leg."""
        stream = self._streams.get(leg)
        if stream is not None:
            self.engine.stop_play(stream)

    def close(self, leg: int) -> StreamStats | None:
        """End a leg's stream; its counts."""
        stream = self._streams.pop(leg, None)
        if stream is None:
            return None
        del self._legs[stream]
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
                self._feed(Digit(leg, event.digit, event.source))
            elif isinstance(event, PromptEnded):
                self._feed(PlayEnded(leg, event.token))
