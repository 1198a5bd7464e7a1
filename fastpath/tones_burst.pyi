"""Bursts of steady tone in audio of 16 bits at 8 kHz: where they are, and what they are made of."""

from typing import NamedTuple

from typing_extensions import Buffer

class BurstHeard(NamedTuple):
    """One burst: its lines (see fastpath.tones_spectrum), begin and end in samples, mean square.

    `wavers`: power of its loudest 80 ms over that of its softest; `flips`: turns of its phase
    450 ms apart, around 2,100 Hz only; `drift`: part by which its strongest line moved between
    `looks` spectra; `silence`: 1 before it, 2 behind it, 3 both; `broken`: loud sound that is no
    tone lies between it and the burst before.
    """

    hertz: tuple[float, ...]
    share: tuple[float, ...]
    pure: float
    begin: int
    end: int
    power: float
    wavers: float
    flips: int
    drift: float
    looks: int
    silence: int
    broken: bool

def bursts(samples: Buffer) -> list[BurstHeard]:
    """Every burst in samples (int16); what is less than a frame of 160 is left out."""
