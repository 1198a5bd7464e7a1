"""G.711 companding by table, as ITU-T G.191 (STL) computes it. Without the GIL while it works."""

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

__pyx_capi__: dict[str, object]

def ulaw_encode(samples: NDArray[np.int16]) -> bytes:
    """16-bit samples to mu-law, one byte each. The array is one-dimensional and contiguous."""

def ulaw_decode(data: Buffer) -> NDArray[np.int16]:
    """Mu-law to 16-bit samples, full scale 32124."""

def alaw_encode(samples: NDArray[np.int16]) -> bytes:
    """16-bit samples to A-law, one byte each. The array is one-dimensional and contiguous."""

def alaw_decode(data: Buffer) -> NDArray[np.int16]:
    """A-law to 16-bit samples, full scale 32256."""

def ulaw_to_alaw(data: Buffer) -> bytes:
    """Through the decoded samples: each code to the nearest of the other law."""

def alaw_to_ulaw(data: Buffer) -> bytes:
    """Through the decoded samples: each code to the nearest of the other law."""
