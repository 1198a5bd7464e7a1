"""The way of one call's audio, with its losses and delays, and a capture of what arrived.

It stands between the two on a pair of ports, for RTP and for RTCP; each side is told of it instead
of the other. The capture shows the ends as if nobody stood between.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sip.tracing.pcap import Packet, capture
from tests.interop.test_captures import program
from tests.ports import media_ports

HOST = "127.0.0.1"


def port_pair() -> tuple[socket.socket, socket.socket]:
    """Sockets on an even port and the next."""
    low, high = media_ports()
    for port in range(low, high, 2):
        both = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        try:
            for beside, one in enumerate(both):
                one.setblocking(False)
                one.bind((HOST, port + beside))
        except OSError:
            for one in both:
                one.close()
            continue
        return both[0], both[1]
    raise AssertionError("no two free ports")


def is_rtcp(data: bytes) -> bool:
    """RFC 5761 section 4."""
    return 192 <= data[1] <= 223


class Relay:
    """Drops each `lose`-th RTP packet of a sender, delays each other one by `delay_s`.

    Not the first ones: where a stream begins out of order, tshark takes its first number for lost.
    """

    def __init__(self, *, lose: int, delay_s: float) -> None:
        self._sockets = port_pair()
        self.port = self._sockets[0].getsockname()[1]
        self.packets: list[Packet] = []
        self.lost: Counter[int] = Counter()  # by the sender's port
        self.open_for_rtp = True
        self._lose, self._delay_s = lose, delay_s
        self._count: Counter[int] = Counter()
        self._ends: dict[tuple[int, int], tuple[str, int]] = {}  # (our port, theirs) -> to whom
        self._transports: list[asyncio.DatagramTransport] = []

    async def open(self, ours: int, theirs: int) -> None:
        """Between the RTP ports of two."""
        loop = asyncio.get_running_loop()
        for beside, sock in enumerate(self._sockets):
            for source, target in ((ours, theirs), (theirs, ours)):
                self._ends[self.port + beside, source + beside] = (HOST, target + beside)
            side = _Side(self, self.port + beside)
            await loop.create_datagram_endpoint(lambda s=side: s, sock=sock)  # type: ignore[misc]

    def take(self, side: _Side, data: bytes, source: tuple[str, int]) -> None:
        """A datagram that came to a port of ours."""
        target = self._ends[side.port, source[1]]
        delay_s = 0.0
        if not is_rtcp(data):
            if not self.open_for_rtp:
                return
            number = self._count[source[1]] = self._count[source[1]] + 1
            if number % self._lose == 0:
                self.lost[source[1]] += 1
                return
            delay_s = self._delay_s * (number % 2) * (number > 8)
        loop = asyncio.get_running_loop()
        loop.call_later(delay_s, self._send, side, data, source, target)

    def _send(
        self, side: _Side, data: bytes, source: tuple[str, int], target: tuple[str, int]
    ) -> None:
        if not side.transport.is_closing():
            self.packets.append(Packet(time.time_ns(), "udp", source, target, data))
            side.transport.sendto(data, target)

    def close(self) -> None:
        """Carry nothing any more."""
        for transport in self._transports:
            transport.close()
        for sock in self._sockets:
            sock.close()


class _Side(asyncio.DatagramProtocol):
    def __init__(self, relay: Relay, port: int) -> None:
        self.relay, self.port = relay, port
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment] - uvloop's is no subclass
        self.relay._transports.append(self.transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.relay.take(self, data, addr)


# ---- what tshark says of it


@dataclass
class Flow:
    """One line of tshark's `rtp,streams`."""

    source: int
    packets: int
    lost: int
    jitter_ms: float  # the mean of RFC 3550's
    jitter_ms_max: float


def tshark(path: Path, *options: str) -> str:
    """What tshark prints of a capture in which every datagram is RTP or RTCP."""
    heuristics = ("--enable-heuristic", "rtp_udp", "--enable-heuristic", "rtcp_udp")
    done = subprocess.run(
        [program("tshark", "tshark"), "-n", "-r", str(path), *heuristics, *options],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def flows(path: Path) -> dict[int, Flow]:
    """By SSRC. A line: times, two addresses, SSRC, payload, packets, lost, (share), three deltas,

    and the least, mean and most of the jitter.
    """
    found = {}
    for line in tshark(path, "-q", "-z", "rtp,streams").splitlines():
        words = line.split()
        if len(words) > 12 and words[6].startswith("0x"):
            at = next(i for i, word in enumerate(words) if word.startswith("("))
            jitters = [float(word) for word in words[at + 4 : at + 7]]
            found[int(words[6], 16)] = Flow(
                int(words[3]), int(words[at - 2]), int(words[at - 1]), jitters[1], jitters[2]
            )
    return found


@dataclass
class Told:
    """A report block as tshark reads it."""

    sender: int
    about: int
    fraction: int
    lost: int
    highest: int
    jitter: int


FIELDS = (
    "rtcp.senderssrc", "rtcp.ssrc.identifier", "rtcp.ssrc.fraction", "rtcp.ssrc.cum_nr",
    "rtcp.ssrc.ext_high", "rtcp.ssrc.jitter",
)  # fmt: skip


def reports(path: Path) -> list[Told]:
    """Each block of all reports, in order; every report of a call has one at most."""
    asked = [part for field in FIELDS for part in ("-e", field)]
    found = []
    for line in tshark(path, "-Y", "rtcp.ssrc.fraction", "-T", "fields", *asked).splitlines():
        first = [word.split(",")[0] for word in line.split("\t")]
        found.append(Told(*(int(word, 0) for word in first)))
    return found


def written(path: Path, packets: list[Packet]) -> Path:
    """The capture as a file."""
    path.write_bytes(capture(packets))
    return path
