"""A whole recording, heard as the daemon hears a call: frame by frame, by the same detectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from dialerd.detect.bank import AnnouncementBank
from dialerd.detect.model import load_model
from dialerd.detect.tone_events import tone_events
from dialerd.detect.tone_plan import load_book
from fastpath.amd import AnswerDetector, Model
from fastpath.amd_classic import ClassicDetector
from fastpath.dtmf import DIGITS, DtmfDetector, tone
from fastpath.prints import PrintMatcher
from fastpath.tones_book import ToneBook
from fastpath.vad import FRAME, Heard, VoiceDetector

RATE: Final = 8_000
FRAME_S: Final = FRAME / RATE
PAUSE_FRAMES: Final = 10  # a shorter one is inside of what is said
BRIDGE_FRAMES: Final = 3  # so short a gap is inside of a run
SPEECH_FRAMES_MIN: Final = 3
KEY_STEP: Final = 80  # samples: how exactly the end of a key is known
KEY_S_MAX: Final = 60.0
BEHIND_S: Final = 1.5  # of silence follow a recording: whoever was recorded had stopped
WORD_S_MIN: Final = 0.2  # a shorter recording is a piece, of which nothing is known
SURE_DB: Final = 20.0  # a voice so far above the noise is one

Samples = NDArray[np.int16]


class Event(msgspec.Struct, frozen=True):
    """Something heard, in seconds of the recording; confidence 0 to 1."""

    type: Literal["dtmf", "tone", "sit", "beep", "fax", "announcement", "speech", "music"]
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


def hear(
    samples: Samples,
    *,
    early_media: bool = False,
    model: Model | None = None,
    classic: Mapping[str, int] | None = None,
    book: ToneBook | None = None,
    bank: AnnouncementBank | None = None,
) -> Findings:
    """Hear mono samples at 8 kHz from their first on; `model` instead of dialerd's own.

    `classic` has parameters of the classic rule, which then says who answered. `book` instead of
    every tone plan that comes with dialerd. `bank`: announcements, told of early media only.

    A recording that ends with the last word is taken as followed by silence.
    """
    samples = np.ascontiguousarray(samples, np.int16)
    known = [*_keys(samples), *_tones(samples, book or load_book())]
    voices = _speech(VoiceDetector().hear(samples.data))
    spoken = [one for one in voices if not _is_known(one, known)]
    events = sorted([*spoken, *known], key=lambda one: one.at_s)
    seconds = round(len(samples) / RATE, 3)
    if early_media:
        events = sorted([*events, *_announcements(samples, bank)], key=lambda one: one.at_s)
        return Findings(None, None, 0.0, "early media", seconds, events)
    detector: AnswerDetector | ClassicDetector = (
        AnswerDetector(model or load_model()) if classic is None else ClassicDetector(**classic)
    )
    behind = np.zeros(FRAME - len(samples) % FRAME + int(BEHIND_S * RATE), np.int16)
    whole = np.concatenate([samples, behind]) if seconds >= WORD_S_MIN else samples
    found = detector.hear(whole.data) or detector.end()
    return Findings(
        found.answer, found.at_ms / 1000, round(found.confidence, 3), found.reason, seconds, events
    )


def _announcements(samples: Samples, bank: AnnouncementBank | None) -> Iterable[Event]:
    """Recordings of carriers that the daemon would act on: class:carrier:label."""
    if bank is None:
        return
    for match in PrintMatcher(bank.prints).hear(samples.data):
        if match.sure:
            value, sure = bank.entries[match.ref].value, round(max(1 - 2 * match.ber, 0.0), 3)
            yield Event("announcement", value, match.from_ms / 1000, match.at_ms / 1000, sure)


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


def _tones(samples: Samples, book: ToneBook) -> Iterable[Event]:
    """What the network or a machine says in tones, and music. Voices are `_speech`'s."""
    for one in tone_events(samples, book):
        if one.type == "speech" or one.type == "silence":  # noqa: PLR1714 - mypy narrows it
            continue
        yield Event(one.type, one.value or one.type, one.at_s, one.until_s, one.confidence)


def _is_known(speech: Event, known: list[Event]) -> bool:
    """Whether it is mostly keys, tones or music: they pass for a voice."""
    common = sum(
        max(0.0, min(speech.until_s, one.until_s) - max(speech.at_s, one.at_s)) for one in known
    )
    return common > 0.4 * (speech.until_s - speech.at_s)


def _s(frame: int) -> float:
    return round(frame * FRAME_S, 3)


def _keys(samples: Samples) -> Iterable[Event]:
    """Keys in the audio, with their ends."""
    for digit, position in DtmfDetector().hear(samples.data):
        begin = max(position, 0)
        end = _key_end(samples, digit, begin)
        yield Event("dtmf", digit, round(begin / RATE, 3), round(end / RATE, 3), 1.0)


def _key_end(samples: Samples, digit: str, begin: int) -> int:
    """Where a key's tones stop: less than a quarter of the power they had."""
    assert digit in DIGITS  # noqa: S101 - the detector's own
    # tone() holds the sum of both: as a complex wave it says the power at any phase
    most = min(len(samples), begin + int(KEY_S_MAX * RATE))
    wave = np.frombuffer(tone(digit, 2 * KEY_STEP), "<i2").astype(float)
    spectrum = np.fft.rfft(wave * np.hanning(len(wave)))
    bins = np.argsort(np.abs(spectrum))[-4:]
    at, loudest = begin, 0.0
    while at + 2 * KEY_STEP <= most:
        part = samples[at : at + 2 * KEY_STEP].astype(float) * np.hanning(2 * KEY_STEP)
        power = float((np.abs(np.fft.rfft(part)[bins]) ** 2).sum())
        if power < loudest / 4:
            return at + KEY_STEP
        loudest = max(loudest, power)
        at += KEY_STEP
    return most
