"""One port of a bank: the machine that a driver feeds with bytes and time.

Its states and what may happen in each are in `gsm.port_table`; `gsm.life` joins its parts: coming
up (`starting`), idling (`watching`), calls (`calling`, `ending`, `keying`), codes and texts
(`texts`).

The driver calls one method, carries out what `drain` gives, then calls the next. Nothing that a
modem says makes any of them raise, nor grow memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Final

from gsm import port_table as table
from gsm.call import Call
from gsm.card import CardState
from gsm.carrier import Carrier
from gsm.dialect import Dialect
from gsm.effects import Effect, Reopen
from gsm.events import Cause, Identified, Locked, Signal, Unlocked
from gsm.floor import Floor
from gsm.life import Life
from gsm.limits import SECOND
from gsm.module_files import Deed
from gsm.number import DialString, RefusedError, operator_command, ussd_code
from gsm.settings import PortSettings

NOBODY: Final = "nobody talks on that call"


class Port:
    """See the module's text.

    Attributes:
        state: its name in `gsm.port_table.STATES`.
        ready: whether `dial` would be accepted now.
        why: what it waits for or suffers from; empty when all is well.
        identity, signal: as last told.
        today: days since 1970-01-01, for validity dates; the driver sets it.
    """

    def __init__(
        self,
        settings: PortSettings,
        dialects: Mapping[str, Dialect] | Iterable[Dialect],
        carriers: Iterable[Carrier],
        rng: Random,
    ) -> None:
        """A closed port; `start` begins its life."""
        if isinstance(dialects, Mapping):
            dialects = dialects.values()
        self._life = life = Life(Floor(settings, dialects, carriers, rng))
        self._floor = life.floor
        self._calling = life.calling
        self._texts = life.texts

    # what can be read

    @property
    def settings(self) -> PortSettings:
        """As given."""
        return self._floor.settings

    @property
    def state(self) -> str:
        """The present one's name."""
        return table.STATES[self._floor.state]

    @property
    def why(self) -> str:
        """Why it is not ready."""
        return self._floor.why

    @property
    def ready(self) -> bool:
        """Whether a call may be dialed now."""
        return self._floor.not_ready() == ""

    @property
    def identity(self) -> Identified | None:
        """Module and card."""
        return self._floor.identity

    @property
    def signal(self) -> Signal | None:
        """Strength and network."""
        return self._floor.signal

    @property
    def signal_asked(self) -> bool:
        """Whether the modem was asked for its signal, which is after it is ready: `Signal` told."""
        return self._life.watching.signal_asked

    @property
    def dialect(self) -> Dialect:
        """The one in use."""
        return self._floor.dialect

    @property
    def can(self) -> frozenset[str]:
        """What the module was found to have: voice, audio, clcc, ussd, sms."""
        return self._floor.can

    @property
    def today(self) -> int | None:
        """Days since 1970-01-01."""
        return self._floor.today

    @today.setter
    def today(self, day: int | None) -> None:
        self._floor.today = day

    def card_state(self) -> CardState:
        """What belongs to the card that is in: to be kept by its `iccid`."""
        return self._floor.care.card

    def know(self, card: CardState, now_ns: int) -> None:
        """What was kept about a card, the one in or another that may come.

        It takes the place of what has been counted since.
        """
        if card.iccid and card.iccid == self._floor.care.card.iccid:
            self._floor.care.card = card.copy()
        elif card.iccid:
            self._floor.cards[card.iccid] = card.copy()
        self._life.settle(now_ns)

    # the device

    def start(self, now_ns: int) -> None:
        """Begin: the driver is asked to open the device after the port's share of the stagger."""
        if self._floor.allows(table.START):
            self._life.failures = 0
            self._floor.move(table.START, now_ns, "starting")
            self._floor.put_effect(Reopen(self._floor.settings.start_ns))
            self._life.settle(now_ns)

    def opened(self, now_ns: int) -> None:
        """The device is open."""
        floor = self._floor
        if floor.state in (table.ABSENT, table.DEAD):
            floor.move(table.TIME, now_ns)
        if floor.allows(table.OPENED):
            floor.channel.opened(now_ns)
            floor.move(table.OPENED, now_ns, "looking for the modem")
            self._life.settle(now_ns)

    def flooded(self, now_ns: int) -> None:
        """It says more than can be listened to: it is left alone until its back-off is over."""
        if self._floor.allows(table.SILENT):
            self._life.flee(now_ns)
            self._life.settle(now_ns)

    def lost(self, why: str, now_ns: int) -> None:
        """It could not be opened, or is gone."""
        floor = self._floor
        waited = floor.until_ns is not None and now_ns >= floor.until_ns
        if floor.state in (table.ABSENT, table.DEAD) and waited:
            floor.move(table.TIME, now_ns)  # the driver's clock was first
        if self._floor.allows(table.LOST):
            self._life.leave(table.LOST, why, now_ns)
            self._life.settle(now_ns)

    def received(self, data: bytes, now_ns: int) -> None:
        """Bytes of the device."""
        self._floor.traced(data)
        self._texts.tick(now_ns)
        self._floor.channel.received(data, now_ns)
        self._life.settle(now_ns)

    def tick(self, now_ns: int) -> None:
        """Time has passed."""
        self._texts.tick(now_ns)
        self._floor.tick(now_ns)
        self._life.settle(now_ns)

    def deadline_ns(self) -> int | None:
        """When `tick` is due."""
        times = [self._floor.deadline_ns(), self._floor.care.next_ns()]
        return min((time for time in times if time is not None), default=None)

    def drain(self) -> list[Effect]:
        """What is to be done, once."""
        return self._floor.take_effects()

    @property
    def busy(self) -> bool:
        """Whether a command is under way or waits: a new one goes behind it."""
        return self._floor.channel.busy()

    @property
    def bulk(self) -> bool:
        """Whether a file's bytes come: no flood."""
        return self._floor.channel.bulk

    # calls

    def dial(
        self,
        leg: int,
        number: DialString,
        now_ns: int,
        call_s_max: int | None = None,
        ring_s_max: float = 0.0,
    ) -> str:
        """Call somebody; `leg` is not negative. Returns why it is refused, or nothing.

        An accepted call ends with exactly one `Ended`. `call_s_max` 0: it may last for ever, None:
        as the port's settings say. `ring_s_max` 0: as they say; a dialect may allow less.
        """
        why = self._floor.not_ready()
        if not why:
            longest = self.settings.call_s_max if call_s_max is None else call_s_max
            ring_ns = round(ring_s_max * SECOND) or self.settings.ring_ns_max
            self._calling.dial(leg, number, longest, ring_ns, now_ns)
            self._life.settle(now_ns)
        return why

    def answer(self, leg: int, now_ns: int) -> str:
        """Take a call that was told by `Incoming`. Returns why not, or nothing."""
        call = self._calling.call
        if call is None or call.leg != leg or self._floor.state != table.INCOMING:
            return "no such call rings"
        self._calling.answer(call, now_ns)
        self._life.settle(now_ns)
        return ""

    def hang_up(self, leg: int, now_ns: int) -> str:
        """End a call. It is over when `Ended` is told. Returns why not, or nothing."""
        call = self._calling.call
        if call is None or call.leg != leg:
            return "no such call"
        cause = Cause.ANSWERED if call.answered_ns is not None else Cause.CANCELLED
        if call.incoming and call.answered_ns is None:
            cause = Cause.REJECTED
        self._life.ending.hang_up(call, cause, "us", now_ns)
        self._life.settle(now_ns)
        return ""

    def digits(self, leg: int, text: str, now_ns: int) -> str:
        """Send keys. Returns why not, or nothing; `DigitsSent` tells when they are sent."""
        call = self._talk(leg)
        if call is None:
            return NOBODY
        why = self._life.keying.send(call, text, now_ns)
        self._life.settle(now_ns)
        return why

    # files on the module

    def play(self, leg: int, file: str, now_ns: int, longest_ns: int = 0) -> str:
        """Play a file to the far end; `FilePlayed` tells its end. Returns why not, or nothing.

        Its end is taken for granted after `longest_ns`, where that is not 0.
        """
        return self._begun(leg, self._life.files.playing, file, now_ns, longest_ns)

    def stop_playing(self, leg: int, now_ns: int) -> str:
        """Break it off. Returns why not, or nothing."""
        return self._stopped(leg, self._life.files.playing, now_ns)

    def record(self, leg: int, file: str, now_ns: int) -> str:
        """Record the far end; `FileRecorded` tells its end. Returns why not, or nothing."""
        return self._begun(leg, self._life.files.recording, file, now_ns)

    def stop_recording(self, leg: int, now_ns: int) -> str:
        """End it. Returns why not, or nothing."""
        return self._stopped(leg, self._life.files.recording, now_ns)

    def _begun(self, leg: int, deed: Deed, file: str, now_ns: int, longest_ns: int = 0) -> str:
        call = self._talk(leg)
        if call is None:
            return NOBODY
        why = self._life.files.begin(deed, call, file, now_ns, longest_ns)
        self._life.settle(now_ns)
        return why

    def _stopped(self, leg: int, deed: Deed, now_ns: int) -> str:
        if self._talk(leg) is None:
            return NOBODY
        why = self._life.files.stop(deed, now_ns)
        self._life.settle(now_ns)
        return why

    def _talk(self, leg: int) -> Call | None:
        call = self._calling.call
        active = call is not None and call.leg == leg and self._floor.state == table.ACTIVE
        return call if active else None

    def put_file(self, file: str, data: bytes, now_ns: int) -> str:
        """Put one on the module when the port is idle; `FilePut`. Returns why not, or nothing."""
        return self._moved("put", file, data, now_ns)

    def get_file(self, file: str, now_ns: int) -> str:
        """Fetch one when the port is idle; `FileGot`. Returns why not, or nothing."""
        return self._moved("get", file, b"", now_ns)

    def drop_file(self, file: str, now_ns: int) -> str:
        """Remove one when the port is idle. Returns why not, or nothing."""
        return self._moved("drop", file, b"", now_ns)

    def _moved(self, what: str, file: str, data: bytes, now_ns: int) -> str:
        if self._floor.state not in table.UP:
            return f"not now: {self.state}"
        why = self._life.files.want(what, file, data)
        self._life.settle(now_ns)
        return why

    # codes, texts, operators

    def ussd(self, code: str, now_ns: int) -> str:
        """Send a code, or the answer to an open menu. Returns why not, or nothing."""
        try:
            code = ussd_code(code)
        except RefusedError as error:
            return str(error)
        floor = self._floor
        menu = floor.state == table.USSD and self._texts.menu_open()
        if not floor.allows(table.CODE) and not menu:
            return f"not now: {self.state}"
        if "ussd" not in floor.can:
            return "this modem has no USSD"
        floor.cancel("menu")
        self._texts.code(code, now_ns)
        self._life.settle(now_ns)
        return ""

    def sms(self, ref: int, number: DialString, text: str, now_ns: int) -> str:
        """Send a text when the port is idle. Returns why not, or nothing."""
        if self._floor.state not in table.UP:
            return f"not now: {self.state}"
        try:
            why = self._texts.send(ref, number, text)
        except RefusedError as error:
            return str(error)
        self._life.settle(now_ns)
        return why

    def sms_kept(self, places: Iterable[int], now_ns: int) -> None:
        """These slots' texts are on disk and can be freed."""
        self._texts.kept(places)
        self._life.settle(now_ns)

    def at(self, text: str, now_ns: int) -> str:
        """Pass an operator's command on; `AtReply` answers. Returns why not, or nothing."""
        try:
            text = operator_command(text)
        except RefusedError as error:
            return str(error)
        why = self._texts.command(text, now_ns)
        self._life.settle(now_ns)
        return why

    def reset(self, now_ns: int, why: str = "asked for") -> None:
        """Reset the module when the port is idle."""
        self._floor.reset_why = why or "asked for"
        self._life.settle(now_ns)

    def block(self, reason: str, until_ns: int | None, now_ns: int) -> str:
        """No calls of ours by this card until then, or until `unblock`. Returns why not."""
        if not self._floor.care.card.known:
            return "no SIM is known here, and it is SIMs that are blocked"
        if self._floor.care.lock(reason, until_ns):
            self._floor.tell(Locked(reason, until_ns))
        self._life.settle(now_ns)
        return ""

    def unblock(self, now_ns: int, reason: str = "") -> None:
        """Remove a lock, or all, and with all that a PIN was refused: it is tried once more."""
        card = self._floor.care.card
        if not reason and card.refused_pin:
            card.refused_pin = ""
            if self._floor.state == table.SIM_FAULT:
                self._floor.move(table.CARD, now_ns, "its PIN is tried again")
        for gone in self._floor.care.unlock(reason):
            self._floor.tell(Unlocked(gone))
        self._life.settle(now_ns)

    def drain_port(self, now_ns: int) -> None:
        """Hang up and close the device, within 3 s; `start` begins anew."""
        floor = self._floor
        if not floor.allows(table.DRAIN):
            return
        self._life.wind_up(now_ns)
        self._life.settle(now_ns)
