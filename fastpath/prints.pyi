"""Carrier announcements by their fingerprints. Audio is 16-bit PCM at 8 kHz."""

from typing import NamedTuple, final

from typing_extensions import Buffer

from fastpath.prints_bank import PrintBank

class PrintMatch(NamedTuple):
    """What a call turned out to play; times since its first sample.

    `ref` counts the bank's recordings from 0; `sure` says that it may be acted on; `ber` is the
    part of the bits that differ; `position_ms` is how far the recording has been heard.
    """

    ref: int
    sure: bool
    ber: float
    position_ms: int
    from_ms: int
    at_ms: int

@final
class PrintMatcher:
    """Hears one call, and says which recording of a bank it plays."""

    def __new__(cls, bank: PrintBank) -> PrintMatcher: ...
    @property
    def bank(self) -> PrintBank:
        """What it is matched with."""

    def hear(self, samples: Buffer) -> list[PrintMatch]:
        """Hear samples (int16) that follow on those before; any number of them.

        A candidate is told when it is another than before, a sure one once.
        """

    def gap(self, samples: int) -> None:
        """So many samples never arrived."""

    def take(self, codes: Buffer, masks: Buffer) -> list[PrintMatch]:
        """Match prints (uint16, at every 256th sample) instead of audio."""
