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
    first, *others = BLOCK.findall(PAGE.read_text())
    *work, stop = others
    assert first.startswith("dialerd demo --serve")
    assert stop == "dialerd stop\n"
    log = tmp_path / "demo.log"
    with log.open("wb") as out:
        demo = subprocess.Popen(
            ["bash", "-c", f"exec {first}"], env=place, stdout=out, stderr=out, cwd=tmp_path
        )
    try:
        until(lambda: demo.poll() is not None or "daemon run" in log.read_text(), longest_s=90)
        assert demo.poll() is None, log.read_text()
        script = "set -euo pipefail\n" + "".join(work)
        done = subprocess.run(
            ["bash", "-c", script], env=place, capture_output=True, text=True, cwd=tmp_path,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr + log.read_text()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait()
    assert demo.returncode == 0, log.read_text()
    with (tmp_path / "dialerd-http" / "report.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    by_number = {row["number"]: row for row in rows}
    assert by_number["84912345107"]["attempts"] == "0"
    others_of_them = [row for row in rows if row["number"] != "84912345107"]
    assert {row["attempts"] for row in others_of_them} == {"1"}
    assert any(row["outcome"] == "answered" for row in rows)
    assert '"state":"finished"' in done.stdout
    assert "event: snapshot" in done.stdout
