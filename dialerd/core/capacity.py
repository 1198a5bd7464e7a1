"""How many lines so many calls need, and how many calls so many lines carry.

A call holds its line for the dialing, the ringing, and for those who are reached the talk:

    hold = dial + ring + (1 - unreachable) x talk          7 s + 25 s + 0.7 x 40 s = 60 s

Lines busy to the last second carry hours x 3600 / hold calls a day each. A queue on top would need
more lines than this (Erlang); a dialer has none: it starts a call when a line is free.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

import msgspec

from dialerd.core.line_spec import PlanSpec, TrunkSpec

BANKS: Final = (16, 64)
"""Ports of the boxes that are sold."""
LIMITS: Final = {  # of what may be asked: least, most
    "dial_s": (0, 300), "ring_s": (0, 300), "talk_s": (0, 86_400), "hold_s": (0, 86_400),
    "gap_s": (0, 86_400), "unreachable": (0, 1), "hours": (0.01, 24), "days": (1, 31),
    "calls": (0, 1_000_000_000), "lines": (0, 1_000_000),
}  # fmt: skip


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a call and a day are like.

    Attributes:
        dial_s: from dialing to the first ring.
        ring_s: ringing, on average.
        talk_s: talk of those who are reached.
        unreachable: share of calls, 0 to 1, that end without talk.
        hold_s: the whole time of a call on its line, instead of these; 0: as computed.
        gap_s: pause of a line after each call.
        hours: dialing hours of a day.
        days: dialing days of a month.
    """

    dial_s: float = 7
    ring_s: float = 25
    talk_s: float = 40
    unreachable: float = 0.3
    hold_s: float = 0
    gap_s: float = 0
    hours: float = 8
    days: int = 30

    def __post_init__(self) -> None:
        """ValueError names what cannot be."""
        for name in ("dial_s", "ring_s", "talk_s", "unreachable", "hold_s", "gap_s", "hours"):
            checked(name, getattr(self, name))
        checked("days", self.days)
        if not self.call_s > 0:
            raise ValueError("a call takes no time: give dial_s, ring_s, talk_s or hold_s")

    @property
    def call_s(self) -> Fraction:
        """How long a call keeps its line from the next one."""
        gap = exact(self.gap_s)
        if self.hold_s:
            return exact(self.hold_s) + gap
        talk = (1 - exact(self.unreachable)) * exact(self.talk_s)
        return exact(self.dial_s) + exact(self.ring_s) + talk + gap

    @property
    def day_s(self) -> Fraction:
        """Seconds of dialing in a day."""
        return exact(self.hours) * 3600


class Need(msgspec.Struct, frozen=True):
    """What so many calls need."""

    calls_day: float
    calls_month: float
    calls_per_s: float
    lines: int
    boxes: dict[str, int]  # ports of a box -> boxes


class Carried(msgspec.Struct, frozen=True):
    """What so many lines carry."""

    lines: int
    calls_day: int
    calls_month: int
    calls_per_s: float


class Bound(msgspec.Struct, frozen=True):
    """What one trunk carries, and what keeps it from more."""

    trunk: str
    lines: int
    calls_day: int
    calls_month: int
    because: str


def exact(number: float) -> Fraction:
    """As it was written: 0.3 is three tenths, so that nothing is rounded up to one line more."""
    return Fraction(str(number))


def checked(name: str, value: float) -> float:
    """The value, within `LIMITS`; ValueError names it."""
    least, most = LIMITS[name]
    if not least <= value <= most:  # and what is no number
        raise ValueError(f"{name}: {least:g} to {most:g}, not {value:g}")
    return value


def lines_for(work: Work, *, calls_day: float = 0, calls_month: float = 0) -> Need:
    """The lines for so many calls a day and, spread over its dialing days, a month: the larger."""
    checked("calls", calls_day)
    checked("calls", calls_month)
    a_day = max(exact(calls_day), exact(calls_month) / work.days)
    a_month = a_day * work.days
    lines = math.ceil(a_day * work.call_s / work.day_s)
    return Need(
        float(a_day),
        float(a_month),
        float(a_day / work.day_s),
        lines,
        {str(ports): math.ceil(Fraction(lines, ports)) for ports in BANKS},
    )


def calls_on(work: Work, lines: int) -> Carried:
    """What so many lines carry; a call that is not over at the end of the day is none."""
    checked("lines", lines)
    a_day = lines * work.day_s / work.call_s
    return Carried(lines, int(a_day), int(a_day * work.days), float(Fraction(lines) / work.call_s))


def calls_of(work: Work, trunks: Iterable[TrunkSpec]) -> list[Bound]:
    """What the configured trunks carry: by lines, by calls a second, by their plans."""
    return [_bound(work, trunk) for trunk in trunks]


def _bound(work: Work, trunk: TrunkSpec) -> Bound:
    """The least of all its limits is what counts."""
    lines = min(trunk.channels, len(trunk.ports)) if trunk.ports else trunk.channels
    found: list[tuple[Fraction, str]] = []
    if trunk.ports:
        each = sorted((_port(work, p.gap_s, p.plan) for p in trunk.ports), reverse=True)
        calls = sum((calls for calls, _ in each[:lines]), Fraction())
        reasons = [why for _, why in each if why]
        found.append((calls, reasons[0] if reasons else "its ports are busy all day"))
    else:
        found.append((lines * work.day_s / work.call_s, "its channels are busy all day"))
    if trunk.cps_max:
        found.append((exact(trunk.cps_max) * work.day_s, f"{trunk.cps_max:g} calls a second"))
    found.extend((calls, f"the {what} of its plan") for calls, what in _plan(work, trunk.plan))
    calls, because = min(found, key=lambda one: one[0])
    if not trunk.up:
        calls, because = Fraction(), "it is switched off"
    return Bound(trunk.name, lines, int(calls), int(calls * work.days), because)


def _port(work: Work, gap_s: int, plan: PlanSpec) -> tuple[Fraction, str]:
    """Calls of a day on one port, and what of its own limits it, if anything."""
    hold = work.call_s - exact(work.gap_s) + max(exact(work.gap_s), Fraction(gap_s))
    found = [(work.day_s / hold, "")]
    found.extend((calls, f"the {what} of its ports' plan") for calls, what in _plan(work, plan))
    return min(found, key=lambda one: one[0])


def _plan(work: Work, plan: PlanSpec) -> Iterator[tuple[Fraction, str]]:
    """Calls of a day that a plan allows; only those who are reached count against it."""
    reached = 1 - exact(work.unreachable)
    talk_s = exact(work.talk_s)
    if not reached:
        return
    if plan.calls_day:
        yield plan.calls_day / reached, "calls a day"
    if plan.calls_period:
        yield Fraction(plan.calls_period, plan.period_days) / reached, "calls a month"
    if talk_s and plan.seconds_day:
        yield plan.seconds_day / talk_s / reached, "minutes a day"
    if talk_s and plan.seconds_period:
        yield Fraction(plan.seconds_period, plan.period_days) / talk_s / reached, "minutes a month"
