"""A core or a demo that is killed in the middle of a broadcast, and taken up again."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from dialerd.config import load
from dialerd.control.io_client import SyncClient
from dialerd.core.control import GetStatus
from dialerd.core.records import Outcome
from dialerd.sim.io_procs import Child, wait_until
from dialerd.sim.io_world import dialerd_command, environment
from tests.demo_process import Demo, running_from
from tests.waiting import Stalls

RATE = 50.0
FAST = ("--rate", "50", "--speed", "10", "--ports", "4", "--headless", "--json")
WAIT_S = 100.0  # nothing is asserted about time; this only ends a hanging test


def test_the_demo_goes_on_after_a_kill_of_its_daemon(tmp_path: Path):
    demo = Demo(tmp_path / "demo", "--seconds", "14", "--leads", "3000", *FAST)
    demo.until_ledger(120)
    os.kill(demo.children()["daemon"], signal.SIGKILL)
    code, said, words = demo.end()
    assert code == 0, words
    assert "started again on the same data" in words
    assert (said["doubled"], said["lost"], said["faults"]) == (0, 0, [])
    assert said["restarts"] == 1
    assert said["interrupted"] > 0, "the kill must fall into calls"
    assert said["placed"] > 200
    assert said["carrier_calls"] >= said["placed"] - said["interrupted"]
    assert running_from(demo.folder) == {}


def run_by_hand(folder: Path) -> None:
    """`dialerd run -c` on the folder while no carrier is there, until some calls have failed."""
    config = load(folder / "dialerd.toml")
    command = [*dialerd_command(), "run", "-c", str(folder / "dialerd.toml")]
    child = Child("the daemon", command, folder / "by-hand.log", environment())
    try:
        wait_until(lambda: b"ready" in child.output(), [child], WAIT_S, "the daemon")

        def failed() -> bool:
            with SyncClient(config.control.socket) as client:
                return client.call(GetStatus()).outcomes.get(Outcome.FAILED, 0) >= 3

        wait_until(failed, [child], WAIT_S, "a failed call")
    finally:
        assert child.stop(40) == 0


def test_a_killed_demo_is_taken_up_again_on_its_folder(tmp_path: Path):
    demo = Demo(tmp_path / "demo", "--leads", "1500", *FAST)
    demo.until_ledger(120)
    demo.process.kill()
    demo.process.communicate()
    with Stalls() as stalls:
        code, said, words = Demo(demo.folder, "--seconds", "4", "--seed", "99", *FAST).end()
    assert code == 0, words
    assert (said["doubled"], said["lost"], said["faults"]) == (0, 0, [])
    assert said["seed"] == 1, "the people of the folder stay who they are"
    assert said["placed_before"] >= 50
    seconds = 4 - stalls.all_s()  # what stood still is not made up for
    assert said["placed"] >= said["placed_before"] + 0.95 * RATE * max(seconds, 1)
    assert said["imported"] > 1_300

    code, again, words = Demo(demo.folder, "--seconds", "2", *FAST).end()
    assert code == 0, words
    assert (again["doubled"], again["lost"]) == (0, 0)
    assert again["placed_before"] == said["placed"]
    assert again["imported"] == said["imported"]


def test_a_daemon_run_by_hand_on_the_folder_dials_no_number_twice(tmp_path: Path):
    demo = Demo(tmp_path / "demo", "--leads", "1500", *FAST)
    demo.until_ledger(60)
    demo.process.kill()
    demo.process.communicate()
    give_up = time.monotonic() + WAIT_S
    while running_from(demo.folder):
        assert time.monotonic() < give_up
        time.sleep(0.1)
    run_by_hand(demo.folder)
    code, said, words = Demo(demo.folder, "--seconds", "2", *FAST).end()
    assert code == 0, words
    assert (said["doubled"], said["lost"], said["faults"]) == (0, 0, [])
    assert said["failed"] >= 3
    assert said["answered"] > 0
