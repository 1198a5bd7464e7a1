"""After a daemon that did not end by itself: what is examined, when, and what follows."""

from __future__ import annotations

import asyncio
import errno
import logging
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from dialerd.core.ports import StoreFailedError
from dialerd.core.records import LeadState
from dialerd.store import StoreFormatError, open_store, wait
from dialerd.store.doubt import BEFORE, NOTE_NAME, Doubt, RunNote
from dialerd.store.examine import Findings, Said, read_all
from dialerd.store.schema import LEAD, contact_key, due_key, event_key, lead_key
from dialerd.store.unit import Unit
from tests.store.kit import NOW, filled_list, people, running, take

OPENER = """
import os, sys
from dialerd.store import open_store
open_store(sys.argv[1], daemon=True)
os._exit(9)
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    store = open_store(tmp_path, daemon=True)
    running(store, filled_list(store, "a", people(40)))
    store.close()
    return tmp_path


def crash(data: Path) -> None:
    """A daemon opens the store and is gone."""
    assert subprocess.run([sys.executable, "-c", OPENER, str(data)], check=False).returncode == 9


def spoil(data: Path) -> None:
    """One byte of the last record of a lead, where LMDB sees nothing amiss."""
    file = data / "store" / "data.mdb"
    store = open_store(data)
    wanted = store._read(lambda unit: unit.t.leads.get(lead_key(1, 40)))
    store.close()
    whole = file.read_bytes()
    assert wanted is not None
    assert whole.count(wanted) >= 1
    file.write_bytes(whole.replace(wanted, wanted[:-1] + bytes([wanted[-1] ^ 1])))
    assert LEAD.unpack(wanted).lead_id == 40


def note(data: Path, boot: str | None = None) -> Doubt:
    return RunNote(data, boot).doubt


def test_a_clean_stop_leaves_no_doubt(data: Path):
    assert note(data) is Doubt.NONE
    store = open_store(data, daemon=True)
    assert (data / NOTE_NAME).exists()
    assert note(data) is Doubt.WHILE_STARTING, "as one would find it who comes now"
    assert len(take(store, n=3)) == 3
    store.close()
    assert not (data / NOTE_NAME).exists()


def test_commands_beside_the_daemon_leave_no_note(data: Path):
    open_store(data).close()
    assert not (data / NOTE_NAME).exists()


def test_after_a_killed_process_leads_are_claimed_once_the_store_is_sound(data: Path, caplog):
    crash(data)
    assert note(data) is Doubt.WHILE_STARTING
    with caplog.at_level(logging.WARNING):
        store = open_store(data, daemon=True)
    assert "no lead is claimed" in caplog.text
    assert note(data) is Doubt.BEFORE_OPENING, "nobody vouches for it yet"
    wait(store.recover(NOW))

    async def claim() -> int:
        return len((await store.claim(1, 5, NOW, 60)).claims)

    assert asyncio.run(claim()) == 5
    assert len(take(store, n=3)) == 3
    assert store._vouching is not None
    store._vouching.done.result()  # the rest is read behind that
    assert store.figures()["examining"] == 0
    assert store.claims_wait(1) == ""
    assert note(data) is Doubt.WHILE_STARTING
    store.close()
    assert note(data) is Doubt.NONE


def spoiled(data: Path, change: Callable[[Unit], object]) -> tuple[list[Said], Findings]:
    """What the examination of a live store says when its records were changed so."""
    store = open_store(data)
    wait(store._submit(change))
    store.close()
    said: list[Said] = []
    return said, read_all(data / "store" / "data.mdb", live=True, say=said.append)


def test_what_is_dialed_from_is_read_first(data: Path):
    def a_broken_history(unit: Unit) -> None:
        unit.t.events.put(event_key(1, 1, 9, 0), b"no record")

    said, whole = spoiled(data, a_broken_history)
    (first,) = (one for one in said if one.first is not None)
    assert first.first is not None
    assert first.first.sound
    assert first.campaigns == {1}
    assert first.first.records["leads"] == 40
    assert "events" not in first.first.records
    assert "events" in whole.first
    parts = [one.part for one in said if one.first is None]
    before, behind = parts[: said.index(first)], parts[said.index(first) :]
    assert before == sorted(before)
    assert behind == sorted(behind)
    assert 0 < before[-1] < 1


@pytest.mark.parametrize(
    "change",
    [
        lambda unit: unit.t.leads.put(lead_key(1, 40), b"no record"),
        lambda unit: unit.t.due.delete(due_key(1, LeadState.READY, 0, 7)),
        lambda unit: unit.t.contacts.delete(contact_key(1, 3)),
        lambda unit: unit.t.caps.put(b"12345678", b"no record"),
        lambda unit: unit.set_counter(b"next_campaign", 0) or unit.flush(),
    ],
    ids=["a lead", "its order", "a person", "a cap", "a counter"],
)
def test_what_is_dialed_from_is_not_sound(data: Path, change: Callable[[Unit], object]):
    said, whole = spoiled(data, change)
    assert not whole.sound
    assert all(one.first is None for one in said)


def test_a_campaign_that_was_not_under_way_waits_for_everything(data: Path):
    crash(data)
    store = open_store(data, daemon=True)
    vouching = store._vouching
    assert vouching is not None
    assert vouching.first.result() == {1}
    for campaign_id in (1, 2):
        waits = vouching.waits(campaign_id)
        assert waits is None or (campaign_id == 2 and waits is vouching.done)
    vouching.done.result()
    assert vouching.waits(2) is None
    store.close()


def test_how_far_it_is_can_be_seen(data: Path):
    crash(data)
    store = open_store(data, daemon=True)
    vouching = store._vouching
    assert vouching is not None
    vouching.done.result()
    vouching.done = Future()  # as if it were under way
    vouching.part = 0.42
    assert store.figures()["examined_part"] == 0.42
    assert store.figures()["claims_wait"] == 0
    assert store.claims_wait(1) == ""
    assert "42%, beside calls" in store.claims_wait(2)
    vouching.first = Future()
    assert store.figures()["claims_wait"] == 1
    assert "42%; no lead is claimed meanwhile" in store.claims_wait(1)
    vouching.done.set_result(None)
    store.close()


def test_a_store_that_is_not_sound_is_not_dialed_from(data: Path):
    crash(data)
    spoil(data)
    store = open_store(data, daemon=True)
    told: list[StoreFailedError] = []
    with pytest.raises(StoreFailedError, match="does not match its checksum"):
        take(store)
    store.when_broken(told.append)
    assert "the store is not sound" in str(told[0])
    with pytest.raises(StoreFailedError, match="the store is not sound"):
        wait(store.create_list("b", 1))
    store.close()
    assert note(data) is Doubt.BEFORE_OPENING, "the next one looks before it opens"
    with pytest.raises(StoreFormatError, match=r"is not sound after a crash: leads: .* checksum"):
        open_store(data, daemon=True)
    open_store(data).close()  # for those who look at it or save what can be saved


def test_after_the_machine_went_down_the_file_is_examined_before_it_is_opened(data: Path, caplog):
    RunNote(data, "another boot").write(vouched=True)
    told: list[str] = []
    with caplog.at_level(logging.WARNING):
        store = open_store(data, daemon=True, tell=told.append)
    assert told == [BEFORE]
    assert "examined before it is opened" in caplog.text
    assert len(take(store, n=3)) == 3
    store.close()
    assert note(data) is Doubt.NONE
    RunNote(data, "another boot").write(vouched=True)
    spoil(data)
    with pytest.raises(StoreFormatError, match="dialerd restore"):
        open_store(data, daemon=True)


def test_a_note_cut_short_is_doubt(data: Path):
    (data / NOTE_NAME).write_bytes(b'{"boot": "')
    assert note(data) is Doubt.BEFORE_OPENING
    (data / NOTE_NAME).unlink()
    (data / NOTE_NAME).mkdir()
    assert note(data) is Doubt.BEFORE_OPENING
    RunNote(data).write(vouched=True)  # cannot be replaced: the doubt stays
    RunNote(data).remove()
    assert note(data) is Doubt.BEFORE_OPENING


def test_a_full_disk_leaves_doubt_and_nothing_beside(data: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("dialerd.store.doubt.os.fsync", full)
    RunNote(data).write(vouched=True)
    assert (data / NOTE_NAME).exists()
    (data / NOTE_NAME).write_bytes(b"")  # which is what has room
    assert note(data) is Doubt.BEFORE_OPENING
    RunNote(data).write(vouched=True)
    assert (data / NOTE_NAME).read_bytes() == b"", "the note that was there stays"
    assert [path.name for path in data.glob("*.part")] == []


def test_a_daemon_that_stops_meanwhile_does_not_wait(data: Path):
    crash(data)
    store = open_store(data, daemon=True)

    async def claim_and_stop() -> BaseException | object:
        asked = asyncio.ensure_future(store.claim(1, 5, NOW, 60))
        await asyncio.sleep(0)
        store.stop_vouching()
        return (await asyncio.gather(asked, return_exceptions=True))[0]

    found = asyncio.run(claim_and_stop())
    assert isinstance(found, StoreFailedError)
    assert "the store closes" in str(found)
    store.close()
    assert note(data) is Doubt.WHILE_STARTING, "the next one examines it"
