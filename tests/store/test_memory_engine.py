"""The memory engine against a plain dictionary."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.store import memory_engine
from dialerd.store.memory_engine import MemoryEngine

KEYS = st.binary(max_size=3)
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=2)), max_size=60)


def apply(table, model, changes):
    for key, value in changes:
        if value is None:
            assert table.delete(key) == (model.pop(key, None) is not None)
        else:
            table.put(key, value)
            model[key] = value


def check_same(table, model, start, stop, limit):
    pairs = sorted(model.items())
    assert table.scan(b"", b"\xff" * 9, 10**6) == pairs
    expected = [pair for pair in pairs if start <= pair[0] < stop][:limit]
    assert table.scan(start, stop, limit) == expected
    assert table.count() == len(model)
    assert all(table.get(key) == value for key, value in pairs)


@settings(max_examples=200, deadline=None)
@given(CHANGES, CHANGES, KEYS, KEYS, st.integers(0, 9), st.booleans())
def test_like_a_sorted_dictionary(first, second, start, stop, limit, kept):
    memory_engine.BLOCK, block = 4, memory_engine.BLOCK
    try:
        engine, model = MemoryEngine(), {}
        txn = engine.begin(write=True)
        table = txn.tables.leads
        apply(table, model, first)
        txn.commit()
        txn.abort()  # after the commit it takes nothing back
        check_same(table, model, start, stop, limit)
        before = dict(model)
        txn = engine.begin(write=True)
        table = txn.tables.leads
        apply(table, model, second)
        check_same(table, model, start, stop, limit)
        if not kept:
            txn.abort()
            model = before
        check_same(table, model, start, stop, limit)
    finally:
        memory_engine.BLOCK = block


def test_many_keys_in_order_and_backwards():
    table = MemoryEngine().begin(write=True).tables.leads
    keys = [i.to_bytes(4, "big") for i in range(10_000)]
    for key in keys[5_000:] + keys[4_999::-1]:
        table.put(key, b"")
    assert [key for key, _ in table.scan(b"", b"\xff", 10**6)] == keys
    for key in keys:
        assert table.delete(key)
    assert table.scan(b"", b"\xff", 1) == []
    assert table.count() == 0
