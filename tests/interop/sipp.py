"""SIPp as a peer: runs a scenario as the called gateway and tells how SIPp itself judged it."""

from __future__ import annotations

import contextlib
import csv
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.waiting import until_ready

SCENARIOS = Path(__file__).parent / "scenarios"


def sipp_program() -> str:
    """The path of SIPp; AssertionError with what to install when there is none."""
    found = shutil.which("sipp")
    assert found, "SIPp is missing: apt-get install sip-tester"
    return found


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
        self._wanted = port
        self._host, self._transport = host, transport
        self._folder = folder
        self._stats = folder / f"stats-{self.port}.csv"
        named = SCENARIOS / f"{scenario}.xml"
        which = ["-sf", str(named)] if named.is_file() else ["-sn", scenario]
        command = [
            sipp_program(),
            *which,
            *("-i", host, "-p", str(self.port), "-mp", str(self.media_port)),
            *("-t", TRANSPORTS[transport]),
            *("-m", str(calls), "-nostdin", "-trace_stat", "-stf", str(self._stats)),
            *("-fd", "1", *extra),
        ]
        log = folder / f"sipp-{self.port}.log"
        with log.open("wb") as words:
            self.process = subprocess.Popen(
                command, cwd=folder, stdout=subprocess.DEVNULL, stderr=words
            )
        until_ready(self.process, lambda: listens(self.port, host, transport), log)

    def finish(self, timeout_s: float = 20.0) -> dict[str, int]:
        """Wait for its end; its exit code and counters: successful, failed, retransmissions."""
        code = self.process.wait(timeout_s)
        with self._stats.open(newline="") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        return {
            "code": code,
            "successful": int(last["SuccessfulCall(C)"]),
            "failed": int(last["FailedCall(C)"]),
            "retransmissions": int(last["Retransmissions(C)"]),
        }

    def stop(self) -> None:
        """End it if it still runs."""
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
