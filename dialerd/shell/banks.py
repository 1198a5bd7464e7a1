"""Modem banks of the daemon: ports that come and go, their calls, what people ask of them.

The dialer hears of each port whether it may take a call; a call is a leg of the dialer's, on the
port (`bank_calls`). Which ports there are is looked at once a second (`bank_slots`).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from dialerd.config.bank_tables import Bank
from dialerd.config.line_specs import bank_ports, bank_spec
from dialerd.core.effects import Dial
from dialerd.core.events import AnyEvent, LineHealth
from dialerd.core.line_spec import TrunkSpec
from dialerd.core.lines_view import Use
from dialerd.shell.bank_calls import BankCalls
from dialerd.shell.bank_cards import BankCards
from dialerd.shell.bank_config import dialects_of, port_settings
from dialerd.shell.bank_files import LOOK_S
from dialerd.shell.bank_port import BankPort
from dialerd.shell.bank_slots import BankSlots
from dialerd.shell.clock import Clock
from dialerd.shell.media import Media
from dialerd.store.sim_store import SimStore
from fastpath.numbers import Numbering
from gsm import events as gsm
from gsm.io_port import Crashed
from gsm.io_slots import Place
from gsm.port import Port

log = logging.getLogger("dialerd.banks")

DAY_MS: Final = 86_400_000
DAY_S: Final = 60.0  # between two looks at the date
TELL_S: Final = 1.0  # between two live events of a port
LEAVE_S: Final = 3.5  # for all ports to hang up and close, at the end


class Banks:
    """See the module's text."""

    def __init__(
        self,
        banks: Iterable[Bank],
        media: Media,
        feed: Callable[[AnyEvent], None],
        publish: Callable[[str, dict[str, object]], None],
        *,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        """Reads their dialects; TomlError. Nothing is opened before `start`."""
        self.listeners: list[Callable[[BankPort, gsm.Fact], None]] = []  # to all facts
        self.use_of: Callable[[BankPort], Use | None] = _unknown  # whoever has the dialer knows
        self._changed: Callable[[], None] = _nobody
        self._banks = {bank.name: bank for bank in banks}
        self._dialects = dialects_of(self._banks.values())
        self._feed = feed
        self._publish = publish
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._rng = rng
        self._told: dict[str, LineHealth] = {}
        self._executor = ThreadPoolExecutor(1, "slots")
        self.calls = BankCalls(self._banks, media, feed, publish, clock)
        self._slots = BankSlots(self._banks, self._make, self._new, self._executor)
        self.ports = self._slots.ports
        self._shows: dict[str, asyncio.TimerHandle] = {}  # ports told of just now
        self._unshown: set[str] = set()  # those of them with news since
        self._dated: asyncio.TimerHandle | None = None
        self._filing: asyncio.TimerHandle | None = None
        self.calls.files.changed = self._tell
        self._cards: BankCards | None = None

    # -- ports -----------------------------------------------------------------------------------

    @property
    def names(self) -> Iterable[str]:
        """The banks."""
        return self._banks

    def bank(self, name: str) -> Bank:
        """As it is configured; KeyError."""
        return self._banks[name]

    def configure(self, banks: Iterable[Bank]) -> None:
        """Other plans and claims of the same banks."""
        self._banks.update((bank.name, bank) for bank in banks if bank.name in self._banks)

    def specs(self) -> tuple[TrunkSpec, ...]:
        """The banks with the ports seen so far, as the dialer wants them."""
        return tuple(
            bank_spec(
                bank,
                bank_ports(
                    bank,
                    {slot: (one.iccid, one.carrier) for slot, one in self.ports[name].items()},
                ),
            )
            for name, bank in self._banks.items()
        )

    def start(
        self, changed: Callable[[], None], store: SimStore, plan: Callable[[], Numbering]
    ) -> None:
        """Look for modems, from now on; `changed`: there are other ports, or other claims.

        What is known of SIMs is kept in `store`; by `plan` a text's sender is a number.
        """
        self._changed = changed
        if self._banks:
            self._cards = BankCards(store, self._clock, plan)
            self.listeners.append(self._cards.hear)
            self._slots.start()
            self._date()
            self._file()

    def _make(self, bank: Bank, place: Place, index: int) -> BankPort:
        """The n-th port of a bank; OSError, ValueError: its PIN cannot be read."""
        own, settings = self._dialects[bank.name], port_settings(bank, place, index)
        make = partial(Port, settings, own.dialects, own.carriers, self._rng)
        port = BankPort(bank, place, make, self._hear, self._clock)
        port.runner.machine.today = self._today()
        self._told.pop(port.runner.name, None)
        return port

    def _new(self) -> None:
        self._changed()

    def _today(self) -> int:
        return self._clock.wall_ms() // DAY_MS

    def _date(self) -> None:
        for port in self.all_ports():
            port.runner.machine.today = self._today()
        self._dated = self._loop.call_later(DAY_S, self._date)

    def _file(self) -> None:
        """Prompts are put on modules that need them as files."""
        self._filing = self._loop.call_later(LOOK_S, self._file)
        self.calls.files.look(self.all_ports(), self._loop.time())

    def port_of(self, effect: Dial) -> BankPort | None:
        """The port that a call is for, while it is there."""
        return self.ports[effect.trunk].get(effect.port)

    def __len__(self) -> int:
        """Legs in use."""
        return len(self.calls)

    # -- what ports tell -------------------------------------------------------------------------

    def _hear(self, port: BankPort, fact: gsm.Fact) -> None:
        if isinstance(fact, Crashed):
            self.calls.crashed(port, fact.why)
        if isinstance(fact, gsm.CallFact):
            self.calls.hear(port, fact)
        else:
            self._of_port(port, fact)
        for listener in self.listeners:
            listener(port, fact)

    def _of_port(self, port: BankPort, fact: gsm.Fact) -> None:
        known = isinstance(fact, gsm.Identified)
        if isinstance(fact, gsm.FilePut):
            self.calls.files.stored(port, fact)
        self._twins(port)
        if isinstance(fact, gsm.PortState) and fact.state in {"absent", "dead"}:
            log.warning("port %s is %s: %s", port.runner.name, fact.state, fact.why)
        self._tell(port)
        bank = self._banks[port.bank]
        if known and (bank.on_net or bank.sim):
            self._changed()
        shown = port.shown(fact)
        if shown is not None:
            self._publish(*shown)
        elif port.is_news(fact):
            self._show_soon(port)

    def _twins(self, port: BankPort) -> None:
        """Of two ports that are up by one SIM, the later takes no calls: its books are not its own.

        A module that goes on telling the card before this one does that, and a cloned card.
        """
        before, port.twin = port.twin, ""
        for other in self.all_ports():
            if other is port or not port.account or other.account != port.account:
                continue
            if other.twin == port.runner.name:
                if not port.has_card():
                    other.twin = ""
                    self._tell(other)
                continue
            if port.has_card() and other.has_card():
                port.twin = other.runner.name
        if port.twin and port.twin != before:
            log.warning("port %s: %s", port.runner.name, port.why_away())

    def _show_soon(self, port: BankPort) -> None:
        """What a port is at now is published, at most once in `TELL_S`."""
        name = port.runner.name
        if name in self._shows:
            self._unshown.add(name)
        else:
            self._publish("port", port.news(self.use_of(port)))
            self._shows[name] = self._loop.call_later(TELL_S, self._shown, port)

    def _shown(self, port: BankPort) -> None:
        name = port.runner.name
        del self._shows[name]
        if name in self._unshown:
            self._unshown.discard(name)
            self._show_soon(port)

    def _tell(self, port: BankPort) -> None:
        """The dialer hears whether the port takes calls, when that is news."""
        why = port.why_away()
        told = LineHealth(
            port.bank, alive=not why, why=why, port=port.slot, account=port.account,
            can=self.calls.files.can(port),
        )  # fmt: skip
        if self._told.get(port.runner.name) != told:
            self._told[port.runner.name] = told
            self._feed(told)

    # -- the end ---------------------------------------------------------------------------------

    def all_ports(self) -> Iterable[BankPort]:
        """Of all banks."""
        return (port for ports in self.ports.values() for port in ports.values())

    def figures(self) -> dict[str, int]:
        """Of all ports."""
        every = list(self.all_ports())
        return {
            "ports": len(every),
            "ready": sum(not port.why_away() for port in every),
            "calls": len(self.calls),
            "absent": sum(port.found is None for port in every),
            "crashes": sum(port.runner.crashes for port in every),
        }

    async def close(self) -> None:
        """Hang up all ports at once, close all devices."""
        self.calls.closing = True
        self._slots.close()
        for timer in (self._dated, self._filing, *self._shows.values()):
            if timer is not None:
                timer.cancel()
        every = list(self.all_ports())
        for port in every:
            port.runner.drain()
        waits = [asyncio.ensure_future(port.runner.closed.wait()) for port in every]
        if waits:
            _, late = await asyncio.wait(waits, timeout=LEAVE_S)
            for task in late:
                task.cancel()
            if late:
                log.warning("%d modems did not hang up in %g s", len(late), LEAVE_S)
        for port in every:
            port.close()
        await self.calls.files.close()
        if self._cards is not None:
            await self._cards.close()
        self._executor.shutdown(wait=False, cancel_futures=True)


def _unknown(_port: BankPort) -> None:
    """Nobody counts what ports use."""


def _nobody() -> None:
    """Before the daemon listens."""
