"""A campaign as people write it: one shape for the API, a campaign's TOML file and the CLI's flags.

The store keeps `CampaignSettings` (compact arrays, minutes, milliseconds). A `CampaignSpec` is the
same thing in words: lists by name, hours as "08:00", days as "mon", times as RFC 3339. What it is
made of is in `spec_parts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from dialerd.core.agent_spec import AgentSpec, agent_faults
from dialerd.core.detection_spec import DetectionSpec, detection_faults
from dialerd.core.flow_checks import FlowFault
from dialerd.core.limits import (
    ATTEMPTS_MAX,
    CALLS_PER_S_MAX,
    HOURS_MAX,
    PROMPT_CHARS_MAX,
    RECHECKS_MAX,
    RETRY_GAP_S_MAX,
    RING_S_MAX,
    RING_S_MIN,
    STEPS_MAX,
    WEIGHT_MAX,
)
from dialerd.core.list_records import ListMix, Newcomers
from dialerd.core.list_spec import (
    Lists,
    ListSpec,
    Mix,
    NewPeople,
    NextNumberGap,
    NextNumberOn,
    NumberOutcome,
    list_faults,
)
from dialerd.core.records import (
    LOG_ALL,
    DialMode,
)
from dialerd.core.return_spec import ReturnSpec, return_faults
from dialerd.core.spec_parts import (
    PROMPT_PATTERN,
    CampaignName,
    CapSpec,
    Column,
    Days,
    HoursSpec,
    LogKind,
    Name,
    RetriedOutcome,
    RetrySpec,
    Spec,
    Weekday,
)
from dialerd.core.step_spec import StepSpec, step_faults

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
    "spec_faults",
]


class CampaignSpec(Spec):
    """What a supervisor sets; frozen at approval."""

    name: Annotated[CampaignName, Meta(description="What it is called; no other has it.")]
    regime: Annotated[
        str, Meta(min_length=1, max_length=64, description="The legal rules it runs under.")
    ]
    list: Annotated[Column, Meta(description="Name of the contact list to call; or `lists`.")] = ""
    lists: Lists = ()
    mix: Mix = ListMix.SHARES
    newcomers: NewPeople = Newcomers.CALL
    next_number_on: NextNumberOn = (NumberOutcome.UNREACHABLE,)
    next_number_gap_s: NextNumberGap = 60
    steps: Annotated[
        tuple[StepSpec, ...],
        Meta(
            max_length=STEPS_MAX,
            description="The first is where a call begins; none where agents talk.",
        ),
    ] = ()
    mode: Annotated[
        DialMode, Meta(description="Broadcast plays `steps`; in all others agents talk.")
    ] = DialMode.BROADCAST
    agents: Annotated[AgentSpec, Meta(description="For all modes but broadcast.")] = AgentSpec()
    caller_id: Annotated[
        str,
        Meta(pattern=r"^(\+?[0-9]{1,15})?$(?!\n)", description="Empty: the trunk's."),
    ] = ""
    hours: Annotated[
        tuple[HoursSpec, ...], Meta(max_length=HOURS_MAX, description="Empty: the regime's.")
    ] = ()
    cap: Annotated[CapSpec, Meta(description="How often a number is called at all.")] = CapSpec()
    attempts_max: Annotated[
        int, Meta(ge=1, le=ATTEMPTS_MAX, description="Tries of each number.")
    ] = 1
    retry_gap_s: Annotated[
        int, Meta(ge=0, le=RETRY_GAP_S_MAX, description="Between two tries of a number.")
    ] = 3_600
    rechecks_max: Annotated[
        int,
        Meta(
            ge=0,
            le=RECHECKS_MAX,
            description="Tries of a number found switched off, also beyond `attempts_max`.",
        ),
    ] = 0
    recheck_gap_s: Annotated[
        int, Meta(ge=0, le=RETRY_GAP_S_MAX, description="Before such a try.")
    ] = 7_200
    ring_s_max: Annotated[
        int, Meta(ge=RING_S_MIN, le=RING_S_MAX, description="How long it may ring.")
    ] = 45
    calls_per_s_max: Annotated[
        float, Meta(ge=0.0, le=CALLS_PER_S_MAX, description="0: only the trunks bind.")
    ] = 0.0
    record: Annotated[
        bool, Meta(description="Record every answered call, one channel for each side.")
    ] = False
    start_at: Annotated[datetime, Meta(tz=True, description="No call before.")] | UnsetType = UNSET
    end_at: (
        Annotated[datetime, Meta(tz=True, description="No new call from then on.")] | UnsetType
    ) = UNSET
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
    detection: Annotated[DetectionSpec, Meta(description="Who answered, a machine?")] = (
        DetectionSpec()
    )
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
    faults = list_faults(spec.list, spec.lists)
    if spec.consent_date_column and not spec.consent_column:
        faults.append(FlowFault(("consent_date_column",), "it needs a consent_column"))
    return faults + _mode_faults(spec)


def list_names(spec: CampaignSpec) -> tuple[str, ...]:
    """The lists that it calls, in their order."""
    return tuple(one.list for one in spec.lists) or (spec.list,)


def _mode_faults(spec: CampaignSpec) -> list[FlowFault]:
    faults = list(return_faults(spec.returns, spec.mode))
    faults += detection_faults(spec.detection, spec.agents, spec.mode)
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


def at_time(ms: int) -> datetime:
    """Unix milliseconds as a time that prints as RFC 3339."""
    seconds, rest = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
