"""All faults, one line each: `make faults` and `make faults-short`.

    python -m tests.faults [--short] [--only NAME] [--seed N] [--states N] [--flips N] [--rounds N]
        [--at-once N]

The short ones run two at a time: the daemons of one wait mostly, the explorer of another does not.
Exit status 1 when something did not hold.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults import explorer, flips, rounds
from tests.faults.conftest import fast_folder

LOOK_S = 2.0
WORLD_ROUNDS = 25  # of kills in one world; its list grows with them


class Said(NamedTuple):
    """What came of a fault."""

    line: str
    holds: bool


class Progress:
    """A line that is written over, where somebody looks; else nothing."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._shown = sys.stderr.isatty()
        self._next_s = 0.0

    def __call__(self, found: Any) -> None:
        """So far."""
        if self._shown and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + LOOK_S
            sys.stderr.write(f"\r{self._name}: {found.line()}\x1b[K")
            sys.stderr.flush()

    def end(self) -> None:
        """Clear it."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")


def states(options: argparse.Namespace, folder: Path, told: Progress) -> Said:
    """The write-reorder explorer on the store as it ships."""
    log, base = explorer.record(folder, 40, options.seed, "safe")
    found = explorer.explore(
        log, base, folder, seed=options.seed, states=options.states, workers=2, told=told
    )
    return Said(found.line(), not (found.bad or found.lost))


def unsafe(options: argparse.Namespace, folder: Path, told: Progress) -> Said:
    """The explorer on a store without flushes: it must find fault."""
    log, base = explorer.record(folder, 12, options.seed, "nosync")
    found = explorer.explore(log, base, folder, seed=options.seed, states=200, told=told)
    return Said(f"without flushes, {found.line()}", bool(found.bad and found.lost))


def flipped(options: argparse.Namespace, folder: Path, told: Progress) -> Said:
    """Single bytes changed."""
    explorer.record(folder, 12, options.seed, "safe")
    file = folder / "store" / "data.mdb"
    done = flips.flip_all(
        file, folder, seed=options.seed, flips=options.flips, workers=2, told=told
    )
    return Said(done.line(), not done.wrong)


def killed_at_points(options: argparse.Namespace, folder: Path, told: Progress) -> Said:
    """The daemon dies at every named point of a call's life."""
    points = 1 if options.short else 5
    return _said(rounds.kills(folder, rounds=0, points=points, seed=options.seed, told=told))


def killed(options: argparse.Namespace, folder: Path, told: Progress) -> Said:
    """The daemon is killed at random moments, in worlds of a few rounds each."""
    whole = rounds.Report()
    for part in range(-(-options.rounds // WORLD_ROUNDS)):
        count = min(WORLD_ROUNDS, options.rounds - part * WORLD_ROUNDS)
        begun = folder / str(part)
        begun.mkdir()
        whole.add(rounds.kills(begun, rounds=count, points=0, seed=options.seed + part))
        told(whole)
        shutil.rmtree(begun)
    return _said(whole)


def paused(options: argparse.Namespace, folder: Path, _: Progress) -> Said:
    """SIGSTOP under load."""
    seconds = (5.0,) if options.short else (5.0, 35.0, 120.0)
    return _said(rounds.frozen(folder, seconds, options.seed))


def misled(options: argparse.Namespace, folder: Path, _: Progress) -> Said:
    """The wall clock of the running daemon jumps."""
    return _said(rounds.stepped(folder, rounds.JUMPS_S, options.seed))


def _said(report: rounds.Report) -> Said:
    return Said(report.line(), not report.faults)


FAULTS: dict[str, Callable[[argparse.Namespace, Path, Progress], Said]] = {
    "kill-points": killed_at_points,  # the longest of the short ones first
    "reorder": states,
    "reorder-unsafe": unsafe,
    "flip": flipped,
    "clock": misled,
    "pause": paused,
    "kill": killed,
}


def options_of(arguments: list[str]) -> argparse.Namespace:
    """The command line; what is not said is 0 or follows from --short."""
    parser = argparse.ArgumentParser(prog="tests.faults", description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", choices=FAULTS, action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--states", type=int)
    parser.add_argument("--flips", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--at-once", type=int)
    options = parser.parse_args(arguments)
    short = {"states": 1_000, "flips": 600, "rounds": 3, "at_once": 2}
    long = {"states": 20_000, "flips": 1_000, "rounds": 500, "at_once": 1}
    for name, value in (short if options.short else long).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def one(name: str, options: argparse.Namespace) -> tuple[str, bool]:
    """The line of a fault, and whether it holds."""
    told, began = Progress(name), time.monotonic()
    folder = fast_folder()
    try:
        said = FAULTS[name](options, folder, told)
    finally:
        told.end()
        shutil.rmtree(folder)
    mark = "ok  " if said.holds else "FAIL"
    return f"{mark} {name:14} {time.monotonic() - began:6.1f} s  {said.line}", said.holds


def main(arguments: list[str]) -> int:
    """Run them; whether all hold."""
    options = options_of(arguments)
    broken = 0
    with ThreadPoolExecutor(max(1, options.at_once)) as pool:
        under_way = [pool.submit(one, name, options) for name in options.only or FAULTS]
        for done in as_completed(under_way):
            line, holds = done.result()
            broken += not holds
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
