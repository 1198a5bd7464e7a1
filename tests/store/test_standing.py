"""Where agents stand, kept for the daemon after this one, and what recovery leaves to them."""

import pytest

from dialerd.core.agent_records import AgentState, Standing
from dialerd.core.limits import AGENT_LEASE_S
from dialerd.core.list_records import OtherPhone
from dialerd.core.ops import PHONE_LEGS, BeginDial, Dispose, KeepAgent, KeepLine, ReturnCall
from dialerd.core.records import Contact, Direction, LeadState, Outcome
from dialerd.core.return_records import ReturnAnswer, ReturnSettings
from dialerd.store import wait
from tests.store.kit import FIRST, NOW, begin, call, filled_list, finish, people, running, take

LATER = NOW + 7_200_000


def stands(name, state=AgentState.READY, attempt_id=0, **more):
    return KeepAgent(
        Standing(name, "1001", True, (1,), ("q",), state, NOW, attempt_id=attempt_id, **more)
    )


def told(store):
    return {one.standing.agent: one for one in store.at_work()}


def test_what_is_written_late_undoes_nothing(store):
    wait(store.apply([stands("an", AgentState.OFFLINE, seq=7), stands("an", seq=6)]))
    assert store.at_work() == []
    wait(store.apply([stands("an", seq=8)]))
    wait(store.recover(LATER, staff=True))
    wait(store.apply([stands("an", AgentState.PAUSED, seq=1)]))
    assert told(store)["an"].standing.state is AgentState.PAUSED


def test_the_last_word_is_kept_and_who_is_offline_is_not(store):
    wait(store.apply([stands("an"), stands("bé"), stands("an", AgentState.PAUSED, reason="tea")]))
    assert [one.standing.agent for one in store.at_work()] == ["an", "bé"]
    assert told(store)["an"].standing.reason == "tea"
    wait(store.apply([stands("an", AgentState.OFFLINE)]))
    assert list(told(store)) == ["bé"]
    assert store.problems() == []


@pytest.mark.parametrize("was_lost", [False, True])
def test_the_card_and_the_conversation_are_left_to_their_agents(store, was_lost):
    running(store, filled_list(store, "a", people(6)))
    card, rings, talks, wraps, nobodys, waits = take(store, n=6)
    ops = [begin(one.attempt_id) for one in (rings, talks, wraps, waits)]
    ops += [finish(one.attempt_id, wraps=True) for one in (wraps, waits)]

    def at(state):
        return {"state": AgentState.LOST, "was": state} if was_lost else {"state": state}

    ops += [
        stands("a", AgentState.RESERVED, card.attempt_id),
        stands("b", AgentState.RESERVED, rings.attempt_id),
        stands("c", attempt_id=talks.attempt_id, **at(AgentState.TALKING)),
        stands("d", attempt_id=wraps.attempt_id, **at(AgentState.WRAP_UP)),
    ]
    wait(store.apply(ops))
    assert wait(store.recover(LATER, staff=True)) == 3
    found = told(store)
    assert found["a"].claim == card
    assert found["b"].claim is None
    assert found["c"].claim.attempt_id == talks.attempt_id
    assert found["d"].claim.fields == wraps.fields
    assert store.attempts_open() == 1, "the card"
    over = {one.attempt.attempt_id for one in store.ended(0, 10)}
    assert over == {rings.attempt_id, waits.attempt_id}
    ((cut, _),) = store.lead(1, talks.lead_id).attempts
    assert (cut.outcome, cut.agent, cut.connected_ms) == (Outcome.INTERRUPTED, "c", NOW)
    assert store.lead(1, nobodys.lead_id).lead.state is LeadState.READY
    said = Dispose(talks.attempt_id, "c", LATER, "sold", LeadState.DONE)
    again = BeginDial(card.attempt_id, "t", "x@y", "r", LATER + AGENT_LEASE_S * 1000 - 1)
    assert wait(store.apply([said, again])) == ()
    assert store.lead(1, talks.lead_id).lead.state is LeadState.DONE
    assert len(store.ended(0, 10)) == 3
    assert store.problems() == []


@pytest.mark.parametrize("wraps", [False, True])
def test_the_number_that_was_talked_with_comes_back(store, wraps):
    other = FIRST + 500
    contact = Contact(FIRST, "x", "vina", {}, (OtherPhone(other, carrier="mobi"),))
    wanted = ReturnSettings(ReturnAnswer.MESSAGE)
    running(store, filled_list(store, "a", [contact]), returns=wanted, caller_id="+842873001234")
    call(store, take(store)[0], lead_state=LeadState.RETRY, outcome=Outcome.NO_ANSWER)
    back = ReturnCall(other, "a", "842873001234", "x@y", NOW, b"line")
    claim = wait(store.take_return(back)).claim
    ops = [finish(claim.attempt_id, wraps=True)] if wraps else []
    state = AgentState.WRAP_UP if wraps else AgentState.TALKING
    wait(store.apply([*ops, stands("a", state, claim.attempt_id)]))
    wait(store.recover(LATER, staff=True))
    found = told(store)["a"].claim
    assert (found.phone, found.carrier, found.direction) == (other, "mobi", Direction.IN)


def test_a_card_that_nobody_dials_goes_back_with_its_lease(store):
    running(store, filled_list(store, "a", people(1)))
    (card,) = take(store, n=1)
    wait(store.apply([stands("a", AgentState.RESERVED, card.attempt_id)]))
    wait(store.recover(LATER, staff=True))
    assert take(store, n=1, now_ms=LATER + AGENT_LEASE_S * 1000 - 1) == []
    (again,) = take(store, n=1, now_ms=LATER + AGENT_LEASE_S * 1000 + 1)
    assert again.lead_id == card.lead_id


def test_without_staff_nothing_is_left_to_anybody(store):
    running(store, filled_list(store, "a", people(2)))
    card, talks = take(store, n=2)
    wait(store.apply([
        begin(talks.attempt_id),
        stands("a", AgentState.RESERVED, card.attempt_id),
        stands("c", AgentState.TALKING, talks.attempt_id),
    ]))  # fmt: skip
    wait(store.recover(LATER))
    assert told(store) == {}
    assert store.attempts_open() == 0
    assert len(store.ended(0, 10)) == 1
    assert store.problems() == []


def test_a_node_of_several_leaves_agents_alone(store):
    wait(store.apply([stands("an")]))
    wait(store.recover(LATER, node="b"))
    assert list(told(store)) == ["an"]


def test_telephones_of_a_daemon_that_is_gone_are_old_calls(store):
    running(store, filled_list(store, "a", people(1)))
    (claim,) = take(store, n=1)
    one, two = PHONE_LEGS + 5, PHONE_LEGS + 9
    lines = [KeepLine(one, b"a"), KeepLine(two, b"b"), KeepLine(one, b"c"), KeepLine(two, b"")]
    wait(store.apply([begin(claim.attempt_id), KeepLine(99, b"no attempt"), *lines]))
    assert store.problems() == []
    wait(store.recover(LATER, staff=True))
    found = {call.attempt_id: (call.trunk, call.line) for call in store.old_calls()}
    assert found[one] == ("", b"c")
    assert two not in found
    assert 99 not in found
    assert wait(store.old_calls_ended([one])) == 1
    assert store.problems() == []
