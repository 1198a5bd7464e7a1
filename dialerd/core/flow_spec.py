"""A saved flow as people write it: a name, and steps as a campaign has them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from dialerd.core.flow_checks import FlowFault
from dialerd.core.flow_records import Flow
from dialerd.core.limits import STEPS_MAX
from dialerd.core.spec_parts import Name, Spec
from dialerd.core.step_spec import StepSpec, flow_of, step_faults, steps_of


class FlowSpec(Spec):
    """A whole flow; saving it again under its name makes a new version."""

    name: Name
    steps: Annotated[
        tuple[StepSpec, ...],
        Meta(min_length=1, max_length=STEPS_MAX, description="The first is where a call begins."),
    ]


def to_flow(spec: FlowSpec) -> Flow:
    """The record that the store keeps."""
    return flow_of(spec.steps)


def spec_of(name: str, flow: Flow) -> FlowSpec:
    """The way back, for people to read and change."""
    return FlowSpec(name=name, steps=steps_of(flow))


def spec_faults(spec: FlowSpec) -> list[FlowFault]:
    """What in a flow does not fit the rest of it; pointers begin at the spec."""
    return step_faults(spec.steps)
