"""What a network plays before it gives up on a call: the special information tone, as G.711.

The tone is ITU-T E.180: 950, 1400 and 1800 Hz, 330 ms each, then a second of silence.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RATE = 8_000
SIT_HZ = (950, 1_400, 1_800)
SIT_S = 0.33
PAUSE_S = 1.0
AMPLITUDE = 8_000

Samples = npt.NDArray[np.int16]


def special_information_tone() -> Samples:
    """One period, linear 16 bit at 8 kHz, a whole number of 20 ms frames."""
    t = np.arange(round(SIT_S * RATE)) / RATE
    parts = [AMPLITUDE * np.sin(2 * np.pi * hz * t) for hz in SIT_HZ]
    parts.append(np.zeros(round(PAUSE_S * RATE)))
    sound = np.concatenate(parts)
    return np.pad(sound, (0, -len(sound) % (RATE // 50))).astype(np.int16)


def to_pcmu(samples: Samples) -> bytes:
    """G.711 mu-law, a byte for each sample."""
    sign = np.where(samples < 0, 0x80, 0)
    size = np.minimum(np.abs(samples.astype(np.int32)), 32_635) + 132
    exponent = np.maximum(np.floor(np.log2(size)).astype(np.int32) - 7, 0)
    mantissa = (size >> (exponent + 3)) & 0x0F
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8))


def to_pcma(samples: Samples) -> bytes:
    """G.711 A-law, a byte for each sample."""
    wide = samples.astype(np.int32) >> 3  # 13 bits
    positive = wide >= 0
    size = np.minimum(np.where(positive, wide, -wide - 1), 4_095)
    exponent = np.maximum(np.floor(np.log2(np.maximum(size, 1))).astype(np.int32) - 4, 0)
    mantissa = np.where(exponent == 0, size >> 1, size >> exponent) & 0x0F
    code = (exponent << 4) | mantissa
    return bytes((code ^ np.where(positive, 0xD5, 0x55)).astype(np.uint8))
