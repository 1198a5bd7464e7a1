"""Running counts over a ledger that is still being written. Pure: the new bytes are handed in."""

from __future__ import annotations

from collections import Counter

from dialerd.sim import limits
from dialerd.sim.ledger import Seen, read_lines


class Tally:
    """What one carrier has seen so far."""

    def __init__(self) -> None:
        self.seen = 0
        self.up = 0
        self.answered = 0
        self.refused: Counter[int] = Counter()  # by final answer
        self.cancelled = 0
        self.keys: Counter[str] = Counter()
        self.rtp_received = 0
        self.damaged = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take in what was appended since the last time; a line may come in pieces."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > limits.LINE_BYTES_MAX:
            self.damaged += 1
            self._rest = b""
        for entry in read_lines(lines):
            if entry is None:
                self.damaged += 1
            elif isinstance(entry, Seen):
                self.seen += 1
                self.up += 1
            else:
                self.up -= 1
                self.keys.update(entry.digits)
                self.rtp_received += entry.rtp_received
                if entry.what == "answered":
                    self.answered += 1
                elif entry.what == "cancelled":
                    self.cancelled += 1
                else:
                    self.refused[entry.code] += 1
