"""Backups: what is copied, what is refused, and that nothing is ever written over."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from dialerd.core.ports import StoreError
from dialerd.core.records import DoNotCall, EventKind
from dialerd.store import FolderLockedError, StoreFormatError, copies, open_store, wait
from dialerd.store.examine import Findings, examine
from dialerd.store.fsck import END
from dialerd.store.lmdb_engine import LmdbEngine
from dialerd.store.reading import scan_all
from dialerd.store.unit import Unit
from tests.store.kit import NOW, call, draft, events, filled_list, people, running, take


@pytest.fixture
def data(tmp_path):
    """A data folder with calls in every state."""
    folder = tmp_path / "data"
    store = open_store(folder)
    campaign = running(store, filled_list(store, "a", people(300))).campaign_id
    draft(store, filled_list(store, "b", people(50)), "autumn")
    for claim in take(store, campaign, n=100)[:90]:  # ten stay claimed
        call(store, claim, events=events(EventKind.DIALED, EventKind.RELEASED))
    wait(store.dnc_add([DoNotCall(84_912_999_999, NOW, "law")]))
    store.close()
    return folder


def content(file: Path) -> dict[str, list[tuple[bytes, bytes]]]:
    """Every table of a store's file."""
    engine = LmdbEngine(file.parent, file=file)
    try:
        txn = engine.begin(write=False)
        unit = Unit(txn)
        found = {name: list(scan_all(getattr(unit.t, name), b"", END)) for name in TABLES}
        txn.abort()
        return found
    finally:
        engine.close()


TABLES = ("meta", "lists", "contacts", "campaigns", "leads", "due", "attempts", "events", "dnc")


def parts(folder: Path) -> list[str]:
    return [file.name for file in folder.rglob("*.part")]


def test_a_backup_holds_everything_and_comes_back(data, tmp_path):
    before = content(data / "store" / "data.mdb")
    made = copies.backup(data, tmp_path / "b.mdb")
    assert content(made.file) == before
    assert made.size == made.file.stat().st_size
    assert made.findings.sound
    assert made.findings.records["leads"] == 300
    assert made.findings.records["attempts"] == 90
    assert made.file.stat().st_mode & 0o077 == 0
    shutil.rmtree(data)
    assert copies.restore(made.file, data) is None
    assert content(data / "store" / "data.mdb") == before
    store = open_store(data, daemon=True)
    assert store.problems() == []
    assert len(take(store, 1, n=500)) == 200  # what nobody had in hand
    store.close()
    assert parts(tmp_path) == []


def test_the_sum_is_that_of_coreutils(data, tmp_path):
    copies.backup(data, tmp_path / "b.mdb")
    command = ["sha256sum", "-c", "b.mdb.sha256"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "b.mdb: OK\n"


WRITER = """
import sys, threading
from dialerd.store import open_store, wait
store = open_store(sys.argv[1], daemon=True)
ended = threading.Thread(target=sys.stdin.read, daemon=True)
ended.start()
n = 0
while ended.is_alive():
    n += 1
    wait(store.create_list(f"list {n}", 1))
    if n == 3:
        print("writing", flush=True)
store.close()
"""


@contextlib.contextmanager
def in_use(folder: Path) -> Iterator[int]:
    """A process that has the store as its daemon, and never stops writing."""
    command = [sys.executable, "-c", WRITER, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        yield process.pid
        process.communicate()
        assert process.returncode == 0


def test_a_store_in_use_is_copied_as_of_one_commit(data, tmp_path):
    told: list[tuple[int, int]] = []
    with in_use(data):
        for n in range(3):
            made = copies.backup(data, tmp_path / f"{n}.mdb", lambda *seen: told.append(seen))
            assert made.findings.sound
            assert made.findings.records["lists"] == made.findings.records["list_names"] > 3
    assert all(done >= 0 and whole > 0 for done, whole in told)


def test_a_folder_gets_a_file_named_by_the_time_and_keeps_so_many(data, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "dialerd-old.mdb").write_text("mine")
    for year in range(2001, 2005):
        (folder / f"dialerd-{year}0101T000000Z.mdb").write_text("x")
        (folder / f"dialerd-{year}0101T000000Z.mdb.sha256").write_text("x")
    made = copies.backup(data, folder)
    assert made.file.name.startswith("dialerd-20")
    removed = copies.prune(folder, 2)
    assert [file.name[8:12] for file in removed] == ["2001", "2002", "2003"]
    assert sorted(file.name for file in folder.iterdir()) == sorted(
        [
            "notes.txt", "dialerd-old.mdb", made.file.name, f"{made.file.name}.sha256",
            "dialerd-20040101T000000Z.mdb", "dialerd-20040101T000000Z.mdb.sha256",
        ]
    )  # fmt: skip


def test_nothing_is_written_over(data, tmp_path):
    (tmp_path / "b.mdb").write_text("mine")
    with pytest.raises(StoreError, match=r"b\.mdb exists; nothing is written over"):
        copies.backup(data, tmp_path / "b.mdb")
    assert (tmp_path / "b.mdb").read_text() == "mine"
    other = tmp_path / "other"
    store = open_store(other)
    filled_list(store, "kept", people(3))
    store.close()
    made = copies.backup(data, tmp_path / "c.mdb")
    aside = copies.restore(made.file, other)
    assert aside is not None
    assert examine(aside).records["contacts"] == 3
    assert examine(other / "store" / "data.mdb").records["leads"] == 300


def test_a_running_daemons_store_is_not_replaced(data, tmp_path):
    made = copies.backup(data, tmp_path / "b.mdb")
    with in_use(data) as pid, pytest.raises(FolderLockedError, match=f"process {pid}"):
        copies.restore(made.file, data)
    assert copies.check(data).sound


def test_what_is_not_what_was_written_is_not_restored(data, tmp_path):
    made = copies.backup(data, tmp_path / "b.mdb")
    before = (data / "store" / "data.mdb").read_bytes()
    bytes_ = bytearray(made.file.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    made.file.write_bytes(bytes_)
    findings = copies.verify(made.file)
    assert not findings.sound
    assert "its SHA-256 is another" in findings.refused
    with pytest.raises(StoreFormatError, match="nothing was restored"):
        copies.restore(made.file, data)
    with pytest.raises(StoreFormatError, match="nothing was restored: there is no file"):
        copies.restore(tmp_path / "none.mdb", data)
    assert (data / "store" / "data.mdb").read_bytes() == before
    assert parts(tmp_path) == []


def test_no_flipped_byte_brings_a_wrong_record_or_ends_the_reader(data, tmp_path):
    """Without the sum: either the damage is told, or it touched nothing that is a record."""
    made = copies.backup(data, tmp_path / "b.mdb")
    whole, before = made.file.read_bytes(), content(made.file)
    rng = random.Random(7)
    told = 0
    for n in range(12):
        at = rng.randrange(len(whole))
        file = tmp_path / f"flipped{n}.mdb"
        file.write_bytes(whole[:at] + bytes([whole[at] ^ rng.randrange(1, 256)]) + whole[at + 1 :])
        findings = examine(file)
        told += not findings.sound
        if findings.sound:
            assert content(file) == before, f"byte {at}"
    assert told


@pytest.mark.parametrize("content_", [b"", b"x" * 10_000, bytes(50_000)])
def test_a_file_that_is_no_backup(tmp_path, content_):
    file = tmp_path / "b.mdb"
    file.write_bytes(content_)
    findings = copies.verify(file)
    assert "b.mdb" in findings.refused
    assert not findings.sound


def test_a_cut_off_file_is_told_and_not_read(data, tmp_path):
    made = copies.backup(data, tmp_path / "b.mdb")
    file = tmp_path / "cut.mdb"
    file.write_bytes(made.file.read_bytes()[: made.size // 2 // 4096 * 4096])
    assert "cut off" in examine(file).refused


def test_rules_that_do_not_hold_are_told(data):
    with lmdb.open(str(data / "store"), max_dbs=64) as env, env.begin(write=True) as txn:
        due = env.open_db(b"due", txn=txn)
        keys = [key for key, _ in txn.cursor(due)]
        for key in keys[:150]:
            txn.delete(key, db=due)
    findings = copies.check(data)
    assert len(findings.problems) == 100
    assert findings.more >= 50
    assert any("without its index entry" in line for line in findings.problems)


def test_a_record_that_is_not_what_was_written_is_told(data):
    with lmdb.open(str(data / "store"), max_dbs=64) as env, env.begin(write=True) as txn:
        leads = env.open_db(b"leads", txn=txn)
        cursor = txn.cursor(leads)
        cursor.first()
        key, value = cursor.item()
        txn.put(key, value[:-1] + b"\x7f", db=leads)
    findings = copies.check(data)
    text = f"a record of {len(value)} bytes does not match its checksum"
    assert findings.problems == [f"leads: {key.hex()}: {text}"]
    with pytest.raises(StoreError, match="the store is not sound, there is no backup"):
        copies.backup(data, data.parent / "b.mdb")
    assert not (data.parent / "b.mdb").exists()
    assert parts(data.parent) == []


def test_a_store_in_use_is_checked_on_a_copy(data):
    with in_use(data):
        findings = copies.check(data)
    assert findings.sound
    assert findings.records["leads"] == 300
    assert parts(data) == []
    with pytest.raises(StoreError, match="there is no store"):
        copies.check(data.parent / "nowhere")


def test_what_a_killed_one_left_is_removed(data, tmp_path):
    left = tmp_path / ".c.mdb.4194305.part"  # no such process: the kernel's ids end before
    mine = tmp_path / f".d.mdb.{os.getpid()}.part"
    left.write_text("x")
    mine.write_text("x")
    copies.backup(data, tmp_path / "b.mdb")
    assert parts(tmp_path) == [mine.name]


def test_the_module_speaks_json(data):
    command = [sys.executable, "-m", "dialerd.store.examine"]
    file = data / "store" / "data.mdb"
    done = subprocess.run([*command, str(file)], capture_output=True, check=True)
    assert json.loads(done.stdout)["whole"]["records"]["lists"] == 2
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    assert Findings(refused="x").sound is False


def test_many_backups_of_one_second_and_none_is_written_over(data, tmp_path, monkeypatch):
    class Noon(copies.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 9, 14, 12, 0, 0, tzinfo=tz)

    monkeypatch.setattr(copies, "datetime", Noon)
    folder = tmp_path / "backups"
    folder.mkdir()
    made = [copies.backup(data, folder).file for _ in range(11)]
    first = "dialerd-20260914T120000Z"
    assert [file.name for file in made] == [
        f"{first}.mdb", *(f"{first}-{n}.mdb" for n in range(2, 12))
    ]  # fmt: skip
    assert all(copies.verify(file).sound for file in made)
    gone = copies.prune(folder, 2)  # the newest are those with the greatest numbers, not letters
    assert gone == made[:-2]
    left = {path.name for path in folder.iterdir()}
    assert left == {f"{first}-{n}.mdb{more}" for n in (10, 11) for more in ("", ".sha256")}


def test_two_programs_that_back_up_into_one_name(data, tmp_path, monkeypatch):
    """The other one's is there when ours is ready: it stays."""
    target, examined = tmp_path / "b.mdb", copies.examine

    def examine(part):
        target.write_bytes(b"of the other one")
        return examined(part)

    monkeypatch.setattr(copies, "examine", examine)
    with pytest.raises(StoreError, match="nothing is written over"):
        copies.backup(data, target)
    assert target.read_bytes() == b"of the other one"
    assert [path.name for path in tmp_path.glob("*b.mdb*")] == ["b.mdb"]


def test_a_backup_on_a_disk_without_hard_links(data, tmp_path, monkeypatch):
    def link(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(copies.os, "link", link)
    made = copies.backup(data, tmp_path / "b.mdb")
    assert copies.verify(made.file).sound
    with pytest.raises(StoreError, match="nothing is written over"):
        copies.backup(data, tmp_path / "b.mdb")


def test_two_restores_in_one_second_keep_both_stores_of_before(data, tmp_path, monkeypatch):
    made = copies.backup(data, tmp_path / "b.mdb").file
    monkeypatch.setattr(copies.time, "time_ns", lambda: 1_790_000_000 * 10**9)
    asides = [copies.restore(made, data) for _ in range(3)]
    assert len({aside for aside in asides if aside is not None and aside.exists()}) == 3
    assert copies.check(data).sound
