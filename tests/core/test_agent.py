"""The table of one agent: every trigger in every state."""

import pytest

from dialerd.core.agent import MOVES, PHONE, REST, Agent, Refusal
from dialerd.core.agent_records import AgentState
from dialerd.core.clock import NEVER
from dialerd.core.pacing import NS

OFFLINE, PAUSED, READY, RESERVED, TALKING, WRAP_UP, LOST = AgentState
TRIGGERS = sorted({trigger for _, trigger in MOVES})
T0 = 100 * NS
WAYS = {
    OFFLINE: (),
    PAUSED: ("login",),
    READY: ("login", "ready"),
    RESERVED: ("login", "ready", "reserve"),
    TALKING: ("login", "ready", "reserve", "connect"),
    WRAP_UP: ("login", "ready", "reserve", "connect", "over"),
    LOST: ("login", "ready", "lost"),
}


def agent_in(state, *, nailed_up=False, wrap_s=30, rest_s=0, grace_s=20):
    agent = Agent("an", 1)
    agent.nailed_up = nailed_up
    agent.leg_up = nailed_up
    agent.wrap_ns, agent.rest_ns, agent.grace_ns = wrap_s * NS, rest_s * NS, grace_s * NS
    for trigger in WAYS[state]:
        agent.go(trigger, T0)
    assert agent.state is state
    return agent


@pytest.mark.parametrize("state", list(AgentState))
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_every_trigger_in_every_state(state, trigger):
    agent = agent_in(state)
    if (state, trigger) not in MOVES:
        with pytest.raises(Refusal) as refused:
            agent.go(trigger, T0 + NS)
        assert str(refused.value)
        assert agent.state is state
        return
    agent.was = agent.was if agent.was is not OFFLINE else PAUSED  # to which it is restored
    assert agent.can(trigger)
    assert agent.go(trigger, T0 + NS) is state
    assert agent.state in MOVES[state, trigger][1]


def test_every_state_can_be_reached_and_left():
    assert {before for before, _ in MOVES} == set(AgentState)
    assert {after for _, (_, afters) in MOVES.items() for after in afters} == set(AgentState)


def test_who_is_reserved_cannot_be_reserved_again():
    assert [state for state, trigger in MOVES if trigger == "reserve"] == [READY]


def test_a_pause_in_a_call_comes_true_after_it():
    agent = agent_in(TALKING)
    agent.go("pause", T0, "lunch")
    assert agent.state is TALKING
    agent.go("over", T0)
    agent.go("free", T0)
    assert (agent.state, agent.reason) == (PAUSED, "lunch")


def test_a_pause_can_be_taken_back():
    agent = agent_in(TALKING)
    agent.go("pause", T0, "lunch")
    agent.go("ready", T0)
    agent.go("over", T0)
    agent.go("free", T0)
    assert agent.state is READY


def test_a_logout_in_a_call_comes_true_after_it():
    agent = agent_in(TALKING)
    agent.go("logout", T0)
    agent.go("over", T0)
    assert agent.state is WRAP_UP
    agent.go("free", T0)
    assert agent.state is OFFLINE


def test_the_wrap_up_has_an_end():
    agent = agent_in(WRAP_UP, wrap_s=30)
    assert agent.deadline_ns == T0 + 30 * NS
    agent.go("time", T0 + 30 * NS)
    assert agent.state is READY


def test_a_wrap_up_without_end_waits_for_words():
    agent = agent_in(WRAP_UP, wrap_s=0)
    assert agent.deadline_ns == NEVER
    with pytest.raises(Refusal, match="say first"):
        agent.go("ready", T0)
    agent.go("free", T0)
    assert agent.state is READY


def test_a_rest_between_two_calls():
    agent = agent_in(WRAP_UP, rest_s=10)
    agent.go("free", T0)
    assert (agent.state, agent.reason, agent.deadline_ns) == (PAUSED, REST, T0 + 10 * NS)
    agent.go("time", T0 + 10 * NS)
    assert agent.state is READY


def test_no_rest_for_a_customer_who_did_not_answer():
    agent = agent_in(RESERVED, rest_s=10)
    agent.go("free", T0)
    assert agent.state is READY


def test_nailed_up_is_ready_with_its_leg_only():
    agent = Agent("an", 1)
    agent.nailed_up = True
    agent.go("login", T0)
    agent.go("ready", T0)
    assert (agent.state, agent.reason) == (PAUSED, PHONE)
    agent.leg_up = True
    agent.go("up", T0)
    assert agent.state is READY
    agent.leg_up = False
    agent.go("gone", T0)
    assert (agent.state, agent.reason) == (PAUSED, PHONE)


def test_who_paused_while_the_phone_rang_stays_paused():
    agent = Agent("an", 1)
    agent.nailed_up = True
    agent.go("login", T0)
    agent.go("ready", T0)
    agent.go("pause", T0, "tea")
    agent.leg_up = True
    agent.go("up", T0)
    assert (agent.state, agent.reason) == (PAUSED, "tea")


@pytest.mark.parametrize("state", [PAUSED, READY, WRAP_UP, TALKING])
def test_back_within_the_grace_all_is_as_before(state):
    agent = agent_in(state)
    agent.go("lost", T0)
    assert agent.deadline_ns == T0 + 20 * NS
    agent.go("back", T0 + NS)
    assert agent.state is state


def test_who_was_reserved_and_lost_is_ready_again():
    agent = agent_in(RESERVED)
    agent.go("lost", T0)
    agent.go("back", T0 + NS)
    assert agent.state is READY


def test_lost_for_too_long():
    agent = agent_in(LOST)
    agent.go("time", T0 + 20 * NS)
    assert agent.state is OFFLINE


def test_lost_in_a_call_talks_on_while_the_leg_is_up():
    agent = agent_in(TALKING)
    agent.leg_up = True
    agent.go("lost", T0)
    agent.go("time", T0 + 20 * NS)
    assert (agent.state, agent.deadline_ns) == (LOST, NEVER)
    agent.go("over", T0 + 60 * NS)
    assert agent.state is OFFLINE


def test_lost_in_a_call_without_a_leg_is_gone_after_the_grace():
    agent = agent_in(TALKING)
    agent.go("lost", T0)
    agent.go("time", T0 + 20 * NS)
    assert agent.state is OFFLINE


def test_a_call_that_ends_within_the_grace_leaves_a_wrap_up():
    agent = agent_in(TALKING)
    agent.go("lost", T0)
    agent.go("over", T0 + NS)
    assert agent.state is LOST
    agent.go("back", T0 + 2 * NS)
    assert agent.state is WRAP_UP
    assert agent.deadline_ns == T0 + 32 * NS


def test_time_is_booked_by_state():
    agent = Agent("an", 1)
    for second, trigger in enumerate(("login", "ready", "reserve", "connect", "over", "free")):
        agent.go(trigger, second * NS)
    agent.go("logout", 9 * NS)
    assert {state: spent // NS for state, spent in agent.spent.items() if spent} == {
        PAUSED: 1, READY: 1 + 4, RESERVED: 1, TALKING: 1, WRAP_UP: 1,
    }  # fmt: skip
    assert agent.calls == 1
