"""ITU-T P.56 (12/2011), method B, as the standard tells it: slow, plain, sharing nothing with ours.

Sums while the samples pass, two exponential averages of the rectified sample one behind the other,
and for each threshold an activity count with a hangover. Then the level at each threshold; where it
is MARGIN_DB above the threshold is the active level, searched here by halving on the line between
two neighbouring thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

TIME_CONSTANT_S = 0.03
HANGOVER_S = 0.2
MARGIN_DB = 15.9
BITS = 16
HALVINGS = 40


def active_speech_level(samples: Iterable[float], rate: int) -> tuple[float, float] | None:
    """(active level in dBov, activity factor) of samples of full scale 1.0; None of silence."""
    g = math.exp(-1.0 / (rate * TIME_CONSTANT_S))
    hangover = round(HANGOVER_S * rate)
    thresholds = [2.0 ** (j - (BITS - 1)) for j in range(BITS - 1)]
    activity = [0] * len(thresholds)
    silent = [hangover] * len(thresholds)
    n, square_sum, p, q = 0, 0.0, 0.0, 0.0
    for x in samples:
        n += 1
        square_sum += x * x
        p = g * p + (1 - g) * abs(x)
        q = g * q + (1 - g) * p
        for j, threshold in enumerate(thresholds):
            if q >= threshold:
                activity[j] += 1
                silent[j] = 0
            elif silent[j] < hangover:
                activity[j] += 1
                silent[j] += 1
            else:
                break  # a higher one is not reached either, and was left no later
    if square_sum == 0.0 or activity[0] == 0:
        return None
    return _level(n, square_sum, activity, thresholds)


def _level(
    n: int, square_sum: float, activity: list[int], thresholds: list[float]
) -> tuple[float, float] | None:
    below: tuple[float, float] | None = None
    for count, threshold in zip(activity, thresholds, strict=True):
        if count == 0:
            break
        here = (10 * math.log10(square_sum / count), 20 * math.log10(threshold))
        if here[0] - here[1] <= MARGIN_DB:
            if below is None:
                return None
            level = _between(below, here)
            return level, square_sum / n / 10 ** (level / 10)
        below = here
    return None


def _between(below: tuple[float, float], above: tuple[float, float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        level, threshold = (a + (b - a) * middle for a, b in zip(below, above, strict=True))
        if level - threshold > MARGIN_DB:
            low = middle
        else:
            high = middle
    return below[0] + (above[0] - below[0]) * low
