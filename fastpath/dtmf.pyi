"""Keys in the audio itself (ITU-T Q.23, Q.24), heard and made. Audio is 16-bit PCM at 8 kHz."""

from typing import Final, final

from typing_extensions import Buffer

from fastpath.dtmf_make import DIGITS as DIGITS
from fastpath.dtmf_make import tone as tone

@final
class DtmfDetector:
    """Hears the keys of one side of a call.

    It meets ITU-T Q.24 with margin: 40 ms of tone, 30 ms of pause, 1.5 % off in frequency and 8 dB
    of twist are heard; 23 ms, an interruption of 10 ms and 3.5 % are not. The floor is -42 dBm0.
    """

    ends: Final[list[int]]
    """Where keys that were found went up again, in their order: samples, about 3 ms exact."""

    def __init__(self) -> None: ...
    def hear(self, samples: Buffer) -> list[tuple[str, int]]:
        """Hear samples (int16, any number) that follow on those before.

        The keys found, each once, with the position of its tone's begin in samples since the
        detector was made, about 3 ms exact. A key is found within 40 ms of its begin.
        """

    def gap(self, samples: int) -> None:
        """So many samples never arrived. Up to 60 ms a key goes on over them."""
