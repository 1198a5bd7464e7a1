"""Files of older formats: a copy first, one way forward, killed anywhere; newer ones refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import lmdb
import pytest

from dialerd.core.ports import StoreError
from dialerd.core.records import LeadState
from dialerd.store import FolderLockedError, StoreFormatError, migrations, open_store, wait
from dialerd.store.copies import check, restore
from dialerd.store.examine import examine
from dialerd.store.schema import FORMAT
from tests.store.kit import NOW, call, take

FIXTURE = Path(__file__).parent / "fixtures/format-1.mdb.gz"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data folder with a store that a program of format 1 wrote."""
    folder = tmp_path / "data"
    (folder / "store").mkdir(parents=True)
    (folder / "store/data.mdb").write_bytes(gzip.decompress(FIXTURE.read_bytes()))
    return folder


def written_format(file: Path) -> int:
    with lmdb.open(str(file), subdir=False, lock=False, readonly=True, max_dbs=64) as env:
        meta = env.open_db(b"meta", create=False)
        with env.begin() as txn:
            return int.from_bytes(txn.get(b"format", db=meta))


def content(folder: Path) -> dict[str, list[object]]:
    store = open_store(folder, readonly=True)
    found = {
        "leads": [row for rows in store.report(1) for row in rows],
        "lists": list(store.lists()),
        "campaigns": list(store.campaigns()),
        "moves": list(store.moves(1)),
        "dnc": [row for rows in store.dnc_list() for row in rows],
        "usage": list(store.usage(0)),
    }
    store.close()
    return found


def test_format_1_becomes_todays_with_everything_in_it(old):
    file = old / "store/data.mdb"
    assert written_format(file) == 1
    assert examine(file).sound  # readable as it is
    before, whole = content(old), file.read_bytes()
    assert written_format(file) == 1  # reading changes nothing
    store = open_store(old)
    rows = store.ended(0, 100)
    assert [one.seq for one in rows] == [1, 2, 3, 4, 5, 6]
    finished = [
        attempt.attempt_id
        for row in before["leads"]
        for attempt, _ in row.attempts
        if attempt.outcome is not None
    ]
    assert [one.attempt.attempt_id for one in rows] == finished
    assert rows[0].events
    assert store.problems() == []
    assert wait(store.recover(NOW + 200_000)) == 2
    call(store, take(store, 1, 1, NOW + 300_000)[0])
    assert store.last_ended() == 8
    assert store.problems() == []
    assert store.progress(1).leads[LeadState.INTERRUPTED] == 1
    store.close()
    assert written_format(file) == FORMAT == 2
    copy = old / "store/data.mdb.format-1"
    assert written_format(copy) == 1
    assert copy.stat().st_mode & 0o777 == 0o600
    back = old.parent / "back"
    assert restore(copy, back) is None
    assert content(back) == before
    assert len(whole) == file.stat().st_size or file.stat().st_size > len(whole)


def test_nothing_changes_but_what_is_new(old):
    before = content(old)
    open_store(old).close()
    assert content(old) == before
    open_store(old).close()  # and not again
    assert content(old) == before
    assert check(old).sound


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_one_that_is_cut_short_goes_on_where_it_was(old, monkeypatch, steps):
    monkeypatch.setattr(migrations, "STEP_ROWS", 2)
    step, left = migrations.STEPS[1], steps

    def cut(unit, mark):
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        return step(unit, mark)

    monkeypatch.setitem(migrations.STEPS, 1, cut)
    with pytest.raises(KeyboardInterrupt):
        open_store(old)
    assert written_format(old / "store/data.mdb") == (2 if steps else 1)
    marks = []
    monkeypatch.setitem(
        migrations.STEPS, 1, lambda unit, mark: marks.append(mark) or step(unit, mark)
    )
    store = open_store(old)
    assert bool(marks[0]) == bool(steps)
    assert [one.seq for one in store.ended(0, 100)] == [1, 2, 3, 4, 5, 6]
    assert store.problems() == []
    store.close()
    assert written_format(old / "store/data.mdb.format-1") == 1


def test_no_copy_no_migration(old, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(migrations.LmdbEngine, "copy", full)
    with pytest.raises(StoreError, match="none was begun: No space left"):
        open_store(old)
    assert written_format(old / "store/data.mdb") == 1
    assert sorted(path.name for path in (old / "store").iterdir() if "format" in path.name) == []
    monkeypatch.undo()
    open_store(old).close()
    assert written_format(old / "store/data.mdb") == 2


def test_not_under_a_daemon_that_runs(old, tmp_path):
    from dialerd.store.folder import FolderLock

    lock = FolderLock(old)
    with pytest.raises(FolderLockedError):
        open_store(old)
    lock.release()
    assert written_format(old / "store/data.mdb") == 1
    store = open_store(old, daemon=True)
    store.close()
    assert written_format(old / "store/data.mdb") == 2


def test_a_newer_format_is_refused_by_name(tmp_path):
    open_store(tmp_path).close()
    file = tmp_path / "store/data.mdb"
    with lmdb.open(str(tmp_path / "store"), max_dbs=64) as env:
        meta = env.open_db(b"meta")
        with env.begin(write=True) as txn:
            txn.put(b"format", (FORMAT + 1).to_bytes(8), db=meta)
    for readonly in (False, True):
        with pytest.raises(StoreFormatError, match=rf"format {FORMAT + 1}, written by a newer"):
            open_store(tmp_path, readonly=readonly)
    assert written_format(file) == FORMAT + 1


def test_every_older_format_has_its_step():
    assert sorted(migrations.STEPS) == list(range(1, FORMAT))


def test_the_copy_of_another_file_is_kept_beside_the_first(old):
    """A backup of before was restored: its own copy is made."""
    whole = (old / "store/data.mdb").read_bytes()
    open_store(old).close()
    first = (old / "store/data.mdb.format-1").read_bytes()
    (old / "store/data.mdb").write_bytes(whole)
    (old / "store/lock.mdb").unlink()
    open_store(old).close()
    assert (old / "store/data.mdb.format-1").read_bytes() == first
    [second] = (old / "store").glob("data.mdb.format-1.*")
    assert written_format(second) == 1
