"""Child processes of a simulated world: started with a log, watched, and ended by their pid."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import uvloop

from dialerd import open_files
from dialerd.sim.usage import Stat, Usage, family, parse_stat, usage_of

LOG_LINES = 12
PORTS = range(30_000, 32_768)
PORT_TRIES = 1_000
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def process(work: Coroutine[Any, Any, None], name: str) -> int:
    """The whole life of a process of the simulated world; its exit code."""
    open_files.raise_limit()
    try:
        uvloop.run(work)
    except OSError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    return 0


class ChildError(RuntimeError):
    """A child that did not start, or died; the text ends with its last log lines."""


class Child:
    """One process in a session of its own, so that a Ctrl-C in the terminal does not reach it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it; its output goes to the end of `log`. ChildError when it cannot be started."""
        self.name = name
        self.log = log
        self.command = list(command)
        self._log_at = log.stat().st_size if log.exists() else 0
        # The kernel ends it too, should we be killed without a chance to.
        leash = shutil.which("setpriv")
        prefix = [leash, "--pdeathsig", "TERM"] if leash else []
        with log.open("ab") as output:
            try:
                self._process = subprocess.Popen(
                    [*prefix, *self.command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env=environment,
                )
            except OSError as error:
                raise ChildError(f"{name} cannot be started: {error}") from error

    @property
    def pid(self) -> int:
        """Its process id; setpriv becomes the program, so it is the program's."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    def check(self) -> None:
        """ChildError with its last words when it has died."""
        code = self.exit_code
        if code is not None:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise ChildError(f"{self.name} {how}; the end of {self.log}:\n{self.last_words()}")

    def output(self) -> bytes:
        """What it has written; what an earlier process left in the same log is not its."""
        with self.log.open("rb") as file:
            file.seek(self._log_at)
            return file.read()

    def last_words(self) -> str:
        """The end of its log, indented."""
        with contextlib.suppress(OSError):
            lines = self.output().decode(errors="replace").splitlines()[-LOG_LINES:]
            return "\n".join(f"    {line}" for line in lines) or "    (it is empty)"
        return "    (it cannot be read)"

    def signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.exit_code is None:
            self._process.send_signal(number)

    def stop(self, grace_s: float = 10.0) -> int:
        """SIGTERM, and SIGKILL after `grace_s`; the exit code. Idempotent."""
        self.signal(signal.SIGTERM)
        return self.wait(grace_s)

    def kill(self) -> int:
        """SIGKILL at once, as a crash would; the exit code."""
        self.signal(signal.SIGKILL)
        return self._process.wait()

    def wait(self, grace_s: float) -> int:
        """Wait for its end, and end it after `grace_s`."""
        try:
            return self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            return self.kill()

    def usage(self) -> Usage:
        """What it and its descendants use now; nothing when they are gone."""
        found = family(_stats(), self.pid)
        return sum(
            (usage_of(s, ticks_per_s=_TICKS, page_kib=_PAGE_KIB) for s in found), start=Usage()
        )


def _stats() -> dict[int, Stat]:
    """Every process of the machine."""
    found: dict[int, Stat] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                found[int(name)] = parse_stat(Path("/proc", name, "stat").read_text())
    return found


def wait_until(
    ready: Callable[[], bool], children: Sequence[Child], timeout_s: float, what: str
) -> None:
    """Call `ready` until it is true; ChildError when a child dies or the time is over.

    Its text has where their logs are, and the ends of those.
    """
    give_up = time.monotonic() + timeout_s
    while not ready():
        for child in children:
            child.check()
        if time.monotonic() > give_up:
            logs = "".join(f"; the end of {one.log}:\n{one.last_words()}" for one in children)
            raise ChildError(f"{what} is not there after {timeout_s:g} s{logs}")
        time.sleep(0.02)


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Different ports that nobody has now, for UDP and TCP.

    They are none of those that the kernel gives to sockets that ask for any (from 32768 on, unless
    somebody set it so), else one could be gone before its program is there, or while it restarts.
    """
    rng, found = random.SystemRandom(), set[int]()
    for _ in range(PORT_TRIES):
        if len(found) == count:
            return sorted(found)
        port = rng.choice(PORTS)
        if all(_is_free(host, port, kind) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)):
            found.add(port)
    raise ChildError(f"too few free ports from {PORTS.start} to {PORTS.stop - 1}")


def _is_free(host: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
