"""Backup, restore, migration, retention and erasure, killed everywhere and begun again."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from dialerd.core.agent_records import AgentMove, AgentState
from dialerd.core.ops import LogAgent
from dialerd.core.records import CallEvent, CampaignState, EventKind
from dialerd.sim.io_world import environment
from dialerd.store import copies, open_store, wait
from tests.faults.cut_short import MIGRATED_ATTEMPTS, OPERATIONS, Told
from tests.store.kit import NOW, call, filled_list, people, running, take
from tests.store.test_migrations import FIXTURE


def called(folder: Path) -> None:
    """A list whose people were called and recorded, a campaign that is over, and a backup."""
    store = open_store(folder, linger_s=0.0)
    running(store, filled_list(store, "a", people(130)))
    day = folder / "recordings" / "2026-09-21"
    day.mkdir(parents=True)
    for claim in take(store, n=12):
        name = f"2026-09-21/{claim.phone}-{claim.attempt_id}.wav"
        (folder / "recordings" / name).write_bytes(b"RIFF")
        spoke = CallEvent(NOW, EventKind.RECORDED, f"{name} 1.00 s, 4 bytes, 2 channels")
        call(store, claim, events=(spoke, CallEvent(NOW, EventKind.DIGIT, "5 rfc4733")))
    wait(store.apply([LogAgent(AgentMove("an", NOW, AgentState.READY))]))
    wait(store.move_campaign(1, CampaignState.FINISHED, "an", NOW))
    store.close()
    copies.backup(folder, folder / "backup.mdb")
    store = open_store(folder, linger_s=0.0)
    wait(store.create_list("later", NOW))
    store.close()


def older(folder: Path) -> None:
    """A store that a program of format 1 wrote."""
    (folder / "store").mkdir(parents=True)
    (folder / "store" / "data.mdb").write_bytes(gzip.decompress(FIXTURE.read_bytes()))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("name", "least"),
    [("backup", 7), ("restore", 7), ("migration", 7), ("retention", 15), ("erasure", 2)],
)
def test_killed_before_every_step_and_begun_again(scratch: Path, name: str, least: int):
    before = scratch / "before"
    (older if name == "migration" else called)(before)
    command = [sys.executable, "-m", "tests.faults.cut_short", name, str(scratch)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment())
    told = msgspec.json.decode(done.stdout, type=Told)
    assert told.faults == []
    assert told.steps >= least


def test_what_is_looked_at_is_what_the_old_file_holds(tmp_path: Path):
    older(tmp_path)
    store = open_store(tmp_path, readonly=True)
    counted = sum(len(row.attempts) for rows in store.report(1) for row in rows)
    store.close()
    assert counted == MIGRATED_ATTEMPTS
    assert set(OPERATIONS) == {"backup", "restore", "migration", "retention", "erasure"}
