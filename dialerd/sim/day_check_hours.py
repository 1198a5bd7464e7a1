"""Whether nobody was dialed outside the hours of campaign and regime, where the person lives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from holidays import country_holidays

from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.records import Hours
from dialerd.core.regime_data import REGIMES
from dialerd.sim.checkers import Fault, Kind
from dialerd.sim.day_clock import NS, VirtualClock
from dialerd.sim.day_lines import Leg

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Columns = Mapping[str, Mapping[int, Mapping[str, str]]]  # list, number, column: what stands there


def hour_faults(
    clock: VirtualClock,
    legs: list[Leg],
    owner: Mapping[int, CampaignSpec],
    columns: Columns,
    slack_ns: int,
) -> Iterator[Fault]:
    """By the machine's own clock, wrong as it may be: nobody has another."""
    steps = clock.steps
    for leg in legs:
        spec = owner.get(leg.attempt)
        if spec is None:
            continue
        # The daemon looks once a second whether its clock was moved.
        since_ns = leg.at_ns - slack_ns - 2 * NS
        offsets = {offset for at_ns, offset in steps if since_ns < at_ns <= leg.at_ns}
        offsets.add([offset for at_ns, offset in steps if at_ns <= max(since_ns, steps[0][0])][-1])
        moments = [at + offset for offset in offsets for at in (leg.at_ns, leg.at_ns - slack_ns)]
        told = columns.get(spec.list, {}).get(leg.phone, {}).get(spec.zone_column, "")
        zone: tzinfo = ZoneInfo(told) if told else REGIMES[spec.regime].zone
        if not any(is_open(spec, wall_ns, zone) for wall_ns in moments):
            text = datetime.fromtimestamp(min(moments) // NS, zone)
            yield Fault(Kind.OUTSIDE_HOURS, leg.phone, leg.call_id, f"{text:%a %H:%M:%S %Z}")


def is_open(spec: CampaignSpec, wall_ns: int, zone: tzinfo | None = None) -> bool:
    """Whether a campaign may dial people of a zone at a moment; None: of the regime's."""
    regime = REGIMES[spec.regime]
    at_s = wall_ns / NS
    if isinstance(spec.start_at, datetime) and at_s < spec.start_at.timestamp():
        return False
    if isinstance(spec.end_at, datetime) and at_s >= spec.end_at.timestamp():
        return False
    at = datetime.fromtimestamp(at_s, zone or regime.zone)
    if (spec.skip_holidays or regime.holidays_closed) and at.date() in _off(
        regime.holidays, at.year
    ):
        return False
    own = [
        Hours(_minute(h.start), _minute(h.end), tuple(_DAYS.index(d.value) for d in h.days))
        for h in spec.hours
    ]
    return all(
        not windows or any(_inside(window, at) for window in windows)
        for windows in (own, regime.hours)
    )


@lru_cache
def _off(country: str, year: int) -> frozenset[object]:
    """The public holidays of a year, as the calendar has them."""
    code, _, part = country.partition("-")
    return frozenset(country_holidays(code, subdiv=part or None, years=year)) if code else _NONE


_NONE: Final[frozenset[object]] = frozenset()


def _inside(window: Hours, at: datetime) -> bool:
    minute = at.hour * 60 + at.minute
    if window.end_minute > window.start_minute:
        return window.start_minute <= minute < window.end_minute and at.weekday() in window.weekdays
    late = minute >= window.start_minute and at.weekday() in window.weekdays
    early = minute < window.end_minute and (at.weekday() - 1) % 7 in window.weekdays
    return late or early


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)
