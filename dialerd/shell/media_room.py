"""How many calls the media threads can carry in time: admission by what a call costs them.

A call that is admitted talks a ring later, so that the load of this second says too little: what
counts is the time that a talking stream costs, times all the streams that are open. The cost is
learned from the threads themselves, and begins with that of a slow core.
"""

from __future__ import annotations

from typing import Final

import msgspec

LOAD_MAX: Final = 0.7  # of a thread's time
COST: Final = 1 / 4000  # of a core, a stream both ways: before anything was measured
COST_MIN: Final = 1 / 40_000
STREAMS_MIN: Final = 50  # with fewer talking, what a thread needs for itself hides their cost
SMOOTH: Final = 0.2
FRAMES_PER_S: Final = 50


class MediaRules(msgspec.Struct, frozen=True):
    """What holds for all streams.

    Attributes:
        threads: media threads of the engine.
        load_max: the part of their time they may spend before calls are refused; 0: any.
        silence_s_max: after so long without audio an answered call is lost; 0: never.
        rtcp: reports are exchanged.
    """

    threads: int = 1
    load_max: float = 0.0
    silence_s_max: float = 0.0
    rtcp: bool = True


NO_RULES = MediaRules()


class MediaRoom:
    """Pure: `measure` is told the engine's counters, about once a second."""

    def __init__(self, threads: int, load_max: float = LOAD_MAX) -> None:
        """`load_max` 0 admits everything."""
        self._threads = threads
        self._load_max = load_max
        self._cost = COST
        self._frames = 0
        self._at_ns = 0
        self.calls_max = self._most() if load_max else 0
        self.why = self._words(0.0) if load_max else ""

    def _most(self) -> int:
        return max(1, int(self._load_max * self._threads / self._cost))

    def _words(self, load: float) -> str:
        return (
            f"the media threads carry {self.calls_max} calls in time"
            f" (now at {load:.0%}, limit {self._load_max:.0%})"
        )

    def measure(self, counters: dict[str, int | float], now_ns: int) -> bool:
        """Whether the room changed; then `calls_max` and `why` say to what."""
        if not self._load_max:
            return False
        frames, load = int(counters["frames"]), float(counters["load"])
        passed_s = (now_ns - self._at_ns) / 1e9
        talking = (frames - self._frames) / FRAMES_PER_S / passed_s if self._at_ns else 0.0
        self._frames, self._at_ns = frames, now_ns
        if talking >= STREAMS_MIN:
            cost = max(load * self._threads / talking, COST_MIN)
            self._cost += SMOOTH * (cost - self._cost)
        most = self._most()
        if load >= self._load_max:
            most = max(1, min(most, int(counters["streams"])))
        if abs(most - self.calls_max) * 100 <= self.calls_max:
            return False
        self.calls_max = most
        self.why = self._words(load)
        return True
