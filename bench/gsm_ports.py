"""Ports of a simulated bank at work, ours or a peer's: one process and its CPU.

    python -m bench.gsm_ports {ours,peer,calls,ready,rate} --dir DIR --ports N --seconds S

It prints one line of JSON. The bank is another process (`bank`), whose CPU is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import serial_asyncio_fast
import uvloop

from dialerd import open_files
from dialerd.detect.model import load_model
from dialerd.sim.io_procs import Child, wait_until
from fastpath.progress import Attention
from fastpath.rtp import DigitHeard, MediaEngine
from gsm.carrier import Carriers
from gsm.dialect import Dialect
from gsm.events import Answered, AudioStart, Ended, Fact, PortState
from gsm.io_port import PortRunner, device_opener
from gsm.number import DialString
from gsm.port import Port
from gsm.settings import Care, PortSettings

ROOT = Path(__file__).resolve().parents[1]
POLL_S = 0.5
SETTLE_S = 1.0  # dialing and starting is over then: what is measured is the steady state
PEOPLE = """setup_s_min = 0.1
setup_s_max = 0.1
ring_s_median = {ring}
ring_s_sigma = 0.0
network_ring_s_max = 600
patience_s = 600
key_s_median = 3.0
[shares]
answers = {answers}
no_answer = {no_answer}
busy = 0
declines = 0
switched_off = 0
invalid = 0
congested = 0
[manners]
at_once = {leaves}
during = 0
after = 0
presses = {stays}
waits = 0
"""


@contextlib.contextmanager
def bank(folder: Path, ports: int, *more: str, people: str) -> Iterator[Child]:
    """A bank of simulated modems in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "people.toml").write_text(people)
    command = [
        sys.executable, "-m", "dialerd.sim.io_modem_bank", "--dir", str(folder),
        "--ports", str(ports), "--people", str(folder / "people.toml"), *more,
    ]  # fmt: skip
    child = Child("bank", command, folder / "bank.log")
    try:
        wait_until(lambda: b'"ready": true' in child.output(), [child], 30, "the bank")
        yield child
    finally:
        child.stop()


def tell(folder: Path, line: str) -> dict[str, Any]:
    """A line of the bank's control socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(folder / "control"))
        connection.sendall(line.encode() + b"\n")
        answer: dict[str, Any] = json.loads(connection.makefile().readline())
        return answer


def judge(found: dict[str, Any], bars: dict[str, float]) -> int:
    """Print a run as JSON, then each figure beside its bar; 1 when one is missed."""
    print(json.dumps(found))
    missed = 0
    for name, bar in bars.items():
        held = found[name] <= bar
        missed += not held
        print(f"{name} {found[name]:g}, bar {bar:g}: {'yes' if held else 'NO'}")
    return int(missed > 0)


def lines(folder: Path) -> int:
    """Command lines that the bank's modems have read."""
    return sum(slot["lines"] for slot in tell(folder, "status")["slots"])


def side(name: str, folder: Path, ports: int, seconds: float) -> dict[str, Any]:
    """Run one side in a process of its own."""
    command = [
        sys.executable, "-m", "bench.gsm_ports", name, "--dir", str(folder),
        "--ports", str(ports), "--seconds", str(seconds),
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=300, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# ---- ours


class Ours:
    """Port machines on the event loop, as the daemon has them."""

    def __init__(self, folder: Path, ports: int, loop: asyncio.AbstractEventLoop) -> None:
        self.loop, self.folder = loop, folder
        files = sorted((ROOT / "conf" / "gsm").glob("*.toml"))
        dialects = [msgspec.convert(tomllib.loads(f.read_text()), Dialect) for f in files]
        vietnam = ROOT / "conf" / "gsm" / "carriers" / "vietnam.toml"
        carriers = msgspec.convert(tomllib.loads(vietnam.read_text()), Carriers).whole()
        self.facts: dict[int, set[type]] = {}
        self.ready: set[int] = set()
        self.answered: set[int] = set()
        self.audio: set[int] = set()
        self.ended: dict[int, int] = {}
        self.legs = [0] * ports
        self.redial = False
        self.runners = [
            PortRunner(
                f"slot{index:02d}",
                lambda index=index: Port(
                    PortSettings(f"slot{index:02d}", trace=False, care=Care()),
                    dialects,
                    carriers,
                    random.Random(index),
                ),
                device_opener(str(folder / "by-path" / f"slot{index:02d}-at")),
                lambda fact, index=index: self.heard(index, fact),
                loop=loop,
            )
            for index in range(ports)
        ]
        for runner in self.runners:
            runner.start()

    def heard(self, index: int, fact: Fact) -> None:
        match fact:
            case PortState():
                (self.ready.add if fact.ready else self.ready.discard)(index)
                if fact.ready and self.redial:
                    self.loop.call_soon(self.dial, index)
            case Answered():
                self.answered.add(index)
            case AudioStart():
                self.audio.add(index)
            case Ended():
                self.ended[index] = self.ended.get(index, 0) + 1
            case _:
                pass

    def dial(self, index: int) -> None:
        """Another number every time."""
        if index in self.ready:
            self.legs[index] += 1
            number = DialString(f"09{index:03d}{self.legs[index]:05d}")
            leg = self.legs[index]
            self.runners[index].do(lambda port, now_ns: port.dial(leg, number, now_ns))

    def asking(self, index: int) -> bool:
        """Whether a port waits for an answer of its modem just now."""
        return self.runners[index].machine.busy

    async def until(self, found: set[int], count: int, longest_s: float = 60) -> None:
        give_up = time.monotonic() + longest_s
        while len(found) < count:
            if time.monotonic() > give_up:
                raise TimeoutError(f"{len(found)} of {count} ports")
            await asyncio.sleep(0.02)  # polls what the machines of all ports have told

    async def close(self) -> None:
        for runner in self.runners:
            runner.end()


async def ours(folder: Path, ports: int, seconds: float) -> dict[str, Any]:
    """Every port rings and asks for its calls twice a second."""
    bank_side = Ours(folder, ports, asyncio.get_running_loop())
    await bank_side.until(bank_side.ready, ports)
    for index in range(ports):
        bank_side.dial(index)
    await asyncio.sleep(SETTLE_S)
    found = await measured(folder, seconds)
    await bank_side.close()
    return found | {"up": ports - sum(bank_side.ended.values())}


async def measured(folder: Path, seconds: float) -> dict[str, Any]:
    """This process's CPU meanwhile, and the commands that reached the modems."""
    count, begun, cpu = lines(folder), time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)  # the time that is measured
    used, passed = time.process_time() - cpu, time.monotonic() - begun
    return {"core": used / passed, "polls": lines(folder) - count, "cpu_s": used}


async def calls(folder: Path, ports: int, seconds: float) -> dict[str, Any]:
    """Every port talks: samples both ways, keys and answer detection heard in them."""
    loop = asyncio.get_running_loop()
    engine = MediaEngine(streams_max=ports)
    pcmu = bytes([0x55, 0xD5] * 80_000)
    prompt = engine.add_prompt(pcmu, pcmu)
    attention = Attention(load_model())
    digits = 0

    def events() -> None:
        nonlocal digits
        digits += sum(isinstance(event, DigitHeard) for event in engine.events())

    loop.add_reader(engine.fileno(), events)
    engine.start()
    bank_side = Ours(folder, ports, loop)
    await bank_side.until(bank_side.ready, ports)
    for index in range(ports):
        bank_side.dial(index)
    await bank_side.until(bank_side.audio, ports)
    streams = []
    for index in range(ports):
        path = folder / "by-path" / f"slot{index:02d}-audio"
        device = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        stream = engine.open_device(device)
        os.close(device)
        engine.hear_tones(stream)
        engine.listen(stream, attention, answered=True)
        engine.play(stream, prompt, 0, loop=True)
        streams.append(stream)
    await asyncio.sleep(SETTLE_S)
    before = [engine.device(stream) for stream in streams]
    begun, cpu, parts = time.monotonic(), time.process_time(), os.times()
    await asyncio.sleep(seconds)  # the time that is measured
    used, passed = time.process_time() - cpu, time.monotonic() - begun
    kernel = (os.times().system - parts.system) / passed
    after = [engine.device(stream) for stream in streams]

    def grown(key: str) -> int:
        return sum(b[key] for b in after) - sum(a[key] for a in before)

    found = {
        "core": used / passed, "kernel": kernel, "cpu_s": used, "frames": ports * passed * 50,
        "digits": digits, "out": grown("frames_out"), "in": grown("frames_in"),
        "underruns": grown("underruns"), "dropped": grown("dropped"), "late": engine.counters(),
    }  # fmt: skip
    await bank_side.close()
    loop.remove_reader(engine.fileno())
    engine.stop()
    return found


async def ready(folder: Path, ports: int, _seconds: float) -> dict[str, Any]:
    """From cold to the last port that may dial."""
    begun, cpu = time.monotonic(), time.process_time()
    bank_side = Ours(folder, ports, asyncio.get_running_loop())
    await bank_side.until(bank_side.ready, ports, 90)
    found = {"ready_s": time.monotonic() - begun, "cpu_s": time.process_time() - cpu}
    await bank_side.close()
    return found


async def rate(folder: Path, ports: int, seconds: float) -> dict[str, Any]:
    """Every port that can dials again and again; the calls of each."""
    bank_side = Ours(folder, ports, asyncio.get_running_loop())
    good = ports - 8
    await bank_side.until(bank_side.ready, good)
    bank_side.redial = True
    for index in range(ports):
        bank_side.dial(index)
    await asyncio.sleep(SETTLE_S)
    before = dict(bank_side.ended)
    await asyncio.sleep(seconds)  # the time that is measured
    ended = [bank_side.ended.get(i, 0) - before.get(i, 0) for i in range(ports)]
    await bank_side.close()
    return {"good": sum(ended[8:]), "bad": sum(ended[:8])}


# ---- the peer


class Poller(asyncio.Protocol):
    """What a program on pyserial-asyncio-fast does to poll: lines, a command on the way."""

    def __init__(self) -> None:
        self.kept = b""
        self.polls = 0
        self.up = 0
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self.kept = (self.kept + data).split(b"\r\n")
        for line in lines:
            if line.startswith(b"+CLCC:"):
                self.up = int(line[6:].split(b",")[2] in (b"0", b"2", b"3"))
            elif line == b"OK":
                self.polls += 1

    def poll(self) -> None:
        self.transport.write(b"AT+CLCC\r")


async def peer(folder: Path, ports: int, seconds: float) -> dict[str, Any]:
    """The same ringing and polling by pyserial-asyncio-fast."""
    loop = asyncio.get_running_loop()
    pollers: list[Poller] = []
    for index in range(ports):
        path = str((folder / "by-path" / f"slot{index:02d}-at").resolve())
        _, poller = await serial_asyncio_fast.create_serial_connection(
            loop, Poller, path, baudrate=115_200
        )
        pollers.append(poller)
    await asyncio.sleep(0.1)  # connections are made by callbacks
    for poller in pollers:
        poller.transport.write(b"ATE0;^CURC=0\r")
    await asyncio.sleep(0.5)  # the peer does not read what these commands are answered
    for index, poller in enumerate(pollers):
        poller.transport.write(b"ATD09%08d;\r" % index)

    async def polling(poller: Poller, first_s: float) -> None:
        await asyncio.sleep(first_s)  # ports ask one behind the other, as ours do
        while True:
            poller.poll()
            await asyncio.sleep(POLL_S)  # the pace of asking is what is compared

    tasks = [
        loop.create_task(polling(poller, POLL_S * index / ports))
        for index, poller in enumerate(pollers)
    ]
    await asyncio.sleep(SETTLE_S)
    found = await measured(folder, seconds)
    up = sum(poller.up for poller in pollers)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for poller in pollers:
        poller.transport.close()
    return found | {"up": up}


SIDES = {"ours": ours, "peer": peer, "calls": calls, "ready": ready, "rate": rate}


def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(prog="bench.gsm_ports")
    parser.add_argument("side", choices=sorted(SIDES))
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--ports", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    given = parser.parse_args()
    open_files.raise_limit()
    found = uvloop.run(SIDES[given.side](given.dir, given.ports, given.seconds))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
