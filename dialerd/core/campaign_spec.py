"""A campaign as people write it: one shape for the API, a campaign's TOML file and the CLI's flags.

The store keeps `CampaignSettings` (compact arrays, minutes, milliseconds). A `CampaignSpec` is the
same thing in words: lists by name, hours as "08:00", days as "mon", times as RFC 3339. What it is
made of is in `spec_parts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from dialerd.core.agent_spec import AgentSpec, agent_faults, from_agents, to_agents
from dialerd.core.flow_checks import FlowFault
from dialerd.core.flow_records import FlowChoice
from dialerd.core.limits import (
    ATTEMPTS_MAX,
    CALLS_PER_S_MAX,
    HOURS_MAX,
    LISTS_MAX,
    PROMPT_CHARS_MAX,
    RECHECKS_MAX,
    RETRY_GAP_S_MAX,
    RING_S_MAX,
    RING_S_MIN,
    STEPS_MAX,
    WEIGHT_MAX,
)
from dialerd.core.list_records import ListMix, ListShare
from dialerd.core.records import (
    AS_CONFIGURED,
    LOG_ALL,
    CampaignSettings,
    DialMode,
    FrequencyCap,
    Hours,
    Outcome,
    Retry,
)
from dialerd.core.return_spec import ReturnSpec, from_returns, return_faults, to_returns
from dialerd.core.spec_parts import (
    DAYS,
    PROMPT_PATTERN,
    CampaignName,
    CapSpec,
    Column,
    Days,
    HoursSpec,
    ListSpec,
    LogKind,
    Name,
    NumberOutcome,
    RetriedOutcome,
    RetrySpec,
    Spec,
    Weekday,
)
from dialerd.core.step_spec import StepSpec, flow_of, step_faults, steps_of

__all__ = [
    "PROMPT_PATTERN",
    "CampaignName",
    "CampaignSpec",
    "CapSpec",
    "HoursSpec",
    "ListSpec",
    "Name",
    "NumberOutcome",
    "RetriedOutcome",
    "RetrySpec",
    "Spec",
    "Weekday",
    "at_time",
    "from_settings",
    "spec_faults",
    "to_settings",
]


class CampaignSpec(Spec):
    """What a supervisor sets; frozen at approval."""

    name: CampaignName
    regime: Annotated[
        str, Meta(min_length=1, max_length=64, description="The legal rules it runs under.")
    ]
    list: Annotated[Column, Meta(description="Name of the contact list to call; or `lists`.")] = ""
    lists: Annotated[
        tuple[ListSpec, ...],
        Meta(max_length=LISTS_MAX, description="Several lists; a number of two is called once."),
    ] = ()
    mix: Annotated[
        ListMix,
        Meta(description="Several lists: side by side by their weights, or one after another."),
    ] = ListMix.SHARES
    next_number_on: Annotated[
        tuple[NumberOutcome, ...],
        Meta(
            max_length=len(NumberOutcome),
            description="After what another number of the same person is tried before this one "
            "is tried again; one that is done with always gives way.",
        ),
    ] = (NumberOutcome.UNREACHABLE,)
    next_number_gap_s: Annotated[
        int,
        Meta(ge=0, le=RETRY_GAP_S_MAX, description="Before another number of the same person."),
    ] = 60
    steps: Annotated[
        tuple[StepSpec, ...],
        Meta(
            max_length=STEPS_MAX,
            description="The first is where a call begins; none where agents talk.",
        ),
    ] = ()
    mode: DialMode = DialMode.BROADCAST
    agents: Annotated[AgentSpec, Meta(description="For all modes but broadcast.")] = AgentSpec()
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
    skip_holidays: Annotated[
        bool, Meta(description="Never on public holidays of the regime's country.")
    ] = False
    zone_column: Annotated[
        Column,
        Meta(description="Column with each person's time zone, such as Asia/Ho_Chi_Minh."),
    ] = ""
    consent: Annotated[
        Column, Meta(description="Where it is kept that these people agreed to be called.")
    ] = ""
    consent_column: Annotated[
        Column, Meta(description="Column with each person's consent; who has none is not called.")
    ] = ""
    consent_date_column: Annotated[
        Column,
        Meta(description="Column with the day of each person's consent; it is not called before."),
    ] = ""
    caller_name: Annotated[
        Column,
        Meta(description="The brand that the caller id is registered to; shown to the customer."),
    ] = ""
    abandoned_prompt: Annotated[
        str,
        Meta(
            max_length=PROMPT_CHARS_MAX,
            pattern=r"^$(?!\n)|" + PROMPT_PATTERN,
            description="Plays to a person who answers while no agent is free.",
        ),
    ] = ""
    cap_binds_retries: Annotated[
        bool, Meta(description="The cap also stops retries, rechecks and callbacks.")
    ] = False
    retries: Annotated[
        dict[RetriedOutcome, RetrySpec],
        Meta(description="By outcome, instead of `retry_gap_s`."),
    ] = {}  # noqa: RUF012 - a Struct copies it
    rest_s: Annotated[
        int,
        Meta(
            ge=0,
            le=RETRY_GAP_S_MAX,
            description="How long somebody who wants no call now is left alone; 0: for good.",
        ),
    ] = 0
    weight: Annotated[
        int, Meta(ge=1, le=WEIGHT_MAX, description="Its share of lines that others want too.")
    ] = 1
    after: Annotated[
        Column, Meta(description="Only people who heard the message of this campaign.")
    ] = ""
    after_s: Annotated[int, Meta(ge=0, le=RETRY_GAP_S_MAX, description="So long ago at least.")] = 0
    priority_column: Annotated[
        Column, Meta(description="Column with 0 to 99: the highest are called first.")
    ] = ""
    flow: Annotated[
        Column, Meta(description="Instead of `steps`: a saved flow; its newest at approval.")
    ] = ""
    flow_column: Annotated[
        Column, Meta(description="Column that chooses another saved flow, by `flows`.")
    ] = ""
    flows: Annotated[
        dict[Column, Name],
        Meta(max_length=STEPS_MAX, description="Value of `flow_column` to the name of a flow."),
    ] = {}  # noqa: RUF012 - a Struct copies it
    returns: Annotated[ReturnSpec, Meta(description="What people get who call back.")] = (
        ReturnSpec()
    )
    script: Annotated[
        Column, Meta(description="Saved script that agents go through; its newest at approval.")
    ] = ""
    log: Annotated[
        tuple[LogKind, ...],
        Meta(description='Interactions that are written down: ["all"], none, or their kinds.'),
    ] = (LOG_ALL,)
    record_share: Annotated[
        int, Meta(ge=1, le=100, description="Of 100 calls that `record` means.")
    ] = 100
    record_early: Annotated[
        bool, Meta(description="From the first sound on: calls that nobody answers too.")
    ] = False
    recordings_days: (
        Annotated[
            Days,
            Meta(description="How long recordings are kept, 0: for ever. Else [retention] says."),
        ]
        | UnsetType
    ) = UNSET
    events_days: (
        Annotated[Days, Meta(description="How long interactions are kept.")] | UnsetType
    ) = UNSET


def spec_faults(spec: CampaignSpec) -> list[FlowFault]:
    """What in a spec does not fit the rest of it; pointers begin at the spec."""
    return [*_list_faults(spec), *_mode_faults(spec)]


def list_names(spec: CampaignSpec) -> tuple[str, ...]:
    """The lists that it calls, in their order."""
    return tuple(one.list for one in spec.lists) or (spec.list,)


def _list_faults(spec: CampaignSpec) -> Iterator[FlowFault]:
    if bool(spec.list) == bool(spec.lists):
        yield FlowFault(("list",), "either a list or several lists")
    seen: set[str] = set()
    for index, one in enumerate(spec.lists):
        if one.list in seen:
            yield FlowFault(("lists", index, "list"), f"{one.list!r} stands there twice")
        seen.add(one.list)
    if spec.consent_date_column and not spec.consent_column:
        yield FlowFault(("consent_date_column",), "it needs a consent_column")


def _mode_faults(spec: CampaignSpec) -> list[FlowFault]:
    faults = list(return_faults(spec.returns, spec.mode))
    if spec.mode is DialMode.BROADCAST:
        played = [] if spec.flow else step_faults(spec.steps)
        return [*_saved_faults(spec), *played, *faults]
    faults += agent_faults(spec.agents, spec.mode)
    if spec.steps or spec.flow or spec.flows:
        faults.append(FlowFault(("steps",), f"in the mode {spec.mode} agents talk, no steps play"))
    return faults


def _saved_faults(spec: CampaignSpec) -> Iterator[FlowFault]:
    if spec.flow and spec.steps:
        yield FlowFault(("flow",), "either a saved flow or steps, not both")
    if bool(spec.flows) != bool(spec.flow_column):
        yield FlowFault(("flow_column",), "flow_column and flows need each other")


def to_settings(
    spec: CampaignSpec, list_ids: Mapping[str, int], after_campaign: int = 0
) -> CampaignSettings:
    """The record that the store keeps; ids stand in it for the names of the spec (unknown: 0)."""
    return CampaignSettings(
        name=spec.name,
        list_id=list_ids.get(list_names(spec)[0], 0),
        flow=flow_of(spec.steps),
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
        skip_holidays=spec.skip_holidays,
        zone_column=spec.zone_column,
        consent=spec.consent,
        consent_column=spec.consent_column,
        caller_name=spec.caller_name,
        abandoned_prompt=spec.abandoned_prompt,
        cap_binds_retries=spec.cap_binds_retries,
        retries={
            Outcome(outcome): Retry(retry.gap_s, retry.tries_max)
            for outcome, retry in spec.retries.items()
        },
        rest_s=spec.rest_s,
        weight=spec.weight,
        after_campaign=after_campaign,
        after_s=spec.after_s,
        priority_column=spec.priority_column,
        agents=to_agents(spec.agents),
        script=spec.script,
        flow_name=spec.flow,
        flow_column=spec.flow_column,
        flows=tuple(FlowChoice(value, name) for value, name in spec.flows.items()),
        returns=to_returns(spec.returns),
        log=spec.log,
        record_share=spec.record_share,
        record_early=spec.record_early,
        recordings_days=_days(spec.recordings_days),
        events_days=_days(spec.events_days),
        lists=tuple(ListShare(list_ids.get(one.list, 0), one.weight) for one in spec.lists),
        mix=spec.mix,
        next_number_on=tuple(Outcome(outcome) for outcome in dict.fromkeys(spec.next_number_on)),
        next_number_gap_s=spec.next_number_gap_s,
        consent_date_column=spec.consent_date_column,
    )


def from_settings(
    settings: CampaignSettings, names: Mapping[int, str], after: str = ""
) -> CampaignSpec:
    """The way back, for people to read.

    `names` are those of lists by id; `after` is the name of the campaign before this one.
    """
    lists = [
        ListSpec(list=names.get(one.list_id, str(one.list_id)), weight=one.weight)
        for one in settings.lists
    ]
    return CampaignSpec(
        name=settings.name,
        list="" if lists else names.get(settings.list_id, str(settings.list_id)),
        lists=tuple(lists),
        mix=settings.mix,
        next_number_on=tuple(NumberOutcome(outcome.value) for outcome in settings.next_number_on),
        next_number_gap_s=settings.next_number_gap_s,
        consent_date_column=settings.consent_date_column,
        regime=settings.regime,
        steps=() if settings.flow_name else steps_of(settings.flow),
        mode=settings.mode,
        agents=from_agents(settings.agents),
        caller_id=settings.caller_id,
        hours=tuple(
            HoursSpec(
                start=_clock(h.start_minute),
                end=_clock(h.end_minute),
                days=tuple(Weekday(DAYS[day]) for day in h.weekdays),
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
        skip_holidays=settings.skip_holidays,
        zone_column=settings.zone_column,
        consent=settings.consent,
        consent_column=settings.consent_column,
        caller_name=settings.caller_name,
        abandoned_prompt=settings.abandoned_prompt,
        cap_binds_retries=settings.cap_binds_retries,
        retries={
            RetriedOutcome(outcome.value): RetrySpec(gap_s=retry.gap_s, tries_max=retry.tries_max)
            for outcome, retry in settings.retries.items()
        },
        rest_s=settings.rest_s,
        weight=settings.weight,
        after=after or (str(settings.after_campaign) if settings.after_campaign else ""),
        after_s=settings.after_s,
        priority_column=settings.priority_column,
        script=settings.script,
        flow=settings.flow_name,
        flow_column=settings.flow_column,
        flows={one.value: one.name for one in settings.flows},
        returns=from_returns(settings.returns),
        log=settings.log,
        record_share=settings.record_share,
        record_early=settings.record_early,
        recordings_days=_unless_configured(settings.recordings_days),
        events_days=_unless_configured(settings.events_days),
    )


def _days(days: int | UnsetType) -> int:
    return AS_CONFIGURED if days is UNSET else days


def _unless_configured(days: int) -> int | UnsetType:
    return UNSET if days == AS_CONFIGURED else days


def at_time(ms: int) -> datetime:
    """Unix milliseconds as a time that prints as RFC 3339."""
    seconds, rest = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _day(day: Weekday) -> int:
    return DAYS.index(day.value)


def _ms(at: datetime | UnsetType) -> int:
    return 0 if at is UNSET else int(at.timestamp() * 1000)
