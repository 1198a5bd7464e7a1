"""The slots of modem banks, looked at once a second in a thread: ports that come and go.

A slot is taken in when there is a device for the first time, one of `[[bank.device]]` at once. It
stays a port without its modem, and says so. A bank has `SLOTS_MAX` ports at most: one that is gone
makes room for one that is there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Final

from dialerd.config.bank_tables import Bank
from dialerd.shell.bank_config import rule_of
from dialerd.shell.bank_port import BankPort
from gsm.io_slots import SLOTS_MAX, Found, Place, look, places

log = logging.getLogger("dialerd.banks")

LOOK_S: Final = 1.0  # between two looks at the slots

Seen = dict[str, list[tuple[Place, Found | None]]]


class BankSlots:
    """See the module's text."""

    def __init__(
        self,
        banks: Mapping[str, Bank],
        make: Callable[[Bank, Place, int], BankPort],
        changed: Callable[[], None],
        executor: Executor,
    ) -> None:
        """`make` makes the n-th port of a bank; `changed`: there are others now."""
        self.ports: dict[str, dict[str, BankPort]] = {name: {} for name in banks}
        self._banks = banks
        self._make = make
        self._changed = changed
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._looking: asyncio.Future[Seen] | None = None
        self._unfit: set[tuple[str, str, str]] = set()  # slots without settings, told
        self._closing = False

    def start(self) -> None:
        """Look now, and from now on; OSError, ValueError: a port cannot be made."""
        self._take(self._look(), strict=True)
        self._timer = self._loop.call_later(LOOK_S, self._again)

    def close(self) -> None:
        """Look no more."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()

    def _again(self) -> None:
        self._looking = self._loop.run_in_executor(self._executor, self._look)
        self._looking.add_done_callback(self._looked)

    def _looked(self, looking: asyncio.Future[Seen]) -> None:
        if self._closing or looking.cancelled():
            return
        if looking.exception() is not None:
            log.error("slots cannot be looked at: %s", looking.exception())
        else:
            self._take(looking.result())
        self._timer = self._loop.call_later(LOOK_S, self._again)

    def _look(self) -> Seen:
        """In a thread: who is where, with slots that were seen before."""
        seen: Seen = {}
        for name, bank in self._banks.items():
            here = {place.slot: place for place in rule_of(bank, places)}
            for slot, port in list(self.ports[name].items()):
                here.setdefault(slot, port.place)
            seen[name] = [(place, look(place.at)) for place in here.values()]
        return seen

    def _take(self, seen: Seen, *, strict: bool = False) -> None:
        new = False
        for name, found in seen.items():
            named = {device.name for device in self._banks[name].device}
            for place, device in found:
                port = self.ports[name].get(place.slot)
                if port is not None:
                    self._moved(port, device)
                elif (device is not None or place.slot in named) and self._room(name, place):
                    new = self._added(name, place, device, strict=strict) or new
        if new:
            self._changed()

    def _room(self, name: str, place: Place) -> bool:
        """Whether a bank may have one more; the port that is gone first is forgotten for it."""
        known = self.ports[name]
        if len(known) < SLOTS_MAX:
            return True
        for slot, port in known.items():
            if port.found is None and port.leg is None:
                del known[slot]
                port.close()
                return True
        self._say(name, place, f"bank {name} has {SLOTS_MAX} ports, and no more")
        return False

    def _added(self, name: str, place: Place, device: Found | None, *, strict: bool) -> bool:
        """Whether a new slot could be taken in; tried again at each look."""
        known = self.ports[name]
        try:
            port = self._make(self._banks[name], place, len(known))
        except (OSError, ValueError) as error:
            if strict:
                raise  # at the start somebody looks on
            self._say(name, place, str(error))
            return False
        port.found = device
        known[place.slot] = port
        port.runner.start()
        return True

    def _say(self, name: str, place: Place, why: str) -> None:
        if len(self._unfit) < SLOTS_MAX and (name, place.slot, why) not in self._unfit:
            self._unfit.add((name, place.slot, why))
            log.error("port %s/%s: %s", name, place.slot, why)

    def _moved(self, port: BankPort, device: Found | None) -> None:
        if device == port.found:
            return
        log.info("port %s: %s", port.runner.name, device.device if device else "unplugged")
        port.found = device
        port.runner.absent("unplugged" if device is None else "another device is plugged in")
        if device is not None:
            port.runner.present()
