"""`dialerd demo` as a child process, for the tests that run it, break it and read its JSON."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from dialerd.sim.io_world import environment

WAIT_S = 100.0  # nothing is asserted about time; this only ends a hanging test


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
        return {n: pid for n, pid in running_from(self.folder).items() if n != "demo"}


def running_from(folder: Path) -> dict[str, int]:
    """Name and process id of every process of a demo that works in `folder`."""
    found: dict[str, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if not any(str(folder) in word for word in words) or "setpriv" in words[0]:
            continue
        name = next(
            (w for w in ("demo", "run", "import", "report", "admin_http") if w in words), ""
        )
        if "--name" in words:
            name = words[words.index("--name") + 1]
        found["daemon" if name == "run" else name or words[0]] = int(entry.name)
    return found
