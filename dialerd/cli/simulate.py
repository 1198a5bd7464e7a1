"""`dialerd simulate`: whole days of dialing in virtual time, from a scenario and a seed."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dialerd.cli.common import clean, output_option, print_json, print_pairs, print_table
from dialerd.cli.main import FAILED, OK

if TYPE_CHECKING:
    from dialerd.sim.day_report import DayFigures
    from dialerd.sim.day_run import Simulation

TELL_EVERY_S = 5.0
SEEDS_MAX = 1_000_000


@click.command("simulate")
@click.argument("files", metavar="SCENARIO...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0, 1 << 40),
    help="Of the first day: the same scenario and seed are the same day.",
)  # fmt: skip
@click.option(
    "--seeds",
    default=1,
    show_default=True,
    type=click.IntRange(1, SEEDS_MAX),
    help="So many days, with this seed and the next ones.",
)
@click.option(
    "--jobs", default=1, show_default=True, type=click.IntRange(1, 1_024), help="Processes."
)
@click.option("--compare", is_flag=True, help="Two scenarios, the same seeds, side by side.")
@output_option
def simulate(
    files: tuple[str, ...], seed: int, seeds: int, jobs: int, *, compare: bool, output: str
) -> int:
    """Simulate days of dialing: the daemon's own machines, in virtual time.

    A scenario (conf/scenarios has some) says who is called, by which lines and campaigns, and what
    goes wrong. The same scenario and seed give the same output, byte for byte. Independent checkers
    examine every day; the exit code is 1 when they found anything.
    """
    if len(files) != 1 + compare:
        raise click.UsageError("--compare takes two scenarios" if compare else "one scenario")
    paths = [Path(file) for file in files]
    chosen = range(seed, seed + seeds)
    results = [list(_days(path, chosen, jobs)) for path in paths]
    if output == "json":
        every = [day for days in results for day in days]
        print_json(every[0] if len(every) == 1 else every)
    elif compare:
        _print_pairs(paths, results)
    elif seeds == 1:
        _print_day(results[0][0])
    else:
        _print_many(results[0])
    bad = [(path, d) for path, days in zip(paths, results, strict=True) for d in days if d.faults]
    for path, day in bad:
        first = day.faults[0]
        said = f"{first.kind}: {first.text}" + (f" ({first.call_id})" if first.call_id else "")
        click.echo(f"seed {day.seed}: {day.faults_found} faults, {clean(said)}", err=True)
        click.echo(f"  again: dialerd simulate {path} --seed {day.seed}", err=True)
    return FAILED if bad else OK


# -- running them ---------------------------------------------------------------------------------

_simulation: Simulation | None = None  # of a worker process


def _days(path: Path, seeds: range, jobs: int) -> Iterator[DayFigures]:
    """Every day in the order of its seed."""
    told = Told(len(seeds))
    if jobs == 1 or len(seeds) == 1:
        _prepare(path)
        for seed in seeds:
            yield _one(seed, told)
            told.done()
        return
    with ProcessPoolExecutor(jobs, initializer=_prepare, initargs=(path,)) as pool:
        _prepare(path)  # a fault of the file is told once, before anything runs
        at_once = max(1, min(8, len(seeds) // (4 * jobs)))
        try:
            for figures in pool.map(_one, seeds, chunksize=at_once):
                yield figures
                told.done()
        except BaseException:  # an interrupt: else every day that is begun would be waited for
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.terminate()
                worker.join()
            raise


def _prepare(path: Path) -> None:
    from dialerd.sim.day_run import Simulation
    from dialerd.sim.day_scenario import read_scenario

    global _simulation  # noqa: PLW0603 - what a worker keeps between its days
    _simulation = Simulation(read_scenario(path), str(path))


def _one(seed: int, told: Told | None = None) -> DayFigures:
    from dialerd.garbage import seldom_collected

    assert _simulation is not None  # noqa: S101 - every worker was prepared
    with seldom_collected():
        return _simulation.run(seed, told.now) if told else _simulation.run(seed)


class Told:
    """What is said on standard error while one waits."""

    def __init__(self, days: int) -> None:
        """Nothing is said of what takes a moment."""
        self._days = days
        self._over = 0
        self._next_s = time.monotonic() + TELL_EVERY_S

    def now(self, share: float, calls: int) -> None:
        """So far is the present day."""
        if time.monotonic() >= self._next_s:
            self._say(f"{share:4.0%} of the day, {calls:,} calls")

    def done(self) -> None:
        """Another day is over."""
        self._over += 1
        if time.monotonic() >= self._next_s:
            self._say(f"{self._over:,} of {self._days:,} days")

    def _say(self, text: str) -> None:
        self._next_s = time.monotonic() + TELL_EVERY_S
        click.echo(text, err=True)


# -- showing them ---------------------------------------------------------------------------------


def _print_day(day: DayFigures) -> None:
    print_pairs(
        [
            ("scenario", f"{day.scenario}, seed {day.seed}"),
            ("calls", f"{day.calls:,} in {day.hours:.2f} h: {day.calls_per_hour:,.0f} an hour"),
            ("answered", f"{day.answered:,} ({day.answered_share:.1%}), {day.heard:,} heard"),
            ("ringing", f"{day.ring_s_mean:.1f} s a call that rang"),
            ("talk", f"{day.talk_minutes:,.1f} min, cost {day.cost:,.2f}"),
            *_agents(day),
            ("calls by hour", ", ".join(f"{hour}: {n:,}" for hour, n in day.by_hour.items())),
            ("went wrong", ", ".join(f"{n} {what}" for what, n in day.struck.items()) or "nothing"),
            ("checkers", f"{day.faults_found} faults" if day.faults_found else "all is well"),
        ]
    )
    click.echo()
    head = ("campaign", "state", "audience", "dialed", "reached", "attempts", "outcomes")
    rows = [
        (
            c.name, c.state, c.audience, f"{c.penetration:.1%}", f"{c.reached_share:.1%}",
            c.attempts, ", ".join(f"{name} {n}" for name, n in c.outcomes.items()),
        )
        for c in day.campaigns
    ]  # fmt: skip
    print_table(head, rows)
    click.echo()
    lines = [
        (
            line.name, line.placed, line.answered, f"{line.asr:.1%}", line.minutes, line.cost,
            line.busy_max, f"{line.utilisation:.1%}",
        )
        for line in day.lines
    ]  # fmt: skip
    print_table(
        ("line", "placed", "answered", "ASR", "minutes", "cost", "busy at most", "busy"), lines
    )


def _agents(day: DayFigures) -> list[tuple[str, str]]:
    if not day.agents:
        return []
    text = f"{day.utilisation:.1%} of their time, {day.abandoned:,} people abandoned"
    text += f" ({day.abandoned_share:.2%}), the others waited {day.wait_s_mean:.2f} s"
    return [(f"{day.agents} agents", text)]


def _print_many(days: list[DayFigures]) -> None:
    from dialerd.sim.day_report import plain

    table = [plain(day) for day in days]
    rows = [
        (_words(name), *_four(name, [row[name] for row in table]))
        for name in table[0]
        if _same(table, name) and _tells(table, name)
    ]
    print_table(("figure", "mean", "least", "most", "spread"), rows)
    bad = sum(1 for day in days if day.faults)
    click.echo(f"\n{len(days)} days, {bad} with faults")


def _same(table: list[dict[str, Any]], name: str) -> bool:
    return all(name in row for row in table)


def _tells(table: list[dict[str, Any]], name: str) -> bool:
    """A row of zeros is of something that the scenario does not have."""
    return name == "faults_found" or any(row[name] for row in table)


def _words(name: str) -> str:
    """A figure's name as people say it."""
    return name.replace("_s_mean", " s").replace("_", " ")


def _number(name: str, value: float, sign: str = "") -> str:
    """Shares in percent, large numbers without exponents."""
    if name.endswith(("_share", "utilisation", "penetration")):
        return f"{100 * value:{sign}.2f}%"
    digits = 0 if abs(value) >= 1_000 else 1 if abs(value) >= 100 else 2
    return f"{value:{sign},.{digits}f}"


def _four(name: str, values: list[float]) -> tuple[str, ...]:
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    found = (statistics.fmean(values), min(values), max(values), spread)
    return tuple(_number(name, value) for value in found)


def _print_pairs(paths: list[Path], results: list[list[DayFigures]]) -> None:
    """Figures of two scenarios; the difference is of days with the same seed."""
    from dialerd.sim.day_report import plain

    left, right = ([plain(day) for day in days] for days in results)
    rows = []
    for name in left[0]:
        if not _same(left, name) or not _same(right, name) or not _tells(left + right, name):
            continue
        gains = [b[name] - a[name] for a, b in zip(left, right, strict=True)]
        unsure = 2 * statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
        rows.append(
            (
                _words(name),
                _number(name, statistics.fmean(row[name] for row in left)),
                _number(name, statistics.fmean(row[name] for row in right)),
                _number(name, statistics.fmean(gains), "+")
                + (f" ± {_number(name, unsure)}" if unsure else ""),
            )
        )
    print_table(("figure", paths[0].name, paths[1].name, "difference"), rows)
    if len(left) > 1:
        click.echo(f"\nmeans of {len(left)} days; ± is twice the standard error of the difference")
