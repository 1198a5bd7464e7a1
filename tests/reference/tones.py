"""The tones of a call in plain numpy, said as the rules say it. For comparison only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LOBES = {512: 4, 1024: 2}
WEAKER, HERTZ_MIN, LINES_MAX = 0.05, 60, 3


class Peaks(NamedTuple):
    hertz: tuple[float, ...]
    share: tuple[float, ...]
    pure: float


def peaks(samples: NDArray[np.int16]) -> Peaks:
    """The strongest lines under a Hann window."""
    size = len(samples)
    audio = samples.astype(float)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    power = np.abs(np.fft.rfft((audio - audio.mean()) * window))[: size // 2] ** 2
    first, lobe = max(HERTZ_MIN * size // 8000, 1), LOBES[size]
    whole, top = power[first:].sum(), 0.0
    free = np.ones(size // 2, bool)
    hertz, share = [], []
    while len(hertz) < LINES_MAX:
        at = [
            i for i in range(first, size // 2 - 1)
            if free[i] and power[i - 1] < power[i] >= power[i + 1]
        ]  # fmt: skip
        best = max(at, key=lambda i: power[i], default=0)
        if not best or power[best] < WEAKER * top:
            break
        top = max(top, power[best])
        own = [
            i for i in range(max(best - lobe, first), min(best + lobe + 1, size // 2)) if free[i]
        ]
        side = 1 if power[best + 1] > power[best - 1] else -1
        ratio = np.sqrt(power[best + side] / power[best])
        hertz.append((best + side * max((2 * ratio - 1) / (1 + ratio), 0)) * 8000 / size)
        share.append(float(power[own].sum() / whole))
        free[own] = False
    return Peaks(tuple(hertz), tuple(share), float(sum(share)))


def together(seen: Peaks) -> Peaks:
    """What GSM makes of one high tone."""
    if not seen.hertz or seen.hertz[0] < TORN_HERTZ:
        return seen
    near = [abs(one - seen.hertz[0]) < TORN_APART for one in seen.hertz]
    whole = sum(share for share, is_near in zip(seen.share, near, strict=True) if is_near)
    mean = sum(h * s for h, s, n in zip(*seen[:2], near, strict=True) if n) / whole
    rest = [(h, s) for h, s, n in zip(*seen[:2], near, strict=True) if not n]
    return Peaks(
        (mean, *(h for h, _ in rest)), (whole, *(s for _, s in rest)), seen.pure
    )  # fmt: skip


# ---- bursts

TORN_HERTZ, TORN_APART, TORN_SLOPE, TORN_PAUSE = 1700.0, 65.0, 0.15, 1200
FRAME, POWER_MIN, SOFTER, LOUD = 160, 6500.0, 0.16, 0.25
APART_MIN, APART_NOISY, DRIFT_MIN, DRIFT_NOISY = 0.009, 0.22, 0.003, 0.15
SPREAD_MOST, SHARE_MIN, SLOPE_MAX, PURE_MIN = 0.2, 0.76, 0.972, 0.62
AGE_FIRST, AGE_LONG, HOLE_MAX, HOLE_LOUD = 5, 7, 2, 5
SILENCE, LOW_SLOPE, LOW_AGE, HUM = 0.2, 0.82, 32, 0.99


def still(frame: NDArray[np.int16]) -> tuple[float, float, float]:
    """Power, cosine of the mean frequency, and of twice it."""
    y = frame.astype(float) - frame.astype(float).mean()
    m = y[2:158]
    e = float((m * m).sum())
    if e == 0:
        return 0.0, 0.0, 0.0
    slope = float((m * (y[3:159] + y[1:157])).sum()) / e / 2
    return e / 156, slope, float((m * (y[4:160] + y[0:156])).sum()) / e / 2


class Bursts:
    """Begin, end and strongest line of every burst."""

    def __init__(self) -> None:
        self.frames, self.audio = 0, np.zeros(0, np.int16)
        self.power = [0.0] * 5
        self.slope = self.curve = self.spread = 0.0
        self.on = self.is_tone = False
        self.found: list[tuple[int, int, float]] = []

    def hear(self, frame: NDArray[np.int16]) -> None:
        """The next frame."""
        slope, curve = self.slope, self.curve
        self.audio = np.append(self.audio, frame)[-1120:]
        power, self.slope, self.curve = still(frame)
        self.power = [power, self.power[0] if slope < HUM else 0.0, *self.power[1:4]]
        self.spread = max(self.curve - (2 * self.slope**2 - 1), 0)
        share = (np.sqrt(self.curve**2 + 8 * self.slope**2) - self.curve) / 2
        sounds = power > POWER_MIN and share > SHARE_MIN and self.slope < SLOPE_MAX
        twin = sounds and self.power[1] > SOFTER * power and self.agrees(slope, curve)
        self.judge(sounds, twin, slope, curve)
        self.frames += 1

    def agrees(self, slope: float, curve: float) -> bool:
        most = APART_MIN + APART_NOISY * min(self.spread, SPREAD_MOST) ** 0.5
        return abs(self.slope - slope) < most and abs(self.curve - curve) < 3 * most

    def judge(self, sounds: bool, twin: bool, slope: float, curve: float) -> None:
        power = self.power[0]
        if self.on:
            there = sounds and power > SOFTER * self.level
            if there and self.agrees(self.slope_mean, self.curve_mean):
                self.go_on(slope)
                return
            if self.hole == 0:
                self.behind = power if power < self.level else 0.0
                self.softest = power
            self.softest = min(self.softest, power)
            self.hole, self.clean = self.hole + 1, 0
            loud = self.softest > SOFTER * self.level
            most = 2 * (APART_MIN + APART_NOISY * min(self.spread, SPREAD_MOST) ** 0.5)
            if self.best is not None and self.best.hertz[0] > TORN_HERTZ:
                most = TORN_SLOPE
            other = not loud or abs(self.slope - self.slope_mean) > most
            if self.hole <= (HOLE_LOUD if loud else HOLE_MAX) and not (
                twin and self.hole > 1 and other
            ):
                return
            self.finish()
        if twin:
            self.start(slope, curve)

    def start(self, slope: float, curve: float) -> None:
        now, first, zeroth = self.power[:3]
        self.begin = (self.frames - 1) * FRAME
        if min(first / now, 1) < 0.9:
            self.begin += int((1 - first / now) * FRAME)
        elif zeroth / now < 0.9:
            self.begin -= int(zeroth / now * FRAME)
        self.on, self.is_tone, self.level, self.age, self.hole = True, False, now, 2, 0
        self.clean, self.due = 1 + (min(first / now, 1) >= 0.9), AGE_FIRST
        self.last, self.behind, self.edge = now, 0.0, self.frames + 1
        self.slope_mean = self.slope_first = (self.slope + slope) / 2
        self.curve_mean = (self.curve + curve) / 2
        self.quiet = min(self.power[3:])
        self.silent = self.quiet < SILENCE * now
        self.best: Peaks | None = None
        self.fine = False

    def go_on(self, before: float) -> None:
        power, weight = self.power[0], 1 / min(self.age, 16)
        self.hole, self.age, self.clean = 0, self.age + 1, self.clean + 1
        if self.age == 3:
            self.slope_first = (self.slope + before) / 2
        drift = abs((self.slope + before) / 2 - self.slope_first)
        self.slope_mean += weight * (self.slope - self.slope_mean)
        self.curve_mean += weight * (self.curve - self.curve_mean)
        if power > 0.5 * self.level:
            self.level += max(weight, 0.125) * (power - self.level)
        self.silent |= self.quiet < SILENCE * self.level
        self.last, self.edge = power, self.frames + 1
        if not self.silent and self.slope_mean > LOW_SLOPE and self.age < LOW_AGE:
            return
        still_enough = drift <= DRIFT_MIN + DRIFT_NOISY * self.spread**0.5
        if self.age >= self.due and self.clean >= AGE_FIRST - 1 and still_enough:
            self.due = self.age + (3 if self.age < 16 else 8 if self.age < 32 else 32)
            self.look(1024 if self.clean >= AGE_LONG else 512)

    def look(self, size: int) -> None:
        seen = together(peaks(self.audio[-size:]))
        if seen.pure < PURE_MIN:
            return
        if not self.is_tone and self.found and seen.hertz[0] > TORN_HERTZ:
            begin, end, hertz = self.found[-1]
            if self.begin < end + TORN_PAUSE and abs(hertz - seen.hertz[0]) < TORN_APART:
                self.begin = begin
        fine = size == 1024
        if self.best is None or (fine, seen.pure) > (self.fine, self.best.pure):
            self.best, self.fine = seen, fine
        self.is_tone = True

    def finish(self) -> None:
        part = min(self.last / self.level, 1)
        end = self.edge * FRAME
        if part < 0.8:
            end -= int((1 - part) * FRAME)
        elif self.behind < 0.8 * self.level:
            end += int(self.behind / self.level * FRAME)
        if self.is_tone and self.best is not None:
            self.found.append((self.begin, end, self.best.hertz[0]))
        self.on = False


def bursts(samples: NDArray[np.int16]) -> list[tuple[int, int, float]]:
    """Every burst: begin and end in samples, and its strongest line."""
    state = Bursts()
    for at in range(0, len(samples) - FRAME + 1, FRAME):
        state.hear(samples[at : at + FRAME])
    if state.on:
        if state.hole == 0:
            state.behind = 0.0
        state.finish()
    return state.found
