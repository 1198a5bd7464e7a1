"""docs/tutorial-http.md is carried out as it is written, line by line, by bash."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tree import ROOT
from tests.waiting import until

PAGE = ROOT / "docs" / "tutorial-http.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture
def place(tmp_path: Path) -> dict[str, str]:
    """An environment whose home is new and where `dialerd` is a program."""
    program = tmp_path / "bin" / "dialerd"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m dialerd "$@"\n')
    program.chmod(0o755)
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("DIALERD")}
    return inherited | {
        "HOME": str(tmp_path), "PATH": f"{program.parent}:{os.environ['PATH']}",
        "NO_PROXY": "127.0.0.1",
    }  # fmt: skip


def test_every_command_of_the_page(place: dict[str, str], tmp_path: Path) -> None:
    first, *work, check = BLOCK.findall(PAGE.read_text())
    assert first.startswith("dialerd demo --serve")
    log = tmp_path / "demo.log"
    with log.open("wb") as out:
        demo = subprocess.Popen(
            ["bash", "-c", f"exec {first}"], env=place, stdout=out, stderr=out, cwd=ROOT
        )
    try:
        until(lambda: demo.poll() is not None or "daemon run" in log.read_text(), longest_s=90)
        assert demo.poll() is None, log.read_text()
        done = _typed("".join(work), place)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr + log.read_text()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait()
    assert demo.returncode == 0, log.read_text()
    assert '"state":"finished"' in done.stdout
    assert "event: snapshot" in done.stdout
    assert "duplicate: this number is in the list already" in done.stdout
    placed = _reported(tmp_path / "dialerd-http" / "report.csv")
    judged = _typed(f". ~/dialerd-http/env.sh\n{check}", place)
    if judged.returncode:  # a machine that stood still hears an answer too late: that is no loss
        assert {line.partition(":")[0] for line in judged.stdout.splitlines()} == {"mismatched"}
        return
    verdict = re.search(
        r"\n(\d+) calls in the ledgers: doubled 0, lost 0, mismatched 0\n$", judged.stdout
    )
    assert verdict, judged.stdout
    assert int(verdict[1]) >= placed  # a call that was refused by one trunk went by another


def _typed(commands: str, place: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{commands}"], env=place, capture_output=True,
        text=True, cwd=ROOT, check=False,
    )  # fmt: skip


def _reported(report: Path) -> int:
    """How many were called, once each, by what the report says."""
    with report.open(encoding="utf-8-sig") as file:
        rows = {row["number"]: row for row in csv.DictReader(file)}
    assert len(rows) == 186  # of 200 rows five are doubles, ten may not be dialed; one was added
    assert rows.pop("84912345107")["attempts"] == "0"
    assert {row["attempts"] for row in rows.values()} == {"1"}
    assert any(row["outcome"] == "answered" for row in rows.values())
    return len(rows)
