"""A bank of simulated modems in one machine: bytes by slot, time as an argument.

`io_modem_bank.py` drives it on pseudo terminals and the clock; a test drives it by hand.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from dialerd.sim import limits
from dialerd.sim.ledger import Entry
from dialerd.sim.modem import Modem
from dialerd.sim.modem_agenda import Agenda
from dialerd.sim.modem_card import card, imei
from dialerd.sim.modem_dialects import DIALECTS
from dialerd.sim.modem_faults import Faults
from dialerd.sim.modem_network import Network
from dialerd.sim.people import Town


class Say(msgspec.Struct, frozen=True):
    """Bytes out of a slot's first device."""

    slot: int
    data: bytes


class Audio(msgspec.Struct, frozen=True):
    """Samples of a slot begin to flow, or end."""

    slot: int
    on: bool


class Gone(msgspec.Struct, frozen=True):
    """A slot's devices disappear."""

    slot: int


class Here(msgspec.Struct, frozen=True):
    """A slot's devices are there: others than before."""

    slot: int


Effect = Say | Audio | Gone | Here


class Setup(msgspec.Struct, frozen=True):
    """What a bank is."""

    ports: int
    dialects: tuple[str, ...] = ("huawei",)  # by turns
    seed: int = 1
    town: Town = Town()
    cold: bool = False  # whether power comes on now
    hurry: float = 1.0  # divides the modems' own delays
    carriers: tuple[str, ...] = ()  # by turns; "": all
    pin: str = ""  # of all cards


class Slot:
    """One place of the bank: a modem behind its wire."""

    def __init__(self, index: int, bank: Bank) -> None:
        """Nothing is in it yet."""
        self.index, self._bank = index, bank
        self.name = f"slot{index:02d}"
        self.sounding = False
        self.plugged = True
        self.dialed_ns = 0  # when the last line that dials was read
        self.modem: Modem
        self.faults = Faults(self)

    def say(self, data: bytes) -> None:
        """Of `modem.Wire`."""
        self.faults.said(data)

    def put(self, data: bytes) -> None:
        """Bytes on the wire, while there is one."""
        if not self.plugged:
            return
        effects = self._bank.effects
        if effects and isinstance(last := effects[-1], Say) and last.slot == self.index:
            effects[-1] = Say(self.index, last.data + data)  # an echo comes byte by byte
        else:
            effects.append(Say(self.index, data))

    def audio(self, *, on: bool) -> None:
        """Of `modem.Wire`."""
        if on != self.sounding:
            self.sounding = on
            self._bank.effects.append(Audio(self.index, on))

    def reset(self) -> None:
        """Of `modem.Wire`: it is away until it has booted, and another device then."""
        self._away()
        self.modem.later(self.modem.habits.boot_s / 2, self._back)

    def unplug(self) -> None:
        """Somebody pulls it out; its power is gone with it."""
        self.modem.stop()
        self._away()

    def plug(self) -> None:
        """It is put back, and boots."""
        if not self.plugged:
            self.modem.start(cold=True)
            self._back()

    def _away(self) -> None:
        self.audio(on=False)
        if self.plugged:
            self.plugged = False
            self._bank.effects.append(Gone(self.index))

    def _back(self) -> None:
        if not self.plugged and "unplug" not in self.faults.kinds:
            self.plugged = True
            self._bank.effects.append(Here(self.index))


class Bank:
    """All slots, and the network around them."""

    def __init__(
        self,
        setup: Setup,
        write: Callable[[Entry], None],
        now_ns: int = 0,
        wall_offset_ns: int = 0,
    ) -> None:
        """ValueError for a setup that cannot be.

        Args:
            setup: what it is.
            write: takes the ledger's lines.
            now_ns: where time begins.
            wall_offset_ns: what to add to it for the time of day.
        """
        if not 1 <= setup.ports <= limits.MODEMS_MAX:
            raise ValueError(f"a bank has from 1 to {limits.MODEMS_MAX} ports")
        unknown = set(setup.dialects) - set(DIALECTS)
        if unknown or not setup.dialects:
            raise ValueError(f"dialects are {', '.join(sorted(DIALECTS))}")
        self.setup = setup
        self.agenda = Agenda(now_ns)
        self.network = Network(self.agenda, setup.town, setup.seed, write, wall_offset_ns)
        self.effects: list[Effect] = []
        self.slots = [self._slot(index) for index in range(setup.ports)]
        for slot in self.slots:
            self.effects.append(Here(slot.index))
            slot.modem.start(cold=setup.cold)

    def _slot(self, index: int) -> Slot:
        setup = self.setup
        habits = DIALECTS[setup.dialects[index % len(setup.dialects)]]
        slot = Slot(index, self)
        carrier = setup.carriers[index % len(setup.carriers)] if setup.carriers else ""
        sim = card(setup.seed, index, carrier)
        sim.pin = setup.pin
        self.network.texts.waiting(sim.number)
        slot.modem = Modem(
            slot.name,
            habits,
            sim,
            imei(setup.seed, index, habits.tac),
            slot,
            self.network,
            random.Random(f"{setup.seed}:{index}"),  # noqa: S311  repeatable, nothing secret
            setup.hurry,
        )
        return slot

    def received(self, slot: int, data: bytes, now_ns: int) -> None:
        """Bytes of the program for a slot."""
        self.agenda.run(now_ns)
        place = self.slots[slot]
        if data.startswith(b"ATD"):
            place.dialed_ns = now_ns
        if heard := place.faults.heard(data):
            place.modem.received(heard)

    def tick(self, now_ns: int) -> None:
        """Let everything happen that is due."""
        self.agenda.run(now_ns)

    def deadline_ns(self) -> int | None:
        """When `tick` has something to do."""
        return self.agenda.deadline_ns()

    def drain(self) -> list[Effect]:
        """What is to be done, in this order; each effect once."""
        effects, self.effects = self.effects, []
        return effects
