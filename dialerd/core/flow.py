"""Broadcast flows: checking one before it is saved, and running one in an answered call.

    | state   | key                | prompt ended        | time                 |
    |---------|--------------------|---------------------|----------------------|
    | playing | next step, or kept | waiting, next step  |                      |
    | waiting | next step          |                     | `otherwise`          |
    | over    |                    |                     |                      |

A key that the step knows cuts its prompt (barge-in) unless the step forbids that; then, and when
the step takes no keys, the key is kept for later: an early key answers the next question. A key
that the step does not know changes nothing. A chain of keys may loop, so visits are counted and the
call ends at `VISITS_MAX`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Protocol

from dialerd.core.clock import NEVER
from dialerd.core.limits import (
    KEYS_EARLY_MAX,
    PROMPT_CHARS_MAX,
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


def check_flow(flow: Flow) -> None:
    """Refuse a flow that cannot run as its author meant.

    Raises:
        ValueError: the text begins with the field (`flow.steps[2].keys`) and names what is wrong.
    """
    steps = flow.steps
    if not 1 <= len(steps) <= STEPS_MAX:
        raise ValueError(f"flow.steps: must be 1 to {STEPS_MAX} steps")
    known = {step.step_id for step in steps}
    if len(known) != len(steps):
        raise ValueError("flow.steps: step ids must be unique")
    for index, step in enumerate(steps):
        _check_step(f"flow.steps[{index}]", step, known | {END})
    unreachable = [step.step_id for step in steps if step.step_id not in _reachable(flow)]
    if unreachable:
        raise ValueError(f"flow.steps: never reached: {', '.join(unreachable)}")


def _check_step(where: str, step: FlowStep, targets: set[str]) -> None:
    if not step.step_id or step.step_id == END or not step.step_id.isprintable():
        raise ValueError(f"{where}.step_id: must be a name other than {END!r}")
    if not 1 <= len(step.prompt) <= PROMPT_CHARS_MAX or not step.prompt.isprintable():
        raise ValueError(f"{where}.prompt: must be the name of a prompt")
    if not 0 <= step.wait_ms <= WAIT_MS_MAX:
        raise ValueError(f"{where}.wait_ms: must be 0 to {WAIT_MS_MAX}")
    for key, target in step.keys.items():
        if key not in KEYS:
            raise ValueError(f"{where}.keys: {key!r} is not one of 0-9 * #")
        if target not in targets:
            raise ValueError(f"{where}.keys: key {key} leads to unknown step {target!r}")
    if step.otherwise not in targets:
        raise ValueError(f"{where}.otherwise: unknown step {step.otherwise!r}")
    if step.keys and not step.wait_ms and not step.barge_in:
        raise ValueError(f"{where}.wait_ms: without barge-in its keys need time after the prompt")


def _reachable(flow: Flow) -> set[str]:
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

    __slots__ = ("keys", "otherwise", "steps")

    def __init__(self, flow: Flow) -> None:
        """Raises ValueError like `check_flow`."""
        check_flow(flow)
        index = {step.step_id: i for i, step in enumerate(flow.steps)} | {END: _END}
        self.steps = flow.steps
        self.keys = tuple({k: index[to] for k, to in step.keys.items()} for step in flow.steps)
        self.otherwise = tuple(index[step.otherwise] for step in flow.steps)


class FlowSink(Protocol):
    """What a running flow asks of its call."""

    def play(self, prompt: str, token: int) -> None:
        """Play a prompt; tell `played(token)` when it ran to its end."""

    def stop_play(self) -> None:
        """Stop what plays."""

    def record(self, kind: EventKind, detail: str, now_ns: int) -> None:
        """Write one line of the call's history."""

    def flow_over(self, now_ns: int) -> None:
        """The flow has ended: hang up."""


class FlowRun:
    """One flow in one call."""

    __slots__ = ("_early", "_plan", "_sink", "_step", "_token", "_visits", "deadline_ns", "state")

    def __init__(self, plan: FlowPlan, sink: FlowSink) -> None:
        """`start` begins it."""
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
                self._sink.stop_play()
            self._enter(target, now_ns)

    def played(self, token: int, now_ns: int) -> None:
        """A prompt ran to its end; an old token is of one that was cut."""
        if (self.state, "played") not in MOVES or token != self._token:
            return
        step = self._plan.steps[self._step]
        self._sink.record(EventKind.PROMPT_ENDED, step.prompt, now_ns)
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
        prompt = plan.steps[index].prompt
        self._sink.record(EventKind.PROMPT_STARTED, prompt, now_ns)
        self._sink.play(prompt, self._token)

    def _early_target(self) -> int | None:
        """Where the first early key that this step knows leads; keys before it are spent."""
        keys = self._plan.keys[self._step]
        while self._early:
            key, self._early = self._early[0], self._early[1:]
            if key in keys:
                return keys[key]
        return None
