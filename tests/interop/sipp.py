"""SIPp as a peer: runs a scenario as the called gateway and tells how SIPp itself judged it."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.waiting import STOOD_STILL_S, Stalls, until_ready

SCENARIOS = Path(__file__).parent / "scenarios"


def sipp_program() -> str:
    """The path of SIPp; AssertionError with what to install when there is none."""
    found = shutil.which("sipp")
    assert found, "SIPp is missing: apt-get install sip-tester"
    return found


VIDEO = 2  # behind its port for audio SIPp takes another one
BEGINS_MAX = 5
TAKEN = "Unable to bind"  # somebody took a port between our look and its bind
TRANSPORTS = {"udp": "u1", "tcp": "t1"}  # Debian's SIPp has no TLS
# Loopback addresses as the kernel's tables write them.
_KERNEL = {
    "127.0.0.1": ("0100007F", ""),
    "127.0.0.2": ("0200007F", ""),
    "::1": ("00000000000000000000000001000000", "6"),
}


def listens(port: int, host: str = "127.0.0.1", transport: str = "udp") -> bool:
    """Whether somebody has this port."""
    address, family = _KERNEL[host]
    return f"{address}:{port:04X}" in Path(f"/proc/net/{transport}{family}").read_text()


def _sockets(pid: int) -> set[str]:
    """The inodes of a process's sockets, as the kernel's tables write them."""
    found = set()
    with contextlib.suppress(OSError):  # it has ended: whoever waits for it sees that
        for name in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                found.add(os.readlink(name).removeprefix("socket:[").removesuffix("]"))
    return found


def _media_port(host: str) -> int:
    """A free port with another one behind it for video, neither given to anybody else."""
    port, behind = free_port(host), free_port(host)
    while behind != port + VIDEO:
        port, behind = behind, free_port(host)
    return port


class Sipp:
    """A running SIPp that takes `calls` calls and then ends."""

    def __init__(
        self,
        folder: Path,
        scenario: str,
        calls: int,
        extra: tuple[str, ...],
        host: str = "127.0.0.1",
        transport: str = "udp",
        port: int = 0,
    ) -> None:
        """`scenario` is a built-in name or a file below scenarios/; `port` 0 is a free one."""
        self._folder = folder
        self._stalls = Stalls()
        named = SCENARIOS / f"{scenario}.xml"
        which = ["-sf", str(named)] if named.is_file() else ["-sn", scenario]
        rest = (
            *("-t", TRANSPORTS[transport], "-m", str(calls), "-nostdin", "-fd", "1"),
            *("-trace_stat", *extra),
        )
        for begun in range(1, BEGINS_MAX + 1):
            self.port, self.media_port = port or free_port(host), _media_port(host)
            log = self._begin([sipp_program(), *which, "-i", host, *rest])
            try:
                until_ready(self.process, lambda: self._is_ready(host, transport), log)
            except AssertionError:
                if self.process.poll() == 0:
                    return  # it calls, and was done with that before we looked
                if begun == BEGINS_MAX or TAKEN not in log.read_text():
                    raise
            else:
                return

    def _begin(self, command: list[str]) -> Path:
        """Start it on its ports; where it says why it ends."""
        self._stats = self._folder / f"stats-{self.port}.csv"
        ports = ("-p", str(self.port), "-mp", str(self.media_port), "-stf", str(self._stats))
        log = self._folder / f"sipp-{self.port}-{self.media_port}.log"
        with log.open("wb") as words:
            self.process = subprocess.Popen(
                [*command, *ports], cwd=self._folder, stdout=subprocess.DEVNULL, stderr=words
            )
        return log

    def _is_ready(self, host: str, transport: str) -> bool:
        """Whether it has all its ports: it takes those for media after the one that we call."""
        if not listens(self.port, host, transport):
            return False
        address, family = _KERNEL[host]
        mine = _sockets(self.process.pid)
        rows = [row.split() for row in Path(f"/proc/net/udp{family}").read_text().splitlines()[1:]]
        had = {row[1] for row in rows if row[9] in mine}
        media = (self.media_port, self.media_port + VIDEO)
        return had >= {f"{address}:{port:04X}" for port in media}

    def finish(self, timeout_s: float = 100.0) -> dict[str, int]:
        """Wait for its end; its exit code and counters: successful, failed, retransmissions.

        None of the last if the machine stood still for so long that RFC 3261's T1 of 500 ms may
        have passed over a message that was answered at once: they are as they should be then.
        """
        code = self.process.wait(timeout_s)
        stood_still = self._stalls.most_s() > STOOD_STILL_S
        with self._stats.open(newline="") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        return {
            "code": code,
            "successful": int(last["SuccessfulCall(C)"]),
            "failed": int(last["FailedCall(C)"]),
            "retransmissions": 0 if stood_still else int(last["Retransmissions(C)"]),
        }

    def stop(self) -> None:
        """End it if it still runs."""
        self._stalls.end()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def sipp(folder: Path, scenario: str, calls: int = 1, *extra: str, **where: Any):
    """A SIPp for the length of a block; `where` is its host, transport and port."""
    peer = Sipp(folder, scenario, calls, extra, **where)
    try:
        yield peer
    finally:
        peer.stop()
