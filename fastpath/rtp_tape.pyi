"""Recorded frames of a stream, laid out in a row. Positions count samples at 8 kHz."""

from typing import final

from typing_extensions import Buffer

__pyx_capi__: dict[str, object]

@final
class Tape:
    """Lays recorded entries out in time. It holds what is kept back and one batch."""

    def __init__(self, hold: int = 2000) -> None:
        """`hold` samples are kept back for frames that others overtook. ValueError over 4 s."""

    def take(self, entries: Buffer, rest: bool = False) -> list[tuple[int, bytes]]:
        """Lay entries, and hand out what is old enough to be complete, or with `rest` everything.

        Each piece: its position, and 16-bit stereo (what we said left). Between pieces and in them,
        what nobody filled is silence. ValueError when the bytes are not whole entries.
        """

    @property
    def samples(self) -> int:
        """Up to where samples were handed out."""

    @property
    def late(self) -> int:
        """Frames left out: they came after their place was handed out, or have none."""

    @property
    def concealed(self) -> int:
        """Samples of what we heard that were lost and made up, or silence behind 60 ms of that."""
