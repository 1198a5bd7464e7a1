"""Calls on every port of a bank for a long time: frames lost, and how late audio is written.

    python -m bench.gsm_ten_minutes [--ports 64] [--seconds 600]

The simulated bank runs beside it, at ordinary priority: what it is too late to take is lost as well
(`dropped`, `underruns`). It prints one line of JSON; `fifo_refused` is 0 when the media thread runs
under SCHED_FIFO.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.gsm_ports import PEOPLE, ROOT, bank

TALKS = PEOPLE.format(ring=0.3, answers=1, no_answer=0, leaves=0, stays=1)
SHOWN = ("lateness_us_p50", "lateness_us_p99", "lateness_us_p999", "lateness_us_max",
         "ticks_skipped", "fifo_refused")  # fmt: skip


def run(folder: Path, ports: int, seconds: float) -> dict[str, Any]:
    """One run."""
    with bank(folder, ports, "--dialects", "huawei", "--hurry", "10", people=TALKS):
        command = [
            sys.executable, "-m", "bench.gsm_ports", "calls", "--dir", str(folder),
            "--ports", str(ports), "--seconds", str(seconds),
        ]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    late = found.pop("late")
    return found | {name: late[name] for name in SHOWN}


def main(arguments: list[str] | None = None) -> int:
    """Print it; 1 when a frame was lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ports", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=600.0)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="dialerd-bench-") as name:
        found = run(Path(name), asked.ports, asked.seconds)
    print(json.dumps(found))
    return 0 if found["dropped"] == found["underruns"] == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
