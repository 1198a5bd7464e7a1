"""Imports that were cut short go on, end as if they had not been, and never mix two files."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lmdb
import pytest

from dialerd.core.numbering import load_numbering
from dialerd.core.ports import ContactsAdded, StoreFailedError
from dialerd.core.records import Contact
from dialerd.importer.io_import import ImportFailedError, Options, import_file
from dialerd.importer.limits import BATCH_ROWS
from dialerd.importer.summary import Summary
from dialerd.store import MemoryStore, open_store, wait
from dialerd.store.base import BaseStore
from dialerd.store.reading import scan_all
from dialerd.store.schema import CONTACT
from fastpath.numbers import Numbering

ROOT = Path(__file__).parents[2]
NOW_MS = 1_700_000_000_000
NAME = "khách"


@pytest.fixture(scope="module")
def numbering() -> Numbering:
    return load_numbering((ROOT / "conf/numbering/vn.toml").read_text())


class CutStore(MemoryStore):
    """The disk fills up at one batch."""

    def __init__(self, good: int) -> None:
        super().__init__()
        self.good = good

    def add_contacts(self, list_id: int, contacts: Sequence[Contact], **how: Any) -> Any:
        if not self.good:
            raise StoreFailedError("the disk is full")
        self.good -= 1
        return super().add_contacts(list_id, contacts, **how)


def write_leads(path: Path, count: int, seed: int = 1) -> None:
    """People of whom a tenth comes twice and a tenth has no number; some cells are quoted."""
    chance = random.Random(seed)
    lines = ["tên,số điện thoại,ghi chú"]
    tails: list[int] = []
    for i in range(count):
        what = chance.random()
        if what < 0.1 and tails:
            tail = chance.choice(tails)
        else:
            tail = chance.randrange(10**7)
            tails.append(tail)
        number = "không có" if what > 0.9 else f"090{tail:07}"
        note = '"hai\ndòng"' if i % 1_000 == 7 else f"hàng {i}"
        lines.append(f"Nguyễn {i},{number},{note}")
    path.write_text("\n".join(lines) + "\n")


def add(path: Path, store: BaseStore, numbering: Numbering, **options: Any) -> Summary:
    return asyncio.run(
        import_file(path, NAME, numbering, store, at_ms=NOW_MS, options=Options(**options))
    )


def stored(store: BaseStore) -> list[Contact]:
    return store._read(
        lambda unit: [CONTACT.unpack(raw) for _, raw in scan_all(unit.t.contacts, b"", b"\xff" * 9)]
    )


def rejected(summary: Summary) -> str:
    assert summary.reject_file is not None
    return Path(summary.reject_file).read_text()


def told(summary: Summary) -> dict[str, object]:
    found = {name: getattr(summary, name) for name in summary.__struct_fields__}
    del found["resumed"], found["file"], found["reject_file"]
    return found


@pytest.mark.parametrize("good", [1, 2, 3])
def test_it_goes_on_and_ends_as_if_never_cut_short(
    tmp_path: Path, numbering: Numbering, good: int
) -> None:
    path = tmp_path / "leads.csv"
    write_leads(path, 4 * BATCH_ROWS - 100)
    whole = MemoryStore()
    expected = add(path, whole, numbering)
    expected_rejects = rejected(expected)
    store = CutStore(good)
    with pytest.raises(StoreFailedError):
        add(path, store, numbering)
    assert 0 < store.find_list(NAME).size < expected.valid
    store.good = 100
    rows: list[int] = []
    summary = add(path, store, numbering, resumes=rows.append)
    assert rows == [summary.resumed] == [1 + good * BATCH_ROWS]
    assert told(summary) == told(expected)
    assert rejected(summary) == expected_rejects
    assert stored(store) == stored(whole)
    assert store.problems() == []
    again = add(path, store, numbering)  # it ended: nothing to go on with
    assert (again.resumed, again.valid, again.rows) == (0, 0, expected.rows)


def test_people_added_meanwhile_are_not_taken_for_its_own(
    tmp_path: Path, numbering: Numbering
) -> None:
    path = tmp_path / "leads.csv"
    write_leads(path, 2 * BATCH_ROWS)
    store = CutStore(1)
    with pytest.raises(StoreFailedError):
        add(path, store, numbering)
    store.good = 100
    list_id = store.find_list(NAME).list_id
    wait(store.add_contacts(list_id, [Contact(84_999_999_999, "0999999999")]))
    summary = add(path, store, numbering)
    assert store.find_list(NAME).size == summary.valid + 1
    assert store.problems() == []


def test_a_changed_file_or_another_way_to_read_it_is_refused(
    tmp_path: Path, numbering: Numbering
) -> None:
    path = tmp_path / "leads.csv"
    write_leads(path, 2 * BATCH_ROWS)
    text = path.read_text()
    store = CutStore(1)
    with pytest.raises(StoreFailedError):
        add(path, store, numbering)
    store.good = 100
    path.write_text(text.replace("Nguyễn 5,", "Nguyễn 6,"))
    size = store.find_list(NAME).size
    told = rf"stopped behind row {BATCH_ROWS + 1}.*changed.*--restart"
    with pytest.raises(ImportFailedError, match=told):
        add(path, store, numbering)
    path.write_text(text)
    with pytest.raises(ImportFailedError, match="same options"):
        add(path, store, numbering, skip_elsewhere=True)
    with pytest.raises(ImportFailedError, match="same options"):
        add(path, store, numbering, mapping={"ghi chú": "note"})
    assert store.find_list(NAME).size == size
    path.write_text(text + "Mai,0912345678,\n")
    summary = add(path, store, numbering, restart=True)
    assert summary.resumed == 0
    assert summary.rows == 2 * BATCH_ROWS + 1
    assert summary.valid + size == store.find_list(NAME).size
    assert store.problems() == []


@pytest.mark.parametrize("skip", [False, True])
def test_numbers_of_another_list(tmp_path: Path, numbering: Numbering, skip: bool) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("phone\n0912345678\n0912345679\n0912345679\n0912345670\n0912345671\n")
    store = MemoryStore()
    other = wait(store.create_list("other", NOW_MS)).list_id
    both = [Contact(84_912_345_678, ""), Contact(84_912_345_679, "")]
    wait(store.add_contacts(other, both))
    mine = wait(store.create_list(NAME, NOW_MS)).list_id
    wait(store.add_contacts(mine, [Contact(84_912_345_671, "")]))
    summary = add(path, store, numbering, skip_elsewhere=skip)
    assert summary.rows == 5
    if skip:
        assert (summary.valid, summary.duplicate, summary.elsewhere) == (1, 4, 3)
        assert summary.left_out == 3
        assert rejected(summary).count("duplicate_elsewhere") == 3
    else:
        assert (summary.valid, summary.duplicate, summary.elsewhere) == (3, 2, 2)
        assert summary.left_out == 0
    assert store.find_list(NAME).size == summary.valid + 1
    assert store.problems() == []


def test_an_import_of_another_file_does_not_disturb_the_mark(
    tmp_path: Path, numbering: Numbering
) -> None:
    write_leads(tmp_path / "a.csv", 2 * BATCH_ROWS)
    write_leads(tmp_path / "b.csv", 100, seed=2)
    store = CutStore(1)
    with pytest.raises(StoreFailedError):
        add(tmp_path / "a.csv", store, numbering)
    store.good = 100
    assert add(tmp_path / "b.csv", store, numbering).resumed == 0
    summary = add(tmp_path / "a.csv", store, numbering)
    assert summary.resumed == 1 + BATCH_ROWS
    assert store.problems() == []


def test_the_store_keeps_a_mark_with_its_rows_or_neither(tmp_path: Path) -> None:
    class FailedError(Exception):
        pass

    store = MemoryStore()
    list_id = wait(store.create_list(NAME, NOW_MS)).list_id
    bad = [Contact(84_912_345_678, ""), Contact(0, "")]
    from dialerd.core.ports import StoreError
    from dialerd.core.records import ImportMark

    mark = ImportMark("/a.csv", b"1", b"2", 3, 0, NOW_MS)
    with pytest.raises(StoreError):
        wait(store.add_contacts(list_id, bad, mark=mark))
    assert store.import_mark(list_id, "/a.csv") is None
    added = wait(store.add_contacts(list_id, bad[:1], mark=mark))
    assert added == ContactsAdded(1, ())
    assert store.import_mark(list_id, "/a.csv") == mark
    assert store.import_mark(list_id, "/b.csv") is None
    wait(store.end_import(list_id, "/a.csv"))
    assert store.import_mark(list_id, "/a.csv") is None


@pytest.fixture
def killed(tmp_path: Path) -> tuple[Path, int]:
    """The data folder of a `dialerd import` that was killed, and the rows it had committed."""
    write_leads(tmp_path / "leads.csv", 15 * BATCH_ROWS)
    process = subprocess.Popen(command(tmp_path), cwd=ROOT, stderr=subprocess.PIPE)
    store, rows = None, 0
    source = os.path.realpath(tmp_path / "leads.csv")
    try:
        deadline = time.monotonic() + 100
        while rows < 2 * BATCH_ROWS:
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
            if store is None and (tmp_path / "data/store/data.mdb").exists():
                store = open_store(tmp_path / "data", linger_s=0)
            mark = None if store is None else store.import_mark(1, source)
            rows = 0 if mark is None else mark.rows
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
        if store is not None:
            store.close()
    return tmp_path / "data", rows


def command(folder: Path) -> list[str]:
    return [
        sys.executable, "-m", "dialerd", "import", str(folder / "leads.csv"), "--list", NAME,
        "--data", str(folder / "data"), "-c", str(ROOT / "conf/dialerd.toml"),
    ]  # fmt: skip


def test_killed_and_given_again(
    tmp_path: Path, numbering: Numbering, killed: tuple[Path, int]
) -> None:
    folder, rows = killed
    done = subprocess.run(command(tmp_path), cwd=ROOT, capture_output=True, text=True, check=True)
    row = int(done.stderr.split("going on behind row ")[1].split()[0])
    assert row >= rows
    assert row % BATCH_ROWS == 1
    rejects = (tmp_path / "leads.rejected.csv").read_text()
    whole = MemoryStore()
    expected = add(tmp_path / "leads.csv", whole, numbering)
    assert rejects == rejected(expected)
    store = open_store(folder)
    assert stored(store) == stored(whole)
    assert store.problems() == []
    store.close()


def test_a_batch_that_fails_takes_those_behind_it_along(tmp_path, numbering, monkeypatch):
    """They are queued already when a full disk refuses the one before them."""
    path = tmp_path / "leads.csv"
    count = 4 * BATCH_ROWS
    path.write_text("".join(f"an,09{12_000_000 + i}\n" for i in range(count)))
    store = open_store(tmp_path / "data", linger_s=0.0)
    made, seen = store._writer._transact_once, 0

    def once(group):
        nonlocal seen
        seen += 1
        if seen == 3:  # the list, the first batch, the second
            raise lmdb.DiskError("No space left on device")
        return made(group)

    monkeypatch.setattr(store._writer, "_transact_once", once)
    with pytest.raises(StoreFailedError, match="full"):
        add(path, store, numbering)
    assert len(stored(store)) == BATCH_ROWS
    summary = add(path, store, numbering)
    assert summary.resumed == BATCH_ROWS
    assert len(stored(store)) == count
    assert summary.rejected == summary.duplicate == 0
    store.close()


def test_who_was_erased_meanwhile_stops_it(tmp_path, numbering):
    path = tmp_path / "leads.csv"
    write_leads(path, 3 * BATCH_ROWS)
    store = CutStore(1)
    with pytest.raises(StoreFailedError):
        add(path, store, numbering)
    store.good = 9
    wait(store.erase(stored(store)[0].phone, "an", NOW_MS))
    with pytest.raises(ImportFailedError, match=r"in no list .* give --restart"):
        add(path, store, numbering)
