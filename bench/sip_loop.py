"""Whole SIP calls over real sockets: our endpoint as either side, SIPp as the other."""

from __future__ import annotations

import asyncio
import random
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from dialerd.garbage import seldom_collected
from sip import sdp
from sip.endpoint import Endpoint
from sip.events import Accepted, Ended, Incoming, Invite, SipEvent
from sip.transport.io_stack import SipStack
from sip.transport.io_udp import udp_stack
from sip.transport.local import Local

HOST = "127.0.0.1"
OFFER = sdp.offer(HOST, 30_000, session_id=1)
HERE = Path(__file__).resolve().parent
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
REFUSED_MAX_S = 90
SETTLED_S = 10  # for SIPp to see that all calls have ended
SOCKET_BYTES = str(4 << 20)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def sipp(*words: str) -> list[str]:
    """A command line of SIPp's."""
    found = shutil.which("sipp")
    assert found, "SIPp is missing: apt-get install sip-tester"
    # Its sockets hold 60 messages by default: a window of calls is more, and what is lost is ours.
    return [
        found, "-i", HOST, "-mp", str(free_port() & ~1), "-nostdin", "-buff_size", SOCKET_BYTES,
        *words,
    ]  # fmt: skip


@contextmanager
def gateway(folder: Path, *words: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """SIPp's called side: its port and process."""
    port = free_port()
    command = sipp("-p", str(port), *(words or ("-sn", "uas")))
    with subprocess.Popen(command, cwd=folder, **QUIET) as process:  # type: ignore[call-overload]
        try:
            until = time.monotonic() + 10
            while f"0100007F:{port:04X}" not in Path("/proc/net/udp").read_text():
                assert time.monotonic() < until, "SIPp does not listen"
                time.sleep(0.02)
            yield port, process
        finally:
            process.kill()


def looped(work: Coroutine[None, None, dict[str, int]]) -> dict[str, int]:
    """Run it as the daemon runs."""
    with seldom_collected():
        return uvloop.run(work)


class Caller:
    """Places calls and hangs each up when it is answered."""

    def __init__(self, port: int, calls: int) -> None:
        self.port, self.calls, self.local = port, calls, free_port()
        self.endpoint = Endpoint(Local(HOST, self.local), rng=random.Random(1))
        self.begun = self.over = self.answered = 0
        self.done = asyncio.Event()
        self.stack: SipStack = udp_stack(
            self.endpoint, HOST, self.local, asyncio.get_running_loop(), self.react
        )

    def call(self) -> None:
        self.begun += 1
        n = self.begun
        to = f"sip:{n}@{HOST}:{self.port}"
        ours, call_id = f"sip:1900@{HOST}", f"{n}-{self.local}@{HOST}"
        request = Invite(n, ((HOST, self.port, 0),), to, ours, to, call_id, OFFER)
        self.endpoint.invite(request, time.monotonic_ns())

    def react(self, event: SipEvent) -> None:
        kind = type(event)
        if kind is Accepted:
            self.answered += 1
            self.endpoint.release(event.leg, time.monotonic_ns())
        elif kind is Ended:
            self.over += 1
            self.ended()

    def ended(self) -> None:
        """The next one, so that there are as many as before."""
        if self.begun < self.calls:
            self.call()
        elif self.over == self.calls:
            self.done.set()

    def result(self) -> dict[str, int]:
        return self.stack.statistics() | {"answered": self.answered}


def place(port: int, calls: int, window: int) -> dict[str, int]:
    """Calls, `window` at a time; the stack's counters."""

    async def run() -> dict[str, int]:
        caller = Caller(port, calls)
        try:
            for _ in range(min(window, calls)):
                caller.call()
            caller.stack.flush()
            async with asyncio.timeout(REFUSED_MAX_S):
                await caller.done.wait()
            return caller.result()
        finally:
            caller.stack.close()

    return looped(run())


class SteadyCaller(Caller):
    """Begins calls by the clock, whatever becomes of the others."""

    def ended(self) -> None:
        if self.over == self.calls:
            self.done.set()


def place_steadily(port: int, calls: int, per_s: int) -> dict[str, int]:
    """So many calls a second, begun every few milliseconds."""

    async def run() -> dict[str, int]:
        caller = SteadyCaller(port, calls)
        start = time.monotonic()
        try:
            while caller.begun < calls:
                due = min(calls, int((time.monotonic() - start) * per_s) + 1)
                while caller.begun < due:
                    caller.call()
                caller.stack.flush()
                await asyncio.sleep(0.002)
            async with asyncio.timeout(REFUSED_MAX_S):
                await caller.done.wait()
            return caller.result() | {"ms": int((time.monotonic() - start) * 1_000)}
        finally:
            caller.stack.close()

    return looped(run())


def serve(calls: int, against: Callable[[int], subprocess.Popen[bytes]]) -> dict[str, int]:
    """Answer calls until so many have ended; `against` starts who calls our port."""

    async def run() -> dict[str, int]:
        local = free_port()
        endpoint = Endpoint(Local(HOST, local), rng=random.Random(1))
        done = asyncio.Event()
        over = answered = 0

        def react(event: SipEvent) -> None:
            nonlocal over, answered
            kind = type(event)
            if kind is Incoming:
                now_ns = time.monotonic_ns()
                endpoint.ring(event.leg, now_ns)
                endpoint.accept(event.leg, OFFER, now_ns)
            elif kind is Ended:
                over += 1
                answered += event.answered  # type: ignore[attr-defined]
                if over == calls:
                    done.set()

        stack = udp_stack(endpoint, HOST, local, asyncio.get_running_loop(), react)
        caller = against(local)
        start = time.monotonic()
        try:
            async with asyncio.timeout(REFUSED_MAX_S):
                await done.wait()
            ms = int((time.monotonic() - start) * 1_000)
            failed = await asyncio.to_thread(caller.wait, SETTLED_S)
            return stack.statistics() | {"answered": answered, "ms": ms, "failed": failed}
        finally:
            stack.close()
            caller.kill()
            caller.wait()

    return looped(run())


def children_s() -> float:
    """CPU seconds of child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
