"""A scenario simulated, checked and put into figures."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from typing import Any

from dialerd.core.dialer import Dialer
from dialerd.plan_file import read_numbering
from dialerd.sim.checkers import Fault
from dialerd.sim.day_checks import Evidence, examine
from dialerd.sim.day_report import DayFigures, report
from dialerd.sim.day_scenario import Scenario
from dialerd.sim.day_world import Day, Progress, _quiet
from fastpath.numbers import Numbering


class Simulation:
    """One scenario, for any number of seeds."""

    def __init__(self, scenario: Scenario, name: str) -> None:
        """Read what all of its days share; TomlError when the numbering plan cannot be used."""
        self.scenario = scenario
        self.name = name
        self.numbering: Numbering = read_numbering(scenario.numbering)
        plan = tomllib.loads(scenario.numbering.read_text(encoding="utf-8"))
        self.never = tuple(_never(plan))
        self.allowed = tuple(text.removeprefix("+") for text in plan["destinations"]["allow"])

    def day(self, seed: int, dialer: Callable[..., Dialer] = Dialer) -> Day:
        """A day that has not begun."""
        return Day(self.scenario, seed, numbering=self.numbering, dialer=dialer)

    def evidence(self, day: Day) -> Evidence:
        """What is left of a day for its checkers."""
        return Evidence(
            self.scenario,
            day.clock,
            day.carriers.ledger,
            day.store,
            day.crashes,
            day.staff.ledger,
            day.columns,
            day.closed_ns,
            self.never,
            self.allowed,
        )

    def examine(self, day: Day) -> list[Fault]:
        """What does not hold after a day."""
        return examine(self.evidence(day))

    def run(self, seed: int, progress: Progress = _quiet) -> DayFigures:
        """Simulate a day, examine it, and say what it came to."""
        day = self.day(seed)
        day.run(progress)
        return report(day, self.name, self.examine(day))


def _never(plan: dict[str, Any]) -> Iterator[str]:
    """Beginnings of national numbers, without the 0, that nobody may dial."""
    for table in plan.get("never", ()):
        for text in (*table.get("numbers", ()), *table.get("prefixes", ())):
            yield text.removeprefix("0")
