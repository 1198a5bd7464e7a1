"""Streams that meet, and calls that come faster than there is room for: as processes, with CPU."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from typing import Any

from bench.rtp_calls import (
    BUILD,
    LOCAL,
    METER,
    PLAYER_CORE,
    PORT,
    REMOTE,
    SETTLE_S,
    cpu_s,
    finish,
    meter,
    process,
    text_of,
    twin,
    watch,
)

NG_PORT = 22_222
PLAYER = (sys.executable, "-m", "bench.rtp_player")


def meeting(streams: int, seconds: float, *what: str) -> dict[str, Any]:
    """CPU of a player whose streams all hear a peer: the process, and its media thread."""
    there = [twin(), "play", str(streams), str(REMOTE), str(LOCAL), "0", "0"]
    with process(*there) as peer, process(*PLAYER, *what, core=PLAYER_CORE) as child:
        time.sleep(SETTLE_S)  # what is measured is a stretch of the wall clock, here and below
        media, cpu, begun = cpu_s(child.pid), cpu_s(child.pid, whole=True), time.monotonic()
        time.sleep(seconds)
        media, cpu = cpu_s(child.pid) - media, cpu_s(child.pid, whole=True) - cpu
        wall = time.monotonic() - begun
        found = finish(child)
        found["peer"] = finish(peer)
    return found | {"core": cpu / wall, "media_core": media / wall}


def bridges(pairs: int, seconds: float, record: bool) -> dict[str, Any]:
    """Bridged pairs, whose peers all talk; CPU of one pair for a second."""
    what = ("bridge", str(pairs), str(LOCAL), str(REMOTE), str(int(record)))
    found = meeting(2 * pairs, seconds, *what)
    return found | {"cpu_us": found["core"] * 1e6 / pairs}


def listened(pairs: int, seconds: float, mode: int) -> dict[str, Any]:
    """Bridged pairs with a supervisor's telephone beside each; see rtp_player for `mode`."""
    what = ("listen", str(pairs), str(LOCAL), str(REMOTE), str(mode))
    found = meeting(3 * pairs, seconds, *what)
    return found | {"cpu_us": found["media_core"] * 1e6 / pairs}


def relayed(pairs: int, seconds: float) -> dict[str, Any]:
    """The same pairs through rtpengine, one thread in user space, without a recording."""
    program = shutil.which("rtpengine")
    assert program, "rtpengine is missing: apt-get install rtpengine-daemon"
    folder, own = BUILD / f"rtpengine.{os.getpid()}", text_of(LOCAL)
    folder.mkdir(parents=True, exist_ok=True)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # four sockets a call
    command = [
        "prlimit", f"--nofile={most}:{most}", "taskset", "-c", str(PLAYER_CORE), program,
        "--config-file=none", "--foreground",
        "--log-stderr", "--table=-1", "--log-level=3", f"--interface={own}",
        f"--listen-ng={own}:{NG_PORT}", "--port-min=23000", "--port-max=31999", "--num-threads=1",
    ]  # fmt: skip
    log = (folder / "log").open("wb")
    try:
        with log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as relay:
            try:
                ports = "".join(f"{port}\n" for port in ports_of(pairs, own))
                (folder / "ports").write_text(ports)
                play = [
                    twin(), "play", str(2 * pairs), str(REMOTE), str(LOCAL), str(folder / "ports"),
                    "0",
                ]  # fmt: skip
                with process(*play) as peer:
                    time.sleep(SETTLE_S)
                    cpu, begun = cpu_s(relay.pid, whole=True), time.monotonic()
                    time.sleep(seconds)
                    cpu, wall = cpu_s(relay.pid, whole=True) - cpu, time.monotonic() - begun
                    found = finish(peer)
            finally:
                relay.terminate()
    finally:
        shutil.rmtree(folder)
    return found | {"core": cpu / wall, "cpu_us": cpu * 1e6 / wall / pairs}


def ports_of(pairs: int, own: str) -> list[int]:
    """The ports that rtpengine opens for each peer, by its ng protocol."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ng:
        ng.connect((own, NG_PORT))
        ng.settimeout(0.2)
        for _ in range(200):  # it starts
            with contextlib.suppress(OSError):
                ng.send(b"0 d7:command4:pinge")
                if ng.recv(1024):
                    break
            time.sleep(0.05)
        ng.settimeout(10)
        found = []
        for i in range(pairs):
            offered, answered = (
                asked(ng, command, i, 2 * i + side)
                for side, command in enumerate(("offer", "answer"))
            )
            found += [answered, offered]
    return found


def asked(ng: socket.socket, command: str, call: int, stream: int) -> int:
    """Describe one side of a call; the port for the other one."""
    host = text_of(REMOTE + stream // 1000)
    text = (
        f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {PORT + 2 * (stream % 1000)} RTP/AVP 0\r\n"
    )
    words = {"call-id": f"{call}", "command": command, "from-tag": "a", "sdp": text}
    if command == "answer":
        words["to-tag"] = "b"
    parts = "".join(f"{len(w)}:{w}" for pair in sorted(words.items()) for w in pair)
    ng.send(f"{call}.{command} d{parts}e".encode())
    answer = ng.recv(65_536).decode()
    return int(answer.partition("m=audio ")[2].split()[0])


def rooms(count: int, streams: int, seconds: float) -> dict[str, Any]:
    """Streams that all talk, in so many rooms or, with 0, in none."""
    found = meeting(streams, seconds, "room", str(count), str(streams), str(LOCAL), str(REMOTE))
    return found | {"cpu_us": found["media_core"] * 1e6}


def admission(load_max: float, hold_s: float, seconds: float) -> dict[str, Any]:
    """Twice the calls that fit; see rtp_admission. Gaps are counted where the packets arrive."""
    with meter() as counts:
        command = [
            sys.executable, "-m", "bench.rtp_admission", str(LOCAL), str(METER), str(PORT),
            str(load_max), str(hold_s),
        ]  # fmt: skip
        with process(*command, core=PLAYER_CORE) as child:
            time.sleep(1.5 * hold_s)  # until as many calls end as begin
            found: dict[str, Any] = watch(child.pid, counts, seconds)
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.close()
            found |= json.loads(child.stdout.read())
            time.sleep(0.1)  # what is still under way: the meter reads every millisecond
            found["lost"] = found["sent"] - int(counts["packets"])
    return found
