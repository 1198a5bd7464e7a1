"""The tones of a whole recording, heard frame by frame as the daemon hears a call."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpath.tones_book import ToneBook
from fastpath.tones_detector import ToneDetector, ToneHeard

RATE: Final = 8_000

Type = Literal["tone", "sit", "beep", "fax", "music", "speech", "silence"]


class ToneSpan(NamedTuple):
    """One sound from its begin to its end, in seconds; confidence 0 to 1."""

    type: Type
    value: str
    at_s: float
    until_s: float
    confidence: float
    hertz: float


def tone_events(samples: NDArray[np.int16], book: ToneBook) -> list[ToneSpan]:
    """Every tone in mono samples at 8 kHz, in the order in which they ended."""
    detector = ToneDetector(book)
    samples = np.ascontiguousarray(samples, np.int16)
    told = [*detector.hear(samples.data), *detector.end()]
    return [span(one) for one in told if one.phase == "ends"]


def span(heard: ToneHeard) -> ToneSpan:
    """An event of the detector, in seconds."""
    kind: Type = heard.kind if heard.kind in _OWN else "tone"  # type: ignore[assignment]
    return ToneSpan(
        kind, heard.value, round(heard.begin / RATE, 3), round(heard.end / RATE, 3),
        round(heard.confidence, 3), round(heard.hertz, 1),
    )  # fmt: skip


_OWN: Final = {"sit", "beep", "fax", "music", "speech", "silence"}
