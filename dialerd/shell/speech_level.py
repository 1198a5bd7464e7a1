"""Active speech level by ITU-T P.56 (12/2011), method B: the level of speech without its pauses.

The rectified signal is smoothed twice (time constant 30 ms); for each of 15 thresholds, a power of
two of a 16-bit sample apart, time counts as active while the smoothed signal is at or above it and
for 200 ms afterwards. The level over the active time falls as the threshold is lowered; where it is
15.9 dB above the threshold, it is the active speech level.

Levels are in dBov (ITU-T G.100.1): 0 dBov is the power of a square wave at full scale, so that a
sine at full scale has -3.01 dBov. -26 dBov is the nominal level of speech in ITU-T P.830.
"""

from __future__ import annotations

from itertools import pairwise
from math import exp, log10
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

SMOOTHING_S: Final = 0.03
HANGOVER_S: Final = 0.2
MARGIN_DB: Final = 15.9
THRESHOLDS: Final = tuple(2.0**j / 32768 for j in range(15))
QUIETEST_DBOV: Final = -100.0  # what silence is said to have
BLOCK: Final = 64

Floats = NDArray[np.float64]


class SpeechLevel(NamedTuple):
    """What was measured. Levels in dBov, `active` the share of the time that is speech."""

    active_dbov: float
    long_dbov: float  # over all of it, pauses included
    active: float
    peak_dbov: float


def speech_level(samples: NDArray[np.floating], rate: int) -> SpeechLevel:
    """Measure (n,) samples, full scale 1.0, at `rate` a second."""
    x = samples.astype(np.float64)
    square_sum = float((x**2).sum())
    if square_sum == 0:
        return SpeechLevel(QUIETEST_DBOV, QUIETEST_DBOV, 0.0, QUIETEST_DBOV)
    long_db = 10 * log10(square_sum / len(x))
    peak_db = 20 * log10(float(np.abs(x).max()))
    held = sliding_max(envelope(x, rate), round(HANGOVER_S * rate) + 1)
    counts = [int((held >= threshold).sum()) for threshold in THRESHOLDS]
    level = active_level(square_sum, counts)
    if level is None:
        return SpeechLevel(QUIETEST_DBOV, long_db, 0.0, peak_db)
    return SpeechLevel(level, long_db, min(1.0, 10 ** ((long_db - level) / 10)), peak_db)


def active_level(square_sum: float, counts: list[int]) -> float | None:
    """Level where it lies MARGIN_DB above the threshold; None when nothing was active.

    `counts` are the active samples at each of THRESHOLDS.
    """
    points = [
        (10 * log10(square_sum / count), 20 * log10(threshold))
        for count, threshold in zip(counts, THRESHOLDS, strict=True)
        if count
    ]
    if not points or points[0][0] - points[0][1] < MARGIN_DB:
        return None
    for (level, threshold), (level_up, threshold_up) in pairwise(points):
        above, above_up = level - threshold - MARGIN_DB, level_up - threshold_up - MARGIN_DB
        if above_up <= 0:
            return level + (level_up - level) * above / (above - above_up)
    return points[-1][0]


def envelope(x: Floats, rate: int) -> Floats:
    """|x| smoothed twice, each time y[n] = g y[n-1] + (1 - g) x[n]."""
    g = exp(-1 / (rate * SMOOTHING_S))
    return smooth(smooth(np.abs(x), g), g)


def smooth(x: Floats, g: float) -> Floats:
    """The recursion, a block at a time: inside one it is a product with a triangle of powers."""
    count = -(-len(x) // BLOCK)
    blocks = np.zeros(count * BLOCK)
    blocks[: len(x)] = x
    at = np.arange(BLOCK)
    powers = np.tril(g ** np.clip(at[:, None] - at[None, :], 0, None)) * (1 - g)
    own = blocks.reshape(count, BLOCK) @ powers.T
    decay = g ** (at + 1)
    carried = np.zeros(count)
    value = 0.0
    for i in range(1, count):
        value = own[i - 1, -1] + decay[-1] * value
        carried[i] = value
    smoothed: Floats = (own + carried[:, None] * decay).ravel()[: len(x)]
    return smoothed


def sliding_max(x: Floats, width: int) -> Floats:
    """The largest of the last `width` values at each place (van Herk's two passes)."""
    count = -(-len(x) // width)
    padded = np.zeros((count + 1) * width)
    padded[width : width + len(x)] = x
    blocks = padded.reshape(count + 1, width)
    ahead = np.maximum.accumulate(blocks, axis=1).ravel()
    behind = np.maximum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    last = np.arange(width, width + len(x))
    largest: Floats = np.maximum(ahead[last], behind[last - width + 1])
    return largest
