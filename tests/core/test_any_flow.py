"""Any flow that is not refused comes to its end, whatever is pressed, told, or left unsaid."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

from msgspec.structs import replace

from dialerd.core.clock import NEVER
from dialerd.core.flow import (
    GATHERING,
    MOVES,
    OVER,
    TALKING,
    TAPING,
    TRANSFERRING,
    WAITING,
    FlowRun,
)
from dialerd.core.flow_checks import END, flow_faults
from dialerd.core.flow_plan import FlowPlan
from dialerd.core.flow_records import (
    Assign,
    Case,
    Choose,
    Close,
    Deed,
    Flow,
    FlowStep,
    Forbid,
    Gather,
    Promise,
    Tape,
    TargetKind,
    Transfer,
)
from dialerd.core.limits import FLOW_FIELDS_MAX, GATHER_TRIES_MAX, VISITS_MAX
from tests.core.test_flow import MS, Sink

WHAT = ["key", "key", "key", "played", "stale", "tick", "connected", "failed", "parted"]
TIMED = (WAITING, GATHERING, TAPING, TRANSFERRING)


def any_deed(rng: random.Random, free: list[str]) -> Deed | None:
    field = rng.choice("xy")
    made: list[Deed | None] = [
        None,
        Gather(
            field, rng.randint(0, 2), rng.randint(2, 4), rng.choice("#*"), tries=rng.randint(1, 3),
            again=rng.choice(["", "again"]), secret=rng.random() < 0.5,
        ),
        Choose(field, (Case(rng.choice(free), ("1",)), Case(rng.choice(free), less="9"))),
        Assign(field, rng.choice(["1", "2{x}", "{y}{y}"])),
        Tape(rng.randint(1, 9), rng.choice("#9"), rng.random() < 0.5),
        Forbid(days=rng.randint(0, 3)),
        Promise(at=rng.choice(["08:00", "{x}"])),
        Transfer(rng.choice(list(TargetKind)), "sales"),
        Close("done"),
    ]  # fmt: skip
    return rng.choice(made)


def any_flow(rng: random.Random, *, sound: bool) -> Flow:
    """A flow of up to six steps; a `sound` one goes back only where that is bounded."""
    ids = list("abcdef")[: rng.randint(1, 6)]
    steps = []
    for at, step_id in enumerate(ids):
        forward, anywhere = [*ids[at + 1 :], END], [*ids, END]
        visits_max = rng.choice([0, 0, 1, 3])
        free = anywhere if visits_max or not sound else forward
        does = any_deed(rng, free)
        asks = isinstance(does, Gather)
        steps.append(
            FlowStep(
                step_id,
                rng.choice(["", "p"]) if does is not None else "p",
                {
                    key: rng.choice(anywhere)
                    for key in "129#"
                    if does is None and rng.random() < 0.4
                },
                1_000,
                forward[0] if rng.random() < 0.6 else rng.choice(free),
                rng.random() < 0.5,
                does=does,
                then=rng.choice(anywhere if asks else free) if does is not None else "",
                visits_max=visits_max,
                after_visits=rng.choice(forward if sound else anywhere),
            )
        )
    return Flow(tuple(steps))


def sound_flows(n: int) -> Iterator[tuple[random.Random, Flow]]:
    """Those that are not refused among many."""
    found = 0
    for seed in range(20 * n):
        rng = random.Random(seed)
        flow = any_flow(rng, sound=True)
        if not flow_faults(flow):
            yield rng, flow
            found += 1
            if found == n:
                return
    raise AssertionError(f"only {found} of them")


def feed(run: FlowRun, sink: Sink, what: str, key: str, now_ns: int) -> None:
    """One event; what the table does not know changes nothing."""
    trigger = {"stale": "played", "tick": "time"}.get(what, what)
    before, told = run.state, len(sink.did)
    match what:
        case "key":
            run.key(key, now_ns)
        case "played":
            run.played(sink.token, now_ns)
        case "stale":
            run.played(sink.token - 1, now_ns)
        case "tick":
            run.tick(now_ns)
        case "connected":
            run.connected(now_ns)
        case "failed":
            run.failed("busy", now_ns)
        case "parted":
            run.parted(now_ns)
    if (before, trigger) not in MOVES:
        assert (run.state, len(sink.did)) == (before, told)
    elif run.state is not before:
        assert run.state in MOVES[before, trigger]
    assert (run.deadline_ns != NEVER) == (run.state in TIMED)


def test_a_flow_that_is_not_refused_ends_when_nobody_does_anything_more() -> None:
    lengths = [ends(rng, flow) for rng, flow in sound_flows(1_500)]
    assert max(lengths) > 10  # some went through much


def ends(rng: random.Random, flow: Flow) -> int:
    """Lead one through anything, then leave it alone; how much it did."""
    told = [(rng.choice(WHAT), rng.choice("0129*#")) for _ in range(rng.randint(0, 60))]
    nobody = rng.random() < 0.5
    sink = Sink()
    sink.nobody = nobody
    run = sink.run = FlowRun(FlowPlan(flow), sink, {"x": "1"})
    run.start(0)
    now_ns = 0
    for what, key in told:
        now_ns += 700 * MS
        feed(run, sink, what, key, now_ns)
    silent = 0
    while run.state is not OVER:
        silent += 1
        assert silent <= 3 * VISITS_MAX * GATHER_TRIES_MAX
        if run.state is TALKING:
            run.parted(now_ns)
        elif run.state in TIMED:
            now_ns = max(now_ns, run.deadline_ns)
            feed(run, sink, "tick", "", now_ns)
        else:
            feed(run, sink, "played", "", now_ns)
    assert sink.over == 1
    assert sink.did[-1] == "over"
    assert len(sink.fields) <= FLOW_FIELDS_MAX
    tapes = [line for line in sink.did if line.startswith("tape ")]
    assert tapes[1::2] == ["tape ends"] * (len(tapes) // 2)  # each part that begins ends
    return len(sink.did)


def test_what_is_refused_as_endless_would_only_end_by_the_limit() -> None:
    """A round that is told is one: every step of it leads to the next without anybody."""
    rounds = 0
    for seed in range(1_000):
        flow = any_flow(random.Random(seed), sound=False)
        for pointer, text in flow_faults(flow):
            if "never ends: " in text:
                is_round(flow, int(pointer[1]), text)
                rounds += 1
    assert rounds > 100


def is_round(flow: Flow, at: int, text: str) -> None:
    names = text.partition("never ends: ")[2].partition(";")[0].split(" - ")
    assert names[0] == names[-1] == flow.steps[at].step_id
    by_id = {step.step_id: step for step in flow.steps}
    for here, there in pairwise(names):
        step = by_id[here]
        assert not step.visits_max
        cases = step.does.cases if isinstance(step.does, Choose) else ()
        assert there in {step.otherwise, step.then, *(case.to for case in cases)}


def test_no_key_of_a_secret_is_ever_told() -> None:
    """With every gathered field a secret: no history line and no field has what was typed."""
    secrets = 0
    for rng, flow in sound_flows(600):
        steps = [
            replace(step, does=replace(step.does, secret=True))
            if isinstance(step.does, Gather)
            else replace(step, does=Forbid())
            if isinstance(step.does, Assign)
            else step
            for step in flow.steps
        ]
        sink = Sink()
        run = sink.run = FlowRun(FlowPlan(Flow(tuple(steps))), sink)
        run.start(0)
        for key in rng.choices("0129*#", k=30):
            assert run.state is not GATHERING or run.hides(key)
            run.key(key, 0)
            run.played(sink.token, 0)
        assert all(set(value) <= {"x"} for value in sink.fields.values())
        fields = [line for line in sink.did if line.startswith("field ")]
        assert all(set(line.partition(" = ")[2]) <= {"x"} for line in fields)
        secrets += len(fields)
    assert secrets > 100
