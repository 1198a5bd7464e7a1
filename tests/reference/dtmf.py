"""In-band keys in plain Python: Goertzel's recurrence, block by block. For comparison only."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

BLOCK = 102
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
TONES = (*ROWS, *COLUMNS)
KEYS = ("123A", "456B", "789C", "*0#D")
LEVEL_MIN, ENERGY_MIN, NEIGHBOUR = 7e7, 0.75, 4.0
ROW_MAX, COLUMN_MAX = 12.6, 6.3
COVERED_MIN, ABSENT_MAX, OFF_MAX = 2.4, 1.5, 0.022
GAP_MAX = 480

Key = tuple[int, int]  # row and column


def goertzel(samples: Sequence[int], hertz: int) -> complex:
    """The samples' transform at one frequency."""
    w = 2 * math.pi * hertz / 8000
    one = two = 0.0
    for x in samples:
        one, two = x + 2 * math.cos(w) * one - two, one
    return (one - two * cmath.exp(-1j * w)) * cmath.exp(-1j * w * (len(samples) - 1))


def part(power: float, whole: float) -> float:
    return min(1.0, math.sqrt(power / whole))


@dataclass
class Detector:
    """As fastpath.dtmf.DtmfDetector."""

    heard: int = 0
    block: list[int] = field(default_factory=list)
    before: list[complex] = field(default_factory=lambda: [0j] * 8)
    hit_before: Key | None = None
    candidate: Key | None = None
    down: Key | None = None
    hits: int = 0
    covered: float = 0.0
    absent: float = 0.0
    began: int = 0
    level: tuple[float, float] = (1.0, 1.0)

    def hear(self, samples: Sequence[int]) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        for sample in samples:
            self.block.append(int(sample))
            self.heard += 1
            if len(self.block) == BLOCK:
                found += self._end()
                self.block = []
        return found

    def gap(self, samples: int) -> None:
        self.heard += samples
        self.block = []
        self.hit_before = None
        if samples > GAP_MAX:
            self.before = [0j] * 8
            self.candidate = self.down = None

    def _judge(self, now: list[complex]) -> Key | None:
        power = [abs(x) ** 2 for x in now]
        row = power.index(max(power[:4]))
        column = power.index(max(power[4:]), 4)
        low, high = power[row], power[column]
        energy = sum(x * x for x in self.block) - sum(self.block) ** 2 / BLOCK
        others = [p for i, p in enumerate(power) if i not in (row, column)]
        sound = (
            min(low, high) >= LEVEL_MIN
            and low <= high * ROW_MAX
            and high <= low * COLUMN_MAX
            and low + high >= ENERGY_MIN * energy * BLOCK / 2
            and max(others[:3]) * NEIGHBOUR <= low
            and max(others[3:]) * NEIGHBOUR <= high
        )
        if not sound:
            return None
        key = (row, column)
        if key == self.hit_before:
            for tone in key:
                turn = 2 * math.pi * TONES[tone] * BLOCK / 8000
                off = cmath.phase(now[tone] / self.before[tone] * cmath.exp(-1j * turn))
                if abs(off) > turn * OFF_MAX:
                    if key == self.candidate:
                        self.candidate = None
                    return None
        return key

    def _part(self, of: list[complex], key: Key) -> float:
        return min(part(abs(of[t]) ** 2, level) for t, level in zip(key, self.level, strict=True))

    def _end(self) -> list[tuple[str, int]]:
        now = [goertzel(self.block, hertz) for hertz in TONES]
        hit, told = self._judge(now), False
        if self.down is not None:
            if hit == self.down:
                self.absent = 0.0
                self.level = (abs(now[hit[0]]) ** 2, abs(now[hit[1]]) ** 2)
            else:
                self.absent += 1.0 if hit else 1.0 - self._part(now, self.down)
                if self.absent >= ABSENT_MAX:
                    self.down = None
        if self.down is None or hit != self.down:
            told = self._gather(hit, now)
        self.hit_before, self.before = hit, now
        if not told or self.down is None:
            return []
        return [(KEYS[self.down[0]][self.down[1] - 4], self.began)]

    def _gather(self, hit: Key | None, now: list[complex]) -> bool:
        key = hit or self.candidate
        if key is None:
            return False
        if hit is not None:
            self.level = (abs(now[hit[0]]) ** 2, abs(now[hit[1]]) ** 2)
            if hit != self.candidate:
                ahead = self._part(self.before, hit)
                self.candidate, self.hits, self.covered = hit, 0, ahead
                self.began = self.heard - BLOCK - int(ahead * BLOCK)
            self.hits += 1
            self.covered += 1.0
        else:
            self.covered += self._part(now, key)
        told = self.hits >= 2 and self.covered >= COVERED_MIN
        if told:
            self.down, self.absent = key, 0.0
        if told or hit is None:
            self.candidate = None
        return told
