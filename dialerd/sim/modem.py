"""One simulated modem: bytes in, bytes out, and what the network does meanwhile.

A command line is read and echoed byte by byte, its commands are carried out one after another,
each after the modem's own delay, and one final result ends it (ITU-T V.250, 5.6). What arrives
while a line is under way waits, as in a modem's buffer. Which commands there are and what they
answer is the dialect's (`modem_dialects.py`); what happens by itself comes from the `Agenda` and
the network.

    OFF ── power on ──> BOOTING ── booted ──> UP ── reset ──> BOOTING
    UP ── wedge ──> WEDGED ── power off ──> OFF      off: from every state
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from dialerd.sim import limits
from dialerd.sim.modem_agenda import Due
from dialerd.sim.modem_calls import Calls
from dialerd.sim.modem_card import Card
from dialerd.sim.modem_files import Files
from dialerd.sim.modem_kit import (
    NEED_NO_PIN,
    NEEDS_CARD,
    NUMERIC,
    Habits,
    RefusalError,
    settings,
)  # fmt: skip
from dialerd.sim.modem_line import Command, split
from dialerd.sim.modem_messages import Messages

if TYPE_CHECKING:
    from dialerd.sim.modem_network import Network


class Power(StrEnum):
    """Whether there is anybody behind the wire."""

    OFF = "off"
    BOOTING = "booting"
    UP = "up"
    WEDGED = "wedged"  # power is on, nobody answers, until it is gone


class Wire(Protocol):
    """Where a modem's bytes go."""

    def say(self, data: bytes) -> None:
        """Bytes to the program."""

    def audio(self, *, on: bool) -> None:
        """Samples flow, or no longer."""

    def reset(self) -> None:
        """It starts again and is away meanwhile: a new device, if it is one of USB."""


class Modem:
    """One module with its card and its radio."""

    def __init__(
        self,
        name: str,
        habits: Habits,
        card: Card | None,
        imei: str,
        wire: Wire,
        network: Network,
        rng: random.Random,
        hurry: float = 1.0,
    ) -> None:
        """It is off. `hurry` divides its own delays."""
        self.name, self.habits, self.imei = name, habits, imei
        self.card = card
        self.agenda, self.network, self.rng = network.agenda, network, rng
        self.hurry = hurry
        self.power = Power.OFF
        self.coverage = True  # whether the radio hears a network
        self.rssi = rng.randrange(11, 29)
        self.lac, self.cell = f"{rng.randrange(1 << 16):04X}", f"{rng.randrange(1 << 24):08X}"
        self.cfun = 1
        self.registration = 0  # 0 not, 1 home, 2 searching, 3 denied
        self.set: dict[str, Any] = settings(habits)
        self.calls = Calls(self)
        self.messages = Messages(self)
        self.files = Files(self)
        self.loses_urcs = False  # faults
        self.audio_stuck = False
        self.lines = 0  # command lines so far
        self.raw = wire.say  # bytes as they are
        self._wire = wire
        self._line = bytearray()
        self._kept = bytearray()  # came while a line was under way
        self._last = ""  # for A/
        self._todo: deque[Command] = deque()
        self._working = False
        self._life = 0  # counts power cycles: what was planned before one never happens
        self._text: Callable[[bytes | None], None] | None = None  # takes what follows a prompt
        self._dues: dict[str, Due] = {}

    # ---- power

    def start(self, *, cold: bool) -> None:
        """Power comes on; unless `cold` it has booted long ago and is registered soon."""
        self._fresh()
        self.power = Power.BOOTING
        self.later(self.habits.boot_s if cold else 0.0, self._booted, cold)

    def stop(self) -> None:
        """Power is gone; so are its calls."""
        self.power = Power.OFF  # before: it does not tell of their ends any more
        self.calls.drop(38)
        self._fresh()
        self.registration = 0
        self.network.detach(self)

    def reset(self) -> None:
        """It starts again by itself, as after +CFUN=1,1."""
        self.stop()
        self.start(cold=True)
        self._wire.reset()

    def wedge(self) -> None:
        """From now on it says and does nothing; its calls stay up."""
        self.power = Power.WEDGED
        self._fresh(forget=False)

    def _fresh(self, *, forget: bool = True) -> None:
        self._life += 1
        self._line.clear()
        self._kept.clear()
        self._todo.clear()
        self._working, self._text, self.files.taking = False, None, None
        self._dues.clear()
        if forget:
            self.set = settings(self.habits)
            self.cfun = 1
            if self.card is not None:
                self.card.unlocked = False

    def _booted(self, says: object) -> None:
        self.power = Power.UP
        if says:
            for line in self.habits.boot_says:
                self.tell(line)
        self.radio()
        if self.habits.chatter:
            self._chat(0)

    def _chat(self, turn: int) -> None:
        if self.set["chatter"]:
            self.tell(self.habits.chatter[turn % len(self.habits.chatter)])
        self.later(self.habits.chatter_s * self.hurry, self._chat, turn + 1)

    # ---- the radio

    @property
    def ready(self) -> bool:
        """Whether its card may be used."""
        return self.card is not None and self.card.locked() == "READY"

    @property
    def registered(self) -> bool:
        """Whether calls can be made."""
        return self.power in (Power.UP, Power.WEDGED) and self.registration == 1

    def radio(self) -> None:
        """Whatever registration depends on has changed: look for the network, or let go of it."""
        wanted = self.cfun == 1 and self.ready and self.set["COPS"] != 2
        if wanted and self.coverage:
            if self.registration != 1:
                self._registration(2)
                low, high = self.habits.register_s
                self.only("register", self.rng.uniform(low, high), self._register)
            return
        self._registration(2 if wanted else 0)
        if due := self._dues.pop("register", None):
            due.cancel()
        self.calls.drop(38)
        self.network.detach(self)

    def _register(self) -> None:
        if self.power is Power.UP and self.ready and self.coverage and self.cfun == 1:
            self.network.attach(self)
            self._registration(1)

    def _registration(self, state: int) -> None:
        if state == self.registration:
            return
        self.registration = state
        for name in ("CREG", "CGREG", "CEREG"):
            if self.set[name] and f"+{name}" in self.habits.commands:
                self.urc(f"+{name}: {self.where(name)}")

    def where(self, name: str) -> str:
        """State and place, as `name` was told to say it."""
        state = str(self.registration)
        if self.set[name] >= 2 and self.registration == 1:
            return f'{state},"{self.lac}","{self.cell}",{7 if name == "CEREG" else 2}'
        return state

    # ---- time

    def later(self, seconds: float, act: Callable[..., None], *values: object) -> Due:
        """Do it after so much of this modem's time, unless it is switched off before."""
        life = self._life

        def alive() -> None:
            if life == self._life:
                act(*values)

        return self.agenda.after(seconds / self.hurry, alive)

    def only(self, name: str, seconds: float, act: Callable[..., None], *values: object) -> None:
        """As `later`, in the place of what was planned under the same name."""
        if due := self._dues.get(name):
            due.cancel()
        self._dues[name] = self.later(seconds, act, *values)

    # ---- what it hears

    def received(self, data: bytes) -> None:
        """Bytes of the program."""
        if self.power is not Power.UP:
            return
        if self._working:
            self._kept += data[: limits.MODEM_INPUT_MAX - len(self._kept)]
            return
        self._take(data)

    def _take(self, data: bytes) -> None:
        """Read until a line begins to be carried out; what is behind it waits."""
        if self.files.taking is not None:
            data = self.files.feed(data)
        for place, byte in enumerate(data):
            if self._text is not None:
                self._take_text(byte)
            elif byte == 0x0D:
                self._echo(b"\r")
                line = self._line.decode("latin-1")
                self._line.clear()
                self._begin(line)
            elif byte == 0x08:
                del self._line[-1:]
                self._echo(b"\b")
            elif byte == 0x2F and self._line.upper() == b"A":
                self._line.clear()
                self._begin(self._last)
            elif byte >= 0x20 and len(self._line) < limits.MODEM_LINE_MAX:
                self._line.append(byte)
                self._echo(bytes((byte,)))
            if self._working:
                self._kept += data[place + 1 :]
                return

    def _take_text(self, byte: int) -> None:
        take = self._text
        if byte in (0x1A, 0x1B):
            text = bytes(self._line) if byte == 0x1A else None
            self._line.clear()
            self._text = None
            if take is not None:
                self._working = True
                take(text)
        elif len(self._line) < limits.MODEM_LINE_MAX:
            self._line.append(byte)
            self._echo(bytes((byte,)))

    def _echo(self, data: bytes) -> None:
        if self.set["E"]:
            self._wire.say(data)

    def _begin(self, line: str) -> None:
        """A whole line: what stands before `AT` is not for a modem (V.250, 5.2.1)."""
        at = line.upper().find("AT")
        if at < 0:
            return
        self._last = line
        self.lines += 1
        commands = split(line[at + 2 :])
        if not commands and commands is not None:
            self._working = True
            self.later(self._delay(""), self._final, self.habits.bare_at)
        elif commands is None or (len(commands) > 1 and not self.habits.chains):
            self._working = True
            self.later(self._delay(""), self.refuse, RefusalError())
        else:
            self._working = True
            self._todo.extend(commands)
            self._next()

    # ---- what it does

    def _delay(self, name: str) -> float:
        return self.rng.uniform(*self.habits.reply_s) + self.habits.slow.get(name, 0.0)

    def _next(self) -> None:
        command = self._todo.popleft()
        self.later(self._delay(command.name), self._carry_out, command)

    def _carry_out(self, command: Command) -> None:
        handler = self.habits.commands.get(command.name)
        try:
            if handler is None:
                raise RefusalError(result=self.habits.unknown)
            if command.name in NEEDS_CARD:
                self.check_card(command.name)
            lines = handler(self, command)
        except RefusalError as refusal:
            self.refuse(refusal)
            return
        except ValueError:  # not a number, not hexadecimal: whatever it is, it is wrong
            self.refuse(RefusalError(50))
            return
        if lines is not None:
            self.finish(lines)

    def check_card(self, name: str) -> None:
        """RefusalError when a command needs the card and it is not there, or locked."""
        if self.card is None:
            raise RefusalError(10)
        state = self.card.locked()
        if state != "READY" and name not in NEED_NO_PIN:
            raise RefusalError(11 if state == "SIM PIN" else 12)

    def finish(self, lines: list[str], final: str = "OK") -> None:
        """A command is done: its lines, then the next one, or the line's result."""
        for line in lines:
            self.tell(line)
        if self._todo:
            self._next()
        else:
            self._final(final)

    def refuse(self, refusal: RefusalError) -> None:
        """A command has failed, and the rest of its line is not carried out."""
        self._todo.clear()
        self._final(refusal.told(self.set["CMEE"]))

    def _final(self, result: str) -> None:
        """The end of a line; `""` for none."""
        if result and not self.set["Q"]:
            self.tell(self.habits.results.get(result, result))
        self._working = False
        if self._kept:
            kept = bytes(self._kept)
            self._kept.clear()
            self._take(kept)

    def prompt(self, take: Callable[[bytes | None], None]) -> None:
        """Ask for text: `take` gets it, None when it was given up (ESC). Then `finish`."""
        self._working = False
        self._text = take
        self._wire.say(b"\r\n> ")
        if self._kept:
            kept = bytes(self._kept)
            self._kept.clear()
            self._take(kept)

    def reads(self, *, on: bool) -> None:
        """It takes bytes of a file now, in the midst of a line, or has taken them."""
        self._working = not on

    # ---- what it says

    def tell(self, line: str) -> None:
        """A line, asked for or not."""
        if self.power is not Power.UP:
            return
        if self.set["V"]:
            self._wire.say(f"\r\n{line}\r\n".encode("latin-1", "replace"))
        else:
            text = NUMERIC.get(line)
            self._wire.say(f"{text}\r".encode() if text else f"{line}\r\n".encode())

    def urc(self, line: str) -> None:
        """A line that nobody asked for."""
        if not self.loses_urcs:
            self.tell(line)

    def sound(self) -> None:
        """Whatever samples depend on has changed."""
        flows = (
            not self.audio_stuck
            and self.habits.audio
            and self.set["audio_on"]
            and self.calls.sounding()
        )
        self._wire.audio(on=bool(flows))
