"""Every record in exactly one file, whenever exporter, daemon or consumer act or are killed."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import time
from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest

from dialerd.core.ports import ConflictError, StoreError
from dialerd.core.records import LeadState, Outcome
from dialerd.store import exporting, open_store, wait
from dialerd.store.base import BaseStore
from dialerd.store.cdr_files import CURSOR_NAME, CdrFiles, CdrRules
from dialerd.store.export_text import COLUMNS
from tests.store.killing import KilledError, ended, lines
from tests.store.kit import NOW, begin, filled_list, finish, people, running, take

ROOT = Path(__file__).parents[2]
ZONE = timezone(timedelta(hours=7))


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
