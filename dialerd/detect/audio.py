"""A whole recording, heard as the daemon hears a call: frame by frame, by the same detectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from dialerd.detect.bank import AnnouncementBank, load_bank
from dialerd.detect.model import load_model
from dialerd.detect.tone_plan import load_book
from fastpath.amd import Model
from fastpath.dtmf import DtmfDetector
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
NO_EVENT: Final = ("answer", "silence", "speech")  # voices are told by `_speech`
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


class Findings(msgspec.Struct, frozen=True):
    """All that was heard. Without an answer, in early media, there is no verdict."""

    verdict: Literal["human", "machine", "unknown"] | None
    verdict_at_s: float | None
    confidence: float
    reason: str
    seconds: float
    events: list[Event]


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
    )


def hear(
    samples: Samples, *, early_media: bool = False, asked: Attention | None = None
) -> Findings:
    """Hear mono samples at 8 kHz from their first on, by what the daemon hears a call with.

    A recording that ends with the last word is taken as followed by silence.
    """
    samples = np.ascontiguousarray(samples, np.int16)
    seconds = round(len(samples) / RATE, 3)
    progress = CallProgress(asked or attention(), answered=not early_media)
    told = progress.hear(samples.data)
    told += progress.end() if early_media else _behind(progress, len(samples))
    ends = _key_ends(samples) if any(one.kind == "dtmf" for one in told) else []
    sounds = [_event(one, ends, seconds) for one in told if one.kind not in NO_EVENT]
    spoken = _speech(VoiceDetector().hear(samples.data))
    events = sorted(
        [*(one for one in spoken if not _is_known(one, sounds)), *sounds],
        key=lambda one: (one.at_s, one.until_s),
    )
    found = progress.verdict()
    if early_media or found is None:
        return Findings(None, None, 0.0, "early media", seconds, events)
    return Findings(
        found.answer, found.at_ms / 1000, round(found.confidence, 3), found.reason, seconds, events
    )


def _behind(progress: CallProgress, samples: int) -> list[Sound]:
    """What is told behind the last sample, when a verdict may still be due."""
    told: list[Sound] = []
    if progress.verdict() is None and samples >= WORD_S_MIN * RATE:
        silence = np.zeros(FRAME - samples % FRAME + int(BEHIND_S * RATE), np.int16)
        told = progress.hear(silence.data)
    return told + progress.end()


def _event(sound: Sound, ends: list[int], seconds: float) -> Event:
    """A sound of the daemon's as an event; a key ends where it was let go."""
    until_s = sound.until_ms / 1000
    if sound.kind == "dtmf":
        until_s = next((end / RATE for end in ends if end / RATE > sound.at_ms / 1000), seconds)
    kind: Kind = sound.kind if sound.kind in _KINDS else "tone"  # type: ignore[assignment]
    value = sound.kind if kind == "tone" or not sound.value else sound.value
    at_s = min(sound.at_ms / 1000, seconds)
    return Event(
        kind, value, round(at_s, 3), round(max(at_s, min(until_s, seconds)), 3),
        round(sound.confidence, 3),
    )  # fmt: skip


def _key_ends(samples: Samples) -> list[int]:
    detector = DtmfDetector()
    detector.hear(samples.data)
    return detector.ends


def _speech(frames: list[Heard]) -> Iterable[Event]:
    """What was said, a phrase each; what turned out to be noise is left out."""
    runs: list[list[int]] = []  # first frame, frame behind the last
    for number, heard in enumerate(frames):
        going_on = bool(runs) and number - runs[-1][1] < BRIDGE_FRAMES
        if heard.undone == 2:
            runs.clear()
        elif heard.undone and going_on:
            runs[-1][1] = number - heard.cut + 1 if heard.undone == 3 else runs[-1][0]
            if runs[-1][1] <= runs[-1][0]:
                runs.pop()
        elif heard.speech and going_on:
            runs[-1][1] = number + 1
            continue
        if heard.speech:
            runs.append([number, number + 1])
    for begin, end in _phrases(runs):
        voice = frames[begin:end]
        if sum(one.speech for one in voice) < SPEECH_FRAMES_MIN:
            continue
        above = max(one.level_db - one.floor_db for one in voice)
        sure = round(min(max(above / SURE_DB, 0.0), 1.0), 3)
        yield Event("speech", "voice", _s(begin), _s(end), sure)


def _phrases(runs: Iterable[list[int]]) -> Iterable[list[int]]:
    """Runs with little pause between them as one."""
    found: list[list[int]] = []
    for run in runs:
        if found and run[0] - found[-1][1] <= PAUSE_FRAMES:
            found[-1][1] = run[1]
        else:
            found.append(list(run))
    return found


def _is_known(speech: Event, sounds: list[Event]) -> bool:
    """Whether it is mostly keys, tones or music: they pass for a voice."""
    common = sum(
        max(0.0, min(speech.until_s, one.until_s) - max(speech.at_s, one.at_s))
        for one in sounds
        if one.type != "announcement"
    )
    return common > 0.4 * (speech.until_s - speech.at_s)


def _s(frame: int) -> float:
    return round(frame * FRAME_S, 3)
