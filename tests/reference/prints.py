"""Slow twin of `fastpath.prints_code` and `fastpath.prints`: prints by numpy, matching in Python.

The matcher's numbers are whole but for rates, which are 32-bit floats here as there; told
differently is one step: the place of a recording is found by counting through all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpath.prints import PrintMatch
from fastpath.prints_bank import SHARED, SILENT

HOP, WINDOW, BANDS, KEPT = 256, 1024, 17, 10
SHORT, LONG, SEGMENTS, LEADS, BLOCK = 58, 116, 8, 6, 128
F = np.float32

Recording = tuple[bytes, bytes, int]


def bands(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Amplitudes of 17 bands between 250 and 3300 Hz."""
    window = np.hanning(WINDOW + 1)[:WINDOW]
    power = np.abs(np.fft.rfft(samples / 32768 * window)) ** 2
    edges = np.rint(250 * (3300 / 250) ** (np.arange(BANDS + 1) / BANDS) * WINDOW / 8000)
    return np.array([np.sqrt(power[int(a) : int(b)].sum()) for a, b in pairwise(edges)])


def changes(samples: NDArray[np.int16], at: int) -> NDArray[np.float64]:
    """By how much each difference of neighbours grew, to the window that begins at `at` + HOP."""
    before, now = bands(samples[at : at + WINDOW]), bands(samples[at + HOP : at + HOP + WINDOW])
    return -np.diff(now) + np.diff(before)


def ones(number: int) -> int:
    """Bits that are set."""
    return bin(number).count("1")


@dataclass
class Tally:
    """What was compared."""

    prints: int = 0
    bits: int = 0
    errors: int = 0

    def add(self, bits: int, errors: int) -> None:
        """One print more."""
        self.prints += 1
        self.bits += bits
        self.errors += errors

    @property
    def rate(self) -> Any:
        """Bits that differ."""
        return F(self.errors) / F(self.bits) if self.bits else F(0.5)


@dataclass
class Looked:
    """One alignment over the last 4 s."""

    ref: int
    place: int
    overlap: int
    brief: Tally = field(default_factory=Tally)
    brief_own: Tally = field(default_factory=Tally)
    whole: Tally = field(default_factory=Tally)
    whole_own: Tally = field(default_factory=Tally)
    segment: list[Tally] = field(default_factory=lambda: [Tally() for _ in range(SEGMENTS)])

    def even(self) -> bool:
        """Whether no part is much worse than the others."""
        rates = sorted(one.rate for one in self.segment if one.prints >= 6)
        if len(rates) < 2:
            return False
        most = F(0.22) + F(1.6) * rates[len(rates) // 3]
        return bool(rates[-1] <= min(max(most, F(0.25)), F(0.42)))

    def brief_agrees(self) -> bool:
        """A candidate."""
        most = F(0.31) - F(0.0025) * F(SHORT - self.brief.prints)
        return bool(self.brief.prints >= 34 and self.brief.rate <= most)

    def whole_agrees(self) -> bool:
        """Sure by 4 s."""
        enough = self.overlap >= 112 and self.whole.prints >= 62 and self.whole_own.prints >= 12
        close = self.whole.rate <= F(0.30) and self.whole_own.rate <= F(0.36)
        return bool(enough and close and self.even())

    def unexplained(self, bits: int) -> Any:
        """The part of all bits that it does not tell."""
        return (F(self.whole.errors) + F(0.45) * F(bits - self.whole.bits)) / F(bits)


class Matcher:
    """The rules of `fastpath.prints` on prints that are given."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self.codes = np.concatenate([np.frombuffer(code, np.uint16) for code, _, _ in recordings])
        self.flags = b"".join(flags for _, flags, _ in recordings)
        self.kinds = [kind for _, _, kind in recordings]
        sizes = [len(flags) for _, flags, _ in recordings]
        self.begins = [sum(sizes[:number]) for number in range(len(sizes))]
        self.sums = np.full(len(self.codes), 5120, np.int64)
        self.heard: list[tuple[int, int]] = []
        self.passes: list[tuple[int, int]] = []  # ref, print
        self.told = -1
        self.told_sure: set[int] = set()
        self.hot = False

    def take(self, codes: Iterable[int], masks: Iterable[int]) -> list[PrintMatch]:
        """Match these prints too."""
        return [
            news
            for code, mask in zip(codes, masks, strict=True)
            if (news := self._one(int(code), int(mask)))
        ]

    def _one(self, code: int, mask: int) -> PrintMatch | None:
        self.heard.append((code, mask))
        if not mask:
            return None
        differ = (np.roll(self.codes, -2 * len(self.heard)) ^ code) & mask
        errors = sum((differ >> bit) & 1 for bit in range(16)).astype(np.int64)
        self.sums += (1024 * errors - self.sums) >> 5
        if len(self.heard) < 34 or (not self.hot and len(self.heard) % 4):
            return None
        return self._look()

    def _leads(self) -> list[int]:
        blocks = range(0, len(self.sums), BLOCK)
        best = [begin + int(np.argmin(self.sums[begin : begin + BLOCK])) for begin in blocks]
        return sorted((one for one in best if self.sums[one] <= 3500), key=lambda a: self.sums[a])[
            :LEADS
        ]

    def _examine(self, alignment: int) -> Looked:
        place = (alignment + 2 * len(self.heard)) % len(self.codes)
        ref = max(number for number, begin in enumerate(self.begins) if begin <= place)
        overlap = min((place - self.begins[ref]) // 2 + 1, LONG, len(self.heard))
        looked = Looked(ref, place, overlap)
        for back in range(overlap):
            code, mask = self.heard[-1 - back]
            flags = self.flags[place - 2 * back]
            if not mask or flags & SILENT:
                continue
            seen = ones(mask), ones((code ^ int(self.codes[place - 2 * back])) & mask)
            tallies = [looked.whole, looked.segment[back * SEGMENTS // LONG]]
            tallies += [looked.brief] * (back < SHORT)
            if not flags & SHARED:
                tallies += [looked.whole_own] + [looked.brief_own] * (back < SHORT)
            for tally in tallies:
                tally.add(*seen)
        return looked

    def _look(self) -> PrintMatch | None:
        bits = sum(ones(mask) for _, mask in self.heard[-LONG:])
        every = [self._examine(one) for one in self._leads()]
        good = [one for one in every if one.brief_agrees() or one.whole_agrees()]
        self.hot = bool(good)
        if not good:
            return None
        best = min(good, key=lambda one: one.unexplained(bits))
        sure = best.whole_agrees() or self._twice(best)
        for one in every:
            rival = self.kinds[one.ref] != self.kinds[best.ref]
            if rival and one.unexplained(bits) < best.unexplained(bits) + F(0.04):
                sure = False
        return self._tell(best, sure)

    def _twice(self, one: Looked) -> bool:
        ends = [*self.begins[1:], len(self.codes)]
        steps = (ends[one.ref] - self.begins[one.ref]) // 2
        if steps >= 112 or one.overlap < SHORT - 8 or one.overlap < 7 / 8 * steps:
            return False
        if one.whole.rate > F(0.27) or one.whole_own.prints < 12 or not one.even():
            return False
        now = len(self.heard)
        for ref, number in self.passes[-4:]:
            if ref == one.ref:
                return now - number >= one.overlap
        self.passes.append((one.ref, now))
        return False

    def _tell(self, one: Looked, sure: bool) -> PrintMatch | None:
        if one.ref in self.told_sure or (not sure and self.told == one.ref):
            return None
        if sure:
            self.told_sure.add(one.ref)
        self.told = one.ref
        rate = one.whole.rate if sure else one.brief.rate
        position_ms = ((one.place - self.begins[one.ref]) * 128 + HOP + WINDOW) // 8
        at_ms = len(self.heard) * HOP // 8
        prints = min(one.overlap, LONG if sure else SHORT)
        from_ms = max(at_ms - (prints * HOP + WINDOW) // 8, 0)
        return PrintMatch(one.ref, sure, float(rate), position_ms, from_ms, at_ms)
