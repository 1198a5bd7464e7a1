"""`dialerd jobs`: what the HTTP API keeps of imports and exports, without a daemon."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from admin_http.jobs import JOBS, Job, JobState
from admin_http.people.store import AdminStore
from dialerd.cli import jobs
from dialerd.store.schema import number64

DONE = Job(
    7, "export", "calls", "lan", JobState.DONE, 1_700_000_000_000, 1_700_000_001_000,
    1_700_000_002_000, result={"bytes": 12}, files={"file": "file.csv"},
)  # fmt: skip
FAILED = Job(8, "import", "people", "an", JobState.FAILED, 1_700_000_000_000, error="no column")


def test_jobs_newest_first_and_one_by_one(command, config: Path) -> None:
    assert json.loads(command("jobs", "ls", "-o", "json").out) == []
    store = AdminStore(config.parent / "data")
    for one in (DONE, FAILED):
        store.write(lambda txn, one=one: txn.put(JOBS, one))
    store.close()
    _, first, second = command("jobs", "ls").out.splitlines()
    assert first.split()[:4] == ["8", "import", "people", "failed"]
    assert first.endswith("no column")
    assert "2023-11-15 05:13:20+07:00" in second
    assert [
        one["id"] for one in json.loads(command("jobs", "ls", "--limit", "1", "--json").out)
    ] == [8]
    shown = dict(line.split(None, 1) for line in command("jobs", "show", "7").out.splitlines())
    assert (shown["state"], shown["bytes"], shown["file"]) == ("done", "12", "/v1/jobs/7/file")
    found = json.loads(command("job", "show", "7", "-o", "json").out)
    assert (found["ended_at"], found["files"]) == (
        "2023-11-14T22:13:22Z", {"file": "/v1/jobs/7/file"},
    )  # fmt: skip
    missing = command("jobs", "show", "9")
    assert (missing.code, missing.err) == (1, "error: there is no job 9\n")


def test_a_job_is_told_to_end(command, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a daemon nobody does it: the mark is there, and the command says what is missing."""
    monkeypatch.setattr(jobs, "END_S", 0.0)
    runs = msgspec.structs.replace(FAILED, id=9, state=JobState.RUNNING, error="")
    store = AdminStore(config.parent / "data")
    for one in (DONE, runs):
        store.write(lambda txn, one=one: txn.put(JOBS, one))
    store.close()
    assert command("jobs", "cancel", "7").err == "error: job 7 is over: done\n"
    assert command("jobs", "cancel", "8").err == "error: there is no job 8\n"
    told = command("jobs", "cancel", "9")
    assert (told.code, "`dialerd status`" in told.err) == (1, True)
    store = AdminStore(config.parent / "data")
    with store.read() as txn:
        marks = [txn.get(JOBS, number64(number)).cancelled_by for number in (7, 9)]
    store.close()
    assert [bool(mark) for mark in marks] == [False, True]
    assert "dialerd jobs cancel" in command("audit", "list").out
