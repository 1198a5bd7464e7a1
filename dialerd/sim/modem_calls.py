"""Voice calls of one simulated modem: TS 27.007, 7.15, 7.17, 7.18 and 22.030, 6.5.5.

    DIALING ── network ──> ALERTING ── answer ──> ACTIVE <──> HELD
    INCOMING / WAITING ── ATA ──> ACTIVE           RELEASED: from every state

The number of a state is the one that +CLCC shows.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from dialerd.sim import limits
from dialerd.sim.modem_agenda import S
from dialerd.sim.modem_kit import RefusalError

if TYPE_CHECKING:
    from dialerd.sim.modem import Modem
    from dialerd.sim.modem_network import Connection


class Stat(IntEnum):
    """States of +CLCC; 6 is what Quectel and SIMCom add."""

    ACTIVE = 0
    HELD = 1
    DIALING = 2
    ALERTING = 3
    INCOMING = 4
    WAITING = 5
    RELEASED = 6


class Leg:
    """One call as the modem has it."""

    def __init__(self, index: int, number: str, stat: Stat, *, outgoing: bool) -> None:
        """Of `number` as it was dialed, or as the network shows the caller."""
        self.index, self.outgoing, self.number, self.stat = index, outgoing, number, stat
        self.connection: Connection | None = None
        self.shown = stat is not Stat.DIALING  # whether the network knows of it (^ORIG was said)
        self.late = False  # OK of ATD is still owed
        self.leaving = False  # we hang up; its end comes
        self.answered_ns = 0
        self.q850 = 0
        self.by_us = False

    @property
    def type(self) -> int:
        """Type of number, TS 24.008, 10.5.4.7."""
        return 145 if self.number.startswith("+") else 129

    def seconds(self, now_ns: int) -> int:
        """How long it has been answered."""
        return (now_ns - self.answered_ns) // S if self.answered_ns else 0


class Calls:
    """The calls of one modem."""

    def __init__(self, modem: Modem) -> None:
        """None."""
        self._modem = modem
        self.legs: list[Leg] = []
        self.last_q850 = 0

    def live(self, *stats: Stat) -> list[Leg]:
        """Calls that are not over, of these states."""
        return [
            leg
            for leg in self.legs
            if leg.stat is not Stat.RELEASED and (not stats or leg.stat in stats)
        ]

    def sounding(self) -> Leg | None:
        """The call whose sound the modem carries: ringback is heard too."""
        for leg in self.legs:
            if leg.stat is Stat.ACTIVE or (leg.stat is Stat.ALERTING and leg.outgoing):
                return leg
        return None

    def _new(self, number: str, stat: Stat, *, outgoing: bool) -> Leg:
        self.legs = self.live()
        taken = {leg.index for leg in self.legs}
        low = 2 if self._modem.habits.data_call else 1
        index = next(i for i in range(low, low + limits.MODEM_LEGS_MAX + 1) if i not in taken)
        leg = Leg(index, number, stat, outgoing=outgoing)
        self.legs.append(leg)
        return leg

    # ---- asked by the program

    def dial(self, number: str, *, late: bool) -> None:
        """Begin a call; RefusalError."""
        modem = self._modem
        if not modem.registered:
            raise RefusalError(result="NO CARRIER")
        if self.live():
            raise RefusalError(3)
        leg = self._new(number, Stat.DIALING, outgoing=True)
        leg.late = late
        leg.connection = modem.network.place(modem, leg, number)
        modem.later(modem.rng.uniform(0.05, 0.2), self._shown, leg)

    def _shown(self, leg: Leg) -> None:
        if leg.stat is Stat.DIALING and not leg.shown:
            leg.shown = True
            self._tell(leg, "dialing")

    def answer(self, leg: Leg) -> None:
        """Take an incoming call."""
        for other in self.live(Stat.ACTIVE):
            other.stat = Stat.HELD
        leg.stat, leg.answered_ns = Stat.ACTIVE, self._modem.agenda.now_ns
        if leg.connection is not None:
            self._modem.network.answer(leg.connection)
        self._tell(leg, "answered")
        self._modem.sound()

    def hang_up(self, leg: Leg) -> None:
        """Let go of a call; its end takes the network a moment."""
        if leg.leaving or leg.stat is Stat.RELEASED:
            return
        leg.leaving = True
        self._modem.agenda.after(
            self._modem.rng.uniform(0.05, 0.3), lambda: self._over(leg, 16, by_us=True)
        )

    # ---- told by the network

    def alerting(self, leg: Leg) -> None:
        """The called telephone rings."""
        if leg.stat is Stat.DIALING:
            self._shown(leg)
            leg.stat = Stat.ALERTING
            self._tell(leg, "alerting")
            self._modem.sound()

    def answered(self, leg: Leg) -> None:
        """Somebody answered."""
        modem = self._modem
        if leg.stat not in (Stat.DIALING, Stat.ALERTING):
            return
        self._shown(leg)
        leg.stat, leg.answered_ns = Stat.ACTIVE, modem.agenda.now_ns
        self._tell(leg, "answered")
        if leg.late:
            leg.late = False
            if modem.set["COLP"]:
                modem.tell(f'+COLP: "{leg.number}",{leg.type},,,')
            modem.tell(modem.habits.late_says[0])
        modem.sound()

    def ended(self, leg: Leg, q850: int) -> None:
        """The far side or the network ended it."""
        self._over(leg, q850, by_us=False)

    def ring(self, connection: Connection, number: str) -> Leg | None:
        """A call comes; None: busy."""
        modem = self._modem
        if len(self.live()) >= limits.MODEM_LEGS_MAX or (self.live() and not modem.set["CCWA"]):
            return None
        waiting = bool(self.live())
        leg = self._new(number, Stat.WAITING if waiting else Stat.INCOMING, outgoing=False)
        leg.connection = connection
        if waiting:
            modem.urc(f'+CCWA: "{number}",{leg.type},1,""')
        else:
            self._ring(leg, 1)
        return leg

    def key(self, digit: str) -> None:
        """The far side pressed a key, and the modem's detector heard it."""
        if self._modem.set["keys"] and self._modem.habits.key_urc:
            self._modem.urc(self._modem.habits.key_urc.format(digit=digit, code=ord(digit)))

    def drop(self, q850: int) -> None:
        """The radio is gone: so are all calls."""
        for leg in self.live():
            self._over(leg, q850, by_us=True)
        self.legs.clear()

    # ---- inside

    def _ring(self, leg: Leg, turn: int) -> None:
        modem = self._modem
        if leg.stat is not Stat.INCOMING or leg.leaving:
            return
        modem.urc("+CRING: VOICE" if modem.set["CRC"] else "RING")
        if modem.set["CLIP"]:
            modem.urc(f'+CLIP: "{leg.number}",{leg.type},,,,0')
        self._tell(leg, "ringing")
        if turn == modem.set["S0"]:
            self.answer(leg)
            return
        modem.later(modem.habits.ring_every_s * modem.hurry, self._ring, leg, turn + 1)

    def _over(self, leg: Leg, q850: int, *, by_us: bool) -> None:
        if leg.stat is Stat.RELEASED:
            return
        self._shown(leg)
        modem = self._modem
        connection, leg.connection = leg.connection, None
        before = leg.stat
        leg.stat, leg.q850, leg.by_us = Stat.RELEASED, q850, by_us
        self.last_q850 = q850
        if by_us and connection is not None:
            modem.network.hang_up(connection, modem, q850)
        if not modem.habits.released_s:
            self.legs.remove(leg)
        else:
            modem.later(modem.habits.released_s, self._forget, leg)
        self._tell(leg, "missed" if before is Stat.INCOMING and not by_us else "ended")
        modem.sound()

    def _forget(self, leg: Leg) -> None:
        if leg in self.legs:
            self.legs.remove(leg)

    def _tell(self, leg: Leg, what: str) -> None:
        modem = self._modem
        lines = list(modem.habits.tells(modem, leg, what))
        if modem.set["CLCC"]:
            lines.append(line_of(modem, leg))
        for line in lines:
            modem.urc(line)
        if leg.late and leg.stat is Stat.RELEASED:  # ATD is still to be answered
            leg.late = False
            final = modem.habits.late_says[1] or result(leg)
            if final not in lines:
                modem.tell(final)


def result(leg: Leg) -> str:
    """The result code that tells the end of a call, V.250, 6.3.1 and TS 27.007, 7.17."""
    if leg.q850 == 17:
        return "BUSY"
    if leg.q850 in (18, 19) and not leg.answered_ns:
        return "NO ANSWER"
    return "NO CARRIER"


def unasked(_m: Modem, leg: Leg, what: str) -> list[str]:
    """What 27.007 says: a result code at the end, nothing before."""
    return [result(leg)] if what in ("ended", "missed") and not leg.by_us else []


def line_of(modem: Modem, leg: Leg) -> str:
    """A call in +CLCC."""
    way = 0 if leg.outgoing else 1
    alpha = modem.habits.clcc_alpha
    return f'+CLCC: {leg.index},{way},{int(leg.stat)},0,0,"{leg.number}",{leg.type}{alpha}'
