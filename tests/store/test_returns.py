"""Customers who call back: whose they are, and what becomes of their lead."""

from __future__ import annotations

import msgspec
import pytest

from dialerd.core.agent_records import Callback
from dialerd.core.list_records import ListShare, OtherPhone
from dialerd.core.ops import Dispose, ReturnCall
from dialerd.core.records import CampaignState, Contact, Direction, LeadState, Outcome
from dialerd.core.return_records import ReturnAnswer, ReturnSettings
from dialerd.store import wait
from tests.store.kit import FIRST, NOW, begin, call, filled_list, finish, people, running, take

DAY = 86_400_000
OURS = "+842873001234"
WANTED = ReturnSettings(ReturnAnswer.MESSAGE)


def returned(phone=FIRST, **changes) -> ReturnCall:
    asked = ReturnCall(phone, "a", "842873001234", "x@y", NOW + 60_000, b"line")
    return msgspec.structs.replace(asked, **changes)


@pytest.fixture
def ready(store):
    """A campaign that called its first person an hour ago, and reached nobody."""
    running(store, filled_list(store, "a", people(3)), returns=WANTED, caller_id=OURS)
    (claim,) = take(store, n=1)
    call(store, claim, outcome=Outcome.NO_ANSWER, lead_state=LeadState.RETRY, due_s=NOW // 1000)
    return store


def lead(store, campaign_id=1, lead_id=1):
    return store.lead(campaign_id, lead_id).lead


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, True),
        ({"called": "02873001234"}, True),
        ({"called": "+842873001234", "trunk": "gone"}, True),
        ({"called": "842873009999"}, False),
        ({"called": ""}, False),
        ({"phone": FIRST + 1}, False),  # in the list, and not called yet
        ({"phone": FIRST + 77}, False),
        ({"at_ms": NOW + 31 * DAY}, False),
    ],
)
def test_a_caller_is_known_by_number_and_number_called(ready, changes, found) -> None:
    told = wait(ready.take_return(returned(**changes)))
    assert (told.claim is not None, told.busy) == (found, False)
    if found:
        assert told.campaign.settings.name == "spring"
        assert (told.claim.lead_id, told.claim.direction) == (1, Direction.IN)
        assert told.claim.fields == {"name": "Nguyễn 0"}


def test_without_a_caller_id_the_trunk_tells(store) -> None:
    running(store, filled_list(store, "a", people(1)), returns=WANTED)
    call(store, take(store)[0], outcome=Outcome.NO_ANSWER, lead_state=LeadState.RETRY)
    assert wait(store.take_return(returned(trunk="b", called="1"))).claim is None
    assert wait(store.take_return(returned(called="1"))).claim is not None


@pytest.mark.parametrize(("port", "surer"), [("p1", True), ("p2", False)])
def test_a_port_that_is_called_tells_whose_call_it_returns(store, port, surer) -> None:
    """By the bank, and surer by the port; the caller id of a campaign is none of a SIM's."""
    listed = filled_list(store, "a", people(1))
    for name, at in (("one", "p1"), ("two", "p3")):
        made = running(store, listed, name, returns=WANTED, caller_id=OURS)
        (claim,) = take(store, made.campaign_id)
        dialed = msgspec.structs.replace(begin(claim.attempt_id, NOW + made.campaign_id), port=at)
        wait(store.apply([dialed, finish(claim.attempt_id)]))
    told = wait(store.take_return(returned(port=port, called="")))
    assert told.campaign.settings.name == ("one" if surer else "two")
    back = store.lead(told.claim.campaign_id, 1).attempts[-1][0]
    assert (back.trunk, back.port) == ("a", port)


def test_the_number_called_is_surer_than_the_trunk_and_the_last_call_wins(store) -> None:
    listed = filled_list(store, "a", people(1))
    for name, caller_id in (("one", OURS), ("two", OURS), ("three", "")):
        made = running(store, listed, name, returns=WANTED, caller_id=caller_id)
        (claim,) = take(store, made.campaign_id)
        at_ms = NOW + made.campaign_id
        wait(store.apply([begin(claim.attempt_id, at_ms), finish(claim.attempt_id)]))
    assert wait(store.take_return(returned())).campaign.settings.name == "two"


def test_a_campaign_that_refuses_is_none(store) -> None:
    running(store, filled_list(store, "a", people(1)), caller_id=OURS)
    call(store, take(store)[0])
    assert wait(store.take_return(returned())).claim is None


def test_who_heard_the_message_is_served(ready) -> None:
    claim = wait(ready.take_return(returned())).claim
    assert lead(ready).state is LeadState.DIALING
    assert [one.attempt_id for one in take(ready, n=9)] == [3, 4], "nobody dials it meanwhile"
    wait(ready.apply([finish(claim.attempt_id, answered_ms=NOW, heard=True, keys="1")]))
    after = lead(ready)
    assert (after.state, after.attempts, after.outcome) == (LeadState.DONE, 1, Outcome.ANSWERED)
    assert after.tries == {Outcome.NO_ANSWER: 1}
    (out, _), (back, _) = ready.lead(1, 1).attempts
    assert (out.direction, back.direction) == (Direction.OUT, Direction.IN)
    assert (back.called, back.trunk, back.call_id) == ("842873001234", "a", "x@y")
    assert (back.number, back.outcome, back.keys) == (1, Outcome.ANSWERED, "1")
    assert [one.attempt.attempt_id for one in ready.ended(0, 9)] == [1, claim.attempt_id]
    (_, _, mine) = ready.about(FIRST).caps[-1]
    assert mine == claim.attempt_id, "it counts for caps"


def test_who_heard_nothing_stands_where_it_stood(ready) -> None:
    before = lead(ready)
    claim = wait(ready.take_return(returned())).claim
    wait(ready.apply([finish(claim.attempt_id, Outcome.NO_ANSWER)]))
    after = lead(ready)
    assert (after.state, after.due_s, after.tries) == (before.state, before.due_s, before.tries)


def test_what_does_not_count_leaves_lead_and_caps(store) -> None:
    wanted = msgspec.structs.replace(WANTED, counts=False)
    running(store, filled_list(store, "a", people(1)), returns=wanted, caller_id=OURS)
    call(store, take(store)[0], outcome=Outcome.NO_ANSWER, lead_state=LeadState.RETRY)
    claim = wait(store.take_return(returned())).claim
    wait(store.apply([finish(claim.attempt_id, answered_ms=NOW, heard=True)]))
    assert lead(store).state is LeadState.RETRY
    assert [of for _, _, of in store.about(FIRST).caps] == [1]


def test_a_claim_that_was_not_dialed_is_taken_away(ready) -> None:
    claimed = take(ready, n=1)[0]
    assert claimed.lead_id == 1
    told = wait(ready.take_return(returned()))
    assert told.claim is not None
    assert wait(ready.apply([begin(claimed.attempt_id)])) == (claimed.attempt_id,)
    wait(ready.apply([finish(told.claim.attempt_id)]))
    assert lead(ready).state is LeadState.RETRY


def test_a_number_that_is_in_a_call_is_busy(ready) -> None:
    claimed = take(ready, n=1)[0]
    wait(ready.apply([begin(claimed.attempt_id)]))
    told = wait(ready.take_return(returned()))
    assert (told.claim, told.busy) == (None, True)
    wait(ready.apply([finish(claimed.attempt_id, Outcome.CANCELLED, LeadState.RETRY)]))
    claim = wait(ready.take_return(returned())).claim
    assert wait(ready.take_return(returned())).busy, "he calls twice at once"
    wait(ready.apply([finish(claim.attempt_id)]))


def test_a_crash_leaves_the_lead_where_it_stood_and_the_call_to_be_ended(ready) -> None:
    claim = wait(ready.take_return(returned())).claim
    assert wait(ready.recover(NOW + 70_000)) == 1
    assert lead(ready).state is LeadState.RETRY
    (_, (attempt, events)) = ready.lead(1, 1).attempts
    assert attempt.outcome is Outcome.INTERRUPTED
    assert events[-1].detail == "by a crash"
    assert [(old.attempt_id, old.trunk, old.line) for old in ready.old_calls()] == [
        (claim.attempt_id, "a", b"line")
    ]


@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("word", ["callback", "retry"])
def test_what_an_agent_says_while_the_customer_calls_back_counts(ready, word, over) -> None:
    claimed = take(ready, n=1)[0]
    ends = finish(claimed.attempt_id, wraps=True, answered_ms=NOW, heard=True)
    wait(ready.apply([begin(claimed.attempt_id), ends]))
    claim = wait(ready.take_return(returned())).claim
    unheard = finish(claim.attempt_id, answered_ms=NOW)
    due_s = NOW // 1000 + 500
    state, booked = LeadState.RETRY, None
    if word == "callback":
        state, booked = LeadState.CALLBACK, Callback(1, 1, FIRST, due_s, "lan", 0, NOW, "lan")
    said = Dispose(claimed.attempt_id, "lan", NOW, "later", state, due_s, booked)
    wait(ready.apply([unheard, said] if over else [said, unheard]))
    assert lead(ready).state is state
    kept = [one for page in ready.callbacks(1) for one in page]
    assert kept == ([] if booked is None else [booked])
    assert booked or lead(ready).due_s == due_s
    assert ready.problems() == []


def test_who_is_served_while_the_agent_speaks_of_the_call_before_is_served(ready) -> None:
    claimed = take(ready, n=1)[0]
    ends = finish(claimed.attempt_id, wraps=True, answered_ms=NOW, heard=True)
    wait(ready.apply([begin(claimed.attempt_id), ends]))
    claim = wait(ready.take_return(returned())).claim
    said = Dispose(claimed.attempt_id, "lan", NOW, "later", LeadState.RETRY, NOW // 1000 + 5)
    wait(ready.apply([said, finish(claim.attempt_id, answered_ms=NOW, heard=True)]))
    assert lead(ready).state is LeadState.DONE


def test_the_word_of_the_call_back_comes_after_that_of_the_call_before(ready) -> None:
    claimed = take(ready, n=1)[0]
    ends = finish(claimed.attempt_id, wraps=True, answered_ms=NOW, heard=True)
    wait(ready.apply([begin(claimed.attempt_id), ends]))
    claim = wait(ready.take_return(returned())).claim
    wait(ready.apply([finish(claim.attempt_id, answered_ms=NOW, wraps=True)]))
    first = Dispose(claimed.attempt_id, "lan", NOW, "no", LeadState.DONE)
    last = Dispose(claim.attempt_id, "mai", NOW, "again", LeadState.RETRY, NOW // 1000 + 5)
    wait(ready.apply([last, first]))
    assert (lead(ready).state, lead(ready).due_s) == (LeadState.RETRY, NOW // 1000 + 5)


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize(("agent", "open_after_s"), [("lan", 0), ("lan", 3600), ("", 0)])
def test_a_promise_stays_at_its_time(ready, agent, open_after_s, crash) -> None:
    due_s = NOW // 1000 + 500
    open_s = open_after_s and due_s + open_after_s
    booked = Callback(1, 1, FIRST, due_s, agent, open_s, NOW, "lan")
    claimed = take(ready, n=1)[0]
    promise = Dispose(claimed.attempt_id, "lan", NOW, "later", LeadState.CALLBACK, due_s, booked)
    ends = finish(claimed.attempt_id, wraps=True)
    wait(ready.apply([begin(claimed.attempt_id), ends, promise]))
    before = lead(ready).due_s
    claim = wait(ready.take_return(returned())).claim
    if crash:
        wait(ready.recover(NOW + 70_000))
    else:
        wait(ready.apply([finish(claim.attempt_id, answered_ms=NOW)]))
    assert list(ready.callbacks(1)) == [[booked]]
    assert (lead(ready).state, lead(ready).due_s) == (LeadState.CALLBACK, before)


def test_a_promise_is_kept_only_by_a_call_that_was_heard(ready) -> None:
    booked = Callback(1, 1, FIRST, NOW // 1000 + 500, "lan", 0, NOW, "lan")
    claimed = take(ready, n=1)[0]
    ends = finish(claimed.attempt_id, wraps=True)
    promise = Dispose(
        claimed.attempt_id, "lan", NOW, "later", LeadState.CALLBACK, booked.due_s, booked
    )
    wait(ready.apply([begin(claimed.attempt_id), ends, promise]))
    for heard, state, left in ((False, LeadState.CALLBACK, 1), (True, LeadState.DONE, 0)):
        claim = wait(ready.take_return(returned())).claim
        assert ready.problems() == []
        wait(ready.apply([finish(claim.attempt_id, answered_ms=NOW, heard=heard)]))
        assert lead(ready).state is state
        assert len(list(ready.callbacks(1))) == left


@pytest.mark.parametrize("state", [LeadState.BLOCKED, LeadState.RESTING])
def test_who_is_not_to_be_called_stays_so(ready, state) -> None:
    claimed = take(ready, n=1)[0]
    wait(ready.apply([begin(claimed.attempt_id), finish(claimed.attempt_id, lead_state=state)]))
    claim = wait(ready.take_return(returned())).claim
    wait(ready.apply([finish(claim.attempt_id, answered_ms=NOW, heard=True)]))
    assert lead(ready).state is state


def test_an_agent_says_what_came_of_it(ready) -> None:
    claim = wait(ready.take_return(returned())).claim
    ends = finish(claim.attempt_id, answered_ms=NOW, heard=True, wraps=True, agent="lan")
    said = Dispose(claim.attempt_id, "lan", NOW, "again", LeadState.RETRY, NOW // 1000 + 5)
    wait(ready.apply([ends, said]))
    assert (lead(ready).state, lead(ready).due_s) == (LeadState.RETRY, NOW // 1000 + 5)


def test_a_finished_campaign_still_answers(ready) -> None:
    wait(ready.move_campaign(1, CampaignState.FINISHED, "binh", NOW))
    claim = wait(ready.take_return(returned())).claim
    wait(ready.apply([finish(claim.attempt_id, answered_ms=NOW, heard=True)]))
    assert lead(ready).state is LeadState.DONE


def test_an_erased_number_is_nobody_s(ready) -> None:
    wait(ready.erase(FIRST, "an", NOW))
    assert wait(ready.take_return(returned())).claim is None


def test_a_number_that_the_lead_does_not_have_is_not_its_caller(store) -> None:
    """It stands in the list before, so the person of the later list is not known by it."""
    first = filled_list(store, "a", people(1))
    shared = (OtherPhone(FIRST), OtherPhone(FIRST + 2))
    second = filled_list(store, "b", [Contact(FIRST + 1, "x", others=shared)])
    lists = (ListShare(first), ListShare(second))
    running(store, first, lists=lists, returns=WANTED, caller_id=OURS)
    for i, one in enumerate(take(store)):
        at_ms = NOW + i
        ends = finish(one.attempt_id, Outcome.NO_ANSWER, LeadState.RETRY, at_ms=at_ms)
        wait(store.apply([begin(one.attempt_id, at_ms), ends]))
    assert wait(store.take_return(returned(FIRST + 2))).claim.lead_id == 2
    claim = wait(store.take_return(returned(FIRST))).claim
    assert claim.lead_id == 1
    said = Dispose(claim.attempt_id, "lan", NOW, "again", LeadState.RETRY, NOW // 1000)
    wait(store.apply([finish(claim.attempt_id, wraps=True, heard=True), said]))
    assert store.problems() == []


@pytest.mark.parametrize("counts", [False, True])
def test_a_call_back_that_a_crash_cut_off_counts_if_calls_back_do(store, counts) -> None:
    wanted = msgspec.structs.replace(WANTED, counts=counts)
    running(store, filled_list(store, "a", people(1)), returns=wanted, caller_id=OURS)
    call(store, take(store)[0], outcome=Outcome.NO_ANSWER, lead_state=LeadState.RETRY)
    claim = wait(store.take_return(returned())).claim
    wait(store.recover(NOW + 70_000))
    after = [of for _, _, of in store.about(FIRST).caps]
    assert after == ([1, claim.attempt_id] if counts else [1])


def test_who_calls_back_again_and_again_is_found_by_the_call_of_ours(ready) -> None:
    """Without reading all calls back: nothing bounds them."""
    for _ in range(3):
        claim = wait(ready.take_return(returned())).claim
        wait(ready.apply([finish(claim.attempt_id, Outcome.NO_ANSWER)]))
        assert lead(ready).attempt_id == 1
