"""Keys in the audio itself (ITU-T Q.23, Q.24), heard and made. Audio is 16-bit PCM at 8 kHz."""

from typing import Final, final

from typing_extensions import Buffer

DIGITS: Final = "0123456789*#ABCD"

@final
class DtmfDetector:
    """Hears the keys of one side of a call.

    It meets ITU-T Q.24 with margin: 40 ms of tone, 30 ms of pause, 1.5 % off in frequency and 8 dB
    of twist are heard; 23 ms, an interruption of 10 ms and 3.5 % are not. The floor is -42 dBm0.
    """

    def __init__(self) -> None: ...
    def hear(self, samples: Buffer) -> list[tuple[str, int]]:
        """Hear samples (int16, any number) that follow on those before.

        The keys found, each once, with the position of its tone's begin in samples since the
        detector was made, about 3 ms exact. A key is found within 40 ms of its begin.
        """

    def gap(self, samples: int) -> None:
        """So many samples never arrived. Up to 60 ms a key goes on over them."""

def tone(digit: str, samples: int, position: int = 0) -> bytes:
    """The tone of a key as int16, from sample `position` on: -10 dBm0 and -8 dBm0.

    ValueError: not a digit, or more than 2**20 samples.
    """
