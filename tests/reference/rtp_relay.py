"""One end of a bridge in plain Python: numbers without a width, and a list of what was passed."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastpath.g711 import alaw_to_ulaw, ulaw_to_alaw
from tests.reference.rtp import rtp
from tests.reference.rtp_send import Ended, Sender

WINDOW = 64
LEAP = 16_000
IDLE = 10


def signed(value: int, bits: int) -> int:
    value %= 1 << bits
    return value - (1 << bits) if value >> (bits - 1) else value


@dataclass
class Mapping:
    """From one source to our peer: its numbers are unbounded here, `first` is where it began."""

    ssrc: int
    first: int
    high: int
    out: int  # our number for `first`
    shift: int  # of timestamps
    kept_back: set[int] = field(default_factory=set)

    def number(self, n: int) -> int:
        """Ours for one of theirs: one for each since the first that was not kept back."""
        return self.out + n - self.first - len([k for k in self.kept_back if k < n])


@dataclass
class Relay(Sender):
    mapping: Mapping | None = None
    end: int | None = None  # timestamp behind what was said last
    now: int = 0  # the frame begun last
    last: int = 0  # the frame in which a packet passed last

    @property
    def busy(self) -> bool:
        return bool(self.paused or self.playing or self.presses)

    def settle(self) -> None:
        if self.mapping is None:
            return
        if self.end is not None:
            ahead = signed(self.end - self.timestamp - 160 * self.now, 32)
            self.timestamp += max(ahead, 0)
        self.mapping = None
        self.before = ""

    def begin(self, ssrc: int, seq: int, timestamp: int) -> None:
        at = self.timestamp + 160 * (self.now + 1)
        if self.mapping is not None and self.end is not None and signed(self.end - at, 32) > 0:
            at = self.end
        self.mapping = Mapping(ssrc, seq, seq, self.seq, at - timestamp)
        self.seq += 1

    def place(
        self, ssrc: int, seq: int, timestamp: int, *, event: bool, keep_back: bool
    ) -> tuple[int, bool] | None:
        """Our number, and whether the mapping began with it."""
        m = self.mapping
        if m is not None and m.ssrc == ssrc:
            lag = signed(timestamp + m.shift - self.timestamp - 160 * self.now, 32)
            n = m.high + signed(seq - m.high, 16)
            step = (seq - m.high) % 65_536
            if event or -LEAP < lag < LEAP:
                if 0 < step < WINDOW:
                    m.high = n
                    if keep_back:
                        m.kept_back.add(n)
                    self.seq = m.number(n) + (not keep_back)
                    return None if keep_back else (m.number(n), False)
                if step and -WINDOW < n - m.high < 0:
                    if n < m.first or keep_back:
                        return None
                    ours = m.number(n)
                    behind = ours // 65_536 != (self.seq - 1) // 65_536
                    return None if behind else (ours, False)
        if keep_back:
            return None
        self.begin(ssrc, seq, timestamp)
        return self.seq - 1, True

    def pass_on(
        self,
        seq: int,
        timestamp: int,
        ssrc: int,
        payload_type: int,
        body: bytes,
        *,
        event: bool = False,
        marker: bool = False,
        events: bool = True,
    ) -> bytes | None:
        if self.busy:
            self.settle()
            return None
        keep_back = event and not (events and self.event_type >= 0)
        found = self.place(ssrc, seq, timestamp, event=event, keep_back=keep_back)
        if found is None:
            return None
        ours, fresh = found
        assert self.mapping is not None
        at = timestamp + self.mapping.shift
        kind, length = self.payload_type, len(body)
        if event:
            kind, length, fresh = self.event_type, int.from_bytes(body[2:4], "big"), False
        elif payload_type == 13:
            kind, length = 13, 0
        elif payload_type != self.payload_type:
            body = ulaw_to_alaw(body) if payload_type == 0 else alaw_to_ulaw(body)
        if self.end is None or fresh or signed(at + length - self.end, 32) > 0:
            self.end = at + length
        self.last = self.now
        return rtp(ours, at, self.ssrc, kind, body, marker=marker or fresh)

    def frame(self, number: int) -> tuple[list[bytes], list[Ended]]:
        self.now = number
        if self.busy or number - self.last > IDLE:
            self.settle()
        if self.mapping is None:
            return super().frame(number)
        return [], []
