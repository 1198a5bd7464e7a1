"""`dialerd demo` as a user runs it: a real daemon, real carriers, and every way out of it."""

from __future__ import annotations

import csv
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from dialerd.cli import demo_run
from dialerd.cli.main import run
from dialerd.control.io_client import UnreachableError
from tests.demo_process import Demo, running_from
from tests.waiting import Stalls

FAST = ("--rate", "20", "--speed", "20", "--headless", "--json")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder; whatever was left running from it fails the test."""
    yield tmp_path / "demo"
    give_up = time.monotonic() + 100
    while running_from(tmp_path / "demo") and time.monotonic() < give_up:
        time.sleep(0.05)
    assert running_from(tmp_path / "demo") == {}


def test_a_short_demo_is_clean_and_says_so(folder):
    few, stalls = ("--seconds", "5", "--leads", "400", "--ports", "4"), Stalls()
    code, said, words = Demo(folder, *few, *FAST).end()
    stalls.end()
    assert code == 0, words
    assert (said["doubled"], said["lost"], said["mismatched"], said["faults"]) == (0, 0, 0, [])
    assert said["imported"] + said["rejected"] + said["duplicates"] == 400
    # calls are even in time: those of a time that stood still are not made up for
    assert said["placed"] >= 0.95 * 20 * max(5 - stalls.all_s(), 1)
    outcomes = ("answered", "no_answer", "declined", "busy", "unreachable", "invalid", "failed")
    assert sum(said[name] for name in outcomes) == said["placed"]
    assert said["answered"] > 0
    assert said["rtp_received"] > 0
    assert said["silent"] < 0.2 * said["answered"], "only who hung up within a few packets"
    assert 0 < said["digits"] <= said["digits_pressed"]
    assert said["cpu_s"] > 0
    assert said["rss_mib"] > 10
    with open(said["report"], encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= said["imported"]
    the_bank_did_its_part(folder, said["bank"], rows)
    books = [word for file in (folder / "ledgers").iterdir() for word in ("--ledger", str(file))]
    assert run(["fsck", "--data", str(folder / "data"), *books]) == 0
    assert run(["fsck", "--data", str(folder / "data"), *books[:2]]) == 1, "calls nobody saw"


def the_bank_did_its_part(folder, bank, rows):
    """Calls by its ports, round the one that lost its signal, as store and network tell."""
    assert (bank["ports"], bank["ready_max"]) == (4, 4)
    lines = (folder / "ledgers" / "sims.jsonl").read_bytes().splitlines()
    ledger = [msgspec.json.decode(line) for line in lines]
    seen = [entry for entry in ledger if entry["type"] == "seen"]
    assert bank["calls"] == len(seen) > 0
    ports = {entry["call_id"]: entry["source"] for entry in seen}
    answered = [entry for entry in ledger if entry.get("what") == "answered"]
    told = [row for row in rows if row["trunk"] == "sims" and row["outcome"] == "answered"]
    by_port = Counter(row["port"] for row in told)
    assert by_port == Counter(ports[entry["call_id"]] for entry in answered)
    assert bank["lost"] in {"slot00", "slot01", "slot02", "slot03"}
    assert bank["lost_seen"]
    assert bank["lost_s"] > 1
    assert bank["lost_calls"] == 0


class BusyWorld:
    """A daemon that runs and leaves so many questions without an answer."""

    restarts = 0
    scene = SimpleNamespace(rate=1.0)

    def __init__(self, silent: int) -> None:
        self.silent = silent
        self.daemon = SimpleNamespace(exit_code=None)

    def check_carriers(self) -> None:
        pass

    def answer(self) -> str:
        self.silent -= 1
        if self.silent >= 0:
            raise UnreachableError("no answer")
        return "fine"


def test_a_daemon_that_is_slow_is_asked_again(monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(demo_run, "DYING_S", 0.0)
    world, screen = BusyWorld(3), SimpleNamespace(step=told.append)
    assert demo_run.DemoRun(world, screen, None)._ask(world.answer) == "fine"
    assert len(told) == 3
    assert "does not answer" in told[0]
    monkeypatch.setattr(demo_run, "SLOW_S", 0.0)
    world.silent = 10
    with pytest.raises(UnreachableError):
        demo_run.DemoRun(world, screen, None)._ask(world.answer)


def test_the_list_may_end_before_the_time(folder):
    code, said, words = Demo(folder, "--leads", "60", "--ports", "0", *FAST).end()
    assert code == 0, words
    assert said["bank"]["ports"] == 0
    assert not (folder / "modems").exists()
    assert said["placed"] >= said["imported"] > 50
    assert said["cancelled"] == 0


def test_ctrl_c_drains_and_still_tells(folder):
    demo = Demo(folder, "--leads", "2000", "--ports", "2", *FAST)
    demo.until_ledger(60)
    demo.process.send_signal(signal.SIGINT)
    code, said, words = demo.end()
    assert code == 0, words
    assert "draining" in words
    assert 25 <= said["placed"] < 1_900
    assert (said["doubled"], said["lost"]) == (0, 0)


def test_a_carrier_that_dies_is_told_with_its_log(folder):
    demo = Demo(folder, "--leads", "2000", "--ports", "0", *FAST)
    demo.until_ledger(20)
    os.kill(demo.children()["viettel"], signal.SIGKILL)
    code, said, words = demo.end()
    assert (code, said) == (1, {})
    assert "viettel was ended by signal 9" in words
    assert "viettel.log" in words


def test_a_daemon_that_keeps_dying_is_given_up(folder):
    demo = Demo(folder, "--leads", "2000", "--ports", "0", *FAST)
    demo.until_ledger(20)
    killed: set[int] = set()
    while demo.process.poll() is None:
        pid = demo.children().get("daemon")
        if pid is not None and pid not in killed:
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
    code, said, words = demo.end()
    assert (code, said) == (1, {})
    assert len(killed) == 4
    assert "the daemon was ended by signal 9" in words


@pytest.mark.parametrize(
    "options",
    [("--rate", "0"), ("--seconds", "0"), ("--leads", "0"), ("--speed", "1000"), ("--ports", "-1")],
)
def test_nonsense_is_a_usage_error(folder, options):
    code, _, words = Demo(folder, *options, "--headless").end()
    assert code == 2
    assert options[0] in words
