"""Concealment of lost audio: the last pitch periods said again, fading (G.711 Appendix I)."""

from typing import final

import numpy as np
from numpy.typing import NDArray

__pyx_capi__: dict[str, object]

@final
class RtpConceal:
    """One stream's concealment as a mixer runs it, for tests. Samples are 16 bits at 8 kHz.

    One to 160 samples at a time (ValueError), returned as bytes in the machine's order.
    """

    def heard(self, samples: NDArray[np.int16]) -> bytes:
        """These samples came: the same, but for the first 10 ms behind a gap."""

    def lost(self, count: int) -> bytes:
        """So many samples made up from those before; silence 60 ms into a gap."""

    def silent(self, count: int) -> bytes:
        """So many samples of silence, because nobody speaks."""

    def cut(self) -> None:
        """Audio was left out: the next samples begin as behind a gap."""
