"""What an idle port does by itself: registration, signal, signs of life, resets, the balance.

Nothing of it runs during a call. A port without network searches after 60 s (`AT+COPS=0`), switches
its radio off and on after 180 s, and is reset after that; each further round waits twice as long,
because a card that the network does not want is not helped by resets.
"""

from __future__ import annotations

from typing import Final, cast

from gsm import port_table as table
from gsm.clcc import read_all
from gsm.command import Command, Haste
from gsm.events import Registration, Signal
from gsm.floor import Floor
from gsm.limits import MEDIUM, SECOND
from gsm.script import Rest, Steps
from gsm.starting import Starting, text_of
from gsm.urc import dbm, operator, registration

ASK_EVERY: Final = 3 * SECOND  # registration, while there is none
SEARCH_TIME: Final = 120 * SECOND
RESTING: Final = (table.READY, table.LOCKED, table.COOL_DOWN)
ROUNDS_MAX: Final = 4  # doublings of the watch's times


class Watching:
    """Of one port."""

    def __init__(self, floor: Floor, starting: Starting) -> None:
        """Nothing runs yet."""
        self.floor = floor
        self.starting = starting
        self.registration: Registration = "unknown"
        self._rssi: int | None = None
        self._operator = ""
        self.signal_asked = False  # once, and told
        self._since_ns = 0  # without network
        self._rounds = 0
        self._unfit = ""  # why a registered module is of no use

    # registration

    def begin(self, now_ns: int) -> None:
        """The state `register` was entered."""
        floor = self.floor
        self._since_ns = now_ns
        times = 1 << min(self._rounds, ROUNDS_MAX)
        floor.waits("no network")
        settings = floor.settings
        floor.at("search", now_ns + settings.search_after_ns * times, self._search)
        floor.at("radio", now_ns + settings.radio_after_ns * times, self._radio)
        floor.at("module", now_ns + settings.module_after_ns * times, self._module)
        self._ask(now_ns)

    def end(self) -> None:
        """It was left."""
        self.floor.cancel("search", "radio", "module", "ask")
        self.floor.stop("register")

    def _ask(self, now_ns: int) -> None:
        self.floor.run("register", self._register(), now_ns, self._asked)

    def _asked(self, now_ns: int) -> None:
        floor = self.floor
        if floor.state != table.REGISTER:
            return
        if self._unfit:
            floor.move(table.UNFIT, now_ns, self._unfit)
            return
        if self.usable():
            self._rounds = 0
            floor.registered = True
            floor.move(table.REGISTERED, now_ns)
            floor.run("status", self._ask_signal(), now_ns)  # no call waits for it
            return
        said = {
            "denied": "the network does not want this card",
            "roaming": "registered with a foreign network",
            "searching": "searching for a network",
        }
        floor.waits(said.get(self.registration, "no network"))
        floor.at("ask", now_ns + ASK_EVERY, self._ask)

    def usable(self) -> bool:
        """Whether calls can be made where it is registered."""
        home = self.floor.settings.registered_at_home_only
        return self.registration == "home" or (self.registration == "roaming" and not home)

    def _register(self) -> Steps:
        yield from self._ask_registration()
        if self.usable():
            self._unfit = yield from self.starting.inits("ready")
            self.tell()

    def _ask_registration(self) -> Steps:
        found: list[str] = []
        first = self.floor.dialect.health.registration[0]
        for text in self.floor.dialect.health.registration:
            result = yield Command(text, timeout_ns=MEDIUM, optional=text != first)
            for line in result.lines if result.ok else ():
                state = registration(line, asked=True)
                if state is not None:
                    found.append(state)
            if "home" in found or "roaming" in found:
                break
        order = ("home", "roaming", "denied", "searching", "off", "unknown")
        best = min(found, key=order.index, default=None)
        if best is not None:
            self.registration = cast("Registration", best)

    def _ask_signal(self) -> Steps:
        health = self.floor.dialect.health
        if health.signal:
            result = yield from self.starting.optional(health.signal)
            for line in result.lines:
                if line.startswith("+CSQ"):
                    self._rssi = dbm(line)
        if health.operator:
            result = yield from self.starting.optional(health.operator, MEDIUM)
            for line in result.lines:
                self._operator = operator(line) or self._operator
        first, self.signal_asked = not self.signal_asked, True
        self.tell(always=first)

    def tell(self, *, always: bool = False) -> None:
        """Signal and network, if they changed."""
        signal = Signal(self._rssi, self.registration, self._operator)
        if always or signal != self.floor.signal:
            self.floor.signal = signal
            self.floor.tell(signal)

    def _heard(self, now_ns: int) -> None:
        """What came unasked is told at most once a second."""
        if self.floor.seldom("signal", now_ns):
            self.tell()
        elif not self.floor.has_timer("signal"):
            self.floor.at("signal", now_ns + SECOND, lambda _at: self.tell())

    def heard_registration(self, line: str, now_ns: int) -> None:
        """`+CREG:` came unasked: a hint, at which we ask."""
        state = registration(line, asked=False)
        if state is None or not line.startswith("+CREG"):
            return
        if self.floor.state == table.REGISTER:
            if state in ("home", "roaming") and not self.floor.running("register"):
                self._ask(now_ns)
            return
        if state != self.registration:
            self.floor.doubt = True

    def heard_signal(self, line: str, now_ns: int) -> None:
        """`+CSQ:` came unasked."""
        self._rssi = dbm(line)
        self._heard(now_ns)

    def _search(self, now_ns: int) -> None:
        self._try(self.floor.dialect.health.search, now_ns)

    def _radio(self, now_ns: int) -> None:
        self.floor.cancel("ask")  # a question must not take the place of what follows
        self.floor.run("register", self._radio_again(), now_ns, self._asked)

    def _module(self, now_ns: int) -> None:
        del now_ns
        self._rounds += 1
        self.floor.reset_why = "no network"

    def _try(self, text: str, now_ns: int) -> None:
        if text:
            self.floor.cancel("ask")
            self.floor.run("register", self._one(text), now_ns, self._asked)

    def _one(self, text: str) -> Steps:
        yield Command(text, timeout_ns=SEARCH_TIME)
        yield from self._ask_registration()

    def _radio_again(self) -> Steps:
        health = self.floor.dialect.health
        if health.radio_off and health.radio_on:
            yield Command(health.radio_off, timeout_ns=4 * MEDIUM)
            yield Rest(3 * SECOND)
            yield Command(health.radio_on, timeout_ns=4 * MEDIUM)
            yield Rest(3 * SECOND)
        yield from self._ask_registration()

    # idle

    def idle(self, now_ns: int) -> None:
        """An idle state was entered."""
        settings = self.floor.settings
        self.floor.at("ping", now_ns + settings.ping_ns, self._ping)
        if not self.floor.has_timer("status"):
            self.floor.at("status", now_ns + settings.status_ns, self._status)

    def _ping(self, now_ns: int) -> None:
        floor = self.floor
        if floor.state not in (table.READY, table.LOCKED):
            return
        if not floor.channel.busy():
            floor.run("idle", self._alive(), now_ns, self._pinged)
        else:
            self._pinged(now_ns)

    def _pinged(self, now_ns: int) -> None:
        self.floor.at("ping", now_ns + self.floor.settings.ping_ns, self._ping)

    def _alive(self) -> Steps:
        """A listing is as cheap as AT, and finds calls that nobody told of."""
        floor = self.floor
        if "clcc" not in floor.can:
            yield Command("AT", Haste.HEALTH, MEDIUM)
            return
        result = yield Command(floor.dialect.calls.list, Haste.HEALTH, MEDIUM)
        if result.ok:
            floor.strangers = read_all(list(result.lines), floor.dialect.calls.released)

    def _status(self, now_ns: int) -> None:
        floor = self.floor
        floor.at("status", now_ns + floor.settings.status_ns, self._status)
        if floor.state in RESTING and not floor.running():
            floor.doubt = False
            floor.run("status", self._all(), now_ns)
        else:
            floor.doubt = True  # a port that is never idle for long is asked after a call

    def called(self, now_ns: int) -> None:
        """A call is over: the card may have been changed meanwhile, without a word."""
        if not self.floor.doubt and not self.floor.running():
            self.floor.run("status", self._same_card(), now_ns)

    def check(self, now_ns: int) -> None:
        """Something made us doubt that there is a network: ask, if that disturbs nobody."""
        if self.floor.doubt and self.floor.state in RESTING:
            self._status(now_ns)

    def _all(self) -> Steps:
        floor = self.floor
        yield from self._ask_registration()
        yield from self._ask_signal()
        floor.registered = self.usable()
        yield from self._same_card()

    def _same_card(self) -> Steps:
        floor = self.floor
        imsi = floor.identity.imsi if floor.identity else ""
        asked = floor.dialect.identity.imsi
        if not imsi:
            return
        result = yield Command(asked, timeout_ns=MEDIUM)
        now = text_of(result, asked)
        if result.ok and now.isdigit() and now != imsi:
            floor.restart_why = "another card"
        elif result.code in (10, 13):
            floor.restart_why = "the card is gone"
