"""A process that plays a bank of modems on pseudo terminals, for tests of programs that call."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SHARES = ("answers", "no_answer", "busy", "declines", "switched_off", "invalid", "congested")
MANNERS = ("at_once", "during", "after", "presses", "waits")


def everybody(does: str, more: str = "") -> str:
    """A file of people who all answer, and then all do one thing; `more` are its further keys."""
    shares = "".join(f"{name} = {100.0 * (name == 'answers')}\n" for name in SHARES)
    manners = "".join(f"{name} = {100.0 * (name == does)}\n" for name in MANNERS)
    return f"{more}[shares]\n{shares}[manners]\n{manners}"


class SimulatedBank:
    """Its folder, its ledger, and the hand that breaks it."""

    def __init__(self, folder: Path, process: subprocess.Popen[str]) -> None:
        self.folder = folder
        self.process = process

    def device(self, slot: int, kind: str = "at") -> str:
        return str(self.folder / "by-path" / f"slot{slot:02}-{kind}")

    def ledger(self, kind: str = "") -> list[dict[str, Any]]:
        text = (self.folder / "ledger.jsonl").read_text()
        rows = [json.loads(line) for line in text.splitlines()]
        return [row for row in rows if kind in {"", row["type"]}]

    def tell(self, line: str) -> Any:
        with socket.socket(socket.AF_UNIX) as way:
            way.settimeout(100)
            way.connect(str(self.folder / "control"))
            way.sendall(line.encode() + b"\n")
            return json.loads(way.makefile().readline())


@contextlib.contextmanager
def simulated_bank(
    folder: Path, dialects: str, *more: str, ports: int = 1
) -> Iterator[SimulatedBank]:
    """A bank that is ready, until the end of the block."""
    command = [
        sys.executable, "-m", "dialerd.sim.io_modem_bank", "--dir", str(folder), "--seed", "1",
        "--ports", str(ports), "--dialects", dialects, *more,
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["ready"]
        yield SimulatedBank(folder, process)
    finally:
        process.terminate()
        process.communicate(timeout=200)
