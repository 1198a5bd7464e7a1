"""`dialerd export`: files, cursors, faults."""

from __future__ import annotations

import json

import pytest

from dialerd.store import open_store, wait
from tests.store.kit import call, filled_list, people, running, take


@pytest.fixture
def ended(config):
    store = open_store(config.parent / "data")
    running(store, filled_list(store, "a", people(5)))
    for claim in take(store):
        call(store, claim)
    store.close()
    return config.parent


def test_what_ended_goes_into_files_once(ended, command):
    out = ended / "out"
    out.mkdir()
    done = command("export", "run", "crm", "--to", str(out), "--rows", "3")
    assert (done.code, done.err) == (0, "")
    names = [line.rpartition("/")[2] for line in done.out.splitlines()]
    assert names == sorted(path.name for path in out.iterdir())
    found = [
        json.loads(line)["seq"] for name in names for line in (out / name).read_text().splitlines()
    ]
    assert found == [1, 2, 3, 4, 5]
    assert command("export", "run", "crm", "--to", str(out)).out == ""
    done = command("export", "run", "erp", "--to", str(out), "--format", "csv")
    assert done.out.strip().endswith("erp-000000000001-000000000005.csv")
    shown = command("export", "ls", "--json")
    assert json.loads(shown.out) == [
        {"name": "crm", "taken": 5, "waiting": 0}, {"name": "erp", "taken": 5, "waiting": 0},
    ]  # fmt: skip
    assert command("export", "rm", "erp").code == 0
    assert "erp" not in command("export", "ls").out
    assert command("export", "rm", "erp").code == 1


def test_faults_are_one_line(ended, command, monkeypatch):
    assert command("export", "run", "a/b", "--to", str(ended)).code == 1
    assert command("export", "run", "crm", "--to", str(ended / "none")).code == 2

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("dialerd.store.exporting.os.fsync", full)
        done = command("export", "run", "crm", "--to", str(ended))
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "No space left on device; nothing was lost, run it again" in done.err
    store = open_store(ended / "data")
    assert store.cursor("crm").seq == 0
    wait(store.set_outbox(1))
    store.close()
