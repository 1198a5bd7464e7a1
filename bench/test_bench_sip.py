"""SIP: the scanner against Python's parsers, and whole calls against SIPp as the caller."""

from __future__ import annotations

import asyncio
import collections
import collections.abc
import os
import random
import resource
import shutil
import socket
import subprocess
import time
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sipmessage
import uvloop

from fastpath.sipscan import scan
from sip import sdp
from sip.endpoint import Endpoint
from sip.events import Accepted, Ended, Invite, SipEvent
from sip.io_udp import udp_stack
from sip.local import Local

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
QUICK = os.environ.get("BENCH_QUICK", "0") == "1"
HOST = "127.0.0.1"
MESSAGES = 100 if SMOKE else 20_000
MESSAGES_OF_PEER = 10 if SMOKE else 1_000
CALLS = 30 if SMOKE else 3_000 if QUICK else 8_000
WINDOW = 20  # calls at a time
CALLS_PER_S = 10_000  # more than it can place: like ours, it is held by WINDOW alone

BODY = (
    b"v=0\r\no=- 3724394400 3724394405 IN IP4 192.0.2.10\r\ns=call\r\nc=IN IP4 192.0.2.10\r\n"
    b"t=0 0\r\nm=audio 49170 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
)
HEAD = (
    "INVITE sip:+84901234567@gw.example.com;user=phone SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK74bf9c1d2e3f;rport\r\n"
    "Max-Forwards: 70\r\n"
    'From: "Dialer" <sip:1900@trunk.example.com>;tag=9fxced76sl\r\n'
    "To: <sip:+84901234567@gw.example.com;user=phone>\r\n"
    "Call-ID: 3848276298220188511@192.0.2.10\r\n"
    "CSeq: 1 INVITE\r\n"
    "Contact: <sip:1900@192.0.2.10:5060>\r\n"
    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, INFO, UPDATE, PRACK\r\n"
    "Supported: timer, replaces, 100rel\r\n"
    "Session-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\n"
    "User-Agent: dialerd/0.1 (a bench message of the usual size)\r\n"
    "P-Asserted-Identity: <sip:+842812345678@trunk.example.com>\r\n"
    "Content-Type: application/sdp\r\n"
)
MESSAGE = HEAD.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


def ours(n: int) -> int:
    for _ in range(n):
        scan(MESSAGE)
    return n


def ours_with_values(n: int) -> int:
    """What a called side takes out of an INVITE."""
    for _ in range(n):
        m = scan(MESSAGE)
        _ = m.method, m.uri_user, m.transaction_key, m.from_tag, m.call_id, m.contact_uri, m.body
    return n


def with_sipmessage(n: int) -> int:
    for _ in range(n):
        sipmessage.Message.parse(MESSAGE)
    return n


@pytest.fixture
def aiosip_message(monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    """aiosip 0.2.0 imports on this Python only with what was removed since put back.

    It also makes futures while no loop runs, so there is one.
    """
    monkeypatch.setattr(asyncio, "coroutine", types.coroutine, raising=False)
    for name in ("MutableMapping", "Mapping", "Iterable"):
        monkeypatch.setattr(collections, name, getattr(collections.abc, name), raising=False)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from aiosip.message import Message
    yield Message
    asyncio.set_event_loop(None)
    loop.close()


READERS: dict[str, tuple[Callable[[int], int], str | None, int]] = {
    "ours": (ours, None, MESSAGES),
    "sipmessage": (with_sipmessage, "sipmessage 0.7.1", MESSAGES_OF_PEER),
}
PARSE = f"scan an INVITE with SDP, {len(MESSAGE)} bytes"


@pytest.mark.benchmark(group=PARSE)
@pytest.mark.parametrize("who", READERS)
def test_parse(benchmark, who):
    reader, peer, n = READERS[who]
    benchmark.extra_info |= {"unit": "message", "units": n, "peer": peer}
    assert benchmark(reader, n) == n


@pytest.mark.benchmark(group=PARSE)
def test_parse_with_aiosip(benchmark, aiosip_message):
    def read(n: int) -> int:
        for _ in range(n):
            aiosip_message.from_raw_message(MESSAGE.decode())
        return n

    peer = "aiosip 0.2.0 with a shim"
    benchmark.extra_info |= {"unit": "message", "units": MESSAGES_OF_PEER, "peer": peer}
    assert benchmark(read, MESSAGES_OF_PEER) == MESSAGES_OF_PEER


@pytest.mark.benchmark(group="scan it and take seven values out")
def test_parse_and_take(benchmark):
    benchmark.extra_info |= {"unit": "message", "units": MESSAGES}
    assert benchmark(ours_with_values, MESSAGES) == MESSAGES


# Calls.


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def program() -> str:
    found = shutil.which("sipp")
    assert found, "SIPp is missing: apt-get install sip-tester"
    return found


@contextmanager
def gateway(folder: Path) -> Iterator[int]:
    """SIPp's own called side; its port."""
    port = free_port()
    command = [program(), "-sn", "uas", "-i", HOST, "-p", str(port), "-nostdin"]
    command += ["-mp", str(free_port() & ~1)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=folder, **quiet) as process:
        try:
            until = time.monotonic() + 10
            while f"0100007F:{port:04X}" not in Path("/proc/net/udp").read_text():
                assert time.monotonic() < until, "SIPp does not listen"
                time.sleep(0.02)
            yield port
        finally:
            process.kill()


def our_calls(port: int, calls: int) -> dict[str, int]:
    """Place them, WINDOW at a time, each hung up when answered; the transport's counters."""

    async def run() -> dict[str, int]:
        local = free_port()
        endpoint = Endpoint(Local(HOST, local), rng=random.Random(1))
        done = asyncio.Event()
        begun = over = answered = 0
        offer = sdp.offer(HOST, 30_000, session_id=1)

        def call() -> None:
            nonlocal begun
            begun += 1
            to = f"sip:{begun}@{HOST}:{port}"
            ours, call_id = f"sip:1900@{HOST}", f"{begun}-{local}@{HOST}"
            request = Invite(begun, ((HOST, port, 0),), to, ours, to, call_id, offer)
            endpoint.invite(request, time.monotonic_ns())

        def react(event: SipEvent) -> None:
            nonlocal over, answered
            kind = type(event)
            if kind is Accepted:
                answered += 1
                endpoint.release(event.leg, time.monotonic_ns())
            elif kind is Ended:
                over += 1
                if begun < calls:
                    call()
                elif over == calls:
                    done.set()

        stack = udp_stack(endpoint, HOST, local, asyncio.get_running_loop(), react)
        try:
            for _ in range(min(WINDOW, calls)):
                call()
            stack.flush()
            async with asyncio.timeout(60):
                await done.wait()
            return stack.statistics() | {"answered": answered}
        finally:
            stack.close()

    return uvloop.run(run())


def children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


CALL = "a whole call as caller: INVITE, 180, 200, ACK, BYE, 200"


@pytest.mark.benchmark(group=CALL)
def test_calls(benchmark, tmp_path):
    with gateway(tmp_path) as port:
        before = time.process_time()
        found = benchmark.pedantic(our_calls, args=(port, CALLS), rounds=1)
        cpu_us = (time.process_time() - before) / CALLS * 1e6
    assert found["answered"] == CALLS
    assert found["legs"] == found["malformed"] == 0
    note = f"{found['resent']} repetitions"
    benchmark.extra_info |= {"unit": "call", "cpu_us": cpu_us, "note": note}


@pytest.mark.benchmark(group=CALL)
def test_calls_by_sipp(benchmark, tmp_path):
    """SIPp's own caller against the same gateway, in the same run."""
    with gateway(tmp_path) as port:
        command = [program(), "-sn", "uac", f"{HOST}:{port}", "-i", HOST, "-p", str(free_port())]
        command += ["-mp", str(free_port() & ~1), "-nostdin", "-d", "0", "-m", str(CALLS)]
        command += ["-r", str(CALLS_PER_S), "-l", str(WINDOW)]
        before = children_s()
        run = benchmark.pedantic(
            subprocess.run,
            args=(command,),
            kwargs={"cwd": tmp_path, "capture_output": True, "timeout": 60, "check": False},
            rounds=1,
        )
        cpu_us = (children_s() - before) / CALLS * 1e6
    assert run.returncode == 0
    benchmark.extra_info |= {"unit": "call", "cpu_us": cpu_us, "peer": "SIPp 3.6.1, C++"}
