"""A flow made ready to run, and what it asks of the call that it runs in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from dialerd.core.chain import Chain
from dialerd.core.flow_checks import END, flow_faults
from dialerd.core.flow_records import Choose, Flow, Forbid, Gather, Promise, Transfer
from dialerd.core.records import EventKind

OUT: Final = -1
"""In place of a step's index: the end."""


class FlowPlan:
    """A checked flow with its targets resolved to indexes, shared by all calls of a campaign."""

    __slots__ = (
        "after", "cases", "chains", "keys", "name", "otherwise", "secret", "steps", "then",
        "transfers",
    )  # fmt: skip

    def __init__(self, flow: Flow, name: str = "") -> None:
        """ValueError names the first of its `flow_faults`; `name` is that of a saved one."""
        self.name = name
        for pointer, text in flow_faults(flow):
            raise ValueError(f"flow/{'/'.join(map(str, pointer))}: {text}")
        index = {step.step_id: i for i, step in enumerate(flow.steps)} | {END: OUT}
        self.steps = steps = flow.steps
        self.chains = tuple(map(Chain, steps))
        self.keys = tuple({k: index[to] for k, to in step.keys.items()} for step in steps)
        self.otherwise = tuple(index[step.otherwise] for step in steps)
        self.then = tuple(index[step.then or step.otherwise] for step in steps)
        self.after = tuple(index[step.after_visits] for step in steps)
        deeds = [step.does for step in steps]
        self.cases = tuple(
            tuple(index[case.to] for case in deed.cases) if isinstance(deed, Choose) else ()
            for deed in deeds
        )
        self.transfers = any(isinstance(deed, Transfer) for deed in deeds)
        self.secret = any(isinstance(deed, Gather) and deed.secret for deed in deeds)


class FlowSink(Protocol):
    """What a running flow asks of its call. `now_ns` is the time of the input that led to it."""

    def play(self, prompts: tuple[str, ...], token: int) -> None:
        """Play prompts, one behind the other; tell `played(token)` when they ran to their end."""

    def stop_play(self) -> None:
        """Stop what plays."""

    def record(self, kind: EventKind, detail: str, now_ns: int) -> None:
        """Write one line of the call's history."""

    def keep_field(self, name: str, value: str) -> None:
        """Keep a field with the attempt, in place of an older value."""

    def tape(self, name: str) -> None:
        """Record the call from now on, under a name."""

    def tape_end(self) -> None:
        """Record no more than before `tape`."""

    def forbid(self, deed: Forbid, now_ns: int) -> None:
        """Put the number on the do-not-call list, at once."""

    def promise(self, deed: Promise, fields: Mapping[str, str], now_ns: int) -> bool:
        """Book a callback, which is there when the call has ended; False: there is no such time."""
        ...

    def transfer(self, deed: Transfer, target: str, now_ns: int) -> None:
        """Connect the person with somebody; `connected` or `failed` answers, at once or later.

        `target` is `deed.target` with its fields filled in. The prompt for waiting is the call's to
        play.
        """

    def transfer_end(self, now_ns: int) -> None:
        """Nobody took it in time: let go of whoever is being asked."""

    def close(self, result: str) -> None:
        """What came of the call; `flow_over` follows."""

    def flow_over(self, now_ns: int) -> None:
        """The flow has ended: hang up."""
