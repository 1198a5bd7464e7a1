"""Banks of fingerprints, and the phrases that two recordings have in common."""

from collections.abc import Iterable
from typing import Final, final

from typing_extensions import Buffer

REFS_MAX: Final = 1024
PRINTS_MAX: Final = 65536
SILENT: Final = 1
SHARED: Final = 2

def common(first: tuple[bytes, bytes], second: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Which prints of two recordings, each (codes, masks), are of a phrase that both have.

    For each recording an octet per print, 1 where it is; phrases of 3 s and more are found.
    Takes the product of their prints: 1 s for 10 minutes against 10 minutes.
    """

@final
class PrintBank:
    """The prints of recordings; never changes, and any number of calls may be matched with it."""

    def __new__(cls, recordings: Iterable[tuple[Buffer, Buffer, int]]) -> PrintBank:
        """Of each: codes (uint16, as `fingerprint` gives them), flags (uint8: SILENT, SHARED),
        and its kind: recordings of one kind need not be told apart. ValueError beyond the limits.
        """

    def __len__(self) -> int:
        """How many recordings."""

    @property
    def prints(self) -> int:
        """How many prints, of all recordings."""
