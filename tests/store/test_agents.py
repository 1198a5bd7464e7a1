"""What agents promise, write and say, on both engines."""

import pytest

from dialerd.core.agent_records import AgentMove, AgentState, Callback, Note
from dialerd.core.ops import Dispose, KeepNote, LogAgent, ReleaseClaim
from dialerd.core.records import DoNotCall, LeadState, Outcome
from dialerd.store import agents, wait
from dialerd.store.limits import NOTES_MAX
from tests.store.kit import FIRST, NOW, begin, call, filled_list, finish, people, running, take

NOW_S = NOW // 1000


def shop(store, count=3, **settings):
    list_id = filled_list(store, "list", people(count))
    return running(store, list_id, **settings).campaign_id


def apply(store, *ops):
    return wait(store.apply(ops))


def promise(claim, due_s, agent="an", open_s=0):
    return Callback(
        claim.campaign_id, claim.lead_id, claim.phone, due_s, agent, open_s, NOW, agent,
        claim.attempt_id, "note",
    )  # fmt: skip


def disposed(claim, state=None, due_s=0, callback=None, **more):
    more.setdefault("disposition", "sold")
    return Dispose(
        claim.attempt_id, "an", NOW + 20_000, lead_state=state, due_s=due_s, callback=callback,
        **more,
    )  # fmt: skip


def talked(store, claim, *ops):
    apply(
        store,
        begin(claim.attempt_id),
        finish(claim.attempt_id, agent="an", human_ms=NOW + 1, connected_ms=NOW + 2, wraps=True),
        *ops,
    )


def state(store, claim):
    return store.lead(claim.campaign_id, claim.lead_id).lead.state


def mine(store, agent="an", now_s=NOW_S, own=True):
    return wait(store.claim(1, 1, now_s * 1000, 60, agent=agent, own=own))


def test_a_call_has_ended_when_its_agent_said_so(store):
    shop(store)
    claim = take(store, n=1)[0]
    talked(store, claim)
    assert store.last_ended() == 0
    assert store.attempts_open() == 0
    assert state(store, claim) is LeadState.DONE
    apply(store, disposed(claim))
    assert store.last_ended() == 1
    ((attempt, _),) = store.lead(1, claim.lead_id).attempts
    assert (attempt.agent, attempt.disposition) == ("an", "sold")
    assert (attempt.human_ms, attempt.connected_ms) == (NOW + 1, NOW + 2)
    assert attempt.disposed_ms == NOW + 20_000
    apply(store, disposed(claim, disposition="again"), disposed(claim, LeadState.RETRY, 5))
    ((attempt, _),) = store.lead(1, claim.lead_id).attempts
    assert attempt.disposition == "sold"  # once and for all
    assert store.last_ended() == 1


def test_nothing_said_ends_it_too(store):
    shop(store)
    claim = take(store, n=1)[0]
    talked(store, claim, disposed(claim, disposition=""))
    assert store.last_ended() == 1
    assert state(store, claim) is LeadState.DONE


def test_what_a_daemon_left_in_its_wrap_up_ends_at_the_next_start(store):
    shop(store)
    claim = take(store, n=1)[0]
    talked(store, claim)
    wait(store.recover(NOW + 1_000_000))
    assert store.last_ended() == 1
    assert store.lead(1, claim.lead_id).attempts[0][0].outcome is Outcome.ANSWERED
    apply(store, disposed(claim))
    assert store.last_ended() == 1


@pytest.mark.parametrize("after", [LeadState.RETRY, LeadState.RESTING, LeadState.EXHAUSTED])
def test_what_was_said_moves_the_lead(store, after):
    shop(store)
    claim = take(store, n=1)[0]
    talked(store, claim, disposed(claim, after, NOW_S + 60))
    assert state(store, claim) is after
    assert store.progress(1).leads[after] == 1


def test_a_do_not_call_mark(store):
    shop(store)
    claim = take(store, n=1)[0]
    talked(store, claim, disposed(claim, LeadState.BLOCKED, do_not_call=True))
    mark = store.dnc_find(claim.phone)
    assert (mark.at_ms, mark.source) == (NOW + 20_000, "agent an")
    assert state(store, claim) is LeadState.BLOCKED


def test_a_promise_is_its_agents_until_it_is_anybodys(store):
    shop(store, 1)
    claim = take(store, n=1)[0]
    due_s = NOW_S + 100
    booked = promise(claim, due_s, "an", due_s + 50)
    talked(store, claim, disposed(claim, LeadState.CALLBACK, 0, booked))
    assert state(store, claim) is LeadState.CALLBACK
    assert [one.due_s for page in store.callbacks(1) for one in page] == [due_s]
    batch = mine(store, now_s=due_s - 1)
    assert (batch.claims, batch.own_due_s, batch.exhausted) == ((), due_s, False)
    assert mine(store, "binh", due_s + 10).claims == ()
    assert take(store, now_ms=(due_s + 10) * 1000) == []
    (found,) = mine(store, now_s=due_s).claims
    assert found.callback == promise(claim, due_s, "an", due_s + 50)
    assert list(store.callbacks(1)) == []
    apply(store, ReleaseClaim(found.attempt_id, due_s))  # it was not dialed: still promised
    assert state(store, claim) is LeadState.CALLBACK
    (anybodys,) = take(store, now_ms=(due_s + 50) * 1000)
    assert anybodys.callback.agent == "an"


def test_a_promise_to_nobody_in_particular(store):
    shop(store, 1)
    claim = take(store, n=1)[0]
    due_s = NOW_S + 100
    talked(store, claim, disposed(claim, LeadState.CALLBACK, 0, promise(claim, due_s, "")))
    assert mine(store, now_s=due_s).claims == ()
    (found,) = take(store, now_ms=due_s * 1000)
    assert found.callback.due_s == due_s


def test_a_promise_that_nobody_answered_is_still_one(store):
    shop(store, 1)
    claim = take(store, n=1)[0]
    due_s = NOW_S + 100
    booked = promise(claim, due_s, "an", due_s + 50)
    talked(store, claim, disposed(claim, LeadState.CALLBACK, 0, booked))
    (found,) = mine(store, now_s=due_s).claims
    call(
        store, found, outcome=Outcome.NO_ANSWER, lead_state=LeadState.RETRY,
        due_s=due_s + 600, at_ms=due_s * 1000,
    )  # fmt: skip
    ((booked,),) = store.callbacks(1)
    assert (booked.due_s, booked.open_s) == (due_s + 600, due_s + 650)
    assert mine(store, now_s=due_s + 599).claims == ()
    assert len(mine(store, now_s=due_s + 600).claims) == 1


def test_a_promise_survives_a_crash(store):
    shop(store, 1)
    claim = take(store, n=1)[0]
    talked(store, claim, disposed(claim, LeadState.CALLBACK, 0, promise(claim, NOW_S + 100)))
    (found,) = mine(store, now_s=NOW_S + 100).claims
    wait(store.recover((NOW_S + 110) * 1000))
    ((booked,),) = store.callbacks(1)
    assert booked.agent == "an"
    (again,) = mine(store, now_s=NOW_S + 120).claims
    assert again.attempt_id > found.attempt_id


def test_a_promise_to_a_number_that_was_blocked_meanwhile(store):
    shop(store, 1)
    claim = take(store, n=1)[0]
    talked(store, claim, disposed(claim, LeadState.CALLBACK, 0, promise(claim, NOW_S + 100)))
    wait(store.dnc_add([DoNotCall(claim.phone, NOW, "test")]))
    assert mine(store, now_s=NOW_S + 100).claims == ()
    assert list(store.callbacks(1)) == []
    assert state(store, claim) is LeadState.BLOCKED


def test_a_later_promise_takes_the_place_of_an_earlier_one(store):
    shop(store, 1)
    claim = take(store, n=1)[0]
    talked(store, claim, disposed(claim, LeadState.CALLBACK, 0, promise(claim, NOW_S + 100)))
    (found,) = mine(store, now_s=NOW_S + 100).claims
    later = promise(found, NOW_S + 900, "binh")
    talked(store, found, disposed(found, LeadState.CALLBACK, 0, later))
    ((booked,),) = store.callbacks(1)
    assert booked.agent == "binh"
    assert mine(store, now_s=NOW_S + 2_000).claims == ()


def test_a_card_is_disposed_of_without_a_call(store):
    shop(store)
    claims = [mine(store, own=False).claims[0] for _ in range(3)]
    assert [claim.phone for claim in claims] == [FIRST, FIRST + 1, FIRST + 2]
    done, later, never = claims
    apply(
        store,
        disposed(done),
        disposed(later, LeadState.CALLBACK, 0, promise(later, NOW_S + 60)),
        disposed(never, LeadState.BLOCKED, do_not_call=True),
    )
    assert [state(store, claim) for claim in claims] == [
        LeadState.DONE, LeadState.CALLBACK, LeadState.BLOCKED,
    ]  # fmt: skip
    assert store.attempts_open() == 0
    assert store.last_ended() == 0  # nobody was called
    assert len(mine(store, now_s=NOW_S + 60).claims) == 1


def test_a_call_under_way_is_not_disposed_of(store):
    shop(store)
    claim = take(store, n=1)[0]
    apply(store, begin(claim.attempt_id), disposed(claim, LeadState.BLOCKED))
    assert state(store, claim) is LeadState.DIALING


def test_a_claim_for_an_agent_takes_promises_first(store):
    shop(store, 3)
    first = take(store, n=1)[0]
    talked(store, first, disposed(first, LeadState.CALLBACK, 0, promise(first, NOW_S + 10)))
    assert mine(store, now_s=NOW_S + 10, own=False).claims[0].lead_id == first.lead_id
    assert mine(store, now_s=NOW_S + 10, own=False).claims[0].lead_id == first.lead_id + 1


def note(n, text="hi", phone=FIRST):
    return KeepNote(Note(phone, n, 1, 1, "an", NOW + n, text))


def test_notes_are_one_for_each_attempt(store):
    apply(store, note(1), note(2, "a"), note(2, "b"), note(3, "other", FIRST + 1), note(4, "x"))
    apply(store, note(4, ""))
    assert [one.text for one in store.notes(FIRST)] == ["hi", "b"]
    assert [one.text for one in store.notes(FIRST + 1)] == ["other"]
    assert store.notes(FIRST + 2) == []


def test_notes_of_one_number_have_a_limit(store):
    apply(store, *(note(n) for n in range(1, NOTES_MAX + 11)))
    kept = store.notes(FIRST)
    assert len(kept) == NOTES_MAX
    assert kept[0].attempt_id == 11


def test_an_erased_number_has_neither_notes_nor_promises(store):
    shop(store, 1)
    claim = take(store, n=1)[0]
    talked(
        store, claim, note(claim.attempt_id, "secret", claim.phone),
        disposed(claim, LeadState.CALLBACK, 0, promise(claim, NOW_S + 60)),
    )  # fmt: skip
    wait(store.erase(claim.phone, "me", NOW))
    assert store.notes(claim.phone) == []
    assert list(store.callbacks(1)) == []


def test_the_past_of_a_number_over_campaigns(store):
    shop(store, 1)
    claim = take(store, n=1)[0]
    talked(store, claim, note(claim.attempt_id, "first", claim.phone), disposed(claim))
    running(store, 1, "second")
    later = take(store, 2, n=1)[0]
    call(store, later, outcome=Outcome.BUSY, lead_state=LeadState.EXHAUSTED)
    newest, oldest = store.past(claim.phone, 10)
    assert (newest.campaign, newest.attempt.outcome) == ("second", Outcome.BUSY)
    assert (oldest.campaign, oldest.note, oldest.attempt.agent) == ("spring", "first", "an")
    assert len(store.past(claim.phone, 1)) == 1
    assert store.past(1, 10) == []


def test_the_day_of_the_agents(store):
    lines = [
        AgentMove("an", NOW + at, AgentState.READY, seq=n) for n, at in enumerate((0, 0, 5, 9))
    ]
    apply(store, *map(LogAgent, lines))
    apply(store, LogAgent(lines[0]))
    assert store.agent_moves(NOW, NOW + 100, 100) == lines
    assert store.agent_moves(NOW + 1, NOW + 9, 100) == [lines[2]]
    assert store.agent_moves(NOW, NOW + 100, 1) == lines[:1]


def test_of_a_number_that_was_called_without_end_the_last_leads_are_looked_at(store, monkeypatch):
    monkeypatch.setattr(agents, "PAST_ATTEMPTS_MAX", 2)
    source = filled_list(store, "people", people(1))
    for name in ("first", "second", "third"):
        campaign = running(store, source, name)
        call(store, take(store, campaign.campaign_id, 1)[0])
    assert [past.campaign for past in store.past(FIRST, 9)] == ["third", "second"]
    assert [past.campaign for past in store.past(FIRST, 1)] == ["third"]
