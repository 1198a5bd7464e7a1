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
LEVEL_MIN, ENERGY_MIN, NEIGHBOUR = 7e7, 0.52, 1.6
ROW_MAX, COLUMN_MAX = 20.0, 10.0
COVERED_MIN, ABSENT_MAX, OFF_ABOUT, OFF_MAX, APART_MAX = 2.4, 1.5, 0.03, 0.02, 0.0342
PURE_MIN, TWIST_ROW, TWIST_COLUMN = 0.86, 10.5, 5.0
NOISY_MIN, HITS_NOISY = 0.8, 5
GAP_MAX = 480

Key = tuple[int, int]  # row and column


def goertzel(samples: Sequence[int], hertz: int) -> complex:
    """The samples' transform at one frequency."""
    w = 2 * math.pi * hertz / 8000
    one = two = 0.0
    for x in samples:
        one, two = x + 2 * math.cos(w) * one - two, one
    return (one - two * cmath.exp(-1j * w)) * cmath.exp(-1j * w * (len(samples) - 1))


def soft(block: Sequence[int]) -> list[int]:
    """A block as it is kept: in eight bits."""
    energy = sum((x >> 3) ** 2 for x in block)
    shift = next(n for n in range(16) if energy >> 2 * n <= 25 * BLOCK)
    return [min(max(x >> shift, -127), 127) << shift for x in block]


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
    empty: float = 0.0
    block_before: list[int] = field(default_factory=lambda: [0] * BLOCK)
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
        return self._second(key, now) if key == self.hit_before else key

    def _second(self, key: Key, now: list[complex]) -> Key | None:
        """What a block says that has the key of the one before."""
        turns = [2 * math.pi * TONES[tone] * BLOCK / 8000 for tone in key]
        about = [
            cmath.phase(now[tone] / self.before[tone] * cmath.exp(-1j * turn)) / turn
            for tone, turn in zip(key, turns, strict=True)
        ]
        alike = -1
        if max(map(abs, about)) <= OFF_ABOUT:
            if key != self.candidate:
                return key
            alike = self._alike(key, about)
        if alike > 0:
            self.sure |= alike == 2
            if self.hits == 1:
                self.covered -= self.empty
                self.began += int(self.empty * BLOCK)
            return key
        if key != self.candidate or self.hits >= 2:
            return None
        self.candidate = None
        return key

    def _alike(self, key: Key, offs: list[float]) -> int:
        """The two tones by least squares in both blocks: as loud, and nearly all there is."""
        blocks = [np.array(one) - np.mean(one) for one in (self.block, self.block_before)]
        for _round in range(2):
            angles = [
                2 * math.pi * TONES[tone] * (1 + off) / 8000
                for tone, off in zip(key, offs, strict=True)
            ]
            n = np.arange(BLOCK)
            waves = np.array([wave(w * n) for w in angles for wave in (np.cos, np.sin)]).T
            fits = [np.linalg.lstsq(waves, one, rcond=None)[0] for one in blocks]
            tones = [fit[::2] - 1j * fit[1::2] for fit in fits]
            turned = np.angle(tones[0] / tones[1] * np.exp(-1j * BLOCK * np.array(angles)))
            offs = [
                float((1 + off) * (1 + turn / BLOCK / w) - 1)
                for off, turn, w in zip(offs, turned, angles, strict=True)
            ]
        if max(map(abs, offs)) > OFF_MAX or abs(offs[0] - offs[1]) > APART_MAX:
            return -1
        parts = np.abs(tones) ** 2
        low, high = parts.sum(axis=0)
        if low > high * TWIST_ROW or high > low * TWIST_COLUMN:
            return 0
        if (parts.max(axis=0) > 2.5 * parts.min(axis=0)).any():
            return 0
        fill = np.sqrt(parts[1] / parts[0]).max()
        self.empty = 1 - min(float(fill), 1.0)
        held = sum(float(one @ waves @ fit) for one, fit in zip(blocks, fits, strict=True))
        pure = held / sum(float(one @ one) for one in blocks)
        return int(pure >= NOISY_MIN) + int(pure >= PURE_MIN)

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
        self.block_before = soft(self.block)
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
