"""Whole SIP calls with all timers armed, beside SIPp: both sides, a steady rate, memory."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from bench import sip_loop
from bench.sip_calls import ANSWER
from bench.sip_loop import HERE, HOST, QUIET, gateway, sipp
from tests.sip.net import Us, reply

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
QUICK = os.environ.get("BENCH_QUICK", "0") == "1"
CALLS = 30 if SMOKE else 3_000 if QUICK else 8_000
WINDOW = 100  # calls at a time
CALLS_PER_S = 10_000  # more than it can place: like ours, it is held by WINDOW alone
STEADY_PER_S = 200 if SMOKE else 2_000
STEADY_S = 1 if SMOKE else 3 if QUICK else 60
HELD = 100 if SMOKE else 2_000 if QUICK else 10_000  # calls whose memory is counted
ESTABLISHED_BYTES_MAX = 6_144
PENDING_BYTES_MAX = 5_120
SIPP = "SIPp 3.6.1, C++"
# CPU of a call on the reference machine, of peers that `make test` does not install
RECORDED_US = {
    "sofia-sip 1.12": 78.0,
    "pjsip 2.17": 115.0,
    "sippy 2.5": 960.0,
    "Asterisk 22.10": 2_200.0,
    "FreeSWITCH 1.10": 7_400.0,
}
CALLS_OF_AIOSIP = 5 if SMOKE else 500

CALLER = "a whole call as caller: INVITE, 180, 200, ACK, BYE, 200"
CALLED = "a whole call as called side"
STEADY_CALLED = "a call as called side at a steady 2,000 calls/s"
STEADY = "a call as caller at a steady 2,000 calls/s"


@pytest.mark.benchmark(group=CALLER)
def test_calls(benchmark, tmp_path):
    with gateway(tmp_path) as (port, _):
        before = time.process_time()
        found = benchmark.pedantic(sip_loop.place, args=(port, CALLS, WINDOW), rounds=1)
        cpu_us = (time.process_time() - before) / CALLS * 1e6
    assert found["answered"] == CALLS
    assert found["legs"] == found["malformed"] == 0
    note = f"{found['resent']} repetitions"
    benchmark.extra_info |= {"unit": "call", "cpu_us": cpu_us, "note": note}


@pytest.mark.benchmark(group=CALLER)
def test_calls_by_aiosip(benchmark, tmp_path):
    """One after the other, and none of them whole in SIPp's eyes: see its file."""
    program = HERE.parent / "tests" / "interop" / "aiosip_caller.py"
    with gateway(tmp_path) as (port, _):
        ports = str(sip_loop.free_port()), str(port)
        run = benchmark.pedantic(
            subprocess.run,
            args=([sys.executable, str(program), *ports, str(CALLS_OF_AIOSIP), "0"],),
            kwargs={"cwd": tmp_path, "capture_output": True, "timeout": 60, "check": True},
            rounds=1,
        )
    cpu_us = float(run.stdout)
    assert cpu_us > 0
    note = {"peer": "aiosip 0.2.0 with a shim", "note": "wrong ACK and BYE"}
    benchmark.extra_info |= {"unit": "call", "cpu_us": cpu_us} | note


@pytest.mark.recorded
@pytest.mark.benchmark(group=CALLER)
@pytest.mark.parametrize("peer", RECORDED_US)
def test_calls_by_recorded_peer(benchmark, peer):
    benchmark.pedantic(lambda: None, rounds=1)
    info = {"peer": peer, "unit": "call", "cpu_us": RECORDED_US[peer], "note": "peer as recorded"}
    benchmark.extra_info |= info
    assert RECORDED_US[peer] > 0


def sipp_calls(port: int, calls: int) -> list[str]:
    """SIPp as the caller, WINDOW at a time."""
    return sipp(
        "-sn", "uac", f"{HOST}:{port}", "-p", str(sip_loop.free_port()), "-d", "0",
        "-m", str(calls), "-r", str(CALLS_PER_S), "-l", str(WINDOW),
    )  # fmt: skip


@pytest.mark.benchmark(group=CALLER)
def test_calls_by_sipp(benchmark, tmp_path):
    """SIPp's own caller against the same gateway, in the same run."""
    with gateway(tmp_path) as (port, _):
        before = sip_loop.children_s()
        run = benchmark.pedantic(
            subprocess.run,
            args=(sipp_calls(port, CALLS),),
            kwargs={"cwd": tmp_path, "capture_output": True, "timeout": 60, "check": False},
            rounds=1,
        )
        cpu_us = (sip_loop.children_s() - before) / CALLS * 1e6
    assert run.returncode == 0
    benchmark.extra_info |= {"unit": "call", "cpu_us": cpu_us, "peer": SIPP}


@pytest.mark.benchmark(group=CALLED)
def test_called(benchmark, tmp_path):
    def against(port: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(sipp_calls(port, CALLS), cwd=tmp_path, **QUIET)

    before = time.process_time()
    found = benchmark.pedantic(sip_loop.serve, args=(CALLS, against), rounds=1)
    cpu_us = (time.process_time() - before) / CALLS * 1e6
    assert found["answered"] == CALLS
    assert found["legs"] == found["malformed"] == 0
    note = f"{found['resent']} repetitions"
    benchmark.extra_info |= {"unit": "call", "cpu_us": cpu_us, "note": note}


@pytest.mark.benchmark(group=CALLED)
def test_called_by_sipp(benchmark, tmp_path):
    """SIPp's own called side under the same caller: what it used, from /proc."""
    with gateway(tmp_path) as (port, called):
        run = benchmark.pedantic(
            subprocess.run,
            args=(sipp_calls(port, CALLS),),
            kwargs={"cwd": tmp_path, "capture_output": True, "timeout": 60, "check": False},
            rounds=1,
        )
        fields = Path(f"/proc/{called.pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
    assert run.returncode == 0
    cpu_us = ticks / os.sysconf("SC_CLK_TCK") / CALLS * 1e6
    benchmark.extra_info |= {"unit": "call", "cpu_us": cpu_us, "peer": SIPP}


@pytest.mark.benchmark(group=STEADY)
def test_steady(benchmark, tmp_path):
    """Repetitions and failures should be none; SIPp notes when the ACK to its 200 came."""
    calls = STEADY_PER_S * STEADY_S
    words = ("-sf", str(HERE / "uas_rtt.xml"), "-trace_rtt", "-rtt_freq", "1", "-m", str(calls))
    with gateway(tmp_path, *words) as (port, called):
        before = time.process_time()
        found = benchmark.pedantic(
            sip_loop.place_steadily, args=(port, calls, STEADY_PER_S), rounds=1
        )
        cpu_us = (time.process_time() - before) / calls * 1e6
        failures = verdict(called)
    assert found["answered"] == calls
    p50_ms, p99_ms = waits_ms(tmp_path)
    rate = calls * 1_000 // max(found["ms"], 1)
    note = f"{rate} calls/s for {STEADY_S} s, {found['resent']} repetitions, {failures}, "
    note += f"200 to ACK p50 {p50_ms} p99 {p99_ms} ms"
    benchmark.extra_info |= {"unit": "call", "cpu_us": cpu_us, "note": note}


@pytest.mark.benchmark(group=STEADY)
def test_steady_by_sipp(benchmark, tmp_path):
    """The control: SIPp at the same rate against the same scenario."""
    calls = STEADY_PER_S * STEADY_S
    words = ("-sf", str(HERE / "uas_rtt.xml"), "-trace_rtt", "-rtt_freq", "1", "-m", str(calls))
    with gateway(tmp_path, *words) as (port, called):
        command = sipp(
            "-sn", "uac", f"{HOST}:{port}", "-p", str(sip_loop.free_port()), "-d", "0",
            "-m", str(calls), "-r", str(STEADY_PER_S), "-l", "10000",
        )  # fmt: skip
        before = sip_loop.children_s()
        run = benchmark.pedantic(
            subprocess.run,
            args=(command,),
            kwargs={"cwd": tmp_path, "capture_output": True, "timeout": 110, "check": False},
            rounds=1,
        )
        cpu_us = (sip_loop.children_s() - before) / calls * 1e6
        failures = verdict(called) if run.returncode == 0 else "calls failed"
    p50_ms, p99_ms = waits_ms(tmp_path)
    assert 0 <= p50_ms <= p99_ms
    note = f"{failures}, 200 to ACK p50 {p50_ms} p99 {p99_ms} ms"
    benchmark.extra_info |= {"unit": "call", "cpu_us": cpu_us, "peer": SIPP, "note": note}


@pytest.mark.benchmark(group=STEADY_CALLED)
def test_steady_called(benchmark, tmp_path):
    """SIPp calls us; what it repeated and what failed is in its own statistics."""
    calls = STEADY_PER_S * STEADY_S
    words = ("-sn", "uac", "-d", "0", "-m", str(calls), "-r", str(STEADY_PER_S), "-l", "10000")

    def against(port: int) -> subprocess.Popen[bytes]:
        own = ("-p", str(sip_loop.free_port()), "-trace_stat", "-stf", "stat.csv", "-fd", "1")
        return subprocess.Popen(sipp(f"{HOST}:{port}", *own, *words), cwd=tmp_path, **QUIET)

    before = time.process_time()
    found = benchmark.pedantic(sip_loop.serve, args=(calls, against), rounds=1)
    cpu_us = (time.process_time() - before) / calls * 1e6
    assert (found["answered"], found["failed"]) == (calls, 0)
    with (tmp_path / "stat.csv").open() as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    rate = calls * 1_000 // max(found["ms"], 1)
    note = f"{rate} calls/s for {STEADY_S} s, {found['resent']} repetitions of ours, "
    note += f"{last['Retransmissions(C)']} of SIPp's, no failures"
    benchmark.extra_info |= {"unit": "call", "cpu_us": cpu_us, "note": note}


def verdict(called: subprocess.Popen[bytes]) -> str:
    """What SIPp's called side says; on a machine too busy for SIPp its control fails as well."""
    try:
        return "no failures" if called.wait(timeout=30) == 0 else "SIPp counts failures"
    except subprocess.TimeoutExpired:
        return "SIPp waits for calls"


def waits_ms(folder: Path) -> tuple[float, float]:
    """The middle and the 99th percentile of what SIPp noted."""
    (path,) = folder.glob("*_rtt.csv")
    with path.open() as file:
        waits = sorted(float(row[1]) for row in list(csv.reader(file, delimiter=";"))[1:])
    assert waits
    return round(waits[len(waits) // 2], 2), round(waits[len(waits) * 99 // 100], 2)


def hold(us: Us, legs: range, *, answered: bool) -> None:
    """Begin calls, answered ones until no transaction is left of them."""
    for n in legs:
        sent = us.invite(leg=n)
        if answered:
            us.receive(reply(sent, 200, body=ANSWER))
        us.take()
        us.told()
    if answered:
        us.run(40_000)


def allocated(calls: int, *, answered: bool) -> float:
    """Bytes that each of so many calls keeps, as Python allocates them."""
    us = Us()
    hold(us, range(2), answered=answered)  # what is made once is made
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        hold(us, range(2, calls + 2), answered=answered)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / calls


def resident(calls: int, *, answered: bool) -> float:
    """The same as the kernel counts pages, in a process of its own."""
    program = (
        "import sys, bench.test_bench_sip_calls as b\n"
        "us, calls, answered = b.Us(), int(sys.argv[1]), sys.argv[2] == 'True'\n"
        "b.hold(us, range(50), answered=answered)\n"
        "before = b.pages()\n"
        "b.hold(us, range(50, 50 + calls), answered=answered)\n"
        "print((b.pages() - before) / calls)\n"
    )
    command = [sys.executable, "-c", program, str(calls), str(answered)]
    run = subprocess.run(command, cwd=HERE.parent, capture_output=True, timeout=60, check=True)
    return float(run.stdout)


def pages() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.parametrize(
    ("what", "answered", "most"),
    [
        ("an established call", True, ESTABLISHED_BYTES_MAX),
        ("a pending INVITE with its leg", False, PENDING_BYTES_MAX),
    ],
)
def test_memory(benchmark, what, answered, most):
    benchmark.group = f"memory of {what}"
    kept = benchmark.pedantic(allocated, args=(HELD,), kwargs={"answered": answered}, rounds=1)
    note = f"{kept:,.0f} bytes allocated, {resident(HELD, answered=answered):,.0f} resident"
    benchmark.extra_info |= {"unit": "call", "units": HELD, "note": note}
    assert kept < most
