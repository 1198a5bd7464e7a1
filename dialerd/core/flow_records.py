"""What a call plays and does by itself, as stored.

As in `dialerd.core.records`: fields are only appended.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from dialerd.core.record import Record


class Part(Record):
    """One link of a chain: a prompt, or (`say` is its kind) a value that is said.

    `value` is a text with fields of the contact: `{amount}`. See `dialerd.core.spoken`.
    """

    prompt: str = ""
    say: str = ""
    value: str = ""
    lang: str = "vi"
    region: str = "north"
    currency: str = "VND"


class Gather(Record, tag="gather"):
    """Gather keys into a field. Too few of them, or none, is a try; the prompt is played again.

    `end_key` ends it before `keys_max` are pressed (empty: none does). `again` is played before the
    prompt of a further try. The keys of a `secret` are kept nowhere, only used.
    """

    field: str
    keys_min: int = 1
    keys_max: int = 1
    end_key: str = "#"
    first_ms: int = 5_000
    next_ms: int = 3_000
    tries: int = 3
    again: str = ""
    secret: bool = False


class Case(Record):
    """Where a field's value leads: all that is set must hold.

    `equals` are texts, one of which it is; `least` and `less` numbers; `empty`: it is not there.
    """

    to: str
    equals: tuple[str, ...] = ()
    least: str = ""
    less: str = ""
    empty: bool = False


class Choose(Record, tag="choose"):
    """Go on by a field's value: to the first case that holds, else to `otherwise`."""

    field: str
    cases: tuple[Case, ...] = ()


class Assign(Record, tag="set"):
    """Give a field a value: a text with fields, of which unknown ones are empty."""

    field: str
    value: str = ""


class Tape(Record, tag="record"):
    """Record what is said, until `stop_key` (empty: none) or for `seconds_max`."""

    seconds_max: int = 60
    stop_key: str = "#"
    beep: bool = True


class Forbid(Record, tag="do_not_call"):
    """Put the number on our own do-not-call list, for `days` or for good (0)."""

    campaign_only: bool = False
    days: int = 0


class Promise(Record, tag="callback"):
    """Book a callback: in `minutes`, or the next time it is `at` (17:30, 1730) where people live.

    Of an `agent`, or anybody's. `at` is a text with fields; one that is no time books nothing.
    """

    minutes: int = 0
    at: str = ""
    agent: str = ""


class TargetKind(StrEnum):
    """Who takes a transferred call."""

    QUEUE = "queue"
    AGENT = "agent"
    NUMBER = "number"


OWN: Final = "*"
"""In place of a queue: the agents who work in the campaign."""


class Transfer(Record, tag="transfer"):
    """Connect the person with somebody else. `target` is a text with fields.

    Meanwhile `hold_prompt` is heard; after `ring_s_max` it has failed.
    """

    kind: TargetKind
    target: str
    hold_prompt: str = ""
    ring_s_max: int = 30


class Close(Record, tag="result"):
    """End the call, and say what came of it."""

    result: str


Deed = Gather | Choose | Assign | Tape | Forbid | Promise | Transfer | Close


class FlowStep(Record):
    """One step of a broadcast flow: play a prompt or a chain, then follow the pressed key.

    `keys` maps a digit to the id of the next step, or to "end". After the prompt the caller has
    `wait_ms` to press; without a key the call goes to `otherwise`. A step with `parts` plays them
    one behind the other, `plays` times, and has no `prompt`.

    A step may do something after its prompt, if it has one: then no key leads on from it, and the
    call goes to `then` (empty: to `otherwise`) when that was done, to `otherwise` when not. A step
    with `visits_max` is gone into so often; then the call goes to `after_visits`.
    """

    step_id: str
    prompt: str
    keys: dict[str, str] = {}  # noqa: RUF012
    wait_ms: int = 0
    otherwise: str = "end"
    barge_in: bool = True
    parts: tuple[Part, ...] = ()
    plays: int = 1
    pause_ms: int = 0  # silence between two of the `plays`, a multiple of SILENCE_MS
    does: Deed | None = None
    then: str = ""
    visits_max: int = 0  # 0: any number
    after_visits: str = "end"


class Flow(Record):
    """A broadcast: its first step is where an answered call begins."""

    steps: tuple[FlowStep, ...]


class FlowVersion(Record):
    """A flow as it was saved once; it never changes. Versions count from 1."""

    flow_id: int
    name: str
    version: int
    at_ms: int
    who: str
    flow: Flow


class FlowChoice(Record):
    """Who has `value` in the campaign's `flow_column` hears this one."""

    value: str
    name: str
    version: int = 0
    flow: Flow = Flow(())
