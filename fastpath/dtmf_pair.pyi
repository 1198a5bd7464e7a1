"""Two blocks in a row that may hold the same key: how well two tones explain both of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

class PairHeard(NamedTuple):
    """Of row and column: by which part of itself a frequency is off, and the power of an amplitude
    in the later and the earlier block; and the part of both blocks' energy that they are."""

    off: tuple[float, float]
    power: tuple[tuple[float, float], tuple[float, float]]
    pure: float

def pair(
    now: NDArray[np.int16],
    before: NDArray[np.int16],
    row: int,
    column: int,
    row_off: float = ...,
    column_off: float = ...,
) -> PairHeard:
    """Measure 102 samples and the 102 before them, near `row` and `column` hertz."""
