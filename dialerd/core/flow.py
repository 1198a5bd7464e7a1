"""Broadcast flows: checking one before it is saved, and running one in an answered call.

    | state   | key                | prompt ended        | time                 |
    |---------|--------------------|---------------------|----------------------|
    | playing | next step, or kept | waiting, next step  |                      |
    | waiting | next step          |                     | `otherwise`          |
    | over    |                    |                     |                      |

A key that the step knows cuts its prompt (barge-in) unless the step forbids that; the history says
how long it was heard. Where barge-in is forbidden, and when the step takes no keys, the key is kept
for later: an early key answers the next question. A key that the step does not know changes
nothing. A chain of keys may loop, so visits are counted and the call ends at `VISITS_MAX`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Final, NamedTuple, Protocol

from dialerd.core.chain import Chain, chain_faults
from dialerd.core.clock import NEVER
from dialerd.core.limits import (
    KEYS_EARLY_MAX,
    STEPS_MAX,
    VISITS_MAX,
    WAIT_MS_MAX,
)
from dialerd.core.records import EventKind, Flow, FlowStep

KEYS: Final = frozenset("0123456789*#")
END: Final = "end"
_END: Final = -1


class FlowState(IntEnum):
    """Where a flow stands."""

    IDLE = 0
    PLAYING = 1
    WAITING = 2
    OVER = 3


IDLE, PLAYING, WAITING, OVER = FlowState

# (state, what happens) -> the states it may lead to. Anything not in it is ignored: it came too
# early, too late, or twice.
MOVES: Final[dict[tuple[FlowState, str], tuple[FlowState, ...]]] = {
    (IDLE, "start"): (PLAYING,),
    (PLAYING, "key"): (PLAYING, OVER),
    (PLAYING, "played"): (PLAYING, WAITING, OVER),
    (WAITING, "key"): (WAITING, PLAYING, OVER),
    (WAITING, "time"): (PLAYING, OVER),
}


class FlowFault(NamedTuple):
    """A value that does not fit; `pointer` is its place in the flow as people write one."""

    pointer: tuple[str | int, ...]
    text: str


def flow_faults(flow: Flow) -> list[FlowFault]:
    """Every reason why a flow cannot run as its author meant."""
    steps = flow.steps
    if not 1 <= len(steps) <= STEPS_MAX:
        return [FlowFault(("steps",), f"must be 1 to {STEPS_MAX} steps")]
    ids = [step.step_id for step in steps]
    faults: list[FlowFault] = []
    for index, step in enumerate(steps):
        if step.step_id == END or step.step_id in ids[:index]:
            faults.append(FlowFault(("steps", index, "id"), f"the id {step.step_id!r} is taken"))
        faults += [
            FlowFault(("steps", index, *where), text) for where, text in _step_faults(step, ids)
        ]
    if not faults:
        reached = _reached(flow)
        faults = [
            FlowFault(("steps", index, "id"), f"no key leads to the step {step_id!r}")
            for index, step_id in enumerate(ids)
            if step_id not in reached
        ]
    return faults


def _step_faults(step: FlowStep, ids: list[str]) -> Iterator[FlowFault]:
    if not step.step_id or not step.step_id.isprintable():
        yield FlowFault(("id",), "must be a printable name")
    yield from (FlowFault(where, text) for where, text in chain_faults(step))
    if not 0 <= step.wait_ms <= WAIT_MS_MAX:
        yield FlowFault(("wait_ms",), f"must be 0 to {WAIT_MS_MAX}")
    for key, target in step.keys.items():
        if key not in KEYS:
            yield FlowFault(("keys",), f"{key!r} is not one of 0-9 * #")
        if target != END and target not in ids:
            yield FlowFault(("keys", key), _no_step(target, ids))
    if step.otherwise != END and step.otherwise not in ids:
        yield FlowFault(("otherwise",), _no_step(step.otherwise, ids))
    if step.keys and not step.wait_ms and not step.barge_in:
        yield FlowFault(("wait_ms",), "without barge-in its keys need time after the prompt")


def _no_step(name: str, ids: list[str]) -> str:
    return f"there is no step {name!r}; steps: {', '.join([*ids, END])}"


def _reached(flow: Flow) -> set[str]:
    by_id = {step.step_id: step for step in flow.steps}
    todo = [flow.steps[0].step_id]
    seen: set[str] = set()
    while todo:
        step = by_id.get(todo.pop())
        if step is not None and step.step_id not in seen:
            seen.add(step.step_id)
            todo += [*step.keys.values(), step.otherwise]
    return seen


class FlowPlan:
    """A checked flow with its targets resolved to indexes, shared by all calls of a campaign."""

    __slots__ = ("chains", "keys", "name", "otherwise", "steps")

    def __init__(self, flow: Flow, name: str = "") -> None:
        """ValueError names the first of its `flow_faults`; `name` is that of a saved one."""
        self.name = name
        for pointer, text in flow_faults(flow):
            raise ValueError(f"flow/{'/'.join(map(str, pointer))}: {text}")
        index = {step.step_id: i for i, step in enumerate(flow.steps)} | {END: _END}
        self.steps = flow.steps
        self.chains = tuple(map(Chain, flow.steps))
        self.keys = tuple({k: index[to] for k, to in step.keys.items()} for step in flow.steps)
        self.otherwise = tuple(index[step.otherwise] for step in flow.steps)


class FlowSink(Protocol):
    """What a running flow asks of its call."""

    def play(self, prompts: tuple[str, ...], token: int) -> None:
        """Play prompts, one behind the other; tell `played(token)` when they ran to their end."""

    def stop_play(self) -> None:
        """Stop what plays."""

    def record(self, kind: EventKind, detail: str, now_ns: int) -> None:
        """Write one line of the call's history."""

    def flow_over(self, now_ns: int) -> None:
        """The flow has ended: hang up."""


class FlowRun:
    """One flow in one call."""

    __slots__ = (
        "_began_ns", "_early", "_fields", "_plan", "_sink", "_step", "_token", "_visits",
        "deadline_ns", "state",
    )  # fmt: skip

    def __init__(
        self, plan: FlowPlan, sink: FlowSink, fields: Mapping[str, str] | None = None
    ) -> None:
        """`start` begins it; `fields` are the contact's."""
        self._fields = fields or {}
        self._began_ns = 0
        self._plan = plan
        self._sink = sink
        self._step = 0
        self._token = 0
        self._visits = 0
        self._early = ""
        self.state = IDLE
        self.deadline_ns = NEVER

    def start(self, now_ns: int) -> None:
        """Enter the first step."""
        if (self.state, "start") in MOVES:
            if self._plan.name:
                self._sink.record(EventKind.FLOW, self._plan.name, now_ns)
            self._enter(0, now_ns)

    def key(self, key: str, now_ns: int) -> None:
        """A key was pressed; its history line is the caller's."""
        state = self.state
        if (state, "key") not in MOVES:
            return
        step = self._plan.steps[self._step]
        target = self._plan.keys[self._step].get(key)
        if state is PLAYING and (target is None or not step.barge_in):
            if (not step.keys or not step.barge_in) and len(self._early) < KEYS_EARLY_MAX:
                self._early += key
            return
        if target is not None:
            if state is PLAYING:
                heard_ms = (now_ns - self._began_ns) // 1_000_000
                cut = f"{self._plan.chains[self._step].label}: {heard_ms} ms"
                self._sink.record(EventKind.PROMPT_CUT, cut, now_ns)
                self._sink.stop_play()
            self._enter(target, now_ns)

    def played(self, token: int, now_ns: int) -> None:
        """A prompt ran to its end; an old token is of one that was cut."""
        if (self.state, "played") not in MOVES or token != self._token:
            return
        step = self._plan.steps[self._step]
        label = self._plan.chains[self._step].label
        self._sink.record(EventKind.PROMPT_ENDED, label, now_ns)
        if not step.keys:
            self._enter(self._plan.otherwise[self._step], now_ns)
            return
        target = self._early_target()
        if target is not None:
            self._enter(target, now_ns)
        else:
            self.state = WAITING
            self.deadline_ns = now_ns + step.wait_ms * 1_000_000
            if not step.wait_ms:
                self.tick(now_ns)

    def tick(self, now_ns: int) -> None:
        """Nobody pressed a key in time."""
        if (self.state, "time") in MOVES and now_ns >= self.deadline_ns:
            self._sink.record(EventKind.NO_KEY, "", now_ns)
            self._enter(self._plan.otherwise[self._step], now_ns)

    def _enter(self, index: int, now_ns: int) -> None:
        """Begin a step; keys pressed early may lead straight through several."""
        self.deadline_ns = NEVER
        plan = self._plan
        while index != _END:
            self._visits += 1
            if self._visits > VISITS_MAX:
                index = _END
                break
            self._step = index
            if not (self._early and plan.steps[index].barge_in and plan.keys[index]):
                break
            target = self._early_target()
            if target is None:
                break
            index = target
        if index == _END:
            self.state = OVER
            self._sink.flow_over(now_ns)
            return
        self.state = PLAYING
        self._token += 1
        chain = plan.chains[index]
        prompts, unsaid = chain.prompts(self._fields)
        self._sink.record(EventKind.PROMPT_STARTED, chain.label, now_ns)
        for text in unsaid:
            self._sink.record(EventKind.UNSAID, text, now_ns)
        self._began_ns = now_ns
        self._sink.play(prompts, self._token)

    def _early_target(self) -> int | None:
        """Where the first early key that this step knows leads; keys before it are spent."""
        keys = self._plan.keys[self._step]
        while self._early:
            key, self._early = self._early[0], self._early[1:]
            if key in keys:
                return keys[key]
        return None
