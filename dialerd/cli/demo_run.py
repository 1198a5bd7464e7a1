"""The steps of `dialerd demo`: set up, dial, drain, judge."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from dialerd.control.io_client import UnreachableError
from dialerd.sim.bank_figures import is_lost
from dialerd.sim.io_procs import ChildError
from dialerd.sim.io_world import Look, World
from dialerd.sim.summary import Imported, Measured, Sample, Summary

T = TypeVar("T")

LOOK_S = 0.5  # between two looks at the world
RATE_WINDOW = 8  # looks over which calls/s is averaged
TALK_S = 60.0  # the longest conversation of the simulated people, and some
SETTLE_S = 5.0  # for the last BYEs to be seen on both sides
TIMER_H_S = 35.0  # 64*T1 and some: a carrier gives up waiting for the ACK of a core that died
HANG_UP_S = 10.0
DRAIN_S = 45.0  # for the daemon of an earlier run on the same folder
RESTARTS_MAX = 3  # of a daemon that dies
DYING_S = 3.0  # between a lost connection and the end of the process
SLOW_S = 120.0  # a daemon that runs may leave questions without an answer: the machine is busy
PORTS_S = 4.0  # the start waits no longer for the ports of the bank; the others come later
LOSS_AT = 1 / 4  # of the time of the run a port loses its signal,
LOSS_AT_S = 15.0  # at the latest then,
LOSS_S = 20.0  # and has it back after that, at the latest when dialing ends


class Screen(Protocol):
    """Where the run is shown."""

    def step(self, text: str) -> None:
        """A part of the set-up is done."""

    def show(self, look: Look, phase: str, elapsed_s: float, cps: float) -> None:
        """The world now."""


class DemoRun:
    """One run in a world. `stop` may be called from a signal handler at any time."""

    def __init__(self, world: World, screen: Screen, seconds: float | None) -> None:
        """`seconds`: how long to place calls; None: until the list is done."""
        self._world = world
        self._screen = screen
        self._seconds = seconds
        self._stopped = threading.Event()
        self._hang_up = threading.Event()
        self._began = time.monotonic()
        self._placed: deque[tuple[float, int]] = deque(maxlen=RATE_WINDOW)
        self.imported = Imported()
        self.measured = Measured(rate=world.scene.rate)

    def stop(self) -> None:
        """The first time: no new calls. The second time: hang up what is live."""
        if self._stopped.is_set():
            self._hang_up.set()
        self._stopped.set()

    def set_up(self) -> None:
        """Carriers, daemon and list; ChildError when stopped before they are there."""
        world, scene = self._world, self._world.scene
        steps: tuple[Callable[[], str], ...] = (
            self._carriers,
            self._daemon,
            self._list,
            *((self._bank,) if scene.modems else ()),
        )
        for step in steps:
            if self._stopped.is_set():
                raise ChildError("stopped before the first call")
            self._screen.step(step())
        self.measured.before = Sample(world.usage())
        self._screen.step(f"campaign starts at {scene.rate:g} calls/s")

    def _carriers(self) -> str:
        self._world.start_carriers()
        ports = self._world.scene.ports.carriers
        return "simulated carriers: " + ", ".join(f"{n} :{p}" for n, p in ports.items())

    def _daemon(self) -> str:
        told = False
        give_up = time.monotonic() + DRAIN_S
        while (pid := self._world.earlier_daemon()) is not None and time.monotonic() < give_up:
            if not told:
                self._screen.step(f"waiting for the daemon of an earlier run (process {pid})")
            told = True
            self._stopped.wait(LOOK_S)
        self._world.start_daemon()
        return f"daemon: {self._world.scene.config_file}"

    def _list(self) -> str:
        self.imported = done = self._world.load_list()
        return (
            f"list: {done.valid:,} numbers ({done.converted:,} converted), {done.duplicates:,} "
            f"duplicates, {done.rejected:,} rejected in {done.seconds:.1f} s"
        )

    def _bank(self) -> str:
        count, give_up = self._world.scene.modems, time.monotonic() + PORTS_S
        while (ready := self._ports_ready()) < count and time.monotonic() < give_up:
            if self._stopped.wait(0.1):
                break
        return f"bank of {count} modems: {ready} ports ready"

    def _ports_ready(self) -> int:
        ready = sum(port.ready for port in self._ask(self._world.modems))
        self.measured.ports_ready = max(self.measured.ports_ready, ready)
        return ready

    def dial(self) -> None:
        """Start the campaign and place calls until the time, the list or the patience is over."""
        before = self._ask(self._world.begin)
        self.measured.placed_before = sum(before.outcomes.values())
        began = time.monotonic()
        end = None if self._seconds is None else began + self._seconds
        while not self._stopped.is_set():
            look = self._look("dialing", began)
            if look.list_done:
                break
            self._signal(look, time.monotonic() - began)
            left = LOOK_S if end is None else min(LOOK_S, end - time.monotonic())
            if left <= 0:
                break
            self._stopped.wait(left)
        self.measured.seconds = time.monotonic() - began
        self._signal_back()

    def _signal(self, look: Look, elapsed_s: float) -> None:
        """One port of the bank loses its signal for a time."""
        bank = self._world.bank
        if bank is None:
            return
        lost = bank.away
        measured = self.measured
        well = sum(not is_lost(one) for one in look.modems)
        measured.ports_ready = max(measured.ports_ready, well)
        at_s = LOSS_AT_S if self._seconds is None else min(LOSS_AT_S, LOSS_AT * self._seconds)
        if lost is None:
            if elapsed_s >= at_s:
                bank.lose_signal()
        elif not lost.to_ms:
            gone = any(one.slot == lost.slot and is_lost(one) for one in look.modems)
            measured.port_loss_seen = measured.port_loss_seen or gone
            if elapsed_s >= at_s + LOSS_S:
                self._signal_back()

    def _signal_back(self) -> None:
        """The port has its signal again, once the daemon has told that it is without."""
        bank, give_up = self._world.bank, time.monotonic() + PORTS_S
        if bank is None or bank.away is None or bank.away.to_ms:
            return
        while not self.measured.port_loss_seen and time.monotonic() < give_up:
            ports = self._ask(self._world.modems)
            if any(one.slot == bank.away.slot and is_lost(one) for one in ports):
                self.measured.port_loss_seen = True
            elif self._stopped.wait(0.1):
                break
        bank.find_signal()

    def drain(self) -> None:
        """No new calls; live ones end by themselves, or are hung up after a bounded time."""
        world = self._world
        began = time.monotonic()
        self._ask(world.pause)
        patience = began + world.scene.ring_s_max + TALK_S / world.scene.speed
        told = False
        while True:
            look = self._look("draining", began)
            now = time.monotonic()
            if look.status.calls_in_flight == 0 or (told and now > patience + HANG_UP_S):
                break
            if not told and (now > patience or self._hang_up.is_set()):
                patience, told = now, True
                self._ask(world.hang_up)
            time.sleep(LOOK_S / 2)
        settle = SETTLE_S if not world.restarts else TIMER_H_S + TALK_S / world.scene.speed
        give_up = time.monotonic() + settle
        while any(t.up for t in world.tallies().values()) and time.monotonic() < give_up:
            time.sleep(0.05)
        self.measured.drain_s = time.monotonic() - began

    def finish(self, report: Path) -> Summary:
        """Export the report, stop everything, judge."""
        world, measured = self._world, self.measured
        measured.restarts = world.restarts
        measured.after = world.usage()
        for child in world.carriers.values():
            measured.carriers += child.usage()
        world.export(report)
        world.stop_daemon()
        world.close()
        measured.wall_s = time.monotonic() - self._began
        summary = world.summary(self.imported, measured)
        summary.report = str(report)
        return summary

    def _ask(self, work: Callable[[], T]) -> T:
        """Do something with the daemon; one that died is started again, a slow one waited for."""
        give_up = time.monotonic() + SLOW_S
        while True:
            try:
                return work()
            except (UnreachableError, ChildError) as error:
                fault: Exception | None = error
            while fault is not None:
                fault = self._revive(fault, give_up)

    def _revive(self, fault: Exception, give_up: float) -> Exception | None:
        """Start a daemon again that died; what stopped that, None when it runs.

        Raises `fault` when the daemon runs and has not answered until `give_up`, or died too often.
        """
        world = self._world
        world.check_carriers()
        if world.daemon is None:
            raise fault
        alive = time.monotonic() + DYING_S
        while world.daemon.exit_code is None:
            now = time.monotonic()
            if now > give_up:
                raise fault
            if now > alive:
                self._screen.step(f"the daemon runs and does not answer, asked again: {fault}")
                return None
            time.sleep(0.02)
        if world.restarts >= RESTARTS_MAX:
            world.daemon.check()
        last = world.daemon.last_words().rpartition("\n")[2].strip()
        self._screen.step(
            f"the daemon ended with {world.daemon.exit_code} ({last}); started again on the same "
            f"data, {world.restarts + 1} of at most {RESTARTS_MAX} times"
        )
        try:
            world.restart_daemon()
        except ChildError as error:
            return error
        return None

    def _look(self, phase: str, since: float) -> Look:
        look = self._ask(self._world.look)
        now = time.monotonic()
        self.measured.watch(Sample(look.usage, look.status.calls_in_flight))
        self._placed.append((now, sum(t.seen for t in look.tallies.values())))
        (first, before), (last, after) = self._placed[0], self._placed[-1]
        cps = (after - before) / (last - first) if last > first else 0.0
        self._screen.show(look, phase, now - since, cps)
        return look
