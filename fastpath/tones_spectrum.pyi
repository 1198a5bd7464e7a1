"""The strongest pure tones of a stretch of audio: 16-bit PCM at 8 kHz."""

from typing import NamedTuple

from typing_extensions import Buffer

class PeaksHeard(NamedTuple):
    """At most three tones, strongest first: frequencies, and their parts of the power (0 to 1)."""

    hertz: tuple[float, ...]
    share: tuple[float, ...]
    pure: float

def peaks(samples: Buffer) -> PeaksHeard:
    """The tones of 512 or 1,024 samples (int16). ValueError: another number."""
