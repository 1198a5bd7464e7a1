"""A recording, heard as the daemon hears a call: frame by frame, by the same detectors."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from dialerd.detect.bank import AnnouncementBank, load_bank
from dialerd.detect.model import load_model
from dialerd.detect.tone_plan import load_book
from fastpath.amd_forest import Model
from fastpath.progress import Attention, CallProgress
from fastpath.progress import Heard as Sound
from fastpath.tones_book import ToneBook
from fastpath.vad import FRAME, Heard, VoiceDetector

RATE: Final = 8_000
FRAME_S: Final = FRAME / RATE
PAUSE_FRAMES: Final = 10  # a shorter one is inside of what is said
BRIDGE_FRAMES: Final = 3  # so short a gap is inside of a run
SPEECH_FRAMES_MIN: Final = 3
BEHIND_S: Final = 1.5  # of silence follow a recording: whoever was recorded had stopped
WORD_S_MIN: Final = 0.2  # a shorter recording is a piece, of which nothing is known
REVISE_MS: Final = 7_000  # behind the first voice: until then a person may turn out a machine
NO_EVENT: Final = ("answer", "silence", "speech")  # voices are told by `_speech`
PIECE: Final = 60 * RATE  # samples heard at once
EVENTS_MAX: Final = 20_000  # of a recording; later ones are counted
SURE_DB: Final = 20.0  # a voice so far above the noise is one

Samples = NDArray[np.int16]
Kind = Literal["dtmf", "tone", "sit", "beep", "fax", "announcement", "speech", "music"]
_KINDS: Final = get_args(Kind)


class Event(msgspec.Struct, frozen=True):
    """Something heard, in seconds of the recording; confidence 0 to 1."""

    type: Kind
    value: str
    at_s: float
    until_s: float
    confidence: float


class Findings(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that was heard. Without an answer, in early media, there is no verdict."""

    verdict: Literal["human", "machine", "unknown"] | None
    verdict_at_s: float | None
    confidence: float
    reason: str
    seconds: float
    events: list[Event]
    left_out: int = 0  # events behind the EVENTS_MAX first
    # what a second verdict took back
    first_verdict: Literal["human", "machine", "unknown"] | None = None
    first_verdict_at_s: float | None = None


def attention(
    model: Model | Mapping[str, int] | None = None,
    *,
    book: ToneBook | None = None,
    bank: AnnouncementBank | None = None,
) -> Attention:
    """All that a call may be heard for; each None: what comes with dialerd.

    A mapping as `model` has parameters of the classic rule, which then says who answered.
    """
    known = load_bank() if bank is None else bank
    return Attention(
        load_model() if model is None else model,
        book=load_book() if book is None else book,
        bank=known.prints,
        labels=[entry.value for entry in known.entries],
        revise_ms=REVISE_MS,
    )


def hear(
    audio: Samples | Iterable[Samples], *, early_media: bool = False, asked: Attention | None = None
) -> Findings:
    """Hear mono samples at 8 kHz from their first on, by what the daemon hears a call with.

    They may come in pieces, of which none is kept. A recording that ends with the last word is
    taken as followed by silence.
    """
    progress = CallProgress(asked or attention(), answered=not early_media)
    detector, voice = VoiceDetector(), _Voice()
    sounds: list[Sound] = []
    length = left_out = 0
    for samples in _pieces(audio):
        length += len(samples)
        left_out += _keep(sounds, progress.hear(samples.data))
        for one in detector.hear(samples.data):
            voice.take(one)
    left_out += _keep(sounds, progress.end() if early_media else _behind(progress, length))
    seconds = round(length / RATE, 3)
    known = [_event(one, seconds) for one in sounds]
    known.sort(key=lambda one: (one.at_s, one.until_s))
    events = sorted(
        [*_unknown(voice.phrases(), known), *known], key=lambda one: (one.at_s, one.until_s)
    )
    left_out += max(len(events) - EVENTS_MAX, 0)
    del events[EVENTS_MAX:]
    found = progress.verdict()
    if early_media or found is None:
        return Findings(None, None, 0.0, "early media", seconds, events, left_out)
    first = progress.first_verdict()
    return Findings(
        found.answer, found.at_ms / 1000, round(found.confidence, 3), found.reason, seconds, events,
        left_out, first and first.answer, first and first.at_ms / 1000,
    )  # fmt: skip


def _pieces(audio: Samples | Iterable[Samples]) -> Iterable[Samples]:
    """The audio in whole frames, but for its end, and never more than PIECE at once."""
    rest = np.zeros(0, np.int16)
    for whole in [audio] if isinstance(audio, np.ndarray) else audio:
        for at in range(0, len(whole), PIECE):
            some = np.concatenate([rest, whole[at : at + PIECE]], dtype=np.int16, casting="unsafe")
            full = len(some) // FRAME * FRAME
            yield some[:full]
            rest = some[full:]
    yield rest


def _keep(sounds: list[Sound], told: list[Sound]) -> int:
    """Keep what are events, as long as there is room; how many there was none for."""
    told = [one for one in told if one.kind not in NO_EVENT]
    room = EVENTS_MAX - len(sounds)
    sounds += told[:room]
    return max(len(told) - room, 0)


def _behind(progress: CallProgress, samples: int) -> list[Sound]:
    """What is told behind the last sample, when a verdict may still be due."""
    told: list[Sound] = []
    if progress.verdict() is None and samples >= WORD_S_MIN * RATE:
        silence = np.zeros(FRAME - samples % FRAME + int(BEHIND_S * RATE), np.int16)
        told = progress.hear(silence.data)
    return told + progress.end()


def _event(sound: Sound, seconds: float) -> Event:
    """A sound of the daemon's as an event."""
    kind: Kind = sound.kind if sound.kind in _KINDS else "tone"  # type: ignore[assignment]
    value = sound.kind if kind == "tone" or not sound.value else sound.value
    at_s = min(sound.at_ms / 1000, seconds)
    return Event(
        kind, value, round(at_s, 3), round(max(at_s, min(sound.until_ms / 1000, seconds)), 3),
        round(sound.confidence, 3),
    )  # fmt: skip


class _Voice:
    """Where a voice was, of which every frame leaves nine octets: 1.6 MB an hour."""

    def __init__(self) -> None:
        self._runs: list[list[int]] = []  # first frame, frame behind the last
        self._spoke = bytearray()
        self._above = array("d")  # dB over the noise

    def take(self, heard: Heard) -> None:
        """The next frame; what turned out to be noise is left out."""
        runs, number = self._runs, len(self._spoke)
        self._spoke.append(heard.speech)
        self._above.append(heard.level_db - heard.floor_db)
        going_on = bool(runs) and number - runs[-1][1] < BRIDGE_FRAMES
        if heard.undone == 2:
            runs.clear()
        elif heard.undone and going_on:
            runs[-1][1] = number - heard.cut + 1 if heard.undone == 3 else runs[-1][0]
            if runs[-1][1] <= runs[-1][0]:
                runs.pop()
        elif heard.speech and going_on:
            runs[-1][1] = number + 1
            return
        if heard.speech:
            runs.append([number, number + 1])

    def phrases(self) -> Iterable[Event]:
        """What was said, a phrase each: runs with little pause between them."""
        found: list[list[int]] = []
        for run in self._runs:
            if found and run[0] - found[-1][1] <= PAUSE_FRAMES:
                found[-1][1] = run[1]
            else:
                found.append(list(run))
        for begin, end in found:
            if self._spoke.count(1, begin, end) >= SPEECH_FRAMES_MIN:
                above = max(self._above[begin:end])
                sure = round(min(max(above / SURE_DB, 0.0), 1.0), 3)
                yield Event("speech", "voice", _s(begin), _s(end), sure)


def _unknown(phrases: Iterable[Event], known: list[Event]) -> Iterable[Event]:
    """Those that are not mostly keys, tones or music, which pass for a voice; all by time."""
    near: list[Event] = []
    ahead = iter([one for one in known if one.type != "announcement"])
    following = next(ahead, None)
    for phrase in phrases:
        while following is not None and following.at_s < phrase.until_s:
            near.append(following)
            following = next(ahead, None)
        near = [one for one in near if one.until_s > phrase.at_s]
        common = sum(min(phrase.until_s, one.until_s) - max(phrase.at_s, one.at_s) for one in near)
        if common <= 0.4 * (phrase.until_s - phrase.at_s):
            yield phrase


def _s(frame: int) -> float:
    return round(frame * FRAME_S, 3)
