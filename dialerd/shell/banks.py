"""Modem banks of the daemon: ports that come and go, their calls, what people ask of them.

Slots are looked at once a second, in a thread. A port that was ever seen stays a port: without its
modem it takes no call and says so. The dialer hears of each port whether it may take a call; a call
is a leg of the dialer's, dialed by the port's machine, with the port's audio device as its stream.
An answer is told when the audio flows.
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
from dialerd.config.line_specs import bank_ports, bank_spec, longest_call_s
from dialerd.core.effects import Dial
from dialerd.core.events import Answered, AnyEvent, LineHealth, MediaLost, Ringing
from dialerd.core.line_spec import TrunkSpec
from dialerd.lines.gsm_line import GsmLines
from dialerd.shell.bank_cards import BankCards
from dialerd.shell.bank_config import dialects_of, port_settings, rule_of
from dialerd.shell.bank_port import BankPort
from dialerd.shell.clock import Clock
from dialerd.shell.ears import Ear
from dialerd.shell.media import Media
from dialerd.store.sim_store import SimStore
from fastpath.numbers import Numbering
from gsm import events as gsm
from gsm.io_port import Crashed
from gsm.io_slots import Found, Place, look, places
from gsm.number import RefusedError
from gsm.port import Port

log = logging.getLogger("dialerd.banks")

DAY_MS: Final = 86_400_000
LOOK_S: Final = 1.0  # between two looks at the slots
OPENERS: Final = 16  # devices opened at a time; a wedged one holds its thread for seconds
LEAVE_S: Final = 3.5  # for all ports to hang up and close, at the end

Seen = dict[str, list[tuple[Place, Found | None]]]


class _Call:
    """A leg on a port."""

    __slots__ = ("answer", "call_id", "ear", "early", "port", "record")

    def __init__(self, port: BankPort, effect: Dial, ear: Ear | None) -> None:
        self.port = port
        self.ear = ear  # what is listened for
        self.call_id = effect.call_id
        self.record = effect.record
        self.early = effect.early
        self.answer: Answered | None = None  # until the audio flows


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
        self.lines = GsmLines()
        self.over: Callable[[int], object] = media.close  # a leg has ended; before it is told
        self._changed: Callable[[], None] = _nobody
        self.ear: Callable[[Dial], Ear | None] = _deaf
        self.listeners: list[Callable[[BankPort, gsm.Fact], None]] = []  # to all facts
        self._banks = {bank.name: bank for bank in banks}
        self.ports: dict[str, dict[str, BankPort]] = {name: {} for name in self._banks}
        self._dialects = dialects_of(self._banks.values())
        self._media = media
        self._feed = feed
        self._publish = publish
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._rng = rng
        self._calls: dict[int, _Call] = {}
        self._told: dict[str, LineHealth] = {}
        self._executor = ThreadPoolExecutor(OPENERS, "modem")
        self._timer: asyncio.TimerHandle | None = None
        self._looking: asyncio.Future[Seen] | None = None
        self._unfit: set[tuple[str, str, str]] = set()  # slots without settings, told
        self._closing = False
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
        self._banks |= {bank.name: bank for bank in banks if bank.name in self._banks}

    def specs(self) -> tuple[TrunkSpec, ...]:
        """The banks with the ports seen so far, as the dialer wants them."""
        return tuple(
            bank_spec(
                bank,
                bank_ports(bank, {slot: _sim(port) for slot, port in self.ports[name].items()}),
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
            self._take(self._look())
            self._timer = self._loop.call_later(LOOK_S, self._again)

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

    def _take(self, seen: Seen) -> None:
        new, today = False, self._clock.wall_ms() // DAY_MS
        for name, found in seen.items():
            for place, device in found:
                port = self.ports[name].get(place.slot)
                if port is None:
                    new = self._added(name, place, device) or new
                elif device != port.found:
                    self._moved(port, device)
        for port in self.all_ports():
            port.runner.machine.today = today
        if new:
            self._changed()

    def _added(self, name: str, place: Place, device: Found | None) -> bool:
        """Whether a new slot could be taken in; tried again at each look."""
        try:
            self._add(name, place, device)
        except (OSError, ValueError) as error:
            if self._timer is None:
                raise  # at the start somebody looks on
            if (name, place.slot, str(error)) not in self._unfit:
                log.error("port %s/%s: %s", name, place.slot, error)
            self._unfit.add((name, place.slot, str(error)))
            return False
        return True

    def _add(self, name: str, place: Place, device: Found | None) -> None:
        bank, known = self._banks[name], self.ports[name]
        own = self._dialects[name]
        settings = port_settings(bank, place.slot, len(known))
        make = partial(Port, settings, own.dialects, own.carriers, self._rng)
        port = BankPort(bank, place, make, self._hear, self._clock, self._executor)
        port.found = device
        known[place.slot] = port
        port.runner.start()

    def _moved(self, port: BankPort, device: Found | None) -> None:
        log.info("port %s/%s: %s", port.bank, port.slot, device.device if device else "unplugged")
        port.found = device
        port.runner.absent("unplugged" if device is None else "another device is plugged in")
        if device is not None:
            port.runner.present()

    # -- calls -----------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Legs in use."""
        return len(self.lines)

    def owns(self, leg: int) -> bool:
        """Whether a leg is on a port."""
        return leg in self._calls

    def prepare(self, effect: Dial) -> None:
        """Make a leg ready to be dialed."""
        port = self.ports[effect.trunk].get(effect.port)
        if port is not None:
            self._calls[effect.leg] = _Call(port, effect, self.ear(effect))

    def discard(self, effect: Dial) -> None:
        """Forget a leg that was made ready and is not to leave."""
        self._calls.pop(effect.leg, None)

    def dial(self, effect: Dial) -> None:
        """Dial a leg that is ready; `Released` follows at once where the port refuses."""
        leg, call = effect.leg, self._calls.get(effect.leg)
        if call is None or call.port.leg >= 0:
            self._refuse(leg, "its port is gone" if call is None else "its port is in use")
            return
        bank = self._banks[effect.trunk]
        try:
            number = self.lines.dial(effect, bank.number_format.value)
        except RefusedError as error:
            self._refuse(leg, str(error))
            return
        longest_s = longest_call_s(bank, _sim(call.port)[0])
        call.port.leg = leg

        def start(port: Port, now_ns: int) -> None:
            why = port.dial(leg, number, now_ns, call_s_max=longest_s)
            if why:
                call.port.leg = -1
                self._refuse(leg, why)

        call.port.runner.do(start)

    def _refuse(self, leg: int, why: str) -> None:
        log.warning("leg %d: %s", leg, why)
        self._calls.pop(leg, None)
        self._feed(self.lines.refused(leg))

    def hang_up(self, leg: int) -> None:
        """End a leg; its `Released` follows."""
        call = self._calls.get(leg)
        if call is not None:
            call.port.runner.do(lambda port, now_ns: port.hang_up(leg, now_ns))

    # -- what ports tell -------------------------------------------------------------------------

    def _hear(self, port: BankPort, fact: gsm.Fact) -> None:
        if isinstance(fact, Crashed) and port.leg >= 0:  # nobody else tells its end
            self._of_call(port, gsm.Ended(port.leg, gsm.Cause.LOCAL, 0, "port", fact.why))
            port.leg = -1
        if isinstance(fact, gsm.CallFact):
            self._of_call(port, fact)
        else:
            self._of_port(port, fact)
        for listener in self.listeners:
            listener(port, fact)

    def _of_call(self, port: BankPort, fact: gsm.CallFact) -> None:
        leg, call = fact.leg, self._calls.get(fact.leg)
        if call is None:
            return
        match fact:
            case gsm.Digit(digit=digit):
                self._media.pressed(leg, digit, "info", self._clock.now_ns())
            case gsm.AudioStart():
                self._audio(leg, call)
            case gsm.AudioFailed(why=why):
                self._silent(leg, why)
            case gsm.CallEnding(left_s=left_s):
                about = {"bank": port.bank, "slot": port.slot, "call_id": call.call_id}
                self._publish("call_ending", {**about, "left_s": left_s})
            case gsm.Ended():
                port.leg = -1
                del self._calls[leg]
                self.over(leg)
            case _:
                pass
        if isinstance(told := self.lines.translate(fact), Answered):
            call.answer = told
            self._begin(leg, call)
        elif told is not None:
            early = isinstance(told, Ringing) and self._media.has(leg)
            self._feed(Ringing(leg, early_media=True) if early else told)

    def _audio(self, leg: int, call: _Call) -> None:
        if self._media.has(leg):
            return
        try:
            self._media.open_device(leg, call.port.fresh_audio(), call.call_id)
        except (OSError, ValueError) as error:
            self._silent(leg, str(error))
            return
        self._media.lend(leg, call.ear)
        self._media.listen(leg)
        if call.early:
            self._media.record(leg)
        self._begin(leg, call)

    def _begin(self, leg: int, call: _Call) -> None:
        """Somebody answered and can be heard."""
        if call.answer is None or not self._media.has(leg):
            return
        answer, call.answer = call.answer, None
        self._media.answered(leg)
        if call.record:
            self._media.record(leg)
        self._feed(answer)

    def _silent(self, leg: int, why: str) -> None:
        log.warning("leg %d: %s", leg, why)
        self._feed(MediaLost(leg, why))
        self.hang_up(leg)

    def _of_port(self, port: BankPort, fact: gsm.Fact) -> None:
        known = isinstance(fact, gsm.Identified)
        if isinstance(fact, gsm.PortState) and fact.state in {"absent", "dead"}:
            log.warning("port %s/%s is %s: %s", port.bank, port.slot, fact.state, fact.why)
        self._tell(port)
        bank = self._banks[port.bank]
        if known and (bank.on_net or bank.sim):
            self._changed()
        shown = port.shown(fact)
        if shown is not None:
            self._publish(*shown)

    def _tell(self, port: BankPort) -> None:
        """The dialer hears whether the port takes calls, when that is news."""
        why = port.why_away()
        told = LineHealth(port.bank, alive=not why, why=why, port=port.slot, account=port.account)
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
            "calls": len(self._calls),
            "absent": sum(port.found is None for port in every),
            "crashes": sum(port.runner.crashes for port in every),
        }

    async def close(self) -> None:
        """Hang up all ports at once, close all devices."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
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
        if self._cards is not None:
            await self._cards.close()
        await self._loop.run_in_executor(
            None, partial(self._executor.shutdown, wait=True, cancel_futures=True)
        )


def _sim(port: BankPort) -> tuple[str, str]:
    known = port.identity
    return (known.iccid, known.carrier) if known is not None else ("", "")


def _nobody() -> None:
    """Before the daemon listens."""


def _deaf(_effect: Dial) -> None:
    """Nothing is listened for."""
