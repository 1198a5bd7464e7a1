"""Voice activity: which frames of 20 ms hold a voice. Audio is 16-bit PCM at 8 kHz."""

from typing import Final, NamedTuple, final

from typing_extensions import Buffer

FRAME: Final = 160

class Heard(NamedTuple):
    """One frame: dB of full scale, the noise under it, and what it is."""

    level_db: float
    floor_db: float
    speech: bool
    tonal: bool
    undone: int
    cut: int
    periodic: float
    lag: int

@final
class VoiceDetector:
    """Tells a voice from the noise of this call, whose floor it follows."""

    def __init__(self) -> None: ...
    def hear(self, samples: Buffer) -> list[Heard]:
        """Hear samples (int16) that follow on those before; what is less than a frame is left out.

        `undone` of a frame says what turned out to be no voice: 1 all since the voice began, 2 all
        that was ever heard, 3 its last `cut` frames, behind a voice that had ended. `periodic` says
        of a frame of voice how alike it and what was `lag` samples (at 2 kHz) before are, 0 to 1.
        """
