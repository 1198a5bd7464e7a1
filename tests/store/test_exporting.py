"""Every record in exactly one file, whenever exporter, daemon or consumer act or are killed."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest

from dialerd.core.ports import ConflictError, StoreError
from dialerd.core.records import EventKind, LeadState, Outcome
from dialerd.store import cdr_files, exporting, open_store, wait
from dialerd.store.base import BaseStore
from dialerd.store.cdr_files import CURSOR_NAME, CdrFiles, CdrRules
from dialerd.store.export_text import COLUMNS
from dialerd.store.lmdb_store import LmdbStore
from dialerd.store.schema import number64
from tests.store.kit import NOW, begin, call, events, filled_list, finish, people, running, take

ROOT = Path(__file__).parents[2]
ZONE = timezone(timedelta(hours=7))


class KilledError(BaseException):
    """The process is gone at this point: nothing catches it."""


class Kills:
    """Ends the process at the nth of the operations that leave a trace."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = -1
        self.seen = 0
        for owner, name in (
            (os, "fsync"), (Path, "rename"), (os, "pwrite"), (os, "ftruncate"),
            (LmdbStore, "move_cursor"), (exporting, "sync_folder"), (Path, "unlink"),
        ):  # fmt: skip
            monkeypatch.setattr(owner, name, self.wrapped(getattr(owner, name)))
        monkeypatch.setattr(cdr_files, "sync_folder", exporting.sync_folder)

    def wrapped(self, real: Callable[..., object]) -> Callable[..., object]:
        def act(*args: object, **kwargs: object) -> object:
            self.seen += 1
            self.left -= 1
            if self.left == 0:  # before it
                raise KilledError
            found = real(*args, **kwargs)
            self.left -= 1
            if self.left == 0:  # after it
                if not isinstance(found, int | Path | None):
                    wait(found)  # a commit that nobody heard of
                raise KilledError
            return found

        return act


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> Kills:
    return Kills(monkeypatch)


def ended(store: BaseStore, count: int) -> None:
    """So many calls more are over."""
    name = f"c{store.last_ended()}"
    list_id = filled_list(store, name, people(count, 84_912_000_000 + 1000 * store.last_ended()))
    campaign = running(store, list_id, name)
    for claim in take(store, campaign.campaign_id, count):
        call(store, claim, events=events(EventKind.DIALED, EventKind.DIGIT), keys="1")


def taken(folder: Path) -> list[int]:
    """The records of all finished files, which a consumer takes away."""
    found = []
    for file in sorted(folder.glob("*.jsonl")):
        if ".part" not in file.name and not file.name.startswith("."):
            lines = file.read_text().splitlines()
            found += [json.loads(line)["seq"] for line in lines]
            os.unlink(file)
    return found


def export(store: BaseStore, folder: Path, form: str = "jsonl", rows: int = 3) -> list[Path]:
    return list(exporting.export(store, "crm", folder, form, ZONE, NOW, rows))


def test_files_hold_what_ended_since_the_last_time(lmdb_store, tmp_path):
    ended(lmdb_store, 4)
    made = export(lmdb_store, tmp_path)
    assert [file.name for file in made] == [
        "crm-000000000001-000000000003.jsonl", "crm-000000000004-000000000004.jsonl",
    ]  # fmt: skip
    line = json.loads(made[0].read_text().splitlines()[0])
    assert line["number"] == "+84912000000"
    assert line["outcome"] == "answered"
    assert line["ended_at"] == "2026-09-21T21:13:29.000+07:00"
    assert [event["kind"] for event in line["events"]] == ["dialed", "digit"]
    assert line["port"] is None
    assert export(lmdb_store, tmp_path) == []
    ended(lmdb_store, 1)
    (file,) = export(lmdb_store, tmp_path, form="csv")
    rows = list(csv.reader(file.read_text().splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert [(row[0], row[4], row[6]) for row in rows[1:]] == [("5", "84912004000", "answered")]
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("at", range(1, 34))
def test_each_record_once_wherever_it_is_killed(lmdb_store, tmp_path, kills, at):
    """Whatever stands under its final name is taken away at once, as a consumer does."""
    folder = tmp_path / "out"
    folder.mkdir()
    ended(lmdb_store, 5)
    kills.left = at
    try:
        export(lmdb_store, folder)
        killed = False
    except KilledError:
        killed = True
    kills.left = -1
    found = taken(folder)
    ended(lmdb_store, 1)
    export(lmdb_store, folder)
    found += taken(folder)
    assert found == [1, 2, 3, 4, 5, 6]
    assert list(folder.iterdir()) == []
    assert killed or at > 20
    assert lmdb_store.problems() == []


def test_another_folder_gets_what_is_not_in_the_first(lmdb_store, tmp_path, kills):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    ended(lmdb_store, 4)
    kills.left = 8  # announced, not renamed
    with pytest.raises(KilledError):
        export(lmdb_store, one)
    kills.left = -1
    export(lmdb_store, two)
    assert taken(one) == [1, 2, 3]
    assert taken(two) == [4]


def test_nothing_is_written_over_and_two_do_not_write_at_once(lmdb_store, tmp_path):
    ended(lmdb_store, 2)
    (tmp_path / "crm-000000000001-000000000002.jsonl").write_text("mine")
    with pytest.raises(StoreError, match="is there already"):
        export(lmdb_store, tmp_path)
    assert (tmp_path / "crm-000000000001-000000000002.jsonl").read_text() == "mine"
    (tmp_path / "crm-000000000001-000000000002.jsonl").unlink()
    first = exporting.export(lmdb_store, "crm", tmp_path, "jsonl", ZONE, NOW, 1)
    next(first)
    with pytest.raises(ConflictError, match="another program"):
        export(lmdb_store, tmp_path)
    assert [file.name[-18:-6] for file in first] == ["000000000002"]


def test_a_full_disk_takes_nothing(lmdb_store, tmp_path, monkeypatch):
    ended(lmdb_store, 3)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(exporting.os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            export(lmdb_store, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
    assert lmdb_store.cursor("crm").seq == 0
    export(lmdb_store, tmp_path)
    assert taken(tmp_path) == [1, 2, 3]


# The files of the daemon.


def cdr(store: BaseStore, folder: Path, **rules: object) -> CdrFiles:
    rules.setdefault("form", "jsonl")
    return CdrFiles(store, folder, CdrRules(**rules), lambda: UTC)  # type: ignore[arg-type]


def lines(folder: Path) -> list[int]:
    """The records of every file in their order, the one in use last."""
    files = sorted(folder.glob("*.jsonl"), key=lambda file: ("current" in file.name, file.name))
    return [json.loads(line)["seq"] for file in files for line in file.read_text().splitlines()]


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


# Real processes, really killed.

BUSY = """
import sys
from datetime import UTC
from pathlib import Path
from dialerd.store import open_store, wait
from dialerd.store.cdr_files import CdrFiles, CdrRules
from dialerd.store.exporting import export
store = open_store(sys.argv[1], linger_s=0)
files = CdrFiles(store, Path(sys.argv[2]), CdrRules("jsonl", 2000), lambda: UTC)
print("ready", flush=True)
while True:
    files.write("d", 1)
    for file in export(store, "crm", Path(sys.argv[3]), "jsonl", UTC, 1, 3):
        pass
"""


def test_killed_by_signal_again_and_again(tmp_path):
    """While calls end, an exporter and the daemon's files are killed at random moments."""
    data, out, cdrs = tmp_path / "data", tmp_path / "out", tmp_path / "cdrs"
    out.mkdir()
    store = open_store(data, linger_s=0)
    chance = random.Random(5)
    running(store, filled_list(store, "a", people(400)))
    claims = take(store, n=400)
    found: list[int] = []
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", BUSY, str(data), str(cdrs), str(out)],
            cwd=ROOT, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        until = time.monotonic() + chance.uniform(0.02, 0.2)
        while time.monotonic() < until and claims:
            claim = claims.pop()
            ops = [begin(claim.attempt_id), finish(claim.attempt_id, Outcome.BUSY)]
            wait(store.apply(ops))
            found += taken(out)
        process.kill()
        process.communicate()
    exporting_now = exporting.export(store, "crm", out, "jsonl", UTC, 1)
    for _ in exporting_now:
        pass
    found += taken(out)
    files = CdrFiles(store, cdrs, CdrRules("jsonl", 2000), lambda: UTC)
    files.write("d", 1)
    expected = list(range(1, store.last_ended() + 1))
    assert len(expected) > 20
    assert sorted(found) == expected
    assert lines(cdrs) == expected
    assert store.progress(1).leads[LeadState.DONE] == len(expected)
    assert store.problems() == []
    store.close()


def test_a_cursor_whose_name_begins_alike_keeps_its_part(lmdb_store, tmp_path, kills):
    ended(lmdb_store, 5)
    kills.left = 8  # announced, not renamed
    with pytest.raises(KilledError):
        list(exporting.export(lmdb_store, "crm-b", tmp_path, "jsonl", ZONE, NOW))
    kills.left = -1
    assert list(tmp_path.glob(".crm-b-*.part"))
    export(lmdb_store, tmp_path, rows=9)
    assert taken(tmp_path) == [1, 2, 3, 4, 5]
    list(exporting.export(lmdb_store, "crm-b", tmp_path, "jsonl", ZONE, NOW))
    assert taken(tmp_path) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["*", "c?m", "c[r]m"])
def test_a_name_is_no_pattern(lmdb_store, tmp_path, name):
    ended(lmdb_store, 1)
    left = tmp_path / ".crm-000000000001-000000000001.jsonl.77.part"
    left.write_text("another's")
    list(exporting.export(lmdb_store, name, tmp_path, "jsonl", ZONE, NOW))
    assert left.exists()


def test_the_cursor_of_the_daemons_files_is_nobody_elses(lmdb_store, tmp_path):
    ended(lmdb_store, 1)
    with pytest.raises(StoreError, match="the daemon's own"):
        list(exporting.export(lmdb_store, CURSOR_NAME, tmp_path, "jsonl", ZONE, NOW))
    with pytest.raises(StoreError, match="the daemon's own"):
        wait(lmdb_store.remove_cursor(CURSOR_NAME))
