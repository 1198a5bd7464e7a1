"""The media side of legs: one stream each, prompts shared, digits told to the core.

A stream is RTP's, or a modem's audio device's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from dialerd.core.effects import Play
from dialerd.core.events import (
    AnyEvent,
    Digit,
    MediaLost,
    MediaRoom,
    PlayEnded,
    Recorded,
    Sound,
    Verdict,
)
from dialerd.core.keys import Dtmf, Keys
from dialerd.core.prompts_view import PromptError
from dialerd.core.records import Answerer
from dialerd.shell import quality
from dialerd.shell.collecting import Collector
from dialerd.shell.ears import Ear
from dialerd.shell.following import follow
from dialerd.shell.media_room import NO_RULES, MediaRules
from dialerd.shell.media_room import MediaRoom as Room
from dialerd.shell.meetings import Meetings
from dialerd.shell.prompt_table import Prompts
from dialerd.shell.recordings import Recordings
from fastpath.progress import KINDS
from fastpath.rtp import (
    DeviceGone,
    DigitHeard,
    MediaEngine,
    PeerSilent,
    SoundHeard,
    StreamStats,
)
from fastpath.rtp import PlayEnded as PromptEnded
from sip import sdp

SUMMED = ("sent", "received", "lost", "foreign", "malformed", "late", "flooded")
TOTALS = (*SUMMED, "bad", "verdicts", "verdicts_late")  # late: not acted on in the next frame

log = logging.getLogger("dialerd.media")

LOOK_S = 1.0  # between two looks at the threads' load
SHOWN_MAX = 200  # calls whose figures are told in one look, in turns


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
        rules: MediaRules = NO_RULES,
    ) -> None:
        """`bind` is the local address, `shown` the one in SDP, `ports` the inclusive range."""
        self.engine = engine
        self.prompts = prompts
        self.shown = shown
        self._bind = bind
        self.ports = ports  # of calls that begin from now on
        self._feed = feed
        self._streams: dict[int, int] = {}  # leg -> stream
        self._legs: dict[int, int] = {}  # stream -> leg
        self._answered: set[int] = set()
        self._talked: set[int] = set()  # answered, and not held since then at every moment
        self._silent: set[int] = set()  # legs that were given up for it
        self._names: dict[int, str] = {}  # their Call-IDs, for whoever reads the log
        self._files: dict[int, str] = {}  # what their recordings are called
        self._room = Room(rules.threads, rules.load_max)
        self._silence_ms = int(rules.silence_s_max * 1000)
        self._rtcp = rules.rtcp
        self._frames_late = 0
        self._turn = 0
        self._told = False  # how many calls there is room for
        self.shows: Callable[[dict[str, object]], None] | None = None  # figures of live calls
        self._theirs: dict[int, sdp.Media] = {}  # leg -> what was agreed on last, seen from them
        self._keys: dict[int, Keys] = {}  # of each leg
        self._ears: dict[int, Ear] = {}  # legs that are listened to
        self._listening: set[int] = set()  # those of them before their answer
        self._devices: set[int] = set()  # legs whose audio is a modem's
        self.meetings = Meetings(engine, self._streams, self._devices)
        self.device_gone = self._lost  # whoever has the modems knows more of it
        self.key_to_modem: Callable[[int, str], object] = lambda _leg, _key: None
        self.recordings: Recordings | None = None
        self.collector: Collector | None = None
        self.totals = dict.fromkeys(TOTALS, 0)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the engine and listen to it."""
        self.engine.start()
        refused = self.engine.counters()["fifo_refused"]
        if refused:
            log.warning(
                "%d media threads run without SCHED_FIFO: a busy machine makes audio late"
                " (LimitRTPRIO= in systemd, or media.priority = 0)", refused,
            )  # fmt: skip
        loop.add_reader(self.engine.fileno(), self._on_events)
        self._timer: asyncio.Handle = loop.call_soon(self._look, loop)

    def detach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop the engine."""
        self._timer.cancel()
        loop.remove_reader(self.engine.fileno())
        self.engine.stop()

    def open(self, leg: int, dtmf: Dtmf = Dtmf.AUTO, call_id: str = "", name: str = "") -> int:
        """A stream for a leg; its local port. OSError when no port or stream is free.

        Its recording is called `name`, or by its `call_id`.
        """
        stream = self.engine.open(self._bind, *self.ports)
        self._begin(leg, stream, Keys(dtmf), call_id, name)
        return self.engine.port(stream)

    def open_device(self, leg: int, device: int, call_id: str = "", name: str = "") -> None:
        """A stream over a modem's audio device, which stays the caller's; OSError.

        Keys are heard in its audio; those that the modem hears itself come by `pressed`.
        """
        stream = self.engine.open_device(device)
        self.engine.hear_tones(stream)
        self._devices.add(leg)
        self._begin(leg, stream, Keys(Dtmf.ALL), call_id, name)

    def _begin(self, leg: int, stream: int, keys: Keys, call_id: str, name: str) -> None:
        self._keys[leg] = keys
        self._streams[leg] = stream
        self._names[leg] = call_id
        self._files[leg] = name or call_id
        self._legs[stream] = leg

    def has(self, leg: int) -> bool:
        """Whether a leg has a stream."""
        return leg in self._streams

    def connect(self, leg: int, ours: bytes, theirs: bytes) -> bool:
        """Do what our description and the far end's agreed on; False when it cannot be done.

        What only says the same again changes nothing. Nothing of `ours`: the call has ended since,
        in the same read of the socket.
        """
        stream = self._streams.get(leg)
        if stream is None or not ours:
            return False
        try:
            media = sdp.settle(ours, theirs)
            before, dtmf = self._theirs.get(leg), self._keys[leg].dtmf
            follow(self.engine, stream, media, before, dtmf, rtcp=self._rtcp)
        except (ValueError, OSError) as error:
            log.warning("leg %d: %s", leg, error, extra={"leg": leg})
            return False
        talked = leg in self._theirs and self._theirs[leg].talks
        self._theirs[leg] = media
        if leg in self._answered and media.talks != talked:
            self._watch(leg)
        return True

    def pressed(self, leg: int, digit: str, way: str, at_ns: int) -> None:
        """A key came by one way; the core is told unless it came by another one before."""
        keys = self._keys.get(leg)
        if keys is not None and keys.press(digit, way, at_ns) == "key":
            self._feed(Digit(leg, digit, way))
            modem = self.meetings.modem_of(leg) if way != "inband" else None
            if modem is not None:  # a key that is no sound there
                self.key_to_modem(modem, digit)

    def answered(self, leg: int) -> None:
        """From now on audio of the far end is expected, unless it holds a call that has talked."""
        if leg in self._streams:
            self._answered.add(leg)
            if self.collector is not None:
                self.collector.end(self._streams[leg], answered=True)
            if leg not in self._devices:
                self._watch(leg)
            self.listen(leg)

    def lend(self, leg: int, ear: Ear | None) -> None:
        """What is listened for on a leg as soon as there is audio."""
        if ear is not None and leg in self._streams:
            self._ears[leg] = ear

    def collect(self, leg: int, trunk: str) -> None:
        """There is audio before the answer: it is kept when the call is not answered."""
        if self.collector is not None:
            self.collector.begin(self._streams[leg], trunk, self._files[leg])

    def listen(self, leg: int) -> None:
        """There is audio: before the answer, or from the answer on."""
        ear, answered = self._ears.get(leg), leg in self._answered
        if ear is None:
            return
        if ear.late if answered else ear.early and leg not in self._listening:
            self._listening.add(leg)
            self.engine.listen(self._streams[leg], ear.attention, answered=answered)
        elif answered:
            self.engine.listen(self._streams[leg], None)

    def _sound(self, leg: int, heard: SoundHeard) -> None:
        """Something was heard: the core is told what it is."""
        ear = self._ears.get(leg)
        if ear is None:
            return
        kind = KINDS[heard.kind]
        value, _ = ear.attention.words(heard.kind, heard.value, heard.detail)
        if (leg in self._answered) != heard.answered:
            return  # of early media, read behind the answer
        if kind == "answer":
            late_ns = time.monotonic_ns() - heard.at_ns
            self.totals["verdicts"] += 1
            self.totals["verdicts_late"] += self.engine.frame(self._streams[leg]) > heard.frame + 1
            self._feed(Verdict(leg, Answerer(value), heard.confidence, late_ns))
        else:
            means = ear.meaning.read(kind, value, answered=heard.answered)
            self._feed(Sound(leg, kind, value, means, heard.confidence, ear.only_sign))

    def _watch(self, leg: int) -> None:
        media = self._theirs.get(leg)
        talks = media is not None and media.talks
        if talks:
            self._talked.add(leg)
        # who answers on hold and stays so would keep its channel for ever
        expected = talks or leg not in self._talked
        self.engine.watch(self._streams[leg], self._silence_ms if expected else 0)

    def play(self, leg: int, prompts: Sequence[str], token: int) -> bool:
        """Start prompts, one behind the other; False when the leg is gone or one cannot be read."""
        chain = self._loaded(leg, prompts)
        if chain:
            self.engine.play(self._streams[leg], chain, token)
        return bool(chain)

    def say(self, effect: Play) -> bool:
        """The same, as the dialer asks for it."""
        return self.play(effect.leg, effect.prompts, effect.token)

    def _loaded(self, leg: int, prompts: Sequence[str]) -> list[int]:
        """The numbers of prompts for a leg; none when it is gone or one cannot be read."""
        try:
            return [self.prompts.load(one) for one in prompts] if leg in self._streams else []
        except PromptError as error:
            log.warning("leg %d: %s", leg, error, extra={"leg": leg})
            return []

    def stop_play(self, leg: int) -> None:
        """Silence a leg."""
        stream = self._streams.get(leg)
        if stream is not None:
            self.engine.stop_play(stream)

    def hold(self, leg: int, prompt: str) -> bool:
        """Play a prompt over and over; False when the leg is gone or it cannot be read."""
        music = self._loaded(leg, (prompt,))
        if music:
            self.engine.play(self._streams[leg], music, 0, loop=True)
        return bool(music)

    def keys_way(self, leg: int) -> tuple[int, Dtmf] | None:
        """The stream of a leg, and how keys travel on it; None when it is gone."""
        return (self._streams[leg], self._keys[leg].dtmf) if leg in self._streams else None

    def bridge(self, leg: int, other: int, *, agent: bool = True) -> bool:
        """Let two legs hear each other, whatever played before; False when one of them is gone."""
        a, b = self._streams.get(leg), self._streams.get(other)
        if a is None or b is None:
            return False
        for stream in (a, b):
            self.engine.stop_play(stream)
            self.engine.settle(stream)
        return self.meetings.bridge(leg, other, agent=agent)

    def unbridge(self, leg: int) -> None:
        """End a leg's bridge."""
        self.meetings.unbridge(leg)

    def record(self, leg: int, part: str = "") -> bool:
        """Record both sides of a leg from now on, where recordings are kept and there is room.

        False when nothing new begins: it cannot be, or the leg is recorded already.
        """
        stream, kept = self._streams.get(leg), self.recordings
        if stream is None or kept is None or kept.runs(stream):
            return False
        return kept.begin(stream, f"{self._files[leg]}-{part}" if part else self._files[leg])

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
        stream = self._streams.get(leg)
        if stream is None:
            return None
        self.meetings.gone(leg)
        del self._streams[leg], self._legs[stream]
        self._theirs.pop(leg, None)
        self._keys.pop(leg, None)
        self._answered.discard(leg)
        self._talked.discard(leg)
        self._ears.pop(leg, None)
        self._listening.discard(leg)
        del self._files[leg]
        if self.collector is not None:
            self.collector.end(stream)
        device = self.engine.device(stream) if leg in self._devices else None
        name, stats = self._names.pop(leg), self.engine.close(stream)
        if device is not None:
            self._devices.discard(leg)
            bad = quality.device_trouble(device)
        else:
            bad = quality.trouble(stats, self._silence_ms if leg in self._silent else 0)
        self._silent.discard(leg)
        if bad:
            self.totals["bad"] += 1
            of = "a modem" if device is not None else f"{stats.peer[0]}:{stats.peer[1]}"
            log.warning("call %s with %s: %s", name, of, bad)
        if self.shows is not None:
            about = {"leg": leg, "call_id": name, "ended": True, "trouble": bad}
            self.shows(about | quality.shown(stats))
        for name in SUMMED:
            self.totals[name] += getattr(stats, name)
        return stats

    def _on_events(self) -> None:
        for event in self.engine.events():
            leg = self._legs.get(event.stream)
            if leg is None:
                continue
            if isinstance(event, PeerSilent):
                self._silent.add(leg)
                self._feed(MediaLost(leg))
            elif isinstance(event, DeviceGone):
                self.device_gone(leg, "the modem's audio device is gone")
            elif isinstance(event, DigitHeard):
                self.pressed(leg, event.digit, event.source, event.at_ns)
            elif isinstance(event, SoundHeard):
                self._sound(leg, event)
            elif isinstance(event, PromptEnded):
                self._feed(PlayEnded(leg, event.token))

    def _lost(self, leg: int, why: str) -> None:
        self._feed(MediaLost(leg, why))

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Once a second: what the threads can carry, and figures for whoever looks on."""
        counters = self.engine.counters()
        late = int(counters["frames_late"]) - self._frames_late
        if late:
            self._frames_late += late
            log.warning("%d frames left 20 ms or more after their time", late)
        room = self._room
        if room.measure(counters, time.monotonic_ns()) or not self._told:
            self._told = True
            self._feed(MediaRoom(room.calls_max, room.why))
        if self.shows is not None:
            legs = sorted(self._streams)
            self._turn = self._turn if self._turn < len(legs) else 0
            for leg in legs[self._turn : self._turn + SHOWN_MAX]:
                stats = self.engine.stats(self._streams[leg])
                about = {"leg": leg, "call_id": self._names[leg], "ended": False}
                self.shows(about | quality.shown(stats))
            self._turn += SHOWN_MAX
        self._timer = loop.call_later(LOOK_S, self._look, loop)
