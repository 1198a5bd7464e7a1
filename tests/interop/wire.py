"""What went over the wire, as tcpdump caught it and tshark reads it: programs we did not write."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.test_captures import program, run
from tests.waiting import until_ready

# ports, SSRC, payload, packets, lost (its share), three times between packets, three of jitter
STREAM = re.compile(
    r"(\d+) +[\d.]+ +(\d+) +0x[0-9A-F]+ +\S.*? +(\d+) +(-?\d+) \(-?[\d.]+%\)"
    r"(?: +[\d.]+){4} +([\d.]+) +([\d.]+)"
)


@dataclass(frozen=True)
class Seen:
    """One RTP packet as tshark tells it."""

    source: int
    target: int
    ssrc: int
    seq: int
    timestamp: int
    marker: bool
    kind: int
    payload: bytes
    at: float


class Wire:
    """A capture of the loopback device; read it when it has ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ports: set[int] = set()  # of RTP, for tshark knows no SDP

    def rtp(self, *, source: int = 0, target: int = 0) -> list[Seen]:
        """The packets from a port, or to one, in their order."""
        fields = (
            "udp.srcport", "udp.dstport", "rtp.ssrc", "rtp.seq", "rtp.timestamp", "rtp.marker",
            "rtp.p_type", "udp.payload", "frame.time_epoch",
        )  # fmt: skip
        rows = self.tshark("-Y", "rtp", "-T", "fields", *(f for n in fields for f in ("-e", n)))
        seen = []
        for line in rows.splitlines():
            values = line.split("\t")
            one = Seen(
                int(values[0]), int(values[1]), int(values[2], 16), int(values[3]),
                int(values[4]), values[5] in {"1", "True"}, int(values[6]),
                bytes.fromhex(values[7])[12:], float(values[8]),
            )  # fmt: skip
            if (not source or one.source == source) and (not target or one.target == target):
                seen.append(one)
        return seen

    def streams(self) -> dict[tuple[int, int], dict[str, float]]:
        """tshark's own account of each RTP stream, by source and target port."""
        found = {}
        for line in STREAM.finditer(self.tshark("-q", "-z", "rtp,streams")):
            source, target, packets, lost, mean_ms, max_ms = line.groups()
            found[int(source), int(target)] = {
                "packets": int(packets), "lost": int(lost),
                "jitter_ms": float(mean_ms), "jitter_max_ms": float(max_ms),
            }  # fmt: skip
        return found

    def tshark(self, *wish: str) -> str:
        told = [part for port in sorted(self.ports) for part in ("-d", f"udp.port=={port},rtp")]
        return run(
            program("tshark", "tshark"), "-n", "-r", str(self.path), *told,
            "-o", "rtpevent.event_payload_type_value:101", *wish,
        )  # fmt: skip


@contextlib.contextmanager
def wire(folder: Path, ports: Sequence[int]) -> Iterator[Wire]:
    """All UDP between the first and the last of `ports`, for the length of a block."""
    path, log = folder / "wire.pcap", folder / "tcpdump.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                program("tcpdump", "tcpdump"), "-i", "lo", "-n", "-U", "-Z", "root",
                "--immediate-mode", "-B", "16384", "-s", "600",
                "-w", str(path), "udp and portrange {}-{}".format(*ports),
            ],
            stdout=subprocess.DEVNULL, stderr=out,
        )  # fmt: skip
        try:
            until_ready(process, lambda: b"listening on" in log.read_bytes(), log)
            yield Wire(path)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(100)
            assert "\n0 packets dropped by kernel" in log.read_text(), log.read_text()
