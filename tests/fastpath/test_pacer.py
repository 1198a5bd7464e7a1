"""The pacer: keeps its limits whatever it is told, and over a shift its cap and the agents busy."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.pacing_shift import Result, Shift, work
from fastpath.pacer import Pacer

EVENTS = [
    "dial_started", "call_ended", "answered", "human_answered", "abandoned", "agent_ready",
    "agent_reserved", "agent_talking", "agent_wrap_up", "agent_left", "dials", "begin_window",
]  # fmt: skip
IDS = st.one_of(st.integers(0, 6), st.sampled_from([-1, 1 << 40, 1 << 200]))
TIMES = st.one_of(
    st.floats(-5, 120),
    st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e300, 1e9, 0.0]),
)
CHANCES = st.one_of(st.none(), st.floats(0, 1), st.sampled_from([math.nan, -3.0, 7.0, math.inf]))
CAUSES = st.sampled_from(["busy", "no_answer", "failed", "machine", "", "?"])


def tell(pacer: Pacer, what: str, who: int, other: int, now: float, p: float | None, cause: str):
    """One event with whatever belongs to it; what `dials` says."""
    if what == "dial_started":
        return pacer.dial_started(who, now, p)
    if what == "call_ended":
        return pacer.call_ended(who, now, cause)
    if what == "agent_reserved":
        return pacer.agent_reserved(who, other, now)
    if what == "begin_window":
        return pacer.begin_window(abs(who) % 1000, abs(other) % 100)
    if what == "dials":
        return pacer.dials(now, other % 1000 - 5)
    return getattr(pacer, what)(who, now)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from(EVENTS), IDS, IDS, TIMES, CHANCES, CAUSES), max_size=120),
)
def test_any_events_in_any_order(agents, events):
    pacer = Pacer(agents)
    for what, who, other, now, p, cause in events:
        said = tell(pacer, what, who, other, now, p, cause)
        if what == "dials":
            told = pacer.explain()
            assert 0 <= said <= max(0, other % 1000 - 5)
            assert said == 0 or said + told["lines"] <= 3 * told["agents_staffed"]
    told = pacer.explain()
    json.dumps(told, allow_nan=False)  # and every figure is one
    assert told["agents_staffed"] <= agents
    assert 0 < told["answer_chance"] < 1
    assert isinstance(told["sentence"], str)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**63), st.floats(0.2, 6), st.integers(1, 60), st.integers(0, 90))
def test_never_more_than_the_lines(seed, per_agent, agents, lines):
    pacer = Pacer(agents, lines_per_agent_max=per_agent, seed=seed)
    for agent in range(agents):
        pacer.agent_ready(agent, 0)
    under_way = 0
    for second in range(40):
        free = max(0, lines - under_way)
        said = pacer.dials(second, free)
        assert 0 <= said <= free
        for _ in range(said):
            pacer.dial_started(under_way, second)
            under_way += 1
        assert under_way <= per_agent * agents


@pytest.mark.parametrize(
    ("agents", "options", "field"),
    [
        (0, {}, "agents_max"),
        (30_000, {}, "agents_max"),
        (5, {"abandon_target": -0.1}, "abandon_target"),
        (5, {"abandon_target": math.nan}, "abandon_target"),
        (5, {"lines_per_agent_max": 0}, "lines_per_agent_max"),
        (5, {"lines_per_agent_max": math.inf}, "lines_per_agent_max"),
        (5, {"grace_s": -1}, "grace_s"),
        (5, {"grace_s": 1e9}, "grace_s"),
    ],
)
def test_impossible_settings_are_named(agents, options, field):
    with pytest.raises(ValueError, match=field):
        Pacer(agents, **options)


def test_nobody_logged_in_nobody_dialed():
    pacer = Pacer(5)
    assert pacer.dials(0, 100) == 0
    assert pacer.explain()["sentence"] == "dialing 0: no agent is logged in"


def test_what_is_said_of_a_decision():
    pacer = Pacer(20)
    for agent in range(20):
        pacer.agent_ready(agent, 0)
    said = pacer.dials(1, 100)
    told = pacer.explain()
    assert said > 0
    assert told["dials"] == said
    assert told["sentence"].startswith(f"dialing {said}: 20 agents free within ")
    assert told["sentence"].endswith("answer chance 0.35, budget 3.0 %")
    assert pacer.dials(1, 0) == 0
    assert pacer.explain()["sentence"] == "dialing 0: the limit of free lines is reached"


def test_a_start_without_knowledge_is_careful():
    """Whatever the list is like: in the first seconds hardly more people than agents answer."""
    pacer = Pacer(100)
    for agent in range(100):
        pacer.agent_ready(agent, 0)
    said = 0
    for second in range(20):  # nobody answers, nothing ends: all of them could still
        for _ in range(pacer.dials(second, 10_000)):
            pacer.dial_started(said, second)
            said += 1
    assert 100 <= said <= 300


def test_no_burst_after_a_pause():
    """An hour without a question: then no more at once than within any second."""
    pacer = Pacer(100)
    for agent in range(100):
        pacer.agent_ready(agent, 0)
    first = pacer.dials(0, 10_000)
    assert 0 < first <= 21
    later = pacer.dials(3600, 10_000)  # what was to be dialed then was not
    assert 0 < later <= 21
    at_once = sum(pacer.dials(7200 + tenth / 10, 10_000) for tenth in range(10))
    assert at_once <= 2 * 21


def test_nobody_may_be_lost():
    """A target of nothing is a call for each agent who is free."""
    pacer = Pacer(10, abandon_target=0)
    for agent in range(10):
        pacer.agent_ready(agent, 0)
    under_way = 0
    for second in range(30):
        said = pacer.dials(second, 100)
        for _ in range(said):
            pacer.dial_started(under_way, second)
            under_way += 1
    assert under_way == 10


def test_what_never_ended_is_forgotten():
    pacer = Pacer(2)
    pacer.agent_ready(1, 0)
    pacer.dial_started(1, 0)
    pacer.human_answered(2, 0)
    assert pacer.people == 0
    pacer.dials(1, 0)
    pacer.dials(2, 0)
    assert pacer.explain()["calls_ringing"] == 1
    for minute in range(1, 30):
        pacer.dials(minute * 60, 0)
    assert pacer.explain()["calls_ringing"] == 0
    assert pacer.explain()["lines"] == 0


def test_a_full_table_forgets_its_oldest_calls():
    pacer = Pacer(1)
    for call in range(1000):
        pacer.dial_started(call, call * 0.01)
    kept = pacer.explain()["calls_ringing"]
    assert kept == 2 * 3 + 64
    pacer.human_answered(0, 11)
    assert pacer.people == 0
    pacer.human_answered(999, 11)
    assert pacer.people == 1


def test_agents_beyond_the_seats():
    pacer = Pacer(2)
    for agent in (1, 2, 3):
        pacer.agent_ready(agent, 0)
    assert pacer.explain()["agents_ready"] == 2
    pacer.agent_left(2, 1)
    pacer.agent_ready(3, 2)  # the seat of the one who left
    assert pacer.explain()["agents_ready"] == 2
    pacer.agent_ready(2, 3)
    assert pacer.explain()["agents_ready"] == 2


@pytest.mark.parametrize("state", ["ready", "talking", "wrap_up", "left"])
def test_an_agent_first_seen_in_any_state(state):
    pacer = Pacer(3)
    getattr(pacer, f"agent_{state}")(77, 5)
    assert pacer.explain()["agents_staffed"] == (state != "left")


def test_who_is_counted_as_abandoned():
    """Each person once, whoever tells it."""
    pacer = Pacer(5)
    pacer.agent_ready(1, 0)
    for call in range(6):
        pacer.dial_started(call, 0)
    pacer.human_answered(0, 5)
    pacer.abandoned(0, 7)
    pacer.abandoned(0, 7)
    assert (pacer.people, pacer.abandoned_people) == (1, 1)
    pacer.abandoned(1, 8)  # a person after all
    assert (pacer.people, pacer.abandoned_people) == (2, 2)
    pacer.human_answered(2, 9)
    pacer.call_ended(2, 10, "failed")  # hung up while waiting
    assert (pacer.people, pacer.abandoned_people) == (3, 3)
    pacer.human_answered(3, 11)
    pacer.call_ended(3, 12, "machine")  # the verdict was wrong
    assert (pacer.people, pacer.abandoned_people) == (3, 3)
    pacer.human_answered(4, 13)
    pacer.agent_reserved(1, 4, 13)
    pacer.agent_reserved(1, 4, 13)
    pacer.abandoned(4, 15)  # the agent did not come
    pacer.abandoned(4, 15)
    assert (pacer.people, pacer.abandoned_people) == (4, 4)
    pacer.human_answered(5, 16)
    pacer.agent_talking(1, 16)  # nobody said with whom
    pacer.abandoned(5, 17)
    assert (pacer.people, pacer.abandoned_people) == (5, 4)
    assert pacer.explain()["calls_waiting"] == 0


def test_a_new_window_has_its_own_budget():
    """What was saved before is not spent in it, and what was lost in it counts at once."""
    pacer = Pacer(20)
    for agent in range(20):
        pacer.agent_ready(agent, 0)
    for call in range(1000):
        pacer.dial_started(call, call * 0.01)
        pacer.human_answered(call, call * 0.01)
        pacer.agent_reserved(call % 20, call, call * 0.01)
    pacer.dials(20, 100)
    saved = pacer.explain()["risk"]
    pacer.begin_window()
    pacer.dials(21, 100)
    fresh = pacer.explain()["risk"]
    pacer.begin_window(100, 10)
    pacer.dials(22, 100)
    assert saved > fresh > pacer.explain()["risk"]


# -- whole shifts in virtual time ------------------------------------------------------------------

HOURS = 3600.0
PROGRESSIVE = 53.0  # utilisation of a call for each idle agent, in this world


def shifts(agents: int, seeds: int, **world: float) -> Result:
    """All of them as one."""
    whole = Result()
    for seed in range(100, 100 + seeds):
        found = work(Shift(agents, **world), seed, Pacer(agents))
        whole.humans += found.humans
        whole.abandoned += found.abandoned
        whole.busy_s += found.busy_s
        whole.staffed_s += found.staffed_s
        assert found.lines_max <= 3 * agents
        assert found.batch_max <= 0.2 * agents + 1
    return whole


@pytest.mark.parametrize(
    ("agents", "seeds", "hours", "utilisation"),
    [(5, 3, 4, 68), (20, 2, 2.5, 83), (100, 1, 2, 93), (500, 1, 0.5, 92)],
)
def test_a_shift(agents, seeds, hours, utilisation):
    """Within the cap, far above progressive, in little time and from a cold start."""
    found = shifts(agents, seeds, seconds=hours * HOURS)
    assert found.abandonment <= 0.03
    assert found.utilisation * 100 >= utilisation >= PROGRESSIVE + 15


@pytest.mark.parametrize(
    ("world", "utilisation"),
    [
        ({"human": 0.5}, 83),
        ({"human": 0.1}, 74),
        ({"verdict_s": (1.0, 3.0)}, 83),
        ({"talk_s": 25.0, "talk_cv": 0.8}, 68),
        ({"break_every_s": 1800.0, "break_s": 300.0}, 80),
    ],
    ids=["answers 50 %", "answers 10 %", "late verdicts", "short calls", "breaks"],
)
def test_other_worlds(world, utilisation):
    """20 agents, two hours."""
    found = shifts(20, 1, seconds=2 * HOURS, **world)
    assert found.abandonment <= 0.0325
    assert found.utilisation * 100 >= utilisation


def test_the_same_events_give_the_same_decisions():
    shift = Shift(20, seconds=600)
    assert work(shift, 5, Pacer(20)) == work(shift, 5, Pacer(20, seed=9))
