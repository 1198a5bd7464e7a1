"""What customers get who call back, as people write it: the `returns` table of a specification."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from dialerd.core.agent_spec import Sound
from dialerd.core.flow_checks import FlowFault
from dialerd.core.limits import RETURN_DAYS_MAX, RING_S_MAX, RING_S_MIN, STEPS_MAX
from dialerd.core.records import DialMode
from dialerd.core.return_records import ReturnAnswer, ReturnSettings
from dialerd.core.spec_parts import Column, Spec
from dialerd.core.step_spec import StepSpec, flow_of, step_faults, steps_of


class ReturnSpec(Spec):
    """For people whom the campaign has called and who call back."""

    answer: Annotated[
        ReturnAnswer,
        Meta(
            description="`message`: what the campaign has for this person; `flow`: another flow;"
            " `agents`: an agent; `refuse`: nothing."
        ),
    ] = ReturnAnswer.REFUSE
    flow: Annotated[Column, Meta(description="Of `flow`: a saved one.")] = ""
    steps: Annotated[
        tuple[StepSpec, ...], Meta(max_length=STEPS_MAX, description="Of `flow`: its steps.")
    ] = ()
    queue: Annotated[
        Column, Meta(description="Of `agents`: whose; empty: who works in the campaign.")
    ] = ""
    wait_s: Annotated[
        int,
        Meta(ge=RING_S_MIN, le=RING_S_MAX, description="How long they wait for an agent."),
    ] = 60
    hold_prompt: Annotated[Sound, Meta(description="Plays while they wait, over and over.")] = ""
    sorry_prompt: Annotated[Sound, Meta(description="Plays when no agent came.")] = ""
    days: Annotated[
        int, Meta(ge=1, le=RETURN_DAYS_MAX, description="So long after our last call to them.")
    ] = 30
    counts: Annotated[
        bool, Meta(description="Who has heard it so is not dialed for it, and caps count it.")
    ] = True


def return_faults(spec: ReturnSpec, mode: DialMode) -> Iterator[FlowFault]:
    """What in it does not fit the rest; pointers begin at the campaign."""
    wants_flow = spec.answer is ReturnAnswer.FLOW
    if wants_flow and bool(spec.flow) == bool(spec.steps):
        yield FlowFault(("returns", "flow"), "either a saved flow or steps")
    if not wants_flow and (spec.flow or spec.steps):
        yield FlowFault(("returns", "flow"), 'is played with answer = "flow"')
    if spec.answer is ReturnAnswer.MESSAGE and mode is not DialMode.BROADCAST:
        text = f"in the mode {mode} there is no message: flow or agents"
        yield FlowFault(("returns", "answer"), text)
    if spec.answer is ReturnAnswer.AGENTS and not spec.queue and mode is DialMode.BROADCAST:
        yield FlowFault(("returns", "queue"), "nobody works in a broadcast: name a queue")
    if spec.steps:
        for pointer, text in step_faults(spec.steps):
            yield FlowFault(("returns", *pointer), text)


def to_returns(spec: ReturnSpec) -> ReturnSettings:
    """The record that the store keeps."""
    return ReturnSettings(
        spec.answer,
        flow_of(spec.steps),
        spec.flow,
        0,
        spec.queue,
        spec.wait_s,
        spec.hold_prompt,
        spec.sorry_prompt,
        spec.days,
        spec.counts,
    )


def from_returns(settings: ReturnSettings) -> ReturnSpec:
    """The way back, for people to read."""
    return ReturnSpec(
        answer=settings.answer,
        flow=settings.flow_name,
        steps=() if settings.flow_name else steps_of(settings.flow),
        queue=settings.queue,
        wait_s=settings.wait_s,
        hold_prompt=settings.hold_prompt,
        sorry_prompt=settings.sorry_prompt,
        days=settings.days,
        counts=settings.counts,
    )
