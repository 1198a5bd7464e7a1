"""What a step does besides playing, as people write it: one key of the step for each kind."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, UnsetType

from dialerd.core.deeds import DAYS_MAX, KIND
from dialerd.core.flow_records import (
    Assign,
    Case,
    Choose,
    Close,
    Deed,
    Forbid,
    Gather,
    Promise,
    Tape,
    TargetKind,
    Transfer,
)
from dialerd.core.limits import (
    CALLBACK_AHEAD_S_MAX,
    CASES_MAX,
    FIELD_CHARS_MAX,
    GATHER_TRIES_MAX,
    GATHERED_MAX,
    NAME_CHARS_MAX,
    PROMPT_CHARS_MAX,
    RING_S_MAX,
    RING_S_MIN,
    TAPE_S_MAX,
    VALUE_CHARS_MAX,
    WAIT_MS_MAX,
)
from dialerd.core.spec_parts import PROMPT_PATTERN, Name, Spec, StepId

Field = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=FIELD_CHARS_MAX,
        pattern=r"^[^{}\x00-\x1f\x7f-\x9f]+$(?!\n)",
        extra={"hint": "a name, without braces"},
    ),
]
Sound = Annotated[str, Meta(max_length=PROMPT_CHARS_MAX, pattern=r"^$(?!\n)|" + PROMPT_PATTERN)]
Template = Annotated[
    str,
    Meta(
        max_length=VALUE_CHARS_MAX,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)",
        description="A text with fields, such as {amount}.",
    ),
]
OneKey = Annotated[
    str, Meta(pattern=r"^[0-9*#]?$(?!\n)", extra={"hint": "one key, or empty: none"})
]
WaitMs = Annotated[int, Meta(ge=1, le=WAIT_MS_MAX)]
Number = Annotated[
    str,
    Meta(
        max_length=VALUE_CHARS_MAX, pattern=r"^(-?[0-9]+([.,][0-9]+)?)?$(?!\n)",
        extra={"hint": 'a number as a text, such as "100000"'},
    ),
]  # fmt: skip


class GatherSpec(Spec):
    """Gather keys into a field: `gather = {field = "pin", keys_min = 4, keys_max = 6}`."""

    field: Annotated[Field, Meta(description="Where they are kept.")]
    keys_min: Annotated[int, Meta(ge=0, le=GATHERED_MAX, description="As many at least.")] = 1
    keys_max: Annotated[int, Meta(ge=1, le=GATHERED_MAX, description="As many at most.")] = 1
    end_key: Annotated[OneKey, Meta(description="Ends it before `keys_max`.")] = "#"
    first_ms: Annotated[WaitMs, Meta(description="For the first key, after the prompt.")] = 5_000
    next_ms: Annotated[WaitMs, Meta(description="For each further key.")] = 3_000
    tries: Annotated[int, Meta(ge=1, le=GATHER_TRIES_MAX, description="How often it is asked.")] = 3
    again: Annotated[Sound, Meta(description="Plays before the prompt of a further try.")] = ""
    secret: Annotated[bool, Meta(description="Its keys are used and kept nowhere.")] = False


class CaseSpec(Spec):
    """One case: all that is set must hold. `equals` and `among` are texts, the others numbers."""

    to: Annotated[StepId, Meta(description="The step that follows.")]
    equals: Annotated[Template, Meta(description="It is this text; {fields} are filled in.")] = ""
    among: Annotated[
        tuple[Template, ...], Meta(max_length=CASES_MAX, description="It is one of these.")
    ] = ()
    least: Annotated[Number, Meta(description="At least this number.")] = ""
    less: Annotated[Number, Meta(description="Less than this number.")] = ""
    empty: Annotated[bool, Meta(description="The field is empty, or not there.")] = False


class ChooseSpec(Spec):
    """Go on by a field's value, to the first case that holds, else to `otherwise`."""

    field: Annotated[Field, Meta(description="Whose value it goes by.")]
    cases: Annotated[
        tuple[CaseSpec, ...],
        Meta(min_length=1, max_length=CASES_MAX, description="The first that holds counts."),
    ]


class AssignSpec(Spec):
    """Give a field a value: `set = {field = "level", value = "{amount}"}`."""

    field: Annotated[Field, Meta(description="Which one.")]
    value: Template = ""


class TapeSpec(Spec):
    """Record what is said."""

    seconds_max: Annotated[int, Meta(ge=1, le=TAPE_S_MAX, description="How long at most.")] = 60
    stop_key: Annotated[OneKey, Meta(description="Ends it; empty: no key does.")] = "#"
    beep: Annotated[bool, Meta(description="A tone before it.")] = True


class ForbidSpec(Spec):
    """Put the number on our own do-not-call list."""

    campaign_only: Annotated[bool, Meta(description="Not for other campaigns.")] = False
    days: Annotated[int, Meta(ge=0, le=DAYS_MAX, description="0: for good.")] = 0


class PromiseSpec(Spec):
    """Book a callback: in `minutes`, or the next time that it is `at`."""

    minutes: Annotated[
        int, Meta(ge=0, le=CALLBACK_AHEAD_S_MAX // 60, description="From now; 0: by `at`.")
    ] = 0
    at: Annotated[
        Template, Meta(description='A time of day ("17:30"), or a {field} with one (1730).')
    ] = ""
    agent: Annotated[
        str, Meta(max_length=NAME_CHARS_MAX, description="Whose it is; empty: anybody's.")
    ] = ""


class TransferSpec(Spec):
    """Connect the person with a queue, an agent or a number: exactly one of them.

    The queue `*` is the agents who work in the campaign.
    """

    queue: Annotated[Template, Meta(description="Its name, or `*`; {fields} are filled in.")] = ""
    agent: Annotated[Template, Meta(description="A name; {fields} are filled in.")] = ""
    number: Annotated[Template, Meta(description="To dial; {fields} are filled in.")] = ""
    hold_prompt: Annotated[Sound, Meta(description="What is heard meanwhile.")] = ""
    ring_s_max: Annotated[
        int, Meta(ge=RING_S_MIN, le=RING_S_MAX, description="How long it may ring there.")
    ] = 30


Result = Annotated[Name, Meta(description="End the call, and say what came of it.")]


class DoingSpec(Spec):
    """A step may have one of these; it follows the prompt."""

    gather: GatherSpec | UnsetType = UNSET
    choose: ChooseSpec | UnsetType = UNSET
    set: AssignSpec | UnsetType = UNSET
    record: TapeSpec | UnsetType = UNSET
    do_not_call: ForbidSpec | UnsetType = UNSET
    callback: PromiseSpec | UnsetType = UNSET
    transfer: TransferSpec | UnsetType = UNSET
    result: Result | UnsetType = UNSET


KEYS: Final = tuple(KIND.values())


def too_many(step: DoingSpec) -> tuple[str, ...]:
    """The keys of a step that has more than one; empty when all is well."""
    found = tuple(key for key in KEYS if getattr(step, key) is not UNSET)
    return found if len(found) > 1 else ()


def deed_of(step: DoingSpec) -> Deed | None:  # noqa: PLR0911 - one for each kind
    """The record of what a step does."""
    if (g := step.gather) is not UNSET:
        return Gather(
            g.field, g.keys_min, g.keys_max, g.end_key, g.first_ms, g.next_ms, g.tries, g.again,
            g.secret,
        )  # fmt: skip
    if (c := step.choose) is not UNSET:
        return Choose(c.field, tuple(map(_case, c.cases)))
    if (a := step.set) is not UNSET:
        return Assign(a.field, a.value)
    if (r := step.record) is not UNSET:
        return Tape(r.seconds_max, r.stop_key, r.beep)
    if (f := step.do_not_call) is not UNSET:
        return Forbid(f.campaign_only, f.days)
    if (p := step.callback) is not UNSET:
        return Promise(p.minutes, p.at, p.agent)
    if (t := step.transfer) is not UNSET:
        return _transfer(t)
    if step.result is not UNSET:
        return Close(step.result)
    return None


def _case(case: CaseSpec) -> Case:
    texts = ((case.equals,) if case.equals else ()) + case.among
    return Case(case.to, texts, case.least, case.less, case.empty)


def _transfer(spec: TransferSpec) -> Transfer:
    named = [(kind, getattr(spec, kind.value)) for kind in TargetKind]
    kind, target = next(((kind, to) for kind, to in named if to), (TargetKind.QUEUE, ""))
    return Transfer(kind, target, spec.hold_prompt, spec.ring_s_max)


def targets(spec: TransferSpec) -> int:
    """How many it names: one is right."""
    return sum(bool(getattr(spec, kind.value)) for kind in TargetKind)


def doing(deed: Deed | None) -> dict[str, Any]:
    """The way back: the key of a step and what stands behind it, as arguments of its spec."""
    if deed is None:
        return {}
    made: Spec | str
    match deed:
        case Gather():
            made = GatherSpec(
                field=deed.field, keys_min=deed.keys_min, keys_max=deed.keys_max,
                end_key=deed.end_key, first_ms=deed.first_ms, next_ms=deed.next_ms,
                tries=deed.tries, again=deed.again, secret=deed.secret,
            )  # fmt: skip
        case Choose():
            made = ChooseSpec(field=deed.field, cases=tuple(map(_case_spec, deed.cases)))
        case Assign():
            made = AssignSpec(field=deed.field, value=deed.value)
        case Tape():
            made = TapeSpec(seconds_max=deed.seconds_max, stop_key=deed.stop_key, beep=deed.beep)
        case Forbid():
            made = ForbidSpec(campaign_only=deed.campaign_only, days=deed.days)
        case Promise():
            made = PromiseSpec(minutes=deed.minutes, at=deed.at, agent=deed.agent)
        case Transfer():
            made = TransferSpec(
                queue=deed.target if deed.kind is TargetKind.QUEUE else "",
                agent=deed.target if deed.kind is TargetKind.AGENT else "",
                number=deed.target if deed.kind is TargetKind.NUMBER else "",
                hold_prompt=deed.hold_prompt,
                ring_s_max=deed.ring_s_max,
            )
        case Close():
            made = deed.result
    return {KIND[type(deed)]: made}


def _case_spec(case: Case) -> CaseSpec:
    one = len(case.equals) == 1
    return CaseSpec(
        to=case.to,
        equals=case.equals[0] if one else "",
        among=() if one else case.equals,
        least=case.least,
        less=case.less,
        empty=case.empty,
    )
