"""The machine's part of lateness: a SCHED_FIFO process that only sleeps until the next 5 ms.

    python -m bench.sleeper --seconds S    # until SIGTERM; of the last S seconds

It prints one line of JSON in us. It has the media thread's priority and does nothing: what it is
late, any thread on this machine would have been.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Self

PRIORITY = 10  # of the media threads
STEP_NS = 5_000_000
ABSOLUTE = 1  # TIMER_ABSTIME


class Moment(ctypes.Structure):
    """struct timespec."""

    _fields_ = (("s", ctypes.c_long), ("ns", ctypes.c_long))


class Sleeper:
    """The process beside a measurement; what it was late is in `late` at the end."""

    def __init__(self, seconds: float) -> None:
        """Start it; it keeps the last `seconds`."""
        self.late: dict[str, int] = {}
        command = [sys.executable, "-m", "bench.sleeper", "--seconds", str(seconds)]
        root = Path(__file__).resolve().parents[1]
        self._child = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it and read."""
        self._child.terminate()
        self.late = json.loads(self._child.communicate()[0])


def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, required=True)
    count = max(1, round(parser.parse_args().seconds * 1e9 / STEP_NS))
    late: deque[int] = deque(maxlen=count)
    going = [True]
    signal.signal(signal.SIGTERM, lambda _number, _frame: going.clear())
    sleep = ctypes.CDLL(None).clock_nanosleep
    gc.disable()
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        refused = 0
    except PermissionError:
        refused = 1
    due = time.monotonic_ns()
    while going:
        due = max(due, time.monotonic_ns() - STEP_NS) + STEP_NS
        moment = Moment(*divmod(due, 1_000_000_000))
        sleep(time.CLOCK_MONOTONIC, ABSOLUTE, ctypes.byref(moment), None)
        late.append(time.monotonic_ns() - due)
    us = sorted(max(0, ns) // 1000 for ns in late)
    found = {
        f"control_us_{name}": us[min(len(us) - 1, int(len(us) * share))]
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("max", 1.0))
    }
    sys.stdout.write(json.dumps(found | {"control_fifo_refused": refused}) + "\n")


if __name__ == "__main__":
    main()
