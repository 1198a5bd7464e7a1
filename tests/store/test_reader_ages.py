"""Readers of the store that stay: how old, and behind how many commits."""

from dialerd.store import wait
from dialerd.store.reader_ages import ReaderAges, standing

TABLE = "    pid     thread     txnid\n     17735 7fd73287bb80 12\n     17735 7fd7328 -\n 9 a 7\n"


def test_readers_in_the_middle_of_reading_are_found():
    assert standing(TABLE) == [("17735 7fd73287bb80", 12), ("9 a", 7)]
    assert standing("(no active readers)\n") == []


def test_age_runs_from_the_look_that_saw_it_first():
    ages = ReaderAges()
    old, new = ("1 a", 5), ("2 b", 9)
    assert ages.look([old], 9, 100.0) == {"reader_age_s": 0.0, "reader_behind": 4}
    assert ages.look([old, new], 9, 107.0) == {"reader_age_s": 7.0, "reader_behind": 4}
    assert ages.look([("1 a", 9), new], 9, 110.0) == {"reader_age_s": 3.0, "reader_behind": 0}
    assert ages.look([], 9, 120.0) == {"reader_age_s": 0.0, "reader_behind": 0}


def test_a_reader_of_the_real_store_falls_behind_and_is_seen(lmdb_store):
    engine = lmdb_store._engine
    reader = engine.begin(write=False)
    list(reader.tables.campaigns.scan(b"", b"\xff", 1))
    before = engine.reading()["reader_behind"]
    wait(lmdb_store.create_list("people", 1))
    assert engine.reading()["reader_behind"] == before + 1
    assert lmdb_store.look() == ""
    found = lmdb_store.figures()
    assert found["reader_behind"] == before + 1
    assert found["reader_age_s"] >= 0
    reader.abort()
    assert engine.reading() == {"reader_age_s": 0.0, "reader_behind": 0}
