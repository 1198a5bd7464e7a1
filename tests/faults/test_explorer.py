"""Whatever a crash leaves on the disk is consistent, and holds all that was acknowledged."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.explorer import PAGE, SECTOR, Disk, apply, explore, pieces, record
from tests.faults.shim import Entry, read_log

STATES = 500  # `make faults` does 20,000


def test_the_store_as_it_ships_survives_every_state(scratch: Path):
    log, base = record(scratch, 40, 1, "safe")
    kinds = [entry.kind for entry in read_log(log)]
    assert kinds.count("F") == kinds.count("D") > 50, "two flushes a commit"
    assert kinds.count("W") > 500
    assert kinds.count("M") > 300
    found = explore(log, base, scratch, seed=1, states=STATES, workers=2)
    assert found.states == STATES
    assert found.bad == []
    assert found.lost == []


def test_the_explorer_finds_what_is_wrong_with_a_store_that_does_not_flush(scratch: Path):
    log, base = record(scratch, 12, 2, "nosync")
    found = explore(log, base, scratch, seed=2, states=60)
    assert found.states == 60
    assert len(found.bad) > 20
    assert len(found.lost) > 5


def test_the_explorer_finds_what_is_lost_without_the_second_flush(scratch: Path):
    """The file stays consistent, and the last transaction may be gone after all."""
    log, base = record(scratch, 12, 3, "nometasync")
    found = explore(log, base, scratch, seed=3, states=60)
    assert found.bad == []
    assert len(found.lost) > 5


def test_a_reader_that_is_taken_down_counts_as_a_bad_state(scratch: Path):
    log, base = record(scratch, 40, 1, "nosync")
    found = explore(log, base, scratch, seed=1, states=100, workers=2)
    assert found.states == 100
    assert found.killed > 0
    assert sum("signal" in line for line in found.bad) == found.killed


def entries() -> list[Entry]:
    a, b, c = (bytes([letter]) * PAGE for letter in b"abc")
    return [
        Entry("W", 0, a),
        Entry("W", PAGE, a + a),
        Entry("F", 0, b""),
        Entry("D", 0, b"d" * 100),
        Entry("M", 0, b"one 1\ntwo 2\n"),
        Entry("W", PAGE, b),
        Entry("W", 3 * PAGE, c),
    ]


def test_what_was_flushed_is_sure_and_what_was_not_is_not():
    disk = Disk(bytes(10), entries())
    disk.forward(2)
    assert disk.sure == bytes(10)
    disk.forward(5)
    assert disk.sure == b"d" * 100 + b"a" * (3 * PAGE - 100)
    assert disk.marks == [["one", "1"], ["two", "2"]]
    assert disk.pending == []
    disk.forward(7)
    seen = {disk.after(random.Random(seed)) for seed in range(200)}
    assert all(one.startswith(bytes(disk.sure[:PAGE])) for one in seen)
    assert bytes(disk.sure) in seen, "nothing of it was kept"
    assert any(len(one) == 4 * PAGE and one[PAGE] == ord("a") for one in seen), "only the last"
    assert any(b"ab" in one[PAGE : 2 * PAGE] for one in seen), "a page in part"
    assert all(len(set(one[at : at + SECTOR])) == 1 for one in seen
               for at in range(PAGE, len(one), SECTOR)), "a sector is whole"  # fmt: skip


@pytest.mark.parametrize("unit", [SECTOR, PAGE])
def test_pieces_are_the_writes(unit: int):
    rng = random.Random(1)
    writes = [(rng.randrange(9_000), rng.randbytes(rng.randrange(1, 9_000))) for _ in range(20)]
    whole, cut = bytearray(), bytearray()
    apply(whole, writes)
    parts = list(pieces(writes, unit))
    apply(cut, parts)
    assert whole == cut
    assert all(at // unit == (at + len(data) - 1) // unit for at, data in parts)
