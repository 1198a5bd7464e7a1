"""A port with a modem that answers in virtual time, and what came of it."""

from __future__ import annotations

import functools
import random
import tomllib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, TypeVar

import msgspec

from gsm.carrier import Carrier, Carriers
from gsm.dialect import Dialect
from gsm.effects import Close, Reopen, Tell, Write
from gsm.events import Fact, PortState, Trace
from gsm.number import DialString
from gsm.port import Port
from gsm.settings import PortSettings
from tests import tree

S = 1_000_000_000
MS = 1_000_000
F = TypeVar("F", bound=Fact)


@functools.cache
def dialects() -> dict[str, Dialect]:
    """Those that are shipped."""
    found = (tree.ROOT / "conf" / "gsm").glob("*.toml")
    read = (msgspec.convert(tomllib.loads(path.read_text()), Dialect) for path in sorted(found))
    return {each.name: each for each in read}


@functools.cache
def carriers() -> tuple[Carrier, ...]:
    path = tree.ROOT / "conf" / "gsm" / "carriers" / "vietnam.toml"
    return msgspec.convert(tomllib.loads(path.read_text()), Carriers).whole()


class Modem(ABC):
    """What a port talks to: `said(data)` is called with what it writes."""

    def attach(self, hand: Hand) -> None:
        self.hand = hand

    @abstractmethod
    def opened(self) -> None:
        """The device was opened."""

    @abstractmethod
    def said(self, data: bytes) -> None:
        """The port wrote this."""


class Hand:
    """Drives one port. `say` and `later` are the modem's."""

    def __init__(self, modem: Modem, **settings: Any) -> None:
        self.now = 1_000 * S
        self.modem = modem
        self.port = Port(
            PortSettings(**({"name": "slot00", "trace": False} | settings)),
            dialects(), carriers(), random.Random(7),
        )  # fmt: skip
        self.facts: list[tuple[int, Fact]] = []
        self.written: deque[tuple[int, bytes]] = deque(maxlen=20_000)
        self.reopens: list[float] = []
        self.closed = False
        self.present = True
        self.open = False
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0
        self.states_seen: list[str] = []
        modem.attach(self)

    # the world

    def later(self, seconds: float, then: Callable[[], None]) -> None:
        self._number += 1
        heappush(self._agenda, (self.now + round(seconds * S), self._number, then))

    def say(self, data: bytes | str) -> None:
        """The modem says this now, if the device is open."""
        if self.open:
            self.port.received(data.encode("latin-1") if isinstance(data, str) else data, self.now)
            self.settle()

    def unplug(self) -> None:
        self.present = self.open = False
        self.port.lost("gone", self.now)
        self.settle()

    def settle(self) -> None:
        """Carry out what the port wants."""
        while effects := self.port.drain():
            for effect in effects:
                if isinstance(effect, Write):
                    if not self.present:
                        continue  # it was pulled out while these were carried out
                    assert self.open, "written to a closed device"
                    self.written.append((self.now, effect.data))
                    self.modem.said(effect.data)
                elif isinstance(effect, Close):
                    self.open, self.closed = False, True
                elif isinstance(effect, Reopen):
                    self.reopens.append(effect.after_ns / S)
                    self.later(effect.after_ns / S, self.reopen)
                else:
                    assert isinstance(effect, Tell)
                    self.facts.append((self.now, effect.fact))
                    if isinstance(effect.fact, PortState):
                        self.states_seen.append(effect.fact.state)

    def reopen(self) -> None:
        if self.open or self.port.state not in ("opening", "absent", "dead"):
            return
        if not self.present:
            self.port.lost("no such device", self.now)
            self.settle()
            return
        self.open, self.closed = True, False
        self.modem.opened()
        self.port.opened(self.now)
        self.settle()

    # time

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass; ends early when `until` holds. Returns whether it does."""
        end = self.now + round(seconds * S)
        for _ in range(2_000_000):
            if until is not None and until():
                return True
            times = [end]
            due = self.port.deadline_ns()
            if due is not None:
                times.append(due)
            if self._agenda:
                times.append(self._agenda[0][0])
            self.now = max(self.now, min(times))
            if self._agenda and self._agenda[0][0] <= self.now:
                heappop(self._agenda)[2]()
            elif due is not None and due <= self.now:
                self.port.tick(self.now)
                self.settle()
            elif self.now >= end:
                return until is not None and until()
        raise AssertionError(f"no end: {self.port.state}")

    def expect_state(self, state: str, seconds: float = 120) -> None:
        assert self.run(seconds, lambda: self.port.state == state), self.story()

    # what happened

    def told(self, kind: type[F]) -> list[F]:
        return [fact for _, fact in self.facts if isinstance(fact, kind)]

    def words(self) -> list[str]:
        """What the port wrote, without line ends."""
        return [data.decode("latin-1").rstrip("\r") for _, data in self.written]

    def story(self, count: int = 40) -> str:
        told = [f"{(t - 1000 * S) / S:9.3f} {f}" for t, f in self.facts if not isinstance(f, Trace)]
        wrote = [f"{(t - 1000 * S) / S:9.3f} > {d!r}" for t, d in self.written]
        return "\n".join([self.port.state + " " + self.port.why, *(told + wrote)[-count:]])

    # what is asked of the port

    def start(self) -> None:
        self.port.start(self.now)
        self.settle()

    def up(self, seconds: float = 120) -> None:
        """Until it is ready."""
        self.start()
        self.expect_state("ready", seconds)
        self.run(3)

    def dial(
        self,
        number: str = "0912345678",
        leg: int = 1,
        call_s_max: int | None = None,
        ring_s_max: float = 0.0,
    ) -> str:
        why = self.port.dial(leg, DialString(number), self.now, call_s_max, ring_s_max)
        self.settle()
        return why

    def hang_up(self, leg: int = 1) -> str:
        why = self.port.hang_up(leg, self.now)
        self.settle()
        return why
