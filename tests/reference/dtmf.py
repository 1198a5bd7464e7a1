"""In-band keys in plain Python: Goertzel's recurrence, block by block. For comparison only."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

BLOCK = 102
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
TONES = (*ROWS, *COLUMNS)
KEYS = ("123A", "456B", "789C", "*0#D")
LEVEL_MIN, ENERGY_MIN, NEIGHBOUR = 7e7, 0.70, 4.0
ROW_MAX, COLUMN_MAX = 12.6, 6.3
COVERED_MIN, ABSENT_MAX, OFF_MAX, APART_MAX = 2.4, 1.5, 0.022, 0.033
PURE_MIN, TWIST_ROW, TWIST_COLUMN = 0.875, 9.1, 5.0
NOISY_MIN, HITS_NOISY = 0.75, 5
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
    sure: bool = False
    covered: float = 0.0
    absent: float = 0.0
    energy: float = 0.0
    energy_before: float = 0.0
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
        energy = self.energy = sum(x * x for x in self.block) - sum(self.block) ** 2 / BLOCK
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
        if key != self.hit_before:
            return key
        offs = []
        for tone in key:
            turn = 2 * math.pi * TONES[tone] * BLOCK / 8000
            offs.append(cmath.phase(now[tone] / self.before[tone] * cmath.exp(-1j * turn)) / turn)
        if max(map(abs, offs)) > OFF_MAX or abs(offs[0] - offs[1]) > APART_MAX:
            if key == self.candidate:
                self.candidate = None
            return None
        if key == self.candidate:
            alike = self._steady(key, now, offs, energy)
            self.sure |= alike == 2
            if not alike and self.hits >= 2:
                return None
            if not alike:
                self.candidate = None
        return key

    def _steady(self, key: Key, now: list[complex], offs: list[float], energy: float) -> int:
        """The two tones by least squares in both blocks: as loud, and nearly all there is."""
        seen = [
            math.sin(x) / x if (x := math.pi * TONES[tone] * BLOCK / 8000 * off) else 1.0
            for tone, off in zip(key, offs, strict=True)
        ]
        waves = np.exp(
            2j * np.pi * np.outer(np.arange(BLOCK), [TONES[tone] for tone in key]) / 8000
        )
        parts, pure = [], 0.0
        for sums, all_of_it in ((now, energy), (self.before, self.energy_before)):
            right = np.array([sums[tone] for tone in key])
            tones = np.linalg.solve(waves.conj().T @ waves, right) / seen
            parts.append(np.abs(tones) ** 2)
            explained = 2 * (tones.conj() @ (waves.conj().T @ waves) @ tones).real
            pure += min(explained / all_of_it, 1.0)
        low, high = parts[0] + parts[1]
        if low > high * TWIST_ROW or high > low * TWIST_COLUMN:
            return 0
        if not all(a <= 2 * b and b <= 2 * a for a, b in zip(*parts, strict=True)):
            return 0
        return int(pure >= 2 * NOISY_MIN) + int(pure >= 2 * PURE_MIN)

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
        self.energy_before = self.energy
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
                self.sure = False
                self.began = self.heard - BLOCK - int(ahead * BLOCK)
            self.hits += 1
            self.covered += 1.0
        else:
            self.covered += self._part(now, key)
        enough = (self.sure and self.hits >= 2) or self.hits >= HITS_NOISY
        told = enough and self.covered >= COVERED_MIN
        if told:
            self.down, self.absent = key, 0.0
        if told or hit is None:
            self.candidate = None
        return told
