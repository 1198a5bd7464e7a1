"""One step of a flow as people write it, and the record that is kept of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from dialerd.core.chain import Chain, label
from dialerd.core.deed_spec import CaseSpec, DoingSpec, deed_of, doing, targets, too_many
from dialerd.core.deeds import KIND
from dialerd.core.flow_checks import END, FlowFault, flow_faults
from dialerd.core.flow_records import Flow, FlowStep, Part
from dialerd.core.limits import (
    PARTS_MAX,
    PAUSE_MS_MAX,
    PLAYS_MAX,
    SILENCE_MS,
    VALUE_CHARS_MAX,
    VISITS_MAX,
    WAIT_MS_MAX,
)
from dialerd.core.spec_parts import STEP_PATTERN, TEXT, Digit, PromptName, Spec, StepId
from dialerd.core.spoken import Currency, Lang, Region, SayKind


class SaySpec(Spec):
    """A value that is said with word prompts: `{say = "money", value = "{amount}"}`."""

    say: Annotated[SayKind, Meta(description="How the value is said.")]
    value: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=VALUE_CHARS_MAX,
            pattern=TEXT,
            description="A text with fields of the contact, such as {amount}.",
            extra={"hint": "printable characters only"},
        ),
    ]
    lang: Annotated[Lang, Meta(description="In which language.")] = Lang.VI
    region: Annotated[Region, Meta(description="How Vietnamese numbers are said.")] = Region.NORTH
    currency: Annotated[Currency, Meta(description="Of money.")] = Currency.VND


class StepSpec(DoingSpec):
    """One step of a flow: play `prompt` or `chain`, then follow a key, or do one thing."""

    prompt: PromptName | UnsetType = UNSET
    chain: Annotated[
        tuple[PromptName | SaySpec, ...],
        Meta(
            max_length=PARTS_MAX,
            description="Instead of `prompt`: prompts and values to say, one behind the other.",
        ),
    ] = ()
    id: Annotated[StepId, Meta(description="Its name, to which others lead.")] = "start"
    keys: Annotated[
        dict[Digit, StepId],
        Meta(max_length=16, description='Digit to the id of the next step, or "end".'),
    ] = {}  # noqa: RUF012 - a Struct copies it
    wait_ms: Annotated[
        int, Meta(ge=0, le=WAIT_MS_MAX, description="How long a key is waited for.")
    ] = 0
    otherwise: Annotated[
        StepId, Meta(description="Where it goes without a key, or when something was not done.")
    ] = END
    barge_in: Annotated[
        bool, Meta(description="A key cuts the prompt; else early ones answer the next question.")
    ] = True
    plays: Annotated[int, Meta(ge=1, le=PLAYS_MAX, description="How many times it is played.")] = 1
    pause_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=PAUSE_MS_MAX,
            multiple_of=SILENCE_MS,
            description="Silence between two of the `plays`.",
        ),
    ] = 0
    then: Annotated[
        str,
        Meta(
            pattern=r"^$(?!\n)|" + STEP_PATTERN,
            description="Where it goes when what it does was done; empty: to `otherwise`.",
        ),
    ] = ""
    visits_max: Annotated[
        int, Meta(ge=0, le=VISITS_MAX, description="How often a call may come here; 0: any.")
    ] = 0
    after_visits: Annotated[StepId, Meta(description="Where it goes from then on.")] = END


def step_faults(steps: Sequence[StepSpec]) -> list[FlowFault]:
    """What in steps does not fit; pointers begin at whatever has the steps."""
    return list(_told_twice(steps)) or flow_faults(flow_of(steps))


def _told_twice(steps: Sequence[StepSpec]) -> Iterator[FlowFault]:
    """What a record cannot hold, so only a spec may have it."""
    for index, step in enumerate(steps):
        if found := too_many(step):
            yield FlowFault(("steps", index, found[1]), f"one thing a step: {' or '.join(found)}")
        if step.transfer is not UNSET and targets(step.transfer) != 1:
            yield FlowFault(("steps", index, "transfer"), "to one of queue, agent or number")


def flow_of(steps: Sequence[StepSpec]) -> Flow:
    """The record that the store keeps of steps."""
    return Flow(tuple(map(_step, steps)))


def steps_of(flow: Flow) -> tuple[StepSpec, ...]:
    """The way back."""
    return tuple(
        StepSpec(
            id=s.step_id,
            prompt=s.prompt or UNSET,
            chain=tuple(map(_part_spec, s.parts)),
            keys=s.keys,
            wait_ms=s.wait_ms,
            otherwise=s.otherwise,
            barge_in=s.barge_in,
            plays=s.plays,
            pause_ms=s.pause_ms,
            then=s.then,
            visits_max=s.visits_max,
            after_visits=s.after_visits,
            **doing(s.does),
        )
        for s in flow.steps
    )


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
        step.pause_ms,
        deed_of(step),
        step.then,
        step.visits_max,
        step.after_visits,
    )


def played(step: StepSpec) -> str:
    """What a step plays and does, in words."""
    made = _step(step)
    words = [] if Chain(made).silent else [f"plays {label(made)}"]
    if step.plays > 1:
        words += [f"({step.plays} times)"]
    if made.does is not None:
        words += [*(["then"] if words else []), "does " + KIND[type(made.does)].replace("_", " ")]
    if step.choose is not UNSET:
        words += ["by " + step.choose.field]
    if step.result is not UNSET:
        words += [repr(step.result)]
    return " ".join(words)


def ways(step: StepSpec) -> str:
    """Where a step leads, in words."""
    words = [", ".join(f"{digit} to {to}" for digit, to in step.keys.items())] if step.keys else []
    if step.choose is not UNSET:
        words += [f"{_case(case)} to {case.to}" for case in step.choose.cases]
    if step.then:
        words.append(f"done to {step.then}")
    if step.result is UNSET:
        words.append(f"otherwise {'to ' * (step.otherwise != END)}{step.otherwise}")
    if step.visits_max:
        words.append(f"after {step.visits_max} visits to {step.after_visits}")
    return "; ".join(words)


def _case(case: CaseSpec) -> str:
    told = [f"is {case.equals}"] if case.equals else []
    told += ["is " + " or ".join(case.among)] if case.among else []
    told += [f"is at least {case.least}"] if case.least else []
    told += [f"is less than {case.less}"] if case.less else []
    return " and ".join(told + ["is empty"] * case.empty)


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
