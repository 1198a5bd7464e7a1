"""rtpengine as the carrier's media relay: a program we did not write, told by its ng protocol."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.interop.agent import HOST
from tests.interop.sipp import listens
from tests.ports import free_port, media_ports
from tests.waiting import until_ready

Value = str | bytes | int | list[Any] | dict[str, Any]


def bencode(value: Value) -> bytes:
    """A value as BitTorrent writes it (BEP 3)."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    return b"d" + b"".join(bencode(k) + bencode(v) for k, v in sorted(value.items())) + b"e"


def bdecode(data: bytes, at: int = 0) -> tuple[Any, int]:
    """The value at a place, and where the next one begins."""
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in {b"l", b"d"}:
        found, at = [], at + 1
        while data[at : at + 1] != b"e":
            value, at = bdecode(data, at)
            found.append(value)
        if kind == b"l":
            return found, at + 1
        return dict(zip(map(bytes.decode, found[::2]), found[1::2], strict=True)), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1 : end], end


class Relay:
    """A running rtpengine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((HOST, port))
        self._socket.settimeout(100)
        self._cookies = itertools.count(1)
        self.wish: dict[str, Value] = {}  # of every offer: "transport-protocol", for one

    def ask(self, command: str, **what: Value) -> dict[str, Any]:
        """One request; AssertionError with its reason when it is refused."""
        cookie = b"c%d " % next(self._cookies)
        wish = {name.replace("_", "-"): value for name, value in what.items()}
        self._socket.send(cookie + bencode({"command": command, **wish}))
        answer = self._socket.recv(65_536)
        assert answer.startswith(cookie)
        found: dict[str, Any] = bdecode(answer, len(cookie))[0]
        assert found["result"] in {b"ok", b"pong"}, found
        return found

    def offer(self, leg: int, text: bytes) -> bytes:
        """Our description as the peer shall see it."""
        told = self.ask(
            "offer", call_id=str(leg), from_tag="us", sdp=text, ICE="remove",
            replace=["origin", "session-connection"], **self.wish,
        )  # fmt: skip
        return bytes(told["sdp"])

    def answer(self, leg: int, text: bytes) -> bytes:
        """The peer's description as we shall see it."""
        told = self.ask(
            "answer", call_id=str(leg), from_tag="us", to_tag="them", sdp=text, ICE="remove",
            replace=["origin", "session-connection"],
        )  # fmt: skip
        return bytes(told["sdp"])

    def packets(self, leg: int) -> int:
        """What it relayed of a call's RTP, by its own count."""
        totals = self.ask("query", call_id=str(leg))["totals"]["RTP"]
        return int(totals["packets"])

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def rtpengine(folder: Path) -> Iterator[Relay]:
    """An rtpengine without its kernel module, for the length of a block."""
    program = shutil.which("rtpengine")
    assert program, "rtpengine is missing: apt-get install rtpengine-daemon"
    port, (low, high) = free_port(), media_ports()
    with (folder / "rtpengine.log").open("wb") as log:
        process = subprocess.Popen(
            [
                program, "--config-file=none", "--foreground", "--log-stderr", "--table=-1",
                "--log-level=6", f"--interface={HOST}", f"--listen-ng={HOST}:{port}",
                f"--port-min={(low + high) // 2}", f"--port-max={high}", "--num-threads=2",
            ],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            until_ready(process, lambda: listens(port), folder / "rtpengine.log")
            relay = Relay(port)
            try:
                assert relay.ask("ping")["result"] == b"pong"
                yield relay
            finally:
                relay.close()
        finally:
            process.terminate()
            process.wait(100)
