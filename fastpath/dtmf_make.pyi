"""The tones of keys, made. Audio is 16-bit PCM at 8 kHz."""

from typing import Final

DIGITS: Final = "0123456789*#ABCD"

def tone(digit: str, samples: int, position: int = 0) -> bytes:
    """The tone of a key as int16, from sample `position` on: -10 dBm0 and -8 dBm0.

    ValueError: not a digit, or more than 2**20 samples.
    """
