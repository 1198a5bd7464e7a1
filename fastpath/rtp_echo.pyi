"""Audio that is said back as it was heard, a frame of 20 ms at a time."""

from typing import final

from typing_extensions import Buffer

@final
class RtpEcho:
    """One stream's echo as the media thread runs it, for tests."""

    def hear(self, audio: Buffer) -> None:
        """A packet's audio, of any length; dropped when a fifth of a second waits already."""

    def take(self) -> bytes:
        """The next 160 bytes; empty when there are fewer."""
