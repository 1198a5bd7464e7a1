"""How long restarts take, with calls in progress: of the admin process, and of the daemon.

    python -m bench.admin_restart [--rate 20] [--attempts 100000] [--rounds 3] [--rows 1000000]
        [--dashboards 200] [--agents 500] [--json]

The admin process is killed (SIGKILL) beside calls, and again while it serves dashboards and agents,
sends a report and imports a list: how long until it answers again, what calls noticed, and whether
the import that was cut says as many people as its list then has.
The daemon is killed, and is stopped as `systemctl restart` does with calls that are hung up: how
long until it takes requests, until it is ready (SIP, media, campaigns), and until the carriers, by
their own ledgers, have no call of before any more. A store with a past makes opening it cost what
it costs. After a kill the daemon dials again when what it dials from was read and found sound, and
reads the rest beside calls (ADR 0022): printed as `dialing_s` and `sound_s`, without a bar.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.admin_crowd import Clients, Sizes
from bench.admin_figures import Bar
from bench.admin_world import PROMPT_S, LoadWorld, load_world, make_past, write_rows
from dialerd.core.control import Drain
from dialerd.sim.scene import WHO

LOOK_S = 0.005
LONGEST_S = 60.0
SOUND_S = 900.0  # a store of millions of records, read beside a daemon on a busy machine
BACK_S = 2.0
KILLS = 3

Tell = Callable[[str], object]


def until(ready: Callable[[], bool], began: float, longest_s: float = LONGEST_S) -> float:
    """Seconds from `began` until it is so; TimeoutError."""
    while not ready():
        if time.monotonic() - began > longest_s:
            raise TimeoutError(f"not so after {longest_s:g} s")
        time.sleep(LOOK_S)  # how finely it is looked
    return time.monotonic() - began


def admin_killed(world: LoadWorld) -> dict[str, float]:
    """Kill the admin process; the seconds until it answers again, and frames that were late."""
    before = world.look()
    first, began = world.admin_pid(), time.monotonic()
    os.kill(first, signal.SIGKILL)
    back_s = until(lambda: world.admin_pid() not in {0, first} and world.serves(), began)
    time.sleep(1.0)  # what a call may notice, it notices within a second
    after = world.status()
    return {
        "back_s": back_s,
        "frames_late": after.counters["rtp_frames_late"] - before.counters["rtp_frames_late"],
        "frames": after.counters["rtp_frames"] - before.counters["rtp_frames"],
        "lag_s_max": after.counters["loop_lag_s_max"],
        "calls": after.calls_in_flight,
    }


def killed_under_load(world: LoadWorld, sizes: Sizes, turn: int) -> dict[str, float]:
    """The same while dashboards, agents, a report and an import are at it."""
    with Clients(world, sizes, f"killed{turn}") as clients:
        found = admin_killed(world)
        said, there = clients.added()
        return {**found, "rows_told": said, "rows_there": there}


def daemon_again(world: LoadWorld, *, killed: bool) -> dict[str, float]:
    """Killed, or stopped with its calls hung up, and started: the seconds of each part."""
    daemon = world.daemon
    if daemon is None:
        raise RuntimeError("there is no daemon")
    calls = world.status().calls_in_flight
    began = time.monotonic()
    if killed:
        daemon.kill()
    else:
        with world.client() as client:
            client.call(Drain(who=WHO, hang_up=True))
        daemon.stop(LONGEST_S)
    ended_s = time.monotonic() - began
    log_at = daemon.log.stat().st_size
    world.restart_daemon()
    again = world.daemon

    def said(words: bytes) -> bool:
        if again is not None:
            again.check()
        with daemon.log.open("rb") as file:
            file.seek(log_at)
            return words in file.read()

    asked_s = time.monotonic() - began
    ready_s = until(lambda: said(b"dialerd is ready"), began)
    cleared_s = ready_s
    if killed:
        cleared_s = until(lambda: said(b"calls of before ended"), began)
    admin_s = until(world.serves, began)
    dialing_s = sound_s = ready_s
    if killed:  # before the first of them nothing is dialed
        dialing_s = until(lambda: said(b"dialed from was found sound"), began, SOUND_S)
        sound_s = until(lambda: said(b"the store was found sound"), began, SOUND_S)
    return {
        "calls": calls,
        "ended_s": ended_s,
        "asked_s": asked_s - ended_s,
        "ready_s": ready_s - ended_s,
        "cleared_s": cleared_s - ended_s,
        "admin_s": admin_s - ended_s,
        "dialing_s": dialing_s - ended_s,
        "sound_s": sound_s - ended_s,
        "whole_s": max(ready_s, cleared_s),
    }


def measured(world: LoadWorld, tell: Tell, sizes: Sizes, calls: int) -> dict[str, Any]:
    """Each some times, with calls in progress; the rows of the import are in `rows.csv`."""
    found: dict[str, Any] = {"admin": [], "loaded": [], "killed": [], "stopped": []}
    for turn in range(sizes.restarts):
        world.await_admin()
        found["admin"].append(admin_killed(world))
        tell(f"admin process killed: {said(found['admin'][-1])}")
        found["loaded"].append(killed_under_load(world, sizes, turn))
        tell(f"killed under load: {said(found['loaded'][-1])}")
        for name in ("killed", "stopped"):
            world.await_calls(calls)
            found[name].append(daemon_again(world, killed=name == "killed"))
            tell(f"daemon {name}: {said(found[name][-1])}")
    return found


def _tell(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def said(one: dict[str, float]) -> str:
    """In a line."""
    return ", ".join(f"{name} {value:.3g}" for name, value in one.items())


def bars(found: dict[str, Any]) -> list[Bar]:
    """The longest of each."""

    def longest(kind: str, name: str) -> float:
        return max(one[name] for one in found[kind])

    untold = max(abs(one["rows_told"] - one["rows_there"]) for one in found["loaded"])
    return [
        Bar("admin process killed: answers again", longest("admin", "back_s"), BACK_S, "s"),
        Bar("frames of audio late meanwhile", longest("admin", "frames_late"), 0, ""),
        Bar("killed under load: answers again", longest("loaded", "back_s"), BACK_S, "s"),
        Bar("frames of audio late meanwhile", longest("loaded", "frames_late"), 0, ""),
        Bar("people in the list that a cut import does not tell of", untold, 0, ""),
        Bar("daemon killed: ready and calls cleared", longest("killed", "whole_s"), BACK_S, "s"),
        Bar("daemon stopped: hung up, ended, ready", longest("stopped", "whole_s"), BACK_S, "s"),
    ]


def main(arguments: list[str] | None = None) -> int:
    """Print bars and whether they are held."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--attempts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=KILLS)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dashboards", type=int, default=200)
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="dialerd-bench-") as name:
        folder = Path(name)
        make_past(folder / "data", asked.attempts)
        write_rows(folder / "rows.csv", 0, asked.rows)
        sizes = Sizes(
            restarts=asked.rounds,
            rate=asked.rate,
            rows=asked.rows,
            dashboards=asked.dashboards,
            agents=asked.agents,
        )
        with load_world(folder, asked.rate, 60.0 + 60.0 * asked.rounds) as world:
            world.start_daemon()
            world.load_list()
            world.begin()
            calls = round(asked.rate * PROMPT_S * 0.5)
            found = measured(world, _tell, sizes, calls)
    told = bars(found)
    if asked.json:
        print(json.dumps(found, indent=1))
    else:
        for bar in told:
            print(bar.text())
    return 0 if all(bar.held for bar in told) else 1


if __name__ == "__main__":
    raise SystemExit(main())
