"""How a campaign works with agents, as people write it: the `agents` table of a specification."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from dialerd.core.agent_records import AgentSettings, Disposition, Meaning, OnMachine
from dialerd.core.flow_checks import FlowFault
from dialerd.core.limits import (
    DISPOSITIONS_MAX,
    MEMBERS_MAX,
    PROMPT_CHARS_MAX,
    RETRY_GAP_S_MAX,
    TRANSFER_NUMBERS_MAX,
)
from dialerd.core.records import DialMode
from dialerd.core.spec_parts import PROMPT_PATTERN, Name, Spec

Sound = Annotated[str, Meta(max_length=PROMPT_CHARS_MAX, pattern=r"^$(?!\n)|" + PROMPT_PATTERN)]
Seconds = Annotated[int, Meta(ge=0, le=86_400)]
NumberPattern = Annotated[
    str,
    Meta(
        pattern=r"^(\*|\+[0-9]{1,15}\*?)$(?!\n)",
        extra={"hint": 'a number such as "+842873001234", a beginning such as "+8428*", or "*"'},
    ),
]


class DispositionSpec(Spec):
    """One outcome that agents may choose."""

    name: Annotated[Name, Meta(description="What agents choose.")]
    meaning: Annotated[Meaning, Meta(description="What becomes of the lead.")] = Meaning.DONE
    gap_s: Annotated[
        int, Meta(ge=0, le=RETRY_GAP_S_MAX, description="Of a retry; 0: the campaign's.")
    ] = 0


class AgentSpec(Spec):
    """Means nothing in a broadcast."""

    members: Annotated[
        tuple[Name, ...],
        Meta(max_length=MEMBERS_MAX, description="Agents and queues that may join; empty: all."),
    ] = ()
    preview_s: Annotated[Seconds, Meta(description="Preview: how long a card is shown.")] = 20
    may_skip: Annotated[bool, Meta(description="Preview: agents may ask for another.")] = False
    abandon_target: Annotated[
        float,
        Meta(ge=0.0, le=0.2, description="Predictive: share of people who find no agent in time."),
    ] = 0.03
    lines_per_agent_max: Annotated[
        float, Meta(ge=1.0, le=10.0, description="Predictive: calls under way for each agent.")
    ] = 3.0
    grace_s: Annotated[
        float, Meta(ge=0.1, le=60.0, description="How long a person waits for an agent.")
    ] = 2.0
    ring_agent_s: Annotated[
        int, Meta(ge=3, le=120, description="How long an agent's telephone rings.")
    ] = 20
    wrap_up_s: Annotated[
        Seconds, Meta(description="Longest wrap-up; 0: until the call is disposed of.")
    ] = 30
    rest_s: Annotated[Seconds, Meta(description="Pause between an agent's calls.")] = 0
    lost_s: Annotated[Seconds, Meta(description="How long a lost agent is waited for.")] = 30
    hand_over: Annotated[
        bool, Meta(description="When an agent vanishes, another one takes the customer.")
    ] = False
    dispositions: Annotated[
        tuple[DispositionSpec, ...],
        Meta(max_length=DISPOSITIONS_MAX, description="Empty: any word, and it means done."),
    ] = ()
    overdue_s: Annotated[
        int,
        Meta(
            ge=0,
            le=RETRY_GAP_S_MAX,
            description="When an agent's callback is anybody's, after its time; 0: never.",
        ),
    ] = 3_600
    left_prompt: Annotated[Sound, Meta(description="For one whose agent vanished.")] = ""
    hold_prompt: Annotated[Sound, Meta(description="For one whose agent is away.")] = ""
    machines: Annotated[bool, Meta(description="Find out who answered before an agent.")] = False
    on_machine: Annotated[
        OnMachine, Meta(description="What becomes of a call that a machine answered.")
    ] = OnMachine.HANG_UP
    machine_prompt: Annotated[Sound, Meta(description="What a machine is told.")] = ""
    verdict_s: Annotated[
        float, Meta(ge=0.1, le=10.0, description="How long the verdict is waited for.")
    ] = 3.0
    window_s: Annotated[
        int, Meta(ge=60, le=31 * 86_400, description="Over what time abandonment is shown.")
    ] = 86_400
    unrecorded: Annotated[
        tuple[Name, ...],
        Meta(
            max_length=MEMBERS_MAX,
            description="Agents and queues who are not recorded where the campaign is.",
        ),
    ] = ()
    transfer_numbers: Annotated[
        tuple[NumberPattern, ...],
        Meta(
            max_length=TRANSFER_NUMBERS_MAX,
            description="Numbers that agents may put customers through to; none: to no number.",
        ),
    ] = ("*",)


def agent_faults(spec: AgentSpec, mode: DialMode) -> Iterator[FlowFault]:
    """What in it does not fit the rest; pointers begin at the campaign."""
    names = [one.name for one in spec.dispositions]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield FlowFault(("agents", "dispositions", index, "name"), f"{name!r} is there already")
    if mode is DialMode.MANUAL and spec.may_skip:
        yield FlowFault(("agents", "may_skip"), "only preview skips: manual agents ask for each")
    if spec.on_machine is OnMachine.LEAVE_MESSAGE and not spec.machine_prompt:
        yield FlowFault(("agents", "machine_prompt"), "a message needs a prompt")
    if spec.on_machine is not OnMachine.HANG_UP and not spec.machines:
        yield FlowFault(("agents", "machines"), "nobody finds out whether a machine answered")
    if mode is DialMode.PREVIEW and not spec.preview_s:
        yield FlowFault(("agents", "preview_s"), "a preview of 0 s shows nobody")


def to_agents(spec: AgentSpec) -> AgentSettings:
    """The record that the store keeps."""
    values = {name: getattr(spec, name) for name in spec.__struct_fields__}
    values["dispositions"] = tuple(
        Disposition(one.name, one.meaning, one.gap_s) for one in spec.dispositions
    )
    return AgentSettings(**values)


def from_agents(settings: AgentSettings) -> AgentSpec:
    """The way back, for people to read."""
    values = {name: getattr(settings, name) for name in settings.__struct_fields__}
    values["dispositions"] = tuple(
        DispositionSpec(name=one.name, meaning=one.meaning, gap_s=one.gap_s)
        for one in settings.dispositions
    )
    return AgentSpec(**values)
