"""What goes wrong on a simulated day, and when."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import time, timedelta
from typing import Final, Protocol

import dialerd.core.events as ev
from dialerd.sim.day_clock import NS, VirtualClock
from dialerd.sim.day_driver import Disk
from dialerd.sim.day_lines import Carriers
from dialerd.sim.day_scenario import FaultKind, FaultTable, Scenario

NOTICE_S: Final = (1.0, 30.0)  # until OPTIONS tell that a trunk is dead
HEARD_S: Final = (1.0, 10.0)  # until they tell that it is back
WATCH_S: Final = 1.0  # how often the daemon looks at its clock


class Machine(Protocol):
    """What faults befall, beside lines and disk."""

    def crash(self, back_s: float) -> None:
        """Kill the daemon; a new process is there after `back_s`."""

    def feed(self, event: ev.AnyEvent) -> None:
        """Tell the daemon something, if there is one."""

    def look_at_clock(self) -> None:
        """Let the daemon see what the wall clock is now."""


class Faults:
    """The faults of a scenario; `counts` says how often each kind has struck."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        clock: VirtualClock,
        carriers: Carriers,
        disk: Disk,
    ) -> None:
        """Nothing is wrong yet."""
        self.counts: dict[str, int] = dict.fromkeys(
            (fault.kind.value for fault in scenario.fault), 0
        )
        self.over = False
        self._scenario = scenario
        self._clock = clock
        self._carriers = carriers
        self._disk = disk
        self._slow: list[tuple[float, float]] = []
        self._full = 0
        self._rng = random.Random(f"faults:{seed}")  # noqa: S311  a repeatable world

    def begin(self, machine: Machine) -> None:
        """From now on they strike."""
        start = self._scenario.start
        for fault in self._scenario.fault:
            if fault.every_s:
                self._again(fault, machine)
                continue
            at = start.replace(microsecond=0)
            clock_time = time.fromisoformat(fault.at)
            at = at.replace(
                hour=clock_time.hour, minute=clock_time.minute, second=clock_time.second
            )
            if at < start:
                at += timedelta(days=1)
            self._clock.after((at - start).total_seconds(), self._strike, fault, machine)

    def _again(self, fault: FaultTable, machine: Machine) -> None:
        gap_s = self._rng.expovariate(1 / fault.every_s)
        self._clock.after(gap_s, self._strike, fault, machine)

    def _strike(self, fault: FaultTable, machine: Machine) -> None:
        if self.over:
            return
        self.counts[fault.kind.value] += 1
        _BEGIN[fault.kind](self, fault, machine)
        if fault.every_s:
            self._again(fault, machine)

    # -- the kinds -------------------------------------------------------------------------------

    def _crash(self, fault: FaultTable, machine: Machine) -> None:
        machine.crash(fault.for_s)

    def _down(self, fault: FaultTable, machine: Machine) -> None:
        state = self._carriers.lines[fault.trunk]
        state.down += 1
        self.notice_down(fault.trunk, machine)
        self._clock.after(fault.for_s, self._up, fault, machine)

    def notice_down(self, trunk: str, machine: Machine) -> None:
        """OPTIONS will tell."""
        self._clock.after(self._rng.uniform(*NOTICE_S), self._tell_health, trunk, False, machine)

    def _up(self, fault: FaultTable, machine: Machine) -> None:
        self._carriers.lines[fault.trunk].down -= 1
        after_s = self._rng.uniform(*HEARD_S)
        self._clock.after(after_s, self._tell_health, fault.trunk, True, machine)

    def _tell_health(self, trunk: str, alive: bool, machine: Machine) -> None:  # noqa: FBT001
        if alive != bool(self._carriers.lines[trunk].down):
            why = "" if alive else "no answer to OPTIONS"
            machine.feed(ev.LineHealth(trunk, alive=alive, why=why))

    def _refuses(self, fault: FaultTable, _: Machine) -> None:
        state = self._carriers.lines[fault.trunk]
        state.refusing += 1

        def ends() -> None:
            state.refusing -= 1

        self._clock.after(fault.for_s, ends)

    def _hangs(self, fault: FaultTable, _: Machine) -> None:
        hung = self._carriers.lines[fault.trunk].hung
        hung[fault.port] = hung.get(fault.port, 0) + 1

        def ends() -> None:
            hung[fault.port] -= 1

        self._clock.after(fault.for_s, ends)

    def _steps(self, fault: FaultTable, machine: Machine) -> None:
        self._step(fault.step_s, machine)
        if fault.for_s:
            self._clock.after(fault.for_s, self._step, -fault.step_s, machine)

    def _step(self, by_s: int, machine: Machine) -> None:
        self._clock.step(by_s * NS)
        self._clock.after(self._rng.uniform(0.0, WATCH_S), machine.look_at_clock)

    def _slows(self, fault: FaultTable, _: Machine) -> None:
        self._slow.append(fault.commit_ms)
        self._disk.commit_ms = fault.commit_ms

        def ends() -> None:
            self._slow.remove(fault.commit_ms)
            self._disk.commit_ms = self._slow[-1] if self._slow else self._scenario.commit_ms

        self._clock.after(fault.for_s, ends)

    def _fills(self, fault: FaultTable, _: Machine) -> None:
        self._full += 1
        self._disk.full = True

        def ends() -> None:
            self._full -= 1
            self._disk.full = self._full > 0

        self._clock.after(fault.for_s, ends)


_BEGIN: Final[dict[FaultKind, Callable[[Faults, FaultTable, Machine], None]]] = {
    FaultKind.CRASH: Faults._crash,
    FaultKind.TRUNK_DOWN: Faults._down,
    FaultKind.TRUNK_REFUSES: Faults._refuses,
    FaultKind.PORT_HANG: Faults._hangs,
    FaultKind.CLOCK_STEP: Faults._steps,
    FaultKind.SLOW_DISK: Faults._slows,
    FaultKind.DISK_FULL: Faults._fills,
}
