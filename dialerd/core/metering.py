"""What calls cost, and when a line has used up what it may: per day, per period, for its balance.

A day is local. A period is `period_days` from `since_day` on, or a calendar month. What was used is
told at the start (`Ledger.load`) and added up call by call, so that a restart forgets nothing.
Calls in progress are counted with `RESERVE_S` seconds each: a quota is passed at most by what those
talk on. A call begins only where `LEFT_S_MIN` seconds are left: nobody is cut off at hello.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec

from dialerd.core.limits import CALL_S_MAX, CUT_S, LEFT_S_MIN, RESERVE_S, USAGE_DAYS_MAX
from dialerd.core.line_spec import PlanSpec
from dialerd.core.pacing import NS
from dialerd.core.records import Usage

DAY_NS: Final = 86_400 * NS
_ALL: Final = ("calls", "seconds", "milli")


class Totals:
    """Answered calls, talk time and cost."""

    __slots__ = ("calls", "milli", "seconds")

    def __init__(self) -> None:
        """Nothing yet."""
        self.calls = 0
        self.seconds = 0
        self.milli = 0

    def add(self, calls: int, seconds: int, milli: int) -> None:
        """Some more."""
        self.calls += calls
        self.seconds += seconds
        self.milli += milli


Days = dict[int, Totals]


SIM: Final = "sim:"  # begins the accounts of SIMs, which may move to another bank


class Ledger:
    """What each line used on each day, by (trunk, port); port "" is the trunk with all of them.

    A SIM's books are one, whatever trunk it was used on.
    """

    __slots__ = ("lines",)

    def __init__(self) -> None:
        """Empty books."""
        self.lines: dict[tuple[str, str], Days] = {}

    def load(self, history: Iterable[Usage]) -> None:
        """What earlier runs have stored; it replaces what is here."""
        self.lines.clear()
        for used in history:
            self.add(used)

    def days(self, trunk: str, port: str = "") -> Days:
        """A line's books, kept for as long as this ledger."""
        return self.lines.setdefault(("" if port.startswith(SIM) else trunk, port), {})

    def add(self, used: Usage) -> None:
        """One call, or a day's stored sum."""
        for port in {used.port, ""}:
            day = self.days(used.trunk, port).setdefault(used.day, Totals())
            day.add(used.calls, used.seconds, used.milli)

    def forget(self, today: int) -> None:
        """Days too old to matter."""
        for days in self.lines.values():
            for day in [day for day in days if day < today - USAGE_DAYS_MAX]:
                del days[day]


def price_milli(plan: PlanSpec, seconds: int) -> int:
    """What an answered call of so many seconds costs."""
    paid_s = seconds - plan.free_s
    if paid_s <= 0 or not plan.minute_milli:
        return 0
    if paid_s > plan.first_block_s:
        steps = -(-(paid_s - plan.first_block_s) // plan.block_s)
        paid_s = plan.first_block_s + steps * plan.block_s
    else:
        paid_s = plan.first_block_s
    return -(-plan.minute_milli * paid_s // 60)


def longest_s(plan: PlanSpec) -> int:
    """How long a call may last under a plan."""
    longest = min(CALL_S_MAX, plan.call_s_max or CALL_S_MAX)
    if plan.cut_before_paid and plan.free_s:
        longest = min(longest, max(1, plan.free_s - CUT_S))
    return longest


def day_of(wall_ns: int, utc_offset_s: int) -> int:
    """The local day of a moment."""
    return (wall_ns + utc_offset_s * NS) // DAY_NS


def period_of(plan: PlanSpec, day: int) -> tuple[int, int]:
    """First day of the period of a day, and the first day after it."""
    if plan.since_day:
        first = day - (day - plan.since_day) % plan.period_days
        return first, first + plan.period_days
    at = datetime.fromtimestamp(day * 86_400, UTC)
    later = at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1, day=1)
    return day - at.day + 1, round(later.timestamp()) // 86_400


class Left(msgspec.Struct, frozen=True):
    """What a line may still use; None is no limit."""

    seconds_day: int | None
    seconds_period: int | None
    milli_day: int | None
    milli_period: int | None
    calls_day: int | None
    calls_period: int | None
    days: int | None  # of the period, or of the balance when that ends first


class Meter:
    """One line against its plan. `blocked` is what a choice reads: why no call may start on it."""

    __slots__ = ("_days", "_limits", "_span", "blocked", "day", "live", "period", "plan", "today")

    def __init__(self, plan: PlanSpec, days: Days) -> None:
        """`days` are its books, shared with the ledger."""
        self._days = days
        self._limits = _limits_of(plan)
        self._span = period_of(plan, 0)
        self.day = 0
        self.plan = plan
        self.live = 0
        self.today = Totals()
        self.period = Totals()
        self.blocked = ""

    def configure(self, plan: PlanSpec, days: Days, day: int) -> None:
        """Another plan; what was used stays used."""
        self.plan = plan
        self._days = days
        self._limits = _limits_of(plan)
        self.roll(day)

    def roll(self, day: int) -> None:
        """It is another day, or the books have changed."""
        self.day = day
        self.today = self._days.setdefault(day, Totals()) if day else Totals()
        self.period = Totals()
        self._span = first, after = period_of(self.plan, day)
        for at, used in self._days.items():
            if first <= at < after:
                self.period.add(used.calls, used.seconds, used.milli)
        self._judge()

    def begin(self) -> None:
        """A call starts on it."""
        self.live += 1
        self._judge()

    def end(self) -> None:
        """A call on it has ended; `used` tells what it cost."""
        self.live -= 1
        self._judge()

    def used(self, used: Usage) -> None:
        """The ledger has been told of a call: count it into the period too."""
        first, after = self._span
        if first <= used.day < after:
            self.period.add(used.calls, used.seconds, used.milli)
        self._judge()

    def left(self) -> Left:
        """What it may still use."""
        plan, day, period = self.plan, self.today, self.period
        ends = period_of(plan, self.day)[1] - self.day if plan.since_day else None
        if plan.until_day:
            balance = max(0, plan.until_day - self.day + 1)
            ends = balance if ends is None else min(ends, balance)
        return Left(
            _left(plan.seconds_day, day.seconds),
            _left(plan.seconds_period, period.seconds),
            _left(plan.milli_day, day.milli),
            _left(plan.milli_period, period.milli),
            _left(plan.calls_day, day.calls),
            _left(plan.calls_period, period.calls),
            ends,
        )

    def _judge(self) -> None:
        plan, live = self.plan, self.live
        self.blocked = ""
        if plan.until_day and self.day > plan.until_day:
            self.blocked = "its balance has expired"
            return
        for what, name, most in self._limits:
            totals = self.today if name == "day" else self.period
            soon = live + 1 if what == "calls" else live * RESERVE_S + LEFT_S_MIN
            if what == "milli":
                soon = live * price_milli(plan, RESERVE_S) + 1
            if getattr(totals, what) + soon > most:
                self.blocked = f"its {_WORDS[what]} of the {name} are used up"
                return


_WORDS: Final = {"calls": "calls", "seconds": "minutes", "milli": "costs"}


def _limits_of(plan: PlanSpec) -> list[tuple[str, str, int]]:
    """(what, in which time, how much) of those that the plan has: most plans have none."""
    pairs = [(what, name) for name in ("day", "period") for what in _ALL]
    found = [(what, name, getattr(plan, f"{what}_{name}")) for what, name in pairs]
    return [one for one in found if one[2]]


def _left(most: int, used: int) -> int | None:
    return max(0, most - used) if most else None
