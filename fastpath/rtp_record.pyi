"""The recorded frames of a stream, and their samples in a row. Positions count samples at 8 kHz."""

from typing import Any, final

from typing_extensions import Buffer

__pyx_capi__: dict[str, object]

RECORD_DTYPE: list[Any]
"""numpy dtype of the entries that `MediaEngine.recorded` returns: samples since the recording
began, side (0 sent, 1 heard), payload type (0 PCMU, 8 PCMA), size in bytes, whether a talk spurt
of the peer begins with it (RTP's marker), 160 payload bytes."""

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

@final
class RecordPlacing:
    """How the media thread places the packets of a peer, for tests."""

    def place(self, ssrc: int, timestamp: int, arrival: int, quiet: bool = True) -> int:
        """The position of a packet that arrived at position `arrival`.

        `quiet`: nobody speaks in it, so the mapping may be moved.
        """

    def hear(self, timestamp: int, arrival: int, audio: Buffer) -> int:
        """The position of up to 160 octets of PCMU, as the media thread finds it."""

    @property
    def moves(self) -> int:
        """How often the mapping was moved after the peer's clock."""
