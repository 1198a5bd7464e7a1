"""The network around a simulated bank: who is attached, who calls whom, and what becomes of it.

A call to a number outside of the bank meets the person that `people.py` decides; a call to the
number of another card in the bank rings there. Each call has two lines in the ledger (`ledger.py`),
written here and not by any modem: the network knows, whatever a modem says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from dialerd.sim import limits
from dialerd.sim.ledger import Ended, Entry, Seen, phone_of
from dialerd.sim.modem_agenda import Agenda, Due
from dialerd.sim.modem_services import Codes, Texts
from dialerd.sim.people import ANSWERS, Fate, Person, Town, person

if TYPE_CHECKING:
    from dialerd.sim.modem import Modem
    from dialerd.sim.modem_calls import Leg
    from dialerd.sim.modem_card import Card
    from dialerd.sim.modem_pdu import Submit

MS = 1_000_000


class Connection:
    """One call in the network."""

    def __init__(self, number: int, seen: Seen, speed: float) -> None:
        """`number` of this bank's calls, from 1."""
        self.number, self.seen, self.speed = number, seen, speed
        self.caller: tuple[Modem, Leg] | None = None  # None: somebody outside of the bank
        self.called: tuple[Modem, Leg] | None = None
        self.person: Person | None = None
        self.rang_ns = 0
        self.answered_ns = 0
        self.begun_ns = 0
        self.digits = ""  # the called's keys, or the outside caller's
        self.heard = ""  # keys that the bank's side sent by command
        self.heard_audio = ""  # and those heard in its samples
        self.frames_in = 0  # from the bank
        self.frames_out = 0
        self.sound = ""  # what the far side sounds like now: "", ringback, sit, voice
        self.tones: list[str] = []  # keys to be heard as tones
        self.dues: list[Due] = []
        self.over = False


class Network:
    """All calls of a bank."""

    def __init__(
        self,
        agenda: Agenda,
        town: Town,
        seed: int,
        write: Callable[[Entry], None],
        wall_offset_ns: int = 0,
    ) -> None:
        """Nobody is attached. `write` takes the ledger's lines."""
        self.agenda, self.town, self.seed = agenda, town, seed
        self._write = write
        self._offset_ns = wall_offset_ns
        self._attached: dict[str, Modem] = {}
        self.connections: dict[int, Connection] = {}
        self.calls = 0
        self.closing = False
        self.codes = Codes()
        self.texts = Texts()

    # ---- who is there

    def attach(self, modem: Modem) -> None:
        """A modem is registered with its card: texts that waited come."""
        if modem.card is not None:
            self._attached[modem.card.number] = modem
            modem.messages.arrive()

    def detach(self, modem: Modem) -> None:
        """It is not to be found any more."""
        for number, other in list(self._attached.items()):
            if other is modem:
                del self._attached[number]

    def text(self, number: str, sender: str, text: str) -> None:
        """Somebody sends a text to the card of an E.164 number."""
        self.texts.send(number, sender, text, self.wall_ms())
        if modem := self.holder(number):
            modem.messages.arrive()

    def submit(self, card: Card, message: Submit) -> None:
        """A card of the bank sends a text."""
        number = self.texts.sent(card, message, self.wall_ms())
        if modem := self.holder(number):
            modem.messages.arrive()

    def holder(self, number: str) -> Modem | None:
        """The modem with the card of an E.164 number, while attached."""
        return self._attached.get(number)

    # ---- calls from the bank

    def place(self, modem: Modem, leg: Leg, text: str) -> Connection:
        """A modem dials."""
        carrier = modem.card.carrier.name if modem.card else ""
        number = phone_of(text)
        connection = self._connection(carrier, text, modem.name)
        connection.caller = (modem, leg)
        other = self.holder(str(number)) if number else None
        if other is not None and other is not modem:
            self._plan(connection, self.town.setup_s_min / self.town.speed, self._reach, other)
            return connection
        who = person(self.town, self.seed, str(number or text), carrier)
        connection.person = who
        if number is None:
            self._plan(connection, who.setup_s, self._end, 1, 404, "called")
            return connection
        if who.alerts:
            self._plan(connection, who.setup_s, self._alert)
        if who.fate is Fate.ANSWERS:
            self._plan(connection, who.final_s, self._answer)
        else:
            self._plan(connection, who.final_s, self._end, who.q850, who.code, "called")
        return connection

    def _reach(self, connection: Connection, other: Modem) -> None:
        """Another card of the bank is called."""
        caller = connection.caller
        if caller is None or caller[0].card is None:
            return
        if not other.registered or self.closing:
            self._end(connection, 20, 480, "called")
            return
        leg = other.calls.ring(connection, shown(caller[0].card.number, other))
        if leg is None:
            self._end(connection, 17, 486, "called")
            return
        connection.called = (other, leg)
        self._alert(connection)
        self._plan(connection, self._ring_s(), self._end, 19, 480, "called")

    def _ring_s(self) -> float:
        return self.town.network_ring_s_max / self.town.speed

    # ---- calls to the bank

    def call(self, modem: Modem, caller: str, stays_s: float, keys: str = "") -> Connection | None:
        """Somebody outside calls a modem, waits for `stays_s`; None: it cannot be reached.

        Args:
            modem: who is called.
            caller: E.164 digits; "" withholds the number.
            stays_s: how long the caller waits for an answer, and then talks.
            keys: pressed one a second from the answer on.
        """
        if modem.card is None or not modem.registered or self.closing:
            return None
        seen_by = modem.card.carrier.name
        connection = self._connection(seen_by, modem.card.number, caller, rings=modem.name)
        connection.tones = list(keys)
        leg = modem.calls.ring(connection, shown(caller, modem) if caller else "")
        if leg is None:
            self._end(connection, 17, 486, "called")
            return None
        connection.called = (modem, leg)
        connection.rang_ns = self.agenda.now_ns
        self._plan(connection, min(stays_s, self._ring_s()), self._leaves_early)
        self._plan(connection, stays_s, self._end, 16, 200, "caller")
        return connection

    def _leaves_early(self, connection: Connection) -> None:
        if not connection.answered_ns:
            self._end(connection, 16, 487, "caller")

    # ---- what modems do

    def answer(self, connection: Connection) -> None:
        """The called modem took the call."""
        if connection.over:
            return
        connection.answered_ns = self.agenda.now_ns
        connection.sound = "voice"
        if connection.caller is not None:
            for due in connection.dues:
                due.cancel()
            modem, leg = connection.caller
            modem.calls.answered(leg)
            return
        for place, digit in enumerate(connection.tones, 1):
            self._plan(connection, float(place) / self.town.speed, self._key, digit)
        connection.tones = []

    def hang_up(self, connection: Connection, modem: Modem, q850: int) -> None:
        """One of its modems let go, or lost its radio."""
        ours = connection.caller is not None and connection.caller[0] is modem
        answered = connection.answered_ns > 0
        code = 200 if answered else 487 if ours else 603
        self._end(
            connection, q850 if answered or ours else 21, code, "caller" if ours else "called"
        )

    def pressed(self, connection: Connection, modem: Modem, keys: str) -> None:
        """Keys by command from one side."""
        if connection.over:
            return
        if connection.called is not None and connection.caller is not None:
            other = connection.called if connection.caller[0] is modem else connection.caller
            for digit in keys:
                other[0].calls.key(digit)
        connection.heard = (connection.heard + keys)[: limits.USER_CHARS_MAX]

    def lose(self, connection: Connection) -> None:
        """The network loses a call."""
        self._end(connection, 41, 503, "timeout")

    # ---- steps

    def _connection(self, carrier: str, user: str, source: str, rings: str = "") -> Connection:
        self.calls += 1
        call_id = f"{self.seed}-{self.calls}"
        seen = Seen(self.wall_ms(), carrier, call_id, user[: limits.USER_CHARS_MAX], source, rings)
        self._write(seen)
        connection = Connection(self.calls, seen, self.town.speed)
        connection.begun_ns = self.agenda.now_ns
        self.connections[self.calls] = connection
        return connection

    def _plan(
        self,
        connection: Connection,
        seconds: float,
        step: Callable[..., None],
        *values: object,
    ) -> None:
        def act() -> None:
            if not connection.over:
                step(connection, *values)

        connection.dues.append(self.agenda.after(seconds, act))

    def _alert(self, connection: Connection) -> None:
        connection.rang_ns = self.agenda.now_ns
        who = connection.person
        connection.sound = "sit" if who is not None and who.early_media else "ringback"
        if connection.caller is not None and connection.sound == "ringback":
            modem, leg = connection.caller
            modem.calls.alerting(leg)

    def _answer(self, connection: Connection) -> None:
        """The person takes the call."""
        if connection.caller is None or connection.person is None:
            return
        connection.answered_ns, connection.sound = self.agenda.now_ns, "voice"
        for at_s, digit in connection.person.keys:
            self._plan(connection, at_s, self._key, digit)
        self._plan(connection, connection.person.leaves_s, self._end, 16, 200, "called")
        modem, leg = connection.caller
        modem.calls.answered(leg)

    def _key(self, connection: Connection, digit: str) -> None:
        """The person presses a key: a tone in the sound, and maybe a word of the modem."""
        connection.digits += digit
        connection.tones.append(digit)
        side = connection.caller or connection.called
        if side is not None:
            side[0].calls.key(digit)

    def _end(
        self,
        connection: Connection,
        q850: int,
        code: int,
        by: Literal["caller", "called", "timeout", "shutdown"],
    ) -> None:
        if connection.over:
            return
        connection.over = True
        for due in connection.dues:
            due.cancel()
        connection.dues.clear()
        del self.connections[connection.number]
        self._write(self._entry(connection, q850, code, by))
        for side in (connection.caller, connection.called):
            if side is not None:
                side[0].calls.ended(side[1], q850)

    def _entry(
        self,
        connection: Connection,
        q850: int,
        code: int,
        by: Literal["caller", "called", "timeout", "shutdown"],
    ) -> Ended:
        what: Literal["answered", "cancelled", "rejected"] = "rejected"
        if connection.answered_ns:
            what, code = "answered", 200
        elif by == "caller":
            what, code = "cancelled", 487
        rang_ms = 0
        if connection.rang_ns:
            rang_ms = max(1, (connection.rang_ns - connection.begun_ns) // MS)
        answered_ms = (connection.answered_ns + self._offset_ns) // MS
        return Ended(
            self.wall_ms(),
            connection.seen.carrier,
            connection.seen.call_id,
            connection.seen.user,
            what,
            "shutdown" if self.closing else by,
            code,
            q850,
            rang_ms,
            answered_ms if connection.answered_ns else 0,
            connection.digits,
            connection.frames_in,
            connection.frames_out,
            connection.heard,
            connection.heard_audio,
        )

    def shut(self) -> None:
        """End every call, and take no more."""
        self.closing = True
        for connection in list(self.connections.values()):
            self._end(connection, 41, ANSWERS[Fate.CONGESTED][0], "called")

    def wall_ms(self) -> int:
        """Milliseconds since the epoch."""
        return (self.agenda.now_ns + self._offset_ns) // MS


def shown(number: str, modem: Modem) -> str:
    """A caller as the network of the called shows it: some nationally, some with the `+`."""
    national = modem.card is None or modem.card.carrier.name in ("viettel", "vinaphone")
    return "0" + number[2:] if national and number.startswith("84") else "+" + number
