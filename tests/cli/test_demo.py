"""`dialerd demo` as a user runs it: a real daemon, real carriers, and every way out of it."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dialerd.sim.io_world import environment

FAST = ("--rate", "20", "--speed", "20", "--headless", "--json")
WAIT_S = 90.0  # nothing is asserted about time; this only ends a hanging test


class Demo:
    """A `dialerd demo` under way."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "dialerd", "demo", "--data", str(folder), *options]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def end(self) -> tuple[int, dict[str, Any], str]:
        """Exit code, the JSON it printed (empty when none), and its words."""
        out, err = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, msgspec.json.decode(out) if out else {}, err

    def until_ledger(self, lines: int) -> None:
        """Wait until the carriers have written so many lines."""
        give_up = time.monotonic() + WAIT_S
        while self.lines() < lines:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < give_up
            time.sleep(0.05)

    def lines(self) -> int:
        return sum(p.read_bytes().count(b"\n") for p in self.folder.glob("ledgers/*.jsonl"))

    def children(self) -> dict[str, int]:
        """Name and process id of everything that was started from its folder."""
        found: dict[str, int] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if int(entry.name) != self.process.pid and any(str(self.folder) in w for w in words):
                name = words[words.index("--name") + 1] if "--name" in words else "daemon"
                found[name] = int(entry.name)
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder; whatever was left running from it fails the test."""
    yield tmp_path / "demo"
    left = Demo.__new__(Demo)
    left.folder = tmp_path / "demo"
    left.process = type("None", (), {"pid": os.getpid()})()  # type: ignore[assignment]
    give_up = time.monotonic() + 10
    while left.children() and time.monotonic() < give_up:
        time.sleep(0.05)
    assert left.children() == {}


def test_a_short_demo_is_clean_and_says_so(folder):
    code, said, words = Demo(folder, "--seconds", "5", "--leads", "400", *FAST).end()
    assert code == 0, words
    assert (said["doubled"], said["lost"], said["mismatched"], said["faults"]) == (0, 0, 0, [])
    assert said["imported"] + said["rejected"] + said["duplicates"] == 400
    assert said["placed"] >= 0.95 * 20 * 5
    outcomes = ("answered", "no_answer", "declined", "busy", "unreachable", "invalid", "failed")
    assert sum(said[name] for name in outcomes) == said["placed"]
    assert said["answered"] > 0
    assert said["rtp_received"] > 0
    assert said["silent"] == 0
    assert 0 < said["digits"] <= said["digits_pressed"]
    assert said["cpu_s"] > 0
    assert said["rss_mib"] > 10
    with open(said["report"], encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) >= said["imported"]


def test_the_list_may_end_before_the_time(folder):
    code, said, words = Demo(folder, "--leads", "60", *FAST).end()
    assert code == 0, words
    assert said["placed"] >= said["imported"] > 50
    assert said["cancelled"] == 0


def test_ctrl_c_drains_and_still_tells(folder):
    demo = Demo(folder, "--leads", "2000", *FAST)
    demo.until_ledger(60)
    demo.process.send_signal(signal.SIGINT)
    code, said, words = demo.end()
    assert code == 0, words
    assert "draining" in words
    assert 25 <= said["placed"] < 1_900
    assert (said["doubled"], said["lost"]) == (0, 0)


@pytest.mark.parametrize("who", ["viettel", "daemon"])
def test_a_child_that_dies_is_told_with_its_log(folder, who):
    demo = Demo(folder, "--leads", "2000", *FAST)
    demo.until_ledger(20)
    os.kill(demo.children()[who], signal.SIGKILL)
    code, said, words = demo.end()
    assert (code, said) == (1, {})
    assert f"{who} was ended by signal 9" in words
    assert f"{who}.log" in words


def test_a_killed_demo_leaves_nothing_running(folder):
    demo = Demo(folder, "--leads", "2000", *FAST)
    demo.until_ledger(20)
    assert {"viettel", "mobifone", "vinaphone", "other", "daemon"} <= set(demo.children())
    demo.process.kill()
    demo.process.communicate()


def test_a_folder_with_an_earlier_run_is_refused(folder):
    (folder / "data" / "store").mkdir(parents=True)
    code, said, words = Demo(folder, *FAST).end()
    assert (code, said) == (1, {})
    assert "earlier run" in words


@pytest.mark.parametrize(
    "options", [("--rate", "0"), ("--seconds", "0"), ("--leads", "0"), ("--speed", "1000")]
)
def test_nonsense_is_a_usage_error(folder, options):
    code, _, words = Demo(folder, *options, "--headless").end()
    assert code == 2
    assert options[0] in words
