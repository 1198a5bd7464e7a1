"""The daemon's files of what ended: each line once, whatever fails, and whoever is in the way."""

from __future__ import annotations

import csv
import os
from datetime import UTC
from pathlib import Path

import pytest

from dialerd.core.ports import StoreError
from dialerd.store import cdr_files, wait
from dialerd.store.base import BaseStore
from dialerd.store.cdr_files import CdrFiles, CdrRules
from dialerd.store.export_text import COLUMNS
from dialerd.store.schema import number64
from tests.store.killing import KilledError, ended, lines
from tests.store.kit import NOW


def cdr(store: BaseStore, folder: Path, **rules: object) -> CdrFiles:
    rules.setdefault("form", "jsonl")
    return CdrFiles(store, folder, CdrRules(**rules), lambda: UTC)  # type: ignore[arg-type]


def test_a_line_for_each_call_in_a_file_that_is_added_to(lmdb_store, tmp_path):
    files = cdr(lmdb_store, tmp_path / "cdr")
    assert files.write("2026-11-22", NOW) == 0
    ended(lmdb_store, 2)
    assert files.write("2026-11-22", NOW) == 2
    ended(lmdb_store, 1)
    assert files.write("2026-11-22", NOW) == 1
    assert [path.name for path in (tmp_path / "cdr").iterdir()] == ["cdr.current.jsonl"]
    ended(lmdb_store, 1)
    assert files.write("2026-11-23", NOW) == 1
    assert sorted(path.name for path in (tmp_path / "cdr").iterdir()) == [
        "cdr-000000000001-000000000003.jsonl", "cdr.current.jsonl",
    ]  # fmt: skip
    assert lines(tmp_path / "cdr") == [1, 2, 3, 4]


def test_a_full_file_gets_its_name_and_the_oldest_go(lmdb_store, tmp_path):
    files = cdr(lmdb_store, tmp_path, bytes_max=300, keep=2)
    for _ in range(5):
        ended(lmdb_store, 1)
        files.write("d", NOW)
    names = sorted(path.name for path in tmp_path.glob("*.jsonl"))
    assert names == [
        "cdr-000000000003-000000000003.jsonl",
        "cdr-000000000004-000000000004.jsonl",
        "cdr.current.jsonl",
    ]
    assert lines(tmp_path) == [3, 4, 5]


def test_csv_has_its_titles_in_every_file(lmdb_store, tmp_path):
    files = cdr(lmdb_store, tmp_path, form="csv", bytes_max=1)
    for _ in range(2):
        ended(lmdb_store, 2)
        files.write("d", NOW)
    for file in tmp_path.glob("*.csv"):
        rows = list(csv.reader(file.read_text().splitlines()))
        assert tuple(rows[0]) == COLUMNS
        assert len(rows) == 3


@pytest.mark.parametrize("at", range(1, 30))
def test_no_line_lost_or_twice_wherever_the_daemon_is_killed(lmdb_store, tmp_path, kills, at):
    folder = tmp_path / "cdr"
    ended(lmdb_store, 2)
    kills.left = at
    try:
        files = cdr(lmdb_store, folder, bytes_max=400)
        files.write("d", NOW)
        ended(lmdb_store, 2)
        files.write("d", NOW)
        files.write("e", NOW)
    except KilledError:
        pass
    kills.left = -1
    files = cdr(lmdb_store, folder, bytes_max=400)
    while lmdb_store.last_ended() < 5:
        ended(lmdb_store, 1)
    files.write("e", NOW)
    assert lines(folder) == list(range(1, lmdb_store.last_ended() + 1))


def test_a_disk_that_is_full_is_waited_for(lmdb_store, tmp_path, monkeypatch):
    files = cdr(lmdb_store, tmp_path)
    ended(lmdb_store, 2)
    files.write("d", NOW)
    size = (tmp_path / "cdr.current.jsonl").stat().st_size
    ended(lmdb_store, 2)
    real = os.pwrite

    def half(fd: int, text: memoryview, at: int) -> int:
        if at > size:
            raise OSError(28, "No space left on device")
        return real(fd, text[:10], at)

    with monkeypatch.context() as patch:
        patch.setattr(cdr_files.os, "pwrite", half)
        with pytest.raises(OSError, match=r"No space left on device: .*current"):
            files.write("d", NOW)
    assert lines(tmp_path) == [1, 2]
    files.write("d", NOW)
    assert lines(tmp_path) == [1, 2, 3, 4]


def test_nothing_that_stands_in_the_place_of_the_file_is_written_to(lmdb_store, tmp_path):
    """Others may write into that folder: no link has us cut something, no pipe has us wait."""
    precious, folder = tmp_path / "precious", tmp_path / "cdr"
    precious.write_bytes(b"x" * 1000)
    folder.mkdir()
    current = folder / "cdr.current.jsonl"
    files = cdr(lmdb_store, folder)
    ended(lmdb_store, 2)
    for put in (lambda: current.symlink_to(precious), lambda: os.mkfifo(current), current.mkdir):
        put()
        with pytest.raises(OSError, match=str(current)):
            files.write("d", NOW)
        current.rmdir() if current.is_dir() and not current.is_symlink() else current.unlink()
    assert precious.read_bytes() == b"x" * 1000
    assert files.write("d", NOW) == 2
    current.rename(precious)  # and not when it is closed, as that of another day
    current.symlink_to(precious)
    with precious.open("ab") as more:
        more.write(b"not ours")
    ended(lmdb_store, 1)
    with pytest.raises(OSError, match=str(current)):
        files.write("e", NOW)
    assert precious.read_bytes().endswith(b"not ours")
    current.unlink()
    files.write("e", NOW)
    assert lines(folder) == [3]


def test_a_write_error_loses_nothing_whatever_fails_behind_it(lmdb_store, tmp_path, monkeypatch):
    """A disk that takes nothing, not even our taking back: the row is written once it does."""
    files = cdr(lmdb_store, tmp_path)
    ended(lmdb_store, 2)
    files.write("d", NOW)
    ended(lmdb_store, 2)
    real = os.ftruncate
    with monkeypatch.context() as patch:

        def torn(fd: int, text: bytes, at: int) -> int:
            os.write(fd, b"")
            os.lseek(fd, at, os.SEEK_SET)
            os.write(fd, text[:7])
            raise OSError(5, "Input/output error")

        def cut(fd: int, length: int) -> None:
            if os.fstat(fd).st_size > length:
                raise OSError(5, "Input/output error")
            real(fd, length)

        patch.setattr(cdr_files.os, "pwrite", torn)
        patch.setattr(cdr_files.os, "ftruncate", cut)
        for _ in range(2):
            with pytest.raises(OSError, match=r"Input/output error: .*current"):
                files.write("d", NOW)
    assert files.write("d", NOW) == 2
    assert lines(tmp_path) == [1, 2, 3, 4]


def test_a_record_that_is_not_there_is_told_and_waited_for(lmdb_store, tmp_path):
    files = cdr(lmdb_store, tmp_path)
    ended(lmdb_store, 2)
    raw = wait(lmdb_store._submit(lambda unit: unit.t.ended.get(number64(2))))
    wait(lmdb_store._submit(lambda unit: unit.t.ended.delete(number64(2))))
    with pytest.raises(StoreError, match="record 2 of what ended is missing"):
        files.write("d", NOW)
    wait(lmdb_store._submit(lambda unit: unit.t.ended.put(number64(2), raw)))
    files.write("d", NOW)
    assert lines(tmp_path) == [1, 2]


def test_a_file_in_use_that_somebody_took_is_begun_anew(lmdb_store, tmp_path):
    files = cdr(lmdb_store, tmp_path)
    ended(lmdb_store, 2)
    files.write("d", NOW)
    (tmp_path / "cdr.current.jsonl").unlink()
    ended(lmdb_store, 1)
    files.write("d", NOW)
    assert lines(tmp_path) == [3]
    files.write("e", NOW)
    ended(lmdb_store, 1)
    files.write("e", NOW)
    assert (tmp_path / "cdr-000000000003-000000000003.jsonl").exists()


def test_another_form_or_folder_begins_another_file(lmdb_store, tmp_path):
    ended(lmdb_store, 1)
    cdr(lmdb_store, tmp_path / "a").write("d", NOW)
    ended(lmdb_store, 1)
    cdr(lmdb_store, tmp_path / "b", form="csv").write("d", NOW)
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["cdr-000000000001-000000000001.jsonl"]
    assert [p.name for p in (tmp_path / "b").iterdir()] == ["cdr.current.csv"]
