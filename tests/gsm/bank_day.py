"""A bank of simulated modems with a port machine on each, in virtual time, on one loop.

The loop is that of the daemon: one thing after the other, and each step of a machine costs STEP_NS
of virtual time. A port that spins, or is spun by its modem, makes all the others late. Everybody
dials, talks and hangs up by chance, of a seed.

    python -m tests.gsm.bank_day --ports 64 --hours 12 --seed 1
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Final

import msgspec

from dialerd.sim.ledger import Entry
from dialerd.sim.modem import Power
from dialerd.sim.modem_bank import Bank, Gone, Here, Say, Setup
from dialerd.sim.modem_faults import KINDS
from dialerd.sim.people import Town
from gsm import events as gsm
from gsm.effects import Close, Reopen, Tell, Write
from gsm.number import DialString
from gsm.port import Port
from gsm.settings import Care, PortSettings
from tests.gsm.drive import MS, S, carriers, dialects

STEP_NS: Final = 100_000  # several times what a step costs this program
MAKES: Final = (
    "huawei", "quectel", "ec25", "m35", "simcom", "sim800", "wavecom", "zte", "k3565", "generic",
)  # fmt: skip
SAY_WHY: Final = ("absent", "register", "locked", "sim fault", "degraded", "resetting", "dead")
TALK_S: Final = 30.0
CALL_S_MAX: Final = 120
RETRY_S: Final = 5.0  # of a port that is not ready


class Call(msgspec.Struct):
    """A leg that a port took."""

    leg: int
    dialed_ns: int
    ended: int = 0


class Caller:
    """One port of the bank with who makes calls on it."""

    def __init__(self, day: BankDay, slot: int) -> None:
        self.day, self.slot = day, slot
        self.rng = random.Random(f"{day.seed}:caller:{slot}")
        self.port = Port(
            PortSettings(
                f"slot{slot:02d}", start_ns=slot * 200 * MS, trace=False, call_s_max=CALL_S_MAX,
                care=Care(gap_s=2.0),
            ),
            dialects(), carriers(), random.Random(f"{day.seed}:port:{slot}"),
        )  # fmt: skip
        self.present = self.open = False
        self.steps = 0
        self.due_ns = -1
        self.calls: dict[int, Call] = {}
        self.causes: Counter[str] = Counter()
        self.wordless: list[str] = []  # not ready and without a reason

    @property
    def completed(self) -> int:
        """Calls that are over."""
        return sum(call.ended for call in self.calls.values())

    def step(self, act: Callable[[], object]) -> None:
        """One input of the machine, and what it asks for."""
        self.steps += 1
        act()
        self.day.now += STEP_NS
        while effects := self.port.drain():
            for effect in effects:
                self._do(effect)
        self.day.arm(self)

    def _do(self, effect: object) -> None:
        day = self.day
        match effect:
            case Write(data=data):
                if self.present:
                    assert self.open, "written to a closed device"
                    day.bank.received(self.slot, data, day.now)
            case Close():
                self.open = False
            case Reopen(after_ns=after_ns):
                day.later(after_ns / S, self.reopen)
            case Tell(fact=fact):
                self._hear(fact)

    def _hear(self, fact: gsm.Fact) -> None:
        day = self.day
        match fact:
            case gsm.Answered(leg=leg):
                day.later(self.rng.expovariate(1 / TALK_S), lambda: self.hang_up(leg))
            case gsm.Ended(leg=leg, cause=cause):
                self.calls[leg].ended += 1
                self.causes[cause] += 1
                day.later(self.rng.expovariate(1 / day.idle_s), self.dial)
            case gsm.PortState(state=state, why=""):
                if state in SAY_WHY:
                    self.wordless.append(state)
            case _:
                pass

    def reopen(self) -> None:
        """The driver opens the device, if it is there."""
        if self.open or self.port.state not in ("opening", "absent", "dead"):
            return
        if self.present:
            self.open = True
            self.step(lambda: self.port.opened(self.day.now))
        else:
            self.step(lambda: self.port.lost("no such device", self.day.now))

    def gone(self) -> None:
        """Unplugged."""
        self.present = False
        if self.open:
            self.open = False
            self.step(lambda: self.port.lost("unplugged", self.day.now))

    def here(self) -> None:
        """Plugged in, seen by the driver's next look."""
        self.present = True
        self.day.later(1.0, self.reopen)

    def dial(self) -> None:
        """Somebody is called, as soon as the port takes calls."""
        if self.day.quiet:
            return
        number = DialString(f"09{self.rng.randrange(10**8):08d}")
        leg, now = len(self.calls), self.day.now
        why: list[str] = []
        self.step(lambda: why.append(self.port.dial(leg, number, now)))
        if why == [""]:
            self.calls[leg] = Call(leg, now)
        else:
            self.day.later(RETRY_S, self.dial)

    def hang_up(self, leg: int) -> None:
        """We have said everything."""
        if not self.calls[leg].ended:
            self.step(lambda: self.port.hang_up(leg, self.day.now))


class BankDay:
    """See the module's text."""

    def __init__(
        self, ports: int, seed: int, *, idle_s: float = 20.0, makes: Iterable[str] = MAKES
    ) -> None:
        self.seed, self.idle_s, self.now = seed, idle_s, 1_000 * S
        self.quiet = False  # nobody dials any more
        self.rng = random.Random(f"{seed}:day")
        self.ledger: list[Entry] = []
        setup = Setup(ports, tuple(makes), seed, Town())
        self.bank = Bank(setup, self.ledger.append, self.now)
        self._agenda: list[tuple[int, int, Callable[[], object]]] = []
        self._number = 0
        self._bank_ns = -1
        self._due: list[tuple[int, int]] = []
        self.faults: Counter[str] = Counter()
        self.callers = [Caller(self, slot) for slot in range(ports)]
        self._work()
        for one in self.callers:
            one.step(lambda one=one: one.port.start(self.now))  # type: ignore[misc]
            self.later(30 + self.rng.random() * idle_s, one.dial)

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """At a moment."""
        self._number += 1
        heappush(self._agenda, (self.now + round(seconds * S), self._number, act))

    def arm(self, one: Caller) -> None:
        """Its deadline may be another now."""
        due = one.port.deadline_ns()
        if due is not None and due != one.due_ns:
            one.due_ns = due
            heappush(self._due, (due, one.slot))

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass; ends early when `until` holds. Returns whether it does."""
        end = self.now + round(seconds * S)
        while self.now < end:
            if until is not None and until():
                return True
            bank = self.bank.deadline_ns()
            times = [
                self._agenda[0][0] if self._agenda else end,
                self._due[0][0] if self._due else end,
                end if bank is None else bank,
            ]
            soonest = min(times)
            self.now = max(self.now, min(soonest, end))
            if soonest >= end:
                continue
            if soonest == times[2]:
                self.bank.tick(self.now)
                self._work()
            elif soonest == times[1]:
                self._tick(*heappop(self._due))
            else:
                heappop(self._agenda)[2]()
                self._work()
        return until is None or until()

    def _tick(self, due: int, slot: int) -> None:
        one = self.callers[slot]
        if one.port.deadline_ns() != due:
            return  # it was moved meanwhile, and armed again
        one.due_ns = -1
        one.step(lambda: one.port.tick(self.now))
        self._work()

    def _work(self) -> None:
        """What the modems did."""
        while effects := self.bank.drain():
            for effect in effects:
                match effect:
                    case Say(slot=slot, data=data):
                        one = self.callers[slot]
                        if one.open:
                            one.step(lambda o=one, d=data: o.port.received(d, self.now))  # type: ignore[misc]
                    case Gone(slot=slot):
                        self.callers[slot].gone()
                    case Here(slot=slot):
                        self.callers[slot].here()
                    case _:
                        pass

    # what goes wrong

    def fault(self, slot: int, kind: str, seconds: float = 0.0) -> None:
        """A fault of a slot; a wedge is over when it was unplugged, after so many seconds."""
        self.faults[kind] += 1
        place = self.bank.slots[slot]
        place.faults.begin(kind, seconds)
        if kind == "wedge" and seconds:
            self.later(seconds, place.unplug)
            self.later(seconds + 5, place.plug)
        self._work()

    def trouble(self, every_s: float) -> None:
        """Faults of all kinds at random slots, from now on until `quiet`."""
        if self.quiet:
            return
        kind = self.rng.choice(sorted(KINDS))
        self.fault(self.rng.randrange(len(self.callers)), kind, self.rng.uniform(5, 600))
        self.later(self.rng.expovariate(1 / every_s), lambda: self.trouble(every_s))

    def cure(self) -> None:
        """Nobody dials, and everything that was wrong is put right."""
        self.quiet = True
        for place in self.bank.slots:
            wedged = place.modem.power is Power.WEDGED
            place.faults.begin("none")
            if wedged or not place.plugged:
                place.unplug()
                place.plug()
        self._work()

    # what came of it

    def story(self) -> str:
        """One line for each port."""
        lines = [
            f"{one.port.settings.name} {one.port.dialect.name}: {one.port.state} "
            f"({one.port.why}), {one.completed}/{len(one.calls)} calls, {one.steps} steps, "
            f"{dict(one.causes)}"
            for one in self.callers
        ]
        return "\n".join([f"faults {dict(self.faults)}", *lines])

    def stuck(self) -> list[str]:
        """Ports that are not as they should be when all is well again."""
        found = []
        for one in self.callers:
            name = one.port.settings.name
            if not one.port.ready:
                found.append(f"{name} is {one.port.state}: {one.port.why}")
            found += [
                f"{name}: leg {call.leg} ended {call.ended} times"
                for call in one.calls.values()
                if call.ended != 1
            ]
            if self.bank.slots[one.slot].modem.calls.live():
                found.append(f"{name}: its modem is still in a call")
            if one.wordless:
                found.append(f"{name} did not say why it was {set(one.wordless)}")
        return found


def main() -> None:
    """A day, and what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ports", type=int, default=64)
    parser.add_argument("--hours", type=float, default=12.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    day = BankDay(given.ports, given.seed, idle_s=60.0)
    day.trouble(every_s=3_600 / given.ports)
    hours, began = given.hours, time.monotonic()
    while hours > 0:
        day.run(min(1.0, hours) * 3_600)
        hours -= 1.0
        calls = sum(one.completed for one in day.callers)
        took = time.monotonic() - began
        print(f"{given.hours - max(hours, 0):g} h: {calls} calls, {took:.0f} s", flush=True)  # noqa: T201
    day.cure()
    day.run(1_200, lambda: not day.stuck())
    print(day.story())  # noqa: T201
    if found := day.stuck():
        raise SystemExit("\n".join(["stuck:", *found]))
    print("no port is stuck, every call ended once")  # noqa: T201


if __name__ == "__main__":
    main()
