"""Flows: what is refused at save time, the table exhaustively, and any order of keys."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.clock import NEVER
from dialerd.core.deeds import due_at
from dialerd.core.flow import (
    GATHERING,
    IDLE,
    MOVES,
    OVER,
    PLAYING,
    TALKING,
    TAPING,
    TRANSFERRING,
    WAITING,
    FlowRun,
    FlowState,
)
from dialerd.core.flow_checks import END, flow_faults
from dialerd.core.flow_plan import FlowPlan
from dialerd.core.flow_records import Gather, Tape, TargetKind, Transfer
from dialerd.core.limits import KEYS_EARLY_MAX, STEPS_MAX, VISITS_MAX, WAIT_MS_MAX
from dialerd.core.records import EventKind, Flow, FlowStep

MS = 1_000_000


class Sink:
    """Writes down what a flow asks of its call."""

    def __init__(self):
        self.did = []
        self.token = 0
        self.over = 0
        self.fields = {}
        self.nobody = False
        self.run = None

    def play(self, prompts, token):
        self.did.append(f"play {' '.join(prompts)}")
        self.token = token

    def stop_play(self):
        self.did.append("stop")

    def record(self, kind, detail, now_ns):
        self.did.append(f"{kind} {detail}".strip())

    def keep_field(self, name, value):
        self.fields[name] = value

    def tape(self, name):
        self.did.append(f"tape {name}")

    def tape_end(self):
        self.did.append("tape ends")

    def forbid(self, deed, now_ns):
        self.did.append(f"forbid {deed.days}")

    def promise(self, deed, fields, now_ns):
        due = due_at(deed, fields, now_ns // 10**9, UTC)
        self.did.append(f"promise {due}")
        return due is not None

    def transfer(self, deed, target, now_ns):
        self.did.append(f"ask {deed.kind} {target}")
        if self.nobody:
            self.run.failed("nobody", now_ns)

    def transfer_end(self, now_ns):
        self.did.append("ask no more")

    def close(self, result):
        self.did.append(f"close {result}")

    def flow_over(self, now_ns):
        self.over += 1
        self.did.append("over")

    def played_prompts(self):
        return [entry[5:] for entry in self.did if entry.startswith("play ")]


def begin(*steps):
    sink = Sink()
    run = sink.run = FlowRun(FlowPlan(Flow(steps)), sink)
    run.start(0)
    return run, sink


ASK = FlowStep("ask", "q1", {"1": "yes", "2": "no", "9": END}, wait_ms=5_000)
YES = FlowStep("yes", "thanks")
NO = FlowStep("no", "sorry", {"1": "yes"}, wait_ms=1_000, barge_in=False)


def test_prompt_key_second_prompt_end():
    run, sink = begin(ASK, YES, NO)
    run.played(1, 0)
    assert run.state is WAITING
    run.key("1", 1)
    run.played(2, 2)
    assert sink.did == [
        "prompt_started q1", "play q1", "prompt_ended q1",
        "prompt_started thanks", "play thanks", "prompt_ended thanks", "over",
    ]  # fmt: skip
    assert run.state is OVER
    assert run.deadline_ns == NEVER


def test_barge_in_stops_the_prompt():
    run, sink = begin(ASK, YES, NO)
    run.key("1", 0)
    assert sink.did == ["prompt_started q1", "play q1", "prompt_cut q1: 0 ms", "stop",
                        "prompt_started thanks", "play thanks"]  # fmt: skip
    run.played(1, 1)  # of the prompt that was cut
    assert run.state is PLAYING
    run.played(2, 1)
    assert sink.over == 1


def test_without_barge_in_an_early_key_is_kept_for_the_end_of_the_prompt():
    run, sink = begin(ASK, YES, NO)
    run.key("2", 0)
    run.key("1", 1)  # during "sorry", which may not be cut
    assert sink.played_prompts() == ["q1", "sorry"]
    run.played(2, 2)
    assert sink.played_prompts() == ["q1", "sorry", "thanks"]
    assert run.state is PLAYING


def test_a_key_pressed_before_its_question_answers_it():
    intro = FlowStep("intro", "hello", otherwise="ask")
    run, sink = begin(intro, ASK, YES, NO)
    run.key("1", 0)  # a prompt that takes no keys is not cut
    assert sink.played_prompts() == ["hello"]
    run.played(1, 1)
    assert sink.played_prompts() == ["hello", "thanks"]  # the question itself is passed over


def test_unknown_keys_change_nothing():
    run, sink = begin(ASK, YES, NO)
    for key in "3456780*#A":
        run.key(key, 0)
    assert sink.played_prompts() == ["q1"]
    run.played(1, 1)
    run.key("7", 2)
    assert run.state is WAITING
    run.key("9", 3)
    assert sink.over == 1


def test_no_key_goes_on_after_the_wait():
    run, sink = begin(FlowStep("ask", "q1", {"1": END}, 5_000, otherwise="bye"),
                      FlowStep("bye", "goodbye"))  # fmt: skip
    run.played(1, 0)
    assert run.deadline_ns == 5_000 * MS
    run.tick(5_000 * MS - 1)
    assert run.state is WAITING
    run.tick(5_000 * MS)
    assert sink.did[-3:] == ["no_key", "prompt_started goodbye", "play goodbye"]


def test_without_wait_the_missing_key_is_told_at_once():
    run, sink = begin(FlowStep("ask", "q1", {"1": END}, wait_ms=0))
    run.played(1, 0)
    assert sink.did[-2:] == ["no_key", "over"]


def test_a_loop_of_keys_ends():
    run, sink = begin(FlowStep("again", "menu", {"1": "again"}, wait_ms=1_000))
    for i in range(VISITS_MAX * 2):
        run.key("1", i)
    assert run.state is OVER
    assert len(sink.played_prompts()) == VISITS_MAX
    assert sink.over == 1


def test_a_loop_without_keys_is_refused():
    flow = Flow((FlowStep("a", "one", otherwise="b"), FlowStep("b", "two", otherwise="a")))
    with pytest.raises(ValueError, match="without a key the call never ends: a - b - a"):
        FlowPlan(flow)


STEP_IDS = ["a", "b", "c", "d"]
flows = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(list("0129*#")), st.sampled_from([*STEP_IDS, END])),
        st.sampled_from([1, 500, 5_000]),
        st.sampled_from([*STEP_IDS, END]),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
).map(
    lambda rows: Flow(
        tuple(
            FlowStep(
                STEP_IDS[i],
                f"p{i}",
                {k: to if to in {*STEP_IDS[: len(rows)], END} else END for k, to in keys.items()},
                wait_ms,
                otherwise if otherwise in {*STEP_IDS[: len(rows)], END} else END,
                barge_in,
            )
            for i, (keys, wait_ms, otherwise, barge_in) in enumerate(rows)
        )
    )
)


def all_reached(flow):
    """Whether the only thing that may be wrong with these flows is not."""
    return not flow_faults(flow)


inputs = st.lists(
    st.one_of(
        st.sampled_from(list("0129*#")).map(lambda key: ("key", key)),
        st.integers(0, 5).map(lambda back: ("played", back)),
        st.sampled_from([("tick", 0), ("tick", 1_000), ("tick", 9_000)]),
    ),
    max_size=200,
)


@given(flows.filter(all_reached), inputs)
def test_any_flow_under_any_input_moves_by_the_table_and_ends(flow, steps):
    sink = Sink()
    run = FlowRun(FlowPlan(flow), sink)
    now_ns = 0

    def feed(trigger, do, *args):
        before, told = run.state, len(sink.did)
        do(*args)
        if run.state is not before:
            assert run.state in MOVES[before, trigger]
        if (before, trigger) not in MOVES:
            assert len(sink.did) == told
        assert (run.deadline_ns != NEVER) == (run.state is WAITING)
        assert len(run._early) <= KEYS_EARLY_MAX

    feed("start", run.start, now_ns)
    for what, value in steps:
        if what == "key":
            feed("key", run.key, value, now_ns)
        elif what == "played":
            feed("played", run.played, sink.token - value, now_ns)
        else:
            now_ns += value * MS
            feed("time", run.tick, now_ns)
    for _ in range(3 * VISITS_MAX):  # nobody presses anything any more
        run.played(sink.token, now_ns)
        now_ns = max(now_ns, run.deadline_ns if run.deadline_ns != NEVER else 0)
        run.tick(now_ns)
    assert run.state is OVER
    assert sink.over == 1
    assert len(sink.played_prompts()) <= VISITS_MAX
    assert sink.did.count("over") == 1
    assert sink.did[-1] == "over"


def led_to(state):
    """A run brought into a state, and its sink with nothing noted."""
    sink = Sink()
    first = {
        GATHERING: FlowStep("g", "", does=Gather("pin")),
        TAPING: FlowStep("t", "", does=Tape(beep=False)),
        TRANSFERRING: FlowStep("x", "", does=Transfer(TargetKind.QUEUE, "sales")),
        TALKING: FlowStep("x", "", does=Transfer(TargetKind.QUEUE, "sales")),
    }.get(state, ASK)
    run = FlowRun(FlowPlan(Flow((first, *((YES, NO) if first is ASK else ())))), sink)
    if state is not IDLE:
        run.start(0)
    if state is WAITING:
        run.played(1, 0)
    elif state is OVER:
        run.key("9", 0)
    elif state is TALKING:
        run.connected(0)
    sink.did.clear()
    return run, sink


@pytest.mark.parametrize("state", list(FlowState))
@pytest.mark.parametrize(
    "trigger", ["start", "key", "played", "time", "connected", "failed", "parted"]
)
def test_every_trigger_in_every_state(state, trigger):
    run, sink = led_to(state)
    do = {
        "start": lambda: run.start(0),
        "key": lambda: run.key("#" if state is TAPING else "1", 0),
        "played": lambda: run.played(1, 0),
        "time": lambda: run.tick(10**12),
        "connected": lambda: run.connected(0),
        "failed": lambda: run.failed("busy", 0),
        "parted": lambda: run.parted(0),
    }
    assert run.state is state
    do[trigger]()
    if (state, trigger) in MOVES:
        assert run.state in MOVES[state, trigger]
        assert sink.did
    else:
        assert run.state is state
        assert not sink.did


def test_early_keys_are_bounded():
    run, _ = begin(FlowStep("intro", "hello", otherwise="ask"), ASK, YES, NO)
    for i in range(1_000):
        run.key("5", i)
    assert len(run._early) == KEYS_EARLY_MAX


def test_good_flows_pass():
    assert not flow_faults(Flow((ASK, YES, NO)))
    assert not flow_faults(Flow((FlowStep("only", "p"),)))
    assert not flow_faults(Flow(tuple(
        FlowStep(f"s{i}", "p", otherwise=f"s{i + 1}" if i + 1 < STEPS_MAX else END)
        for i in range(STEPS_MAX)
    )))  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ((), "flow/steps: must be 1 to"),
        (tuple(FlowStep(f"s{i}", "p") for i in range(STEPS_MAX + 1)), "flow/steps: must be 1 to"),
        ((YES, YES), "flow/steps/1/id: the id '.*' is taken"),
        ((FlowStep("", "p"),), "flow/steps/0/id"),
        ((FlowStep("end", "p"),), "flow/steps/0/id"),
        ((FlowStep("a\n", "p"),), "flow/steps/0/id"),
        ((FlowStep("a", ""),), "flow/steps/0/prompt"),
        ((FlowStep("a", "p\r\nX"),), "flow/steps/0/prompt"),
        ((FlowStep("a", "p", wait_ms=-1),), "wait_ms"),
        ((FlowStep("a", "p", wait_ms=WAIT_MS_MAX + 1),), "wait_ms"),
        ((FlowStep("a", "p", {"A": END}, 1),), "'A' is not one of 0-9"),
        ((FlowStep("a", "p", {"12": END}, 1),), "'12' is not one of 0-9"),
        ((FlowStep("a", "p", {"": END}, 1),), "'' is not one of 0-9"),
        ((FlowStep("a", "p", {"1": "b"}, 1),), "flow/steps/0/keys/1: there is no step 'b'"),
        ((FlowStep("a", "p", otherwise="b"),), "otherwise: there is no step 'b'"),
        ((YES, FlowStep("b", "p")), "flow/steps/1/id: no key leads to the step 'b'"),
        ((FlowStep("a", "p", {"1": END}, 0, barge_in=False),), "need time after the prompt"),
    ],
)
def test_bad_flows_are_refused_with_the_place(steps, text):
    with pytest.raises(ValueError, match=text):
        FlowPlan(Flow(steps))


def test_prompt_events_are_of_the_history_kinds():
    _, sink = begin(ASK, YES, NO)
    assert sink.did[0] == f"{EventKind.PROMPT_STARTED} q1"


def test_a_call_is_put_through_a_handful_of_times():
    move = FlowStep("move", "", does=Transfer(TargetKind.NUMBER, "1"), then="move",
                    visits_max=90, otherwise="bye")  # fmt: skip
    run, sink = begin(move, FlowStep("bye", "thanks"))
    for at in range(1, 20):
        if run.state is TRANSFERRING:
            run.connected(at)
            run.parted(at)
    assert sink.did.count("ask number 1") == 5
    assert "transfer_failed 5 were tried in this call" in sink.did
    assert sink.played_prompts() == ["thanks"]
