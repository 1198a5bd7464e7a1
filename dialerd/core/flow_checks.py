"""What is wrong with a flow, found before it is saved.

A flow is a graph: its steps, and where each may go on to. Every step must be reached, and no way
may go round and round by itself: while nobody presses a key, a call comes to its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from dialerd.core.chain import chain_faults, fields_of
from dialerd.core.deeds import asks_for, deed_faults, leads_on, sets
from dialerd.core.flow_records import Choose, Flow, FlowStep, Gather
from dialerd.core.limits import STEPS_MAX, VISITS_MAX, WAIT_MS_MAX

KEYS: Final = frozenset("0123456789*#")
END: Final = "end"


class FlowFault(NamedTuple):
    """A value that does not fit; `pointer` is its place in the flow as people write one."""

    pointer: tuple[str | int, ...]
    text: str


class Way(NamedTuple):
    """One way on from a step; `asks`: only when somebody does something."""

    where: tuple[str | int, ...]
    to: str
    asks: bool = False


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
    return faults or [*_lost(flow), *_rounds(flow)]


def flow_notes(flow: Flow) -> list[FlowFault]:
    """What of a flow without faults its author should know."""
    steps = [step for step in flow.steps if not step.visits_max]
    graph = {step.step_id: [way.to for way in ways_of(step)] for step in steps}
    return [
        FlowFault(
            ("steps", _index(flow, round_[0])),
            f"keys lead round as often as somebody presses them: {' - '.join(round_)};"
            f" after {VISITS_MAX} steps the call ends (visits_max ends it sooner)",
        )
        for round_ in _all_rounds(graph)
    ]


def ways_of(step: FlowStep) -> Iterator[Way]:
    """Where a call may go on to from a step."""
    for key, to in step.keys.items():
        yield Way(("keys", key), to, asks=True)
    if isinstance(step.does, Choose):
        for index, case in enumerate(step.does.cases):
            yield Way(("choose", "cases", index, "to"), case.to)
    if step.does is not None and step.then and leads_on(step.does):
        yield Way(("then",), step.then, asks=isinstance(step.does, Gather))
    if step.visits_max:
        yield Way(("after_visits",), step.after_visits)
    yield Way(("otherwise",), step.otherwise)


def fields_wanted(flow: Flow) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Fields that no step sets, so people must have them: (place in the flow, name)."""
    own = {name for step in flow.steps for name in sets(step.does)}
    for index, step in enumerate(flow.steps):
        for place, part in enumerate(step.parts):
            for field in fields_of(part.value):
                if field not in own:
                    yield ("steps", index, "chain", place, "value"), field
        for where, field in asks_for(step.does):
            if field not in own:
                yield ("steps", index, *where), field


def _step_faults(step: FlowStep, ids: list[str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if not step.step_id or not step.step_id.isprintable():
        yield ("id",), "must be a printable name"
    if step.prompt or step.parts or step.does is None:
        yield from chain_faults(step)
    if not 0 <= step.wait_ms <= WAIT_MS_MAX:
        yield ("wait_ms",), f"must be 0 to {WAIT_MS_MAX}"
    yield from (
        (("keys",), f"{key!r} is not one of 0-9 * #") for key in step.keys if key not in KEYS
    )
    for where, to, _ in ways_of(step):
        if to != END and to not in ids:
            yield where, f"there is no step {to!r}; steps: {', '.join([*ids, END])}"
    if step.keys and not step.wait_ms and not step.barge_in:
        yield ("wait_ms",), "without barge-in its keys need time after the prompt"
    if not 0 <= step.visits_max <= VISITS_MAX:
        yield ("visits_max",), f"must be 0 to {VISITS_MAX}"
    if step.does is not None:
        yield from deed_faults(step.does)
        if step.keys:
            yield ("keys",), "a step that does something else after its prompt takes no keys"
    elif step.then:
        yield ("then",), "follows what a step does, and this one only plays: use otherwise"


def _lost(flow: Flow) -> Iterator[FlowFault]:
    by_id = {step.step_id: step for step in flow.steps}
    todo = [flow.steps[0].step_id]
    seen: set[str] = set()
    while todo:
        step = by_id.get(todo.pop())
        if step is not None and step.step_id not in seen:
            seen.add(step.step_id)
            todo += [way.to for way in ways_of(step)]
    for index, step in enumerate(flow.steps):
        if step.step_id not in seen:
            yield FlowFault(("steps", index, "id"), f"no key leads to the step {step.step_id!r}")


def _rounds(flow: Flow) -> Iterator[FlowFault]:
    """Ways that lead round while nobody does anything."""
    free = {
        step.step_id: [way.to for way in ways_of(step) if not way.asks]
        for step in flow.steps
        if not step.visits_max
    }
    for round_ in _all_rounds(free):
        yield FlowFault(
            ("steps", _index(flow, round_[0]), "otherwise"),
            f"without a key the call never ends: {' - '.join(round_)};"
            " let it end somewhere, or give one of these steps visits_max",
        )
    worn = {step.step_id: [step.after_visits] for step in flow.steps if step.visits_max}
    for round_ in _all_rounds(worn):
        yield FlowFault(
            ("steps", _index(flow, round_[0]), "after_visits"),
            f"a dead end: {' - '.join(round_)} have all had their visits",
        )


def _index(flow: Flow, step_id: str) -> int:
    return next(i for i, step in enumerate(flow.steps) if step.step_id == step_id)


def _all_rounds(graph: dict[str, list[str]]) -> Iterator[list[str]]:
    """One round for each knot of a graph, from a step back to itself."""
    done: set[str] = set()
    for start in graph:
        path: list[str] = []
        branches: list[Iterator[str]] = [iter([start])]
        while branches:
            at = next(branches[-1], None)
            if at is None:
                branches.pop()
                if path:
                    done.add(path.pop())
            elif at in path:
                yield [*path[path.index(at) :], at]
                done |= set(path)
            elif at in graph and at not in done:
                path.append(at)
                branches.append(iter(graph[at]))
