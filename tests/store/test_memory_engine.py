"""The memory engine against a plain dictionary."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.store import memory_engine
from dialerd.store.memory_engine import MemoryEngine, MemoryTable, MemoryTxn

KEYS = st.binary(max_size=3)
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=2)), max_size=60)


def apply(txn, table, model, changes):
    for key, value in changes:
        if value is None:
            assert txn.delete(key, db=table) == (model.pop(key, None) is not None)
        else:
            txn.put(key, value, db=table)
            model[key] = value


def check_same(table, txn, model, start, stop, limit):
    pairs = sorted(model.items())
    assert txn.scan(b"", b"\xff" * 9, 10**6, db=table) == pairs
    expected = [pair for pair in pairs if start <= pair[0] < stop][:limit]
    assert txn.scan(start, stop, limit, db=table) == expected
    assert txn.count(db=table) == len(model)
    assert all(txn.get(key, db=table) == value for key, value in pairs)


@settings(max_examples=200, deadline=None)
@given(CHANGES, CHANGES, KEYS, KEYS, st.integers(0, 9), st.booleans())
def test_like_a_sorted_dictionary(first, second, start, stop, limit, kept):
    memory_engine.BLOCK, block = 4, memory_engine.BLOCK
    try:
        table, model = MemoryTable(), {}
        txn = MemoryTxn()
        apply(txn, table, model, first)
        txn.commit()
        txn.abort()  # after the commit it takes nothing back
        check_same(table, txn, model, start, stop, limit)
        before = dict(model)
        txn = MemoryTxn()
        apply(txn, table, model, second)
        check_same(table, txn, model, start, stop, limit)
        if not kept:
            txn.abort()
            model = before
        check_same(table, txn, model, start, stop, limit)
    finally:
        memory_engine.BLOCK = block


def test_many_keys_in_order_and_backwards():
    table, txn = MemoryEngine().tables.leads, MemoryTxn()
    keys = [i.to_bytes(4, "big") for i in range(10_000)]
    for key in keys[5_000:] + keys[4_999::-1]:
        txn.put(key, b"", db=table)
    assert [key for key, _ in txn.scan(b"", b"\xff", 10**6, db=table)] == keys
    for key in keys:
        assert txn.delete(key, db=table)
    assert txn.scan(b"", b"\xff", 1, db=table) == []
    assert txn.count(db=table) == 0
