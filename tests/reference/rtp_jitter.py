"""A jitter buffer in plain Python: what waits is a dictionary of samples by position."""

from __future__ import annotations

from collections import Counter
from math import gcd

from tests.reference.g711 import alaw_decode, ulaw_decode
from tests.reference.rtp_conceal import GAP_MAX, Conceal, best_lag

FRAME, STEP = 160, 80
SAMPLE_NS = 125_000
ROOM, DELAY_MAX, JUMP = 4096, 1600, 4000
LAW = {
    0: [ulaw_decode(code) for code in range(256)],
    8: [alaw_decode(code) for code in range(256)],
}


def signed(value: int) -> int:
    """A difference of 32-bit timestamps."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


class Jitter:
    """One stream's buffer; times are samples of our clock."""

    def __init__(self) -> None:
        """Nothing heard yet."""
        self.waiting: dict[int, int] = {}
        self.conceal = Conceal()
        self.counts: Counter[str] = Counter()
        self.ssrc: int | None = None
        self.timestamp = self.position = self.play = self.end = 0
        self.rolling = self.quiet = False
        self.strange: int | None = None
        self.far_since: int | None = None
        self.belated_since: int | None = None
        self.transits: list[int] = []  # of this window of 128 packets
        self.least_now = self.least_before = 0
        self.bins = [1 << 20 if i == 3 else 0 for i in range(48)]
        self.target = 160
        self.grain = 160
        self.rest = 0

    @property
    def least(self) -> int:
        return min(self.least_now, self.least_before)

    # ---- in

    def put(
        self, law: int, ssrc: int, timestamp: int, audio: bytes, now_ns: int, marker: bool = False
    ) -> str:
        self.counts["packets"] += 1
        audio = b"" if law == 13 else audio[: ROOM // 2]
        now, size = now_ns // SAMPLE_NS, len(audio)
        first = self.ssrc is None
        at = self.place(ssrc, timestamp, marker, size, now)
        if at is None:
            return "strange"
        if first:
            self.least_now = self.least_before = now - at - size
            self.play = self.end = at
        self.timestamp, self.position = timestamp, at
        if law == 13:
            self.quiet = at >= self.end
            return "kept"
        if not size:
            return "double"
        if self.far_since is not None:
            self.counts["late"] += 1
            return "late"
        self.learn(now - at - size)
        self.grain = size
        if at + size <= self.play:
            self.counts["late"] += 1
            if self.belated_since is None:
                self.belated_since = now
            if now - self.belated_since < 960:
                return "late"
            at = self.position = self.here(ssrc, size, now)
            self.least_now = self.least_before = self.least
            self.transits, self.target = [], 160
            self.bins = [1 << 20 if i == 3 else 0 for i in range(48)]
        self.belated_since = None
        if at + size > self.play + ROOM:
            self.counts["skipped"] += at + size - ROOM - self.play
            self.conceal.cut()
            self.advance(at + size - ROOM)
        fresh = {
            at + i: LAW[law][code]
            for i, code in enumerate(audio)
            if at + i >= self.play and at + i not in self.waiting
        }
        self.waiting |= fresh
        if not fresh:
            self.counts["doubles"] += 1
            return "double"
        if at + size > self.end:
            self.end, self.quiet = at + size, False
        return "kept"

    def place(self, ssrc: int, timestamp: int, marker: bool, size: int, now: int) -> int | None:
        if ssrc != self.ssrc:
            return self.here(ssrc, size, now)
        at = self.position + signed(timestamp - self.timestamp)
        early = at + size - (now - self.least)
        if early > JUMP:
            before, self.strange = self.strange, timestamp
            if marker or (before is not None and (timestamp - before) % (1 << 32) < JUMP):
                return self.here(ssrc, size, now)
            if before is not None:
                self.strange = timestamp
            return None
        self.strange = None
        if early >= -JUMP:
            self.far_since = None
        elif self.far_since is None:
            self.far_since = now
        elif marker or now - self.far_since >= 480:
            return self.here(ssrc, size, now)
        return at

    def here(self, ssrc: int, size: int, now: int) -> int:
        self.counts["jumps"] += self.ssrc is not None
        self.ssrc, self.strange, self.far_since = ssrc, None, None
        return max(self.end, now - self.least - size)

    def learn(self, transit: int) -> None:
        self.transits.append(transit)
        self.least_now = min(self.least_now, transit)
        if len(self.transits) == 128:
            self.transits = []
            self.least_before, self.least_now = self.least_now, transit
        late = min((transit - self.least) // 40, 47)
        self.bins = [part - (part >> 8) for part in self.bins]
        self.bins[late] += 1 << 20
        above = 0
        for i in range(47, -1, -1):
            above += self.bins[i]
            if i == 0 or above * 100 >= sum(self.bins):
                self.target = min((i + 1) * 40, DELAY_MAX)
                return

    # ---- out

    def slack(self, play: int) -> int:
        unit = gcd(FRAME, self.grain)
        return self.grain - unit + (self.end - play - FRAME) % unit

    def advance(self, to: int) -> None:
        self.waiting = {at: sample for at, sample in self.waiting.items() if at >= to}
        self.play, self.end = to, max(self.end, to)

    def whole(self, count: int) -> bool:
        return all(self.play + i in self.waiting for i in range(count))

    def next(self, count: int) -> list[int]:
        return [self.waiting[self.play + i] for i in range(count)]

    def is_quiet(self) -> bool:
        return sum(map(abs, self.next(FRAME))) < 100 * FRAME

    def render(self, count: int) -> tuple[str, list[int]]:
        out: list[int] = []
        kind = "voice"
        while len(out) < count:
            there, run = self.play in self.waiting, 1
            while run < count - len(out) and (self.play + run in self.waiting) == there:
                run += 1
            if there:
                out += self.conceal.heard(self.next(run))
                self.counts["played"] += run
            else:
                out += self.conceal.lost(run)
                self.counts["concealed"] += run
                kind = "concealed"
            self.advance(self.play + run)
        return kind, out

    def squeeze(self) -> tuple[str, list[int]]:
        wide = self.next(FRAME + 120)
        lag = best_lag(wide, 120, STEP)
        out = [quotient(wide[i] * (STEP - i) + wide[i + lag] * i, STEP) for i in range(STEP)]
        out = self.conceal.heard(out + wide[STEP + lag : FRAME + lag])
        self.advance(self.play + FRAME + lag)
        self.counts["played"] += FRAME
        self.counts["skipped"] += lag
        self.rest = 10
        return "voice", out

    def starve(self, edge: int) -> tuple[str, list[int]]:
        wanted = self.target + self.slack(self.play)
        if self.quiet or self.conceal.gap >= GAP_MAX:
            self.rolling = False
            if edge - wanted - FRAME > self.play:
                self.advance(edge - wanted - FRAME)
            return "silence", self.conceal.silent(FRAME)
        out = self.conceal.lost(FRAME)
        self.counts["concealed"] += FRAME
        if edge - self.play - FRAME - wanted >= 0:
            self.advance(self.play + FRAME)
        return "concealed", out

    def take(self, now_ns: int) -> tuple[str, list[int]]:
        if self.ssrc is None:
            return "silence", [0] * FRAME
        edge = now_ns // SAMPLE_NS - self.least
        self.rest = max(self.rest - 1, 0)
        if self.end <= self.play:
            return self.starve(edge)
        surplus = edge - self.play - FRAME - self.target - self.slack(self.play)
        if surplus > DELAY_MAX - self.target + 320:
            self.conceal.cut()
            self.counts["skipped"] += surplus
            self.advance(self.play + surplus)
            surplus = 0
        if not self.rolling and surplus < 0:
            return "silence", self.conceal.silent(FRAME)
        self.rolling = True
        if surplus <= -STEP and self.whole(FRAME) and self.is_quiet():
            again = self.conceal.heard(self.conceal.past[: -STEP - 1 : -1])
            self.counts["stretched"] += STEP
            kind, out = self.render(STEP)
            return kind, again + out
        if surplus >= STEP and self.whole(FRAME + STEP) and self.is_quiet():
            after = self.play + STEP
            if edge - after - FRAME - self.target - self.slack(after) >= 0:
                self.advance(after)
                self.counts["skipped"] += STEP
        elif surplus >= 320 and not self.rest and self.whole(FRAME + 120):
            return self.squeeze()
        return self.render(FRAME)


def quotient(a: int, b: int) -> int:
    """Division as C does it, towards zero."""
    return -(-a // b) if a < 0 else a // b
