"""Ports of a modem bank: what asking costs, what calls with sound cost, how soon all are ready.

The bank is simulated and another process. The peer of asking is pyserial-asyncio-fast, whose poller
asks the same modems the same question as often, and knows nothing of a port's state, its time-outs
or of what was not asked for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bench import gsm_ten_minutes as lasting
from bench import gsm_wire as wire
from bench.gsm_daemon import cold_start
from bench.gsm_ports import PEOPLE, bank, side, tell
from dialerd.sim.modem_dialects import HUAWEI, M35

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
QUICK = os.environ.get("BENCH_QUICK", "0") == "1"
PORTS = 8 if SMOKE else 64
MANY = 250
SECONDS = 1.0 if SMOKE else 4.0 if QUICK else 8.0
LEAST = 0.0 if SMOKE else 0.9  # the suite asks no machine to be idle
RATE_S = 2.0 if SMOKE else 40.0
CORE_MAX, MANY_MAX, READY_S_MAX, RATE_LOST_MAX = 0.06, 0.20, 15.0, 0.02
OURS_S_MAX, WIRE_MS_MAX, LATE_US_MAX = 1.0, 2.0, 2_000
FAULTS = ("wedge", "garbage", "echo", "flap", "half-dead", "silence", "late", "unplug")
RINGS = PEOPLE.format(ring=5, answers=0, no_answer=1, leaves=0, stays=1)
TALKS = PEOPLE.format(ring=0.3, answers=1, no_answer=0, leaves=0, stays=1)
LEAVES = PEOPLE.format(ring=0.3, answers=1, no_answer=0, leaves=1, stays=0)


def show(benchmark: Any, found: dict[str, Any], unit: str, units: float, **more: Any) -> None:
    """A run as the table reads it."""
    cost_us = found["cpu_s"] * 1e6 / max(1.0, units)
    benchmark.extra_info |= {"peer": None, "unit": unit, "cpu_us": cost_us, "found": found} | more


def once(benchmark: Any, run: Any) -> dict[str, Any]:
    found: dict[str, Any] = benchmark.pedantic(run, rounds=1)
    return found


@pytest.mark.benchmark(group="a modem asked for its calls, twice a second")
@pytest.mark.parametrize("who", ["ours", "peer"])
def test_polling(benchmark: Any, tmp_path: Path, who: str) -> None:
    with bank(tmp_path, PORTS, "--dialects", "huawei", "--hurry", "10", people=RINGS):
        found = once(benchmark, lambda: side(who, tmp_path, PORTS, SECONDS))
    name = "pyserial-asyncio-fast" if who == "peer" else None
    note = f"{PORTS} ports = {found['core']:.2%} of a core"
    show(benchmark, found, "answer", found["polls"], peer=name, note=note)
    assert found["up"] == PORTS
    # 2 a second each; a port's machine asks for other things too
    assert found["polls"] > (0 if SMOKE else 1.6 * PORTS * SECONDS)


@pytest.mark.benchmark(group="a frame of a modem's call: samples both ways, keys, who answered")
@pytest.mark.parametrize("ports", [PORTS] if SMOKE or QUICK else [PORTS, MANY])
def test_calls(benchmark: Any, tmp_path: Path, ports: int) -> None:
    with bank(tmp_path, ports, "--dialects", "huawei", "--hurry", "10", people=TALKS):
        found = once(benchmark, lambda: side("calls", tmp_path, ports, SECONDS))
    bar = MANY_MAX if ports == MANY else CORE_MAX
    verdict = "bar held" if found["core"] < bar else f"MISSED: {bar:.0%}"
    note = f"{ports} ports = {found['core']:.2%} of a core ({verdict}); {found['dropped']} dropped"
    show(benchmark, found, "frame", found["frames"], note=note)
    assert found["out"] > LEAST * found["frames"]
    assert found["in"] > LEAST * found["frames"]
    assert SMOKE or found["dropped"] == 0


@pytest.mark.benchmark(group="a bank from cold until all ports may dial")
def test_ready(benchmark: Any, tmp_path: Path) -> None:
    with bank(tmp_path, PORTS, "--dialects", "huawei,m35", "--cold", "--hurry", "10", people=TALKS):
        found = once(benchmark, lambda: side("ready", tmp_path, PORTS, 0))
    slowest = max(kind.boot_s + kind.register_s[1] for kind in (HUAWEI, M35)) / 10
    verdict = "bar held" if found["ready_s"] < READY_S_MAX else f"MISSED: {READY_S_MAX:g} s"
    note = f"{found['ready_s']:.1f} s, {slowest:.1f} of them the slowest modem's own; {verdict}"
    show(benchmark, found, "port", PORTS, note=note)
    assert found["ready_s"] >= 0.5 * slowest


@pytest.mark.long
@pytest.mark.benchmark(group="a long frame of a modem's call: how late, and how many lost")
def test_nothing_is_lost(benchmark: Any, tmp_path: Path) -> None:
    found = once(benchmark, lambda: lasting.run(tmp_path, PORTS, 2.0 if SMOKE else 600.0))
    held = found["dropped"] == found["underruns"] == 0 and found["lateness_us_p999"] < LATE_US_MAX
    note = (
        f"p99.9 {found['lateness_us_p999'] / 1000:.2f} ms late, {found['dropped']} frames left out;"
        f" {'bars held' if held else 'MISSED: 0 lost, 2 ms'}"
    )
    show(benchmark, found, "frame", found["frames"], note=note)
    assert found["out"] > LEAST * found["frames"]
    assert found["lateness_us_max"] > 0


@pytest.mark.long
@pytest.mark.benchmark(group="the daemon with a cold bank until all ports may dial")
def test_cold_daemon(benchmark: Any, tmp_path: Path) -> None:
    hurry = 10.0 if SMOKE else 1.0
    found = once(benchmark, lambda: cold_start(tmp_path, PORTS, "huawei,m35", hurry))
    held = found["ready_s"] < READY_S_MAX or found["ours_s"] < OURS_S_MAX
    verdict = "bar held" if held else f"MISSED: {READY_S_MAX:g} s"
    own = f"{found['modems_s']:.2f} s of {found['ready_s']:.2f} s are the modems'"
    show(benchmark, found | {"cpu_s": found["ours_s"]}, "port", PORTS, note=f"{own}; {verdict}")
    assert found["modems_s"] > 0
    assert found["ready_s"] > found["makes"]["m35"]["boot_s"]


@pytest.mark.benchmark(group="from the decision until a modem has read ATD")
def test_dial_on_the_wire(benchmark: Any, tmp_path: Path) -> None:
    found = once(benchmark, lambda: wire.run(tmp_path, PORTS, 1 if SMOKE or QUICK else 3))
    verdict = "bar held" if found["written_p99_ms"] < WIRE_MS_MAX else f"MISSED: {WIRE_MS_MAX:g} ms"
    note = (
        f"written {found['written_p99_ms']:.2f} ms (p99), read after p50 {found['p50_ms']:.2f},"
        f" p95 {found['p95_ms']:.2f} ms; {found['behind_a_question']} of {found['dials']} behind a"
        f" question; {verdict}"
    )
    show(benchmark, found | {"cpu_s": 0.0}, "dial", found["dials"], note=note)
    assert found["dials"] >= PORTS
    assert found["p50_ms"] > 0


@pytest.mark.long
@pytest.mark.benchmark(group="calls of good ports beside 8 bad ones")
def test_bad_neighbours(benchmark: Any, tmp_path: Path) -> None:
    ports = 12 if SMOKE else 64
    counts = {}
    for bad in (False, True):
        folder = tmp_path / str(bad)
        with bank(folder, ports, "--dialects", "huawei", "--hurry", "10", people=LEAVES):
            for slot, kind in enumerate(FAULTS if bad else ()):
                tell(folder, f"fault slot{slot:02d} {kind}")
            run = lambda folder=folder: side("rate", folder, ports, RATE_S)  # noqa: E731
            counts[bad] = once(benchmark, run) if bad else run()
    lost = 1 - counts[True]["good"] / max(1, counts[False]["good"])
    verdict = "bar held" if lost < RATE_LOST_MAX else f"MISSED: {RATE_LOST_MAX:.0%}"
    note = f"{counts[True]['good']} calls beside {counts[False]['good']}: {lost:+.1%}; {verdict}"
    show(benchmark, counts[True] | {"cpu_s": 0.0}, "call", counts[True]["good"], note=note)
    assert SMOKE or counts[True]["good"] > 0.8 * counts[False]["good"]
