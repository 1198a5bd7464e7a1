"""Concealment of lost audio in plain Python: the whole replacement of a gap, made at its start."""

from __future__ import annotations

ONE = 32768
HISTORY = 390
GAP_MAX = 480


def best_lag(samples: list[int], at: int, window: int) -> int:
    """The lag before `at` with the highest normalised correlation; the shortest of equals."""
    best, best_score = 0, -1.0
    for lag in range(40, min(120, at) + 1):
        pairs = [(samples[at + i], samples[at - lag + i]) for i in range(window)]
        cross = sum(a * b for a, b in pairs)
        energy = sum(b * b for _, b in pairs)
        score = float(cross) * float(cross) / float(energy) if cross > 0 else 0.0
        if score > best_score:
            best, best_score = lag, score
    return best


def mix(a: int, b: int, weight: int) -> int:
    """From a (weight 0) to b (weight ONE)."""
    return (a * (ONE - weight) + b * weight) >> 15


def loop(past: list[int], pitch: int, periods: int) -> list[int]:
    """The last periods, made so that their end leads to their beginning."""
    size, quarter = periods * pitch, pitch // 4
    end = past[-size:]
    before = past[-size - quarter : -size]
    for i in range(quarter):
        at = size - quarter + i
        end[at] = mix(end[at], before[i], (i + 1) * ONE // (quarter + 1))
    return end


def replacement(past: list[int]) -> list[int]:
    """What is said in the 60 ms after `past`."""
    pitch = best_lag(past, HISTORY - 160, 160)
    quarter = pitch // 4
    loops = {n: loop(past, pitch, n) for n in (1, 2, 3)}
    made, at, periods, changed = [], 0, 1, -GAP_MAX
    for gap in range(GAP_MAX):
        if gap in (80, 160):
            periods, at, changed = periods + 1, at + pitch, gap
        value = loops[periods][at]
        left = quarter - (gap - changed)
        if periods > 1 and left > 0:
            former = loops[periods - 1]
            value = mix(value, former[(at - pitch) % len(former)], left * ONE // (quarter + 1))
        if gap < quarter:
            step = past[-1] - past[-1 - pitch]
            value += (step * ((quarter - gap) * ONE // (quarter + 1))) >> 15
            value = max(-ONE, min(value, ONE - 1))
        at = (at + 1) % len(loops[periods])
        gain = ONE - max(gap - 80, 0) * 8192 // 100
        made.append((value * gain) >> 15)
    return made


class Conceal:
    """What was said, and in a gap what will be said."""

    def __init__(self) -> None:
        """Silence so far."""
        self.past = [0] * HISTORY
        self.gap = 0
        self.made: list[int] = []

    def say(self, samples: list[int]) -> list[int]:
        self.past = (self.past + samples)[-HISTORY:]
        return samples

    def lost(self, count: int) -> list[int]:
        if not self.gap:
            self.made = replacement(self.past)
        out = (self.made[self.gap :] + [0] * count)[:count]
        self.gap = min(self.gap + count, GAP_MAX)
        return self.say(out)

    def cut(self) -> None:
        if not self.gap:
            self.made, self.gap = replacement(self.past), 1

    def silent(self, count: int) -> list[int]:
        self.gap, self.made = GAP_MAX, [0] * GAP_MAX
        return self.say([0] * count)

    def heard(self, samples: list[int]) -> list[int]:
        samples = list(samples)
        if self.gap:
            size = min(max(32, self.gap // 4), 80, len(samples))
            under = (self.made[self.gap :] + [0] * size)[:size]
            for i in range(size):
                samples[i] = mix(under[i], samples[i], (i + 1) * ONE // (size + 1))
            self.gap = 0
        return self.say(samples)
