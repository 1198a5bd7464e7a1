"""The recorded frames of a stream. Positions count samples at 8 kHz."""

from typing import Any, final

from typing_extensions import Buffer

__pyx_capi__: dict[str, object]

RECORD_DTYPE: list[Any]
"""numpy dtype of the entries that `MediaEngine.recorded` returns: samples since the recording
began, side (0 sent, 1 heard), payload type (0 PCMU, 8 PCMA), size in bytes, whether a talk spurt
of the peer begins with it (RTP's marker), 160 payload bytes."""

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
