"""Sample rate conversion for prompts: polyphase, windowed sinc; done once, at loading."""

from __future__ import annotations

from math import ceil, gcd

import numpy as np
from numpy.typing import NDArray

ZERO_CROSSINGS = 32  # of the sinc, on each side
PASSBAND = 0.94  # of the lower Nyquist frequency: 3.76 kHz of the telephone's 4
KAISER_BETA = 8.6  # stopband at -85 dB, below the noise of 14-bit mu-law


def resample(samples: NDArray[np.int16], rate: int, rate_out: int) -> NDArray[np.int16]:
    """`samples` (n) at `rate` as ceil(n * rate_out / rate) samples at `rate_out`, clipped.

    Sample m of the output lies at m * rate / rate_out of the input, so no delay is added.
    """
    if rate == rate_out or not len(samples):
        return samples
    shared = gcd(rate, rate_out)
    up, down = rate_out // shared, rate // shared
    cutoff = PASSBAND / 2 * min(1.0, rate_out / rate)  # in cycles per input sample
    half = ceil(ZERO_CROSSINGS / (2 * cutoff))
    count = -(-len(samples) * up // down)
    out = np.empty(count, np.float32)
    longest = (count * down) // up + 1
    padded = np.zeros(max(len(samples), longest) + 2 * half, np.float32)
    padded[half : half + len(samples)] = samples
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half)
    taps = np.arange(-half + 1, half + 1, dtype=np.float64)
    for phase in range(min(up, count)):
        whole, part = divmod(phase * down, up)
        kernel = sinc_kernel(taps - part / up, cutoff, half)
        mine = out[phase::up]
        mine[:] = windows[whole + 1 :: down][: len(mine)] @ kernel
    return np.clip(np.rint(out), -32768, 32767).astype(np.int16)


def sinc_kernel(t: NDArray[np.float64], cutoff: float, half: int) -> NDArray[np.float32]:
    """Low-pass at `cutoff` around t = 0, Kaiser window `half` wide on each side, gain 1 at DC."""
    window = np.i0(KAISER_BETA * np.sqrt(np.clip(1 - (t / half) ** 2, 0, 1)))
    kernel = np.sinc(2 * cutoff * t) * window
    scaled: NDArray[np.float32] = (kernel / kernel.sum()).astype(np.float32)
    return scaled
