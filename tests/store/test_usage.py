"""What lines used: counted once in the write that ends a call, kept over crashes."""

from __future__ import annotations

import lmdb
import msgspec
import pytest

from dialerd.core.ops import BeginDial
from dialerd.core.ports import StoreError
from dialerd.core.records import Usage
from dialerd.store import open_store, wait
from dialerd.store.schema import USAGE_NAME_MAX, usage_key
from dialerd.store.usage import RECOVERED_S_MAX
from tests.store.kit import NOW, begin, filled_list, finish, people, running, take

TODAY = 20_000


@pytest.fixture
def ready(store):
    running(store, filled_list(store, "a", people(10)))
    return store


def used(seconds=60, milli=500, trunk="a", port="", day=TODAY):
    return Usage(trunk, port, day, 1, seconds, milli)


def test_calls_of_a_line_and_day_are_one_sum(ready):
    claims = take(ready, n=4)
    lines = [used(), used(30, 1), used(port="3"), used(day=TODAY + 1)]
    for claim, line in zip(claims, lines, strict=True):
        ops = [begin(claim.attempt_id), finish(claim.attempt_id, used=line)]
        assert wait(ready.apply(ops)) == ()
        wait(ready.apply(ops[1:]))  # again: nothing changes
    assert ready.usage(TODAY) == [
        Usage("a", "", TODAY, 2, 90, 501),
        Usage("a", "3", TODAY, 1, 60, 500),
        Usage("a", "", TODAY + 1, 1, 60, 500),
    ]
    assert ready.usage(TODAY + 1) == [Usage("a", "", TODAY + 1, 1, 60, 500)]
    assert ready.usage(-5) == ready.usage(0)


def test_a_call_that_nobody_answered_used_nothing(ready):
    (claim,) = take(ready, n=1)
    wait(ready.apply([begin(claim.attempt_id), finish(claim.attempt_id)]))
    assert ready.usage(0) == []


def test_the_record_of_an_attempt_names_its_port(ready):
    first, second = take(ready, n=2)
    dialed = BeginDial(first.attempt_id, "g", "call", "any", NOW, "07", 780_000, TODAY)
    wait(ready.apply([dialed]))
    moved = msgspec.structs.replace(dialed, port="08", trunk="h")
    wait(ready.apply([moved, finish(first.attempt_id), begin(second.attempt_id)]))
    attempt = ready.lead(1, first.lead_id).attempts[0][0]
    assert (attempt.trunk, attempt.port, attempt.minute_milli) == ("h", "08", 780_000)
    assert ready.lead(1, second.lead_id).attempts[0][0].port == ""


@pytest.mark.parametrize(("later_s", "seconds"), [(30, 30), (86_400, RECOVERED_S_MAX), (-5, 0)])
def test_a_call_that_a_crash_cut_off_is_counted_to_a_limit(ready, later_s, seconds):
    first, second, _ = take(ready, n=3)
    wait(
        ready.apply(
            [
                BeginDial(first.attempt_id, "g", "c", "any", NOW, "1", 60_000, TODAY),
                begin(second.attempt_id),  # of a program that kept no usage
            ]
        )
    )
    assert wait(ready.recover(NOW + later_s * 1000)) == 3
    assert ready.usage(0) == [Usage("g", "1", TODAY, 1, seconds, seconds * 1000)]
    assert wait(ready.recover(NOW + later_s * 1000)) == 0
    assert len(ready.usage(0)) == 1


def test_usage_survives_the_file_being_closed(tmp_path):
    store = open_store(tmp_path, linger_s=0.0)
    running(store, filled_list(store, "a", people(1)))
    (claim,) = take(store, n=1)
    wait(store.apply([begin(claim.attempt_id), finish(claim.attempt_id, used=used())]))
    store.close()
    store = open_store(tmp_path, linger_s=0.0)
    assert store.usage(0) == [used()]
    store.close()


def test_a_store_of_an_older_program_has_no_such_table(tmp_path):
    """Read without it; it is made when somebody may write."""
    open_store(tmp_path, linger_s=0.0).close()
    env = lmdb.open(str(tmp_path), max_dbs=40)
    table = env.open_db(b"usage")
    with env.begin(write=True) as txn:
        txn.drop(table)
    env.close()
    store = open_store(tmp_path, readonly=True)
    assert store.usage(0) == []
    assert store.problems() == []
    with pytest.raises(StoreError):
        wait(store.create_list("a", NOW))
    store.close()
    store = open_store(tmp_path, linger_s=0.0)
    running(store, filled_list(store, "a", people(1)))
    (claim,) = take(store, n=1)
    wait(store.apply([begin(claim.attempt_id), finish(claim.attempt_id, used=used())]))
    assert store.usage(0) == [used()]
    store.close()


def test_keys_are_bounded_and_in_the_order_of_days():
    keys = [usage_key(1, "b", ""), usage_key(1, "b", "1"), usage_key(2, "a", "")]
    assert keys == sorted(keys)
    assert len(usage_key(1, "x" * 900, "y")) == 4 + USAGE_NAME_MAX
