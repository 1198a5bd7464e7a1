"""A campaign as people write it: one shape for the API, a campaign's TOML file and the CLI's flags.

The store keeps `CampaignSettings` (compact arrays, minutes, milliseconds). A `CampaignSpec` is the
same thing in words: lists by name, hours as "08:00", days as "mon", times as RFC 3339.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, dataclass_transform

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dialerd.core.chain import label
from dialerd.core.flow import END, FlowFault, flow_faults
from dialerd.core.limits import (
    ATTEMPTS_MAX,
    CALLS_PER_S_MAX,
    CAP_CALLS_MAX,
    CAP_WINDOW_S_MAX,
    HOURS_MAX,
    NAME_CHARS_MAX,
    PARTS_MAX,
    PLAYS_MAX,
    PROMPT_CHARS_MAX,
    RECHECKS_MAX,
    RETRY_GAP_S_MAX,
    RING_S_MAX,
    RING_S_MIN,
    STEPS_MAX,
    VALUE_CHARS_MAX,
    WAIT_MS_MAX,
)
from dialerd.core.records import (
    CampaignSettings,
    CapCounts,
    DialMode,
    Flow,
    FlowStep,
    FrequencyCap,
    Hours,
    Part,
)
from dialerd.core.spoken import Currency, Lang, Region, SayKind

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# A plain $ would let a line feed pass at the end of a text: hence the look ahead.
# No control characters: names reach terminals, spreadsheets and log lines.
_TEXT: Final = r"^[^\x00-\x1f\x7f-\x9f]+$(?!\n)"
_STEP: Final = r"^[A-Za-z0-9_-]{1,32}$(?!\n)"
PROMPT_PATTERN: Final = r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$(?!\n)"
_TIME: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)|^24:00$(?!\n)"

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NAME_CHARS_MAX,
        pattern=_TEXT,
        extra={"hint": "printable characters only"},
    ),
]
CampaignName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NAME_CHARS_MAX,
        pattern=r"^(?=.*[^0-9])" + _TEXT[1:],
        extra={"hint": "printable characters, not digits alone: those would be an id"},
    ),
]
StepId = Annotated[
    str,
    Meta(pattern=_STEP, extra={"hint": "letters, digits, dash, underscore; at most 32"}),
]
PromptName = Annotated[
    str,
    Meta(
        max_length=PROMPT_CHARS_MAX,
        pattern=PROMPT_PATTERN,
        description="A path under the prompts folder; no part of it begins with a dot.",
        extra={"hint": "letters, digits, dash, underscore, dot, slash"},
    ),
]
Digit = Annotated[str, Meta(pattern=r"^[0-9*#]$(?!\n)", extra={"hint": "a key: 0-9, *, #"})]
Clock = Annotated[str, Meta(pattern=_TIME, extra={"hint": 'hours and minutes, such as "08:30"'})]


class Weekday(StrEnum):
    """A day of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything a person writes."""


class HoursSpec(Spec):
    """A daily calling window in local time, on the given days."""

    start: Annotated[Clock, Meta(description="First minute, local time of the regime.")]
    end: Annotated[Clock, Meta(description="End of the window (not included).")]
    days: Annotated[tuple[Weekday, ...], Meta(min_length=1, max_length=7)] = tuple(Weekday)


class CapSpec(Spec):
    """At most `calls_max` calls to one number in any `window_s`, across all campaigns."""

    calls_max: Annotated[int, Meta(ge=1, le=CAP_CALLS_MAX)] = 1
    window_s: Annotated[int, Meta(ge=0, le=CAP_WINDOW_S_MAX)] = 30 * 86_400
    counts: CapCounts = CapCounts.HEARD


class SaySpec(Spec):
    """A value that is said with word prompts: `{say = "money", value = "{amount}"}`."""

    say: SayKind
    value: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=VALUE_CHARS_MAX,
            pattern=_TEXT,
            description="A text with fields of the contact, such as {amount}.",
            extra={"hint": "printable characters only"},
        ),
    ]
    lang: Lang = Lang.VI
    region: Annotated[Region, Meta(description="How Vietnamese numbers are said.")] = Region.NORTH
    currency: Annotated[Currency, Meta(description="Of money.")] = Currency.VND


class StepSpec(Spec):
    """One step of a broadcast: play `prompt` or `chain`, then follow the pressed key."""

    prompt: PromptName | UnsetType = UNSET
    chain: Annotated[
        tuple[PromptName | SaySpec, ...],
        Meta(
            max_length=PARTS_MAX,
            description="Instead of `prompt`: prompts and values to say, one behind the other.",
        ),
    ] = ()
    id: StepId = "start"
    keys: Annotated[
        dict[Digit, StepId],
        Meta(max_length=16, description='Digit to the id of the next step, or "end".'),
    ] = {}
    wait_ms: Annotated[int, Meta(ge=0, le=WAIT_MS_MAX)] = 0
    otherwise: StepId = END
    barge_in: bool = True
    plays: Annotated[
        int, Meta(ge=1, le=PLAYS_MAX, description="How many times it is played, without a pause.")
    ] = 1


class CampaignSpec(Spec):
    """What a supervisor sets; frozen at approval."""

    name: CampaignName
    list: Annotated[Name, Meta(description="Name of the contact list to call.")]
    regime: Annotated[
        str, Meta(min_length=1, max_length=64, description="The legal rules it runs under.")
    ]
    steps: Annotated[
        tuple[StepSpec, ...],
        Meta(min_length=1, max_length=STEPS_MAX, description="The first is where a call begins."),
    ]
    mode: DialMode = DialMode.BROADCAST
    caller_id: Annotated[
        str,
        Meta(pattern=r"^(\+?[0-9]{1,15})?$(?!\n)", description="Empty: the trunk's."),
    ] = ""
    hours: Annotated[
        tuple[HoursSpec, ...], Meta(max_length=HOURS_MAX, description="Empty: the regime's.")
    ] = ()
    cap: CapSpec = CapSpec()
    attempts_max: Annotated[int, Meta(ge=1, le=ATTEMPTS_MAX)] = 1
    retry_gap_s: Annotated[int, Meta(ge=0, le=RETRY_GAP_S_MAX)] = 3_600
    rechecks_max: Annotated[
        int,
        Meta(
            ge=0,
            le=RECHECKS_MAX,
            description="Tries of a number found switched off, also beyond `attempts_max`.",
        ),
    ] = 0
    recheck_gap_s: Annotated[int, Meta(ge=0, le=RETRY_GAP_S_MAX)] = 7_200
    ring_s_max: Annotated[int, Meta(ge=RING_S_MIN, le=RING_S_MAX)] = 45
    calls_per_s_max: Annotated[
        float, Meta(ge=0.0, le=CALLS_PER_S_MAX, description="0: only the trunks bind.")
    ] = 0.0
    record: Annotated[
        bool, Meta(description="Record every answered call, one channel for each side.")
    ] = False
    start_at: Annotated[datetime, Meta(tz=True)] | UnsetType = UNSET
    end_at: Annotated[datetime, Meta(tz=True)] | UnsetType = UNSET


def spec_faults(spec: CampaignSpec) -> list[FlowFault]:
    """What in a spec does not fit the rest of it; pointers begin at the spec."""
    return flow_faults(_flow(spec))


def _flow(spec: CampaignSpec) -> Flow:
    return Flow(tuple(map(_step, spec.steps)))


def _step(step: StepSpec) -> FlowStep:
    parts = tuple(map(_part, step.chain))
    keys = dict(step.keys)
    return FlowStep(
        step.id,
        step.prompt or "",
        keys,
        step.wait_ms,
        step.otherwise,
        step.barge_in,
        parts,
        step.plays,
    )


def played(step: StepSpec) -> str:
    """What a step plays, in words."""
    return label(_step(step)) + (f" ({step.plays} times)" if step.plays > 1 else "")


def _part(part: str | SaySpec) -> Part:
    if isinstance(part, str):
        return Part(part)
    return Part("", part.say, part.value, part.lang, part.region, part.currency)


def _part_spec(part: Part) -> str | SaySpec:
    if part.prompt:
        return part.prompt
    return SaySpec(
        say=SayKind(part.say),
        value=part.value,
        lang=Lang(part.lang),
        region=Region(part.region),
        currency=Currency(part.currency),
    )


def to_settings(spec: CampaignSpec, list_id: int) -> CampaignSettings:
    """The record that the store keeps."""
    return CampaignSettings(
        name=spec.name,
        list_id=list_id,
        flow=_flow(spec),
        regime=spec.regime,
        mode=spec.mode,
        caller_id=spec.caller_id,
        hours=tuple(
            Hours(_minute(h.start), _minute(h.end), tuple(sorted(map(_day, set(h.days)))))
            for h in spec.hours
        ),
        cap=FrequencyCap(spec.cap.calls_max, spec.cap.window_s, spec.cap.counts),
        attempts_max=spec.attempts_max,
        retry_gap_s=spec.retry_gap_s,
        ring_s_max=spec.ring_s_max,
        calls_per_s_max=spec.calls_per_s_max,
        start_ms=_ms(spec.start_at),
        end_ms=_ms(spec.end_at),
        rechecks_max=spec.rechecks_max,
        recheck_gap_s=spec.recheck_gap_s,
        record=spec.record,
    )


def from_settings(settings: CampaignSettings, list_name: str) -> CampaignSpec:
    """The way back, for people to read."""
    return CampaignSpec(
        name=settings.name,
        list=list_name,
        regime=settings.regime,
        steps=tuple(
            StepSpec(
                id=s.step_id,
                prompt=s.prompt or UNSET,
                chain=tuple(map(_part_spec, s.parts)),
                keys=s.keys,
                wait_ms=s.wait_ms,
                otherwise=s.otherwise,
                barge_in=s.barge_in,
                plays=s.plays,
            )
            for s in settings.flow.steps
        ),
        mode=settings.mode,
        caller_id=settings.caller_id,
        hours=tuple(
            HoursSpec(
                start=_clock(h.start_minute),
                end=_clock(h.end_minute),
                days=tuple(Weekday(_DAYS[day]) for day in h.weekdays),
            )
            for h in settings.hours
        ),
        cap=CapSpec(
            calls_max=settings.cap.calls_max,
            window_s=settings.cap.window_s,
            counts=settings.cap.counts,
        ),
        attempts_max=settings.attempts_max,
        retry_gap_s=settings.retry_gap_s,
        rechecks_max=settings.rechecks_max,
        recheck_gap_s=settings.recheck_gap_s,
        record=settings.record,
        ring_s_max=settings.ring_s_max,
        calls_per_s_max=settings.calls_per_s_max,
        start_at=at_time(settings.start_ms) if settings.start_ms else UNSET,
        end_at=at_time(settings.end_ms) if settings.end_ms else UNSET,
    )


def at_time(ms: int) -> datetime:
    """Unix milliseconds as a time that prints as RFC 3339."""
    seconds, rest = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _day(day: Weekday) -> int:
    return _DAYS.index(day.value)


def _ms(at: datetime | UnsetType) -> int:
    return 0 if at is UNSET else int(at.timestamp() * 1000)
