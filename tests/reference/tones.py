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
