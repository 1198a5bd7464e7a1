"""The tones of a call's progress: ringback, busy, special information, fax, beep and more."""

from typing import Final, Literal, NamedTuple, final

from typing_extensions import Buffer

from fastpath.tones_book import ToneBook

STATE_BYTES: Final[int]
"""Of one call."""

class ToneHeard(NamedTuple):
    """Something told. Times are samples (8 kHz) since the detector was made; hertz 0: no tone.

    `kind`: see tones_book.KINDS. `value`: the rule's name; of sit and fax which one; of a beep its
    frequency. `number`: the same when it begins and when it ends. What was over before it was known
    ends without having begun. A beep that lasts 3 s is told as ended then.
    """

    kind: str
    value: str
    phase: Literal["begins", "ends"]
    number: int
    begin: int
    end: int
    hertz: float
    confidence: float

@final
class ToneDetector:
    """Hears one side of one call with a book of rules."""

    def __new__(cls, book: ToneBook) -> ToneDetector: ...
    def hear(self, samples: Buffer) -> list[ToneHeard]:
        """Hear samples (int16) that follow on those before; what is no whole frame is left out."""

    def gap(self, frames: int = 1) -> list[ToneHeard]:
        """So many frames of 20 ms never arrived. ValueError: less than 0, or over a million."""

    def end(self) -> list[ToneHeard]:
        """No more comes: what went on has ended."""
