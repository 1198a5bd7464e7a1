"""What is known of an answer, computed anew from all frames. For comparison with fastpath.amd."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from fastpath.vad import Heard

BRIDGE, RUN_MIN, PHRASE_GAP = 3, 3, 10


@dataclass
class Run:
    """Voice from frame `begin` up to before `end`; `levels` since it counts."""

    begin: int
    end: int
    active: int = 0
    open: bool = True


@dataclass
class Answer:
    """As the state of an AnswerDetector, without its bounds."""

    frame: int = 0
    runs: list[Run] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)

    def drop(self) -> None:
        if self.runs and self.runs[-1].open:
            counted = self.runs[-1].active >= RUN_MIN
            self.runs.pop()
            if counted and not self.words():
                self.levels = []

    def words(self) -> list[Run]:
        return [run for run in self.runs if run.active >= RUN_MIN]

    def correct(self, heard: Heard) -> None:
        if heard.undone == 2:
            self.runs, self.levels = [], []
        elif heard.undone == 1:
            self.drop()
        elif heard.undone == 3 and self.runs and self.runs[-1].open:
            last = self.runs[-1]
            last.end = min(last.end, self.frame - heard.cut + 1)
            if last.end - last.begin < RUN_MIN:
                self.drop()
            else:
                self.close()

    def close(self) -> None:
        self.runs[-1].open = False
        if self.runs[-1].active < RUN_MIN:
            self.runs.pop()

    def hear(self, heard: Heard) -> None:
        self.correct(heard)
        last = self.runs[-1] if self.runs and self.runs[-1].open else None
        if heard.speech:
            if last is None:
                last = Run(self.frame, self.frame)
                self.runs.append(last)
            last.end = self.frame + 1
            last.active += 1
            if last.active >= RUN_MIN:
                self.levels.append(heard.level_db)
        elif last is not None and self.frame - last.end >= BRIDGE:
            self.close()
        self.frame += 1

    def features(self) -> dict[str, float] | None:
        """Those of time, and `fall`; None before the first voice."""
        words = self.words()
        if not words:
            return None
        gaps = [b.begin - a.end for a, b in pairwise(words)]
        phrases: list[list[Run]] = [[words[0]]]
        for gap, run in zip(gaps, words[1:], strict=True):
            if gap >= PHRASE_GAP:
                phrases.append([])
            phrases[-1].append(run)
        spans = [one[-1].end - one[0].begin for one in phrases]
        going = words[-1] if words[-1].open else None
        recent = self.levels[-6:]
        return {
            "silence": 20 * (self.frame - words[-1].end),
            "run": 20 * (going.end - going.begin) if going else 0,
            "voiced": 20 * sum(run.end - run.begin for run in words),
            "words": len(words),
            "phrases": len(phrases),
            "first_phrase": 20 * spans[0],
            "phrase": 20 * spans[-1],
            "longest_phrase": 20 * max(spans),
            "longest_pause": 20 * max(gaps, default=0),
            "pauses": 20 * sum(gaps),
            "span": 20 * (words[-1].end - words[0].begin),
            "fall": sum(recent) / max(len(recent), 1) - sum(self.levels) / max(len(self.levels), 1),
        }


def looks(frames: Iterable[Heard]) -> list[tuple[int, dict[str, float]]]:
    """As fastpath.amd.features: (frames heard, features) every second frame since the voice."""
    answer, found = Answer(), []
    for heard in frames:
        answer.hear(heard)
        known = answer.features()
        if known is not None and (answer.frame - answer.words()[0].begin) % 2 == 0:
            found.append((answer.frame, known))
    return found
