"""Brings a prompt to one level: offset removed, speech at a stated level, no peak clipped."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialerd.shell.speech_level import QUIETEST_DBOV, SpeechLevel, sliding_max, speech_level

RATE: Final = 8_000
LEVEL_DBOV: Final = -20.0
"""Active speech level of prompts: 6 dB above ITU-T P.830's nominal -26, as loud as speech gets
whose peaks, some 18 dB above it, still fit below full scale."""
LEVEL_MIN, LEVEL_MAX = -36.0, -12.0
PEAK: Final = 10 ** (-1 / 20)  # 1 dB below full scale
LIMITED_DB_MAX: Final = 6.0  # how far peaks are pressed down; beyond it the level gives way
GAIN_DB_MAX: Final = 40.0
LOOK_S: Final = 0.005  # how long before and after a peak it is turned down
QUIET_DBOV: Final = -46.0  # below it, noise comes up with the speech
KEPT_S: Final = 0.1  # of the silence at both ends, where it is cut

Floats = NDArray[np.float64]


class Levelled(NamedTuple):
    """The samples, and what was done to them."""

    samples: NDArray[np.int16]
    before: SpeechLevel
    after: SpeechLevel
    dc: float  # of full scale
    gain_db: float
    limited_db: float  # how far the highest peak was pressed down


def levelled(samples: NDArray[np.floating], level_dbov: float = LEVEL_DBOV) -> Levelled | None:
    """(n,) samples at 8 kHz, full scale 1.0, brought to `level_dbov`; None when they are silent."""
    dc = float(samples.mean()) if len(samples) else 0.0
    x = samples.astype(np.float64) - dc
    before = speech_level(x, RATE)
    if before.active_dbov <= QUIETEST_DBOV:
        return None
    gain_db = min(level_dbov - before.active_dbov, GAIN_DB_MAX)
    over_db = before.peak_dbov + gain_db - 20 * float(np.log10(PEAK))
    if over_db > LIMITED_DB_MAX:
        gain_db -= over_db - LIMITED_DB_MAX
    y = limited(x * 10 ** (gain_db / 20))
    after = speech_level(y, RATE)
    pressed_db = max(0.0, before.peak_dbov + gain_db - after.peak_dbov)
    return Levelled(to_int16(y), before, after, dc, gain_db, pressed_db)


def limited(x: Floats) -> Floats:
    """Nothing above PEAK: turned down around each peak, smoothly, and by no more than it needs."""
    need = np.maximum(1.0, np.abs(x) / PEAK)
    if need.max() == 1.0:
        return x
    half = round(LOOK_S * RATE)
    width = 2 * half + 1
    # The largest need within `half` on both sides, then its mean over the same span: at each place
    # every value in that mean is at least the need there, so the mean is too.
    held = sliding_max(np.concatenate([need, np.ones(2 * half)]), width)[half : half + len(x)]
    sums = np.cumsum(np.concatenate([[0.0], np.pad(held, half, mode="edge")]))
    mean = (sums[width:] - sums[:-width]) / width
    turned: Floats = x / mean
    return turned


def trimmed(samples: NDArray[np.int16], kept_s: float = KEPT_S) -> NDArray[np.int16]:
    """Without the silence at both ends but for `kept_s`: what is 40 dB below the loudest 10 ms."""
    frame = RATE // 100
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame).astype(np.float64)
    power = (frames**2).mean(axis=1)
    if not len(power) or power.max() == 0:
        return samples
    loud = np.flatnonzero(power > power.max() * 1e-4)
    kept = round(kept_s * RATE)
    return samples[max(0, loud[0] * frame - kept) : (loud[-1] + 1) * frame + kept]


def to_int16(x: Floats) -> NDArray[np.int16]:
    """Full scale 1.0 as 16-bit samples."""
    return np.clip(np.rint(x * 32768), -32768, 32767).astype(np.int16)
