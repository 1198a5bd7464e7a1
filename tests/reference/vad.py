"""Voice activity in plain Python, after the rules of fastpath/vad.pyx. For comparison only."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

LEVEL_MIN, FLOOR_START, FLOOR_MIN = -80.0, -60.0, -66.0
WINDOWS, WINDOW, STEADY, HISS, TONAL, OLDER = 4, 25, 16, 8, 5, 10


def decibel(power: float) -> float:
    return max(10 * math.log10(power / 2**30), LEVEL_MIN) if power > 0 else LEVEL_MIN


def unpredicted(r: Sequence[float]) -> float:
    """What a linear prediction of order 4 leaves of the power (Levinson, Durbin)."""
    a, error = [1.0], r[0]
    for m in range(1, 5):
        if error <= r[0] * 1e-9:
            return 0.0
        k = -sum(a[i] * r[m - i] for i in range(m)) / error
        longer = [*a, 0.0]
        a = [one + k * other for one, other in zip(longer, reversed(longer), strict=True)]
        error *= 1 - k * k
    return max(error, 0.0) / r[0]


def at_2_khz(x: Sequence[int]) -> list[int]:
    """Means of four samples, in steps as `measure` hears them."""
    steps = max(max(one if one >= 0 else ~one for one in x).bit_length() - 11, 0)
    return [(sum(one >> steps for one in x[at : at + 4]) << steps) >> 2 for at in range(0, 160, 4)]


def likeness(before: Sequence[int], low: Sequence[int]) -> dict[int, float]:
    """By lag, at 2 kHz: how alike a frame and what was so long before it are."""
    y = [*before, *low]
    steps = max(max(one if one >= 0 else ~one for one in y).bit_length() - 10, 0)
    y = [one >> steps for one in y]
    mean = int(sum(y) / 80)
    y = [one - mean for one in y]
    energy = sum(one * one for one in y[40:]) + 1
    found = {}
    for lag in range(5, 33):
        old = y[40 - lag : 80 - lag]
        alike = max(sum(a * b for a, b in zip(y[40:], old, strict=True)), 0)
        found[lag] = alike / math.sqrt((sum(one * one for one in old) + 1) * energy)
    return found


class Detector:
    """As fastpath.vad.VoiceDetector: hear() gives (loud, floor, speech, tonal, undone)."""

    def __init__(self) -> None:
        self.smooth = [LEVEL_MIN] * 2
        self.floor = [FLOOR_START] * 2
        self.restless = [2.0] * 2
        self.peak = [LEVEL_MIN] * 2
        self.recent: list[deque[float]] = [deque(maxlen=STEADY + 1) for _ in range(2)]
        self.windows: list[deque[list[float]]] = [deque([[]], maxlen=WINDOWS) for _ in range(2)]
        self.known = self.filled = self.told = self.voiced = self.run = self.heard = 0
        self.slope, self.earlier, self.nothing = 0.0, LEVEL_MIN, 0
        self.speech = False
        self.low = [0] * 40
        self.alike: dict[int, float] = {}  # of a frame of voice

    def least(self, band: int) -> float:
        return min((one for window in self.windows[band] for one in window), default=99.0)

    def measure(self, x: Sequence[int]) -> tuple[float, list[float], float, bool]:
        steps = max(max(one if one >= 0 else ~one for one in x).bit_length() - 11, 0)
        x = [one >> steps for one in x]
        mean, scale = sum(x) / 160, 4**steps
        r = [
            scale * sum((x[i] - mean) * (x[i + k] - mean) for i in range(160 - k))
            * 160 / (160 - k)
            for k in range(5)
        ]  # fmt: skip
        loud = decibel(r[0] / 160)
        low = sum((20 * x[i - 10] - sum(x[i - 19 : i + 1])) ** 2 for i in range(20, 160))
        high = sum((x[i] - x[i - 1]) ** 2 for i in range(1, 160))
        levels = [decibel(scale * low / (380 * 140)), decibel(scale * high / (2 * 159))]
        r[0] = r[0] * 1.000001 + 1
        left = unpredicted(r)
        slope = r[1] / r[0]
        still = left < 0.015 and abs(slope - self.slope) < 0.008
        self.told = min(self.told + 1, TONAL) if still else 0
        self.slope = slope
        return loud, levels, left, self.told == TONAL and loud > FLOOR_START + 6

    def follow(self, levels: list[float]) -> None:
        if levels[0] <= LEVEL_MIN:
            return
        self.filled += 1
        if self.filled == WINDOW:
            self.filled = 0
            self.known = min(self.known + 1, WINDOWS)
            for band in range(2):
                self.windows[band].append([])
        for band in range(2):
            self.windows[band][-1].append(self.smooth[band])
            low = self.least(band)
            if self.known < WINDOWS:
                low = min(low, FLOOR_START)
            self.floor[band] = max(low, FLOOR_MIN)

    def above(self, levels: list[float]) -> float:
        best = -99.0
        for band in range(2):
            margin = min(max(6.0, 2 + 2 * self.restless[band]), 12.0)
            over = self.peak[band] - self.floor[band]
            margin = max(margin, 0.4 * over, min(over - 14, 12))
            best = max(best, levels[band] - self.floor[band] - margin)
        return best

    def steady(self, frames: int) -> bool:
        if self.heard < frames:
            return False
        for band in range(2):
            last = list(self.recent[band])[-frames:]
            if max(last) - min(last) > 3.0 or min(last) > self.least(band) + 2.0:
                return False
        return True

    def settle(self, frames: int) -> int:
        for band in range(2):
            self.windows[band][-1].append(min(list(self.recent[band])[-frames:]))
            self.restless[band] = 1.0
        self.known = WINDOWS
        if any(self.peak[band] > self.smooth[band] + 8 for band in range(2)):
            self.speech = False
            return 3
        self.forget()
        return 1

    def forget(self) -> None:
        self.speech, self.voiced, self.earlier = False, 0, LEVEL_MIN
        self.peak = [LEVEL_MIN] * 2

    def undone(self, over: float, left: float, *, tonal: bool) -> tuple[int, bool]:
        """Which kind, and whether the floor is another one now."""
        if over > 0 and left > 0.35 and self.steady(HISS):
            return self.settle(HISS), True
        if over > 0 and self.steady(STEADY):
            return self.settle(STEADY), True
        if tonal and self.speech and self.run <= TONAL + 1:
            self.forget()
            return 1, False
        return 0, False

    def outgrown(self) -> bool:
        self.voiced += self.speech
        if self.heard <= OLDER:
            return False
        self.earlier = max(self.earlier, self.recent[0][-1 - OLDER])
        return self.voiced > OLDER + 4 and self.smooth[0] > self.earlier + 8

    def hear(self, x: Sequence[int]) -> tuple[float, float, bool, bool, int]:
        """160 samples."""
        loud, levels, left, tonal = self.measure(x)
        before, self.low, self.alike = self.low, at_2_khz(x), {}
        self.nothing = self.nothing + 1 if loud <= LEVEL_MIN else 0
        if 0 < self.nothing <= 3 or (self.nothing and self.floor[0] > FLOOR_START):
            for band in range(2):
                self.recent[band].append(self.smooth[band])
            self.speech, self.run, self.low = False, 0, [0] * 40
            return loud, self.floor[0], False, False, 0
        self.heard += 1
        for band in range(2):
            old = self.smooth[band]
            self.smooth[band] = (
                levels[band] if self.heard <= 2 else 0.5 * (old + levels[band])
            )  # fmt: skip
            self.recent[band].append(self.smooth[band])
        if self.heard > 2:
            self.follow(levels)
        over = self.above(levels)
        undone, settled = self.undone(over, left, tonal=tonal)
        if settled:
            self.follow(levels)
            over = self.above(levels)
        if self.speech:
            over += 2.0
        if self.outgrown():
            self.forget()
            undone = 2
        self.speech = over > 0 and not tonal
        if self.speech:
            self.alike = likeness(before, self.low)
        self.run = self.run + 1 if self.speech else 0
        for band in range(2):
            self.peak[band] -= 0.04
            if self.speech:
                self.peak[band] = max(self.peak[band], levels[band])
            else:
                off = min(abs(levels[band] - self.floor[band]), 10.0)
                self.restless[band] += 0.05 * (off - self.restless[band])
        return loud, self.floor[0], self.speech, tonal, undone
