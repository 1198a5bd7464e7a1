"""What any other program does to the daemon that takes as much CPU as the load did.

    python -m bench.admin_control SHARE NICE < nothing

Two cores that are busy let everybody wait, whoever keeps them busy. So behind each loaded period
comes one in which the same part of the machine is taken by programs that know nothing of the
daemon: what it costs the daemon's loop is the machine's part of what the load cost it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final, Self

from dialerd.sim.io_world import environment

TURN_S: Final = 0.01  # in which a program is busy for its share
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


def machine_busy_s() -> float:
    """Seconds that all cores together were at work, since the machine started."""
    first = Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]
    user, nice, system, idle, waiting, irq, softirq, stolen = map(int, first)
    del idle, waiting, stolen
    return (user + nice + system + irq + softirq) / TICKS_PER_S


class Neighbours:
    """As many programs as there are cores, which together are busy on so many cores."""

    def __init__(self, cores: float, nice: int) -> None:
        """Start them; `nice` as the programs are whose place they take."""
        count = os.cpu_count() or 1
        share = min(1.0, max(0.0, cores) / count)
        command = [sys.executable, "-m", "bench.admin_control", f"{share:.4f}", str(nice)]
        self._running = [
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
            )
            for _ in range(count)
        ]
        self.pids = [one.pid for one in self._running]
        for one in self._running:
            if one.stdout is None or one.stdout.readline() != b"ready\n":
                self.__exit__()
                raise RuntimeError("the neighbours could not be started")

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End them."""
        for one in self._running:
            one.communicate()  # the end of its input is its end


def main(arguments: list[str]) -> int:
    """Be busy for a share of each turn, until the input ends."""
    share, nice = float(arguments[0]), int(arguments[1])
    os.nice(nice)
    ended = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not ended.is_set():
        spent_s = time.thread_time()
        while time.thread_time() - spent_s < share * TURN_S:
            pass
        ended.wait((1.0 - share) * TURN_S)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
