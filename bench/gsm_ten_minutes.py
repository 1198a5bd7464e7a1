"""Calls on every port of a bank for a long time: frames lost, and how late audio is written.

    python -m bench.gsm_ten_minutes [--ports 64] [--seconds 600]

The simulated bank runs beside it, at ordinary priority: what it is too late to take is lost as well
(`dropped`, `underruns`). It prints one line of JSON, then each figure with its bar, yes or no;
`fifo_refused` is 0 when the media thread runs under SCHED_FIFO, and only then lateness has a bar.
`control_us_*` is how late a process that only slept was woken meanwhile: the machine's own part.
For 250 ports: `--ports 250 --seconds 15`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.gsm_ports import PEOPLE, ROOT, bank, judge
from bench.sleeper import Sleeper

TALKS = PEOPLE.format(ring=0.3, answers=1, no_answer=0, leaves=0, stays=1)
PORTS, CORE_MAX, MANY_MAX, LATE_US_MAX = 64, 0.06, 0.20, 2_000
SHOWN = ("lateness_us_p50", "lateness_us_p99", "lateness_us_p999", "lateness_us_max",
         "ticks_skipped", "fifo_refused")  # fmt: skip


def run(folder: Path, ports: int, seconds: float) -> dict[str, Any]:
    """One run."""
    with bank(folder, ports, "--dialects", "huawei", "--hurry", "10", people=TALKS):
        command = [
            sys.executable, "-m", "bench.gsm_ports", "calls", "--dir", str(folder),
            "--ports", str(ports), "--seconds", str(seconds),
        ]  # fmt: skip
        with Sleeper(seconds) as sleeper:
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    late = found.pop("late")
    return found | {name: late[name] for name in SHOWN} | sleeper.late


def main(arguments: list[str] | None = None) -> int:
    """Print it beside its bars; 1 when one is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ports", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=600.0)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="dialerd-bench-") as name:
        found = run(Path(name), asked.ports, asked.seconds)
    core = CORE_MAX if asked.ports <= PORTS else MANY_MAX
    late = {} if found["fifo_refused"] else {"lateness_us_p999": LATE_US_MAX}
    return judge(found, {"dropped": 0, "underruns": 0, "core": core} | late)


if __name__ == "__main__":
    raise SystemExit(main())
