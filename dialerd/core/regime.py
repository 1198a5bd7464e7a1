"""Regimes: the legal rules a campaign runs under, as data, and when they let it dial.

A campaign names exactly one regime. Regime and campaign both bind: hours are the intersection of
the two, and a number must be inside the cap of each. Hours are local time in the regime's zone and
may run across midnight; a zone with daylight saving is right on both changes, because every opening
is computed as a local time of its own day.

Source for Vietnam: Decree 91/2020/ND-CP: advertising calls 08:00-17:00 only, at most one call to a
number in 24 hours.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final, NamedTuple

from dialerd.core.limits import CAP_CALLS_MAX, CAP_WINDOW_S_MAX, HORIZON_DAYS, HOURS_MAX
from dialerd.core.records import CampaignSettings, CapCounts, FrequencyCap, Hours

VIETNAM: Final = timezone(timedelta(hours=7), "+07:00")  # no daylight saving since 1975
DAY_S: Final = 86_400
NS: Final = 1_000_000_000


class Regime(NamedTuple):
    """One set of legal rules."""

    name: str
    text: str
    zone: tzinfo
    hours: tuple[Hours, ...] = ()  # empty: any hour, as far as the regime is concerned
    cap: FrequencyCap | None = None
    own_hours_required: bool = False
    loopback_only: bool = False


REGIMES: Final[dict[str, Regime]] = {
    regime.name: regime
    for regime in (
        Regime(
            "vn-advertising",
            "advertising in Vietnam: 08:00-17:00, one call per number in 24 hours",
            VIETNAM,
            hours=(Hours(8 * 60, 17 * 60),),
            cap=FrequencyCap(calls_max=1, window_s=DAY_S, counts=CapCounts.ATTEMPTED),
        ),
        Regime(
            "vn-care",
            "care of existing customers in Vietnam: the campaign sets its own hours",
            VIETNAM,
            own_hours_required=True,
        ),
        Regime(
            "loopback",
            "simulated lines on this machine only: any hour",
            VIETNAM,
            loopback_only=True,
        ),
    )
}

# Whatever uses up a cap on the left also uses up one on the right: heard < answered < attempted.
_BREADTH: Final = {CapCounts.HEARD: 0, CapCounts.ANSWERED: 1, CapCounts.ATTEMPTED: 2}


class Window(NamedTuple):
    """Whether dialing is allowed, and the wall-clock time (Unix ns) until which that holds.

    `until_ns` is None when nothing will change any more (a campaign past its end). When the hours
    do not change within the horizon it is the end of the horizon: ask again then.
    """

    open: bool
    until_ns: int | None


def find_regime(name: str) -> Regime:
    """The regime called `name`.

    Raises:
        ValueError: unknown; the text names the known ones.
    """
    regime = REGIMES.get(name)
    if regime is None:
        raise ValueError(f"unknown regime {name!r}; known: {', '.join(REGIMES)}")
    return regime


def effective_caps(settings: CampaignSettings) -> tuple[FrequencyCap, ...]:
    """The caps that a number must be inside of before this campaign may dial it, all of them.

    The regime's comes first. Of two caps where one forbids all that the other forbids, only the
    stricter is returned. A campaign cap with no window binds nothing.
    """
    regime_cap = find_regime(settings.regime).cap
    own = settings.cap if settings.cap.window_s else None
    if regime_cap is None or own is None:
        return tuple(cap for cap in (regime_cap, own) if cap is not None)
    if _covers(own, regime_cap):
        return (own,)
    if _covers(regime_cap, own):
        return (regime_cap,)
    return (regime_cap, own)


def _covers(strict: FrequencyCap, loose: FrequencyCap) -> bool:
    return (
        strict.calls_max <= loose.calls_max
        and strict.window_s >= loose.window_s
        and _BREADTH[strict.counts] >= _BREADTH[loose.counts]
    )


def check_regime(settings: CampaignSettings) -> None:
    """Refuse settings that their regime does not allow, or that can never dial.

    Raises:
        ValueError: the text begins with the name of the field.
    """
    regime = find_regime(settings.regime)
    if regime.own_hours_required and not settings.hours:
        raise ValueError(f"hours: regime {regime.name} requires the campaign to set its own hours")
    if len(settings.hours) > HOURS_MAX:
        raise ValueError(f"hours: at most {HOURS_MAX} windows")
    for hours in settings.hours:
        _check_hours(hours)
    cap = settings.cap
    if not 1 <= cap.calls_max <= CAP_CALLS_MAX:
        raise ValueError(f"cap.calls_max: must be 1 to {CAP_CALLS_MAX}")
    if not 0 <= cap.window_s <= CAP_WINDOW_S_MAX:
        raise ValueError(f"cap.window_s: must be 0 to {CAP_WINDOW_S_MAX}")
    if settings.start_ms < 0 or settings.end_ms < 0:
        raise ValueError("start_ms, end_ms: must not be negative")
    if settings.end_ms and settings.end_ms <= settings.start_ms:
        raise ValueError("end_ms: must be after start_ms")
    if not _daily_overlap(settings, regime):
        raise ValueError(f"hours: never inside the hours of regime {regime.name}")


def _check_hours(hours: Hours) -> None:
    if not (0 <= hours.start_minute < 1440 and 0 < hours.end_minute <= 1440):
        raise ValueError("hours: minutes of the day run from 0 to 1440")
    if hours.start_minute == hours.end_minute:
        raise ValueError("hours: a window must not be empty")
    if not hours.weekdays or not all(0 <= day <= 6 for day in hours.weekdays):
        raise ValueError("hours: weekdays are one or more of 0 (Monday) to 6 (Sunday)")


def next_opening_ns(settings: CampaignSettings, wall_ns: int) -> int | None:
    """When dialing is next allowed, Unix ns: now if it is, None if not within the horizon."""
    now = window(settings, wall_ns)
    if now.open:
        return wall_ns
    if now.until_ns is None or not window(settings, now.until_ns).open:
        return None
    return now.until_ns


def window(settings: CampaignSettings, wall_ns: int) -> Window:
    """Whether dialing is allowed at `wall_ns`, and until when that holds (see `Window`)."""
    if settings.end_ms and wall_ns >= settings.end_ms * 1_000_000:
        return Window(open=False, until_ns=None)
    at_s = max(wall_ns // NS, settings.start_ms // 1000)  # before the start: the first day after it
    horizon_s = at_s + HORIZON_DAYS * DAY_S
    spans = _open_spans(settings, find_regime(settings.regime), at_s)
    for start_s, end_s in spans:
        start_ns = max(start_s * NS, settings.start_ms * 1_000_000)
        end_ns = min(end_s, horizon_s) * NS
        if settings.end_ms:
            end_ns = min(end_ns, settings.end_ms * 1_000_000)
        if end_ns <= start_ns or end_ns <= wall_ns:
            continue
        if start_ns <= wall_ns:
            return Window(open=True, until_ns=end_ns)
        return Window(open=False, until_ns=start_ns)
    return Window(open=False, until_ns=horizon_s * NS)


Span = tuple[int, int]  # [start, end) in Unix seconds


def _open_spans(settings: CampaignSettings, regime: Regime, at_s: int) -> list[Span]:
    """When both regime and campaign are open, from the day before `at_s` to the horizon."""
    everything = [(at_s - DAY_S, at_s + (HORIZON_DAYS + 2) * DAY_S)]
    legal = _spans(regime.hours, regime.zone, at_s) if regime.hours else everything
    own = _spans(settings.hours, regime.zone, at_s) if settings.hours else everything
    return _intersect(legal, own)


def _spans(windows: Iterable[Hours], zone: tzinfo, at_s: int) -> list[Span]:
    today = datetime.fromtimestamp(at_s, UTC).astimezone(zone).date()
    found: list[Span] = []
    for offset in range(-1, HORIZON_DAYS + 2):
        day = today + timedelta(days=offset)
        for hours in windows:
            if day.weekday() not in hours.weekdays:
                continue
            wraps = 1440 if hours.end_minute <= hours.start_minute else 0
            start_s = _local_s(day.toordinal(), hours.start_minute, zone)
            end_s = _local_s(day.toordinal(), hours.end_minute + wraps, zone)
            if start_s < end_s:  # a daylight-saving gap can swallow a window
                found.append((start_s, end_s))
    return _merge(found)


def _local_s(ordinal: int, minute: int, zone: tzinfo) -> int:
    """The Unix second of a minute of a local day; minutes from 1440 belong to the next day."""
    days, minute = divmod(minute, 1440)
    midnight = datetime.fromordinal(ordinal + days).replace(tzinfo=zone)
    return int(midnight.replace(hour=minute // 60, minute=minute % 60).timestamp())


def _merge(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start_s, end_s in sorted(spans):
        if merged and start_s <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end_s))
        else:
            merged.append((start_s, end_s))
    return merged


def _intersect(left: list[Span], right: list[Span]) -> list[Span]:
    both = [
        (max(a_start, b_start), min(a_end, b_end))
        for a_start, a_end in left
        for b_start, b_end in right
        if a_start < b_end and b_start < a_end
    ]
    return _merge(both)


def _daily_overlap(settings: CampaignSettings, regime: Regime) -> bool:
    """Whether regime and campaign are ever open together in a common week."""
    return bool(_open_spans(settings, regime, 0))
