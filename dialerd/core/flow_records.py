"""What a call plays and does by itself, as stored.

As in `dialerd.core.records`: fields are only appended.
"""

from __future__ import annotations

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


class FlowStep(Record):
    """One step of a broadcast flow: play a prompt or a chain, then follow the pressed key.

    `keys` maps a digit to the id of the next step, or to "end". After the prompt the caller has
    `wait_ms` to press; without a key the call goes to `otherwise`. A step with `parts` plays them
    one behind the other, `plays` times, and has no `prompt`.
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
