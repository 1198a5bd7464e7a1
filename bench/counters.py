"""Counters that a busy machine cannot touch, of the fixed workloads in `bench.workloads`.

Instructions are counted by valgrind's callgrind: the workload process calls getsid(2) before and
after each workload, and callgrind dumps its totals there, so that one run counts them all without
interpreter start-up. Bytecodes and memory blocks are counted by CPython itself.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import whole_daemon

ROOT = Path(__file__).resolve().parent.parent
ANYWHERE = "any environment"
SECONDS_MAX = 150


def environment() -> str:
    """What the instruction counts depend on besides our code."""
    gcc = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True)
    return f"CPython {platform.python_version()}, gcc {gcc.stdout.strip()}, {platform.machine()}"


def measure(daemon_runs: int = 1) -> dict[str, dict[str, float]]:
    """{environment: {counter: value}}."""
    anywhere = interpreter_counts() | daemon_counts(daemon_runs)
    return {environment(): instructions(), ANYWHERE: anywhere}


def daemon_counts(runs: int) -> dict[str, float]:
    """System calls of the whole daemon, the most of several runs.

    Two calls that happen to fall into one commit or one batch cost less by luck. The most is what
    they cost apart, and that is the same every time.
    """
    found = [whole_daemon.system_calls() for _ in range(runs)]
    return {f"the whole daemon: {what}": max(one[what] for one in found) for what in found[0]}


def workload_process(*words: str, wrapper: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Run `bench.workloads` in a process whose hashes and threads are the same every time."""
    fixed = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*wrapper, sys.executable, "-m", "bench.workloads", *words],
        cwd=ROOT, env=os.environ | fixed, timeout=SECONDS_MAX, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"bench.workloads failed:\n{done.stdout}{done.stderr}")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def instructions() -> dict[str, float]:
    """Instructions per unit of each workload."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        ran = workload_process(
            "instructions",
            wrapper=(
                "valgrind", "--tool=callgrind", "--dump-before=getsid",
                f"--callgrind-out-file={out}",
            ),
        )  # fmt: skip
        # Dumps are numbered from 1; dump 2n + 2 is what ran between the two calls of workload n.
        return {
            f"{one['name']}: instructions per {one['unit']}": dumped(out, 2 * n + 2)
            / int(one["units"])
            for n, one in enumerate(ran)
        }


def dumped(out: Path, number: int) -> int:
    """The total of one dump."""
    found = re.search(r"^totals: (\d+)", Path(f"{out}.{number}").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"callgrind's dump {number} has no total")
    return int(found[1])


def interpreter_counts() -> dict[str, float]:
    """Bytecodes and kept memory blocks per unit."""
    found = {}
    for one in workload_process("interpreter"):
        for counter, value in one["counters"].items():
            # A fraction of one is no cost of the unit; from nothing to something is a finding.
            # Commits are shared by many units, their fraction counts.
            kept = value if value >= 0.5 or counter == "commits" else 0.0
            found[f"{one['name']}: {counter} per {one['unit']}"] = kept
    return found
