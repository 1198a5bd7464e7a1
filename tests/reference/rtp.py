"""A receiver and a sender of RTP as the RFCs tell it, slow and in plain Python.

The rules are those of fastpath.rtp_latch, rtp_receive and rtp_send; the means are not: sets of
extended sequence numbers, lists that are searched, integers without a width.
"""

from __future__ import annotations

import struct
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from itertools import pairwise

DIGITS = "0123456789*#ABCD"
ANY, PORT, HOST, EXACT = range(4)
LEARN_PACKETS, LEARN_NS, CANDIDATES = 4, 3_000_000_000, 4
DROPOUT, WINDOW, RESTART_NS = 3000, 64, 500_000_000
GONE_NS, FORGET_NS, HISTORY = 60_000_000, 1_000_000_000, 8
BEGIN_NS = 250_000_000
LEAP = 16_000

Address = tuple[str, int]


def rtp(
    seq: int,
    timestamp: int = 0,
    ssrc: int = 1,
    payload_type: int = 0,
    payload: bytes = b"\xff" * 160,
    *,
    marker: bool = False,
    csrcs: int = 0,
    extension: bytes | None = None,
    padding: int = 0,
    version: int = 2,
) -> bytes:
    """An RTP packet (RFC 3550 section 5.1)."""
    first = version << 6 | bool(padding) << 5 | (extension is not None) << 4 | csrcs
    head = struct.pack(
        "!BBHII",
        first,
        marker << 7 | payload_type,
        seq & 0xFFFF,
        timestamp & 0xFFFFFFFF,
        ssrc,
    ) + bytes(4 * csrcs)
    if extension is not None:
        head += struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension
    return head + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


def event(code: int, duration: int, *, end: bool = False) -> bytes:
    """The payload of an event packet (RFC 4733 section 2.3)."""
    return struct.pack("!BBH", code, end << 7 | 10, duration)


@dataclass
class Parsed:
    payload_type: int
    seq: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False


def parse(data: bytes) -> Parsed | None:
    if not 12 <= len(data) <= 1500 or data[0] >> 6 != 2:
        return None
    _, second, seq, timestamp, ssrc = struct.unpack_from("!BBHII", data)
    rest = data[12:]
    csrcs = 4 * (data[0] & 15)
    if len(rest) < csrcs:
        return None
    rest = rest[csrcs:]
    if data[0] & 0x10:
        if len(rest) < 4:
            return None
        words = int.from_bytes(rest[2:4], "big")
        if len(rest) < 4 + 4 * words:
            return None
        rest = rest[4 + 4 * words :]
    if data[0] & 0x20:
        if not 1 <= data[-1] <= len(rest):
            return None
        rest = rest[: len(rest) - data[-1]]
    return Parsed(second & 0x7F, seq, timestamp, ssrc, rest, bool(second >> 7))


@dataclass
class Candidate:
    source: Address
    rank: int
    touched: int
    ssrc: int = -1
    next_seq: int = -1
    in_order: int = 0


class Latch:
    def __init__(self, sdp: Address) -> None:
        self.sdp = self.peer = sdp
        self.leader: Candidate | None = None
        self.locked = False
        self.led_ns = 0
        self.clock = 0
        self.candidates: list[Candidate] = []

    def rank(self, source: Address) -> int:
        if source == self.sdp:
            return EXACT
        if source[0] == self.sdp[0]:
            return HOST
        return PORT if source[1] == self.sdp[1] else ANY

    def admit(self, source: Address, ssrc: int, seq: int, at_ns: int) -> bool:
        leads = self.leader is not None and source == self.peer
        if self.leader is not None and at_ns - self.led_ns >= LEARN_NS:
            self.locked = True
        if self.locked:
            return leads
        rank = self.rank(source)
        if not leads and self.leader is not None and rank <= self.rank(self.peer):
            return False
        c = self.candidate(source, rank)
        if c is None:
            return False
        self.clock += 1
        c.touched = self.clock
        expected = c.in_order and (c.ssrc, c.next_seq) == (ssrc, seq)
        c.in_order = min(c.in_order + 1, LEARN_PACKETS) if expected else 1
        c.ssrc, c.next_seq = ssrc, (seq + 1) % 65536
        ready = c.in_order == LEARN_PACKETS
        if not leads and (rank == EXACT or ready):
            if self.leader is None:
                self.led_ns = at_ns
            self.leader, self.peer, leads = c, source, True
        if rank == EXACT and ready:
            self.locked = True
        return leads

    def candidate(self, source: Address, rank: int) -> Candidate | None:
        for c in self.candidates:
            if c.source == source:
                return c
        if len(self.candidates) == CANDIDATES:
            weakest = min(self.candidates, key=lambda c: (c.rank, c.in_order, c.touched))
            if weakest.rank > rank:
                return None
            self.candidates.remove(weakest)
        self.candidates.append(Candidate(source, rank, self.clock))
        return self.candidates[-1]


@dataclass
class Source:
    ssrc: int
    first: int
    last: int
    seen: set[int]
    last_ns: int = 0
    bad: int | None = None
    transit: int | None = None
    jitter_x16: int = 0


@dataclass
class Event:
    code: int
    ssrc: int
    timestamp: int
    first_ns: int
    last_ns: int
    duration: int = 0


@dataclass
class Receiver:
    latch: Latch = field(default_factory=lambda: Latch(("0.0.0.0", 0)))
    event_type: int = -1
    sources: list[Source | None] = field(default_factory=lambda: [None, None])
    heard: Source | None = None
    open: Event | None = None
    told: deque[list[int]] = field(default_factory=lambda: deque(maxlen=HISTORY))
    digits: list[tuple[str, int]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    past: list[Source] = field(default_factory=list)  # forgotten, or begun anew

    def connect(self, host: str, port: int, event_type: int = -1) -> None:
        self.latch, self.event_type = Latch((host, port)), event_type

    def books(self) -> list[Source]:
        return self.past + [s for s in self.sources if s is not None]

    def lost(self) -> int:
        return sum(lost_of(s) for s in self.books())

    def expected(self) -> int:
        return sum(s.last - s.first + 1 for s in self.books())

    def runs(self) -> list[int]:
        """The lengths of all stretches of packets that never came."""
        return [
            length
            for s in self.books()
            for length in (b - a - 1 for a, b in pairwise(sorted(s.seen)))
            if length
        ]

    def jitter_ms(self) -> float:
        return self.heard.jitter_x16 / 16 / 8 if self.heard else 0.0

    def packet(self, data: bytes, source: Address, at_ns: int) -> str:
        if len(data) >= 4 and data[0] >> 6 == 2 and 192 <= data[1] <= 223:
            self.counts["rtcp"] += 1
            return "rtcp"
        p = parse(data)
        if p is None:
            self.counts["malformed"] += 1
            return "malformed"
        if not self.latch.admit(source, p.ssrc, p.seq, at_ns):
            self.counts["foreign"] += 1
            return "foreign"
        self.counts["received"] += 1
        s, verdict = self.sequence(p, at_ns)
        s.last_ns = at_ns
        if verdict:
            self.counts["duplicates" if verdict == "duplicate" else verdict] += 1
        if verdict == "duplicate":
            return verdict
        if p.payload_type == self.event_type:
            if len(p.payload) < 4:
                self.counts["malformed"] += 1
                return "malformed"
            self.event(p, at_ns)
            return verdict or "event"
        if verdict:
            return verdict
        if p.payload_type not in (0, 8, 13):
            self.counts["other_payload"] += 1
            return "other_payload"
        self.jitter(s, p.timestamp, at_ns)
        self.heard = s
        return "audio"

    def sequence(self, p: Parsed, at_ns: int) -> tuple[Source, str]:
        known = [s for s in self.sources if s is not None and s.ssrc == p.ssrc]
        if not known:
            return self.new_source(p), ""
        s = known[0]
        ahead = (p.seq - s.last) % 65536
        if 0 < ahead < DROPOUT:
            s.last += ahead
            s.seen.add(s.last)
            s.bad = None
            return s, ""
        if ahead == 0:
            return s, "duplicate"
        back = 65536 - ahead
        quiet_ns = at_ns - s.last_ns
        again = quiet_ns > RESTART_NS or (quiet_ns > BEGIN_NS and self.begins(p))
        if again or (back >= WINDOW and s.bad == p.seq):
            self.past.append(replace(s))
            s.first = s.last = p.seq
            s.seen, s.bad, s.transit, s.jitter_x16 = {p.seq}, None, None, 0
            return s, ""
        if back >= WINDOW:
            s.bad = (p.seq + 1) % 65536
            return s, "stale"
        number = s.last - back
        if number in s.seen:
            return s, "duplicate"
        s.seen.add(number)
        s.first = min(s.first, number)
        self.counts["reordered"] += 1
        return s, ""

    def begins(self, p: Parsed) -> bool:
        event = p.payload_type == self.event_type and len(p.payload) >= 4
        return event and p.marker and not p.payload[1] >> 7

    def new_source(self, p: Parsed) -> Source:
        ages = [-1 if s is None else s.last_ns for s in self.sources]
        index = ages.index(min(ages))
        old = self.sources[index]
        if old is not None:
            self.past.append(old)
            self.counts["source_changes"] += 1
        fresh = self.sources[index] = Source(p.ssrc, p.seq, p.seq, {p.seq})
        if self.heard is old:
            self.heard = fresh
        return fresh

    def jitter(self, s: Source, timestamp: int, at_ns: int) -> None:
        transit = (at_ns // 125_000 - timestamp) % 2**32
        if s.transit is not None:
            d = abs((transit - s.transit + 2**31) % 2**32 - 2**31)
            if d > LEAP:
                d = (s.jitter_x16 + 8) >> 4  # which leaves it alone
            s.jitter_x16 += d - ((s.jitter_x16 + 8) >> 4)
        s.transit = transit

    def tell(self, code: int, at_ns: int) -> None:
        self.counts["digits_heard"] += 1
        self.digits.append((DIGITS[code], at_ns))

    def finish(self) -> None:
        assert self.open is not None
        self.told.append([self.open.ssrc, self.open.timestamp, self.open.last_ns])
        self.tell(self.open.code, self.open.first_ns)
        self.open = None

    def event(self, p: Parsed, at_ns: int) -> None:
        code, flags, duration = struct.unpack_from("!BBH", p.payload)
        for known in [k for k in self.told if k[:2] == [p.ssrc, p.timestamp]]:
            age_ns = at_ns - known[2]
            if self.begins(p) and age_ns > BEGIN_NS:
                known[2] = -FORGET_NS * 2
            elif age_ns <= FORGET_NS:
                known[2] = at_ns
                return
        e = self.open
        if e is not None and e.ssrc == p.ssrc and e.timestamp != p.timestamp:
            after = (p.timestamp - e.timestamp) % 2**32
            if e.code == code and e.duration == 0xFFFF == after:
                self.told.append([e.ssrc, e.timestamp, at_ns])
                e.timestamp, e.duration = p.timestamp, 0
            elif after >= 2**31:
                self.told.append([p.ssrc, p.timestamp, at_ns])
                if code < 16:
                    self.tell(code, at_ns)
                return
        if e is None or (e.ssrc, e.timestamp) != (p.ssrc, p.timestamp):
            if e is not None:
                self.finish()
            if code >= 16:
                return
            e = self.open = Event(code, p.ssrc, p.timestamp, at_ns, at_ns)
        e.last_ns, e.duration = at_ns, max(e.duration, duration)
        if flags >> 7:
            self.finish()

    def tick(self, now_ns: int) -> None:
        if self.open is not None and now_ns - self.open.last_ns > GONE_NS:
            self.finish()


def lost_of(s: Source) -> int:
    return s.last - s.first + 1 - len(s.seen)
