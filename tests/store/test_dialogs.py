"""The dialog journal: lines of begun attempts, and what becomes of them after a crash."""

from __future__ import annotations

import msgspec
import pytest

from dialerd.core.limits import IN_FLIGHT_RETRY_S
from dialerd.core.ops import KeepLine, OldCall, ReleaseClaim
from dialerd.core.records import CampaignState, DoNotCall, FrequencyCap, LeadState, Outcome
from dialerd.store import open_store, wait
from dialerd.store.dialogs import keep
from dialerd.store.schema import open_key, unseal
from tests.store.kit import FIRST, NOW, begin, filled_list, finish, people, running, take


@pytest.fixture
def ready(store):
    running(store, filled_list(store, "a", people(10)))
    return store


def begun(attempt_id, line, **more):
    return msgspec.structs.replace(begin(attempt_id, **more), line=line)


def line(store, attempt_id):
    raw = store._read(lambda unit: unit.t.dialogs.get(open_key(attempt_id)))
    return None if raw is None else unseal(raw)


def count(store):
    return store._read(lambda unit: unit.t.dialogs.count())


def test_a_line_lives_as_long_as_its_attempt(ready):
    take(ready, n=2)
    assert count(ready) == 0
    wait(ready.apply([begun(1, b"invite"), begin(2)]))
    assert (line(ready, 1), line(ready, 2)) == (b"invite", b"")
    wait(ready.apply([KeepLine(1, b"dialog")]))
    assert line(ready, 1) == b"dialog"
    wait(ready.apply([finish(1), finish(2)]))
    assert count(ready) == 0


def test_a_late_line_is_no_line(ready):
    """It was on its way when the attempt ended, or belongs to nobody."""
    take(ready, n=2)
    wait(ready.apply([begun(1, b"a"), finish(1), KeepLine(1, b"late")]))
    wait(ready.apply([KeepLine(2, b"claimed only"), KeepLine(99, b"nobody's")]))
    assert count(ready) == 0


def test_moving_to_another_trunk_replaces_the_line(ready):
    take(ready, n=1)
    wait(ready.apply([begun(1, b"first")]))
    wait(ready.apply([begun(1, b"second", trunk="b")]))
    assert line(ready, 1) == b"second"
    wait(ready.recover(NOW))
    assert ready.old_calls() == [OldCall(1, "b", b"second")]


def test_a_refused_dial_leaves_no_line(ready):
    take(ready, n=3)
    wait(ready.apply([begun(3, b"first")]))
    wait(ready.dnc_add([DoNotCall(FIRST, NOW, "me"), DoNotCall(FIRST + 2, NOW, "me")]))
    assert wait(ready.apply([begun(1, b"x"), begun(3, b"moved")])) == (1, 3)
    assert line(ready, 1) is None
    assert line(ready, 3) == b"first"  # it was dialed before its number was blocked
    wait(ready.move_campaign(1, CampaignState.PAUSED, "an", NOW))
    assert wait(ready.apply([begun(2, b"x")])) == (2,)
    assert count(ready) == 1


def test_a_claim_given_back_has_none(ready):
    take(ready, n=1)
    wait(ready.apply([ReleaseClaim(1, 0)]))
    assert count(ready) == 0


def test_recovery_moves_the_lines_to_the_old_calls(ready):
    take(ready, n=4)
    wait(ready.apply([begun(1, b"one"), begun(2, b"two"), begin(3)]))
    assert ready.old_calls() == []
    wait(ready.recover(NOW))
    assert count(ready) == 0
    assert ready.old_calls() == [OldCall(1, "a", b"one"), OldCall(2, "a", b"two")]


def test_old_calls_stay_until_they_have_been_ended(ready):
    take(ready, n=3)
    wait(ready.apply([begun(1, b"one"), begun(2, b"two"), begun(3, b"three")]))
    wait(ready.recover(NOW))
    assert wait(ready.old_calls_ended([2, 77])) == 1
    take(ready, n=1)
    wait(ready.apply([begun(4, b"four")]))
    wait(ready.recover(NOW + 1))  # killed again before the others were ended
    assert [old.attempt_id for old in ready.old_calls()] == [1, 3, 4]
    assert wait(ready.old_calls_ended([1, 3, 4])) == 3
    assert ready.old_calls() == []


def test_a_number_that_a_crash_left_in_a_call_is_in_flight_until_that_has_ended(store):
    """Another campaign, whatever its caps, calls nobody who is still on the line."""
    running(store, filled_list(store, "a", people(1)), cap=FrequencyCap(100, 60))
    running(store, filled_list(store, "b", people(1)), "b", cap=FrequencyCap(100, 60))
    take(store, 1, n=1)
    wait(store.apply([begun(1, b"one")]))
    wait(store.recover(NOW))
    assert not take(store, 2, n=1)
    wait(store.old_calls_ended([1]))
    again = NOW + IN_FLIGHT_RETRY_S * 1000
    assert len(wait(store.claim(2, 1, again, 60)).claims) == 1


def test_the_old_calls_are_in_the_file(tmp_path):
    store = open_store(tmp_path, linger_s=0.0)
    running(store, filled_list(store, "a", people(3)))
    take(store, n=3)
    wait(store.apply([begun(1, b"one"), begun(2, b"two")]))
    store.close()
    store = open_store(tmp_path, linger_s=0.0)
    assert wait(store.recover(NOW)) == 3
    store.close()
    store = open_store(tmp_path, linger_s=0.0)
    assert [old.line for old in store.old_calls()] == [b"one", b"two"]
    assert store.problems() == []
    store.close()


def test_very_many_are_recovered_in_steps(store):
    running(store, filled_list(store, "a", people(2_500)))
    while claims := take(store, n=1_000):
        wait(store.apply([begun(claim.attempt_id, b"x") for claim in claims]))
    assert wait(store.recover(NOW)) == 2_500
    assert len(store.old_calls()) == 2_500
    assert count(store) == 0
    assert store.progress(1).leads[LeadState.INTERRUPTED] == 2_500
    assert store.progress(1).outcomes[Outcome.INTERRUPTED] == 2_500


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda unit: unit.t.dialogs.delete(open_key(1)), "attempt 1: dialed and without its line"),
        (lambda unit: keep(unit, 2, b"x"), "the journal has 2 lines, 1 attempts"),
        (lambda unit: keep(unit, 99, b"x"), "the journal has 2 lines, 1 attempts"),
    ],
)
def test_a_line_too_few_or_too_many_is_found(tmp_path, damage, text):
    store = open_store(tmp_path, linger_s=0.0)
    running(store, filled_list(store, "a", people(3)))
    take(store, n=2)
    wait(store.apply([begun(1, b"x")]))
    assert store.problems() == []
    wait(store._submit(damage))
    assert any(text in problem for problem in store.problems())
    store.close()
