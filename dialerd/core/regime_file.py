"""A regime as engineers write it: a TOML file that adds one to those that are shipped.

What a file leaves away is taken from the regime that it is `based_on`, else from the defaults.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dialerd.core.limits import CAP_WINDOW_S_MAX, HOURS_MAX, RING_S_MAX
from dialerd.core.records import BanList, FrequencyCap, Hours
from dialerd.core.regime_data import REGIMES, SHIPPED, Abandonment, Consent, Regime, ShareOver
from dialerd.core.spec_parts import DAYS, CapSpec, HoursSpec, Spec
from dialerd.core.zones import parse_zone

_Seconds = Annotated[int, Meta(ge=0, le=CAP_WINDOW_S_MAX)]
_Text = Annotated[str, Meta(min_length=1, max_length=400, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]


class AbandonmentSpec(Spec):
    """When a call counts as abandoned, and how many may be."""

    share_max: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.03
    over: ShareOver = ShareOver.DAY
    window_s: Annotated[int, Meta(ge=60, le=CAP_WINDOW_S_MAX)] = 86_400
    grace_ms: Annotated[int, Meta(ge=0, le=60_000)] = 2_000
    from_greeting: bool = False
    message: bool = False


class RegimeSpec(Spec):
    """One regime; see `dialerd.core.regime_data.Regime`."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,62}$(?!\n)")]
    text: _Text
    version: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[\w.-]+$(?!\n)")]
    sources: Annotated[tuple[_Text, ...], Meta(max_length=50)] = ()
    based_on: str = ""
    zone: str | UnsetType = UNSET
    hours: Annotated[tuple[HoursSpec, ...], Meta(max_length=HOURS_MAX)] | UnsetType = UNSET
    cap: CapSpec | UnsetType = UNSET
    own_hours_required: bool | UnsetType = UNSET
    local_to_lead: bool | UnsetType = UNSET
    holidays: Annotated[str, Meta(pattern=r"^([A-Z]{2}(-[A-Z0-9]{1,3})?)?$(?!\n)")] | UnsetType = (
        UNSET
    )
    holidays_closed: bool | UnsetType = UNSET
    ring_s_min: Annotated[int, Meta(ge=0, le=RING_S_MAX)] | UnsetType = UNSET
    redial_s_min: _Seconds | UnsetType = UNSET
    abandoned_redial_s: _Seconds | UnsetType = UNSET
    abandonment: AbandonmentSpec | UnsetType = UNSET
    lists: tuple[BanList, ...] | UnsetType = UNSET
    consent: Consent | UnsetType = UNSET
    brand: bool | UnsetType = UNSET


def to_regime(spec: RegimeSpec) -> Regime:
    """The regime that a file describes.

    Raises:
        ValueError: it cannot be; the text begins with the name of the field.
    """
    if spec.name in SHIPPED:
        raise ValueError(f"name: {spec.name} is a shipped regime; give yours another name")
    base = REGIMES.get(spec.based_on)
    if spec.based_on and base is None:
        raise ValueError(f"based_on: there is no regime {spec.based_on!r}")
    if base is None and isinstance(spec.zone, UnsetType):
        raise ValueError("zone: missing; a regime that is based on no other needs one")
    changes: dict[str, Any] = {
        field.name: value
        for field in msgspec.structs.fields(spec)
        if field.name in Regime._fields
        and not isinstance(value := getattr(spec, field.name), UnsetType)
    }
    if isinstance(spec.zone, str):
        try:
            changes["zone"] = parse_zone(spec.zone)
        except ValueError as error:
            raise ValueError(f"zone: {error}") from None
    if isinstance(spec.hours, tuple):
        changes["hours"] = tuple(map(_hours, spec.hours))
    if isinstance(spec.cap, CapSpec):
        cap = spec.cap
        counted = FrequencyCap(cap.calls_max, cap.window_s, cap.counts)
        changes["cap"] = counted if cap.window_s else None
    if isinstance(spec.abandonment, AbandonmentSpec):
        changes["abandonment"] = Abandonment(**msgspec.structs.asdict(spec.abandonment))
    if base is not None:
        return base._replace(**changes)
    return Regime(**changes)


def _hours(spec: HoursSpec) -> Hours:
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (spec.start, spec.end)]
    if minutes[0] == minutes[1]:
        raise ValueError("hours: a window must not be empty")
    return Hours(minutes[0], minutes[1], tuple(sorted({DAYS.index(day) for day in spec.days})))
