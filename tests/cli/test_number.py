"""`dialerd number` and `dialerd retention` on a real store."""

from __future__ import annotations

import json

import pytest

from dialerd.core.agent_records import Callback, Note
from dialerd.core.ops import Dispose, KeepNote
from dialerd.core.records import CallEvent, EventKind, LeadState
from dialerd.store import open_store, wait
from tests.store.kit import NOW, call, events, filled_list, people, running, take


@pytest.fixture
def called(config):
    store = open_store(config.parent / "data")
    running(store, filled_list(store, "a", people(2)))
    spoke = (
        CallEvent(NOW, EventKind.RECORDED, "2026-09-21/x.wav 1.00 s"),
        *events(EventKind.DIGIT),
    )
    claim = take(store, n=1)[0]
    call(store, claim, events=spoke, keys="5", at_ms=1_700_000_000_000, wraps=True)
    booked = Callback(1, claim.lead_id, claim.phone, NOW // 1000, "an", 0, NOW, "an", note="ring")
    at = LeadState.CALLBACK
    wait(store.apply([
        Dispose(claim.attempt_id, "an", NOW, "later", at, NOW // 1000, booked),
        KeepNote(Note(claim.phone, claim.attempt_id, 1, claim.lead_id, "an", NOW, "has a dog")),
    ]))  # fmt: skip
    store.close()
    day = config.parent / "data/recordings/2026-09-21"
    day.mkdir(parents=True)
    (day / "x.flac").write_bytes(b"x")
    return config.parent


def test_a_number_is_shown_and_erased(called, command):
    found = json.loads(command("number", "export", "0912000000").out)
    assert found["number"] == "+84912000000"
    assert found["campaigns"][0]["attempts"][0]["keys"] == "5"
    assert found["recordings"] == ["2026-09-21/x.wav"]
    assert [one["numbers"] for one in found["lists"]] == [["+84912000000"]]
    (note,), (promised,) = found["notes"], found["callbacks"]
    assert (note["agent"], note["text"]) == ("an", "has a dog")
    assert (promised["agent"], promised["note"], promised["campaign"]) == ("an", "ring", "spring")
    done = command("number", "erase", "+84912000000", "--yes")
    assert done.code == 0
    assert dict(line.split()[-2:] for line in done.out.splitlines())["recordings"] == "1"
    assert not (called / "data/recordings/2026-09-21/x.flac").exists()
    found = json.loads(command("number", "export", "0912000000").out)
    assert (found["lists"], found["campaigns"], found["recordings"]) == ([], [], [])
    assert (found["notes"], found["callbacks"]) == ([], [])
    assert "84912000000" not in command("report", "1").out
    store = open_store(called / "data")
    assert store.problems() == []
    assert len(store.audit()) == 1
    store.close()


def test_it_asks_first_and_knows_numbers(called, command):
    assert called.is_dir()
    assert command("number", "erase", "0912000000").code != 0
    assert json.loads(command("number", "export", "0912000000").out)["lists"]
    done = command("number", "erase", "abc", "--yes")
    assert (done.code, done.err.count("\n")) == (1, 1)


def test_retention_counts_and_removes(called, config, command):
    done = command("retention")
    kept = "[retention] and all campaigns keep everything for ever"
    assert (done.code, done.err) == (1, f"error: {kept}\n")
    config.write_text(
        config.read_text()
        + '[retention]\nevents_days = 1\n[[retention.campaign]]\nname = "x"\npeople_days = 1\n'
    )
    shown = json.loads(command("retention", "--dry-run", "--json").out)
    expected = {"recordings": 0, "events": 1, "people": 0, "agents": 0, "ended": 0, "texts": 0}
    assert shown == {"dry_run": True, **expected}
    done = json.loads(command("retention", "--json").out)
    assert done == {**shown, "dry_run": False}
    store = open_store(called / "data")
    wait(store.set_outbox(0))
    assert store.problems() == []
    store.close()
