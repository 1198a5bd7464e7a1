"""Hostile records with a right checksum: told as faults of the file, and found by fsck."""

from __future__ import annotations

import pytest

from dialerd.core.ports import StoreError
from dialerd.core.records import Outcome
from dialerd.store import copies, open_store, wait
from dialerd.store.schema import (
    CorruptRecordError,
    attempt_key,
    contact_key,
    lead_key,
    phone_key,
    seal,
)
from tests.store.kit import FIRST, NOW, call, filled_list, people, running, take

BODIES = {
    "deep": b"\x91" * 200_000,
    "a long list": b"\xdd\xff\xff\xff\xff",
    "a long text": b"\xdb\xff\xff\xff\xff",
    "a map": b"\xdf\xff\xff\xff\xff",
    "an extension": b"\xc9\xff\xff\xff\xff\x01",
    "nothing": b"",
    "nil": b"\xc0",
    "great numbers": b"\x9f" + b"\xcf" + b"\xff" * 16,
    "a million nils": b"\xdd\x00\x0f\x42\x40" + b"\xc0" * 1_000_000,
}
READERS = {
    "leads": (lead_key(1, 1), lambda store: store.lead(1, 1)),
    "attempts": (attempt_key(1, 1, 1), lambda store: store.ended(0, 5)),
    "contacts": (contact_key(1, 1), lambda store: list(store.report(1))),
    "caps": (phone_key(FIRST), lambda store: store.about(FIRST)),
    "claims": (lead_key(1, 3), take),
}


@pytest.mark.parametrize("where", READERS)
@pytest.mark.parametrize("what", BODIES)
def test_who_reads_it_is_told_of_the_file(tmp_path, where, what):
    store = open_store(tmp_path, linger_s=0.0)
    running(store, filled_list(store, "a", people(4)))
    for claim in take(store, n=2):
        call(store, claim, outcome=Outcome.ANSWERED, at_ms=NOW)
    key, read = READERS[where]
    name = "leads" if where == "claims" else where
    wait(store._submit(lambda unit: getattr(unit.t, name).put(key, seal(BODIES[what]))))
    if (where, what) != ("caps", "nothing"):  # that says that nobody was called
        with pytest.raises(StoreError) as caught:
            read(store)
        assert isinstance(caught.value, CorruptRecordError)
        assert len(str(caught.value)) < 300
    assert store.lists(), "the store goes on"
    store.close()
    if where in {"leads", "caps"}:
        found = copies.check(tmp_path)
        assert not found.sound
        assert len(found.first) < 1_000


def test_a_number_out_of_range_is_the_callers_fault(lmdb_store):
    """It is not told as damage."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        wait(lmdb_store._submit(lambda _unit: lead_key(1 << 40, 1)))
    assert not isinstance(caught.value, StoreError)
