"""When a campaign's regime lets it dial: hours, holidays, caps; and settings that no regime allows.

A campaign names exactly one regime (`regime_data`). Regime and campaign both bind: hours are the
intersection of the two, and a number must be inside the cap of each. Hours are local time, in the
regime's zone or where the called person lives, and may run across midnight; a zone with daylight
saving is right on both changes, because every opening is computed as a local time of its own day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from dialerd.core.holiday import holiday
from dialerd.core.limits import CAP_CALLS_MAX, CAP_WINDOW_S_MAX, HORIZON_DAYS, HOURS_MAX
from dialerd.core.records import CampaignSettings, CapCounts, DialMode, FrequencyCap, Hours
from dialerd.core.regime_data import DAY_S, REGIMES, Consent, Regime
from dialerd.core.us_zones import us_zones
from dialerd.core.zones import known_zone, parse_zone

NS: Final = 1_000_000_000

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


def effective_caps(settings: CampaignSettings, *, again: bool = False) -> tuple[FrequencyCap, ...]:
    """The caps that a number must be inside of before this campaign may dial it, all of them.

    The regime's comes first. Of two caps where one forbids all that the other forbids, only the
    stricter is returned. A campaign cap with no window binds nothing, and unless it is so set none
    of those who are called `again`: a retry, a recheck, a callback that the customer asked for.
    """
    regime_cap = find_regime(settings.regime).cap
    own = settings.cap if settings.cap.window_s else None
    if again and not settings.cap_binds_retries:
        own = None
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
        text = "requires the campaign to set its own hours: [[hours]] in its file, or --hours"
        raise ValueError(f"hours: regime {regime.name} {text}")
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
    if settings.ring_s_max < regime.ring_s_min:
        least = f"must be {regime.ring_s_min} or more under regime {regime.name}"
        raise ValueError(f"ring_s_max: {least}, which lets it ring so long at least")
    if not _daily_overlap(settings, regime):
        raise ValueError(f"hours: never inside the hours of regime {regime.name}")


def check_approval(settings: CampaignSettings, now_ms: int) -> None:
    """Refuse what must not be approved, beyond `check_regime`: what a draft may still lack.

    Raises:
        ValueError: the text begins with the name of the field.
    """
    check_regime(settings)
    regime = find_regime(settings.regime)
    name = regime.name
    least_s = regime.redial_s_min
    gaps = {"retry_gap_s": settings.retry_gap_s} if settings.attempts_max > 1 else {}
    if settings.rechecks_max:
        gaps["recheck_gap_s"] = settings.recheck_gap_s
    gaps |= {f"retries.{outcome}": retry.gap_s for outcome, retry in settings.retries.items()}
    for field, gap_s in gaps.items():
        if gap_s < least_s:
            rule = f"regime {name} lets no number be called again within {least_s} s"
            raise ValueError(f"{field}: {gap_s} s is too short: {rule}")
    if regime.consent is Consent.REQUIRED and not (settings.consent or settings.consent_column):
        text = f"regime {name} calls nobody without consent: say where its evidence is kept"
        raise ValueError(f"consent: {text}, or name the column that holds it (consent_column)")
    with_agents, legal = settings.mode is not DialMode.BROADCAST, regime.abandonment
    if with_agents and settings.agents.abandon_target > legal.share_max:
        text = f"regime {name} allows {legal.share_max:.1%} of abandoned calls at most"
        raise ValueError(f"agents.abandon_target: {text}")
    if with_agents and settings.agents.grace_s * 1000 > legal.grace_ms:
        text = f"regime {name} calls a call abandoned after {legal.grace_ms / 1000:g} s"
        raise ValueError(f"agents.grace_s: {text}")
    if with_agents and regime.abandonment.message and not settings.abandoned_prompt:
        text = f"regime {name} wants a message for people who answer while no agent is free"
        raise ValueError(f"abandoned_prompt: {text}")
    if settings.end_ms and not opens_before_end(settings, now_ms):
        raise ValueError("end_ms: its hours never open before it ends")


def opens_before_end(settings: CampaignSettings, now_ms: int) -> bool:
    """Whether a campaign with an end will ever be open, from now on."""
    at_ns = now_ms * 1_000_000
    while True:
        found = window(settings, at_ns)
        if found.open or found.until_ns is None:
            return found.open
        at_ns = found.until_ns


def _check_hours(hours: Hours) -> None:
    if not (0 <= hours.start_minute < 1440 and 0 < hours.end_minute <= 1440):
        raise ValueError("hours: minutes of the day run from 0 to 1440")
    if hours.start_minute == hours.end_minute:
        raise ValueError("hours: a window must not be empty")
    if not hours.weekdays or not all(0 <= day <= 6 for day in hours.weekdays):
        raise ValueError("hours: weekdays are one or more of 0 (Monday) to 6 (Sunday)")


def judged_by_lead(settings: CampaignSettings) -> bool:
    """Whether hours are judged where each person lives, rather than for the whole campaign."""
    return bool(settings.zone_column) or find_regime(settings.regime).local_to_lead


def zones_of(settings: CampaignSettings, phone: int, fields: Mapping[str, str]) -> tuple[str, ...]:
    """Where a person lives; of several zones all must be open. Empty: the regime's.

    The list's column comes first, then the number.
    """
    told = fields.get(settings.zone_column, "").strip() if settings.zone_column else ""
    if told and known_zone(told):
        return (told,)
    return us_zones(phone) if find_regime(settings.regime).local_to_lead else ()


def next_opening_ns(
    settings: CampaignSettings, wall_ns: int, zones: tuple[str, ...] | None = None
) -> int | None:
    """When dialing is next allowed, Unix ns: now if it is, None if not within the horizon."""
    now = window(settings, wall_ns, zones)
    if now.open:
        return wall_ns
    if now.until_ns is None or not window(settings, now.until_ns, zones).open:
        return None
    return now.until_ns


def window(
    settings: CampaignSettings, wall_ns: int, zones: tuple[str, ...] | None = None
) -> Window:
    """Whether dialing is allowed at `wall_ns`, and until when that holds (see `Window`).

    Of people who live in `zones` (see `zones_of`); None: of anybody, so that where hours are
    judged for each person only start and end bind.
    """
    if settings.end_ms and wall_ns >= settings.end_ms * 1_000_000:
        return Window(open=False, until_ns=None)
    at_s = max(wall_ns // NS, settings.start_ms // 1000)  # before the start: the first day after it
    horizon_s = at_s + HORIZON_DAYS * DAY_S
    spans = _everything(at_s)
    if zones is not None or not judged_by_lead(settings):
        regime = find_regime(settings.regime)
        for zone in [parse_zone(name) for name in zones or ()] or [regime.zone]:
            spans = _intersect(spans, _open_spans(settings, regime, zone, at_s))
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


class Openings:
    """When a campaign is open where people live, remembered until that changes."""

    __slots__ = ("_known", "_settings")

    def __init__(self, settings: CampaignSettings) -> None:
        """Nothing is known yet."""
        self._settings = settings
        self._known: dict[tuple[str, ...], tuple[int, Window]] = {}

    def at(self, wall_ns: int, zones: tuple[str, ...]) -> Window:
        """As `window`."""
        since_ns, found = self._known.get(zones, (0, _UNKNOWN))
        if found.until_ns is None or not since_ns <= wall_ns < found.until_ns:
            found = window(self._settings, wall_ns, zones)
            self._known[zones] = wall_ns, found
        return found


_UNKNOWN: Final = Window(open=False, until_ns=None)
Span = tuple[int, int]  # [start, end) in Unix seconds


def _everything(at_s: int, more_s: int = 0) -> list[Span]:
    return [(at_s - DAY_S - more_s, at_s + (HORIZON_DAYS + 2) * DAY_S + more_s)]


def _open_spans(settings: CampaignSettings, regime: Regime, zone: tzinfo, at_s: int) -> list[Span]:
    """When both regime and campaign are open, from the day before `at_s` to the horizon."""
    closed = regime.holidays if settings.skip_holidays or regime.holidays_closed else ""
    today = _local_day(at_s, zone).toordinal()
    return list(_spans_from(regime.hours, settings.hours, closed, zone, today))


@lru_cache(maxsize=1_024)
def _spans_from(
    legal: tuple[Hours, ...], own: tuple[Hours, ...], closed: str, zone: tzinfo, today: int
) -> tuple[Span, ...]:
    """The same of a local day, whose every claim asks it; `closed` on a country's holidays."""
    both = _everything(_local_s(today, 0, zone), DAY_S)
    for hours in (legal, own):
        if hours:
            both = _intersect(both, _spans(hours, zone, today))
    if closed:
        both = _intersect(both, _working_days(closed, zone, today))
    return tuple(both)


def _working_days(country: str, zone: tzinfo, first: int) -> list[Span]:
    """All local days but the public holidays of a country."""
    return _merge(
        [
            (_local_s(day, 0, zone), _local_s(day, 1440, zone))
            for day in range(first - 1, first + HORIZON_DAYS + 2)
            if not holiday(country, day)
        ]
    )


def _local_day(at_s: int, zone: tzinfo) -> date:
    return datetime.fromtimestamp(at_s, UTC).astimezone(zone).date()


def _spans(windows: Iterable[Hours], zone: tzinfo, today: int) -> list[Span]:
    found: list[Span] = []
    for offset in range(-1, HORIZON_DAYS + 2):
        day = date.fromordinal(today + offset)
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
    return bool(_open_spans(settings, regime, regime.zone, DAY_S))
