"""What the parts of a port share: its state, its channel, its timers, and what it tells.

Sequences of commands (`gsm.script`) run by name: a new one of a name takes the place of the old.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from random import Random

from gsm import port_table as table
from gsm.card import CardState
from gsm.care import CardCare
from gsm.carrier import Carrier
from gsm.channel import Channel
from gsm.clcc import Listed
from gsm.command import Command, Result
from gsm.dialect import GENERIC, AudioClass, Dialect
from gsm.effects import Effect, Tell, Write
from gsm.events import CardSeen, Fact, Identified, Signal, Trace
from gsm.limits import CARDS_MAX, HISTORY_BYTES, SECOND
from gsm.script import Script, Steps
from gsm.settings import PortSettings
from gsm.urc import Hit

Timed = Callable[[int], None]
_PIN = re.compile(rb'(PIN[=:] ?"?)[0-9]{4,8}')
_DIGITS = re.compile(rb"[0-9]+")
_WAITS = {table.IDENTIFY: "asking the modem who it is", table.SIM: "looking for its SIM"}


class Floor:
    """See the module's text. `heard` and `dead` are set by the port before anything is opened."""

    def __init__(
        self,
        settings: PortSettings,
        dialects: Iterable[Dialect],
        carriers: Iterable[Carrier],
        rng: Random,
    ) -> None:
        """A closed port."""
        self.settings = settings
        self.dialects: Mapping[str, Dialect] = {each.name: each for each in dialects}
        self.carriers = tuple(carriers)
        self.rng = rng
        self.state = table.CLOSED
        self.why = ""
        self.until_ns: int | None = None
        self.dialect = GENERIC
        self.can: frozenset[str] = frozenset()
        self.identity: Identified | None = None
        self.signal: Signal | None = None
        self.registered = False
        self.doubt = False  # a hint says that there is no network any more
        self.carrier: Carrier | None = None
        self.care = CardCare(settings.care)
        self.card_told = self.care.card.copy()  # as the driver knows it
        self.card_moved = ""  # it was taken out, or may have been: why
        self.secret = False  # a PIN is under way: nothing is traced as it stands
        self.cards: dict[str, CardState] = {}  # those that were here, or are told to us
        self.calls = 0  # since the module was last reset
        self.audio_failures = 0  # calls in a row
        self.cause_pattern = re.compile(GENERIC.calls.cause_match)
        self.today: int | None = None  # days since 1970-01-01, told by the driver
        self.reset_why = ""  # a reset is wanted
        self.restart_why = ""  # the port is to come up anew: another card
        self.strangers: list[Listed] = []  # what an idle listing showed
        self.heard: Callable[[Hit, int], None] = lambda _hit, _now: None
        self.dead: Timed = lambda _now: None
        self.entered: Callable[[int, int, int], None] = lambda _before, _after, _now: None
        self.channel = Channel(self._heard, self.write, self._dead)
        self._effects: list[Effect] = []
        self._timers: dict[str, tuple[int, Timed]] = {}
        self._next: dict[str, int] = {}  # when a thing may be told again, by its name
        self._scripts: dict[str, Script] = {}

    def _heard(self, hit: Hit, now_ns: int) -> None:
        self.heard(hit, now_ns)

    def _dead(self, now_ns: int) -> None:
        self.dead(now_ns)

    # what goes out

    def put_effect(self, effect: Effect) -> None:
        """For the driver, in order."""
        self._effects.append(effect)

    def tell(self, fact: Fact) -> None:
        """For whoever listens."""
        self._effects.append(Tell(fact))

    def write(self, data: bytes) -> None:
        """For the device."""
        if self.settings.trace:
            self.tell(Trace(">", self._seen(data)))
        self._effects.append(Write(data))

    def traced(self, data: bytes) -> None:
        """What the device said."""
        if self.settings.trace:
            self.tell(Trace("<", self._seen(data)))

    def _seen(self, data: bytes) -> bytes:
        """What is traced: never a PIN, nor its echo, which may come in pieces."""
        data = data[:HISTORY_BYTES]
        return _DIGITS.sub(b"****", data) if self.secret else _PIN.sub(rb"\1****", data)

    def take_effects(self) -> list[Effect]:
        """All of them, once."""
        taken, self._effects = self._effects, []
        return taken

    # the card

    def change_card(self, key: str) -> None:
        """Another card is here: what was counted stays with the one before."""
        held = self.care.card
        if held.iccid == key:
            return
        if held.iccid:
            self.cards[held.iccid] = held
        while len(self.cards) > CARDS_MAX:
            del self.cards[next(iter(self.cards))]
        known = self.cards.get(key)
        self.care.card = CardState(iccid=key, locks={}) if known is None else known
        self.cards.pop(key, None)
        self.card_told = self.care.card.copy()  # what is kept of it is told to us, not by us
        if key:
            self.tell(CardSeen(key))

    def audio_class(self) -> AudioClass:
        """How speech goes on this port."""
        kind = self.dialect.audio.kind if "audio" in self.can else "none"
        if kind in ("pcm_tty", "uac") and self.settings.audio_device:
            return "uac" if self.settings.audio_uac and self.dialect.audio.uac_on else kind
        return "none" if self.dialect.files is None else "module_file"

    # states

    def not_ready(self) -> str:
        """Why no call may be dialed now; empty when one may."""
        if self.state != table.READY:
            name = table.STATES[self.state]
            return f"{name}: {self.why}" if self.why else name
        if self.running("clear"):
            return "ends a call that nobody is in"
        if "voice" not in self.can:
            return "the module makes no calls"
        return "the modem did not answer just now" if self.channel.in_doubt() else ""

    def told_why(self) -> str:
        """What the present state waits for or suffers from; empty when all is well."""
        return self.why or (
            self.not_ready() if self.state == table.READY else _WAITS.get(self.state, "")
        )

    def allows(self, event: int) -> bool:
        """Whether the table has a row for it now."""
        return (self.state, event) in table.TABLE

    def move(self, event: int, now_ns: int, why: str = "", until_ns: int | None = None) -> None:
        """Along the table. An event that it does not have here is a mistake of ours."""
        before = self.state
        self.state = table.TABLE[before, event]
        self.why, self.until_ns = why, until_ns
        self.entered(before, self.state, now_ns)

    def waits(self, why: str, until_ns: int | None = None) -> None:
        """Say what the present state waits for."""
        self.why, self.until_ns = why, until_ns

    # time

    def at(self, name: str, time_ns: int, then: Timed) -> None:
        """Call `then` at that time; a timer of that name is replaced."""
        self._timers[name] = (time_ns, then)

    def cancel(self, *names: str) -> None:
        """Forget timers."""
        for name in names:
            self._timers.pop(name, None)

    def seldom(self, name: str, now_ns: int, every_ns: int = SECOND) -> bool:
        """Whether a thing may be told again: the first time, and once in so long."""
        if now_ns < self._next.get(name, now_ns):
            return False
        self._next[name] = now_ns + every_ns
        return True

    def has_timer(self, name: str) -> bool:
        """Whether a timer of that name runs."""
        return name in self._timers

    def deadline_ns(self) -> int | None:
        """The first thing that is due."""
        times = [time for time, _ in self._timers.values()]
        times += [s.rest_end for s in self._scripts.values() if s.rest_end is not None]
        due = self.channel.deadline_ns()
        if due is not None:
            times.append(due)
        return min(times, default=None)

    def tick(self, now_ns: int) -> None:
        """All that is due, in order of its time."""
        self.channel.tick(now_ns)
        for script in list(self._scripts.values()):
            script.tick(now_ns)
        due = sorted((t, name) for name, (t, _) in self._timers.items() if t <= now_ns)
        for time, name in due:
            held = self._timers.get(name)
            if held is not None and held[0] == time:
                del self._timers[name]
                held[1](now_ns)

    def forget(self) -> None:
        """No timer and no sequence of before counts any more."""
        self._timers.clear()
        scripts, self._scripts = self._scripts, {}
        for script in scripts.values():
            script.stop()

    # commands

    def put(
        self, command: Command, now_ns: int, then: Callable[[Result, int], None] | None = None
    ) -> bool:
        """Send one command in its turn."""
        return self.channel.put(command, then or _nobody, now_ns)

    def run(self, name: str, steps: Steps, now_ns: int, then: Timed | None = None) -> None:
        """Run a sequence; `then` is called when it came to its end or could not go on."""
        self.stop(name)

        def over(script: Script, at_ns: int) -> None:
            if self._scripts.get(name) is script:
                del self._scripts[name]
            if then is not None:
                then(at_ns)

        script = Script(steps, self._put_of_script, over)
        self._scripts[name] = script
        script.begin(now_ns)

    def _put_of_script(
        self, command: Command, then: Callable[[Result, int], None], now_ns: int
    ) -> bool:
        return self.channel.put(command, then, now_ns)

    def stop(self, *names: str) -> None:
        """Sequences that must not go on."""
        for name in names:
            script = self._scripts.pop(name, None)
            if script is not None:
                script.stop()

    def running(self, *names: str) -> bool:
        """Whether any of them runs; without names: any at all."""
        return any(name in self._scripts for name in names) if names else bool(self._scripts)


def _nobody(_result: Result, _now_ns: int) -> None:
    """For an answer that changes nothing."""
