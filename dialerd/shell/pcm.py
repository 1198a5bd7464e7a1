"""Samples of any coding as floats, several channels as one, floats as samples of 16 bits."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LOUDEST: Final = 4.0  # of full scale 1.0: what a float file may say beyond it
OPPOSED: Final = 0.05  # so little is left of channels that are each other's reverse

Floats = NDArray[np.float32]


def floats(samples: NDArray[Any]) -> Floats:
    """Any codec's samples, full scale 1.0."""
    kind = samples.dtype
    if kind == np.uint8:
        samples = samples.astype(np.int16) - 128
        kind = np.dtype(np.int8)
    if kind.kind == "i":
        return np.asarray(samples / float(1 << (8 * kind.itemsize - 1)), np.float32)
    bounded = np.nan_to_num(samples, nan=0.0, posinf=LOUDEST, neginf=-LOUDEST)
    return np.asarray(np.clip(bounded, -LOUDEST, LOUDEST), np.float32)


def mono(channels: Floats) -> Floats:
    """The mean of channels (channels, samples); the loudest of those that cancel one another."""
    mean = channels.mean(axis=0, dtype=np.float32)
    if len(channels) == 1 or not mean.size:
        return np.asarray(mean, np.float32)
    powers = np.square(channels, dtype=np.float64).sum(axis=1)
    left = float(np.square(mean, dtype=np.float64).sum()) * len(channels) ** 2
    if left < OPPOSED * float(powers.sum()):
        return np.asarray(channels[int(powers.argmax())], np.float32)
    return np.asarray(mean, np.float32)


def samples_of(loud: Floats) -> NDArray[np.int16]:
    """Floats of full scale 1.0 as samples; what is louder is clipped."""
    return np.clip(np.rint(loud * 32_768), -32_768, 32_767).astype(np.int16)
