"""A byte of the file that is not what was written is found, or is nobody's."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dialerd.store.examine import examine, pages, read_all
from dialerd.store.fsck import END
from dialerd.store.lmdb_engine import LmdbEngine
from tests.faults import explorer, flips
from tests.faults.explorer import PAGE

FLIPS = 300  # `make faults` does more
NODE_HEAD = 8  # bytes of MDB_node before its key: mn_lo, mn_hi, mn_flags, mn_ksize


@pytest.fixture
def file(scratch: Path) -> Path:
    """A store in the middle of its work."""
    explorer.record(scratch, 12, 5, "safe")
    return scratch / "store" / "data.mdb"


def changed(file: Path, whole: bytes, at: int, bits: int) -> Path:
    """The file with one byte that is not as it was written."""
    other = bytearray(whole)
    other[at] ^= bits
    file.write_bytes(other)
    return file


def test_no_flip_is_served_as_a_record(file: Path, scratch: Path):
    done = flips.flip_all(file, scratch, seed=1, flips=FLIPS, workers=2)
    assert done.flips == FLIPS
    assert done.wrong == []
    assert done.found > FLIPS / 6
    assert file.stat().st_size > 60 * PAGE


def test_a_file_set_back_by_a_commit_is_found(file: Path):
    """The newer head page made older: a sound store, in which the last commit never was."""
    whole = bytearray(file.read_bytes())
    at = [136 + 8, PAGE + 136 + 8]
    numbers = [int.from_bytes(whole[one : one + 8], "little") for one in at]
    newer = at[numbers.index(max(numbers))]
    whole[newer : newer + 8] = (max(numbers) - 4).to_bytes(8, "little")
    file.write_bytes(whole)
    [told, *_] = pages(file)
    assert told.startswith("the head pages are of commits")


def test_a_branch_that_leads_astray_is_found(file: Path, scratch: Path):
    """The keys on branch pages have no checksum, and a scan does not need them."""
    whole = file.read_bytes()
    led_astray = False
    for branch in flips.branches(whole):
        if not pages(changed(file, whole, branch + flips.FLAGS_AT, 0xFF)):
            continue  # a free page: nothing reads it
        for byte in range(PAGE - 1, PAGE - 60, -1):  # keys lie at the end of a page
            if not pages(changed(file, whole, branch + byte, 0x40)):
                told = examine(file).problems
                led_astray = any("not found by a search" in line for line in told)
                break
        if led_astray:  # not every changed key parts two others wrongly
            return
    pytest.fail("no branch led a search astray")


def test_an_index_entry_that_grew_a_value_is_found(file: Path):
    """Its key leads to its lead; what would lie behind it belongs to its neighbour."""
    whole = file.read_bytes()
    engine = LmdbEngine(file.parent, file=file)
    txn = engine.begin(write=False)
    keys = [key for key, _ in txn.tables.due.scan(b"", END, 5)]
    txn.abort()
    engine.close()
    first: list[str] = []
    for key in keys:
        told: list[str] = []
        at = whole.find(key)
        while at >= 0 and not told:  # pages that are free by now hold it as well
            # The low byte of the length of its value.
            told = read_all(changed(file, whole, at - NODE_HEAD, 0x02)).problems
            at = whole.find(key, at + 1)
        assert told
        first += told[:1]
    # The one at the end of its page reaches over it, which is seen by its page already.
    assert any(line.startswith("due: ") for line in first)


def test_flips_are_the_same_every_time():
    whole = bytes(8 * PAGE)
    places = [flips.place(whole, random.Random(f"1:{n}")) for n in range(50)]
    assert places == [flips.place(whole, random.Random(f"1:{n}")) for n in range(50)]
    assert 2 < sum(place < 2 * PAGE and place % PAGE < flips.HEAD_BYTES for place in places) < 25
