"""The numeric pieces of the pacer as they are written in books: slow, and in plain Python.

Delays are sorted samples instead of running bins, sums of trials are convolved exactly instead of
taken as normal, hazards are counted by hand. `tests/fastpath/test_pacer_twin.py` compares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

BIN_S = 0.5
AGES = 160
EDGES = [0.0]
for _bin in range(80):
    EDGES.append(EDGES[-1] + 0.5 * 1.09**_bin)


def poisson_binomial(chances: Sequence[float]) -> list[float]:
    """The distribution of how many of independent trials succeed, by convolving them."""
    found = [1.0]
    for chance in chances:
        longer = [0.0] * (len(found) + 1)
        for count, mass in enumerate(found):
            longer[count] += mass * (1 - chance)
            longer[count + 1] += mass * chance
        found = longer
    return found


def chance_over(free: int, answers: Sequence[float], frees: Sequence[float]) -> float:
    """The chance that more answer than are free then, each with its own chance."""
    some, others = poisson_binomial(answers), poisson_binomial(frees)
    return sum(
        a * b
        for more, a in enumerate(some)
        for fewer, b in enumerate(others)
        if more - fewer > free
    )


def moments(answers: Sequence[float], frees: Sequence[float]) -> tuple[float, float, float]:
    """Mean, variance and third central moment of answers less frees."""
    mean = sum(answers) - sum(frees)
    spread = [(p * (1 - p), 1 - 2 * p) for p in answers]
    spread += [(p * (1 - p), -(1 - 2 * p)) for p in frees]
    return mean, sum(v for v, _ in spread), sum(v * lean for v, lean in spread)


class Delays:
    """A histogram that spreads each delay over five bins and forgets by a factor."""

    def __init__(self, prior: Sequence[float], weight: float, fade: float) -> None:
        filled = [max(1e-9, prior[i]) if i < len(prior) else 1e-9 for i in range(AGES)]
        self.seen = [weight * one / sum(filled) for one in filled]
        self.fade = fade

    def learn(self, delay_s: float) -> None:
        self.seen = [one * self.fade for one in self.seen]
        at = int(min(max(delay_s, 0.0), AGES * BIN_S) / BIN_S)
        for step in range(-2, 3):
            self.seen[min(max(at + step, 0), AGES - 1)] += (3 - abs(step)) / 9

    def upto(self, age_s: float) -> float:
        if age_s <= 0:
            return 0.0
        whole, part = divmod(age_s / BIN_S, 1)
        if whole >= AGES:
            return 1.0
        upto = sum(self.seen[: int(whole)]) + part * self.seen[int(whole)]
        return upto / sum(self.seen)


def lognormal_left(age_s: float, mean_s: float, cv: float) -> float:
    """The share of a lognormal law above an age."""
    if age_s <= 0:
        return 1.0
    square = math.log(1 + cv * cv)
    z = (math.log(age_s) - (math.log(mean_s) - square / 2)) / math.sqrt(square)
    return 0.5 * math.erfc(z / math.sqrt(2))


class Holds:
    """Occurrences over exposure in each bin: a piecewise exponential law."""

    def __init__(self, mean_s: float, cv: float, weight: float, fade: float) -> None:
        left = [lognormal_left(edge, mean_s, cv) for edge in EDGES]
        self.ended = [weight * (a - b) + 1e-9 for a, b in pairwise(left)]
        self.stood = [
            weight * (left[i] + left[i + 1]) / 2 * (EDGES[i + 1] - EDGES[i]) + 1e-7
            for i in range(80)
        ]
        self.fade = fade

    def learn(self, held_s: float) -> None:
        held_s = min(max(held_s, 0.0), EDGES[-1])
        self.ended = [one * self.fade for one in self.ended]
        self.stood = [one * self.fade for one in self.stood]
        for i in range(80):
            low, high = EDGES[i], EDGES[i + 1]
            self.stood[i] += max(0.0, min(held_s, high) - low)
            if low <= held_s < high or (i == 79 and held_s >= low):
                self.ended[i] += 1

    def left(self, age_s: float) -> float:
        risk = 0.0
        for i in range(80):
            part = min(max(age_s - EDGES[i], 0.0), EDGES[i + 1] - EDGES[i])
            risk += self.ended[i] / self.stood[i] * part
        return math.exp(-risk)


def free_after_talk(talk: Holds, wrap: Holds, age_s: float, bins: int) -> float:
    """One who talks for so long is free so many half seconds later: talk over, then wrap-up."""
    middle = middle_of(age_s)
    left = [talk.left(middle + i * BIN_S) / talk.left(middle) for i in range(bins + 1)]
    done = [1 - wrap.left(i * BIN_S) for i in range(bins + 1)]
    return sum(
        (left[i] - left[i + 1]) * (done[bins - 1 - i] + done[bins - i]) / 2 for i in range(bins)
    )


def free_after_wrap_up(wrap: Holds, age_s: float, bins: int) -> float:
    middle = middle_of(age_s)
    return 1 - wrap.left(middle + bins * BIN_S) / wrap.left(middle)


def middle_of(age_s: float) -> float:
    """The tables know ages by their bin only."""
    at = max(i for i in range(80) if EDGES[i] <= max(age_s, 0.0))
    return (EDGES[at] + EDGES[at + 1]) / 2


class Rate:
    """The log odds of a rate as a random walk that is seen through Bernoulli trials."""

    def __init__(self, chance: float, variance: float, drift: float) -> None:
        self.odds = math.log(chance / (1 - chance))
        self.variance = self.most = variance
        self.drift = drift

    def wait(self, seconds: float) -> None:
        self.variance = min(self.most, self.variance + self.drift * max(0.0, seconds))

    def learn(self, expected: float, yes: bool) -> None:
        score = float(yes) - expected
        self.odds = min(6.0, max(-6.0, self.odds + self.variance * score))
        told = max(score * score, 0.01) if yes else score * score
        self.variance = 1 / (1 / self.variance + told)


class Budget:
    """The controller, with the same constants."""

    def __init__(self, target: float) -> None:
        self.target = target
        self.level = 0.05
        self.people = self.lost = 0

    def calls(self, staffed: int) -> float:
        scale = 3 + 0.1 * staffed
        return self.target * 0.99 * self.people - self.lost - max(1.5, 0.25 * scale)

    def person(self, staffed: int) -> None:
        self.people += 1
        step = 0.01 * self.calls(staffed) / (3 + 0.1 * staffed) ** 2
        self.level = min(0.25, max(0.005, self.level * math.exp(min(1, max(-1, step)))))

    def risk(self, staffed: int) -> float:
        risk = self.level * math.exp(min(50, self.calls(staffed) / (3 + 0.1 * staffed)))
        return min(0.35, max(0.002, risk))
