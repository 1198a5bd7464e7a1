"""Which calls to a number use up a frequency cap, and when the next one is allowed.

Every call is remembered with how far it got; a cap that counts messages heard looks only at calls
that were heard, one that counts attempts looks at all. The window is counted from the end of the
call, which is the careful reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dialerd.core.records import CapCounts, FrequencyCap

RESERVED: Final = 0  # in some dialer's hands
ATTEMPTED: Final = 1
ANSWERED: Final = 2
HEARD: Final = 3
FAR: Final = 0x0F  # the bits of a level that say how far a call got
ABANDONED: Final = 0x10  # a person answered, and nobody was there
COUNTED_FROM: Final = {
    CapCounts.ATTEMPTED: ATTEMPTED,
    CapCounts.ANSWERED: ANSWERED,
    CapCounts.HEARD: HEARD,
}

Entry = tuple[int, int, int]  # at_ms, level, attempt id


def in_flight(entries: Iterable[Entry]) -> bool:
    """Whether some campaign holds the number now."""
    return any(level == RESERVED for _, level, _ in entries)


def eligible_ms(entries: Iterable[Entry], caps: Iterable[FrequencyCap], now_ms: int) -> int:
    """When every cap allows the next call, Unix ms; `now_ms` when they do already."""
    latest = now_ms
    for cap in caps:
        window_ms = cap.window_s * 1000
        floor = COUNTED_FROM[cap.counts]
        counted = [
            at for at, level, _ in entries if level & FAR >= floor and at + window_ms > now_ms
        ]
        if len(counted) >= cap.calls_max:
            counted.sort()
            latest = max(latest, counted[-cap.calls_max] + window_ms)
    return latest


def unlocked_ms(entries: Iterable[Entry], any_s: int, abandoned_s: int, now_ms: int) -> int:
    """When a regime's lock-outs let a number be called again: after any call, and an abandoned."""
    latest = now_ms
    for at_ms, level, _ in entries:
        if level & FAR:
            locked_s = max(any_s, abandoned_s) if level & ABANDONED else any_s
            if locked_s:
                latest = max(latest, at_ms + locked_s * 1000)
    return latest
