"""Fingerprints of audio, by the code of the live matcher. Audio is 16-bit PCM at 8 kHz."""

from typing import Final

from typing_extensions import Buffer

HOP: Final = 128
WINDOW: Final = 1024
BITS: Final = 16
KEPT: Final = 10

def fingerprint(samples: Buffer) -> tuple[bytes, bytes, bytes]:
    """Prints of int16 samples at every HOP of them: codes and masks (uint16 each), power (float32).

    Print k is of the WINDOW samples from k * HOP + 256 on, against those 256 samples earlier. The
    masks know no gate: who keeps prints decides by their power, a mean square of full scale 1.0.
    """

def bands(samples: Buffer) -> list[float]:
    """The amplitudes of the 17 bands of WINDOW samples."""
