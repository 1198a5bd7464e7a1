"""How a campaign finds out who answered, as people write it: the `detection` table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from dialerd.core.agent_records import OnMachine
from dialerd.core.agent_spec import AgentSpec, Sound
from dialerd.core.detection_records import CLASSIC, Detection
from dialerd.core.flow_checks import FlowFault
from dialerd.core.records import DialMode
from dialerd.core.spec_parts import Spec
from fastpath.amd_classic import DEFAULTS

CLASSIC_MS_MAX = 600_000
REVISE_S = 7.0
"""Of a broadcast: until then a machine that passed for a person is found out."""

Parameter = Annotated[
    str,
    Meta(pattern=rf"^({'|'.join(DEFAULTS)})$(?!\n)", extra={"hint": ", ".join(DEFAULTS)}),
]


class DetectionSpec(Spec):
    """With agents `agents.machines` switches it on, in a broadcast `machines` here."""

    detector: Annotated[
        str,
        Meta(
            max_length=64,
            pattern=r"^[A-Za-z0-9_-]*$(?!\n)",
            description="A model by its name; empty: the daemon's own; classic: the usual rule.",
        ),
    ] = ""
    classic: Annotated[
        dict[Parameter, Annotated[int, Meta(ge=0, le=CLASSIC_MS_MAX)]],
        Meta(description="Parameters of the classic rule, in ms."),
    ] = {}  # noqa: RUF012 - a Struct copies it
    on_unknown: Annotated[
        OnMachine, Meta(description="What becomes of a call when it was not found out.")
    ] = OnMachine.CONNECT
    beep_s_max: Annotated[
        float, Meta(ge=0.0, le=120.0, description="How long a message waits for the beep.")
    ] = 30.0
    quiet_s: Annotated[
        float,
        Meta(ge=0.0, le=30.0, description="So much silence does for the beep; 0: it does not."),
    ] = 2.0
    revise_s: (
        Annotated[
            float,
            Meta(
                ge=0.0,
                le=30.0,
                description="A person may turn out a machine so long after the first word; 0: "
                f"never. Unless it is said: with agents never, in a broadcast {REVISE_S:g}.",
            ),
        ]
        | UnsetType
    ) = UNSET
    machines: Annotated[bool, Meta(description="Broadcast: find out who answered.")] = False
    verdict_s: Annotated[
        float,
        Meta(ge=0.0, le=10.0, description="Broadcast: the flow waits so long; 0: it does not."),
    ] = 0.0
    on_machine: Annotated[
        OnMachine, Meta(description="Broadcast: what becomes of a call that a machine answered.")
    ] = OnMachine.CONNECT
    machine_prompt: Annotated[Sound, Meta(description="Broadcast: what a machine is told.")] = ""


def detection_faults(spec: DetectionSpec, agents: AgentSpec, mode: DialMode) -> Iterator[FlowFault]:
    """What in it does not fit the rest; pointers begin at the campaign."""
    broadcast = mode is DialMode.BROADCAST
    if spec.classic and spec.detector != CLASSIC:
        yield FlowFault(("detection", "classic"), f'these need detector = "{CLASSIC}"')
    machines, prompt = spec.machines, spec.machine_prompt
    if broadcast:
        if spec.on_machine is OnMachine.LEAVE_MESSAGE and not prompt:
            yield FlowFault(("detection", "machine_prompt"), "a message needs a prompt")
    else:
        for name in ("machines", "verdict_s", "on_machine", "machine_prompt"):
            if getattr(spec, name) != getattr(DetectionSpec(), name):
                yield FlowFault(("detection", name), f"with agents it is agents.{name}")
        machines, prompt = agents.machines, agents.machine_prompt
    if spec.on_unknown is OnMachine.LEAVE_MESSAGE and not prompt:
        yield FlowFault(("detection", "on_unknown"), "a message needs a prompt: machine_prompt")
    if spec != DetectionSpec() and not machines:
        where = "machines" if broadcast else "agents.machines"
        yield FlowFault(("detection",), f"it means nothing without {where}")


def to_detection(spec: DetectionSpec) -> Detection:
    """The record that the store keeps."""
    values = {name: getattr(spec, name) for name in spec.__struct_fields__}
    if spec.revise_s is UNSET:
        values["revise_s"] = _revise_s(machines=spec.machines)
    return Detection(**values)


def from_detection(detection: Detection) -> DetectionSpec:
    """The way back, for people to read."""
    values = {name: getattr(detection, name) for name in DetectionSpec.__struct_fields__}
    if detection.revise_s == _revise_s(machines=detection.machines):
        values["revise_s"] = UNSET
    return DetectionSpec(**values)


def _revise_s(*, machines: bool) -> float:
    """What it is when nobody says; `machines` is a broadcast's."""
    return REVISE_S if machines else 0.0
